"""Copy images under opaque names, so that neither name, time nor right says anything about label or patient."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import FILE, IMAGE_ID, ROW

if TYPE_CHECKING:
    import pandas as pd


def opaque_names(rows: pd.DataFrame) -> list[str]:
    """Return the file name that each image of a manifest is known by inside Rounds, in the order of the rows."""
    suffixes = (PurePosixPath(file).suffix.lower() for file in rows[FILE])
    return [f"{image}{suffix}" for image, suffix in zip(rows[IMAGE_ID], suffixes, strict=True)]


def in_opaque_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a manifest in an order that is fixed, and says nothing."""
    keys = rows[IMAGE_ID].map(lambda image: hashlib.sha256(f"order {image}".encode()).hexdigest())
    return rows.iloc[keys.argsort(kind="stable")].reset_index(drop=True)


def opaque_groups(groups: pd.Series) -> list[int]:
    """Return a number for each patient or lesion, in the order in which they come."""
    numbers: dict[str, int] = {}
    return [numbers.setdefault(str(group), len(numbers)) for group in groups]


def copy_images(rows: pd.DataFrame, source: Path, target: Path) -> dict[str, str]:
    """Copy images to a new folder, read-only and with their times set to 0.

    Args:
        rows: Rows of a manifest.
        source: Folder that their files are relative to.
        target: Folder to make.

    Returns:
        SHA-256 of each copy by its name, sorted by name.

    Raises:
        DataUnusable: An image cannot be read.
        ValueError: Two images would have the same name.
    """
    target.mkdir(parents=True)
    names = opaque_names(rows)
    if len(set(names)) != len(names):
        raise ValueError("image ids of a manifest must be unique")
    hashes = {}
    for name, file, row in zip(names, rows[FILE], rows[ROW], strict=True):
        try:
            content = (source / file).read_bytes()
        except OSError as error:
            raise DataUnusable(
                f"the image cannot be read ({error.strerror})", file=file, row=int(row) or None
            ) from error
        hashes[name] = hashlib.sha256(content).hexdigest()
        write_read_only(target / name, content)
    return dict(sorted(hashes.items()))


def write_read_only(file: Path, content: bytes) -> None:
    """Write a file that says nothing about when it was made, and that nobody changes by accident."""
    file.write_bytes(content)
    file.chmod(0o444)
    os.utime(file, (0, 0))
