"""What numbers of a request come down to: levels, each with the words that set it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agents.playbook.intent.reading import Reading


@dataclass(frozen=True, slots=True)
class Level:
    """One number, what it is for, and where it stands."""

    value: float
    """0 to 1."""
    first: int
    end: int
    labels: tuple[str, ...] = ()
    """Labels of the finding that it is said of; empty if none is named."""


@dataclass(slots=True)
class Numbers:
    """All numbers of a request."""

    sensitivity_floor: Level | None = None
    sensitivity_fixed: Level | None = None
    specificity_floor: Level | None = None
    specificity_fixed: Level | None = None
    metric_floors: list[tuple[str, Level]] = field(default_factory=list)
    """(family of the metric, floor)."""
    flag_rate: Level | None = None
    """Largest share of all images that may be called positive."""
    alarms_per_image: Level | None = None
    """Largest mean number of false marks on an image; a number, not a share."""
    alarms_fixed: Level | None = None
    """Mean number of false marks on an image at which the share found is compared."""
    prevalence: Level | None = None
    """How common the finding is said to be; a fact, and no wish."""
    goal: tuple[str, int, int] | None = None
    """Family of a metric that the request wants as high as possible, and where it says so."""
    goal_is_enough: bool = False
    """The metric is only called good enough; other words may ask for more."""


def share_at(reading: Reading, at: int) -> float | None:
    """Return a number as a share, 0 to 1; None where it can be none."""
    unit = reading.units[at]
    if unit.share is not None:
        return round(unit.share, 6)
    if unit.number is not None and 1 < unit.number <= 100:
        return unit.number / 100
    return 1.0 if unit.number == 1 else None
