"""From the sentences that set a task to groups of labels: 'A versus B', 'A or not', 'A, B and C', 'all diagnoses'."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents import quoting
from agents.playbook.intent.choice import (
    Choice,
    Group,
    distinct_groups,
    nameable_labels,
    names_a_whole_and_its_parts,
)
from agents.playbook.intent.confirming import confirm_all_labels, confirm_the_only_finding
from agents.playbook.intent.evidence import has, tags_in, wordings
from agents.playbook.intent.lists import foreign_name
from agents.playbook.intent.sides import sides_of
from agents.playbook.intent.single import mentions_of_the_only_finding
from agents.playbook.intent.targets import (
    UNGRADABLE,
    Target,
    ask_about_absent,
    ask_for_codes,
    only_finding,
)
from agents.playbook.intent.task import candidates_in, counted_classes, is_of_all
from tasks.domain.manifest import absent
from tasks.domain.spec import MULTILABEL

if TYPE_CHECKING:
    from agents.playbook.intent.reading import Reading

_SIDE_BY_SIDE = wordings(
    "often", "two", "sometimes", "occur", "may", "can", "come", "several", "seen", "usually", "both"
)


def groups_of_sentences(
    reading: Reading, sentences: list[range], targets: dict[int, Target], excluded: tuple[str, ...]
) -> Choice | None:
    """Return the classes that the sentences which set the task name; None where they name none, or a question was asked."""
    every = [item for item in nameable_labels(reading) if item.label not in excluded]
    count = next((found for sentence in sentences if (found := counted_classes(reading, sentence))), None)
    named = distinct_groups(reading, targets)
    if count is not None and _count_is_wrong(reading, count, named=len(named), available=len(every)):
        return None
    multi = next((k for s in sentences for k in s if is_of_all(reading, k) and not _weighs_alike(reading, s)), None)
    if (
        len(named) < 2
        and not (named and any(_or_not(reading, span) for span in named[0].spans))
        and (count is not None or multi is not None)
        and not (count is not None and count[0] == 2 and named)
    ):
        span = count[1:] if count is not None else (multi or 0, (multi or 0) + 1)
        return _all_unless_others_are_listed(reading, span, excluded)
    for sentence in sentences:
        sides = sides_of(reading, sentence, targets)
        if len(sides) > 1 and not names_a_whole_and_its_parts(named):
            return _sided(reading, sides, targets, excluded)
    if names_a_whole_and_its_parts(named):
        return _all_labels(reading, named[0].spans[0], excluded)
    if named:
        return _flat(reading, sentences, named, excluded)
    return _unnamed(reading, sentences, excluded)


def _all_unless_others_are_listed(reading: Reading, span: tuple[int, int], excluded: tuple[str, ...]) -> Choice | None:
    foreign = foreign_name(reading)
    if not foreign:
        return _all_labels(reading, span, excluded)
    ask_about_absent(reading, foreign)
    return None


def _weighs_alike(reading: Reading, sentence: range) -> bool:
    """'All classes have the same importance' says nothing of which classes there are."""
    return any("EQUAL" in reading.units[k].tags for k in sentence)


def _or_not(reading: Reading, span: tuple[int, int]) -> bool:
    """'Acute otitis media or not' asks for that alone, whatever else speaks of all classes."""
    after = reading.units[span[1] : span[1] + 2]
    return any("REST" in unit.tags or unit.norm in {"yes or no", "y / n", "yes / no"} for unit in after)


def _count_is_wrong(reading: Reading, count: tuple[int, int, int], *, named: int, available: int) -> bool:
    number, first, end = count
    total = len(nameable_labels(reading))
    kinds = total - sum(item.answer == "any" for item in nameable_labels(reading))
    if (
        number in {named, available, total, kinds}
        or (number == 2 and named == 1)
        or (named > 1 and number == named + 1)
    ):
        return False
    labels = tuple(item.label for item in nameable_labels(reading)[:20])
    shown = quoting.listed(quoting.code(label) for label in labels)
    reading.ask(
        "classes", f"You speak of {quoting.words(reading.words(first, end))}; the data has {total} labels: {shown}. Which should the model tell apart?",
        options=labels, blocking=True, kind="classes",
    )  # fmt: skip
    return True


def _all_labels(reading: Reading, span: tuple[int, int], excluded: tuple[str, ...]) -> Choice:
    groups = [
        Group((item.label,), reading.data.plain(item.label), [span])
        for item in nameable_labels(reading)
        if item.label not in excluded
        and not (reading.data.findings and (item.concept == "normal" or item.answer == "any"))
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
            "classes",
            "Nothing is left in the data to tell this from. What should it be told from?",
            blocking=True,
            kind="label_missing",
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
    only = only_finding(reading.data)
    if (
        len(named) == 1
        and only is not None
        and only.label not in named[0].labels
        and mentions_of_the_only_finding(reading)
    ):
        named = [Group((only.label,), reading.data.plain(only.label), named[0].spans)]  # 'normal' is named beside it
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
    if "TOGETHER" in everywhere and not (len(reading.data.findings) > 1 and _occur_together(reading)):
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


def _occur_together(reading: Reading) -> bool:
    """'Often two together' says that findings occur side by side, and does not make one class of them."""
    return any(
        has(reading, sentence, _SIDE_BY_SIDE)
        for sentence in reading.sentences()
        if "TOGETHER" in tags_in(reading, sentence)
    )


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
    nameable = {item.label for item in nameable_labels(reading)}
    nameable -= {item.label for item in reading.data.labels if set(item.words) & UNGRADABLE}
    spoken_for = [at for at in sorted(reading.claimed) if nameable & set(reading.units[at].labels)]
    sorting = next(
        (k for s in sentences for k in s if reading.units[k].tags & {"TASK_SORT", "TASK_SPLIT", "TASK_BUILD"}), None
    )
    vague = any("VAGUE" in reading.units[k].tags for s in sentences for k in s)
    only = only_finding(reading.data)
    if sentences and not spoken_for and not vague and only is not None:
        confirm_the_only_finding(reading, sentences, only.label)
        return _with_rest(reading, [Group((only.label,), reading.data.plain(only.label))], excluded, None)
    if sorting is not None and (tags & {"TASK_SORT", "TASK_SPLIT"} or not spoken_for):
        opaque = bool(reading.data.labels) and all(item.answer == "opaque" for item in reading.data.labels)
        if opaque and not _names_codes(reading):
            ask_for_codes(reading)
            return None
        if not tags & {"TASK_SORT", "TASK_SPLIT"}:
            confirm_all_labels(reading, excluded)
        return _all_labels(reading, (sorting, sorting + 1), excluded)
    if any("VAGUE" in unit.tags for unit in reading.units):
        return None
    return _spoken_of_elsewhere(reading, spoken_for, excluded)


def _spoken_of_elsewhere(reading: Reading, spoken_for: list[int], excluded: tuple[str, ...]) -> Choice | None:
    """Take the findings that other rules speak of; of data with one finding, where it is named at all."""
    only = only_finding(reading.data)
    if spoken_for:
        groups = distinct_groups(reading, {at: Target(reading.units[at].labels) for at in spoken_for})
        if len(groups) == 1:
            return _with_rest(reading, groups, excluded, None)
        return Choice(groups, groups, MULTILABEL if len(reading.data.findings) > 1 else "")
    named = mentions_of_the_only_finding(reading)
    if only is None or not named:
        return None
    group = Group((only.label,), reading.data.plain(only.label), [(named[0], named[0] + 1)])
    return _with_rest(reading, [group], excluded, None)


def _names_codes(reading: Reading) -> bool:
    """'Density A to D' speaks of the codes themselves."""
    codes = {item.label.strip() for item in reading.data.labels}
    return len({unit.text for unit in reading.units} & codes) > 1
