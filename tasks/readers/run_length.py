"""Masks as runs of pixels: one form inside, read from the forms that are about.

Inside, a mask is text: start and length of every run, starts counted from 1, down the columns and then to the right.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_PAIRS = re.compile(r"\s*\d+[\s,;]+\d+(?:[\s,;]+\d+[\s,;]+\d+)*\s*")
_NUMBERS = re.compile(r"[0-9]+")
_NO_NUMBER = re.compile(r"[^0-9\s,;]|[0-9]{13}")
_MOST_DIGITS = 12
"""A picture of a million times a million pixels has no more; longer numbers are damage."""


def encode(mask: NDArray[np.bool_], *, top: int = 0, left: int = 0, height: int | None = None) -> str:
    """Return a mask as runs.

    Args:
        mask: Shape (rows, columns); may be a piece of a larger picture.
        top: Row of the picture where the piece begins.
        left: Column of the picture where the piece begins.
        height: Rows of the whole picture; None means that the mask is the whole.
    """
    rows = mask.shape[0]
    whole = rows if height is None else height
    columns = np.zeros((mask.shape[1], whole), dtype=np.int8)
    columns[:, top : top + rows] = mask.T
    edges = np.diff(columns.ravel(), prepend=0, append=0)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return _text(starts + left * whole + 1, ends - starts)


def decode(runs: str, *, height: int, width: int) -> NDArray[np.bool_]:
    """Return the mask of shape (height, width).

    Raises:
        ValueError: The runs are no pairs of numbers, or reach beyond the picture.
    """
    starts, lengths = _pairs(runs)
    pixels = height * width
    if len(starts) and (int(starts.min()) < 1 or int((starts + lengths).max()) - 1 > pixels):
        raise ValueError(f"the mask reaches beyond a picture of {width}x{height} pixels")
    edges = np.zeros(pixels + 1, dtype=np.int64)
    np.add.at(edges, starts - 1, 1)
    np.add.at(edges, starts - 1 + lengths, -1)
    return np.asarray((edges.cumsum()[:-1] > 0).reshape(width, height).T)


def are_runs(text: str) -> bool:
    """Return whether a cell holds pairs of numbers."""
    return _PAIRS.fullmatch(text) is not None


def is_absolute(texts: Sequence[str]) -> bool | None:
    """Return whether the first number of a pair is a place in the picture, not a distance from the run before.

    Read as places, the runs of a mask must follow each other; distances do that only by chance. None if no mask has two
    runs, so that both readings are the same.
    """
    several = [pairs for pairs in map(_try_pairs, texts) if pairs is not None and len(pairs[0]) > 1]
    if not several:
        return None
    in_order = [bool((starts[1:] >= (starts + lengths)[:-1]).all()) for starts, lengths in several]
    return sum(in_order) > len(in_order) / 2


def from_absolute(runs: str, *, first: int = 1) -> str:
    """Return runs whose starts are places in the picture.

    Args:
        runs: Start-length pairs.
        first: What the first pixel of the picture is called: 0 or 1.

    Raises:
        ValueError: The runs are no pairs of numbers, or overlap.
    """
    starts, lengths = _pairs(runs)
    if bool((starts[1:] < (starts + lengths)[:-1]).any()):
        raise ValueError("the runs of the mask overlap")
    return _text(starts + (1 - first), lengths)


def from_relative(runs: str) -> str:
    """Return runs whose starts are distances from the end of the run before, as the SIIM-ACR challenge writes them.

    Raises:
        ValueError: The runs are no pairs of numbers.
    """
    gaps, lengths = _pairs(runs)
    ends = (gaps + lengths).cumsum()
    return _text(ends - lengths + 1, lengths)


def from_counts(counts: Sequence[int]) -> str:
    """Return runs from COCO's counts: lengths of runs that are by turns outside and inside, outside first.

    Raises:
        ValueError: A count is negative or no whole number.
    """
    if any(
        isinstance(count, bool) or not isinstance(count, int) or not 0 <= count < 10**_MOST_DIGITS for count in counts
    ):
        raise ValueError("the counts of the mask must be whole numbers, none negative")
    lengths = np.asarray(counts, dtype=np.int64)
    ends = lengths.cumsum()
    inside = slice(1, None, 2)
    drawn = lengths[inside] > 0
    return _text((ends - lengths)[inside][drawn] + 1, lengths[inside][drawn])


def counts_of_string(text: str) -> list[int]:
    """Return the counts of a COCO mask that is packed into a string.

    Raises:
        ValueError: The string is damaged.

    Source:
        `rleFrString` in cocodataset/cocoapi, common/maskApi.c: five bits a character from 48 up, the sixth says that the
        number goes on, and counts from the fourth on are differences to the last but one.
    """
    counts: list[int] = []
    number = shift = 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64 or shift > 60:
            raise ValueError("the packed mask is damaged")
        number |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            number -= 1 << shift
        counts.append(number + counts[-2] if len(counts) > 2 else number)
        number = shift = 0
    if shift:
        raise ValueError("the packed mask breaks off")
    return counts


def last_pixel(runs: str) -> int:
    """Return the number of the last pixel of a mask, counted from 1; 0 if it is empty.

    Raises:
        ValueError: The runs are no pairs of numbers.
    """
    starts, lengths = _pairs(runs)
    return int((starts + lengths).max()) - 1 if len(starts) else 0


def bounds(runs: str, *, height: int) -> tuple[int, int, int, int] | None:
    """Return left, top, right and bottom of a mask, the latter two exclusive; None if it is empty.

    Raises:
        ValueError: The runs are no pairs of numbers.
    """
    starts, lengths = _pairs(runs)
    starts, lengths = starts[lengths > 0] - 1, lengths[lengths > 0]
    if not len(starts):
        return None
    lasts = starts + lengths - 1
    crosses = bool((starts // height != lasts // height).any())
    top = 0 if crosses else int((starts % height).min())
    bottom = height if crosses else int((lasts % height).max()) + 1
    return int(starts.min()) // height, top, int(lasts.max()) // height + 1, bottom


def _pairs(runs: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    words = _NUMBERS.findall(runs)
    if len(words) % 2 or _NO_NUMBER.search(runs):
        raise ValueError("the mask must be pairs of whole numbers, start and length")
    numbers = np.asarray(list(map(int, words)), dtype=np.int64)
    return numbers[::2], numbers[1::2]


def _try_pairs(runs: str) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    try:
        return _pairs(runs)
    except ValueError:
        return None


def _text(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> str:
    return " ".join(map(str, np.stack([starts, lengths], axis=1).ravel().tolist()))
