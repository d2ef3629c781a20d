"""Forward passes in bfloat16 on a CPU with matrix units for it; CUDA does so already."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agents.playbook.editing import default_of, has_expression, replace_expression
from agents.playbook.seams import RECIPE, TRAIN
from agents.playbook.syntax import SeamMissing
from agents.playbook.technique import Gain, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

FULL = "contract.autocast(images.device)"
SHORT = "torch.autocast(images.device.type, torch.bfloat16)"
_SUITED = ("resnet", "convnext")


def _unsuited(reading: Reading) -> str:
    if reading.device != "cpu":
        return f"on {reading.device} the template has chosen the arithmetic already"
    if not reading.fast_bfloat16:
        return "this CPU has no matrix units for it"
    if not reading.backbone.startswith(_SUITED):
        return f"networks of thin convolutions such as {reading.backbone} get slower with it"
    return f"{reading.epochs:.0f} epochs fit already" if reading.epochs > 40 else ""


def _why(reading: Reading) -> str:
    now = (
        ""
        if math.isnan(reading.epochs)
        else f" (now {reading.images_per_second:.0f} a second, {reading.epochs:.0f} epochs)"
    )
    return (
        f"Training is bound by time: a CPU with matrix units for bfloat16 passes up to half as many images again through a "
        f"plain residual network{now}."
    )


def suit_arithmetic(draft: Draft, backbone: str) -> None:
    """Go back to full precision for a network that bfloat16 slows down: tf_efficientnet_lite0 takes 2.3 times as long."""
    for scope in ("train_step", "climb"):
        if not backbone.startswith(_SUITED) and has_expression(draft[TRAIN], scope, SHORT):
            draft.change(TRAIN, replace_expression, scope, SHORT, FULL)


def _apply(draft: Draft, _: Settings) -> None:
    backbone = str(default_of(draft[RECIPE], "Recipe", "backbone"))
    if not backbone.startswith(_SUITED):
        raise SeamMissing(f"bfloat16 slows {backbone} down")
    if not has_expression(draft[TRAIN], "train_step", SHORT):
        draft.change(TRAIN, replace_expression, "train_step", FULL, SHORT)
    if has_expression(draft[TRAIN], "climb", FULL):  # the first pass of sharpness-aware minimisation
        draft.change(TRAIN, replace_expression, "climb", FULL, SHORT)


TECHNIQUE = Technique(
    name="bfloat16",
    theme="schedule",
    source="Kalamkar et al., A study of BFLOAT16 for deep learning training (2019)",
    expected="More images a second and more epochs in the same time, at the same quality per epoch.",
    gains={"ranking": Gain(0.035, 0.04), "decision": Gain(0.035, 0.04), "calibration": Gain(0.01, 0.04)},
    ladder=lambda _: (Rung("bfloat16 arithmetic in training", {"bits": 16}),),
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    companions=frozenset({"fused_optimizer"}),
    underfit=1.4,
    overfit=0.6,
)
