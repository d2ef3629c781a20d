"""A folder with one sub-folder a class, also above or below folders named train, validation and test, or for patients."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pandas as pd

from tasks.domain import manifest as columns
from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import ATTRIBUTE, IMAGE_LABEL, TRAIN, Manifest, Quarantined
from tasks.domain.request import ColumnRoles
from tasks.readers.folder_levels import FolderLevels, folder_levels, folders_above
from tasks.readers.given_splits import split_of_word
from tasks.readers.image_files import find_images, image_id
from tasks.readers.schema import checked
from tasks.readers.uncertain import note_on_doubtful

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.readers.image_files import ImageFiles


def read_class_folders(images: Path, files: ImageFiles | None = None, *, is_asked: bool = True) -> Manifest:
    """Return the manifest of a folder whose sub-folders are named for the classes.

    Args:
        images: The folder.
        files: The images among the pictures of the folder; None means all of them.
        is_asked: Whether somebody said that the folders are classes, so that names of patients are taken too.

    Raises:
        DataUnusable: There are no images, or no folders of classes.
    """
    found = (files or find_images(images)).files
    _check_splits(images, found)
    levels = folder_levels(found, fewest=1, of_images=is_asked)
    if not levels.labels:
        problem = (
            "the images lie in no folders of classes; sort them into one folder a class, or give a table of labels"
        )
        raise DataUnusable(problem, file=images)
    table = _rows(levels)
    return checked(
        Manifest(
            rows=table,
            images=images,
            kind="class_folders",
            roles=ColumnRoles(attributes=tuple(levels.others)),
            quarantined=tuple(
                Quarantined(file=file, row=0, reason="lies in no folder of a class")
                for file in found
                if file not in levels.labels
            ),
            notes=(*levels.notes, *note_on_doubtful(table[columns.LABEL])),
        )
    )


def _rows(levels: FolderLevels) -> pd.DataFrame:
    rows = [
        (image_id(file), file, 0, label, image_id(file), levels.splits.get(file, ""))
        for file, label in levels.labels.items()
    ]
    names = [columns.IMAGE_ID, columns.FILE, columns.ROW, columns.LABEL, columns.GROUP, columns.SPLIT]
    table = pd.DataFrame(rows, columns=names)
    table[columns.SUPERVISION] = IMAGE_LABEL
    table[columns.FRAME] = -1
    for name, level in levels.others.items():
        table[ATTRIBUTE + name] = table[columns.FILE].map(level)
    return table


def _check_splits(images: Path, files: tuple[str, ...]) -> None:
    """Refuse a mixture of folders that are splits and folders that are none: whose images those are cannot be told."""
    above = folders_above(files)
    folders = [parts[above:-1] for file in files if len(parts := PurePosixPath(file).parts) > above + 1]
    top = sorted({names[0] for names in folders})
    others = [name for name in top if split_of_word(name) is None]
    is_copy = all(any(split_of_word(name) for name in names) for names in folders)
    if others and not is_copy and TRAIN in map(split_of_word, top):
        problem = f"beside a folder for training there are others that name no split: {', '.join(others[:5])}"
        raise DataUnusable(f"{problem}. Use train, validation and test, or folders of classes only", file=images)
