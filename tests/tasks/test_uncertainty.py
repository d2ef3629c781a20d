"""Intervals and p against other implementations, and what they promise against simulation."""

from __future__ import annotations

from math import erfc, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, false_discovery_control
from sklearn.metrics import roc_auc_score

from tasks.domain.evaluation import Comparison
from tasks.domain.spec import OperatingPoint, Protocol
from tasks.scoring.classification import Scorer
from tasks.scoring.proportion import clopper_pearson, effective_trials
from tasks.scoring.resampling import weight_blocks
from tasks.uncertainty import compare, delong, holm, paired_difference, paired_resamples, resample_weights

CLASSES = ("nv", "mel")
NAMES = ("auroc", "sensitivity[mel]", "specificity[mel]", "brier")


def protocol(*, primary: str = "auroc", names: tuple[str, ...] = NAMES, resamples: int = 1000) -> Protocol:
    return Protocol(
        spec_sha256="",
        primary=primary,
        higher_is_better=True,
        metrics=names,
        constraints=(),
        guardrails=(),
        operating_point=OperatingPoint(fixed="youden", at_least=float("nan"), positive="mel"),
        verdict_rule="one_standard_error",
        max_rounds=8,
        train_seconds=90,
        max_checkpoints=3,
        resamples_validation=resamples,
        resamples_test=resamples,
        seed=7,
    )


def two_columns(positive: np.ndarray) -> np.ndarray:
    return np.column_stack([1 - positive, positive])


