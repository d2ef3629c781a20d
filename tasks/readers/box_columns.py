"""Which columns of a table hold boxes, and in which of the usual forms."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks.domain.errors import DataUnusable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tasks.readers.table import Table

CORNERS, SIDES, CENTRE = "corners", "sides", "centre"
"""Forms of a box: two corners; a corner and two sides; the middle and two sides."""

_PREFIXES = re.compile(r"^(boundingbox|bndbox|bbox|box|roi|rect)(?=.)")


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


_LEFT = _set_of("xmin minx x1 left xleft xtl xstart startx colmin")
_TOP = _set_of("ymin miny y1 top ytop ytl ystart starty rowmin")
_RIGHT = _set_of("xmax maxx x2 right xright xbr xend endx colmax")
_BOTTOM = _set_of("ymax maxy y2 bottom ybottom ybr yend endy rowmax")
_X, _Y = _LEFT | {"x", "xcorner"}, _TOP | {"y", "ycorner"}
_MIDDLE_X, _MIDDLE_Y = (
    _set_of("xcenter xcentre centerx centrex cx xc"),
    _set_of("ycenter ycentre centery centrey cy yc"),
)
_WIDTH, _HEIGHT = _set_of("width w dx xsize"), _set_of("height h dy ysize")
_FORMS = (
    (CORNERS, (_LEFT, _TOP, _RIGHT, _BOTTOM)),
    (CORNERS, ({"x0"}, {"y0"}, {"x1"}, {"y1"})),
    (CENTRE, (_MIDDLE_X, _MIDDLE_Y, _WIDTH, _HEIGHT)),
    (SIDES, (_X, _Y, _WIDTH, _HEIGHT)),
)
_LISTS = frozenset({"bbox", "bboxes", "box", "boundingbox", "boundingboxes"})
_LIST = re.compile(r"\s*[\[(]?\s*([-+.\deE]+(?:\s*[,; ]\s*[-+.\deE]+){3})\s*[\])]?\s*")
_ENOUGH_NUMBERS = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxColumns:
    """Where the boxes stand."""

    names: tuple[str, ...]
    """Four columns, or one that holds all four numbers."""
    form: str

    def corners(self, table: Table) -> pd.DataFrame:
        """Return left, top, right and bottom by line, as written (pixels, or shares of the picture); NaN where blank."""
        first, second, third, fourth = self._numbers(table).T
        if self.form == SIDES:
            third, fourth = first + third, second + fourth
        elif self.form == CENTRE:
            first, second, third, fourth = (
                first - third / 2,
                second - fourth / 2,
                first + third / 2,
                second + fourth / 2,
            )
        values = {"x_min": first, "y_min": second, "x_max": third, "y_max": fourth}
        return pd.DataFrame(values, index=table.cells.index)

    def blank(self, table: Table) -> NDArray[np.bool_]:
        """Return the rows that hold no box at all: every cell is blank."""
        return np.asarray(table.cells[list(self.names)].isna().all(axis=1))

    def are_shares(self, table: Table) -> bool:
        """Return whether all numbers are shares of the picture, from 0 to 1."""
        numbers = self._numbers(table)
        numbers = numbers[np.isfinite(numbers)]
        return len(numbers) > 0 and float(np.abs(numbers).max()) <= 1 and bool(((numbers > 0) & (numbers < 1)).any())

    def _numbers(self, table: Table) -> NDArray[np.float64]:
        if len(self.names) == 1:
            return _of_lists(table.column(self.names[0]))
        return np.stack([_numeric(table, name) for name in self.names], axis=1)


def find_box_columns(table: Table, given: Sequence[str] = ()) -> BoxColumns | None:
    """Return the columns of boxes, None if the table has none.

    Args:
        table: The table.
        given: Columns that the request names: left, top, then right and bottom, or width and height.

    Raises:
        DataUnusable: The given columns are not four (or one) that exist and hold numbers.
    """
    if given:
        return _of_given(table, given)
    by_name: dict[str, str] = {}
    for name in map(str, table.cells.columns):
        by_name.setdefault(_plain(name), name)
    for form, choices in _FORMS:
        names = [next((name for word, name in by_name.items() if word in words), None) for words in choices]
        there = tuple(name for name in names if name is not None)
        if len(set(there)) == 4 and all(_is_numeric(table, name) for name in there):
            return BoxColumns(names=there, form=form)
    for name in map(str, table.cells.columns):
        cells = table.cells[name].dropna()
        if (
            _plain(name) in _LISTS
            and len(cells)
            and bool(cells.map(lambda cell: bool(_LIST.fullmatch(cell))).mean() > _ENOUGH_NUMBERS)
        ):
            return BoxColumns(names=(name,), form=_form_of(_of_lists(cells), None))
    return None


def _of_given(table: Table, given: Sequence[str]) -> BoxColumns:
    for name in given:
        table.column(name)
    if len(given) == 1:
        return BoxColumns(names=tuple(given), form=_form_of(_of_lists(table.column(given[0])), None))
    if len(given) != 4:
        problem = "boxes need four columns: left, top, then right and bottom, or width and height"
        raise DataUnusable(problem, file=table.path, field="boxes")
    for name in given:
        if not _is_numeric(table, name):
            raise DataUnusable("a column of boxes must hold numbers", file=table.path, field=name)
    numbers = np.stack([_numeric(table, name) for name in given], axis=1)
    return BoxColumns(names=tuple(given), form=_form_of(numbers, [_plain(name) for name in given]))


def _form_of(numbers: NDArray[np.float64], names: Sequence[str] | None) -> str:
    """Return the form by the names, or else by whether the last two numbers could be a corner at all."""
    if names is not None:
        if names[0] in _MIDDLE_X:
            return CENTRE
        if names[2] in _WIDTH or names[2] in _RIGHT:
            return SIDES if names[2] in _WIDTH else CORNERS
    known = numbers[np.isfinite(numbers).all(axis=1)]
    in_order = (known[:, 2] > known[:, 0]) & (known[:, 3] > known[:, 1])
    return CORNERS if len(known) and float(in_order.mean()) > _ENOUGH_NUMBERS else SIDES


def _plain(name: str) -> str:
    plain = "".join(letter for letter in name.lower() if letter.isalnum())
    return plain if plain in _LISTS else _PREFIXES.sub("", plain)


def _numeric(table: Table, name: str) -> NDArray[np.float64]:
    cells = table.column(name)
    text = cells.str.replace(",", ".", regex=False) if table.decimal_comma else cells
    return pd.to_numeric(text, errors="coerce").to_numpy(dtype=float)


def _is_numeric(table: Table, name: str) -> bool:
    numbers, there = _numeric(table, name), table.column(name).notna().to_numpy()
    return bool(there.any()) and float(np.isfinite(numbers[there]).mean()) >= _ENOUGH_NUMBERS


def _of_lists(cells: pd.Series[str]) -> NDArray[np.float64]:
    rows = []
    for cell in cells:
        match = _LIST.fullmatch(cell) if isinstance(cell, str) else None
        words = re.split(r"\s*[,; ]\s*", match.group(1)) if match else []
        rows.append(pd.to_numeric(pd.Series(words[:4]), errors="coerce").tolist() if len(words) >= 4 else [np.nan] * 4)
    return np.asarray(rows, dtype=float).reshape(-1, 4)
