"""Words that only resemble a name of the data: a slip of the pen, or a part of a longer label."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rapidfuzz.distance import OSA

from agents.playbook.intent.data_words import Meaning
from agents.playbook.intent.words import norms

if TYPE_CHECKING:
    from agents.playbook.intent.data_words import DataWords
    from agents.playbook.intent.words import Token

_SHORTEST = 6
_SUFFIXES = frozenset({"iz", "is", "al", "ic", "ous", "tous", "tic", "itic", "ot", "otic", "osis", "osi", "ation", "ion", "ious", "ization", "iti", "itis", "ar", "y", "e", "a", "um", "n", "able", "abl", "ral", "ant", "ancy"})  # fmt: skip
_OTHER_WORDS = norms("health", "region", "section", "moderate", "relation")
"""Ordinary words that are one letter away from a name."""
_GENERAL = norms("disease", "diseas", "lesion", "finding", "cancer cell", "image", "patient", "abnormality", "normal", "healthy")  # fmt: skip


def resembles(token: Token, data: DataWords) -> Meaning | None:
    """Return what a word that is no known one may stand for; None if nothing, or more than one thing, is that close.

    Only names that the data has are candidates, the first letter must agree (atypical is not typical), and one slip is allowed
    (hypertension is not hypotension).
    """
    word = token.norm
    if len(word) < _SHORTEST or not word.isalpha() or word in _OTHER_WORDS:
        return None
    close: dict[tuple[str, ...], Meaning] = {}
    for key, meaning in data.table.items():
        if (
            meaning.labels
            and len(key) == 1
            and len(key[0]) >= _SHORTEST
            and key[0][0] == word[0]
            and one_slip(word, key[0])
        ):
            close[meaning.labels] = replace(meaning, similar_to=" ".join(meaning.labels))
    if not close:
        close = {
            (item.label,): Meaning(concept=item.concept, labels=(item.label,))
            for item in data.labels
            if len(item.words) == 1 and not item.denies and akin(word, item.words[0])
        }
    if not close:
        close = {
            (item.label,): Meaning(labels=(item.label,), similar_to=item.label)
            for item in data.labels
            if word in item.words and not item.concept
        }
    return next(iter(close.values())) if len(close) == 1 else None


def akin(word: str, name: str) -> bool:
    """Say whether two words are one, or one is derived from the other: 'parasite' and 'parasitised', 'glaucoma' and 'glaucomatous'."""
    shorter, longer = sorted((word, name), key=len)
    if len(shorter) < _SHORTEST - 1 or word in _GENERAL:
        return False
    return shorter == longer or (longer.startswith(shorter) and longer.removeprefix(shorter) in _SUFFIXES)


def one_slip(first: str, second: str) -> bool:
    """Say whether one letter added, dropped, changed or swapped with its neighbour turns one word into the other."""
    return OSA.distance(first, second, score_cutoff=1) <= 1
