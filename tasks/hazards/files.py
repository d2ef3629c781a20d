"""Files that cannot be used, and pictures that are not of one kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.domain.profile import Hazard
from tasks.hazards import columns
from tasks.hazards.wording import are, count, listed

if TYPE_CHECKING:
    from tasks.hazards.evidence import Evidence

_MANY_UNREADABLE = 0.05


def of_files(evidence: Evidence) -> list[Hazard]:
    """Return what could not be used."""
    lost = evidence.manifest.quarantined
    if not lost:
        return []
    severity = "warn" if len(lost) > _MANY_UNREADABLE * (len(evidence.rows) + len(lost)) else "report"
    summary = f"{count(len(lost), 'image or row', 'images or rows')} cannot be used and {are(len(lost))} left out."
    return [Hazard(kind="unusable_files", severity=severity, summary=summary)]


def of_kinds_of_pictures(evidence: Evidence) -> list[Hazard]:
    """Return modalities, views and ways to store grey values that are mixed."""
    found = []
    for words, kind, severity, meaning in (
        (("modality",), "mixed_modality", "ask", "Should one model learn from all of them?"),
        (("photometric",), "mixed_photometric", "report", "What is stored inverted is turned, so that all look alike."),
        (("view",), "mixed_view", "report", "A model may learn the view; see whether it goes with the label."),
    ):
        for name in columns.named(evidence.columns, *words):
            seen = evidence.columns[name].dropna().astype("str").value_counts()
            if 2 <= len(seen) <= 20:
                told = listed([f"{value} ({number:,})" for value, number in seen.items()])
                summary = f"The pictures are of several kinds (column {name}): {told}. {meaning}"
                found.append(Hazard(kind=kind, severity=severity, summary=summary))
    return found
