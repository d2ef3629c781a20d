"""Cells of the benchmark, one a task, method and seed: each is run once, by one process, and can be cut short anywhere."""

from __future__ import annotations

import fcntl
import io
import json
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from cpu_clock import Account, CpuClock
from greedy import next_code
from ground import locked
from ours import copy_study, hand_over_baseline, incumbents_of, run_study, trials_of
from recipe_search import next_recipe
from trials import Idea, Model, Trial, TrialFolder, best_of, improvements, validation_score

from tasks import runs
from tasks.sandbox.local import LocalSandbox
from tasks.sandbox.outputs import discard
from tasks.scoring.classification import compute
from tasks.storage import as_json, write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ground import Ground
    from numpy import float64
    from numpy.typing import NDArray

    from tasks.development_set import Validation

BASELINE = "baseline"
METHODS = ("ours", "tpe", "random", "long", "greedy")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search under way: where it keeps its trials, and with what it runs them."""

    ground: Ground
    cell: Cell
    baseline: Path
    """Folder of the baseline's cell."""
    folder: TrialFolder
    account: Account
    sandbox: CpuClock

    @property
    def weights(self) -> tuple[str, ...]:
        """Return the backbones whose pretrained weights are at hand."""
        return self.ground.bench(self.sandbox, self.ground.protocol(0)).machine.cached_weights


Found = tuple[list[Trial], list[Model]]


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
        ground=ground, cell=cell, baseline=replace(cell, method=BASELINE).work(folder),
        folder=TrialFolder(work / "trials"), account=account, sandbox=CpuClock(LocalSandbox(), account),
    )  # fmt: skip
    trials, models = SEARCHES[cell.method](search)
    _finish(folder, search, trials, models)


def _baseline(search: Search) -> Found:
    study = search.folder.root.with_name("study")
    search.account.forget_from(0)
    work = run_study(search.ground, study, sandbox=search.sandbox, seed=search.cell.seed, max_rounds=0)
    return trials_of(work), incumbents_of(work, search.account)


def _ours(search: Search) -> Found:
    study = search.folder.root.with_name("study")
    if not study.exists():
        shutil.copy(search.baseline / "seconds.jsonl", search.account.file)
        copy_study(search.baseline / "study", study)
    rounds = len(list((study / "rounds").glob("[0-9][0-9]/round.json")))
    search.account.forget_from(rounds)
    work = run_study(
        search.ground, study, sandbox=search.sandbox, seed=search.cell.seed, max_rounds=search.ground.trials - 1
    )
    return trials_of(work), incumbents_of(work, search.account)


def _recipes(search: Search) -> Found:
    ground, cell = search.ground, search.cell
    if not search.folder.finished():
        _begin_with_baseline(search)

    def propose(past: tuple[Trial, ...]) -> Idea:
        return next_recipe(
            ground.source(), past, method=cell.method, trials=ground.trials, seed=cell.seed, weights=search.weights
        )

    return _try_all(search, propose)


def _greedy(search: Search) -> Found:
    def propose(past: tuple[Trial, ...]) -> Idea | None:
        return next_code(search.ground, search.folder, past, seed=search.cell.seed, weights=search.weights)

    return _try_all(search, propose)


def _long(search: Search) -> Found:
    """Train the template once for all seconds; its checkpoints lie as far apart as the others' trials."""
    ground, folder = search.ground, search.folder
    protocol = replace(ground.protocol(search.cell.seed), max_checkpoints=ground.trials)
    if not folder.finished():
        search.account.forget_from(0)
        idea = Idea(title="the template for all seconds", files=ground.source())
        folder.attempt(ground, ground.bench(search.sandbox, protocol), idea, incumbent=None, seconds=ground.seconds)
    trials, models, best = list(folder.finished()), [], -np.inf
    saved = len(folder.checkpoints(0)) if not trials[0].failure else 0
    for position in range(saved):
        score = validation_score(ground, folder.scores(0, position))
        if score > best:
            best, part = score, (position + 1) / saved
            seconds = part * search.account.seconds(0)
            models.append(
                folder.model(0, position=position, title=f"checkpoint {position + 1} of {saved}", seconds=seconds)
            )
    return trials, models


SEARCHES: dict[str, Callable[[Search], Found]] = {
    BASELINE: _baseline, "ours": _ours, "tpe": _recipes, "random": _recipes, "long": _long, "greedy": _greedy,
}  # fmt: skip


def _begin_with_baseline(search: Search) -> None:
    # The baseline's study is finished, so that this runs nothing.
    study = search.baseline / "study"
    work = run_study(search.ground, study, sandbox=search.sandbox, seed=search.cell.seed, max_rounds=0)
    shutil.copy(search.baseline / "seconds.jsonl", search.account.file)
    hand_over_baseline(work, search.folder)


def _try_all(search: Search, propose: Callable[[tuple[Trial, ...]], Idea | None]) -> Found:
    """Try what a method proposes until the budget is used or it proposes nothing, keeping the best models only."""
    ground, folder = search.ground, search.folder
    bench = ground.bench(search.sandbox, ground.protocol(search.cell.seed))
    search.account.forget_from(len(folder.finished()))
    while len(past := folder.finished()) < ground.trials:
        idea = propose(past)
        if idea is None:
            break
        best = best_of(past)
        incumbent = folder.checkpoints(best.number)[folder.best_checkpoint(ground, best.number)] if best else None
        trial = folder.attempt(ground, bench, idea, incumbent=incumbent, seconds=ground.trial_seconds)
        _say(f"{search.cell.name} trial {trial.number}: {trial.title}: {trial.failure or f'{trial.score:.4f}'}")
    trials = folder.finished()
    models = [
        folder.model(
            trial.number,
            position=folder.best_checkpoint(ground, trial.number),
            title=trial.title,
            seconds=search.account.seconds(trial.number),
        )
        for trial in improvements(trials)
    ]
    return list(trials), models


def _finish(folder: Path, search: Search, trials: list[Trial], models: list[Model]) -> None:
    """Open the holdout for the models that were the best on the way, now that all choices are made, and write the result."""
    ground, cell = search.ground, search.cell
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
    _say(f"{cell.name} finished after {facts['seconds_used']} CPU seconds of training: test {last}")


def _predict(search: Search, model: Model, images: Path, holdout: Validation) -> NDArray[float64]:
    place = search.folder.root.with_name("holdout")
    discard(place)
    (place / "code").mkdir(parents=True)
    for name, text in model.code.items():
        (place / "code" / name).write_text(text, encoding="utf-8")
    bench = search.ground.bench(LocalSandbox(), search.ground.protocol(0))
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


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
