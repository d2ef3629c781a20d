"""Label smoothing: targets a little short of certainty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.editing import with_argument
from agents.playbook.seams import change_loss, set_field
from agents.playbook.technique import Gain, Range, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings


def _ladder(_: Reading) -> tuple[Rung, ...]:
    return tuple(Rung(f"label smoothing {amount:g}", {"label_smoothing": amount}) for amount in (0.05, 0.1))


def _unsuited(reading: Reading) -> str:
    if "asymmetric_loss" in reading.kept:
        return "the asymmetric loss smooths labels already"
    return "focal loss is in use and reshapes the same loss" if "focal_loss" in reading.kept else ""


def _why(reading: Reading) -> str:
    return f"{reading.ground}; full certainty is more than such labels can bear."


def _apply(draft: Draft, settings: Settings) -> None:
    note = "part of each target that is spread over all classes"
    if set_field(draft, "label_smoothing", settings["label_smoothing"], note=note):
        argument = "label_smoothing=recipe.label_smoothing"
        change_loss(draft, lambda loss: with_argument(loss, "nn.CrossEntropyLoss", argument))


TECHNIQUE = Technique(
    name="label_smoothing",
    theme="regularisation",
    source="Szegedy et al., Rethinking the Inception architecture (CVPR 2016), section 7; "
    "Mueller et al., When does label smoothing help? (NeurIPS 2019)",
    expected="Less overconfidence: a better Brier score and, where labels are noisy, better ranking.",
    gains={"ranking": Gain(0.015, 0.04), "decision": Gain(0.02, 0.04), "calibration": Gain(0.05, 0.08)},
    ladder=_ladder,
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    companions=frozenset({"mixup", "cutmix"}),
    underfit=0.5,
    overfit=1.5,
    changes_loss=True,
    ranges={"label_smoothing": Range(0.01, 0.2)},
    worded="label smoothing {label_smoothing:g}",
)
