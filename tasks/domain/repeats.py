"""The baseline trained again with other seeds: how much luck alone moves the primary metric."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineRepeat:
    """One more training of the unedited baseline; it never becomes the incumbent."""

    seed: int
    score: float = float("nan")
    """Primary metric on validation, best checkpoint; nan if it failed."""
    metrics: dict[str, float] = field(default_factory=dict)
    difference: float = float("nan")
    """From the baseline on the primary metric, signed so that positive is better."""
    standard_error: float = float("nan")
    """Paired bootstrap by group, against the baseline."""
    looks: int = 0
    """Times that validation was scored."""
    train_seconds: float = 0.0
    predict_seconds: float = 0.0
    failure: str = ""
    """Why nothing came of it; empty if it was scored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineRepeats:
    """All of them, as kept in `baseline_repeats.json`."""

    repeats: tuple[BaselineRepeat, ...] = ()

    @property
    def looks(self) -> int:
        """Return how often validation was scored for them."""
        return sum(item.looks for item in self.repeats)

    @property
    def scores(self) -> tuple[float, ...]:
        """Return the scores of those that did not fail."""
        return tuple(item.score for item in self.repeats if not item.failure)

    def deviation(self, baseline: float) -> float:
        """Return the standard deviation of the score from seed to seed, the baseline's own included; nan without a repeat.

        All were scored on the same images, so it holds both the luck of training and what sampling of images makes of it.

        Args:
            baseline: Score of round 0.
        """
        return statistics.stdev((baseline, *self.scores)) if self.scores else float("nan")
