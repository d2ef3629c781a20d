"""Tables as clinics keep them: CSV, TSV, Excel, parquet or feather, packed or not, every cell as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks.domain.errors import DataUnusable
from tasks.readers.columnar import is_columnar, read_columnar
from tasks.readers.grid import MISSING
from tasks.readers.packed import unpacked
from tasks.readers.spreadsheet import is_workbook, read_spreadsheet
from tasks.readers.text_table import read_text_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tasks.domain.manifest import Quarantined

__all__ = ["MISSING", "Table", "read_table"]

_DECIMAL_COMMA = r"[+-]?\d+,\d+"
_THOUSANDS = r"[+-]?\d{1,3}(,\d{3})+"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with all cells as text."""

    path: Path
    cells: pd.DataFrame
    """Text, missing as NaN; the index is the line in the file or the row in Excel, the header being 1 if it comes first."""
    decimal_comma: bool
    broken: tuple[Quarantined, ...] = ()
    """Lines that could not be read."""
    notes: tuple[str, ...] = ()
    """How the file was understood, in sentences."""

    def column(self, name: str) -> pd.Series[str]:
        """Return a column.

        Raises:
            DataUnusable: The table has no such column; the message lists those that it has.
        """
        if name not in self.cells.columns:
            there = ", ".join(map(str, self.cells.columns))
            raise DataUnusable(f"there is no such column; the table has: {there}", file=self.path, field=name)
        return self.cells[name]

    def typed(self, name: str) -> pd.Series[float] | pd.Series[str]:
        """Return a column as numbers if every cell that says something is one, else as text."""
        cells = self.column(name)
        codes, found = pd.factorize(cells)
        distinct = pd.Series(found, dtype="str")
        comma = self.decimal_comma or _writes_decimal_comma(distinct)
        text = distinct.str.replace(",", ".", regex=False) if comma else distinct
        numbers = pd.to_numeric(text, errors="coerce").to_numpy(dtype=float)
        if distinct.empty or np.isnan(numbers).any():
            return cells
        return pd.Series(np.append(numbers, np.nan)[codes], index=cells.index, name=name)


def read_table(path: Path, *, names_image: Callable[[str], bool] = lambda _: False) -> Table:
    """Read a table; a broken line is listed, a broken file is an error.

    Args:
        path: The file; what it is is told by its content.
        names_image: Whether a cell names an image of the study; tells the sheets of a workbook apart.

    Raises:
        DataUnusable: The file is missing, empty, damaged, locked, too large, no table, or has a header that cannot be used.
    """
    content = unpacked(path)
    if is_workbook(content):
        grid = read_spreadsheet(path, content, names_image=names_image)
    elif is_columnar(content):
        grid = read_columnar(path, content)
    else:
        grid = read_text_table(path, content)
    cells = grid.cells()
    if cells.empty:
        problem = "the table has no rows below its header" if not grid.broken else grid.broken[0].reason
        raise DataUnusable(problem, file=path)
    return Table(path=path, cells=cells, decimal_comma=grid.decimal_comma, broken=grid.broken, notes=grid.notes)


def _writes_decimal_comma(cells: pd.Series[str]) -> bool:
    """Return whether numbers of a column have a decimal comma that cannot be one between thousands."""
    with_comma = cells[cells.str.contains(",", regex=False, na=False)]
    if with_comma.empty or not bool(with_comma.str.fullmatch(_DECIMAL_COMMA).all()):
        return False
    return not bool(with_comma.str.fullmatch(_THOUSANDS).all())
