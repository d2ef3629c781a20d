"""Takes out of a text what names a patient, a file or a rare cell of the data, before a language model sees the text.

What a run prints comes from code that saw training images under opaque names, so little of this should ever be found. It is the last
of several walls, and the only one for text that nobody can foresee: no proof, since whoever wants to can spell a name in a way that
nobody thought of.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pandas as pd

from tasks.domain.manifest import ATTRIBUTE, FILE, GROUP, IMAGE_ID, LABEL
from tasks.spelling import JOINS, PIECE, keys_of, plain_key, plainly_written

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

WITHHELD = "[withheld]"
COMMON_FROM = 5
"""Patients or lesions from which on a value is a category (a sex, a body site) and no longer names anybody."""
COMMON_IMAGES, COMMON_PART = 20, 0.02
"""Images, and part of all of them, from which on it is one where the data names no patients: five could be one person's."""
SHORTEST, FEWEST_DIGITS, SHORTEST_WORD = 3, 6, 4
"""Characters of a text, digits of a number, and letters of one word of a longer name, below which it names nobody and would blot out
figures of a log."""
LOG_WORDS = frozenset(
    # What training programs, tracebacks and Python say all the time: withheld, they would make every log unreadable, and none is a name
    # by which a person could be found.
    "batch bytes class classes code command cuda data dataset device dtype epoch error exception exit failed false file files float found "  # noqa: SIM905
    "image images index input inputs invalid label labels layer line lines loss memory metric metrics missing mode model module name none "
    "number output path patient patients process python rate return runtimeerror scan scans seconds size step steps study tensor test time "
    "torch traceback train training true type typeerror unknown validation value valueerror values warning weight weights".split()
)
_MOST_PIECES = 24
_MOST_TURNED = 4


class Withholder:
    """Knows what of one study's data must not be told."""

    def __init__(self, rows: pd.DataFrame) -> None:
        """Learn it from the rows of a manifest."""
        seen = _Seen(rows)
        self._secrets: dict[str, set[tuple[str, ...]]] = defaultdict(set)
        self._alone: set[str] = set()
        for value in seen.secrets():
            self._learn(value, seen)
        self._lengths = {first: sorted({len(item) for item in items}, reverse=True) for first, items in self._secrets.items()}  # fmt: skip

    def withhold(self, text: str) -> str:
        """Return a text with every such name replaced by `[withheld]`, however it is cased, spelled, joined or turned about.

        Control characters, colours and signs without width are taken out of the text, as a name could hide behind them.
        """
        text = plainly_written(text)
        pieces = list(PIECE.finditer(text))
        keys = [plain_key(piece.group()) for piece in pieces]
        shown, end, place = [], 0, 0
        while place < len(pieces):
            length = self._length_at(text, pieces, keys, place)
            if length:
                shown += [text[end : pieces[place].start()], WITHHELD]
                end = pieces[place + length - 1].end()
            place += max(1, length)
        return "".join([*shown, text[end:]])

    def _length_at(self, text: str, pieces: list[re.Match[str]], keys: list[str], place: int) -> int:
        """Return how many pieces from here on are a name; 0 if none."""
        key = keys[place]
        for length in self._lengths.get(key, ()):
            found = tuple(keys[place : place + length])
            if (
                len(found) == length
                and found in self._secrets[key]
                and _are_joined(text, pieces[place : place + length])
            ):
                return length
        bare = key.strip("0123456789") if not key.isalpha() else key
        return int(key in self._alone or bare in self._alone)

    def _learn(self, value: str, seen: _Seen) -> None:
        written = [piece.group() for piece in PIECE.finditer(plainly_written(value))][:_MOST_PIECES]
        if (
            not written
            or not _names_somebody(value, written)
            or (len(written) == 1 and plain_key(written[0]) in LOG_WORDS)
        ):
            return
        for pieces in keys_of(written):
            for turned in _turned(pieces):
                self._secrets[turned[0]].add(turned)
            if len(pieces) > 1:
                self._alone |= {piece for piece in pieces if _says_who(piece) and not seen.is_common(piece)}


@dataclass(slots=True)
class _Seen:
    """Which values and words of a manifest were seen with how many patients, or images."""

    rows: pd.DataFrame
    values: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Patients by folder, file, label or cell."""
    words: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Patients by word of these, and of the names of patients."""
    names: set[str] = field(default_factory=set)
    """Files, their folders, and patients."""
    told: set[str] = field(default_factory=set)
    """Keys of labels that are told in clear, and their words."""
    common_from: float = COMMON_FROM

    def __post_init__(self) -> None:
        rows = self.rows
        if IMAGE_ID in rows and bool((rows[IMAGE_ID].astype(str) == rows[GROUP].astype(str)).all()):
            self.common_from = max(COMMON_IMAGES, COMMON_PART * len(rows))
        attributes = [name for name in rows.columns if str(name).startswith(ATTRIBUTE)]
        for column in (FILE, GROUP, LABEL, *attributes):
            seen = pd.DataFrame({"value": rows[column], "group": rows[GROUP]}).dropna().astype(str).drop_duplicates()
            for value, group in zip(seen["value"], seen["group"], strict=True):
                self._see(value, group, column, is_number=pd.api.types.is_float_dtype(rows[column]))
        for label, count in rows.groupby(LABEL)[GROUP].nunique().items():
            if count >= COMMON_FROM:  # as they are told to a language model by name
                self.told |= {_key_of(str(label)), *_key_of(str(label)).split()}

    def _see(self, value: str, group: str, column: str, *, is_number: bool) -> None:
        for part in _parts(value) if column in (FILE, GROUP) else (value,):
            if column in (FILE, GROUP):
                self.names.add(part)
            if column != GROUP:
                self.values[part].add(group)
            if not is_number:
                for piece in PIECE.findall(part):
                    self.words[plain_key(piece)].add(group)

    def is_common(self, word: str) -> bool:
        """Return whether a word says nothing of one patient."""
        return word in LOG_WORDS or word in self.told or len(self.words.get(word, ())) >= self.common_from

    def secrets(self) -> Iterable[str]:
        """Return all values that must not be told."""
        common = {value for value, groups in self.values.items() if len(groups) >= self.common_from}
        told = {_key_of(value) for value in common} | self.told
        rare = set(self.values) - common
        return [value for value in (self.names - common) | rare if _key_of(value) not in told]


def _parts(path: str) -> Iterator[str]:
    """Yield a path's folders, its name, and its name without the ending."""
    for part in PurePosixPath(path).parts:
        yield part
        yield PurePosixPath(part).stem


def _key_of(value: str) -> str:
    """Return what a value is known by, however its words are joined."""
    return " ".join(plain_key(piece) for piece in PIECE.findall(plainly_written(value)))


def _turned(pieces: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield a name, and with its last words first: 'Lovelace, Ada' is Ada Lovelace."""
    words = sum(piece.isalpha() for piece in pieces)
    turns = len(pieces) if words >= 2 and len(pieces) <= _MOST_TURNED else 1
    for start in range(turns):
        yield pieces[start:] + pieces[:start]


def _are_joined(text: str, pieces: list[re.Match[str]]) -> bool:
    return all(JOINS.fullmatch(text, one.end(), other.start()) for one, other in pairwise(pieces))


def _says_who(piece: str) -> bool:
    return len(piece) >= (FEWEST_DIGITS if piece.isdigit() else SHORTEST_WORD) and (piece.isalpha() or piece.isdigit())


def _names_somebody(value: str, pieces: list[str]) -> bool:
    joined = "".join(pieces)
    return len(joined) >= FEWEST_DIGITS if joined.isdigit() else len(value) >= SHORTEST
