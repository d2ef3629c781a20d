"""Another backbone of timm: a larger one while time allows, or a faster one where too few epochs fit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agents.playbook.record import GROWING
from agents.playbook.seams import set_field
from agents.playbook.technique import Gain, Rung, Technique
from agents.playbook.techniques.bfloat16 import suit_arithmetic

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

COSTS = {
    "resnet10t": 1.0,
    "tf_efficientnet_lite0": 1.15,
    "resnet18": 1.35,
    "resnet14t": 1.4,
    "tf_efficientnet_lite1": 1.5,
    "tf_efficientnet_lite2": 1.6,
    "resnet18d": 1.7,
    "resnet34": 2.4,
    "resnet26t": 2.6,
    "resnet34d": 2.7,
    "resnet50d": 4.5,
    "convnext_tiny": 7.0,
}
"""Training time of one image on a CPU, in that of resnet10t, cheapest first.

Measured at 64 pixels for resnet10t, 14t, 18 and 26t, at 96 on one thread for the lite ones; the others by their
multiplications.
"""
ONLY_FROM_WEIGHTS = frozenset({"tf_efficientnet_lite0", "tf_efficientnet_lite1", "tf_efficientnet_lite2"})
"""Networks of thin convolutions, which learn too slowly from scratch."""
FEWEST_EPOCHS = {False: 5.0, True: 1.5}
"""Epochs that must still fit into the budget, from scratch and from pretrained weights."""


def epochs_with(backbone: str, reading: Reading) -> float:
    """Return how many epochs of another backbone would fit into the budget; nan if not known."""
    return reading.epochs * COSTS.get(reading.backbone, math.nan) / COSTS[backbone]


def _usable(reading: Reading) -> tuple[str, ...]:
    """Return the backbones that lose nothing of a start from pretrained weights."""
    if reading.pretrained:
        return tuple(name for name in COSTS if name in (reading.weights or ()))
    return tuple(name for name in COSTS if name not in ONLY_FROM_WEIGHTS)


def _larger(reading: Reading) -> tuple[Rung, ...]:
    more = [name for name in _usable(reading) if COSTS[name] > 1.3 * COSTS.get(reading.backbone, math.inf)]
    return tuple(Rung(f"backbone {name}", {"backbone": name}) for name in more[:1])


def _faster(reading: Reading) -> tuple[Rung, ...]:
    less = [name for name in _usable(reading) if COSTS[name] < 0.8 * COSTS.get(reading.backbone, 0.0)]
    return tuple(Rung(f"faster backbone {name}", {"backbone": name}) for name in less[-1:])


def _larger_unsuited(reading: Reading) -> str:
    if GROWING in reading.kept:
        return "the weights that the rounds have grown would fit no other network"
    rungs = _larger(reading)
    if not rungs:
        return f"no larger backbone than {reading.backbone} is known to suit"
    epochs = epochs_with(str(rungs[0].settings["backbone"]), reading)
    if epochs < FEWEST_EPOCHS[reading.pretrained]:
        return f"only {epochs:.1f} epochs would fit into the budget"
    return ""


def _faster_unsuited(reading: Reading) -> str:
    if GROWING in reading.kept:
        return "the weights that the rounds have grown would fit no other network"
    if not _faster(reading):
        return f"no faster backbone than {reading.backbone} is known"
    return f"{reading.epochs:.0f} epochs fit already" if reading.epochs > 8 else ""


def _why_larger(reading: Reading) -> str:
    name = str(_larger(reading)[0].settings["backbone"])
    epochs = (
        "" if math.isnan(reading.epochs) else f"; about {epochs_with(name, reading):.0f} epochs of {name} still fit"
    )
    return f"{reading.ground}{epochs}."


def _why_faster(reading: Reading) -> str:
    name = str(_faster(reading)[0].settings["backbone"])
    epochs = "Few epochs fit" if math.isnan(reading.epochs) else f"Only {reading.epochs:.0f} epochs fit"
    return f"{epochs} with {reading.backbone}; with {name} it would be {COSTS[reading.backbone] / COSTS[name]:.1f} times as many."


def _apply(draft: Draft, settings: Settings) -> None:
    set_field(draft, "backbone", settings["backbone"])
    suit_arithmetic(draft, str(settings["backbone"]))


LARGER = Technique(
    name="larger_backbone",
    theme="capacity",
    source="He et al., Deep residual learning (CVPR 2016), table 2; Wightman et al., ResNet strikes back (2021)",
    expected="Better features, if enough epochs still fit into the budget.",
    gains={"ranking": Gain(0.02, 0.07), "decision": Gain(0.02, 0.07), "calibration": Gain(0.01, 0.06)},
    ladder=_larger,
    unsuited=_larger_unsuited,
    why=_why_larger,
    apply=_apply,
    overfit=1.2,
    opposite="faster_backbone",
)
FASTER = Technique(
    name="faster_backbone",
    theme="capacity",
    source="Wightman et al., ResNet strikes back (2021), section 5: short budgets favour small networks",
    expected="More epochs in the same time.",
    gains={"ranking": Gain(0.01, 0.07), "decision": Gain(0.01, 0.07), "calibration": Gain(0.01, 0.06)},
    ladder=_faster,
    unsuited=_faster_unsuited,
    why=_why_faster,
    apply=_apply,
    underfit=1.4,
    overfit=0.2,
    opposite="larger_backbone",
)
