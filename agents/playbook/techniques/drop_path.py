"""Stochastic depth: whole blocks are skipped at random in training, the deeper ones more often."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.editing import returned, set_returned, with_argument
from agents.playbook.seams import MODEL, set_field
from agents.playbook.technique import Gain, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

BLOCKS = {
    "resnet10t": 4, "resnet14t": 4, "resnet18": 8, "resnet18d": 8, "resnet26t": 8, "resnet34": 16, "resnet34d": 16,
    "resnet50": 16, "resnet50d": 16, "convnext_tiny": 18, "tf_efficientnet_lite0": 16, "tf_efficientnet_lite1": 23,
    "tf_efficientnet_lite2": 23, "mobilenetv3_large_100": 15,
}  # fmt: skip
"""Blocks of the networks whose constructor in timm takes `drop_path_rate`."""
FEWEST_BLOCKS = 8


def _ladder(_: Reading) -> tuple[Rung, ...]:
    return tuple(Rung(f"stochastic depth, up to {part:g}", {"drop_path": part}) for part in (0.1, 0.2))


def _unsuited(reading: Reading) -> str:
    if reading.backbone not in BLOCKS:
        return f"{reading.backbone} is not known to have blocks that can be skipped"
    if BLOCKS[reading.backbone] < FEWEST_BLOCKS:
        return f"{reading.backbone} has only {BLOCKS[reading.backbone]} blocks"
    return "the network has not even learnt the plain images yet" if reading.fit < -0.3 else ""


def _why(reading: Reading) -> str:
    blocks = BLOCKS.get(reading.backbone, 0)
    return f"{reading.ground}; with some of its {blocks} blocks left out at random, {reading.backbone} learns as many shallower networks in one."


def _apply(draft: Draft, settings: Settings) -> None:
    if set_field(
        draft,
        "drop_path",
        settings["drop_path"],
        note="part of the images for which the deepest block is skipped in training",
    ):
        argument = "drop_path_rate=recipe.drop_path"
        network = with_argument(returned(draft[MODEL], "build_model"), "timm.create_model", argument, first=True)
        draft.change(MODEL, set_returned, "build_model", network)


TECHNIQUE = Technique(
    name="drop_path",
    theme="regularisation",
    source="Huang et al., Deep networks with stochastic depth (ECCV 2016)",
    expected="A higher training loss and a better validation one where a deep network overfits.",
    gains={"ranking": Gain(0.01, 0.03), "decision": Gain(0.01, 0.03), "calibration": Gain(0.01, 0.03)},
    ladder=_ladder,
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    underfit=0.3,
    overfit=1.6,
)
