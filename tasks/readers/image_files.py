"""The image files of a folder, and which of them a cell of a table means."""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tasks.domain.errors import DataUnusable
from tasks.readers.dicom_file import has_magic
from tasks.readers.paths import is_leftover

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

DICOM_SUFFIXES = frozenset({".dcm", ".dicom", ".ima"})
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif"}) | DICOM_SUFFIXES
"""Files that are taken for images, by their suffix in lower case; one without a suffix is, if it says that it is DICOM."""
VOLUME_SUFFIXES = (".nii", ".nii.gz", ".mha", ".mhd", ".mgz", ".nrrd")
"""Files with volumes, which Rounds does not read."""

ABOUT_VOLUMES = "Rounds classifies pictures: save the slices that show the finding as DICOM or PNG"

_SALT = "rounds"


def image_id(file: str) -> str:
    """Return the opaque id of an image: it says nothing about label, patient or file name.

    Args:
        file: Path relative to the image folder, POSIX separators.
    """
    return hashlib.sha256(f"{_SALT}/{file}".encode("utf-8", "surrogateescape")).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFiles:
    """All image files under a folder."""

    folder: Path
    files: tuple[str, ...]
    """Relative to `folder`, POSIX separators, sorted."""
    by_stem: dict[str, tuple[str, ...]]
    """Files by lower-case name without suffix."""

    def meant_by(self, cell: str) -> tuple[str, ...]:
        """Return the files that a cell of a table can mean: none, one, or several if it is unclear.

        A cell may leave out the suffix or name that of the picture before it was converted, may write the name in
        other case, and may hold more or fewer folders than the path below `folder`, but none that contradict it.
        """
        wanted = PurePosixPath(composed(cell).strip().replace("\\", "/"))
        stem = _stem(wanted)
        found = [
            file for file in self.by_stem.get(stem.lower(), ()) if _same_folders(wanted, PurePosixPath(composed(file)))
        ]
        for is_better in (
            lambda file: PurePosixPath(file).suffix.lower() == wanted.suffix.lower(),
            lambda file: _stem(PurePosixPath(file)) == stem,
            lambda file: file == str(wanted),
        ):
            found = [file for file in found if is_better(file)] or found
        return tuple(found)


def find_images(folder: Path) -> ImageFiles:
    """Return the image files under a folder; hidden files and macOS archive leftovers are not looked at.

    Raises:
        DataUnusable: The folder does not exist, or holds no image.
    """
    if not folder.is_dir():
        raise DataUnusable("there is no such folder of images", file=folder)
    files = [file for file in _files(folder) if _is_image(folder, file)]
    if not files and (volumes := find_volumes(folder)):
        raise DataUnusable(f"the folder holds no picture, but {len(volumes):,} volumes; {ABOUT_VOLUMES}", file=folder)
    if not files:
        kinds = ", ".join(sorted(SUFFIXES))
        problem = f"the folder holds no image file (looked for {kinds} and DICOM without a suffix, in sub-folders too)"
        raise DataUnusable(problem, file=folder)
    return _indexed(folder, sorted(files))


def among(files: ImageFiles, kept: Collection[str]) -> ImageFiles:
    """Return some of the image files of a folder."""
    there = set(kept)
    return _indexed(files.folder, [file for file in files.files if file in there])


def _indexed(folder: Path, files: Sequence[str]) -> ImageFiles:
    by_stem: dict[str, list[str]] = defaultdict(list)
    for file in files:
        by_stem[_stem(PurePosixPath(composed(file))).lower()].append(file)
    index = {stem: tuple(names) for stem, names in by_stem.items()}
    return ImageFiles(folder=folder, files=tuple(files), by_stem=index)


def may_be_dicom(folder: Path, file: str) -> bool:
    """Return whether an image of a folder is DICOM by its suffix, or by its first bytes where the suffix is none of a picture."""
    suffix = PurePosixPath(file).suffix.lower()
    return suffix in DICOM_SUFFIXES or (suffix not in SUFFIXES and has_magic(folder / file))


def find_volumes(folder: Path) -> list[str]:
    """Return the files under a folder that hold volumes rather than pictures, sorted."""
    return sorted(file for file in _files(folder) if file.lower().endswith(VOLUME_SUFFIXES))


def _files(folder: Path) -> list[str]:
    """Return the files under a folder, relative to it, without hidden ones and what macOS leaves in archives."""
    found: list[str] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_leftover(name))
        here = Path(place).relative_to(folder)
        found += [
            (here / name).as_posix() for name in names if not name.startswith(".") and not _is_pipe(Path(place, name))
        ]
    return found


def _is_pipe(path: Path) -> bool:
    """Return whether opening a file could wait for ever; a link that leads nowhere cannot, and is told when it is opened."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def _is_image(folder: Path, file: str) -> bool:
    path = PurePosixPath(file)
    if path.suffix.lower() in SUFFIXES:
        return True
    # DICOM files are often called by a number or a UID: what looks like a suffix is its last part.
    may_be_dicom = not path.suffix.strip(".0123456789") and path.name.upper() != "DICOMDIR"
    return may_be_dicom and has_magic(folder / file)


def composed(text: str) -> str:
    """Return a name with each letter and its accent as one sign: macOS writes `ä` as two, Windows as one."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _stem(path: PurePosixPath) -> str:
    """Return a name without the suffix of an image, if it has one; a UID has none."""
    return path.stem if path.suffix.lower() in SUFFIXES else path.name


def _same_folders(wanted: PurePosixPath, file: PurePosixPath) -> bool:
    """Return whether the folders of two paths agree as far as both name them, from the file upwards."""
    pairs = zip(reversed(wanted.parts[:-1]), reversed(file.parts[:-1]), strict=False)
    return all(one.lower() == other.lower() for one, other in pairs)