def binormal(
    labels: np.ndarray,
    generator: np.random.Generator,
    *,
    shift: float = 1.4,
    rho: float = 0.8,
    groups: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return scores of two equally good models, their errors correlated, and those of one group too if groups are given."""
    shared = generator.normal(size=len(labels)) if groups is None else generator.normal(size=groups.max() + 1)[groups]
    own = generator.normal(size=(2, len(labels)))
    latent = shift * labels + sqrt(rho) * shared + sqrt(1 - rho) * own
    first, second = 1 / (1 + np.exp(-latent))
    return two_columns(first), two_columns(second)


def run_compare(
    labels: np.ndarray, initial: np.ndarray, final: np.ndarray, groups: np.ndarray, **settings: object
) -> dict[str, Comparison]:
    frozen = protocol(**settings)
    return compare(
        frozen.metrics, labels, initial, final, groups, protocol=frozen, classes=CLASSES,
        initial_thresholds={"mel": 0.5}, final_thresholds={"mel": 0.6},
    )  # fmt: skip


@pytest.fixture
def example() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(1)
    labels = (generator.random(400) < 0.3).astype(int)
    return labels, *binormal(labels, generator), generator.integers(0, 250, 400)


def test_weights_draw_whole_groups_as_many_as_there_are() -> None:
    groups = np.array(["p1", "p2", "p1", "p3", "p3", "p3"])
    weights = resample_weights(groups, resamples=500, seed=0)
    assert weights.dtype == np.float32
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 3] == weights[:, 4]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert weights[:, 1].mean() == pytest.approx(1, abs=0.1)


def test_weights_depend_on_the_seed_and_not_on_how_groups_are_named() -> None:
    one = resample_weights([5, 5, 2, 9], resamples=20, seed=3)
    assert np.array_equal(one, resample_weights(["a", "a", "z", "b"], resamples=20, seed=3))
    assert not np.array_equal(one, resample_weights([5, 5, 2, 9], resamples=20, seed=4))


def test_blocks_are_the_rows_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = resample_weights(np.arange(30) // 2, resamples=100, seed=3)
    monkeypatch.setattr("tasks.scoring.resampling.BLOCK_ELEMENTS", 31 * 7)
    blocks = list(weight_blocks(np.arange(30) // 2, resamples=100, seed=3))
    assert len(blocks) > 5
    assert np.array_equal(np.concatenate(blocks), whole)


def test_the_bootstrap_equals_a_loop_that_repeats_rows_and_calls_scikit_learn(example) -> None:
    labels, initial, final, groups = example
    weights = resample_weights(groups, resamples=50, seed=7).astype(int)
    rows = [np.repeat(np.arange(len(labels)), weight) for weight in weights]
    loop = [roc_auc_score(labels[row], final[row, 1]) - roc_auc_score(labels[row], initial[row, 1]) for row in rows]
    found = run_compare(labels, initial, final, groups, resamples=50)["auroc"].difference
    assert found.value == pytest.approx(roc_auc_score(labels, final[:, 1]) - roc_auc_score(labels, initial[:, 1]))
    assert [found.low, found.high] == pytest.approx(list(np.quantile(loop, [0.025, 0.975])), abs=1e-12)
    tail = 1 + min(sum(change <= 0 for change in loop), sum(change >= 0 for change in loop))
    assert found.p == pytest.approx(min(1, 2 * tail / 51))
    paired = paired_difference(
        "auroc", labels, initial, final, groups, classes=CLASSES, incumbent_thresholds={}, candidate_thresholds={},
        resamples=50, seed=7,
    )  # fmt: skip
    assert paired.standard_error == pytest.approx(np.std(loop, ddof=1))
    assert paired.p == pytest.approx((1 + sum(change <= 0 for change in loop)) / 51)


def test_each_model_is_read_at_its_own_threshold(example) -> None:
    labels, initial, final, groups = example
    found = run_compare(labels, initial, final, groups, resamples=50)["sensitivity[mel]"]
    assert found.initial.value == np.mean(initial[labels == 1, 1] >= 0.5)
    assert found.final.value == np.mean(final[labels == 1, 1] >= 0.6)


def test_a_model_compared_with_itself_differs_by_nothing(example) -> None:
    labels, initial, _, groups = example
    difference = run_compare(labels, initial, initial, groups, names=("auroc", "brier"))["auroc"].difference
    assert (difference.value, difference.low, difference.high, difference.p) == (0, 0, 0, 1)


def test_swapping_the_models_turns_the_difference_and_keeps_p(example) -> None:
    labels, initial, final, groups = example
    there = run_compare(labels, initial, final, groups, names=("auroc",))["auroc"].difference
    back = run_compare(labels, final, initial, groups, names=("auroc",))["auroc"].difference
    assert (back.value, back.low, back.high, back.p) == pytest.approx((-there.value, -there.high, -there.low, there.p))


def test_p_is_never_zero() -> None:
    labels = np.arange(200) % 2
    bad = np.random.default_rng(0).random(200)
    found = run_compare(labels, two_columns(bad), two_columns(labels * 0.8 + 0.1), np.arange(200), names=("auroc",))
    assert found["auroc"].difference.p == pytest.approx(2 / 1001)


def test_a_lower_brier_score_is_a_better_one(example) -> None:
    labels, initial, _, groups = example
    sharper = two_columns(np.clip(initial[:, 1] + 0.2 * (labels - 0.5), 0, 1))
    options = {"classes": CLASSES, "incumbent_thresholds": {}, "candidate_thresholds": {}, "resamples": 200, "seed": 0}
    found = paired_difference("brier", labels, initial, sharper, groups, **options)
    assert found.difference > found.standard_error > 0
    assert found.p == pytest.approx(1 / 201)


def test_holm_agrees_with_its_definition_and_spares_the_primary(example) -> None:
    labels, initial, final, groups = example
    found = run_compare(labels, initial, final, groups)
    assert np.isnan(found["auroc"].difference.p_holm)
    ordered = sorted((found[name].difference.p, name) for name in NAMES[1:])
    expected = np.maximum.accumulate([min(1, (3 - rank) * p) for rank, (p, _) in enumerate(ordered)])
    assert [found[name].difference.p_holm for _, name in ordered] == pytest.approx(list(expected))


def test_holm_leaves_undefined_tests_out() -> None:
    assert holm({"a": 0.01, "b": float("nan"), "c": 0.04}) == pytest.approx(
        {"a": 0.02, "b": float("nan"), "c": 0.04}, nan_ok=True
    )
    assert holm({}) == {}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_lies_between_the_plain_p_and_bonferroni(values: list[float]) -> None:
    adjusted = holm({str(index): p for index, p in enumerate(values)})
    for index, p in enumerate(values):
        assert p <= adjusted[str(index)] <= min(1, len(values) * p) + 1e-12
    # Benjamini-Yekutieli's and Holm's smallest are both at least Benjamini-Hochberg's.
    assert min(adjusted.values()) >= min(false_discovery_control(values)) - 1e-12


@given(st.integers(1, 400), st.data())
def test_clopper_pearson_equals_scipy(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    other = binomtest(successes, trials).proportion_ci(confidence_level=0.95, method="exact")
    assert clopper_pearson(successes, trials) == pytest.approx((other.low, other.high), abs=1e-9)


def test_clopper_pearson_of_nothing_is_undefined_and_of_nonsense_refused() -> None:
    assert np.isnan(clopper_pearson(0, 0)).all()
    with pytest.raises(ValueError, match="impossible"):
        clopper_pearson(3, 2)


def test_the_exact_interval_stands_beside_rates_and_only_there(example) -> None:
    labels, initial, final, _ = example
    found = run_compare(labels, initial, final, np.arange(400), resamples=50)
    right, cases = int((final[labels == 1, 1] >= 0.6).sum()), int(labels.sum())
    other = binomtest(right, cases).proportion_ci(method="exact")
    assert found["sensitivity[mel]"].final.exact_low == pytest.approx(other.low)
    assert found["sensitivity[mel]"].final.exact_high == pytest.approx(other.high)
    wrong, others = int((final[labels == 0, 1] >= 0.6).sum()), int((1 - labels).sum())
    assert found["specificity[mel]"].final.exact_low == pytest.approx(
        binomtest(others - wrong, others).proportion_ci(method="exact").low
    )
    assert np.isnan(found["auroc"].final.exact_low)


def test_images_of_one_patient_count_as_fewer_trials() -> None:
    assert effective_trials([True, False, True], ["a", "b", "c"]) == 3
    alike = np.repeat(np.random.default_rng(0).random(100) < 0.7, 4)
    assert effective_trials(alike, np.repeat(np.arange(100), 4)) == pytest.approx(100, rel=0.02)
    independent = np.random.default_rng(0).random(4000) < 0.7
    assert effective_trials(independent, np.repeat(np.arange(1000), 4)) == pytest.approx(4000, rel=0.1)


def test_the_effective_number_of_trials_equals_its_formula_written_out() -> None:
    successes, groups = np.array([1, 1, 1, 0, 0, 0, 1]), np.array([0, 0, 0, 1, 1, 1, 2])
    rate, clusters = 4 / 7, 3
    residuals = [sum(success - rate for success in successes[groups == name]) for name in range(clusters)]
    variance = clusters / (clusters - 1) * sum(residual**2 for residual in residuals) / 7**2
    assert effective_trials(successes, groups) == pytest.approx(rate * (1 - rate) / variance)


def test_exact_intervals_and_delong_of_a_comparison_know_the_patients() -> None:
    generator = np.random.default_rng(4)
    groups = np.repeat(np.arange(120), 4)
    labels = (groups < 40).astype(int)
    initial, _ = binormal(labels, generator, groups=groups)
    final, _ = binormal(labels, generator, groups=groups)
    found = run_compare(labels, initial, final, groups, resamples=100)
    apart = run_compare(labels, initial, final, np.arange(480), resamples=100)
    assert found["auroc"].difference.p_delong == delong(labels, initial[:, 1], final[:, 1], groups).p
    assert np.isnan(apart["auroc"].difference.p_delong)
    wide, narrow = (item["sensitivity[mel]"].final for item in (found, apart))
    assert wide.value == narrow.value
    assert wide.exact_high - wide.exact_low > 1.3 * (narrow.exact_high - narrow.exact_low)
    assert wide.exact_high - wide.exact_low == pytest.approx(wide.high - wide.low, rel=0.3)


def test_when_all_succeed_the_patients_are_what_counts() -> None:
    assert effective_trials([True] * 8, [0, 0, 0, 0, 1, 1, 1, 1]) == 2
    assert effective_trials([True, False], ["a", "a"]) == 1
    assert effective_trials([True, False, True, False], ["a", "a", "b", "b"]) == 4


def delong_by_loops(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[float, float, float]:
    """DeLong's formula, written out pair by pair."""
    ones, zeros = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)

    def kernel(scores: np.ndarray, one: int, zero: int) -> float:
        return 1.0 if scores[one] > scores[zero] else 0.5 if scores[one] == scores[zero] else 0.0

    by_one = [[np.mean([kernel(scores, one, zero) for zero in zeros]) for one in ones] for scores in (first, second)]
    by_zero = [[np.mean([kernel(scores, one, zero) for one in ones]) for zero in zeros] for scores in (first, second)]
    covariance = np.cov(by_one) / len(ones) + np.cov(by_zero) / len(zeros)
    difference = np.mean(by_one[1]) - np.mean(by_one[0])
    error = sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    return difference, error, erfc(abs(difference) / error / sqrt(2))


