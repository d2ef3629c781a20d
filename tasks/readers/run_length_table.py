"""Tables with masks as runs of pixels in a column, as the SIIM-ACR and other challenges hand them out."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pandas as pd

from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import HEIGHT, IMAGE_ID, MASK, WIDTH
from tasks.readers.annotated_images import Annotated, Mask, manifest_of
from tasks.readers.drawn_rows import read_drawn_rows
from tasks.readers.run_length import are_runs, from_absolute, from_relative, is_absolute, last_pixel

if TYPE_CHECKING:
    from tasks.domain.manifest import Manifest
    from tasks.domain.request import ColumnRoles
    from tasks.readers.image_files import ImageFiles
    from tasks.readers.table import Table

_NO_MASK = frozenset({"-1", "-1.0"})
_WORDS = ("rle", "encoded", "pixels", "mask", "segmentation")
_ENOUGH = 0.9
_SHORTEST_WITHOUT_WORD = 6
"""Numbers that a cell must hold before a column that is not called a mask is taken for one: `0.1 0.1` is a spacing."""
_UNNAMED = "mask"


def find_run_length_column(table: Table, given: str | None = None) -> str | None:
    """Return the column that holds runs of pixels, None if there is none.

    Raises:
        DataUnusable: The given column does not exist, or holds no runs.
    """
    if given is not None:
        if not _holds_runs(table, given, named=True):
            problem = "the column must hold runs of pixels: pairs of start and length, or -1 for no mask"
            raise DataUnusable(problem, file=table.path, field=given)
        return given
    names = [str(name) for name in table.cells.columns]
    return next(
        (name for name in names if _holds_runs(table, name, named=any(word in name.lower() for word in _WORDS))), None
    )


def _holds_runs(table: Table, name: str, *, named: bool) -> bool:
    cells = table.column(name).dropna()
    masks = cells[~cells.isin(_NO_MASK)]
    if masks.empty:
        return False
    longest = int(masks.str.len().max())
    if longest < 3 or not are_runs(masks.iloc[0]):
        return False
    fit = masks.map(are_runs)
    long = masks.str.count(r"[\s,;]+") + 1 >= _SHORTEST_WITHOUT_WORD
    return float(fit.mean()) >= _ENOUGH and (named or bool(long.mean() > 0.5))


def read_run_length_table(
    table: Table, column: str, files: ImageFiles, given: ColumnRoles, aggregation: str = "majority"
) -> Manifest:
    """Return the manifest of a table of run-length masks; several rows of an image are several masks.

    Whether starts are places or distances is told by the masks: places must follow each other. That a mask lies within its
    picture is checked once the picture has been opened, by `check_masks`.

    Args:
        table: The table.
        column: Its column of runs.
        files: All images.
        given: Parts of columns that the request gives.
        aggregation: How findings of several annotators become one; their masks are all kept.

    Raises:
        AmbiguousRequest: Several columns could hold the image, the label or the patient.
        DataUnusable: No row names an image of the folder.
    """
    found = Annotated(kind="rle", supervision=MASK, aggregation=aggregation)
    rows = read_drawn_rows(table, [column], files, given, found)
    if not found.looked_at:
        raise DataUnusable("no row names an image of the folder", file=table.path, field=rows.roles.image)
    found.roles = dataclasses.replace(rows.roles, rle=column)
    cells = table.column(column)
    all_masks = cells[cells.notna() & ~cells.isin(_NO_MASK)]
    absolute = is_absolute(all_masks.tolist())
    blank_means_none = not bool(cells.isin(_NO_MASK).any())
    starts = "places in the picture" if absolute in {None, True} else "distances from the run before"
    found.notes.append(f"{table.path.name} holds masks as runs of pixels in {column!r}; their starts are {starts}.")
    first = 0 if absolute is False or any(cell.split()[0] == "0" for cell in all_masks if cell.split()) else 1
    kinds = [_UNNAMED] * len(rows.files) if rows.kinds is None else rows.kinds.tolist()
    found.names += dict.fromkeys(kind for kind in kinds if kind)
    for line, file, kind, who, cell in zip(
        rows.files.index,
        rows.files,
        kinds,
        rows.annotators,
        cells.loc[rows.files.index],
        strict=True,
    ):
        is_blank = not isinstance(cell, str)
        if not kind:
            found.set_aside(file, int(line), f"field {rows.roles.label!r} is blank")
            found.doubtful.add(file)
        elif is_blank and not blank_means_none:
            found.set_aside(file, int(line), f"field {column!r} is blank, neither a mask nor -1")
            found.doubtful.add(file)
        elif not is_blank and cell not in _NO_MASK:
            runs, problem = _runs(cell, absolute=absolute is not False, first=first)
            found.masks.append(Mask(file=file, label=kind, runs=runs, row=int(line), annotator=who, problem=problem))
    return manifest_of(found, files, {})


def _runs(cell: str, *, absolute: bool, first: int) -> tuple[str, str]:
    """Return a mask in our form, or why it cannot be read."""
    try:
        return (from_absolute(cell, first=first) if absolute else from_relative(cell)), ""
    except ValueError as error:
        return "", str(error)


def check_masks(masks: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the masks with `problem` filled in for those that reach beyond their picture.

    Args:
        masks: Columns as `MASK_COLUMNS`.
        rows: Rows of the manifest with `width` and `height`, which the investigation adds.
    """
    pixels = dict(zip(rows[IMAGE_ID], rows[WIDTH].astype(float) * rows[HEIGHT].astype(float), strict=True))
    problems = []
    for name, runs, problem in zip(masks["image_id"], masks["rle"], masks["problem"], strict=True):
        beyond = not problem and runs and last_pixel(runs) > pixels.get(name, float("inf"))
        problems.append("the mask reaches beyond the picture" if beyond else problem)
    return masks.assign(problem=pd.Series(problems, index=masks.index, dtype="str"))
