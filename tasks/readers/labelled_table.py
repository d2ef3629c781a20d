"""A table and a folder of images, made into a manifest; what does not fit together is listed row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from tasks.domain import manifest as columns
from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import Manifest, Quarantined
from tasks.readers.given_splits import split_of_word
from tasks.readers.image_files import find_images, image_id
from tasks.readers.one_hot import labels_of_one_hot
from tasks.readers.roles import find_roles, nothing_matches
from tasks.readers.table import read_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tasks.domain.request import ColumnRoles
    from tasks.readers.image_files import ImageFiles
    from tasks.readers.table import Table


def read_labelled_table(path: Path, images: Path, given: ColumnRoles) -> Manifest:
    """Return the manifest of a table of labels and a folder of images.

    Raises:
        AmbiguousRequest: The part of a column is unclear.
        DataUnusable: Table or folder cannot be used, or they do not go together.
    """
    files = find_images(images)
    table = read_table(path)
    roles = find_roles(table, files, given)
    rows, reasons = _rows(table, files, roles)
    _quarantine_repeats(table, rows, reasons)
    quarantined = [*table.broken, *_without_row(rows, files)]
    for row, reason in reasons.items():
        quarantined.append(Quarantined(file=str(rows.loc[row, columns.FILE]), row=row, reason=reason))
    kept = rows.drop(index=list(reasons)).reset_index(drop=True)
    return Manifest(
        rows=kept,
        images=images,
        kind="one_hot" if roles.one_hot else "table",
        roles=roles,
        quarantined=tuple(sorted(quarantined, key=lambda item: (item.row, item.file))),
    )


def _rows(table: Table, files: ImageFiles, roles: ColumnRoles) -> tuple[pd.DataFrame, dict[int, str]]:
    """Return a row of the manifest for each row of the table, and why rows cannot be used, both by line."""
    named = table.column(str(roles.image))
    meant = [files.meant_by(cell) if isinstance(cell, str) else () for cell in named]
    if not any(meant):
        raise DataUnusable(nothing_matches(table, files, [str(roles.image)]), file=table.path, field=roles.image)
    file = pd.Series([found[0] if len(found) == 1 else "" for found in meant], index=named.index, dtype="str")
    rows = pd.DataFrame({columns.FILE: file.where(file != "", named.fillna(""))})
    rows.insert(0, columns.IMAGE_ID, rows[columns.FILE].map(image_id))
    rows[columns.ROW] = rows.index
    reasons = {}
    for row, cell, found in zip(named.index, named, meant, strict=True):
        if len(found) != 1:
            several = f"several files could be meant: {', '.join(found[:3])}"
            reasons[int(row)] = (
                several if found else "no such image file" if isinstance(cell, str) else "no image named"
            )
    labels, without_label = _labels(table, roles)
    rows[columns.LABEL] = labels
    rows[columns.GROUP] = rows[columns.IMAGE_ID]
    if roles.group:
        rows[columns.GROUP] = table.column(roles.group).where(lambda cells: cells.notna(), rows[columns.IMAGE_ID])
    rows[columns.SPLIT], without_split = _splits(table, roles)
    for name in roles.attributes:
        rows[columns.ATTRIBUTE + name] = table.typed(name)
    return rows, {**without_split, **without_label, **reasons}


def _labels(table: Table, roles: ColumnRoles) -> tuple[pd.Series[str], dict[int, str]]:
    if roles.one_hot:
        return labels_of_one_hot(table, roles.one_hot)
    labels = table.column(str(roles.label))
    return labels.fillna(""), {int(row): f"field {roles.label!r} is blank" for row in labels.index[labels.isna()]}


def _splits(table: Table, roles: ColumnRoles) -> tuple[pd.Series[str], Mapping[int, str]]:
    if not roles.split:
        return pd.Series("", index=table.cells.index, dtype="str"), {}
    cells = table.column(roles.split)
    splits = [split_of_word(cell) if isinstance(cell, str) else None for cell in cells]
    reasons = {
        int(row): f"field {roles.split!r} names neither train, validation nor test"
        for row, split in zip(cells.index, splits, strict=True)
        if split is None
    }
    if len(reasons) > len(cells) / 2:
        row, problem = next(iter(reasons.items()))
        raise DataUnusable(f"{problem}, in most rows", file=table.path, row=row, field=roles.split)
    return pd.Series([split or "" for split in splits], index=cells.index, dtype="str"), reasons


def _quarantine_repeats(table: Table, rows: pd.DataFrame, reasons: dict[int, str]) -> None:
    """Keep one of several rows that say the same of an image, and none of rows that contradict each other."""
    usable = rows.drop(index=list(reasons))
    repeated = usable[usable[columns.FILE].duplicated(keep=False)]
    contradicted = 0
    for _, same in repeated.groupby(columns.FILE, sort=False):
        lines = [int(row) for row in same.index]
        told_apart = [name for name in (columns.LABEL, columns.SPLIT, columns.GROUP) if len(set(same[name])) > 1]
        contradicted += bool(told_apart)
        for row in lines if told_apart else lines[1:]:
            others = ", ".join(str(line) for line in lines if line != row)
            differ = f"rows for the same image differ in {told_apart[0]}: also row {others}" if told_apart else ""
            reasons[row] = differ or f"repeats row {lines[0]}"
    if contradicted > usable[columns.FILE].nunique() / 2:
        row = int(repeated.index[0])
        problem = "most images have several rows that contradict each other; one row an image is needed"
        raise DataUnusable(problem, file=table.path, row=row)


def _without_row(rows: pd.DataFrame, files: ImageFiles) -> list[Quarantined]:
    named = set(rows[columns.FILE])
    reason = "the table has no row for this image"
    return [Quarantined(file=file, row=0, reason=reason) for file in files.files if file not in named]
