"""Muon in place of AdamW: the step of each weight matrix is made orthogonal, so that all its directions move alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.editing import returned, set_returned
from agents.playbook.imports import add_import
from agents.playbook.seams import TRAIN, must_lack, set_field
from agents.playbook.syntax import SeamMissing
from agents.playbook.technique import Gain, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

_MUON = "Muon(model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, nesterov=True)"


MOST_EXTRA_TIME = 0.5
"""Part of a batch's forward and backward passes that the optimiser's step may take."""


def _extra_time(reading: Reading) -> float:
    """Return how long a step takes, in passes of a batch: 1.3 for 64 images of 64 pixels, with resnet10t on one core."""
    return 1.3 * (64 / reading.batch_size) * (64 / max(1, reading.image_size)) ** 2


def _ladder(_: Reading) -> tuple[Rung, ...]:
    return tuple(Rung(f"Muon, rate {rate:g}", {"learning_rate": rate}) for rate in (1e-3, 3e-3))


def _unsuited(reading: Reading) -> str:
    if "sgd_momentum" in reading.kept:
        return "SGD is in use"
    if reading.device == "cpu" and _extra_time(reading) > MOST_EXTRA_TIME:
        return (
            f"on a CPU its matrix products would take {_extra_time(reading):.1f} times as long as the passes of a batch"
        )
    return "small steps suit pretrained weights better" if reading.pretrained else ""


def _why(reading: Reading) -> str:
    steps = "The run has" if not reading.steps > 0 else f"The run has about {reading.steps:.0f} steps"
    return (
        f"{steps if reading.steps > 0 else 'A run from scratch has few steps'}, and Muon gets further in each than AdamW (now at "
        f"{reading.learning_rate:g}); its rate is in AdamW's units."
    )


def _apply(draft: Draft, settings: Settings) -> None:
    must_lack(draft, "layer_decay")
    written = returned(draft[TRAIN], "build_optimizer")
    if not written.startswith(("torch.optim.AdamW(", "Muon(")):
        raise SeamMissing("the optimiser is another one")
    draft.change(TRAIN, set_returned, "build_optimizer", _MUON)
    draft.change(TRAIN, add_import, "from timm.optim import Muon")
    set_field(draft, "learning_rate", settings["learning_rate"])


TECHNIQUE = Technique(
    name="muon",
    theme="schedule",
    source="Jordan et al., Muon: an optimizer for hidden layers in neural networks (2024); "
    "Liu et al., Muon is scalable for LLM training (2025), section 2.2, for the rate; timm's form for convolutions",
    expected="A lower training loss after as many steps, each of which takes longer.",
    gains={"ranking": Gain(0.01, 0.06), "decision": Gain(0.01, 0.06), "calibration": Gain(0.0, 0.05)},
    ladder=_ladder,
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    underfit=1.4,
    overfit=0.6,
    rests_on="cosine_schedule",
)
