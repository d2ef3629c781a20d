"""Things that an answer must not rest on, however the sentence is built: a wish to disregard, and what it is about.

A wish to disregard is a verb ('ignore'), a turned down way of looking ('not be fooled by', 'not at'), or a role that is denied
('make no difference', 'must not matter'). What it is about stands behind it, before it in the same clause, or, where it says only
'those' or 'that', in what was said before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.intent.clauses import clause_of
from agents.playbook.intent.evidence import has, wordings
from agents.playbook.intent.words import norms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agents.playbook.intent.reading import Reading

_POINTING = frozenset({"those", "these", "thos", "thes", "them", "it", "that", "this", "such", "either", "neither"})
_ONTO = frozenset({"at", "on", "by", "from", "because"})
_ENDS = norms("but", "because", "so", "since", "although", "while", "unless", "except")
_ROLE = norms("matter", "count", "decide", "weigh", "role", "part", "difference", "influence", "bearing", "effect", "impact", "factor", "sway", "change", "say", "clue", "hint", "evidence", "help", "enter", "feature", "drive", "determine", "steer", "betray")  # fmt: skip
"""What is denied of a thing that must not count."""
_RECOGNISES = norms("recognise", "detect", "see", "find", "read", "learn")
_INSTEAD = wordings("instead", "rather than", "in place of")
_UNWILLING = norms("none", "hate", "dread", "loathe", "detest")
_HANDS = norms("surgeon", "photographer", "technician", "operator", "nurse")
"""Who leaves marks: 'I want no model that has learnt to read the surgeon'."""
_AWAY = wordings("away", "clue", "hint")
_REACH = 6
"""So many units may stand between a denial and what it denies."""
_BACK = 3
"""So many sentences back may 'those' point."""
_PAST = frozenset({"was", "were", "had", "did"})


def shunned(reading: Reading, could_be: Callable[[int], bool]) -> Iterator[tuple[int, int, list[int]]]:
    """Yield each wish to disregard: first unit, the one behind the last, and the positions of the things it is about.

    Args:
        reading: The request; what other rules have claimed is left to them.
        could_be: Says of a position whether the thing there can be a cue at all.
    """
    sentences = list(reading.sentences())
    for number, sentence in enumerate(sentences):
        for at in _wishes(reading, sentence):
            things = _about(reading, sentence, at, could_be)
            if not things and _points_back(reading, sentence, at):
                things = _before(sentences[max(0, number - _BACK) : number + 1], at, could_be)
            if things:
                yield min(at, things[0]), max(at, things[-1]) + 1, things


def _wishes(reading: Reading, sentence: range) -> Iterator[int]:
    """Yield where a sentence says that something must not count; what is told of the past is no wish."""
    for at in sentence:
        unit = reading.units[at]
        if at in reading.silenced or is_told(reading, at):
            continue
        denied = _denial(reading, at, sentence)
        ignores = "IGNORE" in unit.tags and not denied
        leans = bool(unit.tags & {"LEAN"}) and denied
        no_role = bool(_ROLE & set(unit.norm.split())) and denied and not unit.is_thing
        no_role = no_role or (
            unit.norm == "give" and denied and has(reading, range(at, min(at + 5, sentence.stop)), _AWAY)
        )
        no_role = no_role or (unit.norm in _RECOGNISES and denied and _has_instead(reading, sentence, at))
        turned = "NOT" in unit.tags and _is_turned_aside(reading, sentence, at)
        if ignores or leans or no_role or turned:
            yield at


def _has_instead(reading: Reading, sentence: range, at: int) -> bool:
    """'A model which recognises the machine instead of the bowel'."""
    return has(reading, range(at, sentence.stop), _INSTEAD)


def is_told(reading: Reading, at: int) -> bool:
    """Say whether the clause tells of the past: 'the ruler did not matter in our last study'."""
    units = [reading.units[k] for k in clause_of(reading, at)]
    return any(_PAST & set(unit.text.lower().split()) and not unit.is_thing for unit in units)


def _denial(reading: Reading, at: int, sentence: range) -> bool:
    """Say whether a NOT stands shortly before this unit, with no other clause between; 'no difference' is one unit or two."""
    if {"no", "not", "never", "without"} & set(reading.units[at].norm.split()[:-1]):
        return True
    for k in range(at - 1, max(sentence.start, at - 1 - _REACH) - 1, -1):
        if reading.units[k].norm in _ENDS or (reading.units[k].is_sign and reading.units[k].norm != ","):
            return False
        if "NOT" in reading.units[k].tags or reading.units[k].norm in _UNWILLING:
            return True
    return False


def _is_turned_aside(reading: Reading, sentence: range, at: int) -> bool:
    """'... look at the lesion, not at the ruler': the denial takes up a way of looking that stands before it."""
    follows = at + 1 in sentence and reading.units[at + 1].norm in _ONTO
    looked = any("LEAN" in reading.units[k].tags for k in sentence if k < at)
    return follows and looked


def _about(reading: Reading, sentence: range, at: int, could_be: Callable[[int], bool]) -> list[int]:
    """Return the things behind a wish, to the next turn of the sentence; where there are none, those before it in its clause."""
    behind = []
    for k in range(at + 1, sentence.stop):
        unit = reading.units[k]
        if unit.norm in _ENDS or (unit.is_sign and unit.norm not in {",", "/", "&"} and not unit.tags):
            break
        if could_be(k):
            behind.append(k)
    if behind:
        return behind
    clause = clause_of(reading, at)
    first = next((k + 1 for k in range(at - 1, sentence.start - 1, -1) if reading.units[k].norm in _ENDS), clause.start)
    first = min(first, clause.start) if _is_list(reading, sentence.start, clause.start, could_be) else clause.start
    return [k for k in range(first, at) if could_be(k)]


def _is_list(reading: Reading, first: int, end: int, could_be: Callable[[int], bool]) -> bool:
    """'Rulers, ink and hair must not count': the clauses before the last one hold nothing but things."""
    return all(could_be(k) or reading.units[k].is_sign or reading.units[k].norm in {"the", "and", "or", "any", "neither"} for k in range(first, end))  # fmt: skip


def _points_back(reading: Reading, sentence: range, at: int) -> bool:
    """Say whether the words at a wish only point: 'not at those', 'don't let it learn that', 'none of this may matter'."""
    behind = range(at + 1, min(sentence.stop, at + 4))
    before = range(max(clause_of(reading, at).start, at - 4), at)
    nouns = [k for k in behind if reading.units[k].is_thing]
    told_of = any(
        "STAFF" in reading.units[k].tags or reading.units[k].norm in _HANDS
        for k in range(at, min(sentence.stop, at + 6))
    )
    return not nouns and (told_of or any(reading.units[k].norm in _POINTING for k in [*behind, *before]))


def _before(sentences: list[range], at: int, could_be: Callable[[int], bool]) -> list[int]:
    """Return the things of the nearest sentence that has any, this one first."""
    for sentence in reversed(sentences):
        things = [k for k in sentence if k < at and could_be(k)]
        if things:
            return things
    return []
