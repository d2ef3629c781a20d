"""Every image is opened here once: what cannot be read is told, what can is measured and hashed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from tasks.domain.errors import PictureUnreadable
from tasks.perceptual_hash import VIEWS, WORDS, hashes_of_all_views
from tasks.pixels import open_picture
from tasks.processes import CRASH, in_processes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

THUMBNAIL = 8
"""Cells on each side of the thumbnail."""
_GRID, _FRAME = 20, 2
BORDER_CELLS = _GRID**2 - (_GRID - 2 * _FRAME) ** 2
"""Cells of the grid that lie in the outer tenth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What one look at an image showed."""

    problem: str = ""
    """Why it cannot be used; if not empty, the rest means nothing."""
    pixels: str = ""
    """SHA-256 of mode, size and decoded pixels (hex)."""
    width: int = 0
    height: int = 0
    hashes: NDArray[np.uint64] = field(default_factory=lambda: np.zeros((VIEWS, WORDS), dtype=np.uint64))
    """Perceptual hashes, shape (8, 4)."""
    thumbnail: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((THUMBNAIL, THUMBNAIL, 3), dtype=np.uint8))
    """The picture in 8 x 8 means of red, green and blue, shape (8, 8, 3)."""
    border: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((BORDER_CELLS, 3), dtype=np.uint8))
    """The outer tenth of the picture on each side, in means of a 20 x 20 grid, row by row, shape (144, 3)."""


def decode_all(
    folder: Path, files: Sequence[str], *, frames: Sequence[int] | None = None, workers: int | None = None
) -> list[Decoded]:
    """Decode images, in as many processes as there are processors.

    Args:
        folder: Folder that the files are relative to.
        files: Paths of the images.
        frames: Number of the picture within each file, -1 for the only one; None means that of all.
        workers: Number of processes; None means one a processor.
    """
    numbers = [-1] * len(files) if frames is None else [int(frame) for frame in frames]
    crashed = Decoded(problem=CRASH)
    return in_processes(
        partial(_decode, folder), list(zip(files, numbers, strict=True)), crashed=crashed, workers=workers
    )


def decode(folder: Path, file: str, frame: int = -1) -> Decoded:
    """Decode one image in full; a picture that cannot be read is a result, not an error."""
    try:
        return _look_at(open_picture(folder / file, frame))
    except PictureUnreadable as error:
        return Decoded(problem=error.reason)


def _decode(folder: Path, file_and_frame: tuple[str, int]) -> Decoded:
    return decode(folder, *file_and_frame)


def _look_at(picture: Image.Image) -> Decoded:
    extrema = picture.getextrema()
    bands = extrema if isinstance(extrema[0], tuple) else (extrema,)
    if all(low == high for low, high in bands):
        return Decoded(problem="shows nothing: every pixel has the same value")
    digest = hashlib.sha256(f"{picture.mode} {picture.width} {picture.height}".encode())
    digest.update(picture.tobytes())
    thumbnail, border = coarse(picture.convert("RGB") if _is_shallow(picture) else _in_grey(picture).convert("RGB"))
    return Decoded(
        pixels=digest.hexdigest(),
        width=picture.width,
        height=picture.height,
        hashes=hashes_of_all_views(_in_grey(picture)),
        thumbnail=thumbnail,
        border=border,
    )


def coarse(picture: Image.Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return thumbnail and border of an 8-bit RGB picture, as in `Decoded`: what can be told without seeing a finding."""
    grid = np.asarray(picture.resize((_GRID, _GRID), Image.Resampling.BOX))
    is_border = np.ones((_GRID, _GRID), dtype=bool)
    is_border[_FRAME:-_FRAME, _FRAME:-_FRAME] = False
    return np.asarray(picture.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)), grid[is_border]


def _in_grey(picture: Image.Image) -> Image.Image:
    """Return a picture as 8-bit grey; deeper ones are stretched, since Pillow would cut them off at 255."""
    if _is_shallow(picture):
        return picture.convert("L")
    values = np.asarray(picture, dtype=np.float64)
    low, high = np.nanmin(values), np.nanmax(values)
    return Image.fromarray(((values - low) / (high - low) * 255).astype(np.uint8))


def _is_shallow(picture: Image.Image) -> bool:
    return picture.mode not in {"I", "F"} and not picture.mode.startswith("I;")
