"""What a test set of a given size will be able to show about an AUC, before any model is trained.

Scores are taken as normal in both classes with equal variance. Q1 and Q2 of Hanley and McNeil then are one bivariate
normal probability, which agrees with simulation; their simpler form for exponential scores would give an interval a
quarter wider for a rare class.
Source: Hanley & McNeil, Radiology 1982;143:29-36, equation 2; Radiology 1983;148:839-843, for two models on the same cases.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import owens_t
from scipy.stats import norm

from tasks.domain.profile import Forecast

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.targets import Target

EXPECTED_AUC = 0.85
CORRELATION = 0.8
"""Of the scores of two models on the same cases."""
POWER = 0.8

_TWO_SIDED_95 = float(norm.ppf(0.975))


def forecast(target: Target, groups: NDArray[np.int64], share_in_test: NDArray[np.float64]) -> Forecast:
    """Return what the test can show about a label.

    Patients or lesions are counted for it, for images of one are not independent.

    Args:
        target: Label or finding.
        groups: Number of the patient or lesion of each image, shape (n_images,).
        share_in_test: Probability that an image comes into the test, shape (n_images,); 0 or 1 where that is given.
    """
    present, absent = (
        round(float(_highest_of_each(groups[images], share_in_test[images]).sum()))
        for images in (target.present, target.absent)
    )
    return Forecast(
        label=target.name,
        test_images=round(float(share_in_test[target.present].sum())),
        test_groups=present,
        auc_half_width=auc_half_width(present, absent),
        detectable_difference=detectable_difference(present, absent),
    )


def auc_half_width(positives: float, negatives: float, *, auc: float = EXPECTED_AUC) -> float:
    """Return the half-width of the 95% interval of an AUC; nan with fewer than two of either.

    Args:
        positives: Independent cases (patients or lesions) of the class.
        negatives: Independent cases of all others.
        auc: The expected AUC, above 0.5 and below 1.
    """
    return _TWO_SIDED_95 * math.sqrt(_covariance(auc, positives, negatives, correlation=1.0))


def detectable_difference(
    positives: float, negatives: float, *, auc: float = EXPECTED_AUC, correlation: float = CORRELATION
) -> float:
    """Return the smallest difference of two AUCs on the same cases found with 80% power at two-sided 0.05."""
    variance = _covariance(auc, positives, negatives, correlation=1.0)
    covariance = _covariance(auc, positives, negatives, correlation=correlation)
    return (_TWO_SIDED_95 + float(norm.ppf(POWER))) * math.sqrt(2 * (variance - covariance))


def _covariance(auc: float, positives: float, negatives: float, *, correlation: float) -> float:
    """Return the covariance of the AUCs of two models whose scores correlate; with correlation 1 it is the variance."""
    if positives < 2 or negatives < 2:
        return math.nan
    same_pair = _both_right(auc, correlation) - auc**2
    one_shared = _both_right(auc, correlation / 2) - auc**2
    return (same_pair + (positives + negatives - 2) * one_shared) / (positives * negatives)


def _both_right(auc: float, correlation: float) -> float:
    """Return the probability that two comparisons, each right with probability `auc`, are both right.

    Source: Owen, Annals of Mathematical Statistics 1956;27:1075-1090, for equal limits.
    """
    limit = float(norm.ppf(auc))
    return auc - 2 * float(owens_t(limit, math.sqrt((1 - correlation) / (1 + correlation))))


def _highest_of_each(groups: NDArray[np.int64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return with which probability each patient or lesion comes into the test, shape (n_groups,)."""
    names, number = np.unique(groups, return_inverse=True)
    highest = np.zeros(len(names))
    np.maximum.at(highest, number, shares)
    return highest
