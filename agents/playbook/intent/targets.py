"""Which labels of the data a finding of the request means, or why that cannot be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.playbook.intent import quoting

if TYPE_CHECKING:
    from agents.playbook.intent.chunks import Unit
    from agents.playbook.intent.reading import Reading


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
    if unit.kind == "umbrella":
        return _umbrella(reading, unit, counted)
    return _by_answer(reading, unit)


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
    part = _named_in_part(reading, unit)
    if part is not None:
        return part
    if labels and all(item.answer == "opaque" for item in labels):
        ask_for_codes(reading)
        return Target()
    return absent(reading, unit)


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
    reading.ask(
        "classes", f"The data says {quoting.words(' '.join(reading.data.plain(near[0].label).split()))} ({quoting.code(near[0].label)}). "
        f"Does that mean {quoting.words(unit.text)}?", options=("yes", "no"), default="yes",
    )  # fmt: skip
    return Target((near[0].label,), unit.text)


def ask_for_codes(reading: Reading) -> None:
    """Ask what bare codes stand for."""
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
    labels = [item.label for item in reading.data.labels]
    shown = quoting.listed(quoting.code(label) for label in labels[:20])
    more = f" and {len(labels) - 20} more" if len(labels) > 20 else ""
    reading.ask(
        "classes", f"The data has no label for {quoting.words(wording)}. Its labels are {shown}{more}. Which of them do you mean?",
        options=tuple(labels[:20]), blocking=True,
    )  # fmt: skip
