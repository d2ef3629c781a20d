"""A start from weights that were learnt on ImageNet, where some lie at hand and the incumbent's network has none."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agents.playbook.seams import set_field
from agents.playbook.technique import Gain, Rung, Technique
from agents.playbook.techniques.backbone import FEWEST_EPOCHS, epochs_with
from agents.playbook.techniques.bfloat16 import suit_arithmetic

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

RANKING = (
    *("resnet10t", "resnet14t", "resnet18", "resnet18d", "tf_efficientnet_lite0", "resnet34", "tf_efficientnet_lite1"),
    *("resnet34d", "tf_efficientnet_lite2", "resnet26t", "resnet50d", "convnext_tiny"),
)
"""Best last, by accuracy on ImageNet (timm's results tables)."""
_RATE = 3e-4
"""For batches of 64; it goes with the root of the batch (Malladi et al., NeurIPS 2022), as in a study's first recipe."""


def _ladder(reading: Reading) -> tuple[Rung, ...]:
    """Return the best network with weights at hand of which enough epochs fit."""
    at_hand = [name for name in RANKING if name in (reading.weights or ())]
    fitting = [name for name in at_hand if epochs_with(name, reading) >= FEWEST_EPOCHS[True]]
    # a pretrained network needs few steps, but on a CPU batches of 64 leave very few of them
    batch = min(32, reading.batch_size) if reading.device == "cpu" else reading.batch_size
    rate = float(f"{_RATE * math.sqrt(batch / 64):.2g}")
    settings = {"pretrained": True, "learning_rate": rate, "batch_size": batch}
    return tuple(Rung(f"{name} from ImageNet weights", {"backbone": name, **settings}) for name in fitting[-1:])


def _unsuited(reading: Reading) -> str:
    if reading.pretrained:
        return f"{reading.backbone} was started from pretrained weights already"
    if not reading.weights:
        return "there are no pretrained weights in the local cache"
    if math.isnan(reading.epochs):
        return "no run has shown yet how many epochs fit"
    return "" if _ladder(reading) else "of no network with weights at hand enough epochs would fit"


def _why(reading: Reading) -> str:
    name = str(_ladder(reading)[0].settings["backbone"])
    return (
        f"{reading.backbone} starts from nothing and has {reading.train_images:,} images to learn from; weights of {name} that "
        f"know edges, textures and shapes from a million photographs lie at hand, and about {epochs_with(name, reading):.0f} epochs fit."
    )


def _apply(draft: Draft, settings: Settings) -> None:
    # The template's mean and deviation stay, although the tf_ networks were trained with 0.5 and 0.5: the two differ by one
    # factor and shift a colour, which the batch normalisation behind the first convolution takes out again (in training, features of
    # tf_efficientnet_lite0 on dermoscopy under the one and the other have a cosine of 0.97).
    set_field(draft, "backbone", settings["backbone"])
    suit_arithmetic(draft, str(settings["backbone"]))
    set_field(draft, "pretrained", bool(settings["pretrained"]))
    set_field(draft, "learning_rate", settings["learning_rate"])
    set_field(draft, "batch_size", int(settings["batch_size"]))


TECHNIQUE = Technique(
    name="warm_start",
    theme="capacity",
    source="Matsoukas et al., What makes transfer learning work for medical images (CVPR 2022); "
    "Raghu et al., Transfusion: understanding transfer learning for medical imaging (NeurIPS 2019), on its limits",
    expected="A lower training loss from the first epoch on and better ranking, the more so the fewer images there are.",
    # Measured by us on HAM10000, melanoma against nevus, 120 s of one core: tf_efficientnet_lite0 at 64 and at 96 pixels reached .880 on
    # validation and resnet10t from scratch .896; its training loss was lower. With little time the gain is not sure.
    gains={"ranking": Gain(0.07, 0.12), "decision": Gain(0.07, 0.12), "calibration": Gain(0.05, 0.12)},
    ladder=_ladder,
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    companions=frozenset({"cosine_schedule"}),
)
