"""Metrics that rest on sums over images (counts, squared errors): one matrix product serves all of them.

Axes: n images, C classes, B resamples.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from tasks.scoring.ratio import ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CALIBRATION_BINS = 10


def called(
    scores: Floats, class_name: str, *, classes: Sequence[str], thresholds: Mapping[str, float]
) -> NDArray[np.bool_]:
    """Return which images are called a class at the frozen threshold, shape (n,).

    An image is called the class if its score is at least the threshold. In a binary task the threshold of one class
    settles the other: what is not called the one is called the other.

    Raises:
        ValueError: No threshold was given that settles this class.
    """
    if class_name in thresholds:
        return np.asarray(scores[:, classes.index(class_name)] >= thresholds[class_name])
    other = [name for name in classes if name != class_name]
    if len(classes) == 2 and other[0] in thresholds:
        return np.asarray(scores[:, classes.index(other[0])] < thresholds[other[0]])
    raise ValueError(f"no operating threshold was given for class {class_name!r}")


class Counts:
    """Each image's true class, score and decision."""

    def __init__(
        self, labels: NDArray[np.intp], scores: Floats, *, classes: Sequence[str], thresholds: Mapping[str, float]
    ) -> None:
        """Take what `Scorer` has checked; for a binary task the positive class is last."""
        self.labels, self.scores, self.classes, self.thresholds = labels, scores, classes, thresholds
        self.choice = np.argmax(scores, axis=1)
        """Class with the highest score, the first of equals, shape (n,)."""

    def called(self, of: str) -> NDArray[np.bool_]:
        """Return which images are called a class at the frozen threshold, shape (n,)."""
        return called(self.scores, of, classes=self.classes, thresholds=self.thresholds)

    def weigh(self, weights: NDArray[np.float32]) -> WeightedCounts:
        """Return the same with how often each image was drawn, shape (B, n)."""
        return WeightedCounts(self, weights)


class WeightedCounts:
    """Counts under B sets of weights."""

    def __init__(self, counts: Counts, weights: NDArray[np.float32]) -> None:
        self.counts = counts
        self._weights = weights

    @cached_property
    def weights(self) -> Floats:
        """Weights as the matrix product wants them, made only if a counting metric is asked, shape (B, n)."""
        return self._weights.astype(np.float64)

    def measure(self, family: str, of: str) -> Floats:
        """Return a metric of one class (or of the whole task if `of` is empty), shape (B,); nan where undefined.

        Args:
            family: Family of the metric's name, one that does not rest on the order of scores.
            of: Class that it is for, or empty.
        """
        if family in {"sensitivity", "specificity"}:
            return self._rate(of, sensitivity=family == "sensitivity")
        if family in {"f1", "f1_macro"}:
            return self._f1[self.counts.classes.index(of)] if of else np.asarray(self._f1.mean(axis=0))
        whole: dict[str, Callable[[], Floats]] = {
            "balanced_accuracy": self._balanced_accuracy,
            "accuracy": lambda: self._mean(self.counts.choice == self.counts.labels),
            "brier": lambda: self._mean(self._squared_error()),
            "ece": self._calibration_error,
        }
        return whole[family]()

    def _rate(self, of: str, *, sensitivity: bool) -> Floats:
        cases = (self.counts.labels == self.counts.classes.index(of)) == sensitivity
        right = cases & (self.counts.called(of) == sensitivity)
        return ratio(*self._sums(np.stack([right, cases])))

    @cached_property
    def _arg_max_sums(self) -> tuple[Floats, Floats, Floats]:
        """Right calls, cases and calls of each class, each of shape (C, B)."""
        index = np.arange(len(self.counts.classes))[:, None]
        truth, choice = self.counts.labels == index, self.counts.choice == index
        right, cases, calls = np.split(self._sums(np.concatenate([truth & choice, truth, choice])), 3)
        return right, cases, calls

    @cached_property
    def _f1(self) -> Floats:
        """F1 of each class, shape (C, B): 0 if no case was found, undefined without a case to find."""
        right, cases, calls = self._arg_max_sums
        return np.where(cases > 0, ratio(2 * right, cases + calls), np.nan)

    def _balanced_accuracy(self) -> Floats:
        right, cases, _ = self._arg_max_sums
        return np.asarray(ratio(right, cases).mean(axis=0))

    def _squared_error(self) -> Floats:
        """Return the Brier score of each image: of the positive class if binary (0 to 1), else summed (0 to 2).

        Source:
            Brier, Monthly Weather Review 78:1 (1950); the halved form is usual for two classes.
        """
        labels, scores = self.counts.labels, self.counts.scores
        if len(self.counts.classes) == 2:
            return np.asarray((scores[:, 1] - (labels == 1)) ** 2)
        truth = labels[:, None] == np.arange(len(self.counts.classes))
        return np.asarray(((scores - truth) ** 2).sum(axis=1))

    def _calibration_error(self) -> Floats:
        """Return the mean gap of predicted and observed frequency over ten equal bins.

        Binary: probability of the positive class. Otherwise: probability of the chosen class, against being right.

        Source:
            Naeini et al., AAAI 2015, section "Calibration measures"; Guo et al., ICML 2017, equation 3.
        """
        if len(self.counts.classes) == 2:
            predicted, observed = self.counts.scores[:, 1], self.counts.labels == 1
        else:
            predicted, observed = self.counts.scores.max(axis=1), self.counts.choice == self.counts.labels
        inside = calibration_bin(predicted) == np.arange(CALIBRATION_BINS)[:, None]
        gaps = self._sums(inside * (predicted - observed))
        return np.asarray(np.abs(gaps).sum(axis=0) / self.weights.sum(axis=1))

    def _mean(self, values: NDArray[np.generic]) -> Floats:
        return np.asarray(self._sums(values[None])[0] / self.weights.sum(axis=1))

    def _sums(self, columns: NDArray[np.generic]) -> Floats:
        """Return weighted sums over images of K columns (K, n), shape (K, B)."""
        return np.asarray((self.weights @ columns.T.astype(np.float64)).T)


def calibration_bin(predicted: Floats) -> NDArray[np.intp]:
    """Return the equal-width bin of each probability, 0 to 9; 1.0 falls into the last."""
    return np.minimum((predicted * CALIBRATION_BINS).astype(np.intp), CALIBRATION_BINS - 1)
