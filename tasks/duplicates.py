"""Pictures that are in the data more than once.

Exact: the same mode, size and decoded pixels. Near: at most 16 of the 256 bits of a perceptual hash differ, in any flip
or turn. On HAM10000 that finds 42 pairs: 41 lie within one lesion, and the one that does not is the same picture with
other colours under two lesion ids. The first pair that is no duplicate differs in 32 bits, so 16 leaves a margin.
Crops and heavy edits are not found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tasks.perceptual_hash import near_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """What is there more than once; images are numbered by their place in the manifest."""

    sets: NDArray[np.int64]
    """Number of the set of exact or near duplicates that an image belongs to, -1 for none, shape (n_images,)."""
    exact: NDArray[np.int64]
    """The same for exact duplicates alone, shape (n_images,)."""
    near: NDArray[np.int64]
    """Pairs of different pictures that are near duplicates, shape (n_pairs, 2)."""


def find_duplicates(pixels: Sequence[str], hashes: NDArray[np.uint64]) -> Duplicates:
    """Return the duplicates among images.

    Args:
        pixels: Hash of the decoded pixels of each image, shape (n_images,).
        hashes: Perceptual hashes of all views of each image, shape (n_images, 8, 4).
    """
    content, _ = pd.factorize(np.asarray(pixels, dtype=object))
    first = np.unique(content, return_index=True)[1]
    near = near_pairs(hashes[first])[:, :2]
    links = coo_array((np.ones(len(near)), (near[:, 0], near[:, 1])), shape=(len(first), len(first)))
    joined = connected_components(links, directed=False)[1].astype(np.int64)
    return Duplicates(sets=_sets(joined[content]), exact=_sets(content), near=first[near])


def _sets(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the numbers of sets of two or more counted from 0 in order of appearance, and -1 for all others."""
    is_shared = np.bincount(numbers, minlength=1)[numbers] > 1
    sets = np.full(len(numbers), -1, dtype=np.int64)
    sets[is_shared] = pd.factorize(numbers[is_shared])[0]
    return sets
