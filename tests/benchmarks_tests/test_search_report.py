"""The search benchmark's report: intervals over lesions, and curves of the best so far."""

from __future__ import annotations

import numpy as np
import pytest
from search_report import _curve, interval_of_mean_difference
from sklearn.metrics import roc_auc_score

from tasks.scoring.classification import metric_over_resamples
from tasks.scoring.resampling import group_index, resample_weights


def test_the_paired_interval_is_that_of_a_plain_loop_over_lesions() -> None:
    chance = np.random.default_rng(0)
    labels, groups = np.arange(120) % 3 // 2, np.arange(120) // 2
    models = [
        [np.clip(0.3 * labels + chance.normal(0.4, 0.2, 120), 0, 1) for _ in range(2)]  # seeds
        for _ in range(2)  # methods
    ]
    weights = resample_weights(groups, resamples=300, seed=5)
    drawn = [
        np.stack(
            [
                metric_over_resamples(
                    "auroc", labels, np.column_stack([1 - one, one]), weights, classes=("no", "yes"), thresholds={}
                )
                for one in seeds
            ]
        )
        for seeds in models
    ]
    of_image, n_groups = group_index(groups)
    plain, generator = [], np.random.default_rng(5)
    for picked in generator.integers(0, n_groups, size=(300, n_groups), dtype=np.int32):
        images = np.concatenate([np.flatnonzero(of_image == group) for group in picked])
        by_seed = [
            roc_auc_score(labels[images], models[0][seed][images])
            - roc_auc_score(labels[images], models[1][seed][images])
            for seed in range(2)
        ]
        plain.append(np.mean(by_seed))
    assert interval_of_mean_difference(*drawn) == pytest.approx(tuple(np.quantile(plain, [0.025, 0.975])), abs=1e-6)


def test_a_curve_begins_when_every_seed_has_a_model_and_holds_the_best_so_far() -> None:
    results = [
        {"models": [{"seconds": 10, "test": {"auroc": 0.6}}, {"seconds": 50, "test": {"auroc": 0.8}}]},
        {"models": [{"seconds": 20, "test": {"auroc": 0.7}}]},
    ]
    assert _curve(results, "test", "auroc", 100) == [[20, 0.65], [50, 0.75], [100, 0.75]]
