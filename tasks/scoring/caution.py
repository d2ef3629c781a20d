"""What a reader must be warned of beside a number: few cases, few patients, wide intervals, lost resamples."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tasks.scoring.classification import read_name, undefined_reasons

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tasks.domain.evaluation import Comparison, Estimate

EXPLORATORY_BELOW, IMPRECISE_BELOW = 30, 100
"""Cases of the smaller side; at 90 % observed the exact interval is 0.73-0.98 with 30 and 0.82-0.95 with 100."""
FEW_CASES = 50
"""Below this DeLong's p stands beside the bootstrap's: with 10 positives of 200 and no true difference the bootstrap
rejects in 7.0 % at a nominal 5 %, DeLong in 5.3 %."""
FEW_GROUPS = 50
"""Below this the interval by resampling patients is too narrow (coverage 0.93 at 100 patients of 10 images)."""
WIDEST_SAFE_HALF_WIDTH = 0.05
SAFETY = ("sensitivity", "specificity")


class Cell(NamedTuple):
    """The smallest side of a metric."""

    cases: int
    """Patients or lesions that hold at least one image of it."""
    of: str
    """In words: 'mel', or 'the other classes'."""


def smallest_cell(name: str, labels: NDArray[np.intp], groups: NDArray[np.generic], *, classes: Sequence[str]) -> Cell:
    """Return the smallest number of groups that a metric's estimate rests on, and what they are of."""
    parts = read_name(name, classes)
    of_class = {item: _groups_in(labels == index, groups) for index, item in enumerate(classes)}
    if parts.family in {"accuracy", "brier", "ece"}:
        return Cell(len(np.unique(groups)), "all classes together")
    if not parts.of:
        return min(Cell(count, repr(item)) for item, count in of_class.items())
    others = Cell(_groups_in(labels != classes.index(parts.of), groups), f"classes other than {parts.of!r}")
    own = Cell(of_class[parts.of], repr(parts.of))
    if parts.family == "sensitivity":
        return own
    return others if parts.family == "specificity" else min(own, others)


def cautions(
    name: str,
    comparison: Comparison,
    labels: NDArray[np.intp],
    groups: NDArray[np.generic],
    *,
    classes: Sequence[str],
    resamples: int,
    dropped: int,
    family: int,
) -> tuple[str, ...]:
    """Return the warnings about one metric, as plain sentences, gravest first.

    Args:
        name: Name of the metric.
        comparison: Its estimates.
        labels: Index of the true class, shape (n,).
        groups: Patient or lesion of each image, shape (n,).
        classes: Names of the classes.
        resamples: Number of resamples drawn.
        dropped: How many of them left the metric undefined.
        family: Number of tests that Holm's correction runs over.
    """
    undefined = undefined_reasons([name], labels, classes=classes)
    if undefined:
        return (f"{undefined[name]}.",)
    found = [_about_cases(smallest_cell(name, labels, groups, classes=classes))]
    n_groups = len(np.unique(groups))
    if n_groups < FEW_GROUPS:
        found.append(f"Only {n_groups} patients or lesions: the interval is likely too narrow.")
    if dropped:
        found.append(
            f"{dropped:,} of {resamples:,} resamples left {name} undefined and were dropped"
            + ("; too few are left for an interval." if not np.isfinite(comparison.difference.low) else ".")
        )
    if read_name(name).family.startswith(SAFETY):
        widest = max(_half_width(comparison.initial), _half_width(comparison.final))
        if widest > WIDEST_SAFE_HALF_WIDTH:
            found.append(f"Precision insufficient for a safety claim: the 95% interval is +/- {widest:.3f}.")
    if family > 1 and 2 * family / (resamples + 1) >= 0.05:
        found.append(f"{resamples:,} resamples are too few to show significance among {family} metrics.")
    if read_name(name).family == "ece":
        found.append("Calibration error grows with noise, so its interval by resampling lies somewhat too high.")
    return tuple(sentence for sentence in found if sentence)


def _about_cases(cell: Cell) -> str:
    if cell.cases < EXPLORATORY_BELOW:
        return f"Exploratory: only {cell.cases} patients or lesions of {cell.of}."
    if cell.cases < IMPRECISE_BELOW:
        return f"Imprecise: {cell.cases} patients or lesions of {cell.of}."
    return ""


def _groups_in(chosen: NDArray[np.bool_], groups: NDArray[np.generic]) -> int:
    return len(np.unique(groups[chosen]))


def _half_width(estimate: Estimate) -> float:
    return (estimate.high - estimate.low) / 2
