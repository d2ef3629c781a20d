"""What is believed about the gain of each possible step, and how a round changes it: normal distributions, by hand.

A step is one technique at one strength. The gains of steps of one technique go together, those of opposite techniques
(a higher and a lower learning rate) against each other. A round shows the sum of the gains of its steps, with noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from agents.playbook.technique import Gain


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one round showed."""

    steps: tuple[Hashable, ...]
    """The steps that it took together."""
    gain: float
    """Paired difference on the primary metric, as part of the way that was still to go."""
    error: float
    """Its standard error, in the same unit."""


class Belief:
    """A joint normal distribution over the gains of steps.

    Source: Rasmussen & Williams, Gaussian processes for machine learning (2006), section 2.2.
    """

    def __init__(self, priors: dict[Hashable, Gain], correlation: Callable[[Hashable, Hashable], float]) -> None:
        self._index = {step: i for i, step in enumerate(priors)}
        gains = list(priors.values())
        self._mean = [gain.mean for gain in gains]
        self._covariance = [
            [
                (1.0 if a == b else correlation(a, b)) * gains[i].spread * gains[j].spread
                for j, b in enumerate(self._index)
            ]
            for i, a in enumerate(self._index)
        ]

    def observe(self, seen: Observation) -> None:
        """Take in what a round showed (a Kalman update)."""
        places = [self._index[step] for step in seen.steps]
        with_all = [sum(row[j] for j in places) for row in self._covariance]
        variance = sum(with_all[j] for j in places) + seen.error**2
        surprise = seen.gain - sum(self._mean[j] for j in places)
        self._mean = [mean + share / variance * surprise for mean, share in zip(self._mean, with_all, strict=True)]
        self._covariance = [
            [value - with_all[i] * with_all[j] / variance for j, value in enumerate(row)]
            for i, row in enumerate(self._covariance)
        ]

    def gain(self, steps: Sequence[Hashable]) -> tuple[float, float]:
        """Return mean and standard deviation of the gain of taking steps together."""
        places = [self._index[step] for step in steps]
        variance = sum(self._covariance[i][j] for i in places for j in places)
        return sum(self._mean[i] for i in places), math.sqrt(max(variance, 1e-12))


def learn(
    priors: dict[Hashable, Gain],
    correlation: Callable[[Hashable, Hashable], float],
    observations: Iterable[Observation],
) -> Belief:
    """Return the belief after some rounds."""
    belief = Belief(priors, correlation)
    for seen in observations:
        belief.observe(seen)
    return belief


def expected_gain(mean: float, spread: float, error: float) -> float:
    """Return what a round is worth: the true gain, where the verdict keeps it (seen gain above one standard error).

    Args:
        mean: Mean of the believed gain.
        spread: Its standard deviation.
        error: Standard error with which the round will be measured, above 0.

    Source:
        Expected improvement (Jones et al., J Global Optim 1998, equation 15), with a noisy comparison:
        E[gain; gain + noise > error] for normal gain and noise.
    """
    seen = math.hypot(spread, error)
    z = (mean - error) / seen
    density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    chance = 0.5 * math.erfc(-z / math.sqrt(2))
    return mean * chance + spread**2 / seen * density
