"""A folder with one sub-folder a class, also below folders named train, validation and test."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pandas as pd

from tasks.domain import manifest as columns
from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import IMAGE_LABEL, TRAIN, Manifest, Quarantined
from tasks.domain.request import ColumnRoles
from tasks.readers.given_splits import split_of_word
from tasks.readers.image_files import find_images, image_id
from tasks.readers.schema import checked
from tasks.readers.uncertain import note_on_doubtful

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tasks.readers.image_files import ImageFiles


def read_class_folders(images: Path, files: ImageFiles | None = None) -> Manifest:
    """Return the manifest of a folder whose sub-folders are named for the classes.

    Args:
        images: The folder.
        files: The images among the pictures of the folder; None means all of them.

    Raises:
        DataUnusable: There are no images, or no folders of classes.
    """
    found = (files or find_images(images)).files
    above = folders_above(found)
    top = sorted({parts[above] for file in found if len(parts := PurePosixPath(file).parts) > above + 1})
    has_splits = _are_splits(images, top)
    depth = above + (2 if has_splits else 1)
    rows, loose = [], []
    for file in found:
        folders = PurePosixPath(file).parts[:-1]
        if len(folders) < depth:
            loose.append(Quarantined(file=file, row=0, reason="lies in no folder of a class"))
            continue
        split = str(split_of_word(folders[above])) if has_splits else ""
        rows.append((image_id(file), file, 0, folders[depth - 1], image_id(file), split))
    if not rows:
        problem = (
            "the images lie in no folders of classes; sort them into one folder a class, or give a table of labels"
        )
        raise DataUnusable(problem, file=images)
    names = [columns.IMAGE_ID, columns.FILE, columns.ROW, columns.LABEL, columns.GROUP, columns.SPLIT]
    table = pd.DataFrame(rows, columns=names)
    table[columns.SUPERVISION] = IMAGE_LABEL
    table[columns.FRAME] = -1
    notes = tuple(note_on_doubtful(table[columns.LABEL]))
    return checked(
        Manifest(
            rows=table,
            images=images,
            kind="class_folders",
            roles=ColumnRoles(),
            quarantined=tuple(loose),
            notes=notes,
        )
    )


def folders_above(files: Sequence[str]) -> int:
    """Return how many folders, one in the other, hold all that is there, as an unpacked archive leaves them.

    A single folder of images is not one of them, nor is one for training: those say something.
    """
    folders = [PurePosixPath(file).parts[:-1] for file in files]
    shared = 0
    while all(len(parts) > shared for parts in folders) and len({parts[shared] for parts in folders}) == 1:
        if split_of_word(folders[0][shared]) == TRAIN:
            return shared
        shared += 1
    return shared if any(len(parts) > shared for parts in folders) else max(shared - 1, 0)


def _are_splits(images: Path, folders: list[str]) -> bool:
    """Return whether the outermost folders are splits; a mixture cannot be read."""
    splits = [split_of_word(name) for name in folders]
    if TRAIN not in splits:
        return False
    others = [name for name, split in zip(folders, splits, strict=True) if split is None]
    if others:
        problem = f"beside a folder for training there are others that name no split: {', '.join(others[:5])}"
        raise DataUnusable(f"{problem}. Use train, validation and test, or folders of classes only", file=images)
    return True