@pytest.mark.parametrize("decimals", [1, 12])
@pytest.mark.parametrize("seed", range(3))
def test_delong_equals_its_formula_written_out(seed: int, decimals: int) -> None:
    generator = np.random.default_rng(seed)
    labels = (generator.random(60) < 0.4).astype(int)
    initial, final = (scores[:, 1].round(decimals) for scores in binormal(labels, generator))
    found = delong(labels == 1, initial, final)
    assert (found.difference, found.standard_error, found.p) == pytest.approx(delong_by_loops(labels, initial, final))


def test_delong_for_clusters_equals_the_plain_one_if_every_image_is_its_own_group() -> None:
    generator = np.random.default_rng(0)
    labels = (generator.random(80) < 0.4).astype(int)
    initial, final = (scores[:, 1] for scores in binormal(labels, generator))
    assert delong(labels == 1, initial, final, [f"p{index}" for index in range(80)]) == delong(
        labels == 1, initial, final
    )


def obuchowski_by_loops(labels: np.ndarray, scores: np.ndarray, groups: np.ndarray) -> float:
    """Variance of one AUC over clusters, equations 4 to 7 written out cluster by cluster."""
    ones, zeros = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    better = {
        (one, zero): float(scores[one] > scores[zero]) + 0.5 * float(scores[one] == scores[zero])
        for one in ones
        for zero in zeros
    }
    auc = np.mean(list(better.values()))
    by_one = {one: np.mean([better[one, zero] for zero in zeros]) for one in ones}
    by_zero = {zero: np.mean([better[one, zero] for one in ones]) for zero in zeros}
    names = np.unique(groups)
    own = {name: np.flatnonzero(groups == name) for name in names}
    of_ones = np.array([sum(by_one[i] - auc for i in own[name] if labels[i] == 1) for name in names])
    of_zeros = np.array([sum(by_zero[i] - auc for i in own[name] if labels[i] == 0) for name in names])
    with_ones = len({groups[one] for one in ones})
    with_zeros = len({groups[zero] for zero in zeros})
    m, n, clusters = len(ones), len(zeros), len(names)
    s10 = with_ones / ((with_ones - 1) * m) * np.sum(of_ones**2)
    s01 = with_zeros / ((with_zeros - 1) * n) * np.sum(of_zeros**2)
    s11 = clusters / (clusters - 1) * np.sum(of_ones * of_zeros)
    return s10 / m + s01 / n + 2 * s11 / (m * n)


