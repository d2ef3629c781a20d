"""CutMix: a box of another image is pasted into each, and the labels are shared by area."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.editing import replace_statement
from agents.playbook.seams import TRAIN, define_for_training, must_lack, set_field
from agents.playbook.technique import Gain, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

_PASTE = '''
def paste_boxes(images: Tensor, partners: Tensor, alpha: float) -> tuple[Tensor, float]:
    """Return images (B, 3, S, S) with a box of chance from their partners, and the part of each that is still its own.

    Source: Yun et al., CutMix (ICCV 2019), equations 1 and 2; the box is cut off at the border.
    """
    size, part = images.shape[-1], torch.distributions.Beta(alpha, alpha).sample().item()
    half, (row, column) = size * math.sqrt(1 - part) / 2, (size * torch.rand(2)).tolist()
    edges = (row - half, row + half, column - half, column + half)
    top, bottom, left, right = (round(min(max(edge, 0), size)) for edge in edges)
    pasted = images.clone()
    pasted[:, :, top:bottom, left:right] = images[partners, :, top:bottom, left:right]
    return pasted, 1 - (bottom - top) * (right - left) / size**2
'''
_MIXED = """
partners = torch.randperm(len(labels), device=labels.device)
images, own = paste_boxes(images, partners, recipe.cutmix_alpha)
logits = model(images)
return own * loss_function(logits, labels) + (1 - own) * loss_function(logits, labels[partners])
"""


def _ladder(_: Reading) -> tuple[Rung, ...]:
    return tuple(Rung(f"CutMix, alpha {alpha:g}", {"cutmix_alpha": alpha}) for alpha in (0.2, 1.0))


def _unsuited(reading: Reading) -> str:
    if "mixup" in reading.kept:
        return "mixup blends images already"
    if reading.epochs < 4:
        return f"{reading.epochs:.0f} epochs are too few to learn from pasted images"
    return "the network has not even learnt the plain images yet" if reading.fit < -0.3 else ""


def _why(reading: Reading) -> str:
    return (
        f"{reading.ground}; pasted images cannot be learnt by heart, and unlike blends they keep their texture. Where the "
        "finding is small, a share by area is not always true."
    )


def _apply(draft: Draft, settings: Settings) -> None:
    must_lack(draft, "mixup_alpha")
    must_lack(draft, "input_dropout", why="belongs to one image and cannot be blended")
    note = "both parameters of the beta distribution of the parts that CutMix leaves"
    if set_field(draft, "cutmix_alpha", settings["cutmix_alpha"], note=note):
        draft.change(TRAIN, replace_statement, "batch_loss", "return loss_function(model(images), labels)", _MIXED)
        define_for_training(draft, "paste_boxes", _PASTE)


TECHNIQUE = Technique(
    name="cutmix",
    theme="regularisation",
    source="Yun et al., CutMix: regularization strategy to train strong classifiers with localizable features (ICCV 2019)",
    expected="A higher training loss and better ranking where the network overfits and the finding fills the picture.",
    gains={"ranking": Gain(0.01, 0.05), "decision": Gain(0.01, 0.05), "calibration": Gain(0.02, 0.06)},
    ladder=_ladder,
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    companions=frozenset({"label_smoothing"}),
    underfit=0.2,
    overfit=1.8,
    changes_loss=True,
)
