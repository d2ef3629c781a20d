"""Mixup: training on blends of two images and of their labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.editing import replace_statement
from agents.playbook.seams import TRAIN, must_lack, set_field
from agents.playbook.technique import Gain, Range, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

_MIXED = """
share = torch.distributions.Beta(recipe.mixup_alpha, recipe.mixup_alpha).sample().item()
partners = torch.randperm(len(labels), device=labels.device)
logits = model(share * images + (1 - share) * images[partners])
return share * loss_function(logits, labels) + (1 - share) * loss_function(logits, labels[partners])
"""


def _ladder(_: Reading) -> tuple[Rung, ...]:
    return tuple(Rung(f"mixup, alpha {alpha:g}", {"mixup_alpha": alpha}) for alpha in (0.1, 0.2, 0.4))


def _unsuited(reading: Reading) -> str:
    if "cutmix" in reading.kept:
        return "CutMix blends labels already"
    if reading.epochs < 4:
        return f"{reading.epochs:.0f} epochs are too few to learn from blends"
    return "the network has not even learnt the plain images yet" if reading.fit < -0.3 else ""


def _why(reading: Reading) -> str:
    return f"{reading.ground}; blends of two images cannot be learnt by heart."


def _apply(draft: Draft, settings: Settings) -> None:
    must_lack(draft, "cutmix_alpha")
    must_lack(draft, "input_dropout", why="belongs to one image and cannot be blended")
    note = "both parameters of the beta distribution of mixup's shares"
    if set_field(draft, "mixup_alpha", settings["mixup_alpha"], note=note):
        draft.change(TRAIN, replace_statement, "batch_loss", "return loss_function(model(images), labels)", _MIXED)


TECHNIQUE = Technique(
    name="mixup",
    theme="regularisation",
    source="Zhang et al., mixup: beyond empirical risk minimization (ICLR 2018)",
    expected="A higher training loss, better ranking and calibration where the network overfits; needs long training.",
    gains={"ranking": Gain(0.02, 0.05), "decision": Gain(0.02, 0.05), "calibration": Gain(0.03, 0.06)},
    ladder=_ladder,
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    companions=frozenset({"label_smoothing"}),
    underfit=0.2,
    overfit=1.8,
    changes_loss=True,
    ranges={"mixup_alpha": Range(0.05, 1.0, log=True)},
    worded="mixup, alpha {mixup_alpha:g}",
)
