"""Wordings looked up word by word, whatever units the words were grouped into: for rules that weigh evidence instead of a pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.intent.words import tokenise

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agents.playbook.intent.reading import Reading

Wordings = frozenset[tuple[str, ...]]


def wordings(*texts: str) -> Wordings:
    """Return wordings in the form that `spots` looks for: the normal forms of their words."""
    return frozenset(tuple(token.norm for token in tokenise(text)) for text in texts)


def spots(reading: Reading, places: Iterable[int], sought: Wordings) -> list[int]:
    """Return the positions, among these units, at which one of the wordings begins."""
    flat = [(word, at) for at in places if at not in reading.silenced for word in reading.units[at].norm.split()]
    longest = max(map(len, sought))
    return [
        flat[first][1]
        for first in range(len(flat))
        if any(tuple(word for word, _ in flat[first : first + length]) in sought for length in range(1, longest + 1))
    ]


def has(reading: Reading, places: Iterable[int], sought: Wordings) -> bool:
    """Say whether one of the wordings stands among these units."""
    return bool(spots(reading, places, sought))


def tags_in(reading: Reading, places: Iterable[int]) -> frozenset[str]:
    """Return the tags of all of these units that are not silenced."""
    return tags_of(reading, (k for k in places if k not in reading.silenced))


def tags_of(reading: Reading, places: Iterable[int]) -> frozenset[str]:
    """Return the tags of all of these units, silenced ones too."""
    return frozenset[str]().union(*(reading.units[k].tags for k in places))


def is_wish(reading: Reading, sentence: range) -> bool:
    """Say whether a sentence wants something: it asks, demands, wishes, or begins with a request; else it only tells."""
    asks = sentence.stop < len(reading.units) and reading.units[sentence.stop].norm == "?"
    return asks or bool(tags_in(reading, sentence) & {"WISH", "DEMAND", "CANNOT"}) or has(reading, sentence, _POLITE)


_POLITE = wordings(
    "please", "kindly", "has to", "have to", "needs to", "is to", "are to", "will not do", "expected", "ought", "had better", "supposed to",
)  # fmt: skip
