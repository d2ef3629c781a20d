"""What is known of which image: boxes, masks, labels, several readings; and where they contradict each other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tasks.domain.manifest import BOXES, FINDING, IMAGE_ID, IMAGE_LABEL, MASK, SUPERVISION, UNLABELLED
from tasks.domain.profile import Hazard
from tasks.hazards.wording import are, count, have, listed

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from tasks.domain.profile import BoxFacts
    from tasks.hazards.evidence import Evidence
    from tasks.readers.agreement import Agreement

_WORDS = {BOXES: "with boxes", MASK: "with a mask", IMAGE_LABEL: "with a label alone", UNLABELLED: "without any"}
_POOR_KAPPA = 0.6
_MANY_DIFFER = 0.1
_FEWEST_READ_TWICE = 20


def of_mixed_supervision(evidence: Evidence) -> list[Hazard]:
    """Return what it means that images carry different kinds of supervision; it stops a study where nobody can tell."""
    kinds = evidence.rows[SUPERVISION].value_counts()
    drawn = [kind for kind in (BOXES, MASK) if kind in kinds.index]
    if not drawn or len(kinds) < 2:
        return []
    told = listed([f"{number:,} {_WORDS.get(str(kind), str(kind))}" for kind, number in kinds.items()])
    unclear = _without_negatives(evidence)
    if unclear:
        summary = (
            f"Images are annotated in different ways ({told}), and no image is known to be free of {listed(unclear)}. Images without "
            "boxes are not negatives: were those looked at and found free of it, or not read at all? Say so with a label for each image."
        )
        return [Hazard(kind="mixed_supervision", severity="block", summary=summary)]
    invented = _negatives_nobody_saw(evidence)
    if invented.any():
        summary = (
            f"{count(int(invented.sum()), 'image')} that nobody looked at for boxes {are(int(invented.sum()))} called free of a finding. "
            "Images without boxes are not negatives: give each a label, or leave it out."
        )
        examples = evidence.places(np.flatnonzero(invented))
        return [Hazard(kind="mixed_supervision", severity="block", summary=summary, examples=examples)]
    summary = f"Images are annotated in different ways: {told}. Images without boxes are not negatives, and are never counted as such."
    return [Hazard(kind="mixed_supervision", severity="report", summary=summary)]


def of_boxes(evidence: Evidence, facts: BoxFacts) -> list[Hazard]:
    """Return boxes that cannot be used, and boxes and labels that contradict each other."""
    found = []
    boxes = evidence.manifest.boxes
    if boxes is not None and facts.unusable:
        broken = boxes[boxes["problem"] != ""]
        summary = f"{count(facts.unusable, 'box', 'boxes')} of {len(boxes):,} cannot be used (without area, outside the picture, or written twice) and {are(facts.unusable)} left out."
        examples = tuple(
            f"row {row}: {problem}" for row, problem in zip(broken["row"][:20], broken["problem"][:20], strict=True)
        )
        severity = "warn" if facts.unusable > 0.05 * len(boxes) else "report"
        found.append(Hazard(kind="unusable_boxes", severity=severity, summary=summary, examples=examples))
    contradictions = []
    if facts.present_without_box:
        contradictions.append(
            f"{count(facts.present_without_box, 'image')} that {have(facts.present_without_box)} the label {have(facts.present_without_box)} no box, though looked at for boxes"
        )
    if facts.absent_with_box:
        contradictions.append(
            f"{count(facts.absent_with_box, 'image')} called free of it {have(facts.absent_with_box)} a box"
        )
    if contradictions:
        summary = f"Boxes and labels contradict each other: {'; '.join(contradictions)}. Which is right?"
        found.append(
            Hazard(kind="box_label_disagreement", severity="ask", summary=summary, examples=_contradicted(evidence))
        )
    if facts.unboxed_present:
        summary = f"{count(facts.unboxed_present, 'image')} with the finding {have(facts.unboxed_present)} no box because nobody drew any. Images without boxes are not negatives."
        found.append(Hazard(kind="unboxed_positives", severity="report", summary=summary))
    return found


def of_readings(readings: pd.DataFrame | None, agreement: Agreement) -> list[Hazard]:
    """Return how far several readers of the same images agree."""
    if readings is None or math.isnan(agreement.disagreement):
        return []
    pairs = readings.drop_duplicates(["image_id", "annotator"])
    read_twice = int((pairs["image_id"].value_counts() > 1).sum())
    poor = [reader for reader in agreement.annotators if reader.kappa < _POOR_KAPPA]
    is_much = read_twice >= _FEWEST_READ_TWICE and (agreement.disagreement > _MANY_DIFFER or bool(poor))
    summary = f"Of {count(read_twice, 'image')} read more than once, readings differ in {agreement.disagreement:.0%}."
    if poor:
        verb = "agrees" if len(poor) == 1 else "agree"
        summary += f" {count(len(poor), 'reader')} {verb} with the others with a kappa below {_POOR_KAPPA}."
    if is_much:
        summary += (
            " Which reading should count: the majority, anyone's, all of them together, or one reader's? No model can be proven better "
            "than its readers agree."
        )
    return [Hazard(kind="rater_disagreement", severity="ask" if is_much else "report", summary=summary)]


def _boxed(evidence: Evidence) -> list[str]:
    """Return the findings for which boxes are drawn."""
    boxes = evidence.manifest.boxes
    drawn = set(boxes["label"]) if boxes is not None else set()
    return [name for name in evidence.manifest.findings if name in drawn]


def _without_negatives(evidence: Evidence) -> list[str]:
    """Return boxed findings that are known to be absent nowhere, while there are images of which nobody knows."""
    return [
        target.name
        for target in evidence.targets
        if target.name in _boxed(evidence) and not target.absent.any() and np.isnan(target.truth).any()
    ]


def _negatives_nobody_saw(evidence: Evidence) -> NDArray[np.bool_]:
    """Return images that carry no supervision at all, and yet are called free of a boxed finding."""
    unseen = (evidence.rows[SUPERVISION] == UNLABELLED).to_numpy()
    called = np.zeros(len(unseen), dtype=bool)
    for name in _boxed(evidence):
        called |= (evidence.rows[FINDING + name] == 0).to_numpy()
    return unseen & called


def _contradicted(evidence: Evidence) -> tuple[str, ...]:
    """Return files whose boxes and labels contradict each other."""
    boxes, rows = evidence.manifest.boxes, evidence.rows
    if boxes is None:
        return ()
    looked_at = (rows[SUPERVISION] == BOXES).to_numpy()
    wrong = np.zeros(len(rows), dtype=bool)
    usable = boxes[boxes["problem"] == ""]
    for target in evidence.targets:
        has_box = rows[IMAGE_ID].isin(set(usable.loc[usable["label"] == target.name, "image_id"])).to_numpy()
        wrong |= (target.present & looked_at & ~has_box & (usable["label"] == target.name).any()) | (
            target.absent & has_box
        )
    return evidence.places(np.flatnonzero(wrong))
