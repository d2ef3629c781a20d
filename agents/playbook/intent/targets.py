"""Which labels of the data a finding of the request means, or why that cannot be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents import quoting
from agents.playbook.intent.grades import graded
from agents.playbook.intent.spelling import akin
from agents.playbook.intent.words import norms, phrase

if TYPE_CHECKING:
    from agents.playbook.intent.chunks import Unit
    from agents.playbook.intent.data_words import DataLabel, DataWords
    from agents.playbook.intent.reading import Reading


UNGRADABLE = norms(
    "ungradable", "ungradeable", "ungraded", "unreadable", "inadequate", "insufficient", "gradable", "gradeable"
)
"""Words of labels that say whether an image could be read at all."""
_WITHOUT = norms("no", "non", "not", "without")
_KINDS_AND_NORMAL = 3
_INITIALS, _MOST_INITIALS = 2, 5
"""Length of a short form that may be the initials of what a request spells out."""


@dataclass(frozen=True, slots=True)
class Target:
    """What one finding of the request comes down to."""

    labels: tuple[str, ...] = ()
    """Labels of the data; empty while a question is open."""
    name: str = ""
    """Plain words where several labels make one class."""


def resolve(reading: Reading, unit: Unit, counted: dict[str, str]) -> Target:
    """Return the labels that a unit means; where there are none, a blocking question is asked and the target is empty.

    Args:
        reading: The request; questions are added to it.
        unit: A unit that can be a class.
        counted: Labels that the request itself counts into an umbrella.
    """
    meaning = unit.meaning
    if meaning is None:
        return Target()
    if meaning.labels:
        if meaning.similar_to:
            _confirm_similar(reading, unit, meaning.labels)
        concept = reading.data.lexicon.concepts.get(meaning.concept)
        return Target(meaning.labels, concept.plain if concept is not None and len(meaning.labels) > 1 else "")
    whole = _of_column(reading, unit) or _normal(reading, unit) or _abnormal(reading, unit) or _family(reading, unit)
    if whole is not None:
        return whole
    if unit.kind == "umbrella":
        return _umbrella(reading, unit, counted)
    return _by_answer(reading, unit)


def only_finding(data: DataWords) -> DataLabel | None:
    """Return the finding that the data is labelled for, where it is the only one: of two labels the other denies it.

    A label for images that could not be graded is no finding.
    """
    labels = [item for item in data.labels if not set(item.words) & UNGRADABLE]
    denied = [item for item in labels if item.denies or (item.words[:1] and item.words[0] in _WITHOUT)]
    asserted = [item for item in labels if not (item in denied or item.answer)]
    return asserted[0] if len(labels) == 2 and len(denied) == len(asserted) == 1 else None


def is_the_only_finding(reading: Reading, wording: str) -> bool:
    """Say whether words that no rule knows share a word, or the stem of one, with the only finding of the data."""
    only = only_finding(reading.data)
    if only is None:
        return False
    words = phrase(wording)
    short = "".join(only.words)
    initials = "".join(word[0] for word in words)
    spelled = _INITIALS <= len(short) <= _MOST_INITIALS and short in initials
    return spelled or any(akin(word, name) for word in words for name in only.words)


def _normal(reading: Reading, unit: Unit) -> Target | None:
    """Take 'normal', or 'benign' beside cancer, for the absence of the only finding of the data."""
    only = only_finding(reading.data)
    if only is None or unit.meaning is None or unit.meaning.concept not in {"normal", "benign"} - {only.concept}:
        return None
    return Target(tuple(item.label for item in reading.data.labels if item.denies))


def _abnormal(reading: Reading, unit: Unit) -> Target | None:
    """Take 'abnormal' for every label but the normal one."""
    labels = [item for item in reading.data.labels if not (reading.data.findings and item.denies)]
    normal = [item for item in labels if item.concept == "normal"]
    if (
        unit.meaning is None
        or unit.meaning.concept != "abnormal"
        or len(labels) < 2
        or not (normal or reading.data.findings)
    ):
        return None
    kinds = tuple(item.label for item in labels if item not in normal and item.answer not in {"other", "any"})
    return Target(kinds, "abnormal")


def _of_column(reading: Reading, unit: Unit) -> Target | None:
    """Take 'pneumonia' for all labels but the normal one of a column `pneumonia` (normal, bacterial, viral)."""
    data = reading.data
    named = unit.meaning is not None and bool(unit.meaning.concept) and unit.meaning.concept == data.column_concept
    if data.generic_column or not named or len(data.labels) < _KINDS_AND_NORMAL or graded(data.labels):
        return None
    without = {item.label for item in data.labels if item.concept == "normal" or item.denies or item.answer == "absent"}
    kinds = tuple(item.label for item in data.labels if item.label not in without and item.answer != "other")
    if len(without) != 1:
        return None
    return Target(kinds, data.lexicon.concepts[data.column_concept].plain)


def _family(reading: Reading, unit: Unit) -> Target | None:
    """Take 'bleed' for the finding `any` beside its kinds, or for all of its kinds."""
    concept = reading.data.lexicon.concepts.get(unit.meaning.concept if unit.meaning is not None else "")
    if concept is None or not concept.members:
        return None
    kinds = tuple(item.label for item in reading.data.labels if item.concept in concept.members and not item.denies)
    union = next((item.label for item in reading.data.labels if item.answer == "any"), "")
    if kinds and union:
        return Target((union,), concept.plain)
    return Target(kinds, concept.plain) if kinds and concept.kind == "finding" else None


def _confirm_similar(reading: Reading, unit: Unit, labels: tuple[str, ...]) -> None:
    names = quoting.listed(quoting.code(label) for label in labels)
    reading.ask(
        "classes",
        f"You wrote {quoting.words(unit.text)}; it was read as {names}. Is that right?",
        options=("yes", "no"),
        default="yes",
    )


def _umbrella(reading: Reading, unit: Unit, counted: dict[str, str]) -> Target:
    concept = reading.data.lexicon.concepts[unit.meaning.concept if unit.meaning is not None else ""]
    sure, unsure = [], []
    for item in reading.data.labels:
        if item.label in counted:
            if counted[item.label] == concept.id:
                sure.append(item.label)
        elif item.concept in concept.members and not item.denies:
            sure.append(item.label)
        elif (item.concept in concept.unsure and not item.denies) or (not item.concept and not item.answer):
            unsure.append(item.label)
    if not sure:
        return absent(reading, unit)
    names = tuple(quoting.code(label) for label in sure)
    if not concept.merge and len(sure) > 1:
        reading.ask(
            "classes", f"{quoting.words(unit.text)} fits more than one label of the data: {quoting.listed(names)}. Which do you mean?",
            options=tuple(sure), blocking=True,
        )  # fmt: skip
        return Target()
    if unsure and concept.merge:
        if any(question.options == tuple(unsure) for question in reading.questions):
            return Target()
        open_names = quoting.listed(quoting.code(label) for label in unsure)
        reading.ask(
            "classes",
            f"{quoting.words(unit.text)} surely holds {quoting.listed(names)}. Does {open_names} count as {concept.id} too? "
            f"Please name it: \u201ccount \u2026 as {concept.id}\u201d, or list the labels that you want.",
            options=tuple(unsure), blocking=True,
        )  # fmt: skip
        return Target()
    return Target(tuple(sure), concept.plain)


def _by_answer(reading: Reading, unit: Unit) -> Target:
    """Take a finding for the 'yes' of yes/no labels; ask where the labels are bare codes."""
    labels = reading.data.labels
    answers = {item.answer: item.label for item in labels}
    if len(labels) == 2 and set(answers) == {"present", "absent"}:
        yes = answers["present"]
        reading.ask(
            "classes", f"The data says {quoting.code(yes)} or {quoting.code(answers['absent'])}. Does {quoting.code(yes)} mean "
            f"{quoting.words(unit.text)}?", options=("yes", "no"), default="yes",
        )  # fmt: skip
        return Target((yes,), unit.text)
    only = only_finding(reading.data)
    if only is not None and _is_kind_of(reading, unit, only):
        return Target((only.label,))
    part = _named_in_part(reading, unit)
    if part is not None:
        return part
    if labels and all(item.answer == "opaque" for item in labels):
        ask_for_codes(reading)
        return Target()
    return absent(reading, unit)


def _is_kind_of(reading: Reading, unit: Unit, only: DataLabel) -> bool:
    """Say whether the request's finding and the only one of the data are one: 'breast cancer' in a column `cancer`."""
    words = unit.norm.split()
    if any(akin(word, name) for word in words for name in only.words):
        return True
    concepts = reading.data.lexicon.concepts
    wanted = concepts.get(unit.meaning.concept if unit.meaning is not None else "")
    held = concepts.get(only.concept)
    return (
        wanted is not None
        and held is not None
        and (wanted.id in held.members or held.id in wanted.members + wanted.unsure)
    )


