"""The verdict on a round: whether an edit replaces the incumbent. Validation only; the only place of this rule.

With 30 edits of no true effect, keeping whatever scores better books about +0.04 AUC of pure noise at 1,000 images; where one
edit in seven helps, it ends truly worse in 19 % of studies at 300 images and in 5 % at 1,000. Asking for one paired standard
error keeps 75 to 90 % of its true gain with a quarter of its useless accepts (simulated: `tests/benchmarks/verdicts.py`). No rule
makes the validation value itself honest: only the holdout does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tasks.domain.errors import EvaluationError
from tasks.domain.round import Judgement, Verdict
from tasks.domain.spec import AT_LEAST
from tasks.scoring.classification import Scorer, higher_is_better, undefined_reasons
from tasks.uncertainty import PairedDifference, paired_resamples, summarise_difference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from tasks.domain.spec import Constraint, Protocol

    Floats = NDArray[np.float64]

RULES = ("one_standard_error", "strict")
NOISE_FACTOR = 1.46
"""2.06 / sqrt(2): the expected best of 31 equal, independent models lies 2.06 standard errors above the mean, and the
standard error of a paired difference is sqrt(2) times that of one of them. Greedy 30 rounds book this much of noise."""
SUPPORTED_BELOW = 0.05
"""One-sided p, divided by the rounds used."""


def judge(
    *,
    labels: ArrayLike,
    groups: ArrayLike,
    incumbent_scores: ArrayLike,
    candidate_scores: ArrayLike,
    incumbent_metrics: Mapping[str, float],
    candidate_metrics: Mapping[str, float],
    protocol: Protocol,
    classes: Sequence[str],
    incumbent_thresholds: Mapping[str, float],
    candidate_thresholds: Mapping[str, float],
    rounds_used: int,
    simplification: bool,
) -> Judgement:
    """Return whether a candidate replaces the incumbent, with the numbers and one plain sentence.

    1. While the incumbent misses a constraint, a candidate is kept if the total miss falls by more than one paired
       standard error and the primary metric is not worse by more than its margin (its guardrail's if it has one, else
       one paired standard error).
    2. Else it is kept if it meets all constraints, the primary metric is better by more than one paired standard error
       and no guardrail metric is worse by more than its margin. A tie is no improvement, unless the edit only
       simplifies.

    `strict` is the rule of the source paper: any better value of the primary metric is kept, whatever else happens.

    Args:
        labels: Index of the true class of each validation image, shape (n,).
        groups: Patient or lesion of each, shape (n,).
        incumbent_scores: Probabilities of the incumbent, shape (n, C).
        candidate_scores: Probabilities of the candidate, shape (n, C).
        incumbent_metrics: Metrics of the incumbent by name: primary, constraints and guardrails.
        candidate_metrics: The same of the candidate.
        protocol: Rule, metrics, constraints, guardrails, `resamples_validation` and seed.
        classes: Names of the classes; for a binary task the positive class is last.
        incumbent_thresholds: The incumbent's own threshold by class name.
        candidate_thresholds: The candidate's own.
        rounds_used: Rounds so far, this one included; every look at validation spends some trust.
        simplification: Whether the edit only removes code or compute.

    Raises:
        EvaluationError: A metric of the verdict is undefined on the validation images, so nothing can be judged.
        ValueError: The rule or a metric is unknown, or `rounds_used` is less than one.
    """
    if protocol.verdict_rule not in RULES or rounds_used < 1:
        raise ValueError(f"no verdict by rule {protocol.verdict_rule!r} after {rounds_used} rounds")
    models = (
        Scorer(labels, incumbent_scores, classes=classes, thresholds=incumbent_thresholds),
        Scorer(labels, candidate_scores, classes=classes, thresholds=candidate_thresholds),
    )
    metrics = (incumbent_metrics, candidate_metrics)
    _check_defined(protocol, metrics, labels, classes)
    names = list(dict.fromkeys([protocol.primary, *(constraint.metric for constraint in protocol.constraints)]))
    drawn = paired_resamples(names, models, groups, resamples=protocol.resamples_validation, seed=protocol.seed)
    case = _Case(
        protocol=protocol,
        metrics=metrics,
        primary=_primary_change(protocol, metrics, drawn[protocol.primary]),
        relief=_relief(protocol.constraints, metrics, drawn),
        rounds_used=rounds_used,
    )
    if protocol.verdict_rule == "strict":
        return case.judge_strictly()
    if case.missed(incumbent_metrics) > 0:
        return case.judge_repair()
    return case.judge_gain(simplification=simplification)


def noise_yardstick(standard_error: float) -> float:
    """Return the gain that 30 edits of no effect, each proposed afresh, are expected to book if any better value is kept.

    Args:
        standard_error: Paired standard error of a candidate against the incumbent.

    Source:
        Order statistics of 31 normal values; simulated 1.40 to 1.45 standard errors at 300 to 5,000 images.
    """
    return NOISE_FACTOR * standard_error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """All numbers that a verdict rests on."""

    protocol: Protocol
    metrics: tuple[Mapping[str, float], Mapping[str, float]]
    primary: PairedDifference
    relief: PairedDifference
    """Fall of the total miss of constraints."""
    rounds_used: int

    def missed(self, metrics: Mapping[str, float]) -> float:
        return sum(item.miss(metrics[item.metric]) for item in self.protocol.constraints)

    def judge_strictly(self) -> Judgement:
        if self.primary.difference > 0:
            return self._judgement(Verdict.KEPT, f"{self._gain()} (rule: any better value)", self.primary.p)
        return self._judgement(Verdict.REJECTED, f"{self._gain()}, which is no better value")

    def judge_repair(self) -> Judgement:
        before, after = (self.missed(metrics) for metrics in self.metrics)
        change = f"the total miss of constraints went from {before:.4f} to {after:.4f}"
        if not self.relief.difference > self.relief.standard_error:
            return self._judgement(
                Verdict.REJECTED,
                f"the incumbent misses {self._list_missed(self.metrics[0])}, and {change}, not lower by more than one "
                f"standard error ({self.relief.standard_error:.4f})",
            )
        margin = next(
            (item.margin for item in self.protocol.guardrails if item.metric == self.protocol.primary),
            self.primary.standard_error,
        )
        if self.primary.difference < -margin:
            return self._judgement(
                Verdict.REJECTED, f"{change}, but {self._gain()}, worse than the margin {margin:.4f}"
            )
        return self._judgement(
            Verdict.KEPT,
            f"{change}, by more than one standard error ({self.relief.standard_error:.4f}), and {self._gain()}",
            self.relief.p,
        )

    def judge_gain(self, *, simplification: bool) -> Judgement:
        difference, error, p = self.primary
        if self.missed(self.metrics[1]) > 0:
            return self._judgement(Verdict.REJECTED, f"it misses {self._list_missed(self.metrics[1])}; {self._gain()}")
        harmed = self._harmed()
        if difference > error:
            if harmed:
                return self._judgement(Verdict.REJECTED, f"{self._gain()}, but {harmed}")
            return self._judgement(Verdict.KEPT, f"{self._gain()}, more than one standard error", p)
        if difference < -error:
            return self._judgement(Verdict.REJECTED, f"{self._gain()}, worse by more than one standard error")
        if simplification and not harmed:
            return self._judgement(Verdict.KEPT, f"{self._gain()}, a tie, and the edit makes the code simpler", p)
        return self._judgement(Verdict.REJECTED, f"{self._gain()}, within one standard error: a tie is no improvement")

    def _harmed(self) -> str:
        """Return which guardrail metrics got worse beyond their margins, in words."""
        harms = []
        for guardrail in self.protocol.guardrails:
            sign = 1 if higher_is_better(guardrail.metric) else -1
            before, after = (metrics[guardrail.metric] for metrics in self.metrics)
            if sign * (after - before) < -guardrail.margin:
                harms.append(
                    f"{guardrail.metric} went from {before:.4f} to {after:.4f}, beyond its margin {guardrail.margin:.4f}"
                )
        return " and ".join(harms)

    def _list_missed(self, metrics: Mapping[str, float]) -> str:
        return " and ".join(
            f"{item.metric} {item.op} {item.bound:g} (it is {metrics[item.metric]:.4f})"
            for item in self.protocol.constraints
            if item.miss(metrics[item.metric]) > 0
        )

    def _gain(self) -> str:
        before, after = (metrics[self.protocol.primary] for metrics in self.metrics)
        return (
            f"{self.protocol.primary} went from {before:.4f} to {after:.4f} "
            f"({after - before:+.4f}, standard error {self.primary.standard_error:.4f})"
        )

    def _judgement(self, verdict: Verdict, reason: str, p: float = float("nan")) -> Judgement:
        supported = verdict is Verdict.KEPT and p < SUPPORTED_BELOW / self.rounds_used
        rounds = "1 round" if self.rounds_used == 1 else f"{self.rounds_used} rounds"
        strength = f"; {'supported' if supported else 'provisional'} after {rounds}"
        return Judgement(
            verdict=verdict,
            reason=f"{verdict.capitalize()}: {reason}{strength if verdict is Verdict.KEPT else ''}.",
            supported=supported,
            difference=self.primary.difference,
            standard_error=self.primary.standard_error,
            p=self.primary.p,
        )


def _check_defined(
    protocol: Protocol, metrics: Sequence[Mapping[str, float]], labels: ArrayLike, classes: Sequence[str]
) -> None:
    names = [protocol.primary, *(item.metric for item in protocol.constraints)]
    names += [item.metric for item in protocol.guardrails]
    reasons = undefined_reasons(names, labels, classes=classes)
    for name in names:
        if name in reasons or not all(np.isfinite(item[name]) for item in metrics):
            raise EvaluationError(
                f"no verdict is possible on the validation images: {reasons.get(name, f'{name} is not a number')}"
            )


def _primary_change(
    protocol: Protocol, metrics: Sequence[Mapping[str, float]], drawn: tuple[Floats, Floats]
) -> PairedDifference:
    sign = 1 if protocol.higher_is_better else -1
    change = metrics[1][protocol.primary] - metrics[0][protocol.primary]
    return summarise_difference(sign * change, sign * (drawn[1] - drawn[0]))


def _relief(
    constraints: Sequence[Constraint],
    metrics: Sequence[Mapping[str, float]],
    drawn: Mapping[str, tuple[Floats, Floats]],
) -> PairedDifference:
    """Return how much the total miss of the constraints fell."""

    def fall(before: Floats, after: Floats, item: Constraint) -> Floats:
        sign = 1 if item.op == AT_LEAST else -1
        return np.asarray(np.maximum(0, sign * (item.bound - before)) - np.maximum(0, sign * (item.bound - after)))

    if not constraints:
        return PairedDifference(float("nan"), float("nan"), float("nan"))
    value = sum(
        float(fall(np.asarray(metrics[0][item.metric]), np.asarray(metrics[1][item.metric]), item))
        for item in constraints
    )
    total = np.sum([fall(*drawn[item.metric], item) for item in constraints], axis=0)
    return summarise_difference(value, total)
