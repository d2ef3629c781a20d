"""Width and height of pictures, from the head of the file alone; no pixel is decoded."""

from __future__ import annotations

import struct
import warnings
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from tasks.domain.errors import PictureUnreadable
from tasks.pixels import FORMATS
from tasks.readers.dicom_file import has_magic, read_data_set
from tasks.readers.image_files import DICOM_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


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
            size = _size(folder / file)
            if size is not None:
                sizes[file] = size
    return sizes


def _size(path: Path) -> tuple[int, int] | None:
    try:
        if path.suffix.lower() in DICOM_SUFFIXES or has_magic(path):
            head = read_data_set(path, tags=())
            return int(head.Columns), int(head.Rows)
        with Image.open(path, formats=FORMATS) as picture:
            return picture.size
    except (PictureUnreadable, UnidentifiedImageError, Image.DecompressionBombError):
        return None
    except (OSError, SyntaxError, ValueError, EOFError, OverflowError, AttributeError, struct.error):
        return None
