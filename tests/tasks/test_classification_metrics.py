"""Metrics against scikit-learn and plain loops, weights against repeated rows, and nothing undefined that is 0."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    confusion_matrix,
    f1_score,
    roc_auc_score,
    roc_curve,
)

from tasks.scoring.classification import compute, higher_is_better, metric_over_resamples, undefined_reasons
from tasks.scoring.curves import figures, roc_points
from tasks.scoring.name import read_name

BINARY, THREE = ("nv", "mel"), ("nv", "bkl", "mel")
BINARY_NAMES = (
    "auroc", "auroc[mel]", "auroc[nv]", "average_precision[mel]", "average_precision[nv]", "sensitivity[mel]",
    "specificity[mel]", "sensitivity[nv]", "sensitivity_at_specificity_80[mel]", "specificity_at_sensitivity_95[mel]",
    "specificity_at_sensitivity_97.5[mel]", "f1_macro", "f1[mel]", "balanced_accuracy", "accuracy", "brier", "ece",
)  # fmt: skip
THREE_NAMES = tuple(name for name in BINARY_NAMES if name != "sensitivity[nv]")
AT = {"mel": 0.4}


def draw(n: int, classes: tuple[str, ...], *, seed: int, decimals: int = 15) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and probabilities; few decimals make ties."""
    generator = np.random.default_rng(seed)
    labels = generator.choice(len(classes), n, p=np.arange(len(classes), 0, -1) / sum(range(len(classes) + 1)))
    logits = generator.normal(size=(n, len(classes))) + 1.2 * (labels[:, None] == np.arange(len(classes)))
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return labels, scores.round(decimals)


@pytest.mark.parametrize("decimals", [15, 1])
@pytest.mark.parametrize("seed", range(5))
def test_binary_metrics_equal_those_of_scikit_learn(seed: int, decimals: int) -> None:
    labels, scores = draw(200, BINARY, seed=seed, decimals=decimals)
    ours = compute(BINARY_NAMES, labels, scores, classes=BINARY, thresholds=AT)
    positive, choice, decided = scores[:, 1], scores.argmax(axis=1), scores[:, 1] >= 0.4
    (true_negative, false_positive), (false_negative, true_positive) = confusion_matrix(labels, decided)
    assert ours == pytest.approx(
        {
            "auroc": roc_auc_score(labels, positive),
            "auroc[mel]": roc_auc_score(labels, positive),
            "auroc[nv]": roc_auc_score(labels == 0, scores[:, 0]),
            "average_precision[mel]": average_precision_score(labels, positive),
            "average_precision[nv]": average_precision_score(labels == 0, scores[:, 0]),
            "sensitivity[mel]": true_positive / (true_positive + false_negative),
            "specificity[mel]": true_negative / (true_negative + false_positive),
            "sensitivity[nv]": true_negative / (true_negative + false_positive),
            "sensitivity_at_specificity_80[mel]": best_on_curve(labels, positive, specificity=0.80),
            "specificity_at_sensitivity_95[mel]": best_on_curve(labels, positive, sensitivity=0.95),
            "specificity_at_sensitivity_97.5[mel]": best_on_curve(labels, positive, sensitivity=0.975),
            "f1_macro": f1_score(labels, choice, average="macro"),
            "f1[mel]": f1_score(labels, choice),
            "balanced_accuracy": balanced_accuracy_score(labels, choice),
            "accuracy": accuracy_score(labels, choice),
            "brier": brier_score_loss(labels, positive),
            "ece": calibration_error_by_loop(positive, labels),
        },
        abs=1e-12,
    )


