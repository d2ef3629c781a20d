"""Every image is opened here once: what cannot be read is told, what can is measured and hashed."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import struct
import warnings
import zlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError

from tasks.perceptual_hash import VIEWS, WORDS, hashes_of_all_views

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF")
"""Pillow's decoders that may run; others, such as the one for PostScript, start programs."""

THUMBNAIL = 8
"""Cells on each side of the thumbnail."""
_GRID, _FRAME = 20, 2
BORDER_CELLS = _GRID**2 - (_GRID - 2 * _FRAME) ** 2
"""Cells of the grid that lie in the outer tenth."""

_FEWEST_FOR_PROCESSES = 400
"""Below this many images, starting processes takes longer than it saves."""
_AT_A_TIME = 64


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


def decode_all(folder: Path, files: Sequence[str], *, workers: int | None = None) -> list[Decoded]:
    """Decode images, in as many processes as there are processors.

    Args:
        folder: Folder that the files are relative to.
        files: Paths of the images.
        workers: Number of processes; None means one a processor.
    """
    look = partial(decode, folder)
    processes = workers or _processors()
    if processes == 1 or len(files) < _FEWEST_FOR_PROCESSES:
        return [look(file) for file in files]
    # Spawned, not forked: a fork of a process with threads (Prefect, PyTorch) can hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        return list(pool.map(look, files, chunksize=_AT_A_TIME))


def decode(folder: Path, file: str) -> Decoded:
    """Decode one image in full; a picture that cannot be read is a result, not an error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata; the pixels are what counts
            with Image.open(folder / file, formats=FORMATS) as picture:
                if getattr(picture, "n_frames", 1) > 1 and picture.format in {"TIFF", "GIF", "WEBP", "PNG"}:
                    return Decoded(problem="holds several pictures; save each as a file of its own")
                picture.load()
                return _look_at(picture)
    except UnidentifiedImageError:
        return Decoded(problem=f"is no image that can be read ({', '.join(FORMATS)})")
    except OSError as error:
        return Decoded(problem=f"cannot be read: {error.strerror or error}")
    except (SyntaxError, ValueError, EOFError, OverflowError, struct.error, zlib.error) as error:
        return Decoded(problem=f"cannot be read: {error}")
    except Image.DecompressionBombError:
        return Decoded(problem="is too large to be opened safely; scale it down or cut it into tiles")


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


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
