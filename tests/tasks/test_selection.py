"""The verdict on a round: each clause of the rule, at its edge, with the sentence that a person reads."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from tasks.domain.errors import EvaluationError
from tasks.domain.round import Judgement, Verdict
from tasks.domain.spec import Constraint, Guardrail, OperatingPoint, Protocol
from tasks.scoring.classification import compute
from tasks.selection import judge, noise_yardstick
from tasks.uncertainty import paired_difference

CLASSES = ("nv", "mel")
N = 600
LABELS = (np.arange(N) % 3 == 0).astype(int)
GROUPS = np.arange(N) // 2
NOISE = np.random.default_rng(0).normal(size=(2, N))
PROTOCOL = Protocol(
    spec_sha256="",
    primary="auroc",
    higher_is_better=True,
    metrics=("auroc",),
    constraints=(),
    guardrails=(),
    operating_point=OperatingPoint(fixed="specificity", at_least=0.8, positive="mel"),
    verdict_rule="one_standard_error",
    max_rounds=8,
    train_seconds=90,
    max_checkpoints=3,
    resamples_validation=500,
    resamples_test=1000,
    seed=0,
)


def model(skill: float, *, own: float = 0.3, which: int = 1) -> np.ndarray:
    """Return scores of a model: the more skill the better, the less of its own noise the closer to the others."""
    latent = skill * LABELS + NOISE[0] + own * NOISE[which]
    positive = 1 / (1 + np.exp(-latent))
    return np.column_stack([1 - positive, positive])


INCUMBENT = model(1.2, own=0)


def verdict(
    candidate: np.ndarray,
    *,
    incumbent: np.ndarray = INCUMBENT,
    protocol: Protocol = PROTOCOL,
    rounds_used: int = 1,
    simplification: bool = False,
    labels: np.ndarray = LABELS,
    thresholds: tuple[float, float] = (0.5, 0.5),
) -> Judgement:
    names = {protocol.primary, *(item.metric for item in (*protocol.constraints, *protocol.guardrails))}
    before, after = (
        compute(sorted(names), labels, scores, classes=CLASSES, thresholds={"mel": threshold})
        for scores, threshold in zip((incumbent, candidate), thresholds, strict=True)
    )
    return judge(
        labels=labels,
        groups=GROUPS,
        incumbent_scores=incumbent,
        candidate_scores=candidate,
        incumbent_metrics=before,
        candidate_metrics=after,
        protocol=protocol,
        classes=CLASSES,
        incumbent_thresholds={"mel": thresholds[0]},
        candidate_thresholds={"mel": thresholds[1]},
        rounds_used=rounds_used,
        simplification=simplification,
    )


def with_rates(sensitivity: float, specificity: float, *, seed: int = 3) -> np.ndarray:
    """Return scores with these rates at 0.5: right ones beyond it, wrong ones on the other side, each a little apart."""
    generator = np.random.default_rng(seed)
    rates = {1: sensitivity, 0: specificity}
    right = np.zeros(N, dtype=bool)
    for label, rate in rates.items():
        members = np.flatnonzero(label == LABELS)
        right[members[: round(rate * len(members))]] = True
    called = np.where(right, LABELS, 1 - LABELS)
    positive = 0.25 + 0.5 * called + 0.01 * generator.random(N)
    return np.column_stack([1 - positive, positive])


def test_a_clear_gain_is_kept_and_supported() -> None:
    found = verdict(model(2.0))
    assert found.verdict is Verdict.KEPT
    assert found.supported
    assert found.difference > 3 * found.standard_error > 0
    assert found.p == pytest.approx(1 / 501)
    before, after = (
        compute(["auroc"], LABELS, x, classes=CLASSES, thresholds={})["auroc"] for x in (INCUMBENT, model(2.0))
    )
    assert found.reason == (
        f"Kept: auroc went from {before:.4f} to {after:.4f} ({after - before:+.4f}, standard error "
        f"{found.standard_error:.4f}), more than one standard error; supported after 1 round."
    )


def test_the_numbers_are_those_of_the_paired_bootstrap() -> None:
    candidate = model(1.4)
    found = verdict(candidate)
    paired = paired_difference(
        "auroc", LABELS, INCUMBENT, candidate, GROUPS, classes=CLASSES, incumbent_thresholds={},
        candidate_thresholds={}, resamples=500, seed=0,
    )  # fmt: skip
    assert (found.difference, found.standard_error, found.p) == pytest.approx(paired)


@cache
def gains() -> dict[float, float]:
    """Return the gain in standard errors of some skills."""
    found = {float(skill): verdict(model(float(skill))) for skill in np.linspace(1.1, 1.5, 30)}
    return {skill: item.difference / item.standard_error for skill, item in found.items()}


def skill_for(low: float, high: float) -> np.ndarray:
    """Return a candidate whose gain lies between so many standard errors."""
    return model(next(skill for skill, gain in gains().items() if low < gain < high))


def test_a_gain_of_less_than_one_standard_error_is_a_tie_and_rejected() -> None:
    found = verdict(skill_for(0.6, 0.95))
    assert found.verdict is Verdict.REJECTED
    assert found.reason.endswith("within one standard error: a tie is no improvement.")


def test_a_gain_of_just_more_than_one_standard_error_is_kept_as_provisional() -> None:
    found = verdict(skill_for(1.05, 1.4))
    assert found.verdict is Verdict.KEPT
    assert not found.supported
    assert "provisional" in found.reason


def test_a_gain_needs_more_support_the_more_rounds_were_used() -> None:
    candidate = skill_for(2.1, 2.4)
    assert verdict(candidate, rounds_used=1).supported
    assert not verdict(candidate, rounds_used=30).supported
    assert verdict(candidate, rounds_used=30).verdict is Verdict.KEPT


def test_a_loss_is_rejected_even_if_it_simplifies() -> None:
    found = verdict(model(0.8), simplification=True)
    assert found.verdict is Verdict.REJECTED
    assert "worse by more than one standard error" in found.reason


def test_a_tie_is_kept_if_the_edit_only_simplifies() -> None:
    tie = skill_for(-0.9, -0.2)
    assert verdict(tie).verdict is Verdict.REJECTED
    found = verdict(tie, simplification=True)
    assert found.verdict is Verdict.KEPT
    assert not found.supported
    assert "a tie, and the edit makes the code simpler" in found.reason


def test_removing_code_that_did_nothing_is_kept_although_nothing_varies() -> None:
    found = verdict(INCUMBENT, simplification=True)
    assert found.verdict is Verdict.KEPT
    assert (found.difference, found.standard_error, found.p) == (0, 0, 1)
    assert verdict(INCUMBENT).verdict is Verdict.REJECTED


def test_a_lower_brier_score_counts_as_a_gain() -> None:
    protocol = replace(PROTOCOL, primary="brier", higher_is_better=False)
    assert verdict(model(2.0), protocol=protocol).verdict is Verdict.KEPT
    assert verdict(model(2.0), protocol=protocol).difference > 0
    assert verdict(INCUMBENT, incumbent=model(2.0), protocol=protocol).verdict is Verdict.REJECTED


GUARDED = replace(PROTOCOL, primary="specificity[mel]", guardrails=(Guardrail(metric="sensitivity[mel]", margin=0.02),))


def test_a_gain_that_harms_a_guarded_metric_beyond_its_margin_is_rejected() -> None:
    found = verdict(with_rates(0.87, 0.9), incumbent=with_rates(0.9, 0.7), protocol=GUARDED)
    assert found.verdict is Verdict.REJECTED
    assert "but sensitivity[mel] went from 0.9000 to 0.8700, beyond its margin 0.0200" in found.reason


def test_a_gain_that_harms_a_guarded_metric_within_its_margin_is_kept() -> None:
    assert verdict(with_rates(0.885, 0.9), incumbent=with_rates(0.9, 0.7), protocol=GUARDED).verdict is Verdict.KEPT


def test_a_guarded_metric_whose_lower_value_is_better_is_guarded_the_other_way() -> None:
    protocol = replace(PROTOCOL, guardrails=(Guardrail(metric="brier", margin=0.01),))
    flat = 0.5 + (model(2.0) - 0.5) * 0.01
    found = verdict(flat, protocol=protocol)
    assert found.verdict is Verdict.REJECTED
    assert "brier went from" in found.reason


def test_a_simplification_that_harms_a_guarded_metric_is_rejected() -> None:
    found = verdict(
        with_rates(0.87, 0.7, seed=3), incumbent=with_rates(0.9, 0.7, seed=3), protocol=GUARDED, simplification=True
    )
    assert found.verdict is Verdict.REJECTED


FLOOR = replace(PROTOCOL, constraints=(Constraint(metric="sensitivity[mel]", bound=0.9),), primary="specificity[mel]")


def test_a_candidate_that_misses_a_constraint_that_the_incumbent_meets_is_rejected() -> None:
    found = verdict(with_rates(0.85, 0.95), incumbent=with_rates(0.92, 0.6), protocol=FLOOR)
    assert found.verdict is Verdict.REJECTED
    assert "it misses sensitivity[mel] >= 0.9 (it is 0.8500)" in found.reason


def test_while_the_incumbent_misses_a_constraint_meeting_it_comes_first() -> None:
    found = verdict(with_rates(0.92, 0.7), incumbent=with_rates(0.7, 0.7), protocol=FLOOR)
    assert found.verdict is Verdict.KEPT
    assert found.supported
    assert "the total miss of constraints went from 0.2000 to 0.0000" in found.reason


def test_while_the_incumbent_misses_a_constraint_a_gain_elsewhere_is_not_enough() -> None:
    found = verdict(with_rates(0.7, 0.95), incumbent=with_rates(0.7, 0.7), protocol=FLOOR)
    assert found.verdict is Verdict.REJECTED
    assert "the incumbent misses sensitivity[mel] >= 0.9 (it is 0.7000)" in found.reason


def test_a_repair_may_be_partial() -> None:
    assert verdict(with_rates(0.8, 0.7), incumbent=with_rates(0.6, 0.7), protocol=FLOOR).verdict is Verdict.KEPT


def test_a_repair_that_could_be_chance_is_rejected() -> None:
    found = verdict(with_rates(0.705, 0.7, seed=3), incumbent=with_rates(0.7, 0.7, seed=3), protocol=FLOOR)
    assert found.difference == 0
    assert found.verdict is Verdict.REJECTED
    assert "not lower by more than one standard error" in found.reason


def test_a_repair_that_costs_too_much_of_the_primary_metric_is_rejected() -> None:
    found = verdict(with_rates(0.95, 0.5), incumbent=with_rates(0.7, 0.7), protocol=FLOOR)
    assert found.verdict is Verdict.REJECTED
    assert "worse than the margin" in found.reason


def test_the_margin_of_the_primary_metric_in_a_repair_is_its_guardrails() -> None:
    protocol = replace(FLOOR, guardrails=(Guardrail(metric="specificity[mel]", margin=0.25),))
    assert verdict(with_rates(0.95, 0.5), incumbent=with_rates(0.7, 0.7), protocol=protocol).verdict is Verdict.KEPT


def test_each_model_is_judged_at_its_own_threshold() -> None:
    found = verdict(with_rates(0.7, 0.7), incumbent=with_rates(0.7, 0.7), protocol=FLOOR, thresholds=(0.5, 0.2))
    assert "to 0.0000" in found.reason  # below 0.2 everything is called, so the constraint is met ...
    assert found.verdict is Verdict.REJECTED  # ... and specificity is lost


STRICT = replace(PROTOCOL, verdict_rule="strict")


def test_strict_keeps_any_better_value_and_no_tie() -> None:
    found = verdict(skill_for(0.1, 0.9), protocol=STRICT)
    assert found.verdict is Verdict.KEPT
    assert "rule: any better value" in found.reason
    assert not found.supported
    assert verdict(INCUMBENT, protocol=STRICT).verdict is Verdict.REJECTED
    assert verdict(INCUMBENT, protocol=STRICT, simplification=True).verdict is Verdict.REJECTED
    assert verdict(skill_for(-0.9, -0.1), protocol=STRICT).verdict is Verdict.REJECTED


def test_what_cannot_be_measured_stops_the_study() -> None:
    with pytest.raises(EvaluationError, match="auroc is undefined: there is no case of 'mel'"):
        verdict(model(2.0), labels=np.zeros(N, dtype=int))
    nothing = {"auroc": float("nan")}
    with pytest.raises(EvaluationError, match="auroc is not a number"):
        judge(
            labels=LABELS, groups=GROUPS, incumbent_scores=INCUMBENT, candidate_scores=INCUMBENT,
            incumbent_metrics=nothing, candidate_metrics=nothing, protocol=PROTOCOL, classes=CLASSES,
            incumbent_thresholds={}, candidate_thresholds={}, rounds_used=1, simplification=False,
        )  # fmt: skip


def test_an_unknown_rule_and_a_count_of_no_rounds_are_refused() -> None:
    with pytest.raises(ValueError, match="greedy"):
        verdict(model(2.0), protocol=replace(PROTOCOL, verdict_rule="greedy"))
    with pytest.raises(ValueError, match="0 rounds"):
        verdict(model(2.0), rounds_used=0)


def test_the_yardstick_is_the_gain_of_thirty_draws_of_pure_noise() -> None:
    generator = np.random.default_rng(0)
    values = generator.normal(size=(20_000, 31))
    best = np.mean(values.max(axis=1) - values[:, 0])
    assert noise_yardstick(np.sqrt(2)) == pytest.approx(best, rel=0.01)
