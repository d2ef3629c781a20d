"""One table for each split, or for each folder of images, as `train.csv` and `test.csv`: read as one."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks.domain.manifest import FILE, FINDING, IMAGE_ID, ROW, SPLIT, TRAIN, Quarantined
from tasks.readers.annotated_images import labels_of_values
from tasks.readers.given_splits import split_in_name, split_of_word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tasks.domain.manifest import Manifest
    from tasks.readers.folder_tables import TableOfImages


def tables_by_split(tables: Sequence[TableOfImages]) -> dict[str, TableOfImages]:
    """Return the tables by split, none unless several of one form name one split each and one is for training."""
    for form in dict.fromkeys(_form(seen) for seen in tables):
        alike = [(_split_of(seen), seen) for seen in tables if _form(seen) == form]
        by_split = {split: seen for split, seen in alike if split}
        if len(by_split) == len([split for split, _ in alike if split]) > 1 and TRAIN in by_split:
            return by_split
    return {}


def tables_by_folder(tables: Sequence[TableOfImages]) -> dict[str, TableOfImages]:
    """Return the tables by folder, none unless they are of one form and each names images of its own folder only."""
    by_folder = {seen.table.path.parent: seen for seen in tables}
    forms = {_form(seen) for seen in tables}
    if len(forms) != 1 or not len(by_folder) == len(tables) > 1:
        return {}
    if any(seen.table.column(seen.image).dropna().map(lambda cell: ".." in cell).any() for seen in tables):
        return {}
    places = list(by_folder)
    if any(one != other and one.is_relative_to(other) for one in places for other in places):
        return {}
    return {place.name: seen for place, seen in by_folder.items()} if all(map(_is_of_own_folder, tables)) else {}


def _is_of_own_folder(seen: TableOfImages) -> bool:
    return all((seen.files.folder / file).is_relative_to(seen.table.path.parent) for file in seen.named)


def _form(seen: TableOfImages) -> frozenset[str]:
    return frozenset(map(str, seen.table.cells.columns))


def _split_of(seen: TableOfImages) -> str:
    """Return the split that the name of a table says, or else that of its folder."""
    path = seen.table.path
    return split_in_name(path.name.partition(".")[0]) or split_of_word(path.parent.name) or ""


def joined(manifests: Mapping[str, Manifest], *, are_splits: bool = True) -> Manifest:
    """Return the manifests of several tables as one; an image that is in two of them is in none.

    Args:
        manifests: Of one folder of images, read from one table each, by split, or by a name for the table.
        are_splits: Whether the names are splits.
    """
    first = next(iter(manifests.values()))
    parts = [part.rows.assign(**{SPLIT: name}) if are_splits else part.rows for name, part in manifests.items()]
    named = [name for name, part in manifests.items() for _ in range(len(part.rows))]
    rows = pd.concat(parts, ignore_index=True)
    several = rows[FILE].duplicated(keep=False)
    twice = [
        Quarantined(
            file=str(file),
            row=int(part[ROW].iloc[0]),
            reason=f"is listed for {' and for '.join(named[at] for at in part.index)}",
        )
        for file, part in rows[several].groupby(FILE)
    ]
    rows = rows[~several].reset_index(drop=True)
    findings = tuple(dict.fromkeys(name for part in manifests.values() for name in part.findings))
    if findings:
        for name in findings:  # one that a table does not know is not known of its images
            rows[FINDING + name] = rows[FINDING + name].astype(float).where(rows[FINDING + name].notna(), np.nan)
        rows["label"] = labels_of_values(rows[[FINDING + name for name in findings]], findings)
    if are_splits and rows[SPLIT].nunique() < 2:
        rows[SPLIT] = ""  # the others say nothing that can be used, as those that are to be predicted
    left = pd.Series(named)[~several.to_numpy()]
    count = ", ".join(f"{name} {int((left == name).sum())}" for name in manifests)
    unit = "split" if are_splits else "folder"
    return dataclasses.replace(
        first,
        rows=rows,
        findings=findings,
        readings=_together([part.readings for part in manifests.values()], rows),
        boxes=_together([part.boxes for part in manifests.values()], rows),
        quarantined=(*twice, *_quarantined(manifests)),
        notes=(*first.notes, f"The tables are one for each {unit}: {count}."),
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
