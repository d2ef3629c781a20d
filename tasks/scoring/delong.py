"""DeLong's test of two correlated AUCs, in closed form: better than a bootstrap where a class has few cases."""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, sqrt
from typing import TYPE_CHECKING

import numpy as np

from tasks.scoring.resampling import group_index

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeLong:
    """Difference of two AUCs on the same images; error and p are nan with fewer than two groups of either kind."""

    difference: float
    """Final minus initial."""
    standard_error: float
    p: float
    """Two-sided."""


def delong(is_class: ArrayLike, initial: ArrayLike, final: ArrayLike, groups: ArrayLike | None = None) -> DeLong:
    """Return DeLong's test, in the form for clustered data where images share groups.

    Args:
        is_class: Whether an image is of the class, shape (n,).
        initial: Scores of the initial model, shape (n,).
        final: Scores of the final model, shape (n,).
        groups: Patient or lesion of each image, shape (n,); None if all differ, which gives DeLong's own formula.

    Source:
        DeLong, DeLong & Clarke-Pearson, Biometrics 44:837 (1988); Obuchowski, Biometrics 53:567 (1997), equations 4-7,
        for clusters.
    """
    truth = np.asarray(is_class, dtype=bool)
    group, n_groups = group_index(np.arange(len(truth)) if groups is None else groups)
    change_of_class, change_of_others = (
        np.subtract(*pair)
        for pair in zip(_components(truth, np.asarray(final)), _components(truth, np.asarray(initial)), strict=True)
    )
    if not len(change_of_class) or not len(change_of_others):
        return DeLong(difference=np.nan, standard_error=np.nan, p=np.nan)
    difference = float(change_of_class.mean())
    variance = _variance(
        (change_of_class - difference, group[truth]), (change_of_others - difference, group[~truth]), n_groups
    )
    return DeLong(difference=difference, standard_error=sqrt(max(variance, 0.0)), p=_p(difference, variance))


def _components(truth: NDArray[np.bool_], scores: Floats) -> tuple[Floats, Floats]:
    """Return each image's placement among the images of the other kind: shapes (n of the class,), (n others,)."""
    of_class, others = scores[truth], scores[~truth]
    return _share_below(of_class, others), 1 - _share_below(others, of_class)


def _share_below(values: Floats, among: Floats) -> Floats:
    if not len(among):
        return np.empty(0)
    ordered = np.sort(among)
    ranks = np.searchsorted(ordered, values, side="left") + np.searchsorted(ordered, values, side="right")
    return np.asarray(ranks / (2 * len(among)))


def _variance(
    of_class: tuple[Floats, NDArray[np.intp]], others: tuple[Floats, NDArray[np.intp]], n_groups: int
) -> float:
    """Return the variance of the difference from centred components (values, group of each)."""
    size_class, size_others = len(of_class[0]), len(others[0])
    groups_class, groups_others = len(np.unique(of_class[1])), len(np.unique(others[1]))
    if groups_class < 2 or groups_others < 2:
        return float("nan")
    sums_class = np.bincount(of_class[1], weights=of_class[0], minlength=n_groups)
    sums_others = np.bincount(others[1], weights=others[0], minlength=n_groups)
    spread_class = groups_class / (groups_class - 1) * (sums_class @ sums_class) / size_class**2
    spread_others = groups_others / (groups_others - 1) * (sums_others @ sums_others) / size_others**2
    shared = n_groups / (n_groups - 1) * (sums_class @ sums_others) / (size_class * size_others)
    return float(spread_class + spread_others + 2 * shared)


def _p(difference: float, variance: float) -> float:
    if np.isnan(variance):
        return float("nan")
    if variance <= 0:
        return 1.0 if difference == 0 else float("nan")
    return erfc(abs(difference) / sqrt(2 * variance))
