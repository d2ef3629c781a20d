"""Random brightness, contrast and saturation; never hue, which is a finding in many pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.imports import add_import
from agents.playbook.seams import DATA, add_augmentation, set_field
from agents.playbook.technique import Gain, Range, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

_JITTER = '''
def jitter_colours(images: Tensor, strength: float) -> Tensor:
    """Change brightness, contrast and saturation of each normalised image (B, 3, S, S) by up to `strength`.

    Hue stays: which colour a thing has can be the finding.
    """
    amounts = torch.empty(3, len(images), 1, 1, 1, device=images.device).uniform_(-strength, strength)
    brightness, contrast, saturation = amounts
    grey = images.mean(1, keepdim=True)
    images = grey + (1 + saturation) * (images - grey)
    mean = images.mean((1, 2, 3), keepdim=True)
    return mean + (1 + contrast) * (images - mean) + brightness
'''


def _ladder(_: Reading) -> tuple[Rung, ...]:
    return tuple(
        Rung(f"brightness, contrast and saturation jittered by {amount:g}", {"colour_jitter": amount})
        for amount in (0.15, 0.3, 0.5)
    )


def _why(reading: Reading) -> str:
    return (
        f"Lamps, cameras and skin differ from clinic to clinic, and {reading.train_images:,} training images show only "
        "some of it; the hue is left alone because it carries diagnosis."
    )


def _apply(draft: Draft, settings: Settings) -> None:
    note = "largest random change of brightness, contrast and saturation"
    set_field(draft, "colour_jitter", settings["colour_jitter"], note=note)
    call = "partial(jitter_colours, strength=recipe.colour_jitter)"
    add_augmentation(draft, "jitter_colours", call, _JITTER)
    draft.change(DATA, add_import, "from functools import partial")


TECHNIQUE = Technique(
    name="colour_jitter",
    theme="augmentation",
    source="Howard, Some improvements on deep CNN based image classification (2013), section 2; "
    "Perez et al., Data augmentation for skin lesion analysis (ISIC 2018)",
    expected="Less weight on lighting; a small gain on validation, a larger one on pictures of other cameras.",
    gains={"ranking": Gain(0.015, 0.04), "decision": Gain(0.015, 0.04), "calibration": Gain(0.01, 0.04)},
    ladder=_ladder,
    unsuited=lambda _: "",
    why=_why,
    apply=_apply,
    companions=frozenset({"random_zoom"}),
    underfit=0.3,
    overfit=1.5,
    ranges={"colour_jitter": Range(0.05, 0.6)},
    worded="brightness, contrast and saturation jittered by {colour_jitter:g}",
)
