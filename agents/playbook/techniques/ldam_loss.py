"""LDAM: the rarer a class, the larger the margin by which its images must be right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.imports import add_import
from agents.playbook.seams import LOSS, change_loss, define_for_loss, must_lack, set_field
from agents.playbook.technique import Gain, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

_MARGINS = '''
class WithMargins(nn.Module):
    """A loss on logits from which the true class's margin is taken, largest for the rarest class.

    Source: Cao et al., Label-distribution-aware margin loss (NeurIPS 2019), section 3.2; here in units of plain logits.
    """

    def __init__(self, loss: nn.Module, class_counts: Tensor, largest: float) -> None:
        super().__init__()
        self.loss = loss
        roots = class_counts.clamp(min=1) ** -0.25
        self.register_buffer("margins", largest * roots / roots.max())

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        return self.loss(logits - self.margins * functional.one_hot(labels, len(self.margins)), labels)
'''


def _ladder(_: Reading) -> tuple[Rung, ...]:
    return tuple(
        Rung(f"margins that grow with rarity, up to {margin:g}", {"largest_margin": margin}) for margin in (1.0, 3.0)
    )


def _unsuited(reading: Reading) -> str:
    if reading.kept & {"logit_adjustment", "class_weights"}:
        return "the loss favours rare classes already"
    return f"the classes are nearly even ({reading.imbalance:.1f} to 1)" if reading.imbalance < 2 else ""


def _why(reading: Reading) -> str:
    (rare, few), (common, many) = reading.class_images[0], reading.class_images[-1]
    return (
        f"The {few:,} training images of '{rare}' leave more of its forms unseen than the {many:,} of '{common}', so its side of "
        f"the border needs more room: {(many / max(1, few)) ** 0.25:.1f} times as much."
    )


def _apply(draft: Draft, settings: Settings) -> None:
    must_lack(draft, "logit_adjustment", "weight_power")
    note = "margin of the rarest class, in logits"
    if set_field(draft, "largest_margin", settings["largest_margin"], note=note):
        change_loss(draft, "WithMargins({}, class_counts, recipe.largest_margin)".format)
        define_for_loss(draft, "WithMargins", _MARGINS)
        draft.change(LOSS, add_import, "from torch.nn import functional")


TECHNIQUE = Technique(
    name="ldam_loss",
    theme="imbalance",
    source="Cao et al., Learning imbalanced datasets with label-distribution-aware margin loss (NeurIPS 2019), section 3.2",
    expected="Better recall of rare classes on new images; goes with balanced sampling.",
    gains={"ranking": Gain(0.01, 0.04), "decision": Gain(0.04, 0.06), "calibration": Gain(-0.05, 0.08)},
    ladder=_ladder,
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    overfit=1.3,
    changes_loss=True,
)
