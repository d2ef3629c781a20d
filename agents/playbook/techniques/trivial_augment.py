"""TrivialAugment: each image is changed by one operation of chance, to a degree of chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.imports import add_import
from agents.playbook.seams import DATA, add_augmentation, set_field
from agents.playbook.technique import Gain, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

# torchvision's own TrivialAugmentWide draws one operation for a whole batch, turns by 135 degrees whatever the picture,
# and holds operations (solarize, posterize, equalize) that work on each colour by itself and so change hue.
_AUGMENT = '''
def trivial_augment(images: Tensor, strength: float, turn: float) -> Tensor:
    """Return a batch of bytes (B, 3, S, S), each eighth of it changed by one operation of chance, none of which shifts hue.

    Source: Mueller & Hutter, TrivialAugment (ICCV 2021), algorithm 1.
    """
    change = v2.functional
    colours = (change.adjust_brightness, change.adjust_contrast, change.adjust_saturation, change.adjust_sharpness)
    shift = images.shape[-1] / 4
    moves = torch.tensor([turn, shift, shift, turn / 3, turn / 3])  # turn, shift and shear, right and down
    changed = []
    for part in images.chunk(8):
        which, amount = int(torch.randint(10, ())), strength * (2 * float(torch.rand(())) - 1)
        angle, *others = (amount * moves * (torch.arange(5) == which - 4)).tolist()
        if which < 4:
            part = torch.cat([colours[which](part[:, :3], 1 + amount), part[:, 3:]], dim=1)
        elif which < 9:
            part = change.affine(part, angle, others[:2], 1.0, others[2:], v2.InterpolationMode.BILINEAR)
        changed.append(part)
    return torch.cat(changed)
'''
LARGEST_TURN = {"any": 135.0, "upright": 15.0, "fixed": 15.0}
"""Degrees that a picture may be turned by, by its orientation: as published, or as far as a hand is off the level."""


def _ladder(reading: Reading) -> tuple[Rung, ...]:
    turn = LARGEST_TURN[reading.orientation]
    return tuple(
        Rung(f"TrivialAugment at {strength:.0%} strength", {"augment_strength": strength, "largest_turn": turn})
        for strength in (0.5, 0.95)
    )


def _unsuited(reading: Reading) -> str:
    if reading.epochs < 4:
        return f"{reading.epochs:.0f} epochs are too few to learn from so many forms of each image"
    return "the network has not even learnt the plain images yet" if reading.fit < -0.3 else ""


def _why(reading: Reading) -> str:
    turns = f"turned by up to {LARGEST_TURN[reading.orientation]:.0f} degrees"
    return (
        f"{reading.ground}; each image is shifted, sheared, {turns} or lit in another way, and its hue stays as it is."
    )


def _apply(draft: Draft, settings: Settings) -> None:
    note = "of TrivialAugment's one change an image; 1 is the widest"
    set_field(draft, "augment_strength", settings["augment_strength"], note=note)
    set_field(draft, "largest_turn", settings["largest_turn"], note="degrees, at full strength")
    settled = "partial(trivial_augment, strength=recipe.augment_strength, turn=recipe.largest_turn)"
    add_augmentation(draft, "trivial_augment", settled, _AUGMENT)
    draft.change(DATA, add_import, "from functools import partial")


TECHNIQUE = Technique(
    name="trivial_augment",
    theme="augmentation",
    source="Mueller & Hutter, TrivialAugment: tuning-free yet state-of-the-art data augmentation (ICCV 2021)",
    expected="A higher training loss and a smaller gap to validation; needs more epochs than flips alone.",
    gains={"ranking": Gain(0.02, 0.05), "decision": Gain(0.02, 0.05), "calibration": Gain(0.02, 0.05)},
    ladder=_ladder,
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    underfit=0.1,
    overfit=1.8,
    rests_on="cosine_schedule",
)
