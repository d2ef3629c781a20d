"""Layer-wise learning rates: the deeper a pretrained layer lies below the head, the smaller its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.editing import default_of, replace_statement, returned, set_returned
from agents.playbook.imports import add_import
from agents.playbook.seams import RECIPE, TRAIN, set_field
from agents.playbook.syntax import SeamMissing
from agents.playbook.technique import Gain, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

_GROUPS = "param_groups_layer_decay({}, recipe.weight_decay, layer_decay=recipe.layer_decay)"
_RATE = 'group["lr"] = learning_rate_at(progress, recipe)'


def _ladder(_: Reading) -> tuple[Rung, ...]:
    return tuple(Rung(f"layer-wise rates, {decay:g} a layer", {"layer_decay": decay}) for decay in (0.9, 0.75))


def _unsuited(reading: Reading) -> str:
    return "" if reading.pretrained else "there are no pretrained layers to spare"


def _why(reading: Reading) -> str:
    return (
        f"The first layers of {reading.backbone} know edges and textures from ImageNet, which {reading.train_images:,} images can "
        f"only blur at a rate of {reading.learning_rate:g}; the last layers and the head have the most to learn."
    )


def _apply(draft: Draft, settings: Settings) -> None:
    written = returned(draft[TRAIN], "build_optimizer")
    if not written.startswith("torch.optim.AdamW("):
        raise SeamMissing("the optimiser is another one than AdamW")
    note = "factor of the learning rate from each layer to the one below"
    network = "model" if default_of(draft[RECIPE], "Recipe", "members") is None else "model.networks[-1]"
    groups = _GROUPS.format(network)
    if set_field(draft, "layer_decay", settings["layer_decay"], note=note):
        draft.change(TRAIN, set_returned, "build_optimizer", written.replace("model.parameters()", groups))
        draft.change(TRAIN, replace_statement, "train", _RATE, f'{_RATE} * group.get("lr_scale", 1.0)')
        draft.change(TRAIN, add_import, "from timm.optim import param_groups_layer_decay")


TECHNIQUE = Technique(
    name="layer_decay",
    theme="schedule",
    source="Howard & Ruder, Universal language model fine-tuning (ACL 2018), section 3.2; "
    "Bao et al., BEiT (ICLR 2022), appendix; Liu et al., A ConvNet for the 2020s (CVPR 2022), appendix A.2",
    expected="A smaller gap to validation with pretrained weights; no weight decay on biases and normalisation any more.",
    gains={"ranking": Gain(0.02, 0.04), "decision": Gain(0.02, 0.04), "calibration": Gain(0.01, 0.04)},
    ladder=_ladder,
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    underfit=0.4,
    overfit=1.5,
)
