"""Where on the validation ROC curve a model is used: chosen once, then frozen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.domain.errors import EvaluationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from tasks.domain.spec import OperatingPoint

ROUNDING = 1e-9
"""Slack in counts, so that 0.95 of 20 cases means 19 whatever the binary fraction."""


def choose_threshold(
    labels: ArrayLike, scores: ArrayLike, operating_point: OperatingPoint, classes: Sequence[str]
) -> float:
    """Return the threshold that gives the operating point on these (validation) images.

    With sensitivity or specificity held, the other one is as high as it can be while the held one is at least the
    asked value; if several thresholds tie, the one with most of the held quantity is taken. Youden's point is the
    highest sensitivity + specificity; ties go to the higher sensitivity. The threshold lies halfway between the lowest
    score that is called positive and the next lower one, so that rounding on another device changes no call. If
    nothing may be called positive it lies just above the highest score.

    Args:
        labels: Index of the true class, shape (n,).
        scores: Predicted probabilities, shape (n, C).
        operating_point: What is held, at which value, for which class.
        classes: Names of the classes.

    Returns:
        An image is called positive if its score of the class is at least this.

    Raises:
        EvaluationError: There is no case of the class, or of the others, so that there is no curve.
        ValueError: The operating point is malformed or for a class that the task does not have.

    Source:
        Youden, Cancer 3:32 (1950), for sensitivity + specificity - 1.
    """
    _check(operating_point, classes)
    column = classes.index(operating_point.positive)
    is_class = np.asarray(labels) == column
    score = np.asarray(scores, dtype=np.float64)[:, column]
    if is_class.all() or not is_class.any():
        lacking = "of another class" if is_class.any() else f"of {operating_point.positive!r}"
        raise EvaluationError(f"there is no case {lacking}, so no threshold can be chosen for the operating point")
    steps = np.unique(score)[::-1]
    true = np.concatenate([[0], _at_least(score[is_class], steps)])
    false = np.concatenate([[0], _at_least(score[~is_class], steps)])
    positives, negatives = int(is_class.sum()), int((~is_class).sum())
    sensitivity, specificity = true / positives, 1 - false / negatives
    if operating_point.fixed == "sensitivity":
        allowed, first, second = true + ROUNDING >= operating_point.at_least * positives, specificity, sensitivity
    elif operating_point.fixed == "specificity":
        allowed = negatives - false + ROUNDING >= operating_point.at_least * negatives
        first, second = sensitivity, specificity
    else:
        # In whole numbers: ties of J must not hang on rounding.
        allowed, first, second = np.ones(len(true), dtype=bool), true * negatives - false * positives, sensitivity
    candidates = np.flatnonzero(allowed)
    best = candidates[np.lexsort((second[candidates], first[candidates]))[-1]]
    return _between(steps, int(best))


def _at_least(scores: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Return how many scores are at least each step."""
    return len(scores) - np.searchsorted(np.sort(scores), steps, side="left")


def _between(steps: np.ndarray, called: int) -> float:
    """Return a threshold that calls the highest `called` of the distinct scores (falling) positive."""
    if called == 0:
        return float(np.nextafter(steps[0], np.inf))
    if called == len(steps):
        return float(steps[-1])
    middle = (steps[called - 1] + steps[called]) / 2
    # Neighbouring floats have no number between them: the middle may round down to the lower one.
    return float(middle if middle > steps[called] else steps[called - 1])


def _check(operating_point: OperatingPoint, classes: Sequence[str]) -> None:
    if operating_point.positive not in classes:
        raise ValueError(f"the operating point is for {operating_point.positive!r}, not one of {', '.join(classes)}")
    if operating_point.fixed not in {"sensitivity", "specificity", "youden"}:
        raise ValueError(f"an operating point holds sensitivity, specificity or youden, not {operating_point.fixed!r}")
    if operating_point.fixed != "youden" and not 0 <= operating_point.at_least <= 1:
        raise ValueError(f"an operating point holds a value from 0 to 1, not {operating_point.at_least}")
