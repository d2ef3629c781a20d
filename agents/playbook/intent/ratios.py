"""Ratios of a request that stand apart: '15 healthy ones in a hundred', 'of ten patients at least nine'; and plain shares."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from agents.playbook.intent.words import norms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.playbook.intent.chunks import Unit
    from agents.playbook.intent.reading import Reading

_OF = norms(
    "of", "in", "out of", "from", "per", "for", "among", "amongst", "to", "/", "with", "within", "out", "against"
)
_EVERY = norms("every", "each", "the", "a", "any", "all")
_MEASURED = norms(
    "year", "month", "week", "day", "hour", "minute", "mm", "cm", "millimetre", "millimeter", "pixel", "lead", "view",
    "reader", "grader", "class", "diagnosis", "point", "hospital", "center", "centre", "site", "scanner", "fold", "seed",
)  # fmt: skip
"""A number of these is no part of a ratio of cases."""
_NAMED_BY = norms("real", "true", "the", "this", "which", "diseased", "sick", "ill", "each", "every", "no")
"""Words before 'one' that make it stand for a person."""
_TIME = re.compile(r"\d+\s*/\s*(?:7|12|24|52)")
"""Days, months, hours and weeks as they are written in notes: '3/12' is three months."""
_LONGEST_GAP = 6
_LONGEST_WAY_BACK = 9


@dataclass(frozen=True, slots=True)
class Ratio:
    """A share of something, told by one number or by two."""

    value: float
    """0 to 1."""
    at: tuple[int, ...]
    """Positions of the units that hold the numbers, in the order of the text."""


def ratios(reading: Reading, taken: set[int]) -> list[Ratio]:
    """Return the shares that no rule has taken, and the pairs of numbers that are one."""
    found = [
        Ratio(round(unit.share, 6), (at,))
        for at, unit in enumerate(reading.units)
        if unit.share is not None
        and at not in taken | reading.silenced | reading.used
        and not _TIME.fullmatch(unit.text)
    ]
    for sentence in reading.sentences():
        numbers = [k for k in sentence if _is_count(reading, k) and k not in taken and k not in reading.silenced]
        pairs = _pairs(reading, numbers)
        found += pairs
    return sorted(found, key=lambda ratio: ratio.at)


def _pairs(reading: Reading, numbers: list[int]) -> Iterator[Ratio]:
    units, spent = reading.units, set[int]()
    for first, second in pairwise(numbers):
        one, other = units[first].number, units[second].number
        if one is None or other is None or spent & {first, second} or max(one, other) <= 1:
            continue
        forward = one < other and second - first <= _LONGEST_GAP and _is_whole(units, second)
        backward = other < one and second - first <= _LONGEST_WAY_BACK and _is_whole(units, first)
        if forward or backward:
            spent |= {first, second}
            yield Ratio(round(min(one, other) / max(one, other), 6), (first, second))


def _is_count(reading: Reading, at: int) -> bool:
    """Say whether a unit is a whole number of cases: no share, no code of a label, no number of years."""
    unit = reading.units[at]
    if unit.number is None or unit.share is not None or unit.number % 1 or unit.is_thing:
        return False
    before = reading.units[at - 1] if at else None
    named = before is not None and (bool(before.tags & {"HEALTHY"}) or before.norm in _NAMED_BY)
    stands_for_people = named and unit.text.lower() == "one"
    after = reading.units[at + 1].norm if at + 1 < len(reading.units) else ""
    return not stands_for_people and after not in _MEASURED


def _is_whole(units: tuple[Unit, ...], at: int) -> bool:
    """'Out of every hundred', 'per twenty': the number is what the other one is a part of."""
    before = [unit.norm for unit in units[max(0, at - 2) : at]]
    return bool(before) and (before[-1] in _OF or (before[-1] in _EVERY and len(before) > 1 and before[0] in _OF))