def _named_in_part(reading: Reading, unit: Unit) -> Target | None:
    """Take 'breast cancer' for a label, or for the 'yes' of a column, that says 'cancer'; confirm it."""
    words = unit.norm.split()
    near = [
        item
        for item in reading.data.labels
        if item.words and set(item.words) < set(words) and not (item.answer or item.denies)
    ]
    if len(near) != 1:
        return None
    if (
        reading.data.findings or near[0].words[-1] == words[-1]
    ):  # 'referable retinopathy' for `referable`, 'breast cancer' for `cancer`
        return Target((near[0].label,))
    reading.ask(
        "classes", f"The data says {quoting.words(' '.join(reading.data.plain(near[0].label).split()))} ({quoting.code(near[0].label)}). "
        f"Does that mean {quoting.words(unit.text)}?", options=("yes", "no"), default="yes",
    )  # fmt: skip
    return Target((near[0].label,), unit.text)


def ask_for_codes(reading: Reading) -> None:
    """Ask what bare codes stand for, or from which grade on a finding counts as present."""
    scale = graded(reading.data.labels)
    if scale:
        reading.ask(
            "classes", f"The data holds grades from {quoting.code(scale[0])} to {quoting.code(scale[-1])}. From which grade on is it a yes? Please write it, for "
            f"example \u201cgrade {quoting.plain(scale[len(scale) // 2], longest=12)} or more\u201d, or ask for the grades themselves.",
            options=scale[1:], blocking=True, kind="missing_threshold",
        )  # fmt: skip
        return
    codes = [item.label for item in reading.data.labels]
    example = ", ".join(f"{quoting.plain(label, longest=12)} is \u2026" for label in codes[:2])
    reading.ask(
        "classes", f"The labels of the data are bare codes: {quoting.listed(quoting.code(label) for label in codes[:12])}. "
        f"Which is which? Please write it, for example \u201c{example}\u201d.", options=tuple(codes), blocking=True,
    )  # fmt: skip


def absent(reading: Reading, unit: Unit) -> Target:
    """Ask about a finding that the data has no label for."""
    ask_about_absent(reading, unit.text)
    return Target()


def ask_about_absent(reading: Reading, wording: str) -> None:
    """Ask which label is meant, naming those that exist."""
    labels = reading.data.shown()
    shown = quoting.listed(quoting.code(label) for label in labels[:20])
    more = f" and {len(labels) - 20} more" if len(labels) > 20 else ""
    reading.ask(
        "classes", f"The data has no label for {quoting.words(wording)}. Its labels are {shown}{more}. Which of them do you mean?",
        options=labels[:20], blocking=True, kind="label_missing",
    )  # fmt: skip
