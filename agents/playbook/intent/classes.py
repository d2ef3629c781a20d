"""Which images are told from which, or what is looked for in them: the classes of the spec."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents import quoting
from agents.playbook.intent.choice import Choice, Group, distinct_groups, unlabelled
from agents.playbook.intent.goal import number_cut
from agents.playbook.intent.grades import order_is_asked_for
from agents.playbook.intent.grouping import groups_of_sentences
from agents.playbook.intent.look_alikes import is_look_alike, look_alikes_are_wanted
from agents.playbook.intent.purpose import ask_what_for
from agents.playbook.intent.sides import unknown_words
from agents.playbook.intent.single import mentions_of_the_only_finding, sounds_like_a_finding
from agents.playbook.intent.targets import Target, ask_about_absent, is_the_only_finding, only_finding, resolve
from agents.playbook.intent.task import TASK_TAGS, candidates_in, counted_classes, task_sentences, without_denied
from tasks.domain.spec import DETECTION, MULTILABEL, ORDINAL, REGRESSION, SEGMENTATION

if TYPE_CHECKING:
    from agents.playbook.intent.goal import Goal
    from agents.playbook.intent.reading import Reading


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
    positions = _without_harmless(reading, positions)
    targets = {at: resolve(reading, reading.units[at], counted) for at in positions}
    for sentence in sentences:
        for wording in unknown_words(reading, sentence, candidates_in(reading, sentence)):
            if _could_be_another_finding(reading, sentence, wording):
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
    choice = groups_of_sentences(reading, sentences, targets, excluded)
    if choice is None:
        if _blocking(reading) == asked:
            _ask_for_classes(reading)
        return None
    return _checked(reading, choice)


def _without_harmless(reading: Reading, positions: list[int]) -> list[int]:
    """Beside the one finding that the data is labelled for, what is harmless and has no label stands for those without it."""
    only = only_finding(reading.data)
    if only is None or not mentions_of_the_only_finding(reading):
        return positions
    return [at for at in positions if reading.units[at].labels or reading.units[at].concern not in {0, 1}]


def _could_be_another_finding(reading: Reading, sentence: range, wording: str) -> bool:
    """Say whether unknown words may name what the data has no label for; of one finding only, they have to sound like it."""
    if is_the_only_finding(reading, wording) or _is_other_side(reading, sentence):
        return False
    return only_finding(reading.data) is None or sounds_like_a_finding(wording)


def _is_other_side(reading: Reading, sentence: range) -> bool:
    """'Tell sinus rhythm from fibrillation' names the only finding on one side: the other one is what is without it."""
    only = only_finding(reading.data)
    named = {label for at in candidates_in(reading, sentence) for label in reading.units[at].labels}
    compared = any(reading.units[k].tags & {"VERSUS", "FROM"} for k in sentence)
    return only is not None and compared and named == {only.label}


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


def _located(reading: Reading, goal: Goal, targets: dict[int, Target], excluded: tuple[str, ...]) -> Choice | None:
    """Return the kinds of objects whose places are asked for: those named beside the words for places, else all but look-alikes."""
    told_off = {item.label for item in reading.data.labels if is_look_alike(reading, item)}
    look_alikes = set() if look_alikes_are_wanted(reading) else told_off
    if told_off and not look_alikes:
        return _every_kind(reading, goal)
    beside = _beside_places(reading, goal)
    found = distinct_groups(reading, beside or targets)
    named = [group for group in found if set(group.labels) - set(excluded) - look_alikes]
    if beside and not named:  # 'imposters are no mitoses and must not be marked' leaves out no mitosis
        named = [group for group in found if set(group.labels) - look_alikes]
    if named:
        return Choice(named, named, goal.task)
    left_out = {*excluded, *look_alikes}
    kinds = [item for item in reading.data.labels if not (item.denies or item.answer or item.label in left_out)]
    if not kinds:
        _ask_for_classes(reading)
        return None
    groups = [Group((item.label,), reading.data.plain(item.label)) for item in kinds]
    return Choice(groups, groups, goal.task)


def _every_kind(reading: Reading, goal: Goal) -> Choice:
    """Return all kinds of objects of the data."""
    kinds = [item for item in reading.data.labels if not (item.denies or item.answer)]
    groups = [Group((item.label,), reading.data.plain(item.label)) for item in kinds]
    return Choice(groups, groups, goal.task)


def _beside_places(reading: Reading, goal: Goal) -> dict[int, Target]:
    """Return the kinds that the sentence names which asks for places."""
    sentence = next((s for s in reading.sentences() if goal.first in s), range(0))
    return {at: Target(reading.units[at].labels) for at in candidates_in(reading, sentence) if reading.units[at].labels}


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
