"""Several people who drew on the same images: what each of them found, and what it comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from tasks.domain.manifest import FILE, IMAGE_ID, READING_COLUMNS
from tasks.readers.agreement import aggregated
from tasks.readers.annotators import opaque_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.readers.annotated_images import Annotated, Box, Mask


def hide_names(found: Annotated) -> None:
    """Replace names of annotators that may be those of people."""
    everybody = {who for people in found.readers.values() for who in people}
    shown = opaque_names(sorted(everybody))
    found.readers = {file: {shown[who] for who in people} for file, people in found.readers.items()}
    found.present_by = {(file, name, shown.get(who, who)) for file, name, who in found.present_by}
    for item in _drawn(found):
        item.annotator = shown.get(item.annotator, item.annotator)
    found.aggregation = shown.get(found.aggregation, found.aggregation)


def readings_of(found: Annotated, names: Sequence[str]) -> pd.DataFrame | None:
    """Return what each annotator said of each image and finding, by file; None if each image was read by one at most.

    Who looked at an image and drew nothing says that nothing is there; who drew what cannot be used says nothing.

    Args:
        found: What was read, with `readers` filled in.
        names: Findings.

    Returns:
        Columns `row` (the file), `finding`, `annotator`, `value`: 1 or 0.
    """
    if all(len(people) < 2 for people in found.readers.values()):
        return None
    drawn = {(item.file, item.label, item.annotator) for item in _drawn(found) if not item.problem}
    doubtful = {(item.file, item.label, item.annotator) for item in _drawn(found) if item.problem}
    said = drawn | found.present_by
    told = [
        (file, name, who, float((file, name, who) in said))
        for file, people in found.readers.items()
        if file not in found.excluded
        for who in sorted(people)
        for name in names
        if (file, name, who) in said or ((file, name, who) not in doubtful and file not in found.doubtful)
    ]
    return pd.DataFrame(told, columns=["row", "finding", "annotator", "value"])


def _drawn(found: Annotated) -> list[Box | Mask]:
    return [*found.boxes, *found.masks]


def put_together(values: pd.DataFrame, rows: pd.DataFrame, readings: pd.DataFrame, rule: str) -> pd.DataFrame:
    """Return the values of findings with those of images that were read by somebody put together by a rule.

    Args:
        values: A column a finding, a row an image.
        rows: Rows of the manifest, of the same index.
        readings: As `readings_of` returns them.
        rule: See `aggregated`.

    Raises:
        DataUnusable: There is no such rule.
    """
    together = aggregated(readings, rule)
    is_read = rows[FILE].isin(together.index)
    own = together.reindex(rows.loc[is_read, FILE])
    result = values.copy()
    for name in together.columns:
        result.loc[is_read, name] = own[name].to_numpy(dtype=float)
    return result


def by_image(readings: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return readings with the columns `READING_COLUMNS`."""
    ids = rows.set_index(FILE)[IMAGE_ID]
    return readings.assign(image_id=readings["row"].map(ids).astype("str"))[list(READING_COLUMNS)]
