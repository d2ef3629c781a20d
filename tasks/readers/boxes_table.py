"""Tables of boxes: a row a box with the image repeated, or labels of images with one box beside each."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import ATTRIBUTE, BOXES, FILE, IMAGE_ID, IMAGE_LABEL, LABEL, ROW, SUPERVISION
from tasks.readers.annotated_images import Annotated, Box, manifest_of, sizes_of_annotated, wrong_size
from tasks.readers.boxes import box_table, check_boxes
from tasks.readers.drawn_rows import NEGATIVE_WORDS, POSITIVE_WORDS, plain_word, read_drawn_rows
from tasks.readers.picture_sizes import picture_sizes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.domain.manifest import Manifest
    from tasks.domain.request import ColumnRoles
    from tasks.readers.box_columns import BoxColumns
    from tasks.readers.drawn_rows import DrawnRows
    from tasks.readers.image_files import ImageFiles
    from tasks.readers.table import Table

_NO_LABEL = "object"
_SIDES = ("width", "height")


def is_table_of_boxes(table: Table, boxes: BoxColumns, image: str) -> bool:
    """Return whether the rows are boxes, not images: an image has several, or some rows have none though others do.

    Args:
        table: The table.
        boxes: Its columns of boxes.
        image: Its column of images.
    """
    corners = boxes.corners(table).assign(image=table.column(image))
    several = corners.dropna().drop_duplicates().duplicated("image")
    return bool(several.any()) or bool(boxes.blank(table).any())


def read_boxes_table(
    table: Table, boxes: BoxColumns, files: ImageFiles, given: ColumnRoles, aggregation: str = "majority"
) -> Manifest:
    """Return the manifest of a table with a row for each box; a row without a box says that there is none.

    An image that the table names was looked at for every kind of box; one that it does not name was not looked at.

    Args:
        table: The table.
        boxes: Its columns of boxes.
        files: All images.
        given: Parts of columns that the request gives.
        aggregation: How findings of several annotators become one; their boxes are all kept.

    Raises:
        AmbiguousRequest: Several columns could hold the image, the label or the patient.
        DataUnusable: No row names an image of the folder.
    """
    found = Annotated(kind="boxes_table", supervision=BOXES, aggregation=aggregation)
    rows = read_drawn_rows(table, boxes.names, files, given, found)
    if not found.looked_at:
        raise DataUnusable("no row names an image of the folder", file=table.path, field=rows.roles.image)
    found.roles = dataclasses.replace(rows.roles, boxes=boxes.names)
    form = "in shares of the picture" if boxes.are_shares(table) else "in pixels"
    found.notes.append(f"{table.path.name} holds a row for each box: {', '.join(boxes.names)} ({boxes.form}, {form}).")
    found.stated_sizes = _stated_sizes(table, boxes, rows.files)
    sizes = sizes_of_annotated(found, files.folder)
    _read_rows(table, boxes, rows, found, sizes)
    return manifest_of(found, files, sizes)


def _stated_sizes(table: Table, boxes: BoxColumns, files: pd.Series[str]) -> dict[str, tuple[int, int]]:
    """Return width and height of the pictures that the boxes were drawn on, by file, if columns beside the boxes say them."""
    plain = {"".join(filter(str.isalpha, name.lower())): name for name in map(str, table.cells.columns)}
    found = [
        next((plain[name] for name in (side, f"image{side}", f"img{side}") if name in plain), "") for side in _SIDES
    ]
    if not all(found) or set(found) & set(boxes.names) or boxes.are_shares(table):
        return {}
    wide, tall = (pd.to_numeric(table.column(name), errors="coerce").loc[files.index] for name in found)
    corners = boxes.corners(table).loc[files.index]
    if bool(((corners["x_max"] > wide + 1) | (corners["y_max"] > tall + 1)).any()):
        return {}  # the columns say something else
    return {
        file: (int(across), int(down))
        for file, across, down in zip(files, wide, tall, strict=True)
        if across > 0 and down > 0
    }


def _read_rows(
    table: Table, boxes: BoxColumns, rows: DrawnRows, found: Annotated, sizes: Mapping[str, tuple[int, int]]
) -> None:
    lines = rows.files.index
    shares = boxes.are_shares(table)
    corners = boxes.corners(table).loc[lines]
    blank = boxes.blank(table)[table.cells.index.get_indexer(pd.Index(lines))].tolist()
    kinds = [_NO_LABEL] * len(lines) if rows.kinds is None else rows.kinds.tolist()
    mark = _mark_of(kinds, blank, rows.roles.label)
    found.names += [mark] if mark else []
    for line, file, kind, who, is_blank, values in zip(
        lines, rows.files, kinds, rows.annotators, blank, corners.itertuples(index=False, name=None), strict=True
    ):
        is_negative = plain_word(kind) in NEGATIVE_WORDS
        if is_blank:
            if rows.kinds is not None and kind and not is_negative:
                found.present.add((file, mark or kind))
                found.present_by.add((file, mark or kind, who))
            continue
        if not kind or is_negative:
            reason = f"the row has a box, but field {rows.roles.label!r} {'says ' + repr(kind) if kind else 'is blank'}"
            found.set_aside(file, int(line), reason)
            found.doubtful.add(file)
            continue
        wide, tall = sizes.get(file, (np.nan, np.nan)) if shares else (1.0, 1.0)
        problem = "the size of the picture cannot be read" if shares and file not in sizes else ""
        scaled = (values[0] * wide, values[1] * tall, values[2] * wide, values[3] * tall)
        found.boxes.append(
            Box(file=file, label=mark or kind, corners=scaled, row=int(line), annotator=who, problem=problem)
        )


def _mark_of(kinds: list[str], blank: list[bool], column: str | None) -> str:
    """Return the name of the one finding of a column that says only yes or no, as `Target` of RSNA; else nothing."""
    boxed = {plain_word(kind) for kind, is_blank in zip(kinds, blank, strict=True) if not is_blank}
    said = {plain_word(kind) for kind in kinds}
    is_mark = column is not None and bool(boxed & POSITIVE_WORDS) and said <= POSITIVE_WORDS | NEGATIVE_WORDS
    return str(column) if is_mark else ""


def with_boxes_of_rows(manifest: Manifest, table: Table, boxes: BoxColumns) -> Manifest:
    """Return a manifest of labelled images with the box that stands beside each label.

    Args:
        manifest: A row an image, read from `table`; its labels stay, and name the boxes.
        table: The table.
        boxes: Its columns of boxes, which are no attributes then.
    """
    rows = manifest.rows.drop(columns=[ATTRIBUTE + name for name in boxes.names if ATTRIBUTE + name in manifest.rows])
    if SUPERVISION not in rows:
        rows[SUPERVISION] = IMAGE_LABEL
    rows[SUPERVISION] = rows[SUPERVISION].astype("object")
    beside = boxes.corners(table).loc[rows[ROW]].reset_index(drop=True)
    has_box = ~boxes.blank(table)[table.cells.index.get_indexer(pd.Index(rows[ROW]))]
    rows.loc[has_box, SUPERVISION] = BOXES
    rows[SUPERVISION] = rows[SUPERVISION].astype("str")
    drawn_on = Annotated(kind=manifest.kind, supervision=BOXES)
    drawn_on.stated_sizes = _stated_sizes(table, boxes, rows.set_index(ROW)[FILE])
    sizes = picture_sizes(manifest.images, drawn_on.stated_sizes)
    table_of_boxes = box_table(
        (name, label, *corners, "", line, wrong_size(drawn_on, file, sizes))
        for name, file, label, corners, line, has in zip(
            *(rows[IMAGE_ID], rows[FILE], rows[LABEL], beside.itertuples(index=False, name=None), rows[ROW], has_box),
            strict=True,
        )
        if has
    )
    attributes = tuple(name for name in manifest.roles.attributes if name not in boxes.names)
    checked = check_boxes(table_of_boxes, rows)
    usable = int((checked["problem"] == "").sum())
    note = f"{table.path.name} has a box beside the label of {int(has_box.sum())} images; {usable} of them can be used."
    return dataclasses.replace(
        manifest,
        rows=rows,
        boxes=checked,
        roles=dataclasses.replace(manifest.roles, boxes=boxes.names, attributes=attributes),
        notes=(*manifest.notes, note),
    )
