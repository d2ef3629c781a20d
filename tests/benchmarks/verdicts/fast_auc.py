"""AUC of two models in many studies at once, with standard errors after DeLong; for scores without ties.

Axes: S studies, n images of which the first m are positive.

Source: DeLong et al., Biometrics 44:837 (1988); ranks as in Sun & Xu, IEEE Signal Processing Letters 21:1389 (2014).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from rules import Numbers
from scipy.stats import norm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Placements:
    """Where each image stands among those of the other class."""

    positives: Floats
    """Share of negatives below each positive, shape (S, m)."""
    negatives: Floats
    """Share of positives above each negative, shape (S, n - m)."""

    @property
    def aucs(self) -> Floats:
        """Return the AUC of each study, shape (S,)."""
        return self.positives.mean(axis=1)

    @property
    def errors(self) -> Floats:
        """Return the standard error of each AUC by itself, shape (S,)."""
        return _error(self.positives, self.negatives)

    def where(self, chosen: NDArray[np.bool_], other: Placements) -> Placements:
        """Return these, and the other's in the chosen studies."""
        return Placements(
            np.where(chosen[:, None], other.positives, self.positives),
            np.where(chosen[:, None], other.negatives, self.negatives),
        )


def placements(scores: Floats, positives: int) -> Placements:
    """Return the placements of scores of shape (S, n)."""
    overall = _ranks(scores)
    first, second = overall[:, :positives], overall[:, positives:]
    return Placements(
        (first - _ranks(scores[:, :positives])) / (scores.shape[1] - positives),
        1 - (second - _ranks(scores[:, positives:])) / positives,
    )


def compare(incumbent: Placements, candidate: Placements) -> Numbers:
    """Return how much better the candidate is in each study."""
    difference = candidate.aucs - incumbent.aucs
    paired = _error(candidate.positives - incumbent.positives, candidate.negatives - incumbent.negatives)
    return Numbers(
        difference=difference, unpaired_error=incumbent.errors, paired_error=paired, p=norm.sf(difference / paired)
    )


def _error(positives: Floats, negatives: Floats) -> Floats:
    variance = positives.var(axis=1, ddof=1) / positives.shape[1] + negatives.var(axis=1, ddof=1) / negatives.shape[1]
    return np.sqrt(variance)


def _ranks(scores: Floats) -> NDArray[np.int64]:
    """Return the rank of each score in its row, from 0."""
    ranks = np.empty(scores.shape, dtype=np.int64)
    np.put_along_axis(ranks, scores.argsort(axis=1), np.arange(scores.shape[1])[None, :], axis=1)
    return ranks
