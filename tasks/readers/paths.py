"""Files below a folder, and names in data that must not lead out of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

FOLDERS_OF_IMAGES = frozenset({"images", "image", "imgs", "img", "jpegimages", "pictures", "photos", "png", "jpg"})
_LEFTOVERS = frozenset({"__macosx", "@eadir", "#recycle", "$recycle.bin", "system volume information", "lost+found"})
_FOLDERS_OF_ANNOTATIONS = frozenset({"annotations", "annotation", "imagesets"})


def is_leftover(folder: str) -> bool:
    """Return whether a folder is hidden, or one that an archive, a file server or a waste bin left behind."""
    return folder.startswith(".") or folder.lower() in _LEFTOVERS


def leaves_folder(name: str) -> bool:
    """Return whether a name in the data climbs upwards, or cannot be a name at all."""
    return ".." in name.replace("\\", "/").split("/") or "\x00" in name or not name.strip()


def files_below(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """Return the files with some suffixes (lower case) under a folder, sorted; hidden ones, pipes and dead links are not."""
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_leftover(name))
        found += [
            Path(place) / name
            for name in sorted(names)
            if Path(name).suffix.lower() in suffixes and not name.startswith(".") and Path(place, name).is_file()
        ]
    return found


def is_folder_of_images(folder: Path) -> bool:
    """Return whether a folder is named for images, so that what is about them may lie beside it."""
    return folder.name.lower() in FOLDERS_OF_IMAGES


def places_of_annotations(images: Path) -> tuple[Path, ...]:
    """Return where annotations may lie: under the folder of images and, if it is named for them, in folders beside it."""
    if not is_folder_of_images(images) or not images.is_dir():
        return (images,)
    beside = sorted(place for place in images.parent.iterdir() if place.name.lower() in _FOLDERS_OF_ANNOTATIONS)
    return (images, *(place for place in beside if place.is_dir() and place != images))
