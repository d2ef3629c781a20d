"""What `tasks.scoring.curves` left in `evaluation.json` for drawing, read back as values after its way through JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import TypeAdapter

if TYPE_CHECKING:
    from collections.abc import Mapping

Which = Literal["initial", "final"]
WHICH: tuple[Which, ...] = ("initial", "final")


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Counts by reference standard (row) and decision (column)."""

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCurves:
    """All that is drawn of one model on the holdout."""

    roc: dict[str, tuple[tuple[float, float], ...]]
    """By class: (false positive rate, true positive rate)."""
    operating: dict[str, tuple[float, float]]
    """By class: the same two at the frozen threshold."""
    calibration: dict[str, tuple[tuple[float, float, int], ...]]
    """By class: (mean predicted, observed share, images) of each bin of probability."""
    confusion: Confusion


def read_curves(figures: Mapping[str, object]) -> dict[Which, ModelCurves]:
    """Return the curves of each model that `Evaluation.figures` holds.

    Raises:
        ValueError: They are not in the form that `tasks.scoring.curves` gives.
    """
    return TypeAdapter(dict[Which, ModelCurves]).validate_python(dict(figures))
