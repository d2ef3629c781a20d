"""Lists of names that the data does not know: 'abdomen, brain or femur' asked of labels that are none of these."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.intent.words import norms

if TYPE_CHECKING:
    from agents.playbook.intent.reading import Reading

_PARTS = norms(",", "/", "or", "and", ":", "|")
_LONGEST_ITEM, _FEWEST_ITEMS, _FEWEST_FOREIGN = 3, 3, 2


def foreign_name(reading: Reading) -> str:
    """Return the first name of a list of three or more of which at least two mean nothing in the data; empty if there is none."""
    for sentence in reading.sentences():
        run: list[range] = []
        for item in [*_items(reading, sentence), range(0)]:
            if 0 < len(item) <= _LONGEST_ITEM and not _is_other(reading, item):
                run.append(item)
                continue
            foreign = [one for one in run if _is_foreign(reading, one)]
            if len(run) >= _FEWEST_ITEMS and len(foreign) >= _FEWEST_FOREIGN:
                return reading.words(foreign[0].start, foreign[0].stop)
            run = []
    return ""


def _items(reading: Reading, sentence: range) -> list[range]:
    items, first = [], sentence.start
    for at in sentence:
        if reading.units[at].norm in _PARTS:
            items.append(range(first, at))
            first = at + 1
    return [item for item in [*items, range(first, sentence.stop)] if len(item)]


def _is_other(reading: Reading, item: range) -> bool:
    """Say whether an item holds an attribute, a number or a cue: no name of a class."""
    units = [reading.units[k] for k in item]
    return any(
        unit.attributes or unit.number is not None or unit.kind == "modality" or unit.tags - {"ALL", "HEALTHY", "REST"}
        for unit in units
    )


def _is_foreign(reading: Reading, item: range) -> bool:
    return not any(reading.units[k].labels or "REST" in reading.units[k].tags for k in item)
