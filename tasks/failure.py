"""From a failed try to its diagnosis: which kind of failure it was, and the one sentence that says so."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from tasks.crash_log import MOST_BYTES, Crash, crash_of
from tasks.domain.errors import EditRejected, NoEdit, PredictionsInvalid, TrainingFailed
from tasks.domain.failure import Failure, FailureKind
from tasks.training_log import diagnostics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.domain.errors import RoundError

KILLED, BUS_ERROR, ABORTED = 137, 135, 134
"""Exit codes of a program that the kernel ended: for want of memory, for want of shared memory, and by its own C++ code."""
MOST_OF_TIME = 0.5
"""Reading the images is slow if it takes this part of a run that came to nothing."""
FAR_BELOW = 1 / 3
"""A run is slow if it trains this part of the images a second that are usual with such a network."""

_SHARED_MEMORY = re.compile(r"shared memory|/dev/shm|bus error|</torch_", re.IGNORECASE)
_MEMORY = re.compile(
    r"out of memory|OutOfMemory|MemoryError|can'?t allocate memory|cannot allocate memory|not enough memory|"
    r"unable to allocate|bad_alloc|_ALLOC_FAILED|killed by signal: Killed|"
    # cuDNN says so when no algorithm fits into what is left of the memory
    r"unable to find an engine to execute|unable to find a valid cuDNN algorithm",
    re.IGNORECASE,
)
_DISK = re.compile(r"no space left on device|file too large|disk quota exceeded", re.IGNORECASE)
_NOT_FINITE = re.compile(
    r"FloatingPointError|non-?finite|\b(loss|gradients?|norm)\b.{0,60}?\b(is|are|was|became) (nan|[-+]?inf|not finite)\b|"
    r"returned nan values",
    re.IGNORECASE,
)
_LATE = re.compile(r"TimeoutError|start-up took .{0,80}all of the budget", re.IGNORECASE)

_DECODED = re.compile(
    r"^decoded (\d{1,9}) images to \d{1,6} x \d{1,6} pixels in (\d{1,7}(?:\.\d{1,6})?) s", re.MULTILINE
)
_BATCH = re.compile(r"^out of memory: going on with batches of (\d{1,7})", re.MULTILINE)
_LOST = re.compile(r"^metric .{0,500}\bloss=(?:nan|[-+]?inf)\b", re.MULTILINE | re.IGNORECASE)

_BY_END = {
    "out_of_memory": FailureKind.OUT_OF_MEMORY,
    "disk_full": FailureKind.DISK_FULL,
    "log_flood": FailureKind.LOG_FLOOD,
    "too_many_processes": FailureKind.CODE_ERROR,
    "ok": FailureKind.CODE_ERROR,  # by its own account it went well, but it left nothing
}
_SENTENCES = {
    FailureKind.OUT_OF_MEMORY: "it ran out of memory",
    FailureKind.NON_FINITE_LOSS: "the loss was no longer a finite number",
    FailureKind.DISK_FULL: "it filled the disk space that it may use",
}
"""Instead of 'it crashed', where the cause of the crash is known."""


def diagnose(
    error: RoundError,
    *,
    log: str,
    source: Mapping[str, str],
    budget_seconds: float,
    usual_images_per_second: float = math.nan,
) -> Failure:
    """Return what a failed try died of.

    Args:
        error: With which the try ended.
        log: Of its last run, of which the end is read; empty if nothing ran.
        source: Text of the files that ran.
        budget_seconds: What was left of the round's budget of training before this try.
        usual_images_per_second: Speed seen with a network and images at least as large; nan if there is none.
    """
    log = log[-MOST_BYTES:]
    facts = facts_of(log)
    stopped = isinstance(error, TrainingFailed) and error.ended in (
        "timeout",
        "disk_full",
        "log_flood",
        "out_of_memory",
    )
    # A program that was stopped from outside has no last words: a traceback in its log was dealt with by the program.
    crash = Crash() if stopped else crash_of(log, source)
    kind = _kind(error, crash, log)
    if kind is FailureKind.NO_CHECKPOINT_IN_TIME and _is_slow(facts, error.train_seconds, usual_images_per_second):
        kind = FailureKind.SLOW_DATA
    return Failure(
        kind=kind,
        diagnosis=_diagnosis(kind, error, crash, facts),
        frames=crash.frames,
        facts=facts,
        train_seconds=error.train_seconds,
        seconds_left=budget_seconds - error.train_seconds,
        log_tail=error.log_tail if isinstance(error, TrainingFailed) else "",
    )


def facts_of(log: str) -> dict[str, float]:
    """Return the numbers in a log that tell about speed and memory; hints only, since the program printed them."""
    facts = {name: value for name, value in diagnostics(log).items() if isinstance(value, float)}
    decoded = _DECODED.findall(log)
    if decoded:
        facts["decode_seconds"] = sum(float(seconds) for _, seconds in decoded)
        facts["decoded_images"] = float(sum(int(images) for images, _ in decoded))
    batches = _BATCH.findall(log)
    return facts | ({"batch_size": float(batches[-1])} if batches else {})


def _kind(error: RoundError, crash: Crash, log: str) -> FailureKind:
    if isinstance(error, NoEdit):
        return FailureKind.NO_EDIT
    if isinstance(error, EditRejected):
        return FailureKind.EDIT_REFUSED
    if isinstance(error, PredictionsInvalid):
        lost = "not a finite number" in str(error) and _LOST.search(log) is not None
        return FailureKind.NON_FINITE_LOSS if lost else FailureKind.PREDICTIONS_REFUSED
    if not isinstance(error, TrainingFailed):
        return FailureKind.UNKNOWN
    if error.ended == "exit":
        return _kind_of_crash(error, crash)
    late = error.ended == "timeout" and error.step == "train"
    return FailureKind.NO_CHECKPOINT_IN_TIME if late else _BY_END.get(error.ended, FailureKind.UNKNOWN)


def _kind_of_crash(error: TrainingFailed, crash: Crash) -> FailureKind:
    if error.exit_code in (KILLED, BUS_ERROR):
        return FailureKind.OUT_OF_MEMORY
    causes = (
        (_SHARED_MEMORY, FailureKind.OUT_OF_MEMORY),  # before the disk: a full /dev/shm has "no space left" too
        (_MEMORY, FailureKind.OUT_OF_MEMORY),
        (_DISK, FailureKind.DISK_FULL),
        (_NOT_FINITE, FailureKind.NON_FINITE_LOSS),
        (_LATE, FailureKind.NO_CHECKPOINT_IN_TIME),
    )
    words = crash.words if crash.error or error.exit_code == ABORTED else ""
    found = next((kind for pattern, kind in causes if pattern.search(words)), None)
    return found or (FailureKind.CODE_ERROR if crash.error else FailureKind.UNKNOWN)


def _is_slow(facts: Mapping[str, float], seconds: float, usual_images_per_second: float) -> bool:
    if facts.get("decode_seconds", 0.0) > MOST_OF_TIME * seconds > 0:
        return True
    return facts.get("images_per_second", math.inf) < FAR_BELOW * usual_images_per_second


def _diagnosis(kind: FailureKind, error: RoundError, crash: Crash, facts: Mapping[str, float]) -> str:
    said = str(error)
    if isinstance(error, TrainingFailed):
        said = _SENTENCES.get(kind, said)
        if error.step == "predict" and not said.startswith("predict"):
            said = f"predict: {said}"
    if kind is FailureKind.SLOW_DATA and "decode_seconds" in facts:
        images, seconds = facts["decoded_images"], facts["decode_seconds"]
        said += f", of which it spent {seconds:.0f} s on decoding {images:.0f} images"
    elif kind is FailureKind.SLOW_DATA:
        said += f", training only {facts['images_per_second']:.0f} images a second"
    place = f" in {crash.frames[-1].file}, line {crash.frames[-1].line}" if crash.frames else ""
    return said + place + (f": {crash.error.rstrip('.')}" if crash.error else "")
