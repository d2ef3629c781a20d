"""Bootstrap draws of whole patients (or lesions), as how often each image was drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

BLOCK_ELEMENTS = 1_000_000
"""Weights made at once."""


def resample_weights(groups: ArrayLike, *, resamples: int, seed: int) -> NDArray[np.float32]:
    """Return how often each image is drawn when whole groups are drawn with replacement.

    Args:
        groups: Patient or lesion of each image, shape (n,).
        resamples: Number of draws, B.
        seed: Same seed, same draws, on any machine.

    Returns:
        Whole numbers, shape (B, n); 4 bytes each, so prefer `weight_blocks` for many.

    Source:
        Davison & Hinkley, Bootstrap Methods and their Application (1997), section 3.8: groups are the sampling unit.
    """
    blocks = list(weight_blocks(groups, resamples=resamples, seed=seed))
    return np.concatenate(blocks) if blocks else np.empty((0, np.size(np.asarray(groups))), dtype=np.float32)


def weight_blocks(groups: ArrayLike, *, resamples: int, seed: int) -> Iterator[NDArray[np.float32]]:
    """Yield the rows of `resample_weights` in blocks, so that memory does not grow with the number of draws."""
    of_image, n_groups = group_index(groups)
    alone = n_groups == len(of_image)  # then groups stand in the order of the images
    generator = np.random.default_rng(seed)
    step = max(1, BLOCK_ELEMENTS // max(1, len(of_image)))
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        drawn = generator.integers(0, n_groups, size=(rows, n_groups), dtype=np.int32)
        drawn += (np.arange(rows, dtype=np.int32) * n_groups)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * n_groups).reshape(rows, n_groups).astype(np.float32)
        yield counts if alone else np.take(counts, of_image, axis=1)


def group_index(groups: ArrayLike) -> tuple[NDArray[np.intp], int]:
    """Return the number of each image's group, shape (n,), and how many groups there are.

    Groups are numbered by first appearance, so that renaming them changes no draw.
    """
    _, first, inverse = np.unique(np.asarray(groups), return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.intp)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse.ravel()], len(first)
