"""Proposals of known worth, and scores of models with a known true AUC.

Axes: S studies, R rounds, n images. Scores are binormal: standard normal within each class, the positives shifted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RESEEDED, NULL, MIXED = "reseeded", "null", "mixed"
STREAMS = (RESEEDED, NULL, MIXED)
HARMFUL, HELPFUL = 0.25, 0.15
"""Shares of the proposals of a mixed stream; the others change nothing."""
HELP, HARM = 0.05, 0.10
"""Mean size, exponentially distributed, as part of the way that the AUC still has to go (0.05 at 0.85: 0.0075).

Source: eight published tricks took a ResNet-50 from 75.3 % to 79.3 % (He et al., Bag of tricks, CVPR 2019, table 1 to 6), each
1 % to 6 % of the way to go; the playbook's own priors for techniques lie between 0.5 % and 7 %. That a harmful edit harms about
twice as much as a helpful one helps is an assumption: a training run is broken more easily than mended.
"""
POSITIVE_SHARE = 0.2
RESEEDED_CORRELATION = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What is proposed in each round of each study."""

    kind: str
    effects: Floats
    """True effect as part of the way to go, positive is better, shape (S, R)."""
    correlations: Floats
    """Of the candidate's scores with the incumbent's within a class, shape (S, R)."""
    seed: int
    images: int

    @property
    def independent(self) -> bool:
        """Return whether candidates are models of their own, which share with the incumbent only what all share."""
        return self.kind == RESEEDED

    @property
    def positives(self) -> int:
        """Return how many of the images are positive; they come first."""
        return round(POSITIVE_SHARE * self.images)

    @property
    def labels(self) -> NDArray[np.int64]:
        """Return the classes of the images, shape (n,)."""
        return (np.arange(self.images) < self.positives).astype(np.int64)

    def noise(self, number: int) -> Floats:
        """Return what is new in the candidates of a round, shape (S, n): the same whatever the rule; 0 is the baseline's."""
        return np.random.default_rng([self.seed, number]).normal(size=(len(self.effects), self.images))

    def candidates(self, incumbent: Floats, number: int) -> Floats:
        """Return the noise of a round's candidates, from the noise of the incumbents, both of shape (S, n)."""
        fresh = self.noise(number)
        if self.independent:
            return np.sqrt(RESEEDED_CORRELATION) * self._shared() + np.sqrt(1 - RESEEDED_CORRELATION) * fresh
        correlation = self.correlations[:, number - 1, None]
        return correlation * incumbent + np.sqrt(1 - correlation**2) * fresh

    def baseline(self) -> Floats:
        """Return the noise of the unedited models, shape (S, n)."""
        if self.independent:
            return np.sqrt(RESEEDED_CORRELATION) * self._shared() + np.sqrt(1 - RESEEDED_CORRELATION) * self.noise(0)
        return self.noise(0)

    def scores(self, noise: Floats, aucs: Floats) -> Floats:
        """Return the scores of models with the given true AUC (S,), shape (S, n)."""
        return noise + np.sqrt(2) * norm.ppf(aucs)[:, None] * self.labels

    def _shared(self) -> Floats:
        return self.noise(1 + self.effects.shape[1])


def draw_stream(
    kind: str, *, studies: int, rounds: int, images: int, seed: int = 0, correlation: tuple[float, float] = (0.8, 0.95)
) -> Stream:
    """Return a stream of proposals.

    Args:
        kind: `reseeded`, `null` or `mixed`.
        studies: S.
        rounds: R.
        images: n, of validation.
        seed: Of all draws.
        correlation: Range of the correlation of candidate and incumbent, drawn evenly.
    """
    random = np.random.default_rng(seed)
    kinds, sizes = random.random((studies, rounds)), random.exponential(size=(studies, rounds))
    effects = np.zeros((studies, rounds))
    if kind == MIXED:
        effects = np.where(kinds < HELPFUL, HELP * sizes, np.where(kinds > 1 - HARMFUL, -HARM * sizes, 0.0))
    return Stream(
        kind=kind,
        effects=effects,
        correlations=random.uniform(*correlation, size=(studies, rounds)),
        seed=seed,
        images=images,
    )


def after(aucs: Floats, effects: Floats) -> Floats:
    """Return the true AUC of models after an effect, as part of the way to go."""
    return 1 - (1 - aucs) * (1 - effects)


def best_attainable(aucs: Floats, effects: Floats) -> Floats:
    """Return the true AUC after every helpful proposal and no other, shape (S,)."""
    return 1 - (1 - aucs) * np.prod(1 - np.maximum(effects, 0.0), axis=1)
