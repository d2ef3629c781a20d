"""Masks of the training images as plain black-and-white pictures, under the names of the copies that they belong to.

A mask is a help, not a label: one that cannot be used (unreadable, of another size than its image, drawn on a picture that
is turned by EXIF, so that nobody knows which way up) is left blank, and blank means: nothing is known.
"""

from __future__ import annotations

import io
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image
from PIL.ExifTags import Base

from tasks.domain.errors import PictureUnreadable
from tasks.domain.manifest import IMAGE_ID
from tasks.image_copies import opaque_names, write_read_only
from tasks.pixels import open_picture
from tasks.processes import in_processes
from tasks.readers import run_length

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from tasks.domain.manifest import Manifest

_UPRIGHT = 1
_WHITE_IN_A_JPEG = 128
"""The black of a JPEG is not quite black."""


class Drawing(NamedTuple):
    """What was drawn on one image; all of its masks count as one."""

    image: str
    """File name of the copy."""
    files: tuple[str, ...]
    """Mask pictures, relative to `Manifest.mask_folder`."""
    runs: tuple[str, ...]
    """Masks as runs of pixels, see `readers.run_length`."""


def drawings_of(manifest: Manifest, rows: pd.DataFrame) -> tuple[Drawing, ...]:
    """Return what was drawn on each of these images, in their order; nothing at all if none has a mask.

    Args:
        manifest: Whose masks are looked at.
        rows: Rows of it.
    """
    if manifest.masks is None:
        return ()
    files: dict[str, list[str]] = {}
    runs: dict[str, list[str]] = {}
    usable = manifest.masks[manifest.masks["problem"] == ""]
    for image, file, rle in zip(usable[IMAGE_ID], usable["file"], usable["rle"], strict=True):
        (files if file else runs).setdefault(image, []).append(file or rle)
    if not (files.keys() | runs.keys()) & set(rows[IMAGE_ID]):
        return ()
    return tuple(
        Drawing(name, tuple(files.get(image, ())), tuple(runs.get(image, ())))
        for name, image in zip(opaque_names(rows), rows[IMAGE_ID], strict=True)
    )


def copy_masks(drawings: tuple[Drawing, ...], source: Path | None, images: Path, target: Path) -> int:
    """Write one PNG an image, of its size, white where something was drawn; return how many are not blank.

    Args:
        drawings: What was drawn on the images.
        source: Folder of the mask pictures.
        images: Folder of the copies of the images.
        target: Folder to make.
    """
    target.mkdir(parents=True)
    crashed: bool | None = None
    drawn = in_processes(partial(_copy, source, images, target), drawings, crashed=crashed)
    for drawing, is_drawn in zip(drawings, drawn, strict=True):
        if is_drawn is None:  # its mask took the process down
            _copy(source, images, target, Drawing(drawing.image, (), ()))
    return sum(map(bool, drawn))


def name_of_mask(image: str) -> str:
    """Return the file name of the mask of an image."""
    return f"{PurePosixPath(image).stem}.png"


def _copy(source: Path | None, images: Path, target: Path, drawing: Drawing) -> bool | None:
    """Write one mask; return whether it is not blank."""
    with Image.open(images / drawing.image) as picture:
        width, height = picture.size
        is_upright = picture.getexif().get(Base.Orientation, _UPRIGHT) == _UPRIGHT
    drawn = np.zeros((height, width), dtype=np.bool_)
    if is_upright:
        for piece in [*(_of_file(source, file) for file in drawing.files), *_of_runs(drawing.runs, height, width)]:
            drawn |= piece if piece.shape == drawn.shape else False
    content = io.BytesIO()
    Image.fromarray(drawn).save(content, "PNG")
    write_read_only(target / name_of_mask(drawing.image), content.getvalue())
    return bool(drawn.any())


def _of_file(source: Path | None, file: str) -> NDArray[np.bool_]:
    """Return where a mask picture is not black; an empty array if it cannot be read."""
    try:
        picture = open_picture(source / file) if source is not None else Image.new("1", (0, 0))
    except PictureUnreadable:
        return np.zeros((0, 0), dtype=np.bool_)
    least = _WHITE_IN_A_JPEG if picture.format == "JPEG" else 1
    if picture.mode in {"RGBA", "LA", "CMYK", "YCbCr"}:  # of these, other things than black are zero
        picture = picture.convert("RGB")
    values = np.asarray(picture)
    return np.asarray(values >= least if values.ndim == 2 else (values >= least).any(axis=2))


def _of_runs(runs: tuple[str, ...], height: int, width: int) -> list[NDArray[np.bool_]]:
    pieces = []
    for text in runs:
        try:
            pieces.append(run_length.decode(text, height=height, width=width))
        except ValueError:  # it reaches beyond the picture
            continue
    return pieces
