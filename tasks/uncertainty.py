"""How sure a difference between two models is: intervals and p by resampling patients, both models on the same draws.

Axes: n images, C classes, B resamples. Percentile intervals of 95 %.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tasks.domain.evaluation import Comparison, Difference, Estimate
from tasks.scoring.caution import FEW_CASES, cautions, smallest_cell
from tasks.scoring.classification import Scorer, higher_is_better, read_name
from tasks.scoring.delong import delong
from tasks.scoring.proportion import clopper_pearson, effective_trials
from tasks.scoring.resampling import resample_weights, weight_blocks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from tasks.domain.spec import Protocol

    Floats = NDArray[np.float64]

__all__ = [
    "PairedDifference",
    "clopper_pearson",
    "compare",
    "delong",
    "holm",
    "paired_difference",
    "paired_resamples",
    "resample_weights",
    "summarise_difference",
]

LEAST_SHARE_DEFINED = 0.5
"""No interval is given if the metric is defined in fewer of the resamples."""


class PairedDifference(NamedTuple):
    """Candidate minus incumbent, signed so that positive is better; all nan where undefined."""

    difference: float
    standard_error: float
    p: float
    """One-sided: (1 + resamples without improvement) / (B + 1)."""


def compare(
    names: Sequence[str],
    labels: ArrayLike,
    initial: ArrayLike,
    final: ArrayLike,
    groups: ArrayLike,
    *,
    protocol: Protocol,
    classes: Sequence[str],
    initial_thresholds: Mapping[str, float],
    final_thresholds: Mapping[str, float],
) -> dict[str, Comparison]:
    """Return each metric of the initial and the final model with intervals, paired difference, p and warnings.

    The two-sided p doubles the smaller tail of the paired resamples, each (1 + k) / (B + 1), so it is never 0.
    Resamples in which a metric is undefined are dropped and counted in a warning. Holm's correction runs over all
    metrics but the primary one. A value that is nan has its reason among the warnings.

    Args:
        names: Names of the metrics.
        labels: Index of the true class, shape (n,).
        initial: Probabilities of the initial model, shape (n, C).
        final: Probabilities of the final model, shape (n, C).
        groups: Patient or lesion of each image, shape (n,).
        protocol: Gives primary metric, `resamples_test` and seed.
        classes: Names of the classes; for a binary task the positive class is last.
        initial_thresholds: The initial model's own frozen threshold by class name.
        final_thresholds: The final model's own.

    Raises:
        ValueError: A name is unknown, arrays do not fit, or a needed threshold is missing.

    Source:
        Efron & Tibshirani, An Introduction to the Bootstrap (1993), section 13.3; Davison & Hinkley, Bootstrap Methods
        and their Application (1997), section 4.2.3, for (1 + k) / (B + 1).
    """
    models = (
        Scorer(labels, initial, classes=classes, thresholds=initial_thresholds),
        Scorer(labels, final, classes=classes, thresholds=final_thresholds),
    )
    group = np.asarray(groups)
    drawn = paired_resamples(names, models, group, resamples=protocol.resamples_test, seed=protocol.seed)
    values = [model.point(names) for model in models]
    bare = {
        name: Comparison(
            initial=_estimate(name, values[0][name], drawn[name][0], models[0], group),
            final=_estimate(name, values[1][name], drawn[name][1], models[1], group),
            difference=_difference(name, values[1][name] - values[0][name], drawn[name], models, group),
        )
        for name in names
    }
    adjusted = holm({name: item.difference.p for name, item in bare.items() if name != protocol.primary})
    return {
        name: replace(
            item,
            difference=replace(item.difference, p_holm=adjusted.get(name, float("nan"))),
            warnings=cautions(
                name,
                item,
                models[0].labels,
                group,
                classes=models[0].classes,
                resamples=protocol.resamples_test,
                dropped=int(np.count_nonzero(~np.isfinite(drawn[name][1] - drawn[name][0]))),
                family=len(adjusted) if name in adjusted else 1,
            ),
        )
        for name, item in bare.items()
    }


def paired_difference(
    name: str,
    labels: ArrayLike,
    incumbent: ArrayLike,
    candidate: ArrayLike,
    groups: ArrayLike,
    *,
    classes: Sequence[str],
    incumbent_thresholds: Mapping[str, float],
    candidate_thresholds: Mapping[str, float],
    resamples: int,
    seed: int,
) -> PairedDifference:
    """Return how much better a candidate is than the incumbent on one metric, with its paired standard error.

    Args:
        name: Name of the metric.
        labels: Index of the true class, shape (n,).
        incumbent: Probabilities of the incumbent, shape (n, C).
        candidate: Probabilities of the candidate, shape (n, C).
        groups: Patient or lesion of each image, shape (n,).
        classes: Names of the classes; for a binary task the positive class is last.
        incumbent_thresholds: The incumbent's threshold by class name; empty if the metric needs none.
        candidate_thresholds: The candidate's.
        resamples: Number of draws, B.
        seed: Seed of the draws.

    Raises:
        ValueError: The name is unknown, arrays do not fit, or a needed threshold is missing.
    """
    models = (
        Scorer(labels, incumbent, classes=classes, thresholds=incumbent_thresholds),
        Scorer(labels, candidate, classes=classes, thresholds=candidate_thresholds),
    )
    before, after = paired_resamples([name], models, np.asarray(groups), resamples=resamples, seed=seed)[name]
    sign = 1 if higher_is_better(name) else -1
    change = models[1].point([name])[name] - models[0].point([name])[name]
    return summarise_difference(sign * change, sign * (after - before))


def paired_resamples(
    names: Sequence[str], models: tuple[Scorer, Scorer], groups: ArrayLike, *, resamples: int, seed: int
) -> dict[str, tuple[Floats, Floats]]:
    """Return metrics of two models over the same draws of groups: for each name two arrays of shape (B,).

    Raises:
        ValueError: A name is unknown, arrays do not fit, a needed threshold is missing, or there are no resamples.
    """
    group = np.asarray(groups)
    if group.shape != models[0].labels.shape or not np.array_equal(models[0].labels, models[1].labels):
        raise ValueError("groups and both models must be about the same images")
    if resamples < 1:
        raise ValueError(f"{resamples} resamples show nothing; at least one is needed")
    blocks = [
        [model.measure(names, weights) for model in models]
        for weights in weight_blocks(group, resamples=resamples, seed=seed)
    ]
    return {
        name: (np.concatenate([one[name] for one, _ in blocks]), np.concatenate([two[name] for _, two in blocks]))
        for name in names
    }


def summarise_difference(difference: float, drawn: Floats) -> PairedDifference:
    """Return a difference (positive is better) with error and p from its resamples (B,), undefined ones dropped."""
    kept = drawn[np.isfinite(drawn)]
    if len(kept) < 2 or not np.isfinite(difference):
        return PairedDifference(float("nan"), float("nan"), float("nan"))
    p = (1 + np.count_nonzero(kept <= 0)) / (len(kept) + 1)
    return PairedDifference(float(difference), float(kept.std(ddof=1)), float(p))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Return Holm-adjusted p by name; nan ones stay nan and do not count as tests.

    Source:
        Holm, Scandinavian Journal of Statistics 6:65 (1979).
    """
    adjusted = dict.fromkeys(p_values, float("nan"))
    ordered = sorted((p, name) for name, p in p_values.items() if np.isfinite(p))
    highest = 0.0
    for rank, (p, name) in enumerate(ordered):
        highest = max(highest, min(1.0, (len(ordered) - rank) * p))
        adjusted[name] = highest
    return adjusted


