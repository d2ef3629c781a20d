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


def _ladder(_: Reading) -> tuple[Rung, ...]:
    return tuple(Rung(f"Muon, rate {rate:g}", {"learning_rate": rate}) for rate in (1e-3, 3e-3))


def _unsuited(reading: Reading) -> str:
    if "sgd_momentum" in reading.kept:
        return "SGD is in use"
    if reading.device == "cpu" and reading.batch_size < 32:
        return f"on a CPU its matrix products cost as much as a batch of {reading.batch_size}"
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