@pytest.mark.parametrize("seed", range(3))
def test_delong_for_clusters_equals_its_formula_written_out(seed: int) -> None:
    generator = np.random.default_rng(seed)
    groups = generator.integers(0, 9, 40)
    labels = (generator.random(40) < 0.4).astype(int)
    final = generator.random(40).round(1) + 0.3 * labels
    nothing = np.zeros(40)  # all tied: an AUC of one half without variance, so that the variance is that of the other
    found = delong(labels == 1, nothing, final, groups)
    assert found.standard_error**2 == pytest.approx(obuchowski_by_loops(labels, final, groups))


def test_delong_for_clusters_is_as_unsure_as_the_bootstrap_by_cluster() -> None:
    generator = np.random.default_rng(5)
    groups = np.repeat(np.arange(300), 4)
    labels = np.repeat(generator.random(300) < 0.4, 4).astype(int)
    initial, _ = binormal(labels, generator, groups=groups)
    final, _ = binormal(labels, generator, groups=groups)
    drawn = paired_difference(
        "auroc", labels, initial, final, groups, classes=CLASSES, incumbent_thresholds={}, candidate_thresholds={},
        resamples=2000, seed=0,
    )  # fmt: skip
    assert delong(labels, initial[:, 1], final[:, 1], groups).standard_error == pytest.approx(
        drawn.standard_error, rel=0.08
    )
    assert delong(labels, initial[:, 1], final[:, 1]).standard_error < 0.7 * drawn.standard_error


