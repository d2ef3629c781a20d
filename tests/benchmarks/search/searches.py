"""The searches themselves: how each method spends a cell's seconds, and which models it held on the way."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from greedy import next_code
from ours import copy_study, hand_over_baseline, incumbents_of, run_study, trials_of
from recipe_search import next_recipe
from trials import Idea, Model, Trial, TrialFolder, best_of, improvements, validation_score

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cpu_clock import Account, CpuClock
    from ground import Ground

    from flows.attempt import Workshop
    from flows.run_round import Bench

BASELINE = "baseline"
METHODS = ("ours", "tpe", "random", "long", "greedy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search under way: where it keeps its trials, and with what it runs them."""

    ground: Ground
    name: str
    """Of the cell."""
    method: str
    seed: int
    baseline: Path
    """Folder of the baseline's cell."""
    folder: TrialFolder
    account: Account
    sandbox: CpuClock

    @property
    def weights(self) -> tuple[str, ...]:
        """Return the backbones whose pretrained weights are at hand."""
        return self.bench().machine.cached_weights

    @property
    def cache(self) -> Path:
        """Return the cell's own cache of decoded images."""
        return self.folder.root.with_name("cache")

    def bench(self, *, checkpoints: int = 0) -> Bench:
        """Return what a trial is run on; it saves as many checkpoints as the protocol says, unless a number is given."""
        protocol = self.ground.protocol(self.seed)
        protocol = replace(protocol, max_checkpoints=checkpoints or protocol.max_checkpoints)
        return self.ground.bench(self.sandbox, protocol, cache=self.cache)

    def study(self, *, max_rounds: int) -> Workshop:
        """Run the rounds of this cell's own study."""
        place = self.folder.root.with_name("study")
        return run_study(
            self.ground, place, sandbox=self.sandbox, cache=self.cache, seed=self.seed, max_rounds=max_rounds
        )


Found = tuple[list[Trial], list[Model]]


def _baseline(search: Search) -> Found:
    search.account.forget_from(0)
    work = search.study(max_rounds=0)
    return trials_of(work), incumbents_of(work, search.account)


def _ours(search: Search) -> Found:
    study = search.folder.root.with_name("study")
    if not study.exists():
        shutil.copy(search.baseline / "seconds.jsonl", search.account.file)
        copy_study(search.baseline / "study", study)
    rounds = len(list((study / "rounds").glob("[0-9][0-9]/round.json")))
    search.account.forget_from(rounds)
    work = search.study(max_rounds=search.ground.trials - 1)
    return trials_of(work), incumbents_of(work, search.account)


def _recipes(search: Search) -> Found:
    ground = search.ground
    if not search.folder.finished():
        _begin_with_baseline(search)

    def propose(past: tuple[Trial, ...]) -> Idea:
        return next_recipe(
            ground.source(), past, method=search.method, trials=ground.trials, seed=search.seed, weights=search.weights
        )

    return _try_all(search, propose)


def _greedy(search: Search) -> Found:
    def propose(past: tuple[Trial, ...]) -> Idea | None:
        return next_code(search.ground, search.folder, past, seed=search.seed, weights=search.weights)

    return _try_all(search, propose)


def _long(search: Search) -> Found:
    """Train the template once for all seconds; its checkpoints lie as far apart as the others' trials."""
    ground, folder = search.ground, search.folder
    if not folder.finished():
        search.account.forget_from(0)
        idea = Idea(title="the template for all seconds", files=ground.source())
        folder.attempt(ground, search.bench(checkpoints=ground.trials), idea, incumbent=None, seconds=ground.seconds)
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
    work = run_study(
        search.ground,
        search.baseline / "study",
        sandbox=search.sandbox,
        cache=search.cache,
        seed=search.seed,
        max_rounds=0,
    )
    shutil.copy(search.baseline / "seconds.jsonl", search.account.file)
    hand_over_baseline(work, search.folder)


def _try_all(search: Search, propose: Callable[[tuple[Trial, ...]], Idea | None]) -> Found:
    """Try what a method proposes until the budget is used or it proposes nothing, keeping the best models only."""
    ground, folder = search.ground, search.folder
    bench = search.bench()
    search.account.forget_from(len(folder.finished()))
    while len(past := folder.finished()) < ground.trials:
        idea = propose(past)
        if idea is None:
            break
        best = best_of(past)
        incumbent = folder.checkpoints(best.number)[folder.best_checkpoint(ground, best.number)] if best else None
        trial = folder.attempt(ground, bench, idea, incumbent=incumbent, seconds=ground.trial_seconds)
        say(f"{search.name} trial {trial.number}: {trial.title}: {trial.failure or f'{trial.score:.4f}'}")
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


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
