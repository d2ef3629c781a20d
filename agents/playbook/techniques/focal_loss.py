"""Focal loss: images that are right and sure count less."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.imports import add_import
from agents.playbook.seams import LOSS, change_loss, define_for_loss, set_field
from agents.playbook.syntax import SeamMissing
from agents.playbook.technique import Gain, Range, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

_FOCAL = '''
class FocalLoss(nn.Module):
    """Cross entropy in which an image counts the less the surer the network is of its true class.

    Source: Lin et al., Focal loss for dense object detection (ICCV 2017), equation 4.
    """

    def __init__(self, gamma: float) -> None:
        super().__init__()
        self.gamma = gamma

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        losses = functional.cross_entropy(logits, labels, reduction="none")
        return ((1 - torch.exp(-losses)) ** self.gamma * losses).mean()
'''


def _ladder(_: Reading) -> tuple[Rung, ...]:
    return tuple(Rung(f"focal loss, gamma {gamma:g}", {"focal_gamma": gamma}) for gamma in (1.0, 2.0, 3.0))


def _unsuited(reading: Reading) -> str:
    if reading.kept & {"label_smoothing", "class_weights", "asymmetric_loss", "priority_costs"}:
        return "another change of the cross entropy is in use"
    return f"the classes are nearly even ({reading.imbalance:.1f} to 1)" if reading.imbalance < 2 else ""


def _why(reading: Reading) -> str:
    (rare, few), (common, many) = reading.class_images[0], reading.class_images[-1]
    return (
        f"'{common}' has {many:,} training images and '{rare}' {few:,}; most of the common ones are easy, and focal "
        "loss turns attention to the hard ones."
    )


def _apply(draft: Draft, settings: Settings) -> None:
    note = "how much less an image counts that is right and sure"
    if set_field(draft, "focal_gamma", settings["focal_gamma"], note=note):
        change_loss(draft, _with_focal_loss)
        define_for_loss(draft, "FocalLoss", _FOCAL)
        draft.change(LOSS, add_import, "import torch")
        draft.change(LOSS, add_import, "from torch.nn import functional")


def _with_focal_loss(loss: str) -> str:
    plain = "nn.CrossEntropyLoss()"
    if loss.count(plain) != 1:
        raise SeamMissing("the loss is not the plain cross entropy")
    return loss.replace(plain, "FocalLoss(recipe.focal_gamma)")


TECHNIQUE = Technique(
    name="focal_loss",
    theme="imbalance",
    source="Lin et al., Focal loss for dense object detection (ICCV 2017), equation 4",
    expected="Better separation of the rare class from its look-alikes, probabilities closer to the middle.",
    gains={"ranking": Gain(0.01, 0.04), "decision": Gain(0.02, 0.05), "calibration": Gain(-0.02, 0.06)},
    ladder=_ladder,
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    changes_loss=True,
    ranges={"focal_gamma": Range(0.5, 4.0)},
    worded="focal loss, gamma {focal_gamma:g}",
    remedies=frozenset({"confusion"}),
)
