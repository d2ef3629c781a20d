"""Words that only resemble a name of the data: a slip of the pen, or a part of a longer label."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agents.playbook.intent.data_words import Meaning

if TYPE_CHECKING:
    from agents.playbook.intent.data_words import DataWords
    from agents.playbook.intent.words import Token

_SHORTEST = 6


def resembles(token: Token, data: DataWords) -> Meaning | None:
    """Return what a word that is no known one may stand for; None if nothing, or more than one thing, is that close.

    Only names that the data has are candidates, the first letter must agree (atypical is not typical), and one slip is allowed
    (hypertension is not hypotension).
    """
    word = token.norm
    if len(word) < _SHORTEST or not word.isalpha():
        return None
    close: dict[tuple[str, ...], Meaning] = {}
    for key, meaning in data.table.items():
        if (
            meaning.labels
            and len(key) == 1
            and len(key[0]) >= _SHORTEST
            and key[0][0] == word[0]
            and _one_slip(word, key[0])
        ):
            close[meaning.labels] = replace(meaning, similar_to=" ".join(meaning.labels))
    if not close:
        close = {
            (item.label,): Meaning(labels=(item.label,), similar_to=item.label)
            for item in data.labels
            if word in item.words and not item.concept
        }
    return next(iter(close.values())) if len(close) == 1 else None


def _one_slip(first: str, second: str) -> bool:
    """Say whether one letter added, dropped, changed or swapped with its neighbour turns one word into the other."""
    if first == second:
        return True
    if abs(len(first) - len(second)) > 1:
        return False
    at = next((k for k, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second)))
    if len(first) == len(second):
        swapped = first[at + 1 : at + 2] == second[at] and first[at] == second[at + 1 : at + 2]
        return first[at + 1 :] == second[at + 1 :] or (swapped and first[at + 2 :] == second[at + 2 :])
    longer, shorter = (first, second) if len(first) > len(second) else (second, first)
    return longer[at + 1 :] == shorter[at:]
