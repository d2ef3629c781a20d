"""Metrics that rest on the order of the scores: one sort of the cases serves any number of resamples.

Axes: n images, p of them of the class, q of the others, B resamples.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from tasks.scoring.ratio import ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class Ranking:
    """The images of one class and the others, each sorted from the highest score to the lowest."""

    def __init__(self, is_class: NDArray[np.bool_], scores: Floats) -> None:
        """Sort once.

        Args:
            is_class: Whether an image is of the class, shape (n,).
            scores: Score of the class, shape (n,); only the order counts, and equal scores are ties.
        """
        order = np.argsort(-scores, kind="stable")
        self.of_class = order[is_class[order]]
        self.others = order[~is_class[order]]
        falling_class, falling_others = -scores[self.of_class], -scores[self.others]
        self.others_above = np.searchsorted(falling_others, falling_class, side="left")
        """Others with a higher score than each image of the class, shape (p,)."""
        self.others_from = np.searchsorted(falling_others, falling_class, side="right")
        """Others with a score at least as high, shape (p,)."""
        self.class_above = np.searchsorted(falling_class, falling_others, side="left")
        """Images of the class with a higher score than each of the others, shape (q,)."""
        self.class_from = np.searchsorted(falling_class, falling_class, side="right")
        """Images of the class with a score at least as high as each image of the class, shape (p,)."""

    def weigh(self, weights: NDArray[np.float32]) -> WeightedRanking:
        """Return the ranking with how often each image was drawn, shape (B, n)."""
        return WeightedRanking(self, weights)


class WeightedRanking:
    """A ranking under B sets of weights; every metric has shape (B,) and is nan where class or others are missing."""

    def __init__(self, ranking: Ranking, weights: NDArray[np.float32]) -> None:
        self.ranking = ranking
        self.class_weights = np.take(weights, ranking.of_class, axis=1)
        self.other_sums = _running_sums(np.take(weights, ranking.others, axis=1))
        """Weight of the k highest of the others, shape (B, q + 1)."""
        self.class_total = self.class_weights.sum(axis=1, dtype=np.float64)
        self.other_total = self.other_sums[:, -1]

    @cached_property
    def class_sums(self) -> Floats:
        """Weight of the k highest images of the class, shape (B, p + 1)."""
        return _running_sums(self.class_weights)

    @cached_property
    def auroc(self) -> Floats:
        """Area under the ROC curve, ties counted half.

        Source:
            Hanley & McNeil, Radiology 143:29 (1982): the Mann-Whitney form, here with case weights.
        """
        higher = np.take(self.other_sums, self.ranking.others_above, axis=1)
        higher += np.take(self.other_sums, self.ranking.others_from, axis=1)
        lost = np.einsum("bi,bi->b", self.class_weights, higher) / 2
        return 1 - ratio(lost, self.class_total * self.other_total)

    @cached_property
    def average_precision(self) -> Floats:
        """Mean precision at the images of the class, without interpolation.

        Source:
            scikit-learn, `average_precision_score`: the sum of precision times the step of recall over distinct scores.
        """
        true = np.take(self.class_sums, self.ranking.class_from, axis=1)
        false = np.take(self.other_sums, self.ranking.others_from, axis=1)
        precision = ratio(true, true + false, undefined=0.0)  # where nothing was drawn the weight is 0 too
        mean = ratio(np.einsum("bi,bi->b", self.class_weights, precision), self.class_total)
        return np.where(self.other_total > 0, mean, np.nan)

    def sensitivity_at_specificity(self, percent: float) -> Floats:
        """Highest sensitivity of all thresholds whose specificity is at least so many percent, to one decimal.

        Whole per mille keep the comparison exact where weights are whole numbers.
        """
        allowed = self.other_total * (1000 - round(percent * 10))
        within = np.count_nonzero(self.other_sums[:, 1:] * 1000 <= allowed[:, None], axis=1)
        # The first of the others that is one too many bars its own score: only what lies above it is called positive.
        above = np.append(self.ranking.class_above, len(self.ranking.of_class))[within]
        return self._where_both(ratio(_pick(self.class_sums, above), self.class_total))

    def specificity_at_sensitivity(self, percent: float) -> Floats:
        """Highest specificity of all thresholds whose sensitivity is at least so many percent, to one decimal."""
        if not len(self.ranking.of_class):
            return np.full(len(self.class_total), np.nan)
        needed = self.class_total * round(percent * 10)
        short = np.count_nonzero(self.class_sums[:, 1:] * 1000 < needed[:, None], axis=1)
        false = _pick(self.other_sums, self.ranking.others_from[short])
        return self._where_both(1 - ratio(false, self.other_total))

    def _where_both(self, values: Floats) -> Floats:
        return np.where((self.class_total > 0) & (self.other_total > 0), values, np.nan)


def _running_sums(weights: NDArray[np.float32]) -> Floats:
    sums = np.zeros((weights.shape[0], weights.shape[1] + 1))
    np.cumsum(weights, axis=1, dtype=np.float64, out=sums[:, 1:])
    return sums


def _pick(rows: Floats, columns: NDArray[np.intp]) -> Floats:
    return rows[np.arange(len(rows)), columns]
