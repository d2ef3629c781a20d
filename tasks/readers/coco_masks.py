"""COCO's three forms of a mask (polygons, counts, packed counts) as runs of pixels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tasks.readers.run_length import counts_of_string, encode, from_counts, last_pixel

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_PIXELS = 2**28
_MOST_AT_A_TIME = 2**22
"""Pairs of a row and a side that are looked at together: bounds the memory that a polygon of many corners takes."""


def runs_of(shape: object, size: tuple[int, int] | None) -> str:
    """Return a COCO segmentation as runs.

    Args:
        shape: A list of polygons, or a dictionary with `counts` and `size`.
        size: Width and height of the picture, None if they are not known.

    Raises:
        ValueError: The segmentation is damaged, or does not fit the picture.
    """
    if isinstance(shape, dict):
        return _runs_of_counts(shape, size)
    if not isinstance(shape, list):
        raise ValueError("the segmentation is neither polygons nor counts")  # noqa: TRY004 - a value in the data
    if size is None:
        raise ValueError("the size of the picture is not known")
    polygons = shape if shape and isinstance(shape[0], list) else [shape]
    return polygon_runs([_points(polygon) for polygon in polygons], width=size[0], height=size[1])


def polygon_runs(polygons: list[list[tuple[float, float]]], *, width: int, height: int) -> str:
    """Return the pixels whose middle is inside any of some polygons; corners are (x, y) in pixels, and are cut to the picture.

    Raises:
        ValueError: The picture has no size, or is too large.
    """
    if not 0 < width * height <= _MOST_PIXELS:
        raise ValueError("the stated size of the picture cannot be")
    cut = [[(min(max(x, 0.0), width), min(max(y, 0.0), height)) for x, y in polygon] for polygon in polygons]
    left, top = (math.floor(min(point[axis] for polygon in cut for point in polygon)) for axis in (0, 1))
    right = min(width, math.ceil(max(x for polygon in cut for x, _ in polygon)) + 1)
    bottom = min(height, math.ceil(max(y for polygon in cut for _, y in polygon)) + 1)
    if right <= left or bottom <= top:
        raise ValueError("the polygon lies outside the picture")
    piece = np.zeros((bottom - top, right - left), dtype=bool)
    for polygon in cut:
        piece |= _inside([(x - left, y - top) for x, y in polygon], rows=bottom - top, columns=right - left)
    return encode(piece, top=top, left=left, height=height)


def _inside(corners: list[tuple[float, float]], *, rows: int, columns: int) -> NDArray[np.bool_]:
    """Return the pixels whose middle lies in a polygon: an odd number of its sides are to their left."""
    start = np.asarray(corners)
    end = np.roll(start, -1, axis=0)
    middle = np.arange(rows)[:, None] + 0.5
    sides = np.zeros((rows, columns + 1), dtype=np.int32)
    at_a_time = max(1, _MOST_AT_A_TIME // rows)
    for first in range(0, len(start), at_a_time):
        some = slice(first, first + at_a_time)
        (x, y), (next_x, next_y) = start[some].T, end[some].T
        row, side = np.nonzero((y <= middle) != (next_y <= middle))
        slope = (next_x[side] - x[side]) / (next_y[side] - y[side])
        crossing = x[side] + (middle[row, 0] - y[side]) * slope
        np.add.at(sides, (row, np.clip(np.ceil(crossing - 0.5), 0, columns).astype(int)), 1)
    return np.asarray(sides.cumsum(axis=1)[:, :columns] % 2 == 1)


def _points(polygon: object) -> list[tuple[float, float]]:
    if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2:
        raise ValueError("a polygon needs three corners or more, x and y of each")
    numbers = [float(value) for value in polygon if isinstance(value, int | float) and abs(value) < 1e9]
    if len(numbers) != len(polygon):
        raise ValueError("a corner of a polygon is no number")
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _runs_of_counts(shape: dict[str, object], size: tuple[int, int] | None) -> str:
    counts, stated = shape.get("counts"), shape.get("size")
    if (
        not isinstance(stated, list)
        or len(stated) != 2
        or not all(isinstance(side, int) and side > 0 for side in stated)
    ):
        raise ValueError("the mask does not say its size")
    height, width = stated
    if size is not None and size != (width, height):
        raise ValueError(f"the mask is {width}x{height} pixels, the picture {size[0]}x{size[1]}")
    numbers = counts_of_string(counts) if isinstance(counts, str) else counts
    if not isinstance(numbers, list):
        raise ValueError("the mask holds no counts")  # noqa: TRY004 - a value in the data
    runs = from_counts(numbers)
    if last_pixel(runs) > height * width:
        raise ValueError("the counts reach beyond the picture")
    return runs
