"""Metrics that rest on sums over images (counts, squared errors): one matrix product serves all of them.

Axes: n images, C classes, B resamples.
"""

from __future__ import annotations

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
    """Columns over images whose weighted sums are all that the counting metrics need."""

    def __init__(
        self, labels: NDArray[np.intp], scores: Floats, *, classes: Sequence[str], thresholds: Mapping[str, float]
    ) -> None:
        self.labels, self.scores, self.classes, self.thresholds = labels, scores, classes, thresholds
        self.choice = np.argmax(scores, axis=1)
        """Class with the highest score, the first of equals, shape (n,)."""

    def measure(self, family: str, of: str, weights: NDArray[np.float32]) -> Floats:
        """Return a metric under B sets of weights.

        Args:
            family: Family of the metric's name, one that does not rest on the order of scores.
            of: Class that it is for, or empty.
            weights: How often each image was drawn, shape (B, n).

        Returns:
            Values, shape (B,); nan where undefined.
        """
        if family in {"sensitivity", "specificity"}:
            return self._rate(of, weights, sensitivity=family == "sensitivity")
        if family in {"f1", "f1_macro"}:
            by_class = self._f1(weights)
            return by_class[self.classes.index(of)] if of else np.asarray(by_class.mean(axis=0))
        whole: dict[str, Callable[[NDArray[np.float32]], Floats]] = {
            "balanced_accuracy": self._balanced_accuracy,
            "accuracy": lambda weights: self._mean(self.choice == self.labels, weights),
            "brier": lambda weights: self._mean(self._squared_error(), weights),
            "ece": self._calibration_error,
        }
        return whole[family](weights)

    def called(self, of: str) -> NDArray[np.bool_]:
        """Return which images are called a class at the frozen threshold, shape (n,)."""
        return called(self.scores, of, classes=self.classes, thresholds=self.thresholds)

    def _rate(self, of: str, weights: NDArray[np.float32], *, sensitivity: bool) -> Floats:
        decided = self.called(of)
        cases = (self.labels == self.classes.index(of)) == sensitivity
        right = cases & (decided == sensitivity)
        return ratio(*_sums(np.stack([right, cases]), weights))

    def _arg_max_sums(self, weights: NDArray[np.float32]) -> tuple[Floats, Floats, Floats]:
        """Return right calls, cases and calls of each class, each of shape (C, B)."""
        index = np.arange(len(self.classes))[:, None]
        truth, choice = self.labels == index, self.choice == index
        sums = _sums(np.concatenate([truth & choice, truth, choice]), weights)
        right, cases, calls = np.split(sums, 3)
        return right, cases, calls

    def _f1(self, weights: NDArray[np.float32]) -> Floats:
        """Return F1 of each class, shape (C, B): 0 if never found, undefined without a case to find."""
        right, cases, calls = self._arg_max_sums(weights)
        return np.where(cases > 0, ratio(2 * right, cases + calls), np.nan)

    def _balanced_accuracy(self, weights: NDArray[np.float32]) -> Floats:
        right, cases, _ = self._arg_max_sums(weights)
        return np.asarray(ratio(right, cases).mean(axis=0))

    def _squared_error(self) -> Floats:
        """Return the Brier score of each image: of the positive class if binary (0 to 1), else summed (0 to 2).

        Source:
            Brier, Monthly Weather Review 78:1 (1950); the halved form is usual for two classes.
        """
        if len(self.classes) == 2:
            return np.asarray((self.scores[:, 1] - (self.labels == 1)) ** 2)
        truth = self.labels[:, None] == np.arange(len(self.classes))
        return np.asarray(((self.scores - truth) ** 2).sum(axis=1))

    def _calibration_error(self, weights: NDArray[np.float32]) -> Floats:
        """Return the mean gap of predicted and observed frequency over ten equal bins.

        Binary: probability of the positive class. Otherwise: probability of the chosen class, against being right.

        Source:
            Naeini et al., AAAI 2015, section "Calibration measures"; Guo et al., ICML 2017, equation 3.
        """
        if len(self.classes) == 2:
            predicted, observed = self.scores[:, 1], self.labels == 1
        else:
            predicted, observed = self.scores.max(axis=1), self.choice == self.labels
        gap = predicted - observed
        inside = calibration_bin(predicted) == np.arange(CALIBRATION_BINS)[:, None]
        return np.asarray(np.abs(_sums(inside * gap, weights)).sum(axis=0) / weights.sum(axis=1, dtype=np.float64))

    def _mean(self, values: NDArray[np.generic], weights: NDArray[np.float32]) -> Floats:
        return np.asarray(_sums(values[None], weights)[0] / weights.sum(axis=1, dtype=np.float64))


def calibration_bin(predicted: Floats) -> NDArray[np.intp]:
    """Return the equal-width bin of each probability, 0 to 9; 1.0 falls into the last."""
    return np.minimum((predicted * CALIBRATION_BINS).astype(np.intp), CALIBRATION_BINS - 1)


def _sums(columns: NDArray[np.generic], weights: NDArray[np.float32]) -> Floats:
    """Return weighted sums over images of K columns (K, n), shape (K, B)."""
    return np.asarray(columns.astype(np.float64) @ weights.T.astype(np.float64))
