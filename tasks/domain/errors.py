"""Every error that Rounds raises on purpose, sorted by who must act.

RoundsError
  x RequestError          the clinician must answer or mend the data
      - AmbiguousRequest      - RequestOutOfScope     - DataUnusable      - StudyBlocked
      - PictureUnreadable     - AgentUnusable         - SettingUnusable
  x RoundError            this round failed, the loop goes on
      - EditRejected - NoEdit - TrainingFailed        - PredictionsInvalid
  x EvaluationError       stop, a person must look
      - HoldoutAlreadyOpened  - HoldoutChanged        - LedgerBroken
      - LockedFileChanged     - SandboxMissing        - StudyNotFound     - StudyInUse
      - ModelDamaged          - GitFailed
  x SpendingCapReached    no more money or time for the language model: the study ends in order, with its best model
  x ServiceUnavailable    a service is down: resume later
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.domain.spec import Question


class RoundsError(Exception):
    """The root of all errors that are part of an interface of Rounds."""


class RequestError(RoundsError):
    """The clinician must answer a question, mend the data or ask for something else."""


class AmbiguousRequest(RequestError):
    """The request can be read in ways that lead to different specs; `questions` says which."""

    def __init__(self, questions: Sequence[Question]) -> None:
        self.questions = tuple(questions)
        super().__init__("; ".join(question.text for question in self.questions))


class RequestOutOfScope(RequestError):
    """The request asks for something that Rounds must not or cannot build."""


class DataUnusable(RequestError):
    """A file, row or field of the data cannot be used; the message says what to do about it."""

    def __init__(
        self, problem: str, *, file: Path | str | None = None, row: int | None = None, field: str | None = None
    ) -> None:
        self.file, self.row, self.field = file, row, field
        place = [f"file {file}"] if file is not None else []
        place += [f"row {row}"] if row is not None else []
        place += [f"field {field!r}"] if field is not None else []
        super().__init__(f"{', '.join(place)}: {problem}" if place else problem)


class PictureUnreadable(RequestError):
    """A file holds no picture that can be used; `reason` says why in words that quote nothing of the file."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class StudyBlocked(RequestError):
    """A hazard in the data would make any test result dishonest, so the study does not start."""


class AgentUnusable(RequestError):
    """The agent that was asked for cannot work as things are: no key, a key that is refused, a model that nobody knows or prices."""


class SettingUnusable(RequestError):
    """A setting of the environment has a value that it cannot have; the message names the variable."""


class RoundError(RoundsError):
    """One round failed; the loop records it and goes on."""

    train_seconds: float = 0.0
    """Wall-clock time of training that was spent before it."""


class EditRejected(RoundError):
    """A proposed edit may not be applied: it touches a locked file, leaves the codebase, or repeats itself."""


class NoEdit(EditRejected):
    """The developer came to no edit: it went in circles, met a cap, or declined."""


class TrainingFailed(RoundError):
    """A sandboxed train or predict run left nothing that can be scored.

    `step` is the run that failed; `ended` is how it did (as in `Completed.reason`), empty if it was not the run that failed.
    """

    def __init__(
        self,
        reason: str,
        *,
        exit_code: int | None = None,
        log_tail: str = "",
        ended: str = "",
        step: Literal["train", "predict"] = "train",
        train_seconds: float = 0.0,
    ) -> None:
        self.reason, self.exit_code, self.log_tail = reason, exit_code, log_tail
        self.ended, self.step, self.train_seconds = ended, step, train_seconds
        super().__init__(reason)


class PredictionsInvalid(RoundError):
    """A predictions file is missing, malformed or forged."""


class EvaluationError(RoundsError):
    """Going on would risk the honesty of the result: stop, a person must look."""


class HoldoutAlreadyOpened(EvaluationError):
    """The holdout was opened before, with other hashes than those now given."""


class HoldoutChanged(EvaluationError):
    """The sealed images or labels are no longer what was sealed."""


class LedgerBroken(EvaluationError):
    """The ledger was edited, shortened or lost; `row` is the first bad line (counted from 1)."""

    def __init__(self, problem: str, *, row: int | None = None) -> None:
        self.row = row
        super().__init__(problem if row is None else f"ledger row {row}: {problem}")


class LockedFileChanged(EvaluationError):
    """A locked file of a codebase differs from the template that it came from."""


class SandboxMissing(EvaluationError):
    """No sandbox is at hand that may run this code."""


class StudyNotFound(EvaluationError):
    """There is no study, or not yet the asked-for part of one, at this place."""


class ModelDamaged(EvaluationError):
    """A delivered model is not, or cannot become, a folder that predictions may rest on."""


class StudyInUse(EvaluationError):
    """Another process is working on this study."""


class SpendingCapReached(RoundsError):
    """The next call to a language model might pass a cap on money or time, so it is not made; what there is is brought to its end."""

    def __init__(self, problem: str, *, scope: Literal["round", "study"]) -> None:
        self.scope: Literal["round", "study"] = scope
        super().__init__(problem)


class ServiceUnavailable(RoundsError):
    """A service does not answer; the study folder has everything, and `rounds resume` makes up for what is missing."""


class GitFailed(EvaluationError):
    """Git is missing, or failed where no input of ours should make it: the codebase or the disk is damaged."""
