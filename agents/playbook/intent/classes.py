"""Which images are told from which: the classes of the spec, from the sentences that set the task."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agents.playbook.intent import quoting
from agents.playbook.intent.goal import number_cut
from agents.playbook.intent.grades import order_is_asked_for
from agents.playbook.intent.look_alikes import is_look_alike
from agents.playbook.intent.purpose import ask_what_for
from agents.playbook.intent.sides import sides_of, unknown_words
from agents.playbook.intent.targets import (
    Target,
    ask_about_absent,
    ask_for_codes,
    is_the_only_finding,
    only_finding,
    resolve,
)
from agents.playbook.intent.task import TASK_TAGS, candidates_in, counted_classes, task_sentences, without_denied
from tasks.domain.manifest import absent
from tasks.domain.spec import BINARY, DETECTION, MULTILABEL, ORDINAL, REGRESSION, SEGMENTATION

if TYPE_CHECKING:
    from agents.playbook.intent.data_words import DataLabel
    from agents.playbook.intent.goal import Goal
    from agents.playbook.intent.reading import Reading


@dataclass(slots=True)
class Group:
    """Labels that count as one class."""

    labels: tuple[str, ...]
    plain: str
    spans: list[tuple[int, int]] = field(default_factory=list)
    """Units that it rests on; empty where it rests on the profile."""
    is_rest: bool = False
    name: str = ""
    """Short name, where the labels give none."""


@dataclass(slots=True)
class Choice:
    """The classes as read, in the order in which they were named; empty while a question is open."""

    groups: list[Group]
    named: list[Group]
    """Those that the request names; the positive class is one of them."""
    task: str = ""
    """As in `Spec.task`; empty where the number of classes decides between two and several."""


def choose_classes(
    reading: Reading, goal: Goal, *, excluded: tuple[str, ...], counted: dict[str, str]
) -> Choice | None:
    """Return the classes that a request sets, or None after a blocking question was asked."""
    if goal.task == REGRESSION:
        cut = number_cut(reading)
        return unlabelled(*cut) if cut is not None else Choice([], [], REGRESSION)
    asked = _blocking(reading)
    sentences = task_sentences(reading)
    positions = without_denied(reading, [at for sentence in sentences for at in candidates_in(reading, sentence)])
    targets = {at: resolve(reading, reading.units[at], counted) for at in positions}
    for sentence in sentences:
        for wording in unknown_words(reading, sentence, candidates_in(reading, sentence)):
            if not is_the_only_finding(reading, wording):
                ask_about_absent(reading, wording)
    telling = [
        sentence for sentence in sentences if candidates_in(reading, sentence) or counted_classes(reading, sentence)
    ] or sentences
    for sentence in telling:
        reading.used.update(k for k in sentence if reading.units[k].tags & TASK_TAGS)
    if _blocking(reading) > asked:
        return _without_labels(reading, targets)
    if goal.task in {DETECTION, SEGMENTATION}:
        return _located(reading, goal, targets, excluded)
    choice = _from_sentences(reading, sentences, targets, excluded)
    if choice is None:
        if _blocking(reading) == asked:
            _ask_for_classes(reading)
        return None
    return _checked(reading, choice)


def _blocking(reading: Reading) -> int:
    return sum(question.blocking for question in reading.questions)


def _without_labels(reading: Reading, targets: dict[int, Target]) -> Choice | None:
    """Return the draft of a task whose one finding the data has no label for."""
    missing = [at for at, target in targets.items() if not target.labels]
    meaning = reading.units[missing[0]].meaning if len(missing) == 1 else None
    known = reading.data.lexicon.concepts.get(meaning.concept) if meaning is not None else None
    if known is None or (known.kind == "umbrella" and not known.merge):
        return None
    return unlabelled(known.plain, (missing[0], missing[0] + 1))


def unlabelled(plain: str, span: tuple[int, int]) -> Choice:
    """Return the two classes of a finding that has no label in the data."""
    positive = Group((), plain, [span])
    return Choice([Group((), f"no {plain}", is_rest=True), positive], [positive], BINARY)


def _located(reading: Reading, goal: Goal, targets: dict[int, Target], excluded: tuple[str, ...]) -> Choice | None:
    """Return the kinds of objects whose places are asked for: those named beside the words for places, else all but look-alikes."""
    look_alikes = {item.label for item in reading.data.labels if is_look_alike(reading, item)}
    found = _distinct(reading, _beside_places(reading, goal) or targets)
    named = [group for group in found if set(group.labels) - set(excluded) - look_alikes]
    if named:
        return Choice(named, named, goal.task)
    left_out = {*excluded, *look_alikes}
    kinds = [item for item in reading.data.labels if not (item.denies or item.answer or item.label in left_out)]
    if not kinds:
        _ask_for_classes(reading)
        return None
    groups = [Group((item.label,), reading.data.plain(item.label)) for item in kinds]
    return Choice(groups, groups, goal.task)


def _beside_places(reading: Reading, goal: Goal) -> dict[int, Target]:
    """Return the kinds that the sentence names which asks for places."""
    sentence = next((s for s in reading.sentences() if goal.first in s), range(0))
    return {at: Target(reading.units[at].labels) for at in candidates_in(reading, sentence) if reading.units[at].labels}


def _from_sentences(
    reading: Reading, sentences: list[range], targets: dict[int, Target], excluded: tuple[str, ...]
) -> Choice | None:
    every = [item for item in _nameable(reading) if item.label not in excluded]
    count = next((found for sentence in sentences if (found := counted_classes(reading, sentence))), None)
    named = _distinct(reading, targets)
    if count is not None and _count_is_wrong(reading, count, named=len(named), available=len(every)):
        return None
    multi = next((k for s in sentences for k in s if "MULTI" in reading.units[k].tags and not _weighs_alike(reading, s)), None)
    if (
        len(named) < 2
        and not (named and any(_or_not(reading, span) for span in named[0].spans))
        and (count is not None or multi is not None)
        and not (count is not None and count[0] == 2 and named)
    ):
        span = count[1:] if count is not None else (multi or 0, (multi or 0) + 1)
        return _all_labels(reading, span, excluded)
    for sentence in sentences:
        sides = sides_of(reading, sentence, targets)
        if len(sides) > 1 and not _names_a_whole_and_its_parts(named):
            return _sided(reading, sides, targets, excluded)
    if _names_a_whole_and_its_parts(named):
        return _all_labels(reading, named[0].spans[0], excluded)
    if named:
        return _flat(reading, sentences, named, excluded)
    return _unnamed(reading, sentences, excluded)


def _weighs_alike(reading: Reading, sentence: range) -> bool:
    """'All classes have the same importance' says nothing of which classes there are."""
    return any("EQUAL" in reading.units[k].tags for k in sentence)


def _or_not(reading: Reading, span: tuple[int, int]) -> bool:
    """'Acute otitis media or not' asks for that alone, whatever else speaks of all classes."""
    after = reading.units[span[1] : span[1] + 2]
    return any("REST" in unit.tags or unit.norm in {"yes or no", "y / n", "yes / no"} for unit in after)


def _names_a_whole_and_its_parts(named: list[Group]) -> bool:
    """'Pneumonia, and tell bacterial from viral too' wants the kinds of what it names first, and the normal ones."""
    return any(
        len(group.labels) > 1 and set(group.labels) == {label for other in named if other is not group for label in other.labels}
        for group in named
    )


def _nameable(reading: Reading) -> list[DataLabel]:
    """Return the labels that can be classes of their own: of findings that occur together not their absence."""
    several = len(reading.data.findings) > 1
    return [item for item in reading.data.labels if not (several and item.denies)]


def _distinct(reading: Reading, targets: dict[int, Target]) -> list[Group]:
    groups: list[Group] = []
    nameable = {item.label for item in _nameable(reading)}
    for at, target in targets.items():
        if not nameable & set(target.labels):
            continue
        same = next((group for group in groups if group.labels == target.labels), None)
        if same is not None:
            same.spans.append((at, at + 1))
        else:
            groups.append(Group(target.labels, target.name or reading.data.plain(target.labels[0]), [(at, at + 1)]))
    return groups


def _count_is_wrong(reading: Reading, count: tuple[int, int, int], *, named: int, available: int) -> bool:
    number, first, end = count
    total = len(_nameable(reading))
    if number in {named, available, total} or (number == 2 and named == 1) or (named > 1 and number == named + 1):
        return False
    labels = tuple(item.label for item in _nameable(reading)[:20])
    shown = quoting.listed(quoting.code(label) for label in labels)
    reading.ask(
        "classes", f"You speak of {quoting.words(reading.words(first, end))}; the data has {total} labels: {shown}. Which should the model tell apart?",
        options=labels, blocking=True, kind="classes",
    )  # fmt: skip
    return True


def _all_labels(reading: Reading, span: tuple[int, int], excluded: tuple[str, ...]) -> Choice:
    groups = [
        Group((item.label,), reading.data.plain(item.label), [span])
        for item in _nameable(reading)
        if item.label not in excluded
    ]
    return Choice(groups, groups, MULTILABEL if len(reading.data.findings) > 1 and len(groups) > 1 else "")


def _sided(
    reading: Reading, sides: list[list[int]], targets: dict[int, Target], excluded: tuple[str, ...]
) -> Choice | None:
    """'A versus B', 'A and B versus the rest': each side is one class."""
    groups: list[Group] = []
    rest_span: tuple[int, int] | None = None
    for side in sides:
        things = [at for at in side if at in targets]
        if not things:
            rest_span = (side[0], side[-1] + 1)
            continue
        labels = tuple(dict.fromkeys(label for at in things for label in targets[at].labels))
        names = list(dict.fromkeys(targets[at].name or reading.data.plain(targets[at].labels[0]) for at in things))
        groups.append(Group(labels, quoting.listed(names, last="or"), [(at, at + 1) for at in things]))
    if rest_span is None:
        return Choice(groups, groups)
    return _with_rest(reading, groups, excluded, rest_span)


def _with_rest(
    reading: Reading, groups: list[Group], excluded: tuple[str, ...], span: tuple[int, int] | None
) -> Choice | None:
    taken = {label for group in groups for label in group.labels}
    if len(reading.data.findings) > 1:
        left = tuple(absent(label) for label in reading.data.findings if label in taken)
    else:
        labels = (item.label for item in reading.data.labels)
        left = tuple(label for label in labels if label not in taken and label not in excluded)
    if not left and len(groups) > 1:
        return Choice(groups, groups)
    if not left:
        reading.ask(
            "classes", "Nothing is left in the data to tell this from. What should it be told from?", blocking=True, kind="label_missing"
        )
        return None
    plain = _plain_rest(reading, left, groups)
    rest = Group(left, plain, [span] if span is not None else [], is_rest=True)
    return Choice([rest, *groups] if len(groups) == 1 else [*groups, rest], groups)


def _plain_rest(reading: Reading, left: tuple[str, ...], groups: list[Group]) -> str:
    if len(left) > 1 and len(reading.data.findings) < 2:
        return "everything else"
    denied = reading.data.find(left[0]).answer == "absent"
    return f"no {groups[0].plain}" if denied else reading.data.plain(left[0])


def _flat(reading: Reading, sentences: list[range], named: list[Group], excluded: tuple[str, ...]) -> Choice | None:
    tags = frozenset[str]().union(*(reading.units[k].tags for s in sentences if candidates_in(reading, s) for k in s))
    everywhere = frozenset[str]().union(*(unit.tags for unit in reading.units))
    rest = next((k for s in sentences for k in s if "REST" in reading.units[k].tags and k not in reading.claimed), None)
    if len(named) == 1:
        denial = _denied_twin(reading, sentences)
        return _with_rest(reading, named, excluded, (rest, rest + 1) if rest is not None else denial)
    if rest is not None:
        return _with_rest(reading, named, excluded, (rest, rest + 1))
    others = (
        {item.label for item in reading.data.labels}
        - {label for group in named for label in group.labels}
        - set(excluded)
    )
    separate = (
        tags & {"TASK_SPLIT", "TASK_SORT", "MULTI"}
        or "APART" in everywhere
        or "TASK_DETECT" not in tags
        or _either(reading, sentences)
    )
    if "TOGETHER" in everywhere:
        return _with_rest(reading, [_merged(named)], excluded, None)
    if len(reading.data.findings) > 1:
        return Choice(list(named), list(named), MULTILABEL)
    if others and not separate:
        names = [quoting.plain(group.plain) for group in named]
        reading.ask(
            "classes",
            f"Should {quoting.listed(names)} be one class against everything else (write \u201ctaken together\u201d), or classes of their own "
            "(write \u201cas separate classes\u201d)?",
            options=("taken together", "as separate classes"), blocking=True,
        )  # fmt: skip
        return None
    return Choice(list(named), list(named))


def _either(reading: Reading, sentences: list[range]) -> bool:
    """'Is this a melanoma or a mole?' asks for one of two, unlike 'detect melanoma and BCC'."""
    for sentence in sentences:
        if sentence.stop < len(reading.units) and reading.units[sentence.stop].norm == "?":
            return True
    return False


def _merged(groups: list[Group]) -> Group:
    labels = tuple(label for group in groups for label in group.labels)
    spans = [span for group in groups for span in group.spans]
    return Group(labels, quoting.listed([group.plain for group in groups], last="or"), spans)


def _denied_twin(reading: Reading, sentences: list[range]) -> tuple[int, int] | None:
    """Return where 'no X' or 'not X' stands beside X: the words that the rest class rests on."""
    for sentence in sentences:
        for at in sentence:
            if reading.units[at].is_class and reading.denied(at, within=2):
                return at, at + 1
    return None


def _unnamed(reading: Reading, sentences: list[range], excluded: tuple[str, ...]) -> Choice | None:
    """No finding is named in the sentences that set the task: take all labels if it says to sort, else look elsewhere."""
    tags = frozenset[str]().union(*(reading.units[k].tags for s in sentences for k in s)) if sentences else frozenset()
    nameable = {item.label for item in _nameable(reading)}
    spoken_for = [at for at in sorted(reading.claimed) if nameable & set(reading.units[at].labels)]
    sorting = next(
        (k for s in sentences for k in s if reading.units[k].tags & {"TASK_SORT", "TASK_SPLIT", "TASK_BUILD"}), None
    )
    vague = any("VAGUE" in reading.units[k].tags for s in sentences for k in s)
    only = only_finding(reading.data)
    if sentences and not spoken_for and not vague and only is not None:
        return _with_rest(reading, [Group((only.label,), reading.data.plain(only.label))], excluded, None)
    if sorting is not None and (tags & {"TASK_SORT", "TASK_SPLIT"} or not spoken_for):
        if all(item.answer == "opaque" for item in reading.data.labels):
            ask_for_codes(reading)
            return None
        labels = [item.label for item in _nameable(reading) if item.label not in excluded]
        reading.ask(
            "classes", f"You name no diagnoses, so the model will tell apart {'both' if len(labels) == 2 else f'all {len(labels)}'} labels of the data: "
            f"{quoting.listed(_shown(reading, label) for label in labels[:20])}. Is that right?", options=("yes", "no"), default="yes", kind="classes",
        )  # fmt: skip
        return _all_labels(reading, (sorting, sorting + 1), excluded)
    if spoken_for and not any("VAGUE" in unit.tags for unit in reading.units):
        groups = _distinct(reading, {at: Target(reading.units[at].labels) for at in spoken_for})
        if len(groups) == 1:
            return _with_rest(reading, groups, excluded, None)
        return Choice(groups, groups, MULTILABEL if len(reading.data.findings) > 1 else "")
    return None


def _ask_for_classes(reading: Reading) -> None:
    if len(reading.data.labels) < 2:
        reading.ask(
            "classes",
            "The data has fewer than two labels, so there is nothing to tell apart. Is this the right label column?",
            blocking=True,
            kind="label_missing",
        )
        return
    ask_what_for(reading)


def _shown(reading: Reading, label: str) -> str:
    """Return a label as code, with plain words where it is a bare number."""
    plain = (
        f" ({quoting.plain(reading.data.plain(label))})"
        if label.strip().isdigit() and reading.data.find(label).concept
        else ""
    )
    return quoting.code(label) + plain


def _checked(reading: Reading, choice: Choice) -> Choice | None:
    seen: set[str] = set()
    for group in choice.groups:
        if seen & set(group.labels):
            both = quoting.listed(quoting.code(label) for label in group.labels if label in seen)
            reading.ask(
                "classes", f"{both} would count as two different classes. On which side does it belong?", blocking=True
            )
            return None
        seen.update(group.labels)
    if len(choice.groups) < 2 and choice.task != MULTILABEL:
        reading.ask(
            "classes",
            "Only one class is left, and a model needs at least two. What should it be told from?",
            blocking=True,
        )
        return None
    if not reading.data.findings:
        _ask_about_left_normals(reading, seen)
    if not choice.task and len(choice.groups) > 2 and order_is_asked_for(reading):
        choice.task = ORDINAL
    return choice


def _ask_about_left_normals(reading: Reading, used: set[str]) -> None:
    """Ask where findings are told apart and the images without any would be left out."""
    for item in reading.data.labels:
        if item.concept == "normal" and item.label not in used and not item.denies:
            reading.ask(
                "classes", f"The {item.images:,} images labelled {quoting.code(item.label)} are left out, as you do not name them. Should they be a class too?",
                options=("leave them out", "add them: name them in the request"), default="leave them out",
            )  # fmt: skip
