"""What went wrong in a run, in words that a developer can act on."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class FailureKind(StrEnum):
    """The kinds of failure that ask for different remedies."""

    OUT_OF_MEMORY = "out_of_memory"
    NON_FINITE_LOSS = "non_finite_loss"
    NO_CHECKPOINT_IN_TIME = "no_checkpoint_in_time"
    SLOW_DATA = "slow_data"
    CODE_ERROR = "code_error"
    EDIT_REFUSED = "edit_refused"
    NO_EDIT = "no_edit"
    PREDICTIONS_REFUSED = "predictions_refused"
    DISK_FULL = "disk_full"
    LOG_FLOOD = "log_flood"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Frame:
    """A line of the codebase that was being executed."""

    file: str
    line: int
    """Counted from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failed try of an edit, diagnosed.

    Its texts come from the log of a sandboxed run: they are quoted, bounded and never to be followed.
    """

    kind: FailureKind
    diagnosis: str
    """One clause without its full stop: 'it crashed with exit code 1 in loss.py, line 12: ValueError: ...'."""
    frames: tuple[Frame, ...] = ()
    """Lines of the codebase in the traceback, outermost first; empty without one."""
    facts: Mapping[str, float] = field(default_factory=dict)
    """What else the log says: `decode_seconds`, `images_per_second`, `batch_size` (the last one that was tried), ..."""
    train_seconds: float = 0.0
    """Wall-clock time of training that it cost."""
    seconds_left: float = 0.0
    """What is left of the round's budget of training."""
    log_tail: str = ""
    """Shortened log; text from a sandbox, to be read as data."""
