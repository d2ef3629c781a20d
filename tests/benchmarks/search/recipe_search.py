"""Search over the numbers of the recipe: Optuna's tree-structured Parzen estimator, and random draws."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import optuna
from trials import Idea

from agents.playbook.techniques.backbone import COSTS, ONLY_FROM_WEIGHTS
from tasks.recipe_defaults import default_values, rewrite_defaults

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trials import Trial

DEAREST = 3.0
"""Backbones of at most so many times the cost of the template's own are searched; nothing larger learns in a minute."""
DRAWN_FIRST = 3
"""Of so many trials, TPE draws one at random (the defaults included) before it estimates; its own default of ten would leave nothing."""


def next_recipe(
    source: Mapping[str, str], past: Sequence[Trial], *, method: str, trials: int, seed: int, weights: Sequence[str]
) -> Idea:
    """Return the next recipe to try: the defaults first, then what the sampler says to the results so far.

    The sampler starts from its seed and is told all past trials, so that a search that was cut short goes on as it would have.

    Args:
        source: The template.
        past: Finished trials.
        method: `tpe` or `random`.
        trials: That the whole search has.
        seed: Of the sampler.
        weights: Backbones whose pretrained weights are at hand.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler: optuna.samplers.BaseSampler = (
        optuna.samplers.TPESampler(seed=seed, n_startup_trials=max(1, trials // DRAWN_FIRST))
        if method == "tpe"
        else optuna.samplers.RandomSampler(seed=seed)
    )
    study = optuna.create_study(direction="maximize", sampler=sampler)
    defaults = default_values(source["recipe.py"])
    space = ("backbone", "image_size", "batch_size", "learning_rate", "weight_decay")
    study.enqueue_trial({name: defaults[name] for name in space})
    for trial in past:
        asked = study.ask()
        draw_recipe(asked, weights)
        failed = math.isnan(trial.score)
        state = optuna.trial.TrialState.FAIL if failed else optuna.trial.TrialState.COMPLETE
        study.tell(asked, None if failed else trial.score, state=state)
    recipe = draw_recipe(study.ask(), weights)
    title = ", ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in recipe.items()
    )
    return Idea(title=title, files={**source, "recipe.py": rewrite_defaults(source["recipe.py"], recipe)})


def draw_recipe(trial: optuna.Trial, weights: Sequence[str]) -> dict[str, object]:
    """Return one point of the space."""
    backbones = [name for name, cost in COSTS.items() if cost <= DEAREST and name not in ONLY_FROM_WEIGHTS]
    return {
        "backbone": trial.suggest_categorical("backbone", list(dict.fromkeys((*backbones, *weights)))),
        "image_size": trial.suggest_categorical("image_size", [32, 48, 64, 96, 128]),
        "batch_size": trial.suggest_categorical("batch_size", [16, 32, 64, 128]),
        "learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-4, 0.3, log=True),
    }
