"""Files below a folder, and names in data that must not lead out of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


def leaves_folder(name: str) -> bool:
    """Return whether a name in the data climbs upwards, or cannot be a name at all."""
    return ".." in name.replace("\\", "/").split("/") or "\x00" in name or not name.strip()


def files_below(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """Return the files with some suffixes (lower case) under a folder, sorted; hidden ones are not looked at."""
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        found += [
            Path(place) / name
            for name in sorted(names)
            if Path(name).suffix.lower() in suffixes and not name.startswith(".")
        ]
    return found
