"""Metrics of a classifier: the only place that turns labels and predictions into numbers.

Every metric is computed under weights (how often an image was drawn), so that the point estimate is the case of one
row of ones, and a bootstrap of any metric is a few passes over one weight matrix that all metrics and models share.
Undefined is nan, and `undefined_reasons` says why. Axes: n images, C classes, B resamples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.scoring.counting import Counts
from tasks.scoring.name import READ_FROM_CURVE, MetricName, higher_is_better, read_name
from tasks.scoring.ranking import Ranking, WeightedRanking
from tasks.scoring.threshold import choose_threshold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = [
    "Scorer",
    "choose_threshold",
    "compute",
    "higher_is_better",
    "metric_over_resamples",
    "read_name",
    "undefined_reasons",
]

RANKED = frozenset({"auroc", "average_precision"}) | READ_FROM_CURVE
BLOCK_ELEMENTS = 1_000_000
"""Weights handled at once: 4 MB, which stays in cache, and bounds memory to some tens of MB."""


class Scorer:
    """One model's predictions on labelled images, prepared once for any number of metrics and resamples."""

    def __init__(
        self, labels: ArrayLike, scores: ArrayLike, *, classes: Sequence[str], thresholds: Mapping[str, float]
    ) -> None:
        """Check the arrays.

        Args:
            labels: Index of the true class, shape (n,), 0 to C-1.
            scores: Predicted probabilities, shape (n, C), in the order of `classes`.
            classes: Names of the classes; for a binary task the positive class is last.
            thresholds: Frozen threshold by class name, for sensitivity and specificity; may be empty if unasked.

        Raises:
            ValueError: The shapes do not fit, a label is out of range, or a score or threshold is not finite.
        """
        self.labels = np.asarray(labels, dtype=np.intp)
        self.scores = np.asarray(scores, dtype=np.float64)
        self.classes = tuple(classes)
        if self.labels.ndim != 1 or not len(self.labels) or self.scores.shape != (len(self.labels), len(self.classes)):
            raise ValueError(
                f"{len(self.classes)} classes, labels of shape {self.labels.shape} and scores of shape "
                f"{self.scores.shape} do not fit together"
            )
        if self.labels.min() < 0 or self.labels.max() >= len(self.classes) or not np.isfinite(self.scores).all():
            raise ValueError("a label is out of range, or a score is not a finite number")
        if not np.isfinite(list(thresholds.values())).all():
            raise ValueError(f"a threshold is not a finite number: {dict(thresholds)}")
        self.counts = Counts(self.labels, self.scores, classes=self.classes, thresholds=thresholds)
        self._rankings: dict[str, Ranking] = {}

    def measure(self, names: Sequence[str], weights: NDArray[np.float32]) -> dict[str, Floats]:
        """Return metrics under B sets of weights.

        Args:
            names: Names of the metrics.
            weights: How often each image was drawn, shape (B, n); whole numbers, or any that are not negative.

        Returns:
            For each name its values, shape (B,); nan where undefined.

        Raises:
            ValueError: A name is unknown, or needs a threshold that was not given.
        """
        weighed: dict[str, WeightedRanking] = {}
        counts = self.counts.weigh(weights)

        def ranked(class_name: str) -> WeightedRanking:
            if class_name not in weighed:
                weighed[class_name] = self._ranking(class_name).weigh(weights)
            return weighed[class_name]

        values = {}
        for name in names:
            parts = read_name(name, self.classes)
            if parts.family not in RANKED:
                values[name] = counts.measure(parts.family, parts.of)
            elif parts.of:
                values[name] = _read(ranked(parts.of), parts)
            elif len(self.classes) == 2:
                values[name] = ranked(self.classes[1]).auroc
            else:
                values[name] = np.mean([ranked(class_name).auroc for class_name in self.classes], axis=0)
        return values

    def point(self, names: Sequence[str]) -> dict[str, float]:
        """Return metrics of the images as they are, each counted once; nan where undefined."""
        once = np.ones((1, len(self.labels)), dtype=np.float32)
        return {name: float(values[0]) for name, values in self.measure(names, once).items()}

    def _ranking(self, class_name: str) -> Ranking:
        if class_name not in self._rankings:
            index = self.classes.index(class_name)
            self._rankings[class_name] = Ranking(self.labels == index, self.scores[:, index])
        return self._rankings[class_name]


def compute(
    names: Sequence[str],
    labels: ArrayLike,
    scores: ArrayLike,
    *,
    classes: Sequence[str],
    thresholds: Mapping[str, float],
) -> dict[str, float]:
    """Return metrics of one model; the arguments are those of `Scorer`, nan stands for undefined.

    Raises:
        ValueError: A name is unknown, arrays do not fit, or a needed threshold is missing.
    """
    return Scorer(labels, scores, classes=classes, thresholds=thresholds).point(names)


def metric_over_resamples(
    name: str,
    labels: ArrayLike,
    scores: ArrayLike,
    weights: NDArray[np.float32],
    *,
    classes: Sequence[str],
    thresholds: Mapping[str, float],
) -> Floats:
    """Return one metric under each of B sets of weights (B, n), shape (B,), in blocks that bound the memory.

    Raises:
        ValueError: The name is unknown, arrays do not fit, or a needed threshold is missing.
    """
    scorer = Scorer(labels, scores, classes=classes, thresholds=thresholds)
    if weights.ndim != 2 or weights.shape[1] != len(scorer.labels):
        raise ValueError(f"weights of shape {weights.shape} do not fit {len(scorer.labels)} images")
    step = max(1, BLOCK_ELEMENTS // len(scorer.labels))
    blocks = [scorer.measure([name], weights[start : start + step])[name] for start in range(0, len(weights), step)]
    return np.concatenate(blocks) if blocks else np.empty(0)


def undefined_reasons(names: Sequence[str], labels: ArrayLike, *, classes: Sequence[str]) -> dict[str, str]:
    """Return why metrics are undefined on these labels, as plain sentences, by name; defined ones are left out.

    Raises:
        ValueError: A name is unknown.
    """
    counts = np.bincount(np.asarray(labels, dtype=np.intp), minlength=len(classes))
    of = dict(zip(classes, counts.tolist(), strict=True))
    total = sum(of.values())
    reasons = {}
    for name in names:
        parts = read_name(name, classes)
        if parts.of:
            needs_class, needs_others = parts.family != "specificity", parts.family not in {"sensitivity", "f1"}
            missing = [f"no case of {parts.of!r}"] if needs_class and not of[parts.of] else []
            missing += ["no case of another class"] if needs_others and total == of[parts.of] else []
        elif parts.family in {"auroc", "f1_macro", "balanced_accuracy"}:
            missing = [f"no case of {class_name!r}" for class_name in classes if not of[class_name]]
        else:
            missing = []
        if missing:
            reasons[name] = f"{name} is undefined: there is {' and '.join(missing)}"
    return reasons


def _read(ranking: WeightedRanking, parts: MetricName) -> Floats:
    match parts.family:
        case "auroc":
            return ranking.auroc
        case "average_precision":
            return ranking.average_precision
        case "sensitivity_at_specificity":
            return ranking.sensitivity_at_specificity(parts.percent)
    return ranking.specificity_at_sensitivity(parts.percent)
