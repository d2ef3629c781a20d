"""Random cut-outs, scaled back to full size: the object at other sizes and places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.imports import add_import
from agents.playbook.seams import DATA, add_augmentation, set_field
from agents.playbook.technique import Gain, Range, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

_ZOOM = '''
def random_zoom(images: Tensor, smallest: float) -> Tensor:
    """Return a random square of each image (B, 3, S, S) at full size; its side is at least the part `smallest`."""
    sides = torch.empty(len(images), device=images.device).uniform_(smallest, 1)
    right, down = (1 - sides) * torch.empty(2, len(images), device=images.device).uniform_(-1, 1)
    nothing = torch.zeros_like(sides)
    squares = torch.stack([sides, nothing, right, nothing, sides, down], dim=1).view(-1, 2, 3)
    grid = functional.affine_grid(squares, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)
'''


def _ladder(_: Reading) -> tuple[Rung, ...]:
    return tuple(
        Rung(f"random zoom, cut-outs of at least {part:.0%} of a side", {"smallest_zoom": part})
        for part in (0.8, 0.65, 0.5)
    )


def _why(reading: Reading) -> str:
    sentence = f", and {reading.fit_sentence}" if reading.fit_sentence else ""
    return f"The {reading.train_images:,} training images show each object at one size and place{sentence}."


def _apply(draft: Draft, settings: Settings) -> None:
    set_field(
        draft,
        "smallest_zoom",
        settings["smallest_zoom"],
        note="smallest side of a random cut-out, as part of the image's",
    )
    call = "partial(random_zoom, smallest=recipe.smallest_zoom)"
    add_augmentation(draft, "random_zoom", call, _ZOOM)
    draft.change(DATA, add_import, "from functools import partial")
    draft.change(DATA, add_import, "from torch.nn import functional")


TECHNIQUE = Technique(
    name="random_zoom",
    theme="augmentation",
    source="Szegedy et al., Going deeper with convolutions (CVPR 2015), section 6; "
    "Steiner et al., How to train your ViT? (TMLR 2022)",
    expected="A smaller gap between training and validation; the training loss falls more slowly.",
    gains={"ranking": Gain(0.01, 0.05), "decision": Gain(0.01, 0.05), "calibration": Gain(0.01, 0.04)},
    ladder=_ladder,
    unsuited=lambda _: "",
    why=_why,
    apply=_apply,
    companions=frozenset({"colour_jitter"}),
    underfit=0.2,
    overfit=1.6,
    ranges={"smallest_zoom": Range(0.35, 0.9)},
    worded="random zoom, cut-outs of at least {smallest_zoom:.0%} of a side",
)
