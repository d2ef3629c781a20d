"""How far a study is, for whoever watches it: one small file in the study folder, replaced at every step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from tasks.domain.errors import StudyNotFound
from tasks.storage import StudyFolder, from_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a study stands."""

    stage: str
    """Plain words: 'looking at the images', 'round 3 of 8: focal loss'."""
    round: int = -1
    """Round under way, -1 outside the rounds."""
    rounds: int = 0
    """Rounds planned after the baseline."""
    train_seconds: float = 0.0
    """Training budget of a round."""
    since: str = ""
    """When this stage began, UTC, ISO 8601."""
    last_line: str = ""
    """Last line that the training run printed."""


def now() -> str:
    """Return the time as text, UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def show(study: StudyFolder, progress: Progress) -> None:
    """Record where a study stands."""
    study.write(replace(progress, since=progress.since or now()), "progress.json")


def read_progress(study: StudyFolder) -> Progress | None:
    """Return where a study stands, or None if it has not begun."""
    try:
        return from_json(Progress, study.text("progress.json"))
    except StudyNotFound:
        return None
