"""DICOM files of a manifest: a row for each frame, attributes from the headers, and the patient as an opaque group.

Whatever the reader of table or folders found out stays; the headers only add to it. Nothing that tells who a patient is
gets into the manifest: see `dicom_tags` for what is read, and `dicom_groups` for what becomes of patient and study.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks.domain.manifest import FILE, FRAME, IMAGE_ID, ROW, Manifest, Quarantined, with_notes
from tasks.processes import CRASH, in_processes
from tasks.readers.dicom_attributes import add_attributes
from tasks.readers.dicom_groups import add_groups
from tasks.readers.dicom_tags import Header, read_header
from tasks.readers.image_files import ABOUT_VOLUMES, find_volumes, image_id, may_be_dicom

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def with_dicom(manifest: Manifest, *, workers: int | None = None) -> Manifest:
    """Return a manifest whose DICOM files were looked into.

    Files that are no pictures (segmentations, reports, dose, ...) go to the quarantine, and so do volumes of other formats
    that lie beside the images. A label of a file with several frames is that of each of its frames.

    Args:
        manifest: As any reader made it.
        workers: Processes for reading headers; None means one a processor.
    """
    manifest = _with_volumes(manifest)
    rows = manifest.rows.assign(**{FRAME: manifest.rows.get(FRAME, -1)})
    is_dicom = rows[FILE].map(partial(may_be_dicom, manifest.images)).to_numpy(dtype=bool)
    manifest = dataclasses.replace(manifest, rows=rows)
    if not is_dicom.any():
        return manifest
    files = rows.loc[is_dicom, FILE].unique().tolist()
    read = in_processes(partial(_read, manifest.images), files, crashed=Header(problem=CRASH), workers=workers)
    headers = dict(zip(files, read, strict=True))
    manifest = _without_bad(manifest, headers)
    if not any(file in headers for file in manifest.rows[FILE]):
        return manifest
    manifest = _by_frame(manifest, headers)
    manifest = add_groups(manifest, headers)
    manifest = add_attributes(manifest, headers)
    return _with_note_on_windows(manifest, headers)


def _read(folder: Path, file: str) -> Header:
    return read_header(folder / file)


def _with_volumes(manifest: Manifest) -> Manifest:
    listed = {item.file for item in manifest.quarantined}
    volumes = [file for file in find_volumes(manifest.images) if file not in listed]
    reason = f"is a volume, not a picture; {ABOUT_VOLUMES}"
    found = tuple(Quarantined(file=file, row=0, reason=reason) for file in volumes)
    return dataclasses.replace(manifest, quarantined=(*manifest.quarantined, *found))


def _without_bad(manifest: Manifest, headers: Mapping[str, Header]) -> Manifest:
    """Set aside what holds no picture, and what has boxes or masks but several frames that they could be for."""
    outlined: set[str] = set()
    for drawn in (manifest.boxes, manifest.masks):
        outlined |= set() if drawn is None else set(drawn[IMAGE_ID])
    reasons = []
    for file, image in zip(manifest.rows[FILE], manifest.rows[IMAGE_ID], strict=True):
        header = headers.get(file, Header())
        several = header.frames > 1 and image in outlined
        unclear = f"holds {header.frames:,} pictures, and its boxes or masks do not say which of them they are for"
        reasons.append(header.problem or (unclear if several else ""))
    is_bad = np.array([bool(reason) for reason in reasons])
    bad = [
        Quarantined(file=file, row=int(row), reason=reason)
        for file, row, reason in zip(manifest.rows[FILE], manifest.rows[ROW], reasons, strict=True)
        if reason
    ]
    gone = set(manifest.rows.loc[is_bad, IMAGE_ID])
    return dataclasses.replace(
        manifest,
        rows=manifest.rows[~is_bad].reset_index(drop=True),
        quarantined=(*manifest.quarantined, *bad),
        boxes=_of_others(manifest.boxes, gone),
        masks=_of_others(manifest.masks, gone),
        readings=_of_others(manifest.readings, gone),
    )


def _of_others(table: pd.DataFrame | None, gone: set[str]) -> pd.DataFrame | None:
    return None if table is None else table[~table[IMAGE_ID].isin(gone)].reset_index(drop=True)


def _by_frame(manifest: Manifest, headers: Mapping[str, Header]) -> Manifest:
    """Return the manifest with a row for each frame; a file with one picture keeps its row and its id."""
    rows = manifest.rows
    counts = np.array([headers[file].frames if file in headers else 1 for file in rows[FILE]], dtype=np.int64)
    if (counts <= 1).all():
        return manifest
    taken = np.repeat(np.arange(len(rows)), counts)
    numbers = np.arange(len(taken)) - np.repeat(np.cumsum(counts) - counts, counts)
    is_frame = np.repeat(counts > 1, counts)
    spread = rows.iloc[taken].reset_index(drop=True)
    own = [image_id(f"{file}#{number}") for file, number in zip(spread[FILE], numbers, strict=True)]
    origins = spread[IMAGE_ID]
    spread[FRAME] = np.where(is_frame, numbers, spread[FRAME])
    spread[IMAGE_ID] = origins.where(~is_frame, pd.Series(own, index=spread.index))
    readings = manifest.readings
    if readings is not None:
        images = pd.DataFrame({IMAGE_ID: origins, "frame_id": spread[IMAGE_ID]})
        joined = readings.merge(images, on=IMAGE_ID, how="left")
        readings = joined.assign(**{IMAGE_ID: joined["frame_id"].fillna(joined[IMAGE_ID])}).drop(columns="frame_id")
    several = int((counts > 1).sum())
    note = (
        f"{several:,} DICOM files hold several pictures, {int(is_frame.sum()):,} in all. Each is an image of its own with the "
        "label of its file, and those of one file stay together in one part of the data."
    )
    return dataclasses.replace(manifest, rows=spread, readings=readings, notes=(*manifest.notes, note))


def _with_note_on_windows(manifest: Manifest, headers: Mapping[str, Header]) -> Manifest:
    kept = [headers[file] for file in manifest.rows[FILE].unique() if file in headers]
    grey = [
        header for header in kept if str(header.attributes.get("photometric_interpretation", "")).startswith("MONO")
    ]
    without = sum(not header.has_window for header in grey)
    inverted = sum(header.attributes.get("photometric_interpretation") == "MONOCHROME1" for header in grey)
    notes = [f"{len(kept):,} DICOM files were read as a reader would see them."]
    if grey and without < len(grey):
        notes.append(
            f"{len(grey) - without:,} of {len(grey):,} grey ones are shown in the first window that they bring."
        )
    if without:
        notes.append(
            f"{without:,} of {len(grey):,} grey ones bring no window: up to 8 bits they are shown as stored, deeper ones from "
            "the 0.5th to the 99.5th percentile of their values."
        )
    if inverted:
        notes.append(f"{inverted:,} are stored with black and white exchanged (MONOCHROME1) and were turned round.")
    return with_notes(manifest, " ".join(notes))
