"""The words by which data name their own splits."""

from __future__ import annotations

import re

from tasks.domain.manifest import TEST, TRAIN, VALIDATION

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
