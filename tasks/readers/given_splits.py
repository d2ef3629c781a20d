"""The words by which data name their own splits."""

from __future__ import annotations

import dataclasses
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tasks.domain.manifest import FILE, SPLIT, SUPERVISION, TEST, TRAIN, UNLABELLED, VALIDATION

if TYPE_CHECKING:
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


def split_in_name(name: str) -> str:
    """Return the one split that a word of a file's name means, empty if none or several do: `instances_train2017`."""
    found = {split for word in re.findall(r"[A-Za-z]+", name) if (split := split_of_word(word))}
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
    told = ", ".join(f"{split} {count}" for split, count in splits[splits != ""].value_counts().items())
    note = f"The folders are named for splits: {told}."
    return dataclasses.replace(manifest, rows=rows.assign(**{SPLIT: splits}), notes=(*manifest.notes, note))


def _split_of_folders(file: str) -> str:
    return next((split for part in PurePosixPath(file).parts[:-1] if (split := split_of_word(part))), "")
