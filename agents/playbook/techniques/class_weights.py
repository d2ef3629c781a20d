"""Classes weighted in the loss by the inverse of a power of their frequency."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.editing import with_argument
from agents.playbook.seams import change_loss, define_for_loss, must_lack, set_field
from agents.playbook.technique import Gain, Range, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

_WEIGHTS = '''
def class_weights(class_counts: Tensor, power: float) -> Tensor:
    """Return a weight for each class, shape (C,), that falls with its frequency; the mean over the images is 1."""
    weights = class_counts.clamp(min=1) ** -power
    return weights * class_counts.sum() / (weights * class_counts).sum()
'''


def _ladder(_: Reading) -> tuple[Rung, ...]:
    return (
        Rung("classes weighted by the inverse root of their frequency", {"weight_power": 0.5}),
        Rung("classes weighted by the inverse of their frequency", {"weight_power": 1.0}),
    )


def _unsuited(reading: Reading) -> str:
    if reading.kept & {"balanced_sampling", "logit_adjustment", "focal_loss", "asymmetric_loss", "ldam_loss"}:
        return "the classes are balanced in another way already"
    if "priority_costs" in reading.kept:
        return "classes are weighted by what it costs to miss them"
    return f"the classes are nearly even ({reading.imbalance:.1f} to 1)" if reading.imbalance < 2 else ""


def _why(reading: Reading) -> str:
    (rare, few), (common, many) = reading.class_images[0], reading.class_images[-1]
    return f"'{common}' brings {many:,} training images and '{rare}' {few:,}, so the mean loss is mostly that of '{common}'."


def _apply(draft: Draft, settings: Settings) -> None:
    must_lack(draft, "logit_adjustment", "sampling_power", "class_costs", "largest_margin")
    note = "classes weigh in the loss by their frequency to the minus this"
    if set_field(draft, "weight_power", settings["weight_power"], note=note):
        argument = "weight=class_weights(class_counts, recipe.weight_power)"
        change_loss(draft, lambda loss: with_argument(loss, "nn.CrossEntropyLoss", argument, first=True))
        define_for_loss(draft, "class_weights", _WEIGHTS)


TECHNIQUE = Technique(
    name="class_weights",
    theme="imbalance",
    source="Cui et al., Class-balanced loss based on effective number of samples (CVPR 2019), section 2",
    expected="Better recall of rare classes, at some cost of the common one.",
    gains={"ranking": Gain(0.005, 0.03), "decision": Gain(0.06, 0.07), "calibration": Gain(-0.1, 0.1)},
    ladder=_ladder,
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    changes_loss=True,
    ranges={"weight_power": Range(0.1, 1.0)},
    worded="classes weighted by the power {weight_power:g} of their frequency",
    remedies=frozenset({"weak_class"}),
)
