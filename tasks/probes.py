"""How well a label can be told by a simple model that sees what should not tell it: metadata alone, the border alone.

A ridge regression on standardised features, cross-validated by patient or lesion, on at most 3,000 images. It is too
simple to see a subtle finding, and that is the point: what it can tell needs no understanding of the picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import solve
from scipy.stats import norm, rankdata
from threadpoolctl import ThreadpoolController

from tasks.association import folds_of
from tasks.forecasting import auc_half_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tasks.targets import Target

MOST_IMAGES = 3_000
_FEWEST = 50
"""Images with and without a label that a probe needs; with fewer, chance tells too much too often."""
_FEWEST_PRESENT = 150
"""A sample is filled up to as many images of each label, where there are."""
_PENALTY = 0.3
"""Share of the number of images; on HAM10000, with 600 and with 3,000 images, the best or within 0.03 AUC of it."""
_TWO_SIDED_95 = float(norm.ppf(0.975))


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """How well one label was told."""

    label: str
    auc: float
    half_width: float
    """Of the 95% interval, over patients or lesions, widened for the number of labels that were tried (Bonferroni)."""

    @property
    def lower(self) -> float:
        """Return the lower end of the interval."""
        return self.auc - self.half_width

    @property
    def interval(self) -> str:
        """Return the AUC with its interval in words."""
        low, high = max(0.0, self.lower), min(1.0, self.auc + self.half_width)
        return f"{self.auc:.2f} (95% interval {low:.2f} to {high:.2f})"


def sample(n: int, targets: Sequence[Target], *, seed: int = 0) -> NDArray[np.int64]:
    """Return the numbers of the images to probe, of n, sorted: all, or a random sample with enough of each label."""
    if n <= MOST_IMAGES:
        return np.arange(n)
    order = np.random.default_rng(seed).permutation(n)
    chosen = np.zeros(n, dtype=bool)
    chosen[order[:MOST_IMAGES]] = True
    for target in targets:
        lacking = _FEWEST_PRESENT - int((target.present & chosen).sum())
        spare = order[target.present[order] & ~chosen[order]]
        chosen[spare[: max(0, lacking)]] = True
    return np.flatnonzero(chosen)


def probe(features: NDArray[np.float64], targets: Sequence[Target], groups: NDArray[np.int64]) -> tuple[Probe, ...]:
    """Return how well each label is told, best lower bound first; labels with too few images are left out.

    Args:
        features: What the model sees, shape (n_images, n_features), without nan.
        targets: Labels or findings of the same images.
        groups: Number of the patient or lesion of each image, shape (n_images,).
    """
    worthy = [target for target in targets if min(target.present.sum(), target.absent.sum()) >= _FEWEST]
    varies = features.std(axis=0) > 0 if len(features) else np.zeros(features.shape[1], dtype=bool)
    if not worthy or not varies.any():
        return ()
    fold = folds_of(groups)
    probes = []
    for alike in _with_the_same_known(worthy):
        known = ~np.isnan(alike[0].truth)
        present = np.stack([target.present[known] for target in alike], axis=1)
        # On a busy machine, several threads of the linear algebra wait for each other six times as long as one works.
        with _blas().limit(limits=1, user_api="blas"):
            aucs = _cross_validated(features[known][:, varies], present, fold[known])
        for target, auc in zip(alike, aucs, strict=True):
            width = half_width(auc, target, groups, tries=len(worthy))
            probes.append(Probe(label=target.name, auc=float(auc), half_width=width))
    defined = [found for found in probes if not math.isnan(found.lower)]
    return tuple(sorted(defined, key=lambda found: -found.lower))


def flat(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the pixels of each image as features, shape (n_images, n_features)."""
    return pixels.reshape(len(pixels), -1).astype(np.float64)


def half_width(auc: float, target: Target, groups: NDArray[np.int64], *, tries: int = 1) -> float:
    """Return the half-width of the 95% interval of an AUC; patients or lesions count, for images of one are not independent.

    Args:
        auc: The AUC.
        target: Label or finding that it is for.
        groups: Number of the patient or lesion of each image, shape (n_images,).
        tries: Number of AUCs of which this is one; the interval is widened for them (Bonferroni).
    """
    present, absent = (len(np.unique(groups[images])) for images in (target.present, target.absent))
    widening = float(norm.ppf(1 - 0.025 / max(1, tries))) / _TWO_SIDED_95
    return widening * auc_half_width(present, absent, auc=float(np.clip(auc, 0.501, 0.999)))


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


def _with_the_same_known(targets: Sequence[Target]) -> list[list[Target]]:
    """Return the targets in sets that are known for the same images, so that one fit serves a set."""
    sets: dict[bytes, list[Target]] = {}
    for target in targets:
        sets.setdefault(np.isnan(target.truth).tobytes(), []).append(target)
    return list(sets.values())


def _cross_validated(
    features: NDArray[np.float64], present: NDArray[np.bool_], fold: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the AUC of each target, shape (n_targets,), the mean over the folds weighted by pairs; nan if undefined."""
    spread = features.std(axis=0)
    scaled = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1)
    total, pairs = np.zeros(present.shape[1]), np.zeros(present.shape[1])
    for held_out in np.unique(fold):
        test, train = fold == held_out, fold != held_out
        if not train.any():
            continue
        scores = scaled[test] @ _ridge(scaled[train], present[train].astype(np.float64))
        for number, truth in enumerate(present[test].T):
            positives, negatives = int(truth.sum()), int((~truth).sum())
            if positives and negatives:
                total[number] += rankdata(scores[:, number])[truth].sum() - positives * (positives + 1) / 2
                pairs[number] += positives * negatives
    return np.where(pairs > 0, total / np.maximum(pairs, 1), np.nan)


def _ridge(features: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights of a ridge regression, shape (n_features, n_targets); the order of the scores needs no intercept."""
    gram = features.T @ features
    gram[np.diag_indices_from(gram)] += _PENALTY * len(features)
    return np.asarray(solve(gram, features.T @ (wanted - wanted.mean(axis=0)), assume_a="pos"))