def test_delong_with_groups_that_mix_classes_is_as_unsure_as_the_bootstrap() -> None:
    generator = np.random.default_rng(6)
    groups = np.repeat(np.arange(400), 3)
    labels = (generator.random(1200) < 0.5).astype(int)
    initial, _ = binormal(labels, generator, groups=groups)
    final, _ = binormal(labels, generator, groups=groups)
    drawn = paired_difference(
        "auroc", labels, initial, final, groups, classes=CLASSES, incumbent_thresholds={}, candidate_thresholds={},
        resamples=2000, seed=0,
    )  # fmt: skip
    assert delong(labels, initial[:, 1], final[:, 1], groups).standard_error == pytest.approx(
        drawn.standard_error, rel=0.08
    )


def test_delong_needs_two_of_each_kind() -> None:
    assert np.isnan(delong([True, False, False], np.arange(3.0), np.arange(3.0)).p)
    assert np.isnan(delong([False, False], np.arange(2.0), np.arange(2.0)).difference)


def test_delong_of_equal_models_has_p_one() -> None:
    assert delong([True, True, False, False], np.arange(4.0), np.arange(4.0)).p == 1


def test_delong_stands_beside_an_auc_only_where_a_class_has_few_cases() -> None:
    generator = np.random.default_rng(2)
    for positives, expected in ((40, True), (60, False)):
        labels = (np.arange(400) < positives).astype(int)
        initial, final = binormal(labels, generator)
        found = run_compare(
            labels, initial, final, np.arange(400), resamples=100, names=("auroc", "auroc[mel]", "brier")
        )
        p = delong(labels == 1, initial[:, 1], final[:, 1]).p
        assert found["auroc"].difference.p_delong == pytest.approx(p if expected else float("nan"), nan_ok=True)
        assert np.isfinite(found["auroc[mel]"].difference.p_delong) == expected
        assert np.isnan(found["brier"].difference.p_delong)


def warnings_with(positives: int, n: int = 400, *, per_group: int = 1, **settings: object) -> str:
    generator = np.random.default_rng(2)
    groups = np.arange(n) // per_group
    labels = (groups < positives).astype(int)
    initial, final = binormal(labels, generator)
    found = run_compare(labels, initial, final, groups, **{"resamples": 1000, **settings})
    return " ".join(next(iter(found.values())).warnings)


@pytest.mark.parametrize(
    ("positives", "word"),
    [(20, "Exploratory: only 20 patients or lesions of 'mel'."), (60, "Imprecise: 60 patients or lesions of 'mel'.")],
)
def test_small_cells_are_warned_of(positives: int, word: str) -> None:
    assert word in warnings_with(positives)


def test_each_metric_is_warned_of_the_cases_that_it_rests_on() -> None:
    few_ones, few_others = "of 'mel'.", "of classes other than 'mel'."
    assert few_ones in warnings_with(20, names=("sensitivity[mel]",))
    assert few_ones not in warnings_with(20, names=("specificity[mel]",))
    assert few_others in warnings_with(380, names=("specificity[mel]",))
    assert few_others not in warnings_with(380, names=("sensitivity[mel]",))
    assert few_others in warnings_with(380, names=("auroc[mel]",))
    assert "Exploratory: only 20 patients or lesions of 'nv'." in warnings_with(380, names=("auroc",))
    assert warnings_with(20, names=("accuracy",)) == ""


def test_cells_are_counted_in_patients() -> None:
    assert "Imprecise: 50 patients or lesions of 'mel'." in warnings_with(50, 800, per_group=4)


def test_large_cells_need_no_warning() -> None:
    assert warnings_with(200) == ""


def test_few_patients_are_warned_of() -> None:
    assert "Only 40 patients or lesions: the interval is likely too narrow." in warnings_with(20, 400, per_group=10)


def test_resamples_without_a_case_are_dropped_and_counted() -> None:
    text = warnings_with(2, names=("sensitivity[mel]",))
    assert "of 1,000 resamples left sensitivity[mel] undefined and were dropped." in text
    dropped = int(text.split(" of 1,000")[0].split()[-1])
    assert dropped == pytest.approx(1000 * (1 - 2 / 400) ** 400, rel=0.3)


def test_a_metric_without_cases_is_nan_with_its_reason() -> None:
    labels, scores = np.zeros(60, dtype=int), two_columns(np.linspace(0, 1, 60))
    found = run_compare(labels, scores, scores, np.arange(60), names=("auroc", "brier"), resamples=20)
    assert np.isnan([found["auroc"].initial.value, found["auroc"].final.high, found["auroc"].difference.p]).all()
    assert found["auroc"].warnings == ("auroc is undefined: there is no case of 'mel'.",)
    assert np.isfinite(found["brier"].initial.value)