@pytest.mark.parametrize("decimals", [15, 1])
@pytest.mark.parametrize("seed", range(5))
def test_multiclass_metrics_equal_those_of_scikit_learn(seed: int, decimals: int) -> None:
    labels, scores = draw(300, THREE, seed=seed, decimals=decimals)
    ours = compute(THREE_NAMES, labels, scores, classes=THREE, thresholds=AT)
    choice, is_mel, mel = scores.argmax(axis=1), labels == 2, scores[:, 2]
    each = [roc_auc_score(labels == index, scores[:, index]) for index in range(3)]
    assert ours == pytest.approx(
        {
            "auroc": np.mean(each),
            "auroc[mel]": each[2],
            "auroc[nv]": each[0],
            "average_precision[mel]": average_precision_score(is_mel, mel),
            "average_precision[nv]": average_precision_score(labels == 0, scores[:, 0]),
            "sensitivity[mel]": np.mean(mel[is_mel] >= 0.4),
            "specificity[mel]": np.mean(mel[~is_mel] < 0.4),
            "sensitivity_at_specificity_80[mel]": best_on_curve(is_mel, mel, specificity=0.80),
            "specificity_at_sensitivity_95[mel]": best_on_curve(is_mel, mel, sensitivity=0.95),
            "specificity_at_sensitivity_97.5[mel]": best_on_curve(is_mel, mel, sensitivity=0.975),
            "f1_macro": f1_score(labels, choice, average="macro"),
            "f1[mel]": f1_score(is_mel, choice == 2),
            "balanced_accuracy": balanced_accuracy_score(labels, choice),
            "accuracy": accuracy_score(labels, choice),
            "brier": np.mean(np.sum((scores - np.eye(3)[labels]) ** 2, axis=1)),
            "ece": calibration_error_by_loop(scores.max(axis=1), choice == labels),
        },
        abs=1e-12,
    )


def best_on_curve(labels: np.ndarray, scores: np.ndarray, **held: float) -> float:
    false, true, _ = roc_curve(labels, scores, drop_intermediate=False)
    if "specificity" in held:
        return float(true[1 - false >= held["specificity"] - 1e-12].max())
    return float((1 - false)[true >= held["sensitivity"] - 1e-12].max())


def calibration_error_by_loop(predicted: np.ndarray, observed: np.ndarray) -> float:
    total = 0.0
    for number in range(10):
        inside = [i for i, value in enumerate(predicted) if min(int(value * 10), 9) == number]
        if inside:
            total += len(inside) * abs(np.mean(predicted[inside]) - np.mean(observed[inside]))
    return total / len(predicted)


def test_auroc_counts_every_pair_and_half_of_a_tie() -> None:
    labels, scores = draw(60, BINARY, seed=3, decimals=1)
    ones, zeros = scores[labels == 1, 1], scores[labels == 0, 1]
    pairs = [1.0 if one > zero else 0.5 if one == zero else 0.0 for one in ones for zero in zeros]
    assert compute(["auroc"], labels, scores, classes=BINARY, thresholds={})["auroc"] == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize("classes", [BINARY, THREE])
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), decimals=st.sampled_from([1, 2, 15]))
def test_whole_weights_equal_repeated_rows(classes: tuple[str, ...], seed: int, decimals: int) -> None:
    labels, scores = draw(40, classes, seed=seed, decimals=decimals)
    weights = np.random.default_rng(seed).integers(0, 4, size=(3, 40)).astype(np.float32)
    names = BINARY_NAMES if classes == BINARY else THREE_NAMES
    for name in names:
        weighed = metric_over_resamples(name, labels, scores, weights, classes=classes, thresholds=AT)
        for row, value in zip(weights.astype(int), weighed, strict=True):
            repeated = np.repeat(np.arange(40), row)
            physical = compute([name], labels[repeated], scores[repeated], classes=classes, thresholds=AT)[name]
            assert value == pytest.approx(physical, abs=1e-12, nan_ok=True)


def test_blocks_do_not_change_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    labels, scores = draw(50, THREE, seed=0)
    weights = np.random.default_rng(0).integers(0, 3, size=(40, 50)).astype(np.float32)
    whole = metric_over_resamples("auroc", labels, scores, weights, classes=THREE, thresholds={})
    monkeypatch.setattr("tasks.scoring.classification.BLOCK_ELEMENTS", 70)
    assert np.array_equal(
        whole, metric_over_resamples("auroc", labels, scores, weights, classes=THREE, thresholds={}), equal_nan=True
    )


