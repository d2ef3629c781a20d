"""The table that belongs to a folder of images, where nobody named one: the one whose cells name the images."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from tasks.domain.errors import DataUnusable
from tasks.readers.box_columns import find_box_columns
from tasks.readers.boxes_table import is_table_of_boxes
from tasks.readers.dicom_file import has_magic
from tasks.readers.named_images import NamedImages
from tasks.readers.paths import files_below
from tasks.readers.run_length_table import find_run_length_column
from tasks.readers.spelling import spelled_as_files
from tasks.readers.table import read_table

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.domain.request import ColumnRoles
    from tasks.readers.box_columns import BoxColumns
    from tasks.readers.image_files import ImageFiles
    from tasks.readers.table import Table

SUFFIXES = (".csv", ".tsv", ".tab", ".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".parquet", ".feather")
_PACKED = (".gz", ".zip", ".bz2", ".xz")
_MAY_BE_TABLES = (".txt", ".dat", "")
"""Suffixes of files that are tables only if they name images; what else they are is not worth a word."""
_MOST_OF_THEM = 5
"""In one folder; where there are more, they are label files of YOLO, or DICOM files."""
_MOST_TABLES = 30
_CLOSE_TO_BEST = 0.9

LABELS, BOXES, RUNS = "labels", "boxes", "runs"
"""What the rows of a table hold."""
_ENOUGH_OF = {LABELS: 0.5, BOXES: 0.1, RUNS: 0.1}
"""Share of the rows, or else of the images, that must go together; boxes are often drawn on few images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOfImages:
    """A table, and what it holds."""

    table: Table
    files: ImageFiles
    image: str
    """The column that names images."""
    named: frozenset[str]
    """Images of the folder that it names."""
    holds: str
    boxes: BoxColumns | None = None
    """Also beside labels, where there are any."""
    runs: str = ""

    @property
    def images(self) -> int:
        """How many images of the folder it names."""
        return len(self.named)


def look_at(table: Table, files: ImageFiles, given: ColumnRoles, reading: str | None = None) -> TableOfImages | None:
    """Return what a table holds, None if no column names images.

    Args:
        table: The table.
        files: The images.
        given: Parts of columns that the request gives.
        reading: Kind of manifest that the request asks for; None means: look.

    Raises:
        DataUnusable: Given columns do not exist or hold something else.
    """
    named = NamedImages(files)
    columns = [given.image] if given.image else [str(name) for name in table.cells.columns]
    hits = {name: {found[0] for found in named.meant(table.column(name)) if len(found) == 1} for name in columns}
    best = max(hits, key=lambda name: len(hits[name]), default="")
    if not best or not hits[best]:
        return None
    runs = find_run_length_column(table, given.rle) or "" if reading in {None, "rle"} else ""
    boxes = None if runs else find_box_columns(table, given.boxes)
    holds = RUNS if runs else LABELS
    if boxes is not None and (reading == "boxes_table" or (reading is None and is_table_of_boxes(table, boxes, best))):
        holds = BOXES
    if reading in {"rle", "boxes_table"} and holds == LABELS:
        problem = f"the table has no columns that can be read as {reading}; name them under columns"
        raise DataUnusable(problem, file=table.path)
    return TableOfImages(
        table=table, files=files, image=best, named=frozenset(hits[best]), holds=holds, boxes=boxes, runs=runs
    )


def tables_of_folder(images: Path, files: ImageFiles, given: ColumnRoles) -> tuple[list[TableOfImages], list[str]]:
    """Return the tables in a folder that name its images, those that name most first, and what was passed over.

    A table belongs to the images if enough of its rows name one, or enough of the images are named by it.
    """
    paths = paths_of_tables(images)
    found, passed_over = [], []
    for path in paths[:_MOST_TABLES]:
        is_surely_table = _is_table(path)
        try:
            table = read_table(path, names_image=NamedImages(files).is_one)
            seen = look_at(spelled_as_files(table, files, given.image), files, given)
        except DataUnusable as error:
            passed_over += [told(error)] if is_surely_table else []
            continue
        if seen is None:
            passed_over += [f"{path.name} names no image of the folder."] if is_surely_table else []
        elif seen.images >= _ENOUGH_OF[seen.holds] * min(seen.table.column(seen.image).nunique(), len(files.files)):
            found.append(seen)
        else:
            passed_over.append(f"{path.name} names {seen.images} images only and was passed over.")
    if len(paths) > _MOST_TABLES:
        passed_over.append(f"{len(paths) - _MOST_TABLES} further tables were not looked at.")
    found.sort(key=lambda seen: (-seen.images, seen.table.path.name))
    return found, passed_over


def paths_of_tables(images: Path) -> list[Path]:
    """Return the files under a folder that are tables by their suffix, and then those that may be some."""
    paths = [path for path in files_below(images, {*SUFFIXES, *_PACKED}) if _is_table(path)]
    others = [path for path in files_below(images, _MAY_BE_TABLES) if path.name.upper() != "DICOMDIR"]
    number = Counter(path.parent for path in others)
    return paths + [path for path in others if number[path.parent] <= _MOST_OF_THEM and not has_magic(path)]


def fit_best(found: list[TableOfImages]) -> list[TableOfImages]:
    """Return the tables, sorted, that name about as many images as the one that names most."""
    return [seen for seen in found if seen.images >= _CLOSE_TO_BEST * found[0].images]


def told(error: DataUnusable) -> str:
    """Return a fault of a file that was passed over as a note: without folders, cells and names of images."""
    problem = str(error).rpartition(f"file {error.file}")[2].partition(";")[0]
    return f"{PurePath(str(error.file)).name} was passed over{problem}."


def _is_table(path: Path) -> bool:
    name = path.name.lower()
    for packed in _PACKED:
        name = name.removesuffix(packed)
    return name.endswith(SUFFIXES)
