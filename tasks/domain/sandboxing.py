"""What is run in a sandbox, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """A folder or file of the host that the job can see.

    The job finds it under the path in the environment variable `ROUNDS_<NAME>`.
    """

    name: str
    """Upper case: `CODE` (also the working directory), `DATA`, `OUT`, `CACHE`, `WEIGHTS`, `CHECKPOINT`, `INCUMBENT`."""
    source: Path
    writable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a job may use; all enforced from outside."""

    wall_seconds: float
    memory_bytes: int = 8 * 2**30
    cpus: float = 2.0
    processes: int = 256
    disk_bytes: int = 4 * 2**30
    """Total size of the writable folders."""
    log_bytes: int = 4 * 2**20
    shared_memory_bytes: int = 2**30
    gpus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One command, with what it sees and may use."""

    command: tuple[str, ...]
    """The word `python` as first item means: the sandbox's own interpreter."""
    binds: tuple[Bind, ...]
    limits: Limits
    log: Path
    """Everything that the job prints, written as it comes."""
    environment: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    """Study and round, so that orphans can be found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """How a job ended; a failing command is a result, not an exception."""

    reason: str
    """`ok`, `exit`, `timeout`, `out_of_memory`, `disk_full`, `log_flood`."""
    exit_code: int
    seconds: float

    @property
    def ok(self) -> bool:
        """Return whether the command ended by itself with exit code 0."""
        return self.reason == "ok"


class Sandbox(Protocol):
    """Runs a job away from everything that it was not given."""

    name: str
    isolates: bool
    """False if code runs with the rights of the caller: only for the playbook's own code."""

    def run(self, job: Job, on_line: Callable[[str], None] = ...) -> Completed:
        """Run a job to its end or its limits, and clean up after it."""
        ...
