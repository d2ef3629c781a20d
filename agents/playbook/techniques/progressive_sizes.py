"""Small images at the start of a run and full ones towards its end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agents.playbook.editing import replace_expression
from agents.playbook.imports import add_import
from agents.playbook.seams import TRAIN, define_for_training, set_field
from agents.playbook.technique import Gain, Range, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

_RESIZE = '''
def grow(images: Tensor, progress: float, first_part: float) -> Tensor:
    """Return images (B, 3, S, S) shrunk to a part of their side that grows over the first 60% of the run."""
    part = first_part + (1 - first_part) * min(1.0, progress / 0.6)
    side = min(images.shape[-1], 8 * math.ceil(part * images.shape[-1] / 8))
    return functional.interpolate(images, size=side, mode="area") if side < images.shape[-1] else images
'''


def _rung(first: float) -> Rung:
    return Rung(f"images grow from {first:.0%} of their size in a run", {"first_size": first})


def _unsuited(reading: Reading) -> str:
    if reading.image_size < 64:
        return f"images of {reading.image_size} pixels are small already"
    return f"{reading.epochs:.0f} epochs fit already" if reading.epochs > 40 else ""


def _why(reading: Reading) -> str:
    epochs = "" if math.isnan(reading.epochs) else f" and only {reading.epochs:.0f} epochs fit"
    return (
        f"Training is bound by time: {reading.train_seconds:.0f} s at {reading.image_size} pixels{epochs}; coarse things "
        "can be learnt from small images several times as fast."
    )


def _apply(draft: Draft, settings: Settings) -> None:
    if set_field(
        draft,
        "first_size",
        settings["first_size"],
        note="side of the images at the start of the run, as part of the full one",
    ):
        grown = "grow(transform(images), progress, recipe.first_size)"
        draft.change(TRAIN, replace_expression, "train", "transform(images)", grown)
        define_for_training(draft, "grow", _RESIZE)
        draft.change(TRAIN, add_import, "from torch.nn import functional")
        draft.change(TRAIN, add_import, "import math")


TECHNIQUE = Technique(
    name="progressive_sizes",
    theme="capacity",
    source="Tan & Le, EfficientNetV2 (ICML 2021), section 4; Howard, Training ImageNet in 3 hours (fast.ai, 2018)",
    expected="More epochs in the same time and a lower training loss at its end.",
    gains={"ranking": Gain(0.005, 0.05), "decision": Gain(0.005, 0.05), "calibration": Gain(0.0, 0.05)},
    ladder=lambda _: (_rung(0.5),),
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    underfit=1.6,
    overfit=0.4,
    ranges={"first_size": Range(0.35, 0.9)},
    worded="images grow from {first_size:.0%} of their size in a run",
)
