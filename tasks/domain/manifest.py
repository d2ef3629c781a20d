"""The one table that every reader hands over: a row an image, columns named here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
ATTRIBUTE = "attribute."
"""Prefix of the columns that hold attributes (age, sex, site, ...), value as read, missing as NaN/None."""

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
    """How the data was read: `table`, `one_hot` or `class_folders`."""
    roles: ColumnRoles
    """Column roles as found or given."""
    quarantined: tuple[Quarantined, ...] = ()
