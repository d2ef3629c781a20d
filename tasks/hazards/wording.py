"""How numbers and lists are put into the sentences of hazards."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: `1 image`, `1,200 images`."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def are(number: int) -> str:
    """Return the verb that fits."""
    return "is" if number == 1 else "are"


def have(number: int) -> str:
    """Return the verb that fits."""
    return "has" if number == 1 else "have"


def listed(words: Sequence[str], most: int = 5) -> str:
    """Return words with commas, those beyond the most as a number."""
    left = len(words) - most
    return ", ".join(words[:most]) + (f" and {left:,} more" if left > 0 else "")


def capitalised(sentence: str) -> str:
    """Return a sentence with its first letter in upper case, the rest as it is."""
    return f"{sentence[:1].upper()}{sentence[1:]}"
