"""Copy images under opaque names, so that neither name, time, right nor metadata says anything about label or patient.

JPEG and PNG keep their compressed pixels and lose all else but their orientation (`bare_files`); TIFF is written anew, as
its depths fit into no other format; everything else, each frame of a DICOM file among it, becomes a PNG. Nothing is lost of
the pixels that `pixels.open_picture` shows.
"""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from PIL import Image
from PIL.ExifTags import Base

from tasks.bare_files import bare_jpeg, bare_png, exif_of
from tasks.domain.errors import DataUnusable, PictureUnreadable
from tasks.domain.manifest import FILE, FRAME, IMAGE_ID, ROW
from tasks.pixels import FORMATS, is_dicom, open_picture
from tasks.processes import CRASH, in_processes

if TYPE_CHECKING:
    import pandas as pd

_KEPT_SUFFIXES = frozenset({".jpg", ".jpeg", ".tif", ".tiff"})
_ORIENTATIONS = range(1, 9)
_COMPRESSION = 1
"""Of 9; higher ones save a sixth of the space of a radiograph, and take five times as long."""


def opaque_names(rows: pd.DataFrame) -> list[str]:
    """Return the file name that each image of a manifest is known by inside Rounds, in the order of the rows."""
    return [f"{image}{suffix_of_copy(file)}" for image, file in zip(rows[IMAGE_ID], rows[FILE], strict=True)]


def suffix_of_copy(file: str) -> str:
    """Return what the name of a copy ends with; a file that is called something that it is not stays so, and is opened all the same."""
    suffix = PurePosixPath(file).suffix.lower()
    return suffix if suffix in _KEPT_SUFFIXES else ".png"


def in_opaque_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a manifest in an order that is fixed, and says nothing."""
    keys = rows[IMAGE_ID].map(lambda image: hashlib.sha256(f"order {image}".encode()).hexdigest())
    return rows.iloc[keys.argsort(kind="stable")].reset_index(drop=True)


def opaque_groups(groups: pd.Series) -> list[int]:
    """Return a number for each patient or lesion, in the order in which they come."""
    numbers: dict[str, int] = {}
    return [numbers.setdefault(str(group), len(numbers)) for group in groups]


def copy_images(rows: pd.DataFrame, source: Path, target: Path) -> dict[str, str]:
    """Copy images to a new folder, read-only and with their times set to 0.

    Args:
        rows: Rows of a manifest.
        source: Folder that their files are relative to.
        target: Folder to make.

    Returns:
        SHA-256 of each copy by its name, sorted by name.

    Raises:
        DataUnusable: An image cannot be read.
        ValueError: Two images would have the same name.
    """
    target.mkdir(parents=True)
    names = opaque_names(rows)
    if len(set(names)) != len(names):
        raise ValueError("image ids of a manifest must be unique")
    frames = rows[FRAME] if FRAME in rows else [-1] * len(rows)
    copies = list(zip(names, rows[FILE], frames, strict=True))
    made = in_processes(partial(_copy, source, target), copies, crashed=("", CRASH))
    for (_, problem), file, row in zip(made, rows[FILE], rows[ROW], strict=True):
        if problem:
            raise DataUnusable(f"the image {problem}", file=file, row=int(row) or None)
    return dict(sorted(zip(names, (sha256 for sha256, _ in made), strict=True)))


def content_of_copy(path: Path, frame: int = -1) -> bytes:
    """Return a file that shows the same picture and says nothing beside it.

    Args:
        path: A file.
        frame: Number of the picture in the file, from 0; -1 for the only one.

    Raises:
        PictureUnreadable: There is no such picture, or it cannot be read.
    """
    if is_dicom(path):
        return _anew(open_picture(path, frame))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PictureUnreadable(f"cannot be read ({error.strerror})") from error
    for make_bare in (bare_jpeg, bare_png):
        try:
            return make_bare(content, _orientation(content))
        except PictureUnreadable:
            continue  # another format, or one that is only nearly followed: its pixels may be read all the same
    return _anew(open_picture(path, frame))


def _copy(source: Path, target: Path, copy: tuple[str, str, int]) -> tuple[str, str]:
    """Make one copy; return its SHA-256 and nothing, or nothing and why it cannot be made."""
    name, file, frame = copy
    try:
        content = content_of_copy(source / file, int(frame))
    except PictureUnreadable as error:
        return "", error.reason
    write_read_only(target / name, content)
    return hashlib.sha256(content).hexdigest(), ""


def _orientation(content: bytes) -> int:
    """Return how EXIF says that a picture is turned, 1 to 8; 1 is upright."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                said = picture.getexif().get(Base.Orientation, 1)
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise PictureUnreadable("is no image that can be read") from error
    return said if said in _ORIENTATIONS else 1


def _anew(picture: Image.Image) -> bytes:
    """Return a picture as a file without anything that it carried along."""
    is_tiff = picture.format == "TIFF"  # which Pillow has turned upright already
    said = 1 if is_tiff else picture.getexif().get(Base.Orientation, 1)
    bare = picture.copy()
    bare.info = {key: value for key, value in picture.info.items() if key == "transparency"}
    file = io.BytesIO()
    options: dict[str, object] = {} if is_tiff else {"compress_level": _COMPRESSION}
    options |= {"exif": exif_of(said)} if said in _ORIENTATIONS and said != 1 else {}
    try:
        bare.save(file, "TIFF" if is_tiff else "PNG", **options)
    except (OSError, ValueError) as error:
        raise PictureUnreadable(f"cannot be copied: {error}") from error
    return file.getvalue()


def write_read_only(file: Path, content: bytes) -> None:
    """Write a file that says nothing about when it was made, and that nobody changes by accident."""
    file.write_bytes(content)
    file.chmod(0o444)
    os.utime(file, (0, 0))
