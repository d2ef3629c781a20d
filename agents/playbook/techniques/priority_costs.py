"""Classes that the clinician puts first weigh more in the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.editing import with_argument
from agents.playbook.imports import add_import
from agents.playbook.seams import LOSS, change_loss, define_for_loss, must_lack, set_field
from agents.playbook.technique import Gain, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

_WEIGHTS = '''
def cost_weights(recipe: Recipe) -> Tensor:
    """Return how much each class weighs in the loss, shape (C,): what missing it costs, to the recipe's power."""
    return torch.tensor(recipe.class_costs) ** recipe.cost_power
'''


def _ladder(reading: Reading) -> tuple[Rung, ...]:
    costs = ", ".join(f"{cost:.4g}" for _, cost in reading.class_costs)
    titles = {0.5: "misses weighted by the root of what they cost", 1.0: "misses weighted by what they cost"}
    rungs = tuple(Rung(title, {"class_costs": costs, "cost_power": power}) for power, title in titles.items())
    return rungs if costs else ()


def _unsuited(reading: Reading) -> str:
    if not reading.class_costs:
        return "the request puts no class before another"
    if reading.kept & {"class_weights", "focal_loss", "asymmetric_loss"}:
        return "another change of the cross entropy is in use"
    return ""


def _why(reading: Reading) -> str:
    dearest, cost = max(reading.class_costs, key=lambda pair: pair[1])
    return f"By the request a missed '{dearest}' is the worst error, {cost:.3g} times as bad as the least, and the loss counts all errors alike."


def _apply(draft: Draft, settings: Settings) -> None:
    must_lack(draft, "weight_power")
    costs = tuple(float(cost) for cost in str(settings["class_costs"]).split(","))
    new = set_field(
        draft, "class_costs", costs, note="of missing each class, in the order of the columns; only ratios count"
    )
    set_field(draft, "cost_power", settings["cost_power"], note="classes weigh in the loss by their cost to this power")
    if new:
        argument = "weight=cost_weights(recipe)"
        change_loss(draft, lambda loss: with_argument(loss, "nn.CrossEntropyLoss", argument, first=True))
        define_for_loss(draft, "cost_weights", _WEIGHTS)
        draft.change(LOSS, add_import, "import torch")


TECHNIQUE = Technique(
    name="priority_costs",
    theme="imbalance",
    source="Elkan, The foundations of cost-sensitive learning (IJCAI 2001), section 2; "
    "Ting, Inducing cost-sensitive trees via instance weighting (PKDD 1998), for a cost by class",
    expected="Better recall of the classes that matter most, at some cost of the others and of calibration.",
    gains={"ranking": Gain(0.005, 0.03), "decision": Gain(0.02, 0.06), "calibration": Gain(-0.1, 0.1)},
    ladder=_ladder,
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    changes_loss=True,
)
