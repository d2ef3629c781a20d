"""The table that belongs to a folder of images, where nobody named one: the one whose cells name the images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from tasks.domain.errors import DataUnusable
from tasks.readers.box_columns import find_box_columns
from tasks.readers.boxes_table import is_table_of_boxes
from tasks.readers.named_images import NamedImages
from tasks.readers.paths import files_below
from tasks.readers.run_length_table import find_run_length_column
from tasks.readers.table import read_table

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.domain.request import ColumnRoles
    from tasks.readers.box_columns import BoxColumns
    from tasks.readers.image_files import ImageFiles
    from tasks.readers.table import Table

SUFFIXES = (".csv", ".tsv", ".xlsx", ".xls", ".xlsm", ".parquet", ".feather")
_PACKED = (".gz", ".zip")
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
    image: str
    """The column that names images."""
    images: int
    """Images of the folder that it names."""
    holds: str
    boxes: BoxColumns | None = None
    """Also beside labels, where there are any."""
    runs: str = ""


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
    return TableOfImages(table=table, image=best, images=len(hits[best]), holds=holds, boxes=boxes, runs=runs)


def tables_of_folder(images: Path, files: ImageFiles, given: ColumnRoles) -> tuple[list[TableOfImages], list[str]]:
    """Return the tables in a folder that name its images, those that name most first, and what was passed over.

    A table belongs to the images if enough of its rows name one, or enough of the images are named by it.
    """
    paths = [path for path in files_below(images, {*(SUFFIXES), *_PACKED}) if _is_table(path)]
    found, passed_over = [], []
    for path in paths[:_MOST_TABLES]:
        try:
            seen = look_at(read_table(path, names_image=NamedImages(files).is_one), files, given)
        except DataUnusable as error:
            passed_over.append(told(error))
            continue
        if seen is None:
            passed_over.append(f"{path.name} names no image of the folder.")
        elif seen.images >= _ENOUGH_OF[seen.holds] * min(seen.table.column(seen.image).nunique(), len(files.files)):
            found.append(seen)
        else:
            passed_over.append(f"{path.name} names {seen.images} images only and was passed over.")
    if len(paths) > _MOST_TABLES:
        passed_over.append(f"{len(paths) - _MOST_TABLES} further tables were not looked at.")
    found.sort(key=lambda seen: (-seen.images, seen.table.path.name))
    return found, passed_over


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
