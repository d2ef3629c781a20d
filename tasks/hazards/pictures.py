"""What the border of a picture, or its bare colours, tell of the label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.domain.profile import Hazard, PictureProbe
from tasks.hazards.shortcuts import ASK_ABOVE_AUC
from tasks.hazards.wording import listed

if TYPE_CHECKING:
    from tasks.hazards.evidence import Evidence
    from tasks.probes import Probe

_PLAIN_AUC = 0.8
"""A border that tells a label as well as this is asked about whatever the rest of the picture tells."""
_WORTH_TELLING_AUC = 0.6
_SEEN = {
    "border": "the outer tenth alone",
    "coarse": "8 x 8 patches of colour",
    "colours": "the same patches in any order",
}


def of_pictures(evidence: Evidence) -> list[Hazard]:
    """Return how well the border alone, and the picture as 8 x 8 patches of colour, tell a label.

    The border is asked about where it tells a label plainly, or better than the inside does: then something other than the
    finding is in the picture. A coarse picture may tell a label honestly (a lesion's colour does), so that is only told.
    """
    inside = {found.label: found for found in evidence.probes["inside"]}
    found = []
    outside = [item for item in evidence.probes["border"] if item.lower > ASK_ABOVE_AUC]
    odd = [
        item
        for item in outside
        if item.lower > min(_PLAIN_AUC, inside[item.label].auc if item.label in inside else 0.5)
    ]
    if odd:
        best = odd[0]
        within = f", against {inside[best.label].auc:.2f} for the rest of it" if best.label in inside else ""
        summary = (
            f"The outer tenth of the picture alone tells {best.label} with an AUC of {best.interval}{within}. What at the "
            "edges goes with the label: writing, markers, rulers, a frame, another camera?"
        )
        found.append(Hazard(kind="border_shortcut", severity="ask", summary=summary))
    elif outside:
        told = listed([f"{item.label} {item.auc:.2f}" for item in outside])
        summary = f"The outer tenth of the picture alone tells something of the label (AUC: {told}), but no more than the rest of it does."
        found.append(Hazard(kind="border_shortcut", severity="report", summary=summary))
    coarse = [item for item in evidence.probes["coarse"] if item.lower > _WORTH_TELLING_AUC]
    if coarse:
        told = listed([f"{item.label} {item.auc:.2f}" for item in coarse])
        summary = f"Colour and rough layout alone, 8 x 8 patches of each picture, tell the label with an AUC of: {told}{_in_any_order(coarse[0], evidence)}. A model is worth only what it adds."
        found.append(Hazard(kind="coarse_picture", severity="report", summary=summary))
    return found


def probes_of(evidence: Evidence) -> tuple[PictureProbe, ...]:
    """Return for each part of a picture the label that it tells most surely."""
    return tuple(
        PictureProbe(seen=words, label=best.label, auc=best.auc, half_width=best.half_width)
        for name, words in _SEEN.items()
        for best in evidence.probes[name][:1]
    )


def _in_any_order(coarse: Probe, evidence: Evidence) -> str:
    """Return how well the same patches tell a label when they are shuffled, if they do."""
    colours = next((found for found in evidence.probes["colours"] if found.label == coarse.label), None)
    if colours is None or colours.lower <= _WORTH_TELLING_AUC:
        return ""
    return f" ({coarse.label} {colours.auc:.2f} by the colours alone, the patches in any order)"
