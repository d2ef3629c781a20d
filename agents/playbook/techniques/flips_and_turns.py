"""Flips and quarter turns of training images, where the picture has no up and down; else mirroring alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.seams import add_augmentation
from agents.playbook.technique import Gain, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

_ALL = '''
def random_flips_and_turns(images: Tensor) -> Tensor:
    """Return each image of a batch (B, 3, S, S) in one of its eight flips and quarter turns, drawn by chance."""
    upside_down, mirrored, transposed = torch.rand(3, len(images), 1, 1, 1, device=images.device) < 0.5
    images = torch.where(upside_down, images.flip(2), images)
    images = torch.where(mirrored, images.flip(3), images)
    return torch.where(transposed, images.transpose(2, 3), images)
'''
_MIRROR = '''
def random_mirror(images: Tensor) -> Tensor:
    """Return a batch (B, 3, S, S) in which about every other image is mirrored left to right."""
    mirrored = torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5
    return torch.where(mirrored, images.flip(3), images)
'''


def _ladder(reading: Reading) -> tuple[Rung, ...]:
    if reading.orientation == "any":
        return (Rung("flips and quarter turns", {"flips": 8}),)
    return (Rung("random mirroring", {"flips": 2}),)


def _unsuited(reading: Reading) -> str:
    if reading.orientation == "fixed":
        return f"a flipped picture would mean something else ('{reading.orientation_word}')"
    return ""


def _why(reading: Reading) -> str:
    if reading.orientation == "any":
        return (
            f"These pictures ('{reading.orientation_word}') have no up or down, so each of the "
            f"{reading.train_images:,} training images gives eight for free."
        )
    return f"Nothing in the request forbids a mirror image, which doubles the {reading.train_images:,} training images."


def _apply(draft: Draft, settings: Settings) -> None:
    if settings["flips"] == 8:
        add_augmentation(draft, "random_flips_and_turns", "random_flips_and_turns", _ALL)
    else:
        add_augmentation(draft, "random_mirror", "random_mirror", _MIRROR)


TECHNIQUE = Technique(
    name="flips_and_turns",
    theme="augmentation",
    source="Krizhevsky et al., ImageNet classification with deep CNNs (NeurIPS 2012), section 4.1; "
    "Perez et al., Data augmentation for skin lesion analysis (ISIC 2018)",
    expected="Better ranking on new images and a smaller gap to the training loss, which falls more slowly.",
    gains={"ranking": Gain(0.06, 0.05), "decision": Gain(0.06, 0.05), "calibration": Gain(0.05, 0.05)},
    ladder=_ladder,
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    underfit=0.6,
    overfit=1.5,
    companions=frozenset({"cosine_schedule", "higher_learning_rate", "test_time_views"}),
    rests_on="cosine_schedule",
)