def test_no_interval_is_given_if_most_resamples_are_undefined() -> None:
    labels, scores = np.array([0] * 399 + [1]), two_columns(np.linspace(0, 1, 400))
    thirds = np.column_stack([scores / 2, np.full(400, 0.5)])
    labels[0] = 2
    frozen = protocol(names=("auroc",), resamples=200)
    found = compare(
        ("auroc",), labels, thirds, thirds, np.arange(400), protocol=frozen, classes=("a", "b", "c"),
        initial_thresholds={}, final_thresholds={},
    )["auroc"]  # fmt: skip
    assert np.isfinite(found.initial.value)
    assert np.isnan([found.initial.low, found.difference.value, found.difference.p]).all()
    assert "too few are left for an interval." in " ".join(found.warnings)


def test_a_wide_interval_of_a_safety_metric_is_called_insufficient() -> None:
    assert "Precision insufficient" in warnings_with(60, names=("sensitivity[mel]",))
    assert "Precision insufficient" not in warnings_with(60, names=("brier",))


def test_too_few_resamples_for_holm_are_warned_of() -> None:
    generator = np.random.default_rng(2)
    labels = (np.arange(400) < 200).astype(int)
    found = run_compare(labels, *binormal(labels, generator), np.arange(400), resamples=50)
    assert "50 resamples are too few to show significance among 3 metrics." in found["brier"].warnings
    assert "too few" not in " ".join(found["auroc"].warnings)


def test_arrays_about_other_images_are_refused(example) -> None:
    labels, initial, final, groups = example
    with pytest.raises(ValueError, match="the same images"):
        run_compare(labels, initial, final, groups[:-1])
    with pytest.raises(ValueError, match="do not fit"):
        run_compare(labels, initial, final[:-1], groups)
    with pytest.raises(ValueError, match="at least one is needed"):
        run_compare(labels, initial, final, groups, resamples=0)


def test_a_paired_difference_is_undefined_where_its_metric_is() -> None:
    scores = two_columns(np.linspace(0, 1, 10))
    found = paired_difference(
        "auroc", np.zeros(10, dtype=int), scores, scores, np.arange(10), classes=CLASSES, incumbent_thresholds={},
        candidate_thresholds={}, resamples=10, seed=0,
    )  # fmt: skip
    assert np.isnan(found).all()


def test_models_scored_on_other_labels_are_refused() -> None:
    models = tuple(Scorer(labels, np.eye(2), classes=CLASSES, thresholds={}) for labels in ([0, 1], [1, 0]))
    with pytest.raises(ValueError, match="the same images"):
        paired_resamples(["auroc"], models, [0, 1], resamples=5, seed=0)


def simulate(*, cluster: int, ours: bool, runs: int) -> tuple[float, float]:
    """Return coverage of the interval of the difference and rejections at 0.05 with no true difference."""
    covered, rejected = [], []
    for seed in range(runs):
        generator = np.random.default_rng(seed)
        groups = np.repeat(np.arange(300 // cluster * 2), cluster)
        labels = np.repeat(generator.random(groups.max() + 1) < 0.4, cluster).astype(int)
        initial, _ = binormal(labels, generator, groups=groups)
        final, _ = binormal(labels, generator, groups=groups)
        found = run_compare(
            labels, initial, final, groups if ours else np.arange(len(groups)), resamples=400, names=("auroc",)
        )["auroc"].difference
        covered.append(found.low <= 0 <= found.high)
        rejected.append(found.p < 0.05)
    return float(np.mean(covered)), float(np.mean(rejected))


def test_intervals_by_patient_cover_and_those_by_image_do_not() -> None:
    coverage, rejections = simulate(cluster=6, ours=True, runs=150)
    assert 0.90 <= coverage <= 0.99
    assert rejections <= 0.10
    naive, _ = simulate(cluster=6, ours=False, runs=60)
    assert naive < 0.75


@pytest.mark.slow
@pytest.mark.parametrize("cluster", [1, 4])
def test_coverage_is_close_to_nominal_over_many_draws(cluster: int) -> None:
    coverage, rejections = simulate(cluster=cluster, ours=True, runs=1500)
    assert coverage == pytest.approx(0.95, abs=0.02)
    assert rejections == pytest.approx(0.05, abs=0.02)
