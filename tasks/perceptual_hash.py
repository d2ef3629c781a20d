"""Perceptual hashes that find a picture again after recompression, a flip or a turn.

The hash is pHash with 256 bits: signs about the median of the lowest 16 x 16 frequencies of the 64 x 64 grey image.
Source: Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions (2010), section 3.2.1, in the form of
the library ImageHash (`phash(image, hash_size=16)`), which the tests compare it with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from scipy.fft import dct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

BITS = 256
VIEWS = 8
"""A picture, its mirror image, and both turned by 90, 180 and 270 degrees."""
NEAR = 16
"""At most this many of 256 bits differ between near duplicates: see `tasks.duplicates`."""

_SIDE, _KEPT = 64, 16
WORDS = BITS // 64
_BLOCK = 2**20


def hashes_of_all_views(picture: Image.Image) -> NDArray[np.uint64]:
    """Return the hashes of a picture in all flips and turns, shape (8, 4), 256 bits in 4 words each; view 0 is as it is.

    One transform serves all views: mirroring an axis changes the sign of its odd frequencies, and turning by 90 degrees
    swaps the axes as well.
    """
    grey = picture.convert("L").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    frequencies = dct(dct(np.asarray(grey, dtype=np.float64), axis=0), axis=1)[:_KEPT, :_KEPT]
    odd = np.where(np.arange(_KEPT) % 2, -1.0, 1.0)
    mirrored = (frequencies, frequencies * odd, frequencies * odd[:, None], frequencies * odd * odd[:, None])
    views = np.stack([view for one in mirrored for view in (one, one.T)])
    bits = views > np.median(views, axis=(1, 2), keepdims=True)
    return np.packbits(bits.reshape(VIEWS, BITS), axis=1).view(np.uint64)


def near_pairs(hashes: NDArray[np.uint64], *, most_bits: int = NEAR) -> NDArray[np.int64]:
    """Return all pairs of pictures of which one, in some flip or turn, differs from the other in few bits.

    Hashes that differ in at most k of 256 bits agree in full on at least one of any k + 1 parts, so only pictures that
    share a part are compared: nothing is missed, and the work grows far slower than the square of their number.

    Args:
        hashes: Shape (n_images, 8, 4), as from `hashes_of_all_views`.
        most_bits: Largest number of differing bits, 3 to 60.

    Returns:
        Shape (n_pairs, 3): first image, second image (larger), differing bits; each pair once, sorted.

    Source:
        Norouzi, Punjani & Fleet, Fast Exact Search in Hamming Space with Multi-Index Hashing (2014), section 2.
    """
    plain = np.ascontiguousarray(hashes[:, 0])
    turned = np.ascontiguousarray(hashes).reshape(-1, WORDS)
    bits_of_plain, bits_of_turned = _bits(plain), _bits(turned)
    found = [np.empty((0, 3), dtype=np.int64)]
    for part in range(most_bits + 1):
        # Every n-th bit, since bits of neighbouring frequencies go together.
        here = slice(part, None, most_bits + 1)
        for first, view in _sharing(_number(bits_of_plain[:, here]), _number(bits_of_turned[:, here])):
            differing = np.bitwise_count(plain[first] ^ turned[view]).sum(axis=1, dtype=np.int64)
            is_near = differing <= most_bits
            found.append(np.stack([first, view // VIEWS, differing], axis=1)[is_near])
    pairs = np.concatenate(found)
    pairs = pairs[np.lexsort((pairs[:, 2], pairs[:, 1], pairs[:, 0]))]
    is_new = np.ones(len(pairs), dtype=bool)
    is_new[1:] = (pairs[1:, :2] != pairs[:-1, :2]).any(axis=1)
    return np.asarray(pairs[is_new])


def _bits(hashes: NDArray[np.uint64]) -> NDArray[np.uint8]:
    return np.unpackbits(hashes.view(np.uint8).reshape(len(hashes), BITS // 8), axis=1)


def _number(bits: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return rows of up to 64 bits as one number each, shape (n,)."""
    padded = np.zeros((len(bits), 64), dtype=np.uint8)
    padded[:, : bits.shape[1]] = bits
    return np.packbits(padded, axis=1).view(np.uint64)[:, 0]


def _sharing(
    keys: NDArray[np.uint64], keys_of_views: NDArray[np.uint64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield blocks of (image, view of a later image) whose keys are equal, about a million at a time."""
    order = np.argsort(keys, kind="stable")
    in_order = keys[order]
    start = np.searchsorted(in_order, keys_of_views, side="left")
    count = np.searchsorted(in_order, keys_of_views, side="right") - start
    block = np.cumsum(count) // _BLOCK
    for views in np.split(np.arange(len(count)), np.flatnonzero(np.diff(block)) + 1):
        view = np.repeat(views, count[views])
        offset = np.arange(len(view)) - np.repeat(np.cumsum(count[views]) - count[views], count[views])
        first = order[start[view] + offset]
        is_earlier = first < view // VIEWS
        yield first[is_earlier], view[is_earlier]
