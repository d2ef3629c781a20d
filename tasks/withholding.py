"""Takes out of a text what names a patient, a file or a rare cell of the data, before a language model sees the text.

What a run prints comes from code that saw training images under opaque names, so little of this should ever be found. It is the last
of several walls, and the only one for text that nobody can foresee.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tasks.domain.manifest import ATTRIBUTE, FILE, GROUP, LABEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

WITHHELD = "[withheld]"
COMMON_FROM = 5
"""Patients or lesions from which on a value is a category (a sex, a body site) and no longer names anybody."""
SHORTEST, FEWEST_DIGITS = 3, 6
"""Characters of a text, and digits of a number, below which it names nobody and would blot out figures of a log."""
_WORD = re.compile(r"[^\s\"'`=,;:()\[\]{}<>/\\|]+")
_LONGEST_IN_WORDS = 8


class Withholder:
    """Knows what of one study's data must not be told."""

    def __init__(self, rows: pd.DataFrame) -> None:
        """Learn it from the rows of a manifest."""
        groups: dict[str, set[str]] = defaultdict(set)
        names: set[str] = set()
        for column in (FILE, GROUP):
            names |= {part for value in rows[column].dropna().unique() for part in _parts(str(value))}
        for column in (FILE, *(name for name in rows.columns if str(name).startswith(ATTRIBUTE))):
            for value, group in zip(rows[column], rows[GROUP], strict=True):
                if value is not None and value == value:  # noqa: PLR0124 - nan is not equal to itself
                    for part in _parts(str(value)) if column == FILE else (str(value),):
                        groups[part].add(str(group))
        told = {str(label).casefold() for label in rows[LABEL].dropna().unique()}
        rare = {value for value, seen in groups.items() if len(seen) < COMMON_FROM}
        common = {value for value, seen in groups.items() if len(seen) >= COMMON_FROM}
        secrets = (_words_of(value) for value in (names - common) | rare if value.casefold() not in told)
        self._secrets = {words for words in secrets if words and _names_somebody(" ".join(words))}

    def withhold(self, text: str) -> str:
        """Return a text with every such name, however it is cased, replaced by `[withheld]`."""
        words = list(_WORD.finditer(text))
        folded = [word.group().casefold() for word in words]
        shown, end, place = [], 0, 0
        while place < len(words):
            length = next((size for size in range(_LONGEST_IN_WORDS, 0, -1) if self._is_secret(folded, place, size)), 0)
            if length:
                shown += [text[end : words[place].start()], WITHHELD]
                end = words[place + length - 1].end()
            place += max(1, length)
        return "".join([*shown, text[end:]])

    def _is_secret(self, folded: list[str], place: int, size: int) -> bool:
        words = tuple(folded[place : place + size])
        if len(words) < size:
            return False
        return words in self._secrets or (size == 1 and tuple(_bare(words[0])) in self._secrets)


def _parts(path: str) -> Iterator[str]:
    """Yield a path's folders, its name, and its name without the ending."""
    for part in PurePosixPath(path).parts:
        yield part
        yield PurePosixPath(part).stem


def _words_of(value: str) -> tuple[str, ...]:
    return tuple(word.casefold() for word in _WORD.findall(value))[:_LONGEST_IN_WORDS]


def _bare(word: str) -> list[str]:
    """Return a word without the full stop that ends a sentence, or the ending of a file."""
    return [word.rstrip(".!?").rpartition(".")[0] or word.rstrip(".!?")]


def _names_somebody(value: str) -> bool:
    digits = re.sub(r"[.\-\s]", "", value)
    return len(digits) >= FEWEST_DIGITS if digits.isdigit() else len(value) >= SHORTEST