def _estimate(name: str, value: float, drawn: Floats, model: Scorer, groups: NDArray[np.generic]) -> Estimate:
    low, high = _percentiles(drawn) if np.isfinite(value) else (float("nan"), float("nan"))
    exact_low, exact_high = _exact_interval(name, model, groups)
    return Estimate(value=value, low=low, high=high, exact_low=exact_low, exact_high=exact_high)


def _difference(
    name: str,
    value: float,
    drawn: tuple[Floats, Floats],
    models: tuple[Scorer, Scorer],
    groups: NDArray[np.generic],
) -> Difference:
    changes = drawn[1] - drawn[0]
    low, high = _percentiles(changes)
    kept = changes[np.isfinite(changes)]
    if not (np.isfinite(value) and np.isfinite(low)):
        return Difference(value=float("nan"), low=float("nan"), high=float("nan"), p=float("nan"))
    tail = 1 + min(np.count_nonzero(kept <= 0), np.count_nonzero(kept >= 0))
    p = min(1.0, 2 * float(tail) / (len(kept) + 1))
    return Difference(value=value, low=low, high=high, p=p, p_delong=_delong_p(name, models, groups))


def _percentiles(drawn: Floats) -> tuple[float, float]:
    kept = drawn[np.isfinite(drawn)]
    if len(kept) < LEAST_SHARE_DEFINED * len(drawn):
        return float("nan"), float("nan")
    low, high = np.quantile(kept, [0.025, 0.975])
    return float(low), float(high)


def _delong_p(name: str, models: tuple[Scorer, Scorer], groups: NDArray[np.generic]) -> float:
    """Return DeLong's p for the AUC of one class with few cases, else nan."""
    parts, labels, classes = read_name(name), models[0].labels, models[0].classes
    if parts.family != "auroc" or (not parts.of and len(classes) > 2):
        return float("nan")
    index = classes.index(parts.of) if parts.of else 1
    if smallest_cell(name, labels, groups, classes=classes).cases >= FEW_CASES:
        return float("nan")
    return delong(labels == index, models[0].scores[:, index], models[1].scores[:, index], groups).p


def _exact_interval(name: str, model: Scorer, groups: NDArray[np.generic]) -> tuple[float, float]:
    """Return Clopper-Pearson's interval of a rate at the frozen threshold; nan, nan for other metrics."""
    parts = read_name(name)
    if parts.family not in {"sensitivity", "specificity"}:
        return float("nan"), float("nan")
    sensitivity = parts.family == "sensitivity"
    cases = (model.labels == model.classes.index(parts.of)) == sensitivity
    right = (model.counts.called(parts.of) == sensitivity)[cases]
    if not right.size:
        return float("nan"), float("nan")
    trials = effective_trials(right, groups[cases])
    return clopper_pearson(float(right.mean()) * trials, trials)
