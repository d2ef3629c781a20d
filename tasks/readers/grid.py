"""The cells of a table as text, however they were stored: where its header lies, and what its names are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tasks.domain.errors import DataUnusable
from tasks.readers import column_names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tasks.domain.manifest import Quarantined

MISSING = frozenset({"", "na", "n/a", "nan", "null", "#n/a", "<na>", "nat"})
"""Cells that say nothing, in lower case; "none" is not one of them, for it is used as a label."""

_MOST_TITLE_LINES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Columns of text below a header, with what is known of the rows they came from."""

    columns: dict[str, pa.Array]
    """Text by name, all of one length."""
    row_numbers: tuple[int, ...] = ()
    """Number of each row as a person sees it, the first line of the file being 1; empty if they follow each other."""
    first_row: int = 2
    """Number of the first row, where they follow each other."""
    decimal_comma: bool = False
    broken: tuple[Quarantined, ...] = ()
    notes: tuple[str, ...] = ()

    def cells(self) -> pd.DataFrame:
        """Return the cells without blanks around them, missing as NaN, without the rows that hold nothing."""
        trimmed = {name: pc.utf8_trim_whitespace(column) for name, column in self.columns.items()}
        length = len(next(iter(trimmed.values())))
        numbers = np.array(self.row_numbers or range(self.first_row, self.first_row + length), dtype=np.int64)
        says_something = np.zeros(length, dtype=bool)
        cells = {}
        for name, column in trimmed.items():
            blank = pc.fill_null(pc.equal(column, ""), fill_value=True)
            says_something |= ~blank.to_numpy(zero_copy_only=False)
            missing = pc.is_in(pc.utf8_lower(column), value_set=pa.array(sorted(MISSING)))
            column = pc.if_else(missing, pa.scalar(None, pa.string()), column)  # noqa: PLW2901 (the same column, cleaned)
            cells[name] = pd.Series(pd.array(column, dtype="str"), index=numbers, name=name)
        return pd.DataFrame(cells)[says_something]


def header_at(lines: Sequence[Sequence[str]]) -> int:
    """Return which of the first lines of a table is its header, counted from 0.

    A line above it is passed over only if it is plainly a title: blank, or one cell with several words in it that is not
    the first of two.
    """
    for at, cells in enumerate(lines[: _MOST_TITLE_LINES + 1]):
        said = [cell.strip() for cell in cells if cell.strip()]
        is_title = not said or (len(said) == 1 and len(said[0].split()) > 1 and len(cells) != 2)
        if not is_title:
            return at
    return 0


def usable_header(path: Path, cells: Sequence[str], *, row: int) -> list[str]:
    """Return the names of columns; those without one, and those that repeat one, are numbered.

    Raises:
        DataUnusable: Two columns have one name, and it is that of a label, an image, a patient or a split.
    """
    names = [" ".join(str(cell).split()) or f"column {number}" for number, cell in enumerate(cells, start=1)]
    for name in names:
        if names.count(name) > 1 and column_names.has_a_part(name):
            raise DataUnusable("two columns have this name; rename one", file=path, row=row, field=name)
    before = [names[:at].count(name) for at, name in enumerate(names)]
    numbered = [f"{name} ({count + 1})" if count else name for name, count in zip(names, before, strict=True)]
    return numbered if len(set(numbered)) == len(numbered) else [f"column {at}" for at in range(1, len(names) + 1)]
