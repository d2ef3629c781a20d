"""Random rectangles blotted out, so that no single spot decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.imports import add_import
from agents.playbook.seams import DATA, add_augmentation, set_field
from agents.playbook.technique import Gain, Range, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

_ERASE = '''
def erase_rectangles(images: Tensor, part: float) -> Tensor:
    """Return normalised images (B, 3, S, S), half of them with a grey square of this part of a side at a random place."""
    size = images.shape[-1]
    side = round(part * size)
    top, left = torch.randint(size - side + 1, (2, len(images), 1, 1, 1), device=images.device)
    rows = torch.arange(size, device=images.device).view(1, 1, -1, 1)
    columns = rows.transpose(2, 3)
    erased = (rows >= top) & (rows < top + side) & (columns >= left) & (columns < left + side)
    return images.masked_fill(erased & (torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5), 0.0)
'''


def _ladder(_: Reading) -> tuple[Rung, ...]:
    return tuple(
        Rung(f"random erasing, squares of {part:.0%} of a side", {"erased_part": part}) for part in (0.25, 0.4)
    )


def _unsuited(reading: Reading) -> str:
    return "the network has not even learnt the plain images yet" if reading.fit < -0.3 else ""


def _why(reading: Reading) -> str:
    return f"{reading.ground}; with parts hidden it has to use the whole picture."


def _apply(draft: Draft, settings: Settings) -> None:
    set_field(
        draft, "erased_part", settings["erased_part"], note="side of the randomly erased square, as part of the image's"
    )
    add_augmentation(draft, "erase_rectangles", "partial(erase_rectangles, part=recipe.erased_part)", _ERASE)
    draft.change(DATA, add_import, "from functools import partial")


TECHNIQUE = Technique(
    name="random_erasing",
    theme="augmentation",
    source="Zhong et al., Random erasing data augmentation (AAAI 2020); DeVries & Taylor, Cutout (2017)",
    expected="A smaller gap between training and validation where the network knows its images by heart.",
    gains={"ranking": Gain(0.01, 0.04), "decision": Gain(0.01, 0.04), "calibration": Gain(0.01, 0.04)},
    ladder=_ladder,
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    underfit=0.1,
    overfit=1.6,
    ranges={"erased_part": Range(0.1, 0.6)},
    worded="random erasing, squares of {erased_part:.0%} of a side",
)
