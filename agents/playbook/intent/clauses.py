"""The clauses of a request: pieces of a sentence between commas, dashes and 'but'."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.playbook.intent.reading import Reading

_BREAKS = frozenset({",", ":", "(", ")", "-", "\u2013", "\u2014", "but", "so"})


def clauses(reading: Reading) -> Iterator[range]:
    """Yield the clauses as ranges of units, without the signs between them."""
    for sentence in reading.sentences():
        first = sentence.start
        for at in sentence:
            if reading.units[at].norm in _BREAKS:
                if at > first:
                    yield range(first, at)
                first = at + 1
        if sentence.stop > first:
            yield range(first, sentence.stop)


def clause_of(reading: Reading, at: int) -> range:
    """Return the clause that holds a unit."""
    return next((clause for clause in clauses(reading) if at in clause), range(at, at + 1))
