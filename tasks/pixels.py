"""The one door through which pictures are opened: what a file holds, not what it is called, decides how it is read.

Formats of Pillow come out as they are stored, in their own mode and depth and without being turned by EXIF; DICOM comes out
as a reader would see it, in 8 bits (see `readers.dicom_pixels`).
"""

from __future__ import annotations

import struct
import warnings
import zlib
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from tasks.domain.errors import PictureUnreadable
from tasks.readers.dicom_file import has_magic
from tasks.readers.dicom_pixels import open_dicom
from tasks.readers.image_files import DICOM_SUFFIXES

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF")
"""Pillow's decoders that may run; others, such as the one for PostScript, start programs."""

_OF_FILMS = frozenset({"TIFF", "GIF", "WEBP", "PNG"})
"""Formats whose further pictures are pictures; those of a JPEG are previews."""


def is_dicom(path: Path) -> bool:
    """Return whether a file is read as DICOM: it says that it is, or is called so."""
    return path.suffix.lower() in DICOM_SUFFIXES or has_magic(path)


def open_picture(path: Path, frame: int = -1) -> Image.Image:
    """Return a picture, decoded in full.

    Args:
        path: A file.
        frame: Number of the picture in the file, from 0; -1 for the only one. Only DICOM can hold several.

    Returns:
        Of a DICOM file a picture of mode `L` or `RGB`; else one of any of Pillow's modes, as stored, with its `format`.

    Raises:
        PictureUnreadable: There is no such picture, or it cannot be read.
    """
    if path.exists() and not path.is_file():
        raise PictureUnreadable("is no plain file")  # a pipe would never answer
    try:
        if is_dicom(path):
            return open_dicom(path, frame)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata; the pixels are what counts
            with Image.open(path, formats=FORMATS) as picture:
                if getattr(picture, "n_frames", 1) > 1 and picture.format in _OF_FILMS:
                    raise PictureUnreadable("holds several pictures; save each as a file of its own")
                if frame > 0:
                    raise PictureUnreadable(f"holds one picture, so there is no number {frame}")
                picture.load()
                return picture
    except UnidentifiedImageError as error:
        raise PictureUnreadable(f"is no image that can be read (DICOM, {', '.join(FORMATS)})") from error
    except OSError as error:
        raise PictureUnreadable(f"cannot be read: {error.strerror or error}") from error
    except (SyntaxError, ValueError, EOFError, OverflowError, struct.error, zlib.error) as error:
        raise PictureUnreadable(f"cannot be read: {error}") from error
    except Image.DecompressionBombError as error:
        raise PictureUnreadable("is too large to be opened safely; scale it down or cut it into tiles") from error
