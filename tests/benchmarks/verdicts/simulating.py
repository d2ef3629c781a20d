"""Run a stream of proposals under one rule, and count what came of it.

Axes: S studies, R rounds, n images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from fast_auc import compare, placements
from rules import OURS, RULES
from streams import after, best_attainable

from tasks.domain.round import Verdict
from tasks.domain.spec import OperatingPoint, Protocol
from tasks.selection import SUPPORTED_BELOW, judge

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from streams import Stream

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

CLASSES = ("negative", "positive")
TINY = 1e-12
SURELY_NOT = 0.75
"""A gain below so many of DeLong's standard errors is never above one of the bootstrap's, and `judge` need not be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of all studies under one rule."""

    accepted: Flags
    """Shape (S, R)."""
    supported: Flags
    """Accepted, with p below what Rounds calls supported (DeLong's p: finer than few resamples can tell), shape (S, R)."""
    effects: Floats
    """True effects of the proposals, shape (S, R)."""
    true_gain: Floats
    """True AUC of the last incumbent minus that of the first, shape (S,)."""
    booked_gain: Floats
    """The same as validation has it."""
    best_gain: Floats
    """Had every helpful proposal been accepted and no other."""

    def summary(self) -> dict[str, tuple[float, float]]:
        """Return means over studies, each with its standard error."""
        useless = self.effects <= 0
        return {
            "accepts": _mean(self.accepted.sum(axis=1)),
            "false_accepts": _mean((self.accepted & useless).sum(axis=1)),
            "supported": _mean(self.supported.sum(axis=1)),
            "false_supported": _mean((self.supported & useless).sum(axis=1)),
            "true_gain": _mean(self.true_gain),
            "booked_gain": _mean(self.booked_gain),
            "gap": _mean(self.booked_gain - self.true_gain),
            "truly_worse": _mean(self.true_gain < -TINY),
            "share_of_best": _ratio(self.true_gain, self.best_gain),
        }


def protocol_of(resamples: int) -> Protocol:
    """Return a protocol that judges by AUC alone, as Rounds does."""
    return Protocol(
        spec_sha256="",
        primary="auroc",
        higher_is_better=True,
        metrics=("auroc",),
        constraints=(),
        guardrails=(),
        operating_point=OperatingPoint(fixed="youden", at_least=float("nan"), positive=CLASSES[1]),
        verdict_rule="one_standard_error",
        max_rounds=30,
        train_seconds=0.0,
        max_checkpoints=1,
        resamples_validation=resamples,
        resamples_test=10_000,
        seed=0,
    )


def simulate(stream: Stream, rule: str, *, auc: float, resamples: int, surely_not: float = SURELY_NOT) -> Outcome:
    """Return what the studies of a stream come to under a rule.

    Args:
        stream: What is proposed.
        rule: A name of `RULES`; Rounds' own is asked of `judge`.
        auc: True AUC of every baseline.
        resamples: Of each paired bootstrap of `judge`; 200 give its standard error to within 5 %.
        surely_not: Gains of at most so many standard errors are rejected without asking `judge`.
    """
    studies, rounds = stream.effects.shape
    truth = np.full(studies, auc)
    noise = stream.baseline()
    scores = stream.scores(noise, truth)
    held = placements(scores, stream.positives)
    first, protocol = held.aucs, protocol_of(resamples)
    accepted, supported = np.zeros((2, studies, rounds), dtype=bool)
    for number in range(1, rounds + 1):
        new_noise = stream.candidates(noise, number)
        new_truth = after(truth, stream.effects[:, number - 1])
        new_scores = stream.scores(new_noise, new_truth)
        candidate = placements(new_scores, stream.positives)
        shown = compare(held, candidate)
        if rule == OURS:
            chosen = shown.difference > surely_not * shown.paired_error
            for study in np.flatnonzero(chosen):
                aucs = (float(held.aucs[study]), float(candidate.aucs[study]))
                chosen[study] = keeps(stream.labels, (scores[study], new_scores[study]), aucs, protocol, number)
        else:
            chosen = RULES[rule](shown)
        accepted[:, number - 1] = chosen
        supported[:, number - 1] = chosen & (shown.p < SUPPORTED_BELOW / number)
        held = held.where(chosen, candidate)
        noise, scores = (np.where(chosen[:, None], new, old) for new, old in ((new_noise, noise), (new_scores, scores)))
        truth = np.where(chosen, new_truth, truth)
    return Outcome(
        accepted=accepted,
        supported=supported,
        effects=stream.effects,
        true_gain=truth - auc,
        booked_gain=held.aucs - first,
        best_gain=best_attainable(np.full(studies, auc), stream.effects) - auc,
    )


def keeps(
    labels: NDArray[np.int64], scores: tuple[Floats, Floats], aucs: tuple[float, float], protocol: Protocol, number: int
) -> bool:
    """Return whether Rounds keeps a candidate.

    Args:
        labels: Classes of the images, shape (n,).
        scores: Of incumbent and candidate, each of shape (n,).
        aucs: Of both on these images.
        protocol: Rule, resamples and seed.
        number: Of the round.
    """
    found = judge(
        labels=labels,
        groups=np.arange(len(labels)),
        incumbent_scores=_probabilities(scores[0]),
        candidate_scores=_probabilities(scores[1]),
        incumbent_metrics={"auroc": aucs[0]},
        candidate_metrics={"auroc": aucs[1]},
        protocol=protocol,
        classes=CLASSES,
        incumbent_thresholds={},
        candidate_thresholds={},
        rounds_used=number,
        simplification=False,
    )
    return found.verdict is Verdict.KEPT


def _probabilities(scores: Floats) -> Floats:
    positive = 1 / (1 + np.exp(-scores))
    return np.column_stack([1 - positive, positive])


def _mean(values: NDArray[np.generic]) -> tuple[float, float]:
    numbers = np.asarray(values, dtype=float)
    return float(numbers.mean()), float(numbers.std(ddof=1) / np.sqrt(len(numbers)))


def _ratio(part: Floats, whole: Floats) -> tuple[float, float]:
    """Return a ratio of means with its standard error; nan, nan where there was nothing to gain.

    Source: Cochran, Sampling techniques (1977), equation 2.46.
    """
    if not whole.mean() > 0:
        return float("nan"), float("nan")
    ratio = float(part.mean() / whole.mean())
    return ratio, float((part - ratio * whole).std(ddof=1) / np.sqrt(len(part)) / whole.mean())
