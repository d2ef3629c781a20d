"""The operating point on validation: held quantities are held, ties go where the docstring says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.domain.errors import EvaluationError
from tasks.domain.spec import OperatingPoint
from tasks.scoring.classification import choose_threshold

CLASSES = ("nv", "mel")


def at(fixed: str, at_least: float = float("nan"), positive: str = "mel") -> OperatingPoint:
    return OperatingPoint(fixed=fixed, at_least=at_least, positive=positive)


def choose(labels: list[int], positive: list[float], point: OperatingPoint) -> float:
    scores = np.column_stack([1 - np.array(positive), positive])
    return choose_threshold(labels, scores, point, CLASSES)


def rates(labels: list[int], positive: list[float], threshold: float) -> tuple[float, float]:
    truth, called = np.array(labels) == 1, np.array(positive) >= threshold
    return float(called[truth].mean()), float((~called[~truth]).mean())


@st.composite
def validation(draw: st.DrawFn) -> tuple[list[int], list[float]]:
    labels = [0, 1, *draw(st.lists(st.integers(0, 1), max_size=20))]
    scores = draw(st.lists(st.sampled_from([x / 8 for x in range(9)]), min_size=len(labels), max_size=len(labels)))
    return labels, scores


@given(validation(), st.sampled_from([0.0, 0.5, 0.8, 0.95, 1.0]))
def test_the_held_rate_is_held_and_the_other_is_the_best_there_is(
    data: tuple[list[int], list[float]], held: float
) -> None:
    labels, scores = data
    every = [rates(labels, scores, step) for step in [*scores, 2.0]]
    sensitivity, specificity = rates(labels, scores, choose(labels, scores, at("sensitivity", held)))
    assert (specificity, sensitivity) == max((spec, sens) for sens, spec in every if sens >= held - 1e-9)
    sensitivity, specificity = rates(labels, scores, choose(labels, scores, at("specificity", held)))
    assert (sensitivity, specificity) == max((sens, spec) for sens, spec in every if spec >= held - 1e-9)


@given(validation())
def test_youden_is_the_highest_sum_and_ties_go_to_sensitivity(data: tuple[list[int], list[float]]) -> None:
    labels, scores = data
    sensitivity, specificity = rates(labels, scores, choose(labels, scores, at("youden")))
    every = [rates(labels, scores, step) for step in [*scores, 2.0]]
    best = max(sens + spec for sens, spec in every)
    assert sensitivity + specificity == pytest.approx(best)
    assert sensitivity == max(sens for sens, spec in every if sens + spec > best - 1e-9)


def test_the_threshold_lies_halfway_to_the_next_lower_score() -> None:
    assert choose([0, 0, 1, 1], [0.1, 0.2, 0.6, 0.9], at("sensitivity", 0.95)) == pytest.approx(0.4)
    assert choose([0, 0, 1, 1], [0.1, 0.2, 0.6, 0.9], at("specificity", 0.95)) == pytest.approx(0.4)


def test_nineteen_of_twenty_are_ninety_five_percent() -> None:
    labels, scores = [0] + [1] * 20, [0.5, 0.1] + [0.9] * 19
    assert rates(labels, scores, choose(labels, scores, at("sensitivity", 0.95))) == (0.95, 1.0)


@pytest.mark.parametrize(("fixed", "held"), [("sensitivity", 0), ("specificity", 1)])
def test_fifty_five_of_a_hundred_are_fifty_five_percent_although_the_product_rounds_up(fixed: str, held: int) -> None:
    assert 0.55 * 100 > 55
    labels, scores = [0] * 100 + [1] * 100, [x / 100 for x in range(100)] * 2
    assert rates(labels, scores, choose(labels, scores, at(fixed, 0.55)))[held] == 0.55


def test_nothing_is_called_positive_if_the_top_score_is_shared_with_too_many_others() -> None:
    threshold = choose([0, 0, 1], [1.0, 1.0, 1.0], at("specificity", 0.8))
    assert threshold > 1
    assert np.isfinite(threshold)


def test_neighbouring_floats_are_told_apart() -> None:
    low = 0.5
    high = float(np.nextafter(low, 1))
    assert choose([0, 1], [low, high], at("youden")) == high


def test_the_threshold_of_one_class_of_several_looks_at_its_own_scores() -> None:
    scores = np.array([[0.7, 0.2, 0.1], [0.2, 0.7, 0.1], [0.2, 0.2, 0.6], [0.1, 0.1, 0.8]])
    point = at("sensitivity", 1.0, "c")
    assert choose_threshold([0, 1, 2, 2], scores, point, ("a", "b", "c")) == pytest.approx(0.35)


@pytest.mark.parametrize(("labels", "lacking"), [([0, 0], "of 'mel'"), ([1, 1], "of another class")])
def test_without_both_kinds_there_is_no_threshold(labels: list[int], lacking: str) -> None:
    with pytest.raises(EvaluationError, match=lacking):
        choose(labels, [0.1, 0.9], at("youden"))


@pytest.mark.parametrize(
    "point", [at("recall", 0.8), at("sensitivity", 1.5), at("sensitivity"), at("youden", positive="bcc")]
)
def test_a_malformed_operating_point_is_refused(point: OperatingPoint) -> None:
    with pytest.raises(ValueError, match="operating point"):
        choose([0, 1], [0.1, 0.9], point)
