"""What kind of answer is asked for: a class, several findings, a grade, a number, places or outlines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents import quoting
from agents.playbook.intent.places import asked_places, described_places, wants_outlines
from agents.playbook.intent.words import norms, phrase
from tasks.domain.manifest import MASK
from tasks.domain.spec import DETECTION, REGRESSION, SEGMENTATION

if TYPE_CHECKING:
    from agents.playbook.intent.reading import Reading

_SIDES_OF = dict.fromkeys(norms("below", "under", "less than", "lower than", "<"), "below") | dict.fromkeys(
    norms("above", "over", "more than", "greater than", "higher than", ">"), "above"
)
_CHOOSING = ("which", "know")
_COUNTING = ("count", "how many")
_WHOLE_IMAGE = norms("yes or no", "whether", "tell if", "see if", "tell whether", "tell me if", "tell me whether", "is it", "is there", "is this", "are there", "triage")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Goal:
    """The kind of answer, where something other than a class is asked for."""

    task: str = ""
    """As in `Spec.task`; empty for an answer about the whole image."""
    first: int = -1
    end: int = -1
    """Units that say so; -1 where the data says it."""


def read_goal(reading: Reading) -> Goal:
    """Return the kind of answer; what the data holds no labels for becomes a blocking question."""
    places = asked_places(reading)
    for at in described_places(reading):
        reading.used.update(k for sentence in reading.sentences() if at in sentence for k in sentence)
    if places:
        return _located(reading, places)
    measured = [at for at in reading.tagged("MEASURE") if at not in reading.used and _asks_for_number(reading, at)]
    column = measured_column(reading)
    if column and not measured and not reading.data.measured and _names_a_finding(reading):
        column = ""
    if column or measured:
        return _measured(reading, measured, column)
    if reading.data.only_places and _is_about_objects(reading):
        return Goal(SEGMENTATION if reading.data.places == {MASK} else DETECTION)
    return Goal()


def _names_a_finding(reading: Reading) -> bool:
    """Say whether a disease is named; 'normal' is none."""
    return any(unit.kind == "finding" and unit.concern != 0 and not unit.attributes for unit in reading.units)


def _asks_for_number(reading: Reading, at: int) -> bool:
    """'Count the mitoses' does; 'how many of the flagged ones have it' asks about the model, and 'no counting' turns it down."""
    if reading.denied(at, within=5):
        return False
    if not reading.units[at].norm.startswith(_COUNTING):
        return True
    after = reading.units[at + 1 : at + 5]
    return any(unit.is_class for unit in after) and not any(
        unit.norm == "as" or "CALL_AS" in unit.tags for unit in after
    )


def _located(reading: Reading, places: list[int]) -> Goal:
    first, end = places[0], places[-1] + 1
    outlines = wants_outlines(reading, places)
    if any(unit.is_stop for unit in reading.units[first:end]):
        first, end = places[0], places[0] + 1
    reading.used.update(k for at in places for k in range(at, at + 1))
    if not reading.data.places:
        what = "outlines" if outlines else "boxes or outlines"
        reading.ask(
            "task", f"{quoting.words(reading.words(first, end))} asks for places in the image, and the data holds no {what} to learn them from, only labels of "
            "whole images. Should the model only say what an image shows, or will you add a table of boxes or mask images?",
            options=("only say what an image shows", "I add them"), blocking=True, kind="label_missing",
        )  # fmt: skip
        return Goal(SEGMENTATION if outlines else DETECTION, first, end)
    if outlines and MASK not in reading.data.places:
        reading.ask(
            "task", f"{quoting.words(reading.words(first, end))} asks for outlines; the data holds boxes only. Are boxes good enough?",
            options=("boxes", "I add outlines"), default="boxes", kind="label_missing",
        )  # fmt: skip
        return Goal(DETECTION, first, end)
    boxes = any(reading.units[at].norm.endswith("box") for at in places)
    masks_only = reading.data.places == {MASK}
    return Goal(SEGMENTATION if outlines or (masks_only and not boxes) else DETECTION, first, end)


def measured_column(reading: Reading) -> str:
    """Return the column of numbers that is to be told from the image: the label itself, or the one that the words name.

    A column of numbers that stands beside labels (age) is an attribute, unless the data has no other label.
    """
    if reading.data.measured:
        return reading.data.measured
    numeric = [item.name for item in reading.profile.attributes if item.kind == "numeric"]
    if reading.data.labels or not numeric:
        return ""
    named = {name for unit in reading.units for name in unit.attributes} & set(numeric)
    words = {word for unit in reading.units for word in unit.norm.split()}
    akin = [name for name in numeric if name in named or words & {*phrase(name), *_short_forms(name)}]
    return (akin or numeric)[0] if len(numeric) == 1 or akin else ""


def _short_forms(name: str) -> set[str]:
    """Return what a column's name is shortened to: `ef` and `lvef` for ejection_fraction, as the left ventricle is meant."""
    initials = "".join(word[0] for word in phrase(name))
    return {initials, f"lv{initials}"} if len(initials) > 1 else set()


def _measured(reading: Reading, measured: list[int], column: str) -> Goal:
    """A number is asked for, or all that the data holds is a number."""
    if column:
        reading.fact("target", f"the data holds numbers in {column}")
        return Goal(REGRESSION, measured[0], measured[0] + 1) if measured else Goal(REGRESSION)
    at = measured[0]
    if _counts_places(reading, at):
        return Goal(DETECTION, at, at + 1)
    reading.ask(
        "task", f"{quoting.words(reading.words(at, at + 1))} asks for a number, and the data has no column of such numbers as its label. "
        "Which column holds it, or should the model only say what an image shows?",
        options=("only say what an image shows", "I name the column"), blocking=True, kind="label_missing",
    )  # fmt: skip
    return Goal(REGRESSION, at, at + 1)


def number_cut(reading: Reading) -> tuple[str, tuple[int, int]] | None:
    """Return the name and place of a cut that makes a yes or no of a number: 'is the LVEF below 40?'."""
    units = reading.units
    if reading.tagged("ESTIMATE") or not reading.tagged("TASK_DETECT"):
        return None
    for at in range(len(units) - 1):
        if units[at].norm in _SIDES_OF and units[at + 1].number is not None and at not in reading.used:
            name = f"{measured_column(reading)} {_SIDES_OF[units[at].norm]} {units[at + 1].text}"
            reading.caveat("The answer is yes or no, made of a column of numbers.", at, at + 2)
            reading.used.update((at, at + 1))
            return name.strip(), (at, at + 2)
    return None


def _counts_places(reading: Reading, at: int) -> bool:
    """'Count the mitoses' is answered by finding each of them."""
    return bool(reading.data.places) and reading.units[at].norm.startswith(_COUNTING)


def _is_about_objects(reading: Reading) -> bool:
    """Say whether things are to be found, in data that has nothing but places, and no answer about the whole image is asked for."""
    if any(unit.norm in _WHOLE_IMAGE or unit.norm.startswith(_CHOOSING) for unit in reading.units):
        return False
    told_off = all(reading.denied(at, within=3) for at in reading.tagged("TASK_DETECT"))
    named = any(unit.labels for unit in reading.units)
    return named if told_off else True
