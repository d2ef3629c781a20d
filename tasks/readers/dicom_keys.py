"""Tables that name patients, studies or series instead of files: the headers of DICOM files say which images they mean.

A PACS exports files under names of its own, and a clinic's table has accession numbers or patient ids. The values that are
compared stay here: a row that fits no file is set aside without saying what it named.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pandas as pd
from pydicom import dcmread

from tasks.domain.manifest import FILE, GROUP, IMAGE_ID, Manifest, Quarantined
from tasks.processes import in_processes
from tasks.readers.dicom_file import FAULTS, quietly
from tasks.readers.folder_tables import look_at
from tasks.readers.image_files import ImageFiles, image_id, may_be_dicom
from tasks.readers.labelled_table import read_labelled_table
from tasks.readers.table import read_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tasks.domain.request import ColumnRoles, ReadingRules
    from tasks.readers.table import Table

KEYS = {
    "SOPInstanceUID": "image",
    "SeriesInstanceUID": "series",
    "AccessionNumber": "study",
    "StudyInstanceUID": "study",
    "PatientID": "patient",
}
"""Elements that a table may name, the finest first, and what each of them stands for."""

_ENOUGH_CELLS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """A column of a table that holds an element of the headers."""

    column: str
    key: str
    files: Mapping[str, tuple[str, ...]] = dataclasses.field(repr=False)
    """Files by cell, for the cells that fit."""


def read_by_headers(path: Path, files: ImageFiles, given: ColumnRoles, rules: ReadingRules) -> Manifest | None:
    """Return the manifest of a table whose rows mean DICOM files by their headers, None if it is no such table.

    Args:
        path: The table.
        files: The images.
        given: Parts of columns that the request gives.
        rules: As for `read_labelled_table`.

    Raises:
        AmbiguousRequest: The part of a column is unclear.
        DataUnusable: The table cannot be used.
    """
    found = [file for file in files.files if may_be_dicom(files.folder, file)]
    if not found or path.suffix.lower() == ".json":
        return None
    table = read_table(path)
    if look_at(table, files, given) is not None:
        return None
    nothing: dict[str, str] = {}
    keys = in_processes(partial(_keys, files.folder), found, crashed=nothing)
    named = _best(table, dict(zip(found, keys, strict=True)), given)
    if named is None:
        return None
    is_group = given.group == named.column  # a patient cannot be named twice; the headers say who it is
    roles = dataclasses.replace(given, image=named.column, group=None if is_group else given.group)
    first: dict[str, tuple[str, ...]] = {_name(cell): (meant[0],) for cell, meant in named.files.items()}
    stand_ins = ImageFiles(
        folder=files.folder, files=tuple(sorted({found[0] for found in first.values()})), by_stem=first
    )
    manifest = read_labelled_table(path, files.folder, roles, rules, files=stand_ins)
    return _for_all(manifest, named, files)


def _keys(folder: Path, file: str) -> dict[str, str]:
    """Return what a table may call a file; nothing for one that cannot be read, which is told later."""
    try:
        with quietly():
            head = dcmread(folder / file, force=True, stop_before_pixels=True, specific_tags=list(KEYS))
            return {key: _plain(str(head.get(key) or "")) for key in KEYS if head.get(key)}
    except FAULTS:
        return {}


def _plain(text: str) -> str:
    """Return an id as it is compared: a spreadsheet takes the zeros off its front."""
    return text.strip().strip("\0").casefold().lstrip("0")


def _name(cell: str) -> str:
    return PurePosixPath(cell.strip().lower()).name


def _best(table: Table, keys: Mapping[str, Mapping[str, str]], given: ColumnRoles) -> _Named | None:
    """Return the column and element that agree in most rows, the finer element of equals."""
    columns = [given.image] if given.image else [str(name) for name in table.cells.columns]
    best, most = None, 0
    for key in KEYS:
        held: dict[str, list[str]] = defaultdict(list)
        for file, values in keys.items():
            if values.get(key):
                held[values[key]].append(file)
        for column in columns:
            cells = table.column(column).dropna()
            fitting = {cell: tuple(held[_plain(cell)]) for cell in cells.unique() if _plain(cell) in held}
            rows = int(cells.isin(list(fitting)).sum())
            if rows > most and len(fitting) > 1 and rows >= _ENOUGH_CELLS * len(cells):
                best, most = _Named(column=column, key=key, files=fitting), rows
    return best


def _for_all(manifest: Manifest, named: _Named, files: ImageFiles) -> Manifest:
    """Return a manifest in which what was said of the first file is said of all that a row means."""
    meant = {found[0]: found for found in named.files.values()}
    rows = manifest.rows.assign(**{FILE: manifest.rows[FILE].map(meant)}).explode(FILE)
    origins = rows[IMAGE_ID]
    rows = rows.assign(**{IMAGE_ID: rows[FILE].map(image_id)})
    if manifest.roles.group is None:
        rows[GROUP] = rows[IMAGE_ID]
    readings = manifest.readings
    if readings is not None:
        images = pd.DataFrame({"origin": origins, "image": rows[IMAGE_ID]})
        joined = readings.merge(images, left_on=IMAGE_ID, right_on="origin")
        readings = joined.assign(**{IMAGE_ID: joined["image"]}).drop(columns=["origin", "image"])
    unit = KEYS[named.key]
    note = (
        f"No cell of the table names a file, but {named.column} holds the {named.key} of the DICOM headers: each of "
        f"{len(manifest.rows):,} rows was taken for all images of its {unit}, {len(rows):,} in all."
    )
    return dataclasses.replace(
        manifest,
        rows=rows.reset_index(drop=True),
        readings=readings,
        quarantined=_told_apart(manifest, meant, set(rows[FILE]), files, unit),
        notes=(*manifest.notes, note),
    )


def _told_apart(
    manifest: Manifest, meant: Mapping[str, tuple[str, ...]], kept: set[str], files: ImageFiles, unit: str
) -> tuple[Quarantined, ...]:
    """Return what cannot be used, by file for all that a bad row means, and without what a row called its images."""
    bad = []
    for item in manifest.quarantined:
        if item.file in meant:
            bad += [dataclasses.replace(item, file=file) for file in meant[item.file]]
        elif item.row:
            reason = f"no DICOM file is of this {unit}" if item.reason == "no such image file" else item.reason
            bad.append(Quarantined(file="", row=item.row, reason=reason))
        else:
            bad.append(item)
    told = kept | {item.file for item in bad}
    reason = "the table has no row for this image"
    bad += [Quarantined(file=file, row=0, reason=reason) for file in files.files if file not in told]
    return tuple(sorted(bad, key=lambda item: (item.row, item.file)))
