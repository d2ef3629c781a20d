"""One table for each split, as `train.csv` and `test.csv`: read as one, with the splits that their names say."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks.domain.manifest import FILE, FINDING, IMAGE_ID, ROW, SPLIT, TRAIN, Quarantined
from tasks.readers.annotated_images import labels_of_values
from tasks.readers.given_splits import split_in_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tasks.domain.manifest import Manifest
    from tasks.readers.folder_tables import TableOfImages


def tables_by_split(tables: Sequence[TableOfImages]) -> dict[str, TableOfImages]:
    """Return the tables by split, none if they are not tables of one form, each of a split, with one for training."""
    by_split = {split_in_name(seen.table.path.name.partition(".")[0]): seen for seen in tables}
    forms = {tuple(seen.table.cells.columns) for seen in tables}
    is_set = len(by_split) == len(tables) > 1 and TRAIN in by_split and "" not in by_split
    return by_split if is_set and len(forms) == 1 else {}


def joined(manifests: Mapping[str, Manifest]) -> Manifest:
    """Return the manifests of several splits as one; an image that is in two of them is in none.

    Args:
        manifests: Of one folder of images, read from one table each, by split.
    """
    first = manifests[TRAIN]
    rows = pd.concat([part.rows.assign(**{SPLIT: split}) for split, part in manifests.items()], ignore_index=True)
    several = rows[FILE].duplicated(keep=False)
    twice = [
        Quarantined(file=str(file), row=int(part[ROW].iloc[0]), reason=f"is listed for {' and for '.join(part[SPLIT])}")
        for file, part in rows[several].groupby(FILE)
    ]
    rows = rows[~several].reset_index(drop=True)
    findings = tuple(dict.fromkeys(name for part in manifests.values() for name in part.findings))
    if findings:
        for name in findings:  # one that a table does not know is not known of its images
            rows[FINDING + name] = rows[FINDING + name].astype(float).where(rows[FINDING + name].notna(), np.nan)
        rows["label"] = labels_of_values(rows[[FINDING + name for name in findings]], findings)
    count = ", ".join(f"{split} {int((rows[SPLIT] == split).sum())}" for split in manifests)
    return dataclasses.replace(
        first,
        rows=rows,
        findings=findings,
        readings=_together([part.readings for part in manifests.values()], rows),
        boxes=_together([part.boxes for part in manifests.values()], rows),
        quarantined=(*twice, *_quarantined(manifests)),
        notes=(*first.notes, f"The tables are one for each split: {count}."),
    )


def _together(parts: Sequence[pd.DataFrame | None], rows: pd.DataFrame) -> pd.DataFrame | None:
    there = [part for part in parts if part is not None]
    if not there:
        return None
    table = pd.concat(there, ignore_index=True)
    return table[table["image_id"].isin(rows[IMAGE_ID])].reset_index(drop=True)


def _quarantined(manifests: Mapping[str, Manifest]) -> list[Quarantined]:
    """Return what was set aside; that an image is not in one table says nothing if it is in another."""
    named = {file for part in manifests.values() for file in part.rows[FILE]}
    named |= {item.file for part in manifests.values() for item in part.quarantined if item.row}
    alone: dict[str, Quarantined] = {}
    found = []
    for part in manifests.values():
        for item in part.quarantined:
            if item.row:
                found.append(item)
            elif item.file not in named:
                alone[item.file] = item
    return [*found, *alone.values()]
