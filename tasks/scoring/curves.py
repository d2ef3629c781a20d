"""Points of curves and tables for the report, as plain lists that JSON can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.scoring.counting import CALIBRATION_BINS, calibration_bin, called

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

MOST_POINTS = 200
"""Of one ROC curve: no eye sees more, and the report stays small."""


def figures(
    labels: ArrayLike, scores: ArrayLike, classes: Sequence[str], thresholds: Mapping[str, float]
) -> dict[str, object]:
    """Return what the report draws of one model.

    Args:
        labels: Index of the true class, shape (n,).
        scores: Probabilities, shape (n, C).
        classes: Names of the classes; for a binary task the positive class is last.
        thresholds: The model's frozen threshold by class name.

    Returns:
        `roc` {class: [[false positive rate, true positive rate], ...]}, only of the positive class if binary;
        `operating` {class: [false positive rate, true positive rate]} at the frozen thresholds;
        `calibration` {class: [[mean predicted, observed share, images], ...]};
        `confusion` {"classes", "counts"}, true classes by row. A class without cases, or without others, has no curve.
    """
    truth, score = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    drawn = [classes[1]] if len(classes) == 2 else list(classes)
    both = [name for name in drawn if 0 < np.count_nonzero(truth == classes.index(name)) < len(truth)]
    column = {name: classes.index(name) for name in classes}
    return {
        "roc": {name: roc_points(truth == column[name], score[:, column[name]]) for name in both},
        "operating": {
            name: operating_rates(truth == column[name], called(score, name, classes=classes, thresholds=thresholds))
            for name in both
            if name in thresholds or (len(classes) == 2 and thresholds)
        },
        "calibration": {name: calibration_bins(truth == column[name], score[:, column[name]]) for name in drawn},
        "confusion": confusion(truth, score, classes, thresholds),
    }


def roc_points(is_class: NDArray[np.bool_], scores: NDArray[np.float64]) -> list[list[float]]:
    """Return at most `MOST_POINTS` points of an ROC curve, from [0, 0] to [1, 1], only corners where it fits.

    Args:
        is_class: Whether an image is of the class, shape (n,); both kinds occur.
        scores: Score of the class, shape (n,).
    """
    order = np.argsort(-scores, kind="stable")
    last_of_score = np.append(np.diff(scores[order]) != 0, True)
    true = np.concatenate([[0], np.cumsum(is_class[order])[last_of_score]])
    false = np.concatenate([[0], np.cumsum(~is_class[order])[last_of_score]])
    slope_before, slope_after = (np.diff(false)[:-1] * np.diff(true)[1:], np.diff(false)[1:] * np.diff(true)[:-1])
    corner = np.concatenate([[True], slope_before != slope_after, [True]])
    points = np.column_stack([false[corner] / false[-1], true[corner] / true[-1]])
    return [[float(x), float(y)] for x, y in points[_thin(len(points), MOST_POINTS)]]


def operating_rates(is_class: NDArray[np.bool_], decided: NDArray[np.bool_]) -> list[float]:
    """Return false and true positive rate of decisions, shape (n,) each; both kinds occur."""
    return [float(decided[~is_class].mean()), float(decided[is_class].mean())]


def calibration_bins(is_class: NDArray[np.bool_], scores: NDArray[np.float64]) -> list[list[float]]:
    """Return [mean predicted, observed share, images] of each of ten equal bins of probability that holds images."""
    bins = calibration_bin(scores)
    return [
        [float(scores[inside].mean()), float(is_class[inside].mean()), int(inside.sum())]
        for inside in (bins == number for number in range(CALIBRATION_BINS))
        if inside.any()
    ]


def confusion(
    labels: NDArray[np.intp], scores: NDArray[np.float64], classes: Sequence[str], thresholds: Mapping[str, float]
) -> dict[str, object]:
    """Return counts by true class (row) and decision (column): at the frozen threshold if binary, else arg-max."""
    if len(classes) == 2 and thresholds:
        decided = called(scores, classes[1], classes=classes, thresholds=thresholds).astype(np.intp)
    else:
        decided = np.argmax(scores, axis=1)
    counts = np.bincount(labels * len(classes) + decided, minlength=len(classes) ** 2)
    return {"classes": list(classes), "counts": counts.reshape(len(classes), len(classes)).tolist()}


def _thin(length: int, most: int) -> NDArray[np.intp]:
    """Return at most so many evenly spread indices, first and last among them."""
    return np.unique(np.linspace(0, length - 1, min(length, most)).round().astype(np.intp))
