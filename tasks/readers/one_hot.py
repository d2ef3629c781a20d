"""Labels that are spread over one column a class, as in the ISIC ground-truth file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks.domain.errors import DataUnusable
from tasks.readers.uncertain import ABSENT, PRESENT, as_marks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.readers.table import Table

_SHARE_OF_ROWS_WITH_ONE = 0.9
_SHARE_OF_ROWS_WITH_SEVERAL = 0.01
_MOST_SPELLINGS = 20


def one_hot_columns(table: Table, candidates: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that together hold one 1 a row, or none if the 0/1 columns do not fit together.

    Rows without a 1 may be many (not labelled yet); rows with several are mistakes, or the columns are findings that can
    occur together.
    """
    columns = tuple(name for name in candidates if _is_marked(table, name))
    if len(columns) < 2:
        return ()
    ones = sum(_marks(table, name).to_numpy() for name in columns)
    mostly_one = float(np.mean(ones == 1)) >= _SHARE_OF_ROWS_WITH_ONE
    return columns if mostly_one and float(np.mean(ones > 1)) <= _SHARE_OF_ROWS_WITH_SEVERAL else ()


def labels_of_one_hot(table: Table, columns: Sequence[str]) -> tuple[pd.Series[str], dict[int, str]]:
    """Return the label of each row, and for rows without exactly one label the reason, by line.

    Raises:
        DataUnusable: A column holds hardly any 0 or 1.
    """
    marks = pd.DataFrame({name: _marks(table, name) for name in columns})
    valid = marks.isin([0.0, 1.0])
    for name in columns:
        if valid[name].mean() < 0.5:
            row = int(valid.index[~valid[name]][0])
            raise DataUnusable("a column of a class must hold 0 or 1", file=table.path, row=row, field=name)
    ones = (marks == 1.0).to_numpy()
    labels = pd.Series(np.array(columns, dtype=object)[ones.argmax(axis=1)], index=marks.index, dtype="str")
    reasons: dict[int, str] = {}
    for row, is_valid, is_one in zip(marks.index, valid.to_numpy(), ones, strict=True):
        named = [name for name, one in zip(columns, is_one, strict=True) if one]
        if not is_valid.all():
            name = columns[int(np.flatnonzero(~is_valid)[0])]
            reasons[int(row)] = f"field {name!r} holds neither 0 nor 1"
        elif len(named) != 1:
            which = f"several classes: {', '.join(named)}" if named else "no class"
            reasons[int(row)] = f"the row marks {which}"
    return labels, reasons


def _is_marked(table: Table, name: str) -> bool:
    distinct = pd.Series(table.column(name).unique(), dtype="str")
    return len(distinct) <= _MOST_SPELLINGS and bool(as_marks(distinct)[0].isin([PRESENT, ABSENT]).all())


def _marks(table: Table, name: str) -> pd.Series[float]:
    return as_marks(table.column(name))[0]
