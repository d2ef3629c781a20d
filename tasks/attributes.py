"""Which columns beside the label are worth a look, and what they show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks import association
from tasks.domain.profile import Hazard
from tasks.hazards import columns as meaning
from tasks.hazards.wording import listed
from tasks.readers.column_names import is_box

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tasks.domain.profile import Attribute
    from tasks.targets import Target

_FEWEST_BOX_COLUMNS = 3
_MOST_VALUES = 200
_MOST_WORDS = 4
_ENOUGH = 2_000
"""Cells that show how long those of a column are."""
_NEARLY_ALL = 0.95


def examine(
    columns: Mapping[str, pd.Series], targets: Sequence[Target], groups: NDArray[np.int64]
) -> tuple[tuple[Attribute, ...], list[Hazard]]:
    """Return the association of each column with the label, and hazards that tell which columns were left out and why.

    Columns that number the rows or hold free text are left out: they cannot be compared, and may name people.
    """
    boxes = [name for name in columns if is_box(name)]
    boxes = boxes if len(boxes) >= _FEWEST_BOX_COLUMNS else []
    days = {name for name, times in meaning.dates(columns).items() if (times.dt.day_of_year > 1).any()}
    skipped = {
        name: reason
        for name in columns
        if name not in boxes and (reason := "it holds dates" if name in days else _why_not(columns[name]))
    }
    examined = {name: values for name, values in columns.items() if name not in boxes and name not in skipped}
    attributes = tuple(association.measure(name, values, targets, groups) for name, values in examined.items())
    found = []
    if boxes:
        summary = f"{', '.join(boxes)} look like the corners of a box: they describe the picture itself and were not examined."
        found.append(Hazard(kind="skipped_attribute", severity="report", summary=summary))
    for reason in dict.fromkeys(skipped.values()):
        names = [name for name, its_reason in skipped.items() if its_reason == reason]
        why = reason if len(names) == 1 else reason.replace("it ", "each ", 1)
        summary = f"{listed(names, most=12)} {'was' if len(names) == 1 else 'were'} not examined: {why}."
        found.append(Hazard(kind="skipped_attribute", severity="report", summary=summary))
    return attributes, found


def _why_not(values: pd.Series[float] | pd.Series[str]) -> str:
    """Return why a column cannot be compared with the label, or nothing."""
    there = values.dropna()
    distinct = there.nunique()
    if distinct < 2:
        return "it has the same value everywhere" if distinct else "it is empty"
    if pd.api.types.is_numeric_dtype(there):
        is_whole = bool((there == there.round()).all())
        is_numbering = is_whole and len(there) >= 30 and distinct > _NEARLY_ALL * len(there)
        return "it numbers the rows" if is_numbering else ""
    seen = there.iloc[:: len(there) // _ENOUGH + 1]
    if float(np.mean([len(str(value).split()) for value in seen])) > _MOST_WORDS:
        return "it holds free text"
    most = min(max(10, len(there) // 10), _MOST_VALUES)
    return f"it has {distinct:,} different values, like a name or a number of a case" if distinct > most else ""
