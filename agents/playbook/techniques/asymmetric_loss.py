"""Asymmetric loss for one label an image: wrong classes count the less, the less likely they look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.imports import add_import
from agents.playbook.seams import LOSS, change_loss, set_field
from agents.playbook.syntax import SeamMissing
from agents.playbook.technique import Gain, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

_PLAIN = "nn.CrossEntropyLoss()"
_ASYMMETRIC = "AsymmetricLossSingleLabel(gamma_pos=recipe.gamma_true, gamma_neg=recipe.gamma_others)"


def _ladder(_: Reading) -> tuple[Rung, ...]:
    return tuple(
        Rung(f"asymmetric loss, gamma {true:g} and {others:g}", {"gamma_true": true, "gamma_others": others})
        for true, others in ((0.0, 4.0), (1.0, 4.0))
    )


def _unsuited(reading: Reading) -> str:
    if reading.kept & {"label_smoothing", "class_weights", "focal_loss", "priority_costs"}:
        return "another change of the cross entropy is in use"
    return f"the classes are nearly even ({reading.imbalance:.1f} to 1)" if reading.imbalance < 2 else ""


def _why(reading: Reading) -> str:
    (rare, few), (common, many) = reading.class_images[0], reading.class_images[-1]
    return (
        f"With {many:,} images of '{common}' and {few:,} of '{rare}', smoothing all targets alike would pull on answers that are "
        "right already; the asymmetric loss lets go of classes that look unlikely and pushes on those that mislead."
    )


def _apply(draft: Draft, settings: Settings) -> None:
    notes = {
        "gamma_true": "how much less an image counts that is right and sure",
        "gamma_others": "... and a class that is not likely",
    }
    new = [set_field(draft, name, settings[name], note=note) for name, note in notes.items()]
    if all(new):
        change_loss(draft, _with_asymmetry)
        draft.change(LOSS, add_import, "from timm.loss import AsymmetricLossSingleLabel")


def _with_asymmetry(loss: str) -> str:
    if loss.count(_PLAIN) != 1:
        raise SeamMissing("the loss is not the plain cross entropy")
    return loss.replace(_PLAIN, _ASYMMETRIC)


TECHNIQUE = Technique(
    name="asymmetric_loss",
    theme="imbalance",
    source="Ridnik et al., Asymmetric loss for multi-label classification (ICCV 2021), equations 6 and 7, for softmax over one "
    "label, with a tenth of each target smoothed, as its authors published it and timm holds it",
    expected="Fewer sure mistakes; ranking of the rare class a little better.",
    gains={"ranking": Gain(0.01, 0.04), "decision": Gain(0.015, 0.05), "calibration": Gain(0.0, 0.07)},
    ladder=_ladder,
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    changes_loss=True,
)
