"""The words by which data name their own splits."""

from __future__ import annotations

import dataclasses
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tasks.domain.manifest import FILE, SPLIT, SUPERVISION, TEST, TRAIN, UNLABELLED, VALIDATION

if TYPE_CHECKING:
    import pandas as pd

    from tasks.domain.manifest import Manifest

_WORDS = {
    TRAIN: ("train", "training", "trn", "learn", "learning"),
    VALIDATION: ("validation", "val", "valid", "validate", "dev", "development", "tune", "tuning"),
    TEST: ("test", "testing", "tst", "holdout", "heldout", "evaluation", "eval"),
}
_SPLIT_OF_WORD = {word: split for split, words in _WORDS.items() for word in words}


def split_of_word(word: str) -> str | None:
    """Return the split that a cell or a folder name means, None if it means none."""
    return _SPLIT_OF_WORD.get("".join(letter for letter in word.lower() if letter.isalpha()))


def splits_in_name(name: str) -> set[str]:
    """Return the splits that words of a file's name mean."""
    return {split for word in re.findall(r"[A-Za-z]+", name) if (split := split_of_word(word))}


def split_in_name(name: str) -> str:
    """Return the one split that a word of a file's name means, empty if none or several do: `instances_train2017`."""
    found = splits_in_name(name)
    return found.pop() if len(found) == 1 else ""


def with_split_folders(manifest: Manifest) -> Manifest:
    """Return a manifest with the splits that folders say, where the data say none otherwise and all with a label lie in one."""
    rows = manifest.rows
    if (rows[SPLIT] != "").any():
        return manifest
    splits = rows[FILE].map(_split_of_folders)
    known = splits[rows[SUPERVISION] != UNLABELLED]
    if TRAIN not in set(known) or known.nunique() < 2 or (known == "").any():
        return manifest
    return with_splits(manifest, splits, "The folders are named for splits")


def with_splits(manifest: Manifest, splits: pd.Series[str], how: str) -> Manifest:
    """Return a manifest with splits, a value a row, and a note that says how they are given and how many images each has."""
    told = ", ".join(f"{split} {count}" for split, count in splits[splits != ""].value_counts().items())
    rows = manifest.rows.assign(**{SPLIT: splits})
    return dataclasses.replace(manifest, rows=rows, notes=(*manifest.notes, f"{how}: {told}."))


def _split_of_folders(file: str) -> str:
    return next((split for part in PurePosixPath(file).parts[:-1] if (split := split_of_word(part))), "")
