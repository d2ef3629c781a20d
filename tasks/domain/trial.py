"""A try of code before it is proposed: a command or a short training, in the sandbox, on training data at most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a try came to; a failing command is a result."""

    ended: str
    """As in `Completed.reason`: `ok`, `exit`, `timeout`, `out_of_memory`, ..."""
    exit_code: int
    seconds: float
    output: str
    """Shortened; text from a sandbox, to be read as data. What names a patient, a file or a cell of the data is withheld, and
    rows of numbers or of the data are taken out unless the data's owner allows images."""


class Workbench(Protocol):
    """Where an agent tries code; it has no network, and never sees validation or the holdout."""

    def run(self, files: Mapping[str, str], command: str, *, seconds: float) -> Trial:
        """Run a shell command in the folder of a codebase, which it cannot change; without data, unless their owner allows images.

        Args:
            files: Text of every file of the codebase.
            command: For `sh`.
            seconds: Wall-clock limit.

        Raises:
            EditRejected: The files may not be a codebase: a locked one differs, a name is not allowed, text is no Python.
        """
        ...

    def train(self, files: Mapping[str, str], *, seconds: float) -> Trial:
        """Train a codebase for a short time, as a round would but for its length; nothing of it is kept or scored.

        Raises:
            EditRejected: As for `run`.
        """
        ...

    def log_of(self, number: int) -> str:
        """Return the shortened training log of a past round; empty if it left none."""
        ...

    def diff_of(self, number: int) -> str:
        """Return what a past round changed; empty if its edit was refused."""
        ...


class ScriptedWorkbench:
    """Hands out given trials in their order; for tests of what is made of them."""

    def __init__(
        self, *trials: Trial, logs: Mapping[int, str] | None = None, diffs: Mapping[int, str] | None = None
    ) -> None:
        self.commands: list[str] = []
        """What was run, or `train`, in order."""
        self.files: list[dict[str, str]] = []
        """The codebase of each trial."""
        self._trials = iter(trials)
        self._logs, self._diffs = dict(logs or {}), dict(diffs or {})

    def run(self, files: Mapping[str, str], command: str, *, seconds: float) -> Trial:  # noqa: ARG002
        """Return the next trial of the script."""
        self.commands.append(command)
        self.files.append(dict(files))
        return next(self._trials)

    def train(self, files: Mapping[str, str], *, seconds: float) -> Trial:
        """Return the next trial of the script."""
        return self.run(files, "train", seconds=seconds)

    def log_of(self, number: int) -> str:
        """Return a given log."""
        return self._logs.get(number, "")

    def diff_of(self, number: int) -> str:
        """Return a given diff."""
        return self._diffs.get(number, "")