def test_no_resample_gives_no_value() -> None:
    labels, scores = draw(50, THREE, seed=0)
    assert metric_over_resamples("auroc", labels, scores, np.empty((0, 50)), classes=THREE, thresholds={}).shape == (0,)


@given(st.integers(0, 1000))
def test_rank_metrics_do_not_change_under_a_monotone_change_of_scores(seed: int) -> None:
    labels, scores = draw(50, BINARY, seed=seed, decimals=2)
    names = ["auroc[mel]", "average_precision[mel]", "sensitivity_at_specificity_80[mel]"]
    one = compute(names, labels, scores, classes=BINARY, thresholds={})
    assert one == compute(names, labels, scores**3, classes=BINARY, thresholds={})


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("auroc", "auroc is undefined: there is no case of 'mel'"),
        ("auroc[mel]", "auroc[mel] is undefined: there is no case of 'mel'"),
        ("average_precision[mel]", "average_precision[mel] is undefined: there is no case of 'mel'"),
        ("sensitivity[mel]", "sensitivity[mel] is undefined: there is no case of 'mel'"),
        ("specificity[nv]", "specificity[nv] is undefined: there is no case of another class"),
        ("sensitivity_at_specificity_80[mel]", "there is no case of 'mel'"),
        ("specificity_at_sensitivity_95[mel]", "there is no case of 'mel'"),
        ("specificity_at_sensitivity_95[nv]", "there is no case of another class"),
        ("f1[mel]", "there is no case of 'mel'"),
        ("f1_macro", "there is no case of 'mel'"),
        ("balanced_accuracy", "there is no case of 'mel'"),
    ],
)
def test_what_is_undefined_is_nan_with_a_reason(name: str, reason: str) -> None:
    labels, scores = np.zeros(4, dtype=int), np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [1, 0]])
    assert np.isnan(compute([name], labels, scores, classes=BINARY, thresholds=AT)[name])
    assert reason in undefined_reasons([name], labels, classes=BINARY)[name]


@settings(max_examples=60)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=6), st.integers(0, 100))
def test_there_is_a_reason_exactly_where_a_value_is_nan(labels: list[int], seed: int) -> None:
    scores = np.random.default_rng(seed).dirichlet(np.ones(3), len(labels))
    values = compute(THREE_NAMES, labels, scores, classes=THREE, thresholds=AT)
    reasons = undefined_reasons(THREE_NAMES, labels, classes=THREE)
    assert {name for name, value in values.items() if np.isnan(value)} == set(reasons)


def test_a_class_that_is_never_found_has_an_f1_of_zero() -> None:
    scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.9, 0.1]])
    assert compute(["f1[mel]"], [0, 0, 1], scores, classes=BINARY, thresholds={})["f1[mel]"] == 0


@pytest.mark.parametrize(
    "name",
    ["", "auc", "AUROC", "auroc[]", "accuracy[mel]", "f1", "sensitivity", "sensitivity_at_specificity_80",
     "sensitivity_at_specificity_8[mel]", "sensitivity_at_specificity_80.25[mel]", "sensitivity_at_specificity_00[mel]", "sensitivity_at_sensitivity_80[mel]",
     "sensitivity_at_specificity[mel]", "auroc_at_specificity_80[mel]", "brier\n", "auroc [mel]"],
)  # fmt: skip
def test_an_unknown_metric_is_named_with_the_known_ones(name: str) -> None:
    with pytest.raises(ValueError, match="unknown metric") as caught:
        higher_is_better(name)
    assert "average_precision[class]" in str(caught.value)


def test_a_class_that_the_task_lacks_is_named_with_those_that_it_has() -> None:
    with pytest.raises(ValueError, match=r"class 'bcc', but the classes are nv, mel"):
        compute(["auroc[bcc]"], [0, 1], np.eye(2), classes=BINARY, thresholds={})


