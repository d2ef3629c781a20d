"""The one table that every reader hands over: a row an image, columns named here."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from tasks.domain.request import ColumnRoles

IMAGE_ID = "image_id"
"""Opaque id, unique; says nothing about label, patient or file name."""
FILE = "file"
"""Path of the image relative to the image folder, POSIX separators."""
ROW = "row"
"""Line of the table that it came from (header is line 1); 0 without a table."""
LABEL = "label"
"""Label as written in the data, a string."""
GROUP = "group"
"""Patient or lesion as written in the data; equal to `image_id` where the data has none."""
SPLIT = "split"
"""`train`, `validation` or `test`; from a reader only what the data itself says, else the empty string."""
PIXELS = "pixels"
"""SHA-256 of mode, size and decoded pixels (hex); added by the investigation."""
WIDTH, HEIGHT = "width", "height"
"""In pixels; added by the investigation."""
DUPLICATES = "duplicate_set"
"""Number of the set of exact or near duplicates an image belongs to, -1 for none; added by the investigation."""
SUPERVISION = "supervision"
"""What is known of the image: `boxes`, `mask`, `label` or `none`; the strongest of them."""
FRAME = "frame"
"""Number of the frame within the file, from 0; -1 for a file with one picture."""
FINDING = "finding."
"""Prefix of the columns of findings that can occur together: 1 present, 0 absent, -1 uncertain, NaN not known."""
ATTRIBUTE = "attribute."
"""Prefix of the columns that hold attributes (age, sex, site, ...), value as read, missing as NaN/None."""

BOXES, MASK, IMAGE_LABEL, UNLABELLED = "boxes", "mask", "label", "none"
"""Values of `supervision`."""

BOX_COLUMNS = ("image_id", "label", "x_min", "y_min", "x_max", "y_max", "annotator", "row", "problem")
"""Columns of `Manifest.boxes`: pixels of the stored picture, origin at its upper left corner, `x_max` and `y_max` exclusive;
`annotator` empty where there is one; `problem` empty for a box that can be used."""
MASK_COLUMNS = ("image_id", "label", "file", "rle", "annotator", "row", "problem")
"""Columns of `Manifest.masks`: either `file`, relative to `Manifest.mask_folder`, or `rle` (start-length pairs, 1-based,
column by column, as text; whatever the source wrote, the reader turns it into this form)."""
READING_COLUMNS = ("image_id", "finding", "annotator", "value")
"""Columns of `Manifest.readings`: a row for each annotator's word on each image; `value` as in the findings' columns, or a
confidence from 0 to 1; `finding` empty where the label is one of several classes and `value` is its name."""

TRAIN, VALIDATION, TEST = "train", "validation", "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """An image or row that cannot be used, and why; it is listed, never fatal."""

    file: str
    row: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """All images of a study's data, in one table."""

    rows: pd.DataFrame
    """One row an image, columns as named in this module, index 0..n-1."""
    images: Path
    """Folder that `file` is relative to."""
    kind: str
    """How the data was read: `table`, `one_hot`, `multi_label`, `class_folders`, `coco`, `yolo`, `voc`, `boxes_table`,
    `rle`, `mask_images` or `unlabelled`."""
    roles: ColumnRoles
    """Column roles as found or given."""
    quarantined: tuple[Quarantined, ...] = ()
    findings: tuple[str, ...] = ()
    """Findings that can occur together, or kinds of boxes; each has a column `finding.<name>`. Empty where every image has
    one label of several that exclude each other. With findings, `label` is made of them by `label_of_findings`."""
    boxes: pd.DataFrame | None = None
    """Columns as `BOX_COLUMNS`; None where the data has no boxes."""
    masks: pd.DataFrame | None = None
    """Columns as `MASK_COLUMNS`; None where the data has no masks."""
    mask_folder: Path | None = None
    readings: pd.DataFrame | None = None
    """Columns as `READING_COLUMNS`; None where each image was read once."""
    notes: tuple[str, ...] = ()
    """How the data was understood, in sentences for the person who owns it: what was found, and what was decided."""


def absent(finding: str) -> str:
    """Return the label of an image that was looked at and does not show a finding."""
    return f"no {finding}"


def with_notes(manifest: Manifest, *notes: str) -> Manifest:
    """Return a manifest with further notes on how the data were understood."""
    return dataclasses.replace(manifest, notes=(*manifest.notes, *notes))


def label_of_findings(values: Mapping[str, float]) -> str:
    """Return the label of an image with findings that can occur together.

    Args:
        values: 1 present, 0 absent, -1 uncertain, NaN not known, by finding.

    Returns:
        The findings that are present joined by `|`; `no <finding>` if there is one finding and it is absent, `none` if
        several are all absent; empty if nothing is known.
    """
    present = [name for name, value in values.items() if value == 1]
    if present:
        return "|".join(present)
    if not values or any(value != 0 for value in values.values()):
        return ""
    return absent(next(iter(values))) if len(values) == 1 else "none"
