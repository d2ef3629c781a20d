"""Width and height of pictures, from the head of the file alone; no pixel is decoded."""

from __future__ import annotations

import struct
import warnings
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF")
"""Pillow's decoders that may run; others, such as the one for PostScript, start programs."""


def picture_sizes(folder: Path, files: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Return width and height in pixels by file; files whose head cannot be read are left out.

    Args:
        folder: Folder that the files are relative to.
        files: Paths of pictures.
    """
    sizes = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is odd about a picture is told when it is decoded
        for file in files:
            try:
                with Image.open(folder / file, formats=_FORMATS) as picture:
                    sizes[file] = picture.size
            except (UnidentifiedImageError, Image.DecompressionBombError):
                continue
            except (OSError, SyntaxError, ValueError, EOFError, OverflowError, struct.error):
                continue
    return sizes
