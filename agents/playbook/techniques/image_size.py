"""Larger images, which show more, or smaller ones, which train faster."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agents.playbook.record import GROWING
from agents.playbook.seams import set_field
from agents.playbook.technique import Gain, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

_SIZES = (32, 40, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 288, 320, 384, 448, 512)
FEWEST_EPOCHS = {False: 4.0, True: 1.5}
"""Epochs that must still fit into the budget at a larger size, from the start and from the incumbent's weights.

Rounds add up where each starts from the weights of the one before, and a network that has learned from small images goes on with larger ones.
Source: Howard, Training ImageNet in 3 hours (fast.ai, 2018), which begins small and grows.
"""


def _epochs_at(size: float, reading: Reading) -> float:
    """Return how many epochs would fit, time going with the number of pixels."""
    return reading.epochs * (reading.image_size / size) ** 2


def _rung(size: int) -> Rung:
    return Rung(f"images of {size} pixels", {"image_size": size})


def _larger(reading: Reading) -> tuple[Rung, ...]:
    return tuple(_rung(size) for size in _SIZES if 1.2 * reading.image_size <= size <= 1.1 * reading.source_pixels)[:1]


def _smaller(reading: Reading) -> tuple[Rung, ...]:
    return tuple(_rung(size) for size in reversed(_SIZES) if 32 <= size <= 0.8 * reading.image_size)[:1]


def _larger_unsuited(reading: Reading) -> str:
    rungs = _larger(reading)
    if not rungs:
        return f"the pictures themselves have only {reading.source_pixels} pixels"
    epochs = _epochs_at(float(rungs[0].settings["image_size"]), reading)
    fewest = FEWEST_EPOCHS[GROWING in reading.kept]
    return f"only {epochs:.1f} epochs would fit into the budget" if epochs < fewest else ""


def _smaller_unsuited(reading: Reading) -> str:
    if not _smaller(reading):
        return f"images of {reading.image_size} pixels are small already"
    return f"{reading.epochs:.0f} epochs fit already" if reading.epochs > 12 else ""


def _why_larger(reading: Reading) -> str:
    size = float(_larger(reading)[0].settings["image_size"])
    epochs = "" if math.isnan(reading.epochs) else f"; about {_epochs_at(size, reading):.0f} epochs still fit"
    return f"The pictures have {reading.source_pixels} pixels and the network sees {reading.image_size}{epochs}."


def _why_smaller(reading: Reading) -> str:
    size = float(_smaller(reading)[0].settings["image_size"])
    if math.isnan(reading.epochs):
        return "Smaller images train faster."
    return f"Only {reading.epochs:.0f} epochs fit at {reading.image_size} pixels; at {size:.0f} it would be {_epochs_at(size, reading):.0f}."


def _apply(draft: Draft, settings: Settings) -> None:
    set_field(draft, "image_size", int(settings["image_size"]))


LARGER = Technique(
    name="larger_images",
    theme="capacity",
    source="Tan & Le, EfficientNet (ICML 2019), section 3; Touvron et al., Fixing the train-test resolution discrepancy (NeurIPS 2019)",
    expected="Finer structures become visible; fewer epochs fit into the budget.",
    gains={"ranking": Gain(0.05, 0.08), "decision": Gain(0.05, 0.08), "calibration": Gain(0.03, 0.06)},
    ladder=_larger,
    unsuited=_larger_unsuited,
    why=_why_larger,
    apply=_apply,
    underfit=0.3,
    overfit=1.3,
    opposite="smaller_images",
)
SMALLER = Technique(
    name="smaller_images",
    theme="capacity",
    source="Howard, Training ImageNet in 3 hours (fast.ai, 2018); Tan & Le, EfficientNetV2 (ICML 2021), section 4",
    expected="More epochs in the same time and a lower training loss, if the detail lost does not matter.",
    gains={"ranking": Gain(0.0, 0.06), "decision": Gain(0.0, 0.06), "calibration": Gain(0.0, 0.05)},
    ladder=_smaller,
    unsuited=_smaller_unsuited,
    why=_why_smaller,
    apply=_apply,
    underfit=1.5,
    overfit=0.3,
    overlaps="progressive_sizes",
    opposite="larger_images",
)
