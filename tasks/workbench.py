"""The bench on which an agent tries code before it proposes it: the round's own sandbox, with training data at most.

It is also where text from a sandbox is made fit for a language model. Trials run one at a time, in a folder and a cache of their own: what
a trial leaves there no round ever sees, or an agent could train for longer than a round may.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tasks import runs
from tasks.bulk import without_bulk
from tasks.domain.errors import EditRejected, TrainingFailed
from tasks.domain.round import latest_kept
from tasks.domain.sandboxing import Bind, Job
from tasks.domain.trial import Trial
from tasks.edit_rules import check_whole, checked_edit
from tasks.image_copies import write_read_only
from tasks.locks import read_locks
from tasks.sandbox.outputs import discard
from tasks.sandbox.shortening import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tasks.codebase import Codebase
    from tasks.domain.sandboxing import Completed, Sandbox
    from tasks.machine import Machine
    from tasks.storage import StudyFolder
    from tasks.withholding import Withholder


def tellable(text: str, *, withholder: Withholder, allow_images: bool) -> str:
    """Return text from a sandbox as a language model may see it: without names, and without what is no aggregate.

    It must be given whole: a name of which something was cut off would no longer be found.

    Args:
        text: As the program wrote it.
        withholder: Knows the names of the study.
        allow_images: Whether the owner of the data lets a language model see what is in them.
    """
    told = withholder.withhold(text)
    return told if allow_images else without_bulk(told)


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxWorkbench:
    """Tries code in a sandbox."""

    study: StudyFolder
    codebase: Codebase
    sandbox: Sandbox
    machine: Machine
    folder: Path
    """Scratch of its own; emptied before each trial."""
    cache: Path
    """Of trials alone, never that of a round: what one trial decoded the next need not decode again."""
    seed: int
    withholder: Withholder
    labels: Mapping[str, str] = field(default_factory=dict)
    allow_images: bool = False
    """Whether the owner of the data lets a language model see what is in them."""
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def run(self, files: Mapping[str, str], command: str, *, seconds: float) -> Trial:
        """Run a shell command in the folder of a codebase, which it cannot change; see `tasks.domain.trial.Workbench`."""
        with self._one_at_a_time:
            code = self._laid_out(files)
            job = Job(
                command=("sh", "-c", command),
                binds=tuple(self._binds(code)),
                limits=runs.limits_of(self.machine, seconds),
                log=self.folder / "run.log",
                labels=self.labels,
                environment={**runs.environment_of(self.machine), "ROUNDS_BUDGET_SECONDS": f"{seconds:g}"},
            )
            return self._told(self.sandbox.run(job, lambda _: None))

    def train(self, files: Mapping[str, str], *, seconds: float) -> Trial:
        """Train a codebase for a short time; see `tasks.domain.trial.Workbench`."""
        with self._one_at_a_time:
            code = self._laid_out(files)
            try:
                return self._told(self._trained(code, seconds))
            except TrainingFailed as error:
                ended = error.ended if error.ended not in {"", "ok"} else "exit"
                return Trial(
                    ended=ended,
                    exit_code=error.exit_code or 0,
                    seconds=error.train_seconds,
                    output=f"{self._fit(error.reason)}\n{self._shown(self.folder / 'run.log')}",
                )

    def _trained(self, code: Path, seconds: float) -> Completed:
        """Train a codebase.

        Raises:
            TrainingFailed: Nothing came of it.
        """
        return runs.train(
            self.sandbox,
            code=code,
            data=self.study.path("data", "train"),
            out=self.folder / "out",
            cache=self.cache,
            log=self.folder / "run.log",
            machine=self.machine,
            budget_seconds=seconds,
            max_checkpoints=1,
            seed=self.seed,
            labels=self.labels,
            incumbent=self._incumbent(),
        ).completed

    def log_of(self, number: int) -> str:
        """Return the shortened training log of a past round; empty if it left none."""
        file = self.study.round_path(number) / "run.log"
        return self._shown(file) if number >= 0 and file.exists() else ""

    def diff_of(self, number: int) -> str:
        """Return what a past round changed; empty if its edit was refused."""
        return self.codebase.diff(number) if self.codebase.commit_of(number) else ""

    def _laid_out(self, files: Mapping[str, str]) -> Path:
        """Write a codebase to an empty scratch folder.

        Raises:
            EditRejected: It may not be one.
        """
        before = self.codebase.source()
        locks = read_locks(self.codebase.locks)
        edit = {name: text for name, text in files.items() if before.get(name) != text}
        missing = sorted(set(locks.locked) - set(files))
        if missing:
            raise EditRejected(f"{', '.join(missing)} must stay part of the codebase")
        contents = {name: text.encode() for name, text in files.items() if name not in edit}
        contents |= checked_edit(edit, locks) if edit else {}
        check_whole(contents)
        if self.folder.exists():
            discard(self.folder)
        code = self.folder / "code"
        code.mkdir(parents=True)
        for name, content in contents.items():
            write_read_only(code / name, content)
        (self.folder / "out").mkdir()
        return code

    def _binds(self, code: Path) -> Iterator[Bind]:
        yield Bind(name="CODE", source=code)
        if self.allow_images:
            yield Bind(name="DATA", source=self.study.path("data", "train"))
        yield Bind(name="OUT", source=self.folder / "out", writable=True)
        if self.machine.weights:
            yield Bind(name="WEIGHTS", source=self.machine.weights)
        if incumbent := self._incumbent():
            yield Bind(name="INCUMBENT", source=incumbent)

    def _incumbent(self) -> Path | None:
        kept = latest_kept(self.study.rounds())
        return self.study.round_path(kept.number) / "checkpoints" / kept.checkpoint if kept else None

    def _told(self, completed: Completed) -> Trial:
        return Trial(
            ended=completed.reason,
            exit_code=completed.exit_code,
            seconds=completed.seconds,
            output=self._shown(self.folder / "run.log"),
        )

    def _shown(self, log: Path) -> str:
        return shorten(self._fit(log.read_text(encoding="utf-8", errors="replace")))

    def _fit(self, text: str) -> str:
        return tellable(text, withholder=self.withholder, allow_images=self.allow_images)