def test_class_names_may_hold_brackets_and_percent_signs() -> None:
    assert read_name("f1[a [b] _at_x_10]", ["a [b] _at_x_10"]).of == "a [b] _at_x_10"


def test_a_missing_threshold_is_an_error_not_a_guess() -> None:
    labels, scores = draw(30, THREE, seed=0)
    with pytest.raises(ValueError, match="no operating threshold was given for class 'nv'"):
        compute(["sensitivity[nv]"], labels, scores, classes=THREE, thresholds=AT)


def test_a_threshold_that_is_not_a_number_is_refused_and_calls_nothing_negative() -> None:
    with pytest.raises(ValueError, match="threshold is not a finite number"):
        compute(["sensitivity[mel]"], [0, 1], np.eye(2), classes=BINARY, thresholds={"mel": float("nan")})


def test_directions_are_data() -> None:
    assert higher_is_better("auroc[mel]")
    assert higher_is_better("sensitivity_at_specificity_80[mel]")
    assert not higher_is_better("brier")
    assert not higher_is_better("ece")


@pytest.mark.parametrize(
    ("labels", "scores"),
    [
        ([0, 1], np.eye(3)),
        ([0, 2], np.eye(2)),
        ([0, -1], np.eye(2)),
        ([], np.empty((0, 2))),
        ([0, 1], np.full((2, 2), np.nan)),
    ],
)
def test_arrays_that_do_not_fit_are_refused(labels: list[int], scores: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"do not fit|out of range"):
        compute(["accuracy"], labels, scores, classes=BINARY, thresholds={})


def test_weights_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit 2 images"):
        metric_over_resamples("accuracy", [0, 1], np.eye(2), np.ones((1, 3)), classes=BINARY, thresholds={})


def test_figures_are_plain_and_agree_with_the_metrics() -> None:
    labels, scores = draw(400, THREE, seed=1)
    drawn = json.loads(json.dumps(figures(labels, scores, THREE, AT)))
    values = compute(
        ["auroc[mel]", "sensitivity[mel]", "specificity[mel]"], labels, scores, classes=THREE, thresholds=AT
    )
    assert list(drawn["roc"]) == list(THREE)
    assert drawn["operating"]["mel"] == pytest.approx([1 - values["specificity[mel]"], values["sensitivity[mel]"]])
    assert drawn["confusion"]["counts"] == confusion_matrix(labels, scores.argmax(axis=1)).tolist()
    false, true = np.array(drawn["roc"]["mel"]).T
    assert np.trapezoid(true, false) == pytest.approx(values["auroc[mel]"], abs=1e-9)
    for name, bins in drawn["calibration"].items():
        assert sum(count for _, _, count in bins) == 400
        assert sum(share * count for _, share, count in bins) == pytest.approx((labels == THREE.index(name)).sum())


def test_a_binary_figure_shows_the_positive_class_at_its_frozen_threshold() -> None:
    labels, scores = draw(300, BINARY, seed=2)
    drawn = figures(labels, scores, BINARY, {"mel": 0.7})
    assert list(drawn["roc"]) == list(drawn["operating"]) == list(drawn["calibration"]) == ["mel"]
    assert drawn["confusion"]["counts"] == confusion_matrix(labels, scores[:, 1] >= 0.7).tolist()


def test_a_class_without_cases_has_no_curve() -> None:
    drawn = figures([0, 0, 1], np.array([[0.5, 0.3, 0.2]] * 3), THREE, AT)
    assert list(drawn["roc"]) == ["nv", "bkl"]


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    generator = np.random.default_rng(0)
    is_class = generator.random(20_000) < 0.3
    points = roc_points(is_class, generator.normal(size=20_000) + is_class)
    assert len(points) == 200
    assert points[0] == [0, 0]
    assert points[-1] == [1, 1]
    false, true = np.array(points).T
    assert (np.diff(false) >= 0).all()
    assert (np.diff(true) >= 0).all()
