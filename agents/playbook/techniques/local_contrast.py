"""Contrast-limited adaptive histogram equalisation of films: faint structures in dark and in bright parts alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.seams import decode_through, must_lack
from agents.playbook.technique import Gain, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

_EVEN_CONTRAST = '''
def even_contrast(image: np.ndarray, tiles: int = 4, limit: float = 3.0) -> np.ndarray:
    """Return a picture (S, S, 3) of bytes, its greys spread by rank in each tile, at most `limit` times, and blended between.

    Source: Zuiderveld, Contrast limited adaptive histogram equalization (Graphics Gems IV, 1994).
    """
    tile_of = np.arange(len(image)) * tiles // len(image)
    bins = 256 * (tiles * tile_of[:, None] + tile_of) + image.mean(2).astype(np.int64)
    counts = np.bincount(bins.ravel(), minlength=256 * tiles**2).reshape(-1, 256)
    parts = counts / counts.sum(1, keepdims=True)
    cut = np.minimum(parts, limit / 256)
    curves = 255 * (cut + (1 - cut.sum(1, keepdims=True)) / 256).cumsum(1)  # new grey by tile and old grey
    at = ((np.arange(len(image)) + 0.5) * tiles / len(image) - 0.5).clip(0, tiles - 1)  # in tiles, from centres
    first = np.minimum(at.astype(np.int64), tiles - 2)
    second_share = at - first
    evened = np.zeros(image.shape)
    for down, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
        share = abs(1 - down - second_share)[:, None] * abs(1 - right - second_share)
        tile = tiles * (first + down)[:, None] + first + right
        evened += share[..., None] * curves[tile[..., None], image]
    return np.rint(evened).astype(np.uint8)
'''


def _unsuited(reading: Reading) -> str:
    if reading.picture != "film":
        return "these are not known to be films"
    return f"tiles of {reading.image_size} pixels' images are too small" if reading.image_size < 64 else ""


def _why(reading: Reading) -> str:
    return (
        "A film holds faint structures in its dark and in its bright parts, in a few grey values each; spread tile by tile they "
        f"are there for the network from the first step on, at {reading.image_size} pixels too."
    )


def _apply(draft: Draft, _: Settings) -> None:
    must_lack(draft, "mask_weight")  # masks are decoded in the same way, and their values must stay
    decode_through(draft, "even_contrast", _EVEN_CONTRAST)


TECHNIQUE = Technique(
    name="local_contrast",
    theme="preparation",
    source="Pizer et al., Adaptive histogram equalization and its variations (CVGIP 1987); "
    "Zuiderveld, Contrast limited adaptive histogram equalization (Graphics Gems IV, 1994)",
    expected="Films of different exposure look alike; a gain where findings are faint, a loss where brightness itself tells.",
    gains={"ranking": Gain(0.005, 0.05), "decision": Gain(0.005, 0.05), "calibration": Gain(0.0, 0.04)},
    ladder=lambda _: (Rung("local contrast, 4 x 4 tiles, at most threefold", {"contrast_limit": 3.0}),),
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
)
