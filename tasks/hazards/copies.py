"""Pictures that are in the data more than once, and what is said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks.domain.manifest import GROUP, LABEL
from tasks.domain.profile import Hazard
from tasks.hazards.wording import are, count, have

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tasks.duplicates import Duplicates
    from tasks.hazards.evidence import Evidence
    from tasks.targets import Target

_MOST_EXAMPLES = 6


def of_duplicates(evidence: Evidence) -> list[Hazard]:
    """Return copies: harmless within a patient or lesion, more telling across them."""
    rows, duplicates, unit = evidence.rows, evidence.duplicates, evidence.unit
    found = []
    total = len(set(duplicates.exact.tolist()) - {-1})
    if total:
        apart = _sets_with_several(rows[GROUP], duplicates.exact)
        across = f", {len(apart):,} of them under more than one {unit}" if apart else ""
        summary = f"{count(total, 'picture')} {are(total)} in the data more than once, pixel for pixel{across}; copies stay in one split."
        found.append(
            Hazard(
                kind="exact_duplicates",
                severity="warn" if apart else "report",
                summary=summary,
                examples=_members(evidence, duplicates.exact, apart),
            )
        )
    if len(duplicates.near):
        groups = rows[GROUP].to_numpy()
        is_apart = groups[duplicates.near[:, 0]] != groups[duplicates.near[:, 1]]
        number = int(is_apart.sum())
        across = f", {number:,} of them under different {unit} names" if number else f", all within one {unit}"
        pairs = count(len(duplicates.near), "pair")
        summary = f"{pairs} of pictures are almost the same (in some flip or turn){across}; they stay in one split."
        examples = evidence.places(duplicates.near[is_apart][: _MOST_EXAMPLES // 2].ravel().tolist())
        severity = "warn" if number else "report"
        found.append(Hazard(kind="near_duplicates", severity=severity, summary=summary, examples=examples))
    return found


def of_conflicts(evidence: Evidence) -> list[Hazard]:
    """Return copies, patients or lesions that carry different labels."""
    rows, unit = evidence.rows, evidence.unit
    found = []
    conflicting = conflicting_sets(evidence.targets, evidence.duplicates)
    if conflicting:
        copies = len(conflicting)
        labels = rows.loc[evidence.duplicates.sets == conflicting[0], LABEL]
        named = " and ".join(dict.fromkeys(label for label in labels if label))
        summary = f"{count(copies, 'set')} of copies of a picture {have(copies)} different labels, such as {named}: one must be wrong."
        examples = _members(evidence, evidence.duplicates.sets, conflicting)
        found.append(Hazard(kind="conflicting_labels", severity="ask", summary=summary, examples=examples))
    groups = len(conflicting_groups(evidence.targets, evidence.groups))
    column = evidence.manifest.roles.group
    # Findings come and go between the images of a patient; what excludes each other should not.
    if column and groups and not evidence.manifest.findings:
        is_lesion = unit == "lesion"
        meaning = "one lesion has one diagnosis" if is_lesion else "right if a patient can have several findings"
        summary = f"{count(groups, unit)} (column {column}) {have(groups)} images with different labels: {meaning}."
        found.append(Hazard(kind="conflicting_labels", severity="ask" if is_lesion else "report", summary=summary))
    return found


def conflicting_groups(targets: Sequence[Target], groups: NDArray[np.int64]) -> list[int]:
    """Return the patients or lesions of which one image shows what another is known not to show."""
    found: set[int] = set()
    for target in targets:
        found |= set(groups[target.present].tolist()) & set(groups[target.absent].tolist())
    return sorted(found)


def conflicting_sets(targets: Sequence[Target], duplicates: Duplicates) -> list[int]:
    """Return the sets of copies of which one shows what another is known not to show."""
    return [number for number in conflicting_groups(targets, duplicates.sets) if number >= 0]


def _sets_with_several(values: pd.Series[str], sets: NDArray[np.int64]) -> list[int]:
    """Return the sets whose members differ in a value."""
    in_set = sets >= 0
    pairs = pd.DataFrame({"set": sets[in_set], "value": values[in_set].to_numpy()}).drop_duplicates()
    return pairs.loc[pairs["set"].duplicated(), "set"].drop_duplicates().tolist()


def _members(evidence: Evidence, sets: NDArray[np.int64], chosen: list[int]) -> tuple[str, ...]:
    """Return files of the first of some sets, with their labels."""
    images = np.flatnonzero(np.isin(sets, np.asarray(chosen[:3], dtype=np.int64)))[:_MOST_EXAMPLES]
    labels = evidence.rows[LABEL].iloc[images]
    places = evidence.places(images.tolist())
    return tuple(f"{place}: {label}" if label else place for place, label in zip(places, labels, strict=True))
