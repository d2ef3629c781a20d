"""Splits that come as lists of files, as `train_val_list.txt` and `test_list.txt` of ChestX-ray14."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.domain.manifest import FILE, SPLIT, TRAIN
from tasks.readers.given_splits import split_in_name, splits_in_name, with_splits
from tasks.readers.named_images import NamedImages
from tasks.readers.paths import files_below

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.domain.manifest import Manifest
    from tasks.readers.image_files import ImageFiles

_NEARLY_ALL = 0.9
_LARGEST_BYTES = 2**26
_MOST_LISTS = 20


def with_split_lists(manifest: Manifest, files: ImageFiles) -> Manifest:
    """Return a manifest with the splits that lists of files say, where the data say none otherwise and they name nearly all.

    A list for training and validation together is one for training. An image in two lists has no split.
    """
    if (manifest.rows[SPLIT] != "").any():
        return manifest
    lists = [(split, path) for path in files_below(manifest.images, {".txt"}) if (split := _split_of(path))]
    if not 2 <= len(lists) <= _MOST_LISTS or len({split for split, _ in lists}) < len(lists):
        return manifest
    named = NamedImages(files)
    found: dict[str, str] = {}
    for split, path in lists:
        listed = _listed(path, named)
        found |= {file: "" if file in found else split for file in listed}
    splits = manifest.rows[FILE].map(lambda file: found.get(file, ""))
    if TRAIN not in set(splits) or (splits != "").mean() < _NEARLY_ALL or splits[splits != ""].nunique() < 2:
        return manifest
    return with_splits(manifest, splits, f"Splits are given by {', '.join(path.name for _, path in lists)}")


def _split_of(path: Path) -> str:
    return TRAIN if TRAIN in splits_in_name(path.stem) else split_in_name(path.stem)


def _listed(path: Path, named: NamedImages) -> set[str]:
    """Return the images that the lines of a file name, none if it is something else than a list of images."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace") if path.stat().st_size <= _LARGEST_BYTES else ""
    except OSError:
        return set()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    meant = [named.meant_by(line) for line in lines]
    files = {found[0] for found in meant if len(found) == 1}
    return files if len(set(lines)) == len(lines) else set()
