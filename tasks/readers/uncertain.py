"""Marks of findings, present, absent or uncertain, however a clinic writes them, and what an uncertain one counts as.

Uncertain (-1) means that somebody looked and could not tell; not known (NaN) that nobody said. Only the first is subject to
the policy of the request: what was never looked at becomes neither a positive nor a negative.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks.domain.errors import DataUnusable

if TYPE_CHECKING:
    from numpy.typing import NDArray

PRESENT, ABSENT, UNCERTAIN = 1.0, 0.0, -1.0

_WORDS = {
    PRESENT: ("yes", "y", "true", "t", "present", "positive", "pos", "x", "ja", "oui", "si", "sí", "sim"),
    ABSENT: ("no", "n", "false", "f", "absent", "negative", "neg", "nein", "non", "não"),
    UNCERTAIN: (
        *("uncertain", "unsure", "unclear", "?", "u", "equivocal", "indeterminate", "inconclusive", "borderline"),
        *("ungradable", "ungradeable", "maybe", "possible", "questionable", "doubtful"),
    ),
    np.nan: (
        *("not graded", "not read", "not assessed", "not examined", "not labelled", "not labeled", "not done"),
        *("unknown", "unk", "not known", "unlabelled", "unlabeled", "missing", "not available"),
    ),
}
_VALUE_OF_WORD = {word: value for value, words in _WORDS.items() for word in words}
_COUNTS_AS = {"unknown": np.nan, "positive": PRESENT, "negative": ABSENT}

DOUBTFUL = frozenset(_WORDS[UNCERTAIN] + _WORDS[np.nan])
"""Labels that say that nobody could tell, in lower case."""


def as_marks(cells: pd.Series[str]) -> tuple[pd.Series[float], pd.Series[bool]]:
    """Return cells as numbers, and which cells say something that is no mark.

    Args:
        cells: Text, missing as NaN.

    Returns:
        1 present, 0 absent, -1 uncertain, NaN not known, or a confidence between 0 and 1; and True for strange cells,
        whose number is NaN.
    """
    said = cells.dropna().unique()
    values = {cell: _value(cell) for cell in said}
    strange = {cell for cell, value in values.items() if value is None}
    known = {cell: value for cell, value in values.items() if value is not None}
    return cells.map(known).astype(float), cells.isin(list(strange))


def is_mark(cells: pd.Series[str], *, mostly: float = 1.0) -> bool:
    """Return whether cells hold marks without confidences, some of them absent, or crosses with blanks between them.

    A column that says 1 in every row tells no image from another, and is as often a number of a series; one of x and y
    holds two labels.
    """
    values, strange = as_marks(cells)
    said = cells.notna().sum()
    if said == 0 or strange.sum() > (1 - mostly) * said:
        return False
    known = values.dropna()
    whole = bool(known.isin([PRESENT, ABSENT, UNCERTAIN]).all())
    if not bool((known == ABSENT).any()):  # crosses where it is present: one kind of them, and blanks where it is not
        return whole and len(set(cells[values == PRESENT])) == 1 and bool(cells.isna().any())
    return whole


def counted(values: NDArray[np.float64], policy: str) -> NDArray[np.float64]:
    """Return marks with the uncertain ones counted as a policy says.

    Args:
        values: 1, 0, -1 or NaN, any shape.
        policy: `unknown`, `positive` or `negative`.

    Raises:
        DataUnusable: The policy is none of these.
    """
    if policy not in _COUNTS_AS:
        problem = f"what is uncertain counts as {', '.join(_COUNTS_AS)}, but not as {policy!r}"
        raise DataUnusable(problem, field="reading.uncertain")
    return np.where(values == UNCERTAIN, _COUNTS_AS[policy], values)


def note_on_uncertain(values: NDArray[np.float64], policy: str) -> tuple[str, ...]:
    """Return a sentence that says how many marks are uncertain and what they count as; none if none is."""
    n_uncertain = int((values == UNCERTAIN).sum())
    if not n_uncertain:
        return ()
    counts_as = "neither present nor absent" if policy == "unknown" else policy
    share = n_uncertain / max(1, int(np.isfinite(values).sum()))
    return (f"{n_uncertain:,} findings are uncertain ({share:.1%} of those read); they count as {counts_as}.",)


def note_on_doubtful(labels: pd.Series[str]) -> tuple[str, ...]:
    """Return a sentence on labels such as "not graded" that were kept as labels of their own; none if there is none."""
    doubtful = labels[labels.str.lower().isin(DOUBTFUL)].value_counts()
    return tuple(
        f"{count:,} images have the label {label!r}: it was kept as a label of its own, though it may say that nobody could tell."
        for label, count in doubtful.items()
    )


def _value(cell: str) -> float | None:
    """Return what a cell says, NaN for not known, None if it is no mark."""
    word = " ".join(cell.lower().replace("_", " ").replace("-", " ").split()) if len(cell) > 2 else cell.lower()
    if word in _VALUE_OF_WORD:
        return _VALUE_OF_WORD[word]
    try:
        number = float(cell.replace(",", "."))
    except ValueError:
        return None
    return number if number == UNCERTAIN or ABSENT <= number <= PRESENT else None
