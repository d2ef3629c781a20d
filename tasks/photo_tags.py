"""What cameras write into a photograph beside the picture: where it was taken, and by whom."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MOST_FILES = 20_000
_HEAD = 4096
_JPEG = b"\xff\xd8"
_SUFFIXES = (".jpg", ".jpeg", ".tif", ".tiff", ".webp")
_PLACE = ExifTags.IFD.GPSInfo
_LATITUDE = ExifTags.GPS.GPSLatitude
_PEOPLE = (ExifTags.Base.Artist, ExifTags.Base.XPAuthor, ExifTags.Base.CameraOwnerName)
"""Tags that name the photographer or the owner of the camera."""


def with_place_or_name(folder: Path, files: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return which files hold the place where they were taken, and which name a person, by their number.

    Of more than 20,000 files a random sample is looked at. A file that cannot be read holds neither.

    Args:
        folder: Folder that the files are relative to.
        files: Paths of images; only photographs are opened, and of those the head alone.
    """
    photographs = [number for number, file in enumerate(files) if file.lower().endswith(_SUFFIXES)]
    if len(photographs) > MOST_FILES:
        photographs = sorted(np.random.default_rng(0).choice(photographs, MOST_FILES, replace=False).tolist())
    placed, named = [], []
    for number in photographs:
        place, person = _look_at(folder / files[number])
        placed += [number] if place else []
        named += [number] if person else []
    return placed, named


def _look_at(path: Path) -> tuple[bool, bool]:
    try:
        if not _may_hold_tags(path):
            return False, False
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=("JPEG", "TIFF", "WEBP")) as picture:
                tags = picture.getexif()
                if not tags:
                    return False, False
                place = tags.get_ifd(_PLACE)
                people = [str(tags.get(tag, "") or "").strip("\0 ") for tag in _PEOPLE]
    except (
        UnidentifiedImageError,
        OSError,
        SyntaxError,
        ValueError,
        KeyError,
        TypeError,
        Image.DecompressionBombError,
    ):
        return False, False  # decoding tells what is wrong with it
    return bool(place.get(_LATITUDE)), any(people)


def _may_hold_tags(path: Path) -> bool:
    """Return whether it is worth opening a file: a JPEG says at its beginning that it holds tags."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return not head.startswith(_JPEG) or b"Exif" in head
