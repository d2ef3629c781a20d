"""Whether two names mean the same thing: tolerant of spelling only, never of meaning.

Class names and attributes are the same if their words are (`no_PTX`, `no ptx`; upper or lower case, underscores, singular or
plural, British or American spelling), or if the lexicon of the parser ties both to one concept (`mel`, melanoma). Things that a
request warns of are named freely, so for them one word that says something is enough (`burned_in_ICU_text`, `icu text`).
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from agents.playbook.intent.lexicon import load_lexicon
from agents.playbook.intent.words import phrase

if TYPE_CHECKING:
    from collections.abc import Iterable

_NEGATORS = {phrase(word)[0] for word in ("no", "non", "not", "without", "negative", "absent", "free", "other", "rest")}
_EMPTY_WORDS = {
    phrase(word)[0]
    for word in (
        "the", "a", "an", "of", "in", "on", "at", "to", "and", "or", "by", "for", "with", "is", "was", "per", "id", "burned", "burnt", "mark", "marks",
        "marking", "markings", "marker", "markers", "artefact", "artefacts", "artifact", "image", "images", "effect", "bias", "group", "groups", "type",
        "present", "presence", "status", "patient", "level", "value", "category", "class",
    )
}  # fmt: skip


_UNITS = {"y": "year", "yr": "year", "m": "month", "mo": "month", "w": "week", "d": "day"}
_SPELLED = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "twelve": "12"} | dict.fromkeys(
    ("mortality", "dead", "died", "dying", "die"), "death"
)
_BETWEEN = {"within", "after", "in", "at", "by"}


@cache
def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a name in the form that is compared; `death_1y` and `death within one year` are one."""
    spaced = re.sub(
        r"(\d+)(yr|y|mo|m|w|d)\b", lambda found: f"{found[1]} {_UNITS[found[2]]}", re.sub(r"[_-]", " ", name.lower())
    )
    words = [_SPELLED.get(word, word) for word in re.findall(r"\S+", spaced)]
    timed = any(word.isdigit() for word in words)
    return phrase(" ".join(word for word in words if not (timed and word in _BETWEEN)))


@cache
def concept_of(name: str) -> str:
    """Return the concept of the lexicon that a whole name stands for; empty if there is none."""
    words = words_of(name)
    found = (
        item.id
        for item in load_lexicon().concepts.values()
        if item.kind != "modality" and words in item.words + item.codes
    )
    return next(found, "") if words else ""


def name_key(name: str) -> str:
    """Return a text that is equal for names that mean the same class."""
    return concept_of(name) or " ".join(words_of(name))


def same_class(one: str, other: str) -> bool:
    """Return whether two class names mean the same class."""
    return bool(words_of(one)) and name_key(one) == name_key(other)


def one_begins_with_the_other(one: str, other: str) -> bool:
    """Return whether a class name has the words of another, in any order, or is the other with a noun added at its end.

    `referable_dr` is `referable` said in full, while `bacterial pneumonia` is not `pneumonia`: what stands before narrows.
    """
    first, second = words_of(one), words_of(other)
    if not first or not second or (set(first) & _NEGATORS) != (set(second) & _NEGATORS):
        return False
    shorter = min(len(first), len(second))
    return set(first) == set(second) or first[:shorter] == second[:shorter]


def same_thing(one: str, one_column: str, other: str, other_column: str) -> bool:
    """Return whether two attributes or shortcuts are one: by the column of the data where both name one, else by their words."""
    if one_column and other_column:
        return words_of(one_column) == words_of(other_column)
    names = [(a, b) for a in {one, one_column} for b in {other, other_column} if a and b]
    return any(_speak_of_one(a, b) for a, b in names)


def _speak_of_one(one: str, other: str) -> bool:
    if words_of(one) == words_of(other) or (concept_of(one) and concept_of(one) == concept_of(other)):
        return True
    first, second = _telling(one), _telling(other)
    return bool(first & second)


@cache
def _telling(name: str) -> frozenset[str]:
    """Return the words of a name that say something; all of them if none does."""
    words = set(words_of(name))
    return frozenset(words - _EMPTY_WORDS or words)


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Return names without those that mean the same class as an earlier one."""
    kept: dict[str, str] = {}
    for name in names:
        kept.setdefault(name_key(name), name)
    return tuple(kept.values())
