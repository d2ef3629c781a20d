"""Logit adjustment: class frequencies are added to the logits in training, so that the bare logits favour no class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.seams import change_loss, define_for_loss, must_lack, set_field
from agents.playbook.technique import Gain, Range, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

_ADJUSTED = '''
class LogitAdjusted(nn.Module):
    """A loss on logits to which the log frequency of each class is added, so that they need not learn it.

    Source: Menon et al., Long-tail learning via logit adjustment (ICLR 2021), equation 10.
    """

    def __init__(self, loss: nn.Module, class_counts: Tensor, strength: float) -> None:
        super().__init__()
        self.loss = loss
        self.register_buffer("offsets", strength * (class_counts.clamp(min=1) / class_counts.sum()).log())

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        return self.loss(logits + self.offsets, labels)
'''


def _ladder(_: Reading) -> tuple[Rung, ...]:
    return tuple(
        Rung(f"logit adjustment, strength {strength:g}", {"logit_adjustment": strength}) for strength in (0.5, 1.0, 1.5)
    )


def _unsuited(reading: Reading) -> str:
    if reading.kept & {"balanced_sampling", "class_weights"}:
        return "the classes are balanced in another way already"
    if "ldam_loss" in reading.kept:
        return "margins favour the rare classes already"
    return f"the classes are nearly even ({reading.imbalance:.1f} to 1)" if reading.imbalance < 2 else ""


def _why(reading: Reading) -> str:
    (rare, few), (common, many) = reading.class_images[0], reading.class_images[-1]
    return (
        f"'{common}' has {reading.imbalance:.0f} times the training images of '{rare}' ({many:,} to {few:,}), while "
        f"{reading.metric} {'counts both alike' if reading.metric_kind == 'decision' else 'looks at the order alone'}."
    )


def _apply(draft: Draft, settings: Settings) -> None:
    must_lack(draft, "weight_power", "sampling_power", "largest_margin")
    note = "how much of the class frequencies is added to the logits in training"
    if set_field(draft, "logit_adjustment", settings["logit_adjustment"], note=note):
        change_loss(draft, "LogitAdjusted({}, class_counts, recipe.logit_adjustment)".format)
        define_for_loss(draft, "LogitAdjusted", _ADJUSTED)


TECHNIQUE = Technique(
    name="logit_adjustment",
    theme="imbalance",
    source="Menon et al., Long-tail learning via logit adjustment (ICLR 2021), equation 10",
    expected="Better recall of rare classes and macro F1; hardly any change of the AUC.",
    gains={"ranking": Gain(0.005, 0.03), "decision": Gain(0.08, 0.07), "calibration": Gain(-0.1, 0.1)},
    ladder=_ladder,
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    changes_loss=True,
    ranges={"logit_adjustment": Range(0.2, 2.0)},
    worded="logit adjustment, strength {logit_adjustment:g}",
    remedies=frozenset({"weak_class"}),
)
