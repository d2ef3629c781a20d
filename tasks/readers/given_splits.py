"""The words by which data name their own splits."""

from __future__ import annotations

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
