"""What masks show, by opening them: boxes around them, and which of them are empty."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks.domain.errors import PictureUnreadable
from tasks.domain.manifest import FINDING, HEIGHT, IMAGE_ID, LABEL, MASK, SUPERVISION
from tasks.pixels import open_picture
from tasks.readers.annotated_images import labels_of_values
from tasks.readers.boxes import box_table, check_boxes
from tasks.readers.run_length import bounds

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tasks.domain.manifest import Manifest

_THREADS = 4
_UNNAMED = "mask"


def boxes_of_masks(manifest: Manifest) -> pd.DataFrame:
    """Return a box around each mask, with the columns `BOX_COLUMNS`; an empty mask has none.

    Mask images are opened here. Run-length masks need the height of their picture, which the investigation adds.
    """
    if manifest.masks is None:
        return box_table([])
    rows = manifest.rows.set_index(IMAGE_ID)
    heights = rows[HEIGHT].to_dict() if HEIGHT in rows else {}
    boxes = []
    opened = _looks(manifest.mask_folder, manifest.masks["file"])
    for (image, label, file, runs, who, row, given), look in zip(
        manifest.masks.itertuples(index=False, name=None), opened, strict=True
    ):
        corners, problem = look.corners, given or look.problem
        if not file and not problem and image in heights:
            corners = bounds(runs, height=int(heights[image]))
        elif not file and not problem:
            problem = "the size of the picture is not known"
        if corners is not None or problem:
            boxes.append((image, label, *(corners or [np.nan] * 4), who, row, problem))
    return check_boxes(box_table(boxes), manifest.rows)


def with_findings_of_masks(manifest: Manifest) -> Manifest:
    """Return a manifest, of data that says nothing else, with what its masks show; an empty mask shows nothing."""
    if manifest.masks is None:
        return manifest
    masks = manifest.masks.assign(label=manifest.masks["label"].where(manifest.masks["label"] != "", _UNNAMED))
    looks = _looks(manifest.mask_folder, masks["file"])
    masks["problem"] = pd.Series([look.problem for look in looks], index=masks.index, dtype="str")
    is_drawn = np.array([look.corners is not None for look in looks], dtype=bool)
    unread = set(masks.loc[masks["problem"] != "", "image_id"])
    rows = manifest.rows.copy()
    is_known = ((rows[SUPERVISION] == MASK) & ~rows[IMAGE_ID].isin(unread)).to_numpy()
    names = tuple(dict.fromkeys(masks["label"]))
    for name in names:
        shows = rows[IMAGE_ID].isin(masks.loc[is_drawn & (masks["label"] == name), "image_id"]).to_numpy()
        rows[FINDING + name] = np.where(shows, 1.0, np.where(is_known, 0.0, np.nan))
    rows[LABEL] = labels_of_values(rows[[FINDING + name for name in names]], names)
    empty = int((~is_drawn & (masks["problem"] == "")).sum())
    notes = (*manifest.notes, f"{empty} of {len(masks)} masks are empty: nothing was found there.")
    return dataclasses.replace(manifest, rows=rows, masks=masks, findings=names, notes=notes)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    corners: tuple[int, int, int, int] | None = None
    problem: str = ""


def _looks(folder: Path | None, files: Iterable[str]) -> list[_Look]:
    def look(file: str) -> _Look:
        if not file or folder is None:
            return _Look()
        try:
            picture = open_picture(folder / file)
        except PictureUnreadable as error:
            return _Look(problem=f"the mask {error}")
        if picture.mode in {"RGBA", "LA", "CMYK", "YCbCr"}:  # of these, other things than black are zero
            picture = picture.convert("RGB")
        return _Look(corners=picture.getbbox())

    with ThreadPoolExecutor(_THREADS) as pool:  # Pillow decodes without holding the interpreter
        return list(pool.map(look, files))
