"""Findings that can occur together: several names in one cell, or a column of marks for each.

Which of two readings a set of 0/1 columns gets is decided by counting: columns of which nearly every row marks exactly one, and
hardly any row several, are classes that exclude each other (`one_hot.py`); any other two columns or more are findings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import label_of_findings
from tasks.readers import column_names
from tasks.readers.uncertain import ABSENT, DOUBTFUL, PRESENT, as_marks, counted, is_mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tasks.readers.table import Table

_NOTHING_FOUND = re.compile(
    r"(no|without)[ _]?(abnormal |significant |acute )?(findings?|abnormality|abnormalities|disease|pathology)"
    r"|nofindings?|normal|none|healthy|nothing|unremarkable|nad",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_SEPARATORS = "|;,"
_MOST_FINDINGS = 500
_STRANGE_AT_MOST = 0.01
_REUSED_AT_LEAST = 2 / 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Findings of each row of a table."""

    marks: pd.DataFrame
    """A column a finding, 1, 0, -1 or NaN, or a confidence between; indexed as the table."""
    reasons: dict[int, str]
    """Rows that cannot be read, and why."""
    notes: tuple[str, ...] = ()


def finding_columns(table: Table, candidates: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that hold marks of findings; none if there are fewer than two."""
    columns = tuple(
        name
        for name in candidates
        if not column_names.is_attribute(name) and is_mark(table.column(name), mostly=1 - _STRANGE_AT_MOST)
    )
    return columns if sum(not means_nothing(name) for name in columns) >= 2 else ()


def is_three_valued(cells: pd.Series[str]) -> bool:
    """Return whether a column of labels is one finding with uncertain rows: 0, 1 and -1, or yes, no and uncertain."""
    values, strange = as_marks(cells)
    return not bool(strange.any()) and set(values.dropna().unique()) == {PRESENT, ABSENT, -1.0}


def separator_of(cells: pd.Series[str]) -> str:
    """Return what stands between several findings in a cell, `[` for lists, the empty string if cells hold one label each."""
    distinct = cells.dropna().unique().tolist()
    if sum(cell.startswith("[") and cell.endswith("]") for cell in distinct) > len(distinct) / 2:
        return "["
    for separator in _SEPARATORS:
        several = [tokens for cell in distinct if len(tokens := tokens_of(cell, separator)) > 1]
        if several and (separator == "|" or _are_reused(several, distinct)):
            return separator
    return ""


def tokens_of(cell: str, separator: str) -> tuple[str, ...]:
    """Return the names in a cell."""
    if separator == "[":
        quoted = ["".join(groups) for groups in _QUOTED.findall(cell)]
        parts = quoted or cell[1:-1].split(",")
    else:
        parts = cell.split(separator) if separator else [cell]
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def means_nothing(name: str) -> bool:
    """Return whether a name says that nothing was found: `No Finding`, `normal`."""
    return _NOTHING_FOUND.fullmatch(" ".join(re.split(r"[\s_-]+", name.strip()))) is not None


def findings_of_lists(table: Table, column: str, separator: str) -> Findings:
    """Return the findings that cells name; those that a cell does not name are absent.

    Raises:
        DataUnusable: There are too many different names for them to be findings.
    """
    cells = table.column(column)
    said = {cell: tokens_of(cell, separator) for cell in cells.dropna().unique()}
    present = {cell: [name for name in names if not means_nothing(name)] for cell, names in said.items()}
    open_ones = {cell for cell, names in present.items() if names and all(name.lower() in DOUBTFUL for name in names)}
    names = sorted({name for cell in present.keys() - open_ones for name in present[cell]})
    if len(names) > _MOST_FINDINGS:
        problem = f"the cells name {len(names):,} different findings, more than can be learnt; is this the label?"
        raise DataUnusable(problem, file=table.path, field=column)
    at = {name: number for number, name in enumerate(names)}
    codes, distinct = pd.factorize(cells)
    patterns = np.zeros((len(distinct) + 1, len(names)))
    patterns[-1] = np.nan  # of blank cells, whose code is -1
    for row, cell in enumerate(distinct):
        if cell in open_ones:
            patterns[row] = np.nan
        else:
            patterns[row, [at[name] for name in present[cell]]] = PRESENT
    mixed = cells.isin([cell for cell, found in present.items() if 0 < len(found) < len(said[cell])])
    notes = [f"{column} names several findings in a cell: {len(names)} findings that can occur together were read."]
    if mixed.any():
        notes.append(f"{int(mixed.sum()):,} rows name a finding beside words for none; the finding was believed.")
    return Findings(
        marks=pd.DataFrame(patterns[codes], index=cells.index, columns=names), reasons={}, notes=tuple(notes)
    )


def findings_of_columns(table: Table, columns: Sequence[str]) -> Findings:
    """Return the findings that columns of marks hold; a column such as `No Finding` makes the blanks of its row absences.

    Raises:
        DataUnusable: Half of a column or more is no mark.
    """
    marks = {name: as_marks(table.column(name)) for name in columns}
    reasons: dict[int, str] = {}
    for name, (_, strange) in reversed(marks.items()):
        rows = strange.index[strange]
        if len(rows) > len(strange) / 2:
            problem = "a finding must be marked 1 or 0 (yes or no), -1 or blank where unsure"
            raise DataUnusable(problem, file=table.path, row=int(rows[0]), field=name)
        reasons |= {int(row): f"field {name!r} holds no mark of a finding" for row in rows}
    names = [name for name in columns if not means_nothing(name)] or list(columns)
    values = pd.DataFrame({name: marks[name][0] for name in names})
    notes = [f"Read as findings that can occur together: {', '.join(names)}."]
    for name in set(columns) - set(names):
        nothing = (marks[name][0] == PRESENT) & ~(values == PRESENT).any(axis=1)
        filled = values[nothing].isna()
        values = values.mask(values.isna() & nothing.to_numpy()[:, None], ABSENT)
        notes.append(
            f"{int(nothing.sum()):,} rows are marked {name}: their {int(filled.to_numpy().sum()):,} blanks count as absent."
        )
    if not (values == ABSENT).any(axis=None):
        values = values.fillna(ABSENT)
        notes.append("No cell says that a finding is absent, so blank cells count as absent.")
    return Findings(marks=values, reasons=reasons, notes=tuple(notes))


def labels_of(values: pd.DataFrame, policy: str) -> pd.Series[str]:
    """Return the label of each row of findings, the empty string where too little is known.

    Args:
        values: 1, 0, -1 or NaN, a column a finding.
        policy: What an uncertain finding counts as: `unknown`, `positive` or `negative`.
    """
    settled = counted(values.to_numpy(dtype=float), policy)
    patterns, which = np.unique(np.nan_to_num(settled, nan=2.0), axis=0, return_inverse=True)
    names = list(values.columns)
    labels = np.array([_label(names, pattern) for pattern in patterns], dtype=object)
    return pd.Series(labels[which.reshape(-1)] if len(patterns) else [], index=values.index, dtype="str")


def _label(names: Sequence[str], pattern: NDArray[np.float64]) -> str:
    values = np.where(pattern == 2.0, np.nan, pattern)
    return label_of_findings(dict(zip(names, values.tolist(), strict=True)))


def _are_reused(several: Sequence[tuple[str, ...]], distinct: Sequence[str]) -> bool:
    """Return whether the parts of cells are names of their own: they also stand alone, or beside different others.

    So `nevus, atypical` beside `nevus` alone remains one label.
    """
    alone = {cell.strip() for cell in distinct}
    beside: dict[str, set[tuple[str, ...]]] = {}
    for tokens in several:
        for token in tokens:
            beside.setdefault(token, set()).add(tokens)
    reused = [token in alone or len(others) > 1 for token, others in beside.items()]
    return float(np.mean(reused)) >= _REUSED_AT_LEAST
