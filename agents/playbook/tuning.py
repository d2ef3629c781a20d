"""Settings inside a move: once a technique has shown promise, Optuna says which strength of it to try next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution

from agents.playbook.technique import Rung

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agents.playbook.technique import Settings, Technique

DIGITS = 2
"""Significant digits of a tuned setting: what a person would write, and fine enough for the noise of a round."""
SEED = 0
"""Of the sampler: the same rounds lead to the same suggestion."""


def tuned_rungs(technique: Technique, seen: Iterable[tuple[Settings, float]], *, count: int = 1) -> tuple[Rung, ...]:
    """Return settings within a technique's ranges that are worth a round next.

    Args:
        technique: With at least one range.
        seen: Settings that rounds have tried, each with its gain on the primary metric (0 for the code without the technique
            is known too and may be left out).
        count: How many, different from each other and from those seen; fewer if the ranges hold no more.

    Source:
        Bergstra et al., Algorithms for hyper-parameter optimization (NeurIPS 2011), section 4: tree-structured Parzen
        estimators, as in Optuna (Akiba et al., KDD 2019).
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=SEED, n_startup_trials=1, multivariate=True, constant_liar=True)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    ranges = technique.ranges
    space: dict[str, BaseDistribution] = {
        name: FloatDistribution(item.low, item.high, log=item.log) for name, item in ranges.items()
    }
    known: set[tuple[float, ...]] = set()
    for settings, gain in seen:
        values = {name: float(settings[name]) for name in ranges}
        inside = {name: min(max(values[name], item.low), item.high) for name, item in ranges.items()}
        study.add_trial(optuna.trial.create_trial(params=inside, distributions=space, value=gain))
        known.add(tuple(_rounded(value) for value in values.values()))
    found: list[Rung] = []
    for _ in range(4 * count):  # a suggestion that rounds to one already known is passed over
        suggested = study.ask(space).params
        chosen = {name: _rounded(float(suggested[name])) for name in ranges}
        if tuple(chosen.values()) not in known and len(found) < count:
            known.add(tuple(chosen.values()))
            found.append(Rung(technique.worded.format(**chosen), chosen))
    return tuple(found)


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
