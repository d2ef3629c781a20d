"""Exact intervals of proportions: sensitivity and specificity where cases are few."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import beta

from tasks.scoring.resampling import group_index

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def clopper_pearson(successes: float, trials: float, *, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact two-sided interval of a proportion; nan, nan without a trial.

    Args:
        successes: Number of successes, or an effective one with a fraction.
        trials: Number of trials, or an effective one with a fraction; at least `successes`.
        confidence: Such as 0.95.

    Raises:
        ValueError: Successes are not between 0 and trials.

    Source:
        Clopper & Pearson, Biometrika 26:404 (1934); as beta quantiles, Brown, Cai & DasGupta, Statistical Science
        16:101 (2001), section 4.2.1.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes of {trials} trials are impossible")
    if trials == 0:
        return float("nan"), float("nan")
    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else float(beta.ppf(tail, successes, trials - successes + 1))
    high = 1.0 if successes == trials else float(beta.ppf(1 - tail, successes + 1, trials - successes))
    return low, high


def effective_trials(successes: ArrayLike, groups: ArrayLike) -> float:
    """Return how many independent trials carry as much as these ones, which share patients or lesions.

    Args:
        successes: Whether each trial succeeded, shape (n,).
        groups: Patient or lesion of each trial, shape (n,).

    Returns:
        From 1 to n. The number of groups where all trials succeeded or all failed: then their likeness cannot be seen.

    Source:
        Korn & Graubard, Survey Methodology 24:193 (1998): Clopper-Pearson with the effective sample size; variance of
        a ratio over clusters, Cochran, Sampling Techniques (1977), section 3.12.
    """
    success = np.asarray(successes, dtype=np.float64)
    group, n_groups = group_index(groups)
    if len(success) == n_groups:
        return float(n_groups)
    rate = success.mean()
    if rate in {0.0, 1.0} or n_groups == 1:
        return float(n_groups)
    residual = np.bincount(group, weights=success - rate, minlength=n_groups)
    variance = n_groups / (n_groups - 1) * float(residual @ residual) / len(success) ** 2
    if variance == 0:
        return float(len(success))
    return float(np.clip(rate * (1 - rate) / variance, 1.0, len(success)))
