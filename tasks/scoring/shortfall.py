"""Where a model still falls short on validation: its loss there, and which classes it takes for which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.domain.round import Confusion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

SMALLEST = 1e-7
"""Probabilities below this count as this, so that one sure mistake does not make the loss infinite."""
LISTED = 5
"""Confusions that are told, the most frequent first."""


def log_loss(labels: ArrayLike, scores: ArrayLike) -> float:
    """Return the mean negative log probability of the true class, in nats.

    Args:
        labels: Index of the true class of each image, shape (n,).
        scores: Probabilities, shape (n, C).
    """
    truth, table = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    return float(-np.log(np.clip(table[np.arange(len(truth)), truth], SMALLEST, 1.0)).mean())


def confusions(labels: ArrayLike, scores: ArrayLike, *, classes: Sequence[str]) -> tuple[Confusion, ...]:
    """Return which classes are taken for which by the largest probability, after class frequency is taken out.

    A rare class hardly ever has the largest probability, however well it is ranked; each image is therefore given to the
    class whose probability lies furthest above that class's mean over all images.

    Args:
        labels: Index of the true class of each image, shape (n,).
        scores: Probabilities, shape (n, C).
        classes: Names, in the order of the columns.

    Returns:
        At most `LISTED`, by the share of the true class, the largest first.
    """
    truth, table = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    called = np.argmax(table / np.maximum(table.mean(axis=0), SMALLEST), axis=1)
    found = []
    for true, name in enumerate(classes):
        images = int((truth == true).sum())
        for other, taken_for in enumerate(classes):
            wrong = int(((truth == true) & (called == other)).sum())
            if other != true and wrong:
                found.append(Confusion(true=name, called=taken_for, images=wrong, part=wrong / images))
    return tuple(sorted(found, key=lambda item: (-item.part, item.true, item.called))[:LISTED])
