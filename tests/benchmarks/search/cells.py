"""Cells of the benchmark, one a task, method and seed: each is run once, by one process, and can be cut short anywhere."""

from __future__ import annotations

import fcntl
import io
import json
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from cpu_clock import Account, CpuClock
from ground import locked
from searches import BASELINE, SEARCHES, Search, say
from trials import TrialFolder

from tasks import runs
from tasks.sandbox.local import LocalSandbox
from tasks.sandbox.outputs import discard
from tasks.scoring.classification import compute
from tasks.storage import as_json, write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ground import Ground
    from numpy import float64
    from numpy.typing import NDArray
    from trials import Model, Trial

    from tasks.development_set import Validation


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One method on one task with one seed."""

    task: str
    method: str
    seed: int

    @property
    def name(self) -> str:
        """Return the name of its files."""
        return f"{self.task}-{self.method}-{self.seed}"

    def result(self, folder: Path) -> Path:
        """Return where its result is, once it is finished."""
        return folder / "cells" / f"{self.name}.json"

    def work(self, folder: Path) -> Path:
        """Return the folder of what it needs on the way."""
        return folder / "work" / self.name


def run_cell(folder: Path, ground: Ground, cell: Cell) -> bool:
    """Run a cell unless it is finished; return False where another process is at it."""
    with _if_free(folder / "cells" / f"{cell.name}.lock") as free:
        if free and not cell.result(folder).exists():
            _run(folder, ground, cell)
        return free


def run_baseline(folder: Path, ground: Ground, cell: Cell) -> None:
    """Run the baseline's cell of a task and seed unless it is finished, waiting for a process that is at it."""
    with locked(folder / "cells" / f"{cell.name}.lock"):
        if not cell.result(folder).exists():
            _run(folder, ground, cell)


def _run(folder: Path, ground: Ground, cell: Cell) -> None:
    work = cell.work(folder)
    (work / "trials").mkdir(parents=True, exist_ok=True)
    account = Account(work / "seconds.jsonl")
    search = Search(
        ground=ground, name=cell.name, method=cell.method, seed=cell.seed, baseline=replace(cell, method=BASELINE).work(folder),
        folder=TrialFolder(work / "trials"), account=account, sandbox=CpuClock(LocalSandbox(), account),
    )  # fmt: skip
    ground.link_cache(search.cache)
    trials, models = SEARCHES[cell.method](search)
    _finish(folder, cell, search, trials, models)
    discard(search.cache)


def _finish(folder: Path, cell: Cell, search: Search, trials: list[Trial], models: list[Model]) -> None:
    """Open the holdout for the models that were the best on the way, now that all choices are made, and write the result."""
    ground = search.ground
    images, holdout = ground.holdout()
    arrays: dict[str, NDArray[float64]] = {}
    told = []
    for number, model in enumerate(models):
        test = _predict(search, model, images, holdout)
        arrays |= {f"validation_{number}": model.scores, f"test_{number}": test}
        told.append(
            {
                "trial": model.trial,
                "title": model.title,
                "seconds": round(model.seconds, 1),
                "validation": _measured(ground, ground.validation, model.scores),
                "test": _measured(ground, holdout, test),
            }
        )
    facts = {
        "task": cell.task, "method": cell.method, "seed": cell.seed, "code": _commit(),
        "seconds_used": round(search.account.seconds(len(trials)), 1),
        "trials": [
            {
                "trial": item.number, "title": item.title, "validation": item.score, "failure": item.failure,
                "seconds": round(search.account.seconds(item.number), 1),
            }
            for item in trials
        ],
        "models": told,
    }  # fmt: skip
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    write_atomically(cell.result(folder).with_suffix(".npz"), content.getvalue())
    write_atomically(cell.result(folder), as_json(facts))
    last = told[-1]["test"] if told else "nothing"
    say(f"{cell.name} finished after {facts['seconds_used']} CPU seconds of training: test {last}")


def _predict(search: Search, model: Model, images: Path, holdout: Validation) -> NDArray[float64]:
    place = search.folder.root.with_name("holdout")
    discard(place)
    (place / "code").mkdir(parents=True)
    for name, text in model.code.items():
        (place / "code" / name).write_text(text, encoding="utf-8")
    bench = search.bench()
    scores = runs.predict(
        bench.sandbox, code=place / "code", data=images, checkpoint=model.checkpoint, out=place / "out",
        log=place / "predict.log", machine=bench.machine, images=holdout.images, classes=bench.classes, labels={},
    )  # fmt: skip
    discard(place)
    return scores


def _measured(ground: Ground, images: Validation, scores: NDArray[float64]) -> dict[str, float]:
    return compute(ground.metrics, images.labels, scores, classes=ground.spec.class_names, thresholds={})


def _commit() -> str:
    """Return which code ran; empty outside of a git checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


@contextmanager
def _if_free(file: Path) -> Iterator[bool]:
    """Try to hold a lock that ends with this process; False where another one holds it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def load_result(folder: Path, cell: Cell) -> dict[str, object] | None:
    """Return the result of a cell, None where it is not finished."""
    file = cell.result(folder)
    return json.loads(file.read_text("utf-8")) if file.exists() else None
