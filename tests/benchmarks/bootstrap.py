"""Times the paired bootstrap of AUC against a loop over scikit-learn, on the same resamples.

    python tests/benchmarks/bootstrap.py [--loop 200]

Both get the same 2,000 resamples of 5,000 images; ours draws them within its time, the loop gets them for nothing. The loop
is timed on the first so many of them and scaled up, as each resample costs it the same; its values are compared one by one.
Prints one line of JSON; exit code 1 if a value differs by more than 1e-6 or the ratio is below the target.
"""

from __future__ import annotations

import argparse
import json
import sys
import time

import numpy as np
from sklearn.metrics import roc_auc_score

from tasks.scoring.classification import Scorer
from tasks.uncertainty import paired_resamples, resample_weights

IMAGES, RESAMPLES, SEED = 5_000, 2_000, 0
REPEATS = 5
CLASSES = ("other", "positive")
TARGET_RATIO, TOLERANCE = 25, 1e-6


def main() -> int:
    """Time both, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loop", type=int, default=200, help="resamples that the scikit-learn loop is timed on")
    loop = parser.parse_args().loop
    labels, initial, final = draw()
    models = tuple(Scorer(labels, scores, classes=CLASSES, thresholds={}) for scores in (initial, final))
    groups = np.arange(IMAGES)
    paired_resamples(["auroc"], models, groups, resamples=50, seed=SEED)  # imports and caches are warm for both

    ours_seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        before, after = paired_resamples(["auroc"], models, groups, resamples=RESAMPLES, seed=SEED)["auroc"]
        ours_seconds.append(time.perf_counter() - start)

    weights = resample_weights(groups, resamples=RESAMPLES, seed=SEED)[:loop].astype(np.intp)
    rows = [np.repeat(groups, weight) for weight in weights]
    start = time.perf_counter()
    theirs = [(roc_auc_score(labels[row], initial[row, 1]), roc_auc_score(labels[row], final[row, 1])) for row in rows]
    loop_seconds = (time.perf_counter() - start) * RESAMPLES / loop

    worst = float(np.abs(np.column_stack([before[:loop], after[:loop]]) - theirs).max())
    ratio = loop_seconds / float(np.median(ours_seconds))
    facts = {
        "images": IMAGES,
        "resamples": RESAMPLES,
        "loop_resamples_timed": loop,
        "loop_seconds_scaled": round(loop_seconds, 2),
        "ours_seconds_median": round(float(np.median(ours_seconds)), 4),
        "ours_seconds_all": [round(seconds, 4) for seconds in ours_seconds],
        "ratio": round(ratio, 1),
        "largest_difference": worst,
    }
    print(json.dumps(facts))
    return 0 if ratio >= TARGET_RATIO and worst <= TOLERANCE else 1


def draw() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return labels with 15 % positives, and the probabilities of two models whose errors are correlated."""
    generator = np.random.default_rng(SEED)
    labels = (generator.random(IMAGES) < 0.15).astype(int)
    shared, own = generator.normal(size=IMAGES), generator.normal(size=(2, IMAGES))
    latent = np.array([[1.4], [1.5]]) * labels + 0.9 * shared + 0.45 * own
    positive = 1 / (1 + np.exp(-latent))
    return labels, *(np.column_stack([1 - row, row]) for row in positive)


if __name__ == "__main__":
    sys.exit(main())
