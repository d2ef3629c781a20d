"""The result of the one opening of the holdout, as kept in `evaluation.json`."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A value with its 95% interval."""

    value: float
    low: float
    high: float
    exact_low: float = float("nan")
    """Clopper-Pearson's exact interval of a proportion at the frozen threshold; nan for other metrics."""
    exact_high: float = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Final minus initial, paired, with its 95% interval and two-sided p."""

    value: float
    low: float
    high: float
    p: float
    p_holm: float = float("nan")
    """Holm-adjusted over the secondary metrics; nan for the primary."""
    p_delong: float = float("nan")
    """DeLong's test, for AUCs of a class with fewer than 50 cases; else nan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One metric of the initial and the final model on the holdout."""

    initial: Estimate
    final: Estimate
    difference: Difference
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All that the holdout showed."""

    primary: str
    metrics: dict[str, Comparison]
    n: int
    n_groups: int
    opened_at: str
    class_counts: dict[str, int]
    thresholds: dict[str, float]
    """Frozen threshold on the positive/priority class, keys `initial` and `final`, chosen on validation."""
    figures: dict[str, object] = field(default_factory=dict)
    """Points of ROC and calibration curves and confusion matrices, for the report."""
