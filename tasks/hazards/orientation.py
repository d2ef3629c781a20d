"""Sides and writing: what a flip would turn into a lie, and what a model could read instead of looking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.domain.profile import Hazard
from tasks.hazards import columns
from tasks.hazards.wording import count, listed

if TYPE_CHECKING:
    from tasks.hazards.evidence import Evidence


def of_laterality(evidence: Evidence) -> list[Hazard]:
    """Return why pictures must not be flipped from left to right, if they must not."""
    labels = [target.name for target in evidence.targets]
    sided = labels if columns.are_sides(labels) else [label for label in labels if columns.says_side(label)]
    reasons = []
    if sided:
        reasons.append(f"labels are about one side ({listed(sided)})")
    reasons += [f"column {name} tells the side" for name in columns.sides(evidence.columns)]
    written = [name for name in columns.markers(evidence.columns) if columns.has_letters(name)]
    reasons += [f"column {name} tells of writing in the picture" for name in written]
    if not reasons:
        return []
    summary = f"Pictures must not be mirrored while a model learns: {'; '.join(reasons)}. A mirrored picture would show the wrong side."
    return [Hazard(kind="laterality", severity="warn", summary=summary)]


def of_writing(evidence: Evidence) -> list[Hazard]:
    """Return writing, markers or rulers that the data say are in the pictures."""
    found = []
    for name, is_there in columns.markers(evidence.columns).items():
        images = is_there.to_numpy()
        rates = {
            target.name: (float(images[target.present].mean()), float(images[target.absent].mean()))
            for target in evidence.targets
            if target.present.any() and target.absent.any()
        }
        apart = max(rates, key=lambda label: abs(rates[label][0] - rates[label][1]), default="")
        often = (
            f" ({rates[apart][0]:.0%} of the images with {apart}, {rates[apart][1]:.0%} of the others)" if apart else ""
        )
        summary = (
            f"By column {name}, {count(int(images.sum()), 'image')} {'has' if images.sum() == 1 else 'have'} writing, markers or a ruler in "
            f"the picture{often}. Should they be covered, or left out? They may tell the label, or name a person."
        )
        found.append(
            Hazard(
                kind="burned_in_text", severity="ask", summary=summary, examples=evidence.places(np.flatnonzero(images))
            )
        )
    return found
