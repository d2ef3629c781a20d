"""What is wrong with boxes, said box by box; none is dropped silently."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks.domain.manifest import (
    BOX_COLUMNS,
    BOXES,
    FINDING,
    HEIGHT,
    IMAGE_ID,
    LABEL,
    SUPERVISION,
    WIDTH,
)
from tasks.domain.profile import BoxFacts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from tasks.domain.manifest import Manifest

CORNERS = ["x_min", "y_min", "x_max", "y_max"]

_SMALLEST_SIDE_PIXELS = 2.0
_LARGEST = 1e7
_ROUNDING_PIXELS = 1.0
"""A box may stick out of the picture by this much: rounding, and counting pixels from 0 or from 1, do that."""


def box_table(rows: Iterable[tuple[object, ...]]) -> pd.DataFrame:
    """Return boxes with the columns `BOX_COLUMNS` and fitting types; corners that are no number become NaN."""
    table = pd.DataFrame(list(rows), columns=list(BOX_COLUMNS))
    for name in CORNERS:
        table[name] = pd.to_numeric(table[name], errors="coerce").astype(float)
    for name in ("image_id", "label", "annotator", "problem"):
        table[name] = table[name].astype("str")
    table["row"] = table["row"].astype(int)
    return table


def check_boxes(boxes: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the boxes with `problem` filled in, and those that stick out by less than a pixel cut to the picture.

    May be called again with the sizes of the decoded pictures: a problem that was found before stays.

    Args:
        boxes: Columns as `BOX_COLUMNS`.
        rows: Rows of the manifest; with `width` and `height` the frame is checked too, where they are known.
    """
    checked = boxes.copy()
    sizes = rows.drop_duplicates(IMAGE_ID).set_index(IMAGE_ID)
    width, height = (
        checked["image_id"].map(sizes[name]).to_numpy(dtype=float) if name in sizes else np.full(len(checked), np.nan)
        for name in (WIDTH, HEIGHT)
    )
    width, height = np.where(width > 0, width, np.nan), np.where(height > 0, height, np.nan)
    left, top, right, bottom = (checked[name].to_numpy(dtype=float) for name in CORNERS)
    problem = checked["problem"].to_numpy(dtype=object)
    is_there = checked["image_id"].isin(rows[IMAGE_ID]).to_numpy()
    problem = np.where((problem == "") & ~is_there, "its picture cannot be used", problem)
    for found, is_so in _problems((left, top, right, bottom), (width, height)):
        problem = np.where((problem == "") & is_so, found, problem)
    checked["problem"] = _with_repeats(checked, problem)
    usable = (checked["problem"] == "").to_numpy()
    for name, value, limit in (
        ("x_min", left, width),
        ("x_max", right, width),
        ("y_min", top, height),
        ("y_max", bottom, height),
    ):
        cut = np.fmin(np.maximum(value, 0), limit)
        checked[name] = np.where(usable, cut, value)
    return checked


def _problems(
    corners: tuple[NDArray[np.float64], ...], frame: tuple[NDArray[np.float64], ...]
) -> list[tuple[str, NDArray[np.bool_]]]:
    (left, top, right, bottom), (width, height) = corners, frame
    with np.errstate(invalid="ignore"):
        across, down = right - left, bottom - top
        finite = np.all([np.abs(corner) < _LARGEST for corner in (left, top, right, bottom)], axis=0)
        out = (left < -_ROUNDING_PIXELS) | (top < -_ROUNDING_PIXELS)
        out |= (right > width + _ROUNDING_PIXELS) | (bottom > height + _ROUNDING_PIXELS)
        gone = (right <= 0) | (bottom <= 0) | (left >= width) | (top >= height)
        return [
            ("a corner is missing or no number", ~finite),
            ("the corners are in the wrong order", (across < 0) | (down < 0)),
            ("the box has no area", (across == 0) | (down == 0)),
            ("the box lies outside the picture", gone),
            ("the box reaches beyond the edge of the picture", out),
            (
                f"a side is shorter than {_SMALLEST_SIDE_PIXELS:g} pixels",
                np.minimum(across, down) < _SMALLEST_SIDE_PIXELS,
            ),
        ]


def _with_repeats(boxes: pd.DataFrame, problem: NDArray[np.object_]) -> pd.Series[str]:
    """Return the problems, with every box but the first of several equal ones called a repetition."""
    result = pd.Series(problem, index=boxes.index, dtype="str")
    usable = boxes[result == ""]
    same = ["image_id", "label", "annotator"]
    near = usable[same].assign(**{name: usable[name].round(1) for name in CORNERS})
    repeats = near.duplicated()
    if bool(repeats.any()):
        first = usable["row"].groupby([near[name] for name in near.columns], sort=False).transform("first")
        result.loc[repeats.index[repeats]] = [f"written twice: the same as row {row}" for row in first[repeats]]
    return result


def usable_boxes(boxes: pd.DataFrame | None) -> pd.DataFrame:
    """Return the boxes without a problem; none if there are no boxes."""
    return box_table([]) if boxes is None else boxes[boxes["problem"] == ""]


def box_facts(manifest: Manifest) -> BoxFacts:
    """Return what the boxes of the data are like, and where they and the labels of the images disagree."""
    usable = usable_boxes(manifest.boxes)
    if manifest.boxes is None:
        return BoxFacts()
    counts = usable["label"].value_counts()
    without, against, unboxed = _disagreement(manifest, usable)
    return BoxFacts(
        boxes=len(usable),
        images=int(usable["image_id"].nunique()),
        labels=tuple((str(label), int(count)) for label, count in counts.items()),
        unusable=len(manifest.boxes) - len(usable),
        present_without_box=without,
        absent_with_box=against,
        unboxed_present=unboxed,
    )


def _disagreement(manifest: Manifest, usable: pd.DataFrame) -> tuple[int, int, int]:
    """Return images called positive without a box, called negative with one, and positive but never looked at for boxes."""
    rows = manifest.rows
    looked_at = (rows[SUPERVISION] == BOXES).to_numpy()
    without, against, unboxed = (np.zeros(len(rows), dtype=bool) for _ in range(3))
    boxed = usable.groupby("label")["image_id"].agg(set).to_dict()
    for label in manifest.boxes["label"].unique() if manifest.boxes is not None else ():
        has_box = rows[IMAGE_ID].isin(boxed.get(label, set())).to_numpy()
        if manifest.findings:
            value = rows[FINDING + label] if FINDING + label in rows else pd.Series(np.nan, index=rows.index)
            present, absent = (value == 1).to_numpy(), (value == 0).to_numpy()
        else:
            present = (rows[LABEL] == label).to_numpy()
            absent = ((rows[LABEL] != "") & ~present).to_numpy()
        without |= present & looked_at & ~has_box
        against |= absent & has_box
        unboxed |= present & ~looked_at
    return int(without.sum()), int(against.sum()), int(unboxed.sum())
