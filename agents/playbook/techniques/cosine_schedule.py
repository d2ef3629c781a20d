"""A learning rate that warms up and then falls along a cosine to zero at the end of the budget."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agents.playbook.editing import replace_statement
from agents.playbook.imports import add_import
from agents.playbook.seams import TRAIN, set_field
from agents.playbook.technique import Gain, Range, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

_COSINE = """
if progress < recipe.warm_up:
    return recipe.learning_rate * progress / recipe.warm_up
done = (progress - recipe.warm_up) / (1 - recipe.warm_up)
return recipe.learning_rate * (1 + math.cos(math.pi * done)) / 2
"""


def _ladder(_: Reading) -> tuple[Rung, ...]:
    return (
        Rung("cosine schedule with warm-up", {"warm_up": 0.05}),
        Rung("cosine schedule with a long warm-up", {"warm_up": 0.2}),
    )


def _why(reading: Reading) -> str:
    if "cosine_schedule" in reading.kept:
        return f"At {reading.learning_rate:g} the first steps are large; a longer rise keeps them from going astray."
    epochs = "The epochs" if math.isnan(reading.epochs) else f"The {reading.epochs:.0f} epochs"
    return (
        f"{epochs} that fit into {reading.train_seconds:.0f} s run at one constant rate and stop while the weights still "
        "jump about; a schedule that follows the clock lets them settle just as the time runs out."
    )


def _apply(draft: Draft, settings: Settings) -> None:
    note = "part of the run in which the learning rate rises to its full value"
    if set_field(draft, "warm_up", settings["warm_up"], note=note):
        draft.change(TRAIN, replace_statement, "learning_rate_at", "return recipe.learning_rate", _COSINE)
        draft.change(TRAIN, add_import, "import math")


TECHNIQUE = Technique(
    name="cosine_schedule",
    theme="schedule",
    source="Loshchilov & Hutter, SGDR (ICLR 2017); Goyal et al., Accurate, large minibatch SGD (2017), section 2.2; "
    "He et al., Bag of tricks for image classification (CVPR 2019), sections 3.1 and 5.1",
    expected="A lower training loss in the last third of the run, and a last checkpoint that is the best one.",
    gains={"ranking": Gain(0.07, 0.06), "decision": Gain(0.08, 0.07), "calibration": Gain(0.1, 0.07)},
    ladder=_ladder,
    unsuited=lambda _: "",
    why=_why,
    apply=_apply,
    companions=frozenset({"higher_learning_rate", "flips_and_turns", "warm_start"}),
    ranges={"warm_up": Range(0.01, 0.3, log=True)},
    worded="cosine schedule with a warm-up of {warm_up:.0%} of the run",
    remedies=frozenset({"early_peak"}),
    again=0.1,
)
