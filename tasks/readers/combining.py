"""Labels of whole images and what was drawn on some of them, from two sources, in one manifest."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks.domain.manifest import BOXES, FINDING, IMAGE_ID, LABEL, SUPERVISION, UNLABELLED, Manifest
from tasks.readers import column_names
from tasks.readers.annotated_images import labels_of_values
from tasks.readers.multi_label import finding_columns
from tasks.readers.uncertain import as_marks, is_mark

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.domain.request import ColumnRoles
    from tasks.readers.table import Table


def with_drawn(labelled: Manifest, drawn: Manifest) -> Manifest:
    """Return labelled images with the boxes and masks of a second source.

    The labels stay as they are. Where they say nothing of a finding that somebody drew, it is present; that nobody drew
    anything says something only of findings that have boxes or masks, on images that were looked at.

    Args:
        labelled: A row an image, with labels of any kind.
        drawn: The same folder, with boxes or masks.
    """
    labelled = _as_finding(labelled, drawn)
    rows = labelled.rows.copy()
    looked_at = drawn.rows.loc[drawn.rows[SUPERVISION] != UNLABELLED].set_index(IMAGE_ID)[SUPERVISION]
    own = rows[IMAGE_ID].map(looked_at)
    rows[SUPERVISION] = own.where(own.notna() & (rows[SUPERVISION] != BOXES), rows[SUPERVISION]).astype("str")
    boxes, masks = (_of_images(table, rows) for table in (drawn.boxes, drawn.masks))
    names = list(labelled.findings)
    if names:
        known = {_plain(name): name for name in names}
        renamed = {kind: known.get(_plain(kind), kind) for kind in drawn.findings}
        boxes, masks = (None if table is None else _renamed(table, renamed) for table in (boxes, masks))
        _fill(rows, drawn, renamed)
        names += [name for name in dict.fromkeys(renamed.values()) if name not in names]
        rows[LABEL] = labels_of_values(rows[[FINDING + name for name in names]], names)
    count = int(own.notna().sum())
    note = f"{count} of the {len(rows)} labelled images were also looked at for {'boxes' if boxes is not None else 'masks'}."
    return dataclasses.replace(
        labelled,
        rows=rows,
        findings=tuple(names),
        boxes=boxes if boxes is not None else labelled.boxes,
        masks=masks if masks is not None else labelled.masks,
        mask_folder=drawn.mask_folder or labelled.mask_folder,
        notes=(*labelled.notes, *drawn.notes, note),
    )


def roles_as_drawn(table: Table, given: ColumnRoles, drawn: Manifest) -> ColumnRoles | None:
    """Return roles in which the column of marks that is called as what was drawn is a finding, None if there is none.

    Columns that say what the images show by themselves, several of marks or one called a label, go before it.
    """
    if given.findings or given.one_hot or given.annotators:
        return None
    columns = [given.label] if given.label else [str(name) for name in table.cells.columns]
    if not given.label and (any(map(column_names.is_label, columns)) or finding_columns(table, columns)):
        return None
    kinds = {_plain(kind) for kind in drawn.findings}
    marks = [name for name in columns if _plain(name) in kinds and is_mark(table.column(name))]
    return dataclasses.replace(given, label=None, findings=tuple(marks)) if marks else None


def _as_finding(labelled: Manifest, drawn: Manifest) -> Manifest:
    """Return labels that are marks of what was drawn, called as it or simply a label beside one kind, as that finding."""
    label = labelled.roles.label
    if labelled.findings or labelled.readings is not None or not label:
        return labelled
    rows = labelled.rows.copy()
    cells = rows[LABEL].where(rows[LABEL] != "")
    is_called_so = _plain(label) in map(_plain, drawn.findings)
    is_only_one = column_names.is_label(label) and len(drawn.findings) == 1
    if not (is_called_so or is_only_one) or not is_mark(cells):
        return labelled
    name = label if is_called_so else drawn.findings[0]
    rows[FINDING + name] = as_marks(cells)[0]
    rows[LABEL] = labels_of_values(rows[[FINDING + name]].rename(columns={FINDING + name: name}), [name])
    return dataclasses.replace(
        labelled,
        rows=rows,
        kind="multi_label",
        findings=(name,),
        roles=dataclasses.replace(labelled.roles, label=None, findings=(label,)),
        notes=(
            *labelled.notes,
            f"The column {label} was read as a label of the whole image for {name}, which was drawn.",
        ),
    )


def _fill(rows: pd.DataFrame, drawn: Manifest, renamed: Mapping[str, str]) -> None:
    """Say of findings that the labels leave open what was drawn; of kinds without a label, only where they were drawn."""
    there = drawn.rows.set_index(IMAGE_ID)
    for kind, name in renamed.items():
        value = rows[IMAGE_ID].map(there[FINDING + kind])
        if FINDING + name in rows:
            rows[FINDING + name] = rows[FINDING + name].fillna(value)
        else:
            rows[FINDING + name] = np.where(value == 1, 1.0, np.nan)


def _of_images(table: pd.DataFrame | None, rows: pd.DataFrame) -> pd.DataFrame | None:
    return None if table is None else table[table["image_id"].isin(rows[IMAGE_ID])].reset_index(drop=True)


def _renamed(table: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    return table.assign(label=table["label"].map(lambda label: names.get(label, label)).astype("str"))


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
