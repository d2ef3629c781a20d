"""What a person sees while a study runs: stage, round, verdicts and the time left, read from the study folder alone."""

from __future__ import annotations

import contextlib
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from tasks.domain.errors import StudyNotFound
from tasks.progress import Progress, read_progress
from tasks.report.round_page import round_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.storage import StudyFolder

_START_UP_SECONDS = 25.0
"""Guess of what a round costs beyond its training, until one has been seen."""


def seconds_left(study: StudyFolder, progress: Progress) -> float | None:
    """Return an estimate of the seconds until the rounds are done, None outside the rounds."""
    if progress.round < 0:
        return None
    finished = study.rounds()
    seen = [item.total_seconds for item in finished if item.total_seconds]
    per_round = sum(seen) / len(seen) if seen else progress.train_seconds + _START_UP_SECONDS
    done = (datetime.now(UTC) - datetime.fromisoformat(progress.since)).total_seconds() if progress.since else 0.0
    return max(0.0, per_round - done) + per_round * max(0, progress.rounds - progress.round)


def duration(seconds: float) -> str:
    """Return a duration as a person says it: `45 s`, `7 min`, `2 h 05 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"


def status_line(study: StudyFolder) -> str:
    """Return one line on where a study stands."""
    progress = read_progress(study)
    if progress is None:
        return "not begun"
    left = seconds_left(study, progress)
    return progress.stage if left is None else f"{progress.stage}; about {duration(left)} left"


@contextlib.contextmanager
def watching(study: StudyFolder, console: Console) -> Iterator[None]:
    """Show a study's progress while the body runs: live on a terminal, one line a step elsewhere."""
    stop = threading.Event()
    thread = threading.Thread(target=_watch, args=(study, console, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=5)


def _watch(study: StudyFolder, console: Console, stop: threading.Event) -> None:
    told, stage = len(_rounds(study)), ""
    live = Live(console=console, refresh_per_second=4, transient=True) if console.is_terminal else None
    with live or contextlib.nullcontext():
        while True:
            ending = stop.wait(0.5)
            for line in _rounds(study)[told:]:
                told += 1
                console.print(Text(line))
            line = status_line(study)
            if live is not None:
                live.update(
                    Group(Text(f"… {line}", style="bold"), Text(_last_line(study), style="dim", overflow="ellipsis"))
                )
            elif (progress := read_progress(study)) is not None and progress.stage != stage:
                stage = progress.stage
                console.print(Text(f"… {line}"))
            if ending:
                return


def _rounds(study: StudyFolder) -> list[str]:
    try:
        return [round_line(item) for item in study.rounds()]
    except StudyNotFound:
        return []


def _last_line(study: StudyFolder) -> str:
    try:
        return study.text("last_line.txt").strip()
    except StudyNotFound:
        return ""
