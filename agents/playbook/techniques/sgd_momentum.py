"""Stochastic gradient descent with Nesterov momentum in place of AdamW."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.editing import returned, set_returned
from agents.playbook.seams import TRAIN, must_lack, set_field
from agents.playbook.syntax import SeamMissing
from agents.playbook.technique import Gain, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

_SGD = (
    "torch.optim.SGD("
    "model.parameters(), lr=recipe.learning_rate, momentum=0.9, nesterov=True, weight_decay=recipe.weight_decay)"
)


def _ladder(_: Reading) -> tuple[Rung, ...]:
    return (Rung("SGD with Nesterov momentum, rate 0.05", {"learning_rate": 0.05, "weight_decay": 5e-4}),)


def _unsuited(reading: Reading) -> str:
    if "cosine_schedule" not in reading.kept:
        return "at a constant rate SGD needs a schedule first"
    if "muon" in reading.kept:
        return "Muon is in use"
    return "small steps suit pretrained weights better" if reading.pretrained else ""


def _why(reading: Reading) -> str:
    return (
        f"Residual networks trained from scratch often end better with SGD than with AdamW (now at {reading.learning_rate:g}), "
        "now that a schedule with warm-up is in place."
    )


def _apply(draft: Draft, settings: Settings) -> None:
    must_lack(draft, "layer_decay")
    written = returned(draft[TRAIN], "build_optimizer")
    if not written.startswith(("torch.optim.AdamW(", "torch.optim.SGD(")):
        raise SeamMissing("the optimiser is another one")
    draft.change(TRAIN, set_returned, "build_optimizer", _SGD)
    set_field(draft, "learning_rate", settings["learning_rate"])
    set_field(draft, "weight_decay", settings["weight_decay"])


TECHNIQUE = Technique(
    name="sgd_momentum",
    theme="schedule",
    source="Wilson et al., The marginal value of adaptive gradient methods (NeurIPS 2017); He et al. (CVPR 2016), section 3.4",
    expected="A similar training loss and a better validation one.",
    gains={"ranking": Gain(0.0, 0.06), "decision": Gain(0.0, 0.06), "calibration": Gain(0.0, 0.05)},
    ladder=_ladder,
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
)
