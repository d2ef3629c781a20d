"""Errors with a price each: 'count an overlooked cancer as 20 and a needless biopsy as 1', 'a miss costs 50 points, a false alarm 2'."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.intent.errors import Error, Errors, error_in
from agents.playbook.intent.evidence import has, wordings

if TYPE_CHECKING:
    from agents.playbook.intent.reading import Reading

_PRICE = wordings(
    "count",
    "weigh",
    "weight",
    "cost",
    "costs",
    "price",
    "point",
    "points",
    "worth",
    "penalty",
    "penalise",
    "charge",
    "score",
)
_FEWEST = 2
_AT = frozenset({"as", "at", "with", "count", "cost"})
"""Before 'one' they make a price of it, and no person: 'a missed one costs 50'."""


def read_prices(reading: Reading) -> Errors | None:
    """Return the errors of a sentence that gives a number to each of at least two; None if there is none."""
    for sentence in reading.sentences():
        numbers = [
            k
            for k in sentence
            if reading.units[k].number is not None and reading.units[k].share is None and not reading.units[k].is_thing
        ]
        if len(numbers) < _FEWEST or not has(reading, sentence, _PRICE):
            continue
        numbers = [k for k in numbers if reading.units[k].text.lower() != "one" or reading.units[k - 1].norm in _AT]
        starts = [sentence.start, *(at + 1 for at in numbers)]
        found: list[tuple[Error, float]] = []
        for start, at in zip(starts, numbers, strict=False):
            error = error_in(reading, range(start, at))
            price = reading.units[at].number
            if error is not None and price:
                found.append((error, float(price)))
        if len(found) == len(numbers) and len({price for _, price in found}) > 1:
            ranked = tuple(sorted(found, key=lambda item: -item[1]))
            reading.used.update(sentence)
            return Errors(ranked, said=True, first=sentence.start, end=sentence.stop)
    return None
