"""A sandbox whose seconds are those of the processor, and the account of what each trial used of them."""

from __future__ import annotations

import json
import resource
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tasks.storage import write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tasks.domain.sandboxing import Completed, Job, Sandbox


@dataclass(frozen=True, slots=True)
class Account:
    """What the training runs of one cell used, a line each: JSON lines."""

    file: Path

    def add(self, trial: int, cpu_seconds: float, wall_seconds: float) -> None:
        """Note one training run."""
        line = {"trial": trial, "cpu_seconds": round(cpu_seconds, 2), "wall_seconds": round(wall_seconds, 2)}
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def forget_from(self, trial: int) -> None:
        """Take out a trial that was cut short, and any later one: it will be done again."""
        kept = [line for line in self._lines() if line["trial"] < trial]
        write_atomically(self.file, "".join(json.dumps(line) + "\n" for line in kept))

    def seconds(self, trial: int) -> float:
        """Return the CPU seconds of training up to the end of a trial."""
        return sum(line["cpu_seconds"] for line in self._lines() if line["trial"] <= trial)

    def _lines(self) -> list[dict[str, float]]:
        text = self.file.read_text("utf-8") if self.file.exists() else ""
        return [json.loads(line) for line in text.splitlines()]


class CpuClock:
    """Runs jobs in another sandbox, one at a time, and says how long the processor worked for each."""

    isolates = False

    def __init__(self, inner: Sandbox, account: Account) -> None:
        self.name = inner.name
        self._inner, self._account = inner, account

    def run(self, job: Job, on_line: Callable[[str], None] = lambda _: None) -> Completed:
        """Run a job to its end; `seconds` of the result are CPU seconds, and a training run is put on the account."""
        before, started = _of_children(), time.monotonic()
        completed = self._inner.run(job, on_line)
        cpu_seconds = _of_children() - before
        if "ROUNDS_BUDGET_SECONDS" in job.environment:
            self._account.add(int(job.labels["round"]), cpu_seconds, time.monotonic() - started)
        return replace(completed, seconds=cpu_seconds)


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
