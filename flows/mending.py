"""What becomes of a try that failed: its diagnosis, and a mended edit as long as there is time for another try."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from flows.briefing import briefing_of
from tasks.domain.errors import EditRejected, SpendingCapReached, TrainingFailed
from tasks.domain.failure import Failure, FailureKind
from tasks.domain.round import latest_kept
from tasks.failure import diagnose
from tasks.recipe_defaults import default_values
from tasks.sandbox.outputs import discard
from tasks.sandbox.shortening import shorten

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from flows.attempt import Workshop
    from tasks.domain.errors import RoundError
    from tasks.domain.round import Proposal, Round

MAX_MENDS = 2
LEAST_PART_LEFT = 0.25
"""Part of a round's budget of training below which another try would not show what the edit is worth."""

ADVICE = {
    FailureKind.OUT_OF_MEMORY: "Give a run more memory (ROUNDS_MEMORY_GIB), or set a smaller batch_size or image_size in the template's recipe.py",
    FailureKind.NON_FINITE_LOSS: "Set a lower learning_rate in the template's recipe.py",
    FailureKind.NO_CHECKPOINT_IN_TIME: "Give a round more minutes, or set a smaller image_size in the template's recipe.py",
    FailureKind.SLOW_DATA: "Resume: the decoded images are kept. Else give a round more minutes, or set a smaller image_size in the template's recipe.py",
    FailureKind.DISK_FULL: "Give a run more disk (ROUNDS_DISK_GIB), or set a smaller image_size in the template's recipe.py",
}
"""What a person can do where the baseline itself fails."""


_OPENINGS = {
    FailureKind.EDIT_REFUSED: "The edit was refused",
    FailureKind.NO_EDIT: "No edit came of it",
    FailureKind.PREDICTIONS_REFUSED: "The predictions were refused",
}


def failure_of(
    error: RoundError, *, work: Workshop, rounds: tuple[Round, ...], proposal: Proposal, folder: Path, left: float
) -> Failure:
    """Return the diagnosis of a try.

    Args:
        error: With which it ended.
        work: Of the study.
        rounds: Before this one.
        proposal: That was tried.
        folder: Of the round under way.
        left: Seconds of training that the round had before this try.
    """
    before = work.codebase.source()
    source = {**before, **proposal.files}
    log = "" if isinstance(error, EditRejected) else work.tellable(_log_of(error, folder))
    usual = _usual_speed(rounds, before, source)
    failure = diagnose(error, log=log, source=source, budget_seconds=left, usual_images_per_second=usual)
    # Not the tail that came with the error: a name that it cuts in two would no longer be found.
    return replace(failure, log_tail=shorten(log)) if failure.log_tail else failure


def _log_of(error: RoundError, folder: Path) -> str:
    predicting = isinstance(error, TrainingFailed) and error.step == "predict"
    log = folder / ("predict.log" if predicting else "run.log")
    return log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""


def _usual_speed(rounds: tuple[Round, ...], before: dict[str, str], source: dict[str, str]) -> float:
    """Return the incumbent's images a second where the failed network and its images are no larger; else nan."""
    old, new = (default_values(files.get("recipe.py", "")) for files in (before, source))
    sizes = [recipe.get("image_size") for recipe in (old, new)]
    if old.get("backbone") != new.get("backbone") or not all(isinstance(size, int) for size in sizes):
        return math.nan
    incumbent = latest_kept(rounds)
    speed = incumbent.diagnostics.get("images_per_second") if incumbent else None
    return speed if isinstance(speed, float) and sizes[1] <= sizes[0] else math.nan  # type: ignore[operator]


def mended(
    work: Workshop, rounds: tuple[Round, ...], proposal: Proposal, failures: Sequence[Failure]
) -> Proposal | None:
    """Return the developer's mended edit; None where the round has failed for good.

    Args:
        work: Of the study.
        rounds: Before this one; without any, the baseline fails for a person to look at.
        proposal: That failed last.
        failures: Of this round, the last one of the proposal.
    """
    # An edit that only takes something away asks one question; mended it would ask another one.
    if not rounds or len(failures) > MAX_MENDS or proposal.hypothesis.simplification or proposal.gave_up:
        return None
    if failures[-1].kind is FailureKind.NO_EDIT:  # the developer gave up on it
        return None
    if failures[-1].seconds_left < LEAST_PART_LEFT * work.bench.protocol.train_seconds:
        return None
    mend = work.step(work.developer.mend, f"round {len(rounds) + work.ahead:02d} mend")
    try:
        return mend(briefing_of(work, rounds), proposal, failures[-1])
    except SpendingCapReached:
        return None  # the round fails for its own reason; the next proposal meets the cap again, and ends the rounds in order


def put_aside(folder: Path, tries: int, diff: str) -> None:
    """Clear a round's folder for its next try; log and diff of the failed one stay beside those that will count.

    Args:
        folder: Of the round under way.
        tries: Failed ones so far.
        diff: What the failed edit changed; empty if it was refused.
    """
    for name in ("run", "predict"):
        if (folder / f"{name}.log").exists():
            (folder / f"{name}.log").rename(folder / f"{name}-try-{tries}.log")
    if diff:
        (folder / f"patch-try-{tries}.diff").write_text(diff, encoding="utf-8")
    # A checkpoint of the failed try must never be scored as one of the next.
    for name in ("code", "out", "checkpoints", "predicted"):
        discard(folder / name)


def sentence(failure: Failure, next_edit: Proposal) -> str:
    """Return what failed and was mended, as one sentence."""
    return f"A try failed because {failure.diagnosis}; mended: {next_edit.mended}."


def reason_of(failures: Sequence[Failure], mends: Sequence[Proposal]) -> str:
    """Return why a round failed, telling all of its tries."""
    told = [f"{_OPENINGS.get(failure.kind, 'The run failed')}: {failure.diagnosis}" for failure in failures]
    later = [f"mended ({mend.mended}): {words}" for mend, words in zip(mends, told[1:], strict=True)]
    return "; ".join([told[0], *later])


def with_advice(error: RoundError, failure: Failure) -> RoundError:
    """Return the error of a baseline, saying what a person can do about it."""
    if not isinstance(error, TrainingFailed) or failure.kind not in ADVICE:
        return error
    return TrainingFailed(
        f"{failure.diagnosis}. {ADVICE[failure.kind]}.",
        exit_code=error.exit_code,
        log_tail=error.log_tail,
        ended=error.ended,
        step=error.step,
        train_seconds=error.train_seconds,
    )
