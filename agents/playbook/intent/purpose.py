"""What is asked when a request does not say what is to be built: the task, the unit of one answer, and which error is worse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents import quoting
from agents.playbook.intent.targets import only_finding
from agents.playbook.intent.unit import names_unit
from agents.playbook.intent.words import norms, phrase

if TYPE_CHECKING:
    from agents.playbook.intent.reading import Reading

_PARTS = norms("slice", "frame", "series", "study", "view", "tile", "video")
_JUDGED = frozenset({"SENS", "SPEC", "MISS", "FALSE_ALARM"})
_MOST = 20


def ask_what_for(reading: Reading) -> None:
    """Ask what the model is for; each question blocks, as nothing can be built before it is known."""
    only = only_finding(reading.data)
    labels = [item.label for item in reading.data.labels if not (item.denies and (reading.data.findings or only))]
    shown = quoting.listed(quoting.code(label) for label in reading.data.shown()[:_MOST])
    reading.ask("classes", f"What should the model tell? The labels of the data are {shown}. {_examples(reading, labels)}", options=tuple(labels[:_MOST]), blocking=True, kind="task_type")  # fmt: skip
    if not names_unit(reading) and any(set(phrase(name)) & _PARTS for name in reading.data.attributes):
        reading.ask("unit", "Should one answer be about each image (slice, frame), or about the whole study of a patient?", options=("each image", "the whole study"), blocking=True, kind="unit_of_analysis")  # fmt: skip
    if not any(unit.tags & _JUDGED for unit in reading.units):
        reading.ask("objective", "Which is the bigger problem: a finding that is missed, or a false alarm?", options=("a missed finding", "a false alarm", "both alike"), blocking=True, kind="objective")  # fmt: skip


def _examples(reading: Reading, labels: list[str]) -> str:
    concepts = reading.data.lexicon.concepts
    known = {item.label: item for item in reading.data.labels}

    def gravity(label: str) -> float:
        item = known[label]
        return -1.0 if item.denies or item.answer else float(concepts[item.concept].concern) if item.concept else 1.5

    union = next((label for label in labels if known[label].answer == "any"), "")
    labels = [label for label in labels if label != union] or labels
    grave = max(labels, key=gravity)
    if len(labels) < 2:
        return f"For example: \u201c{quoting.plain(reading.data.plain(grave))} or not\u201d."
    common = next(label for label in labels if label != grave)
    every = (
        f"\u201ceach of the {len(labels)} findings\u201d"
        if reading.data.findings
        else f"\u201csort into all {len(labels)} diagnoses\u201d"
    )
    boxes = ", \u201cwhere they lie\u201d" if reading.data.places else ""
    return f"For example: \u201ctell {quoting.plain(grave)} from {quoting.plain(common)}\u201d, \u201c{quoting.plain(grave)} or not\u201d, {every}{boxes}."
