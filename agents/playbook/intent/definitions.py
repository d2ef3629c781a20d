"""What a request itself says that labels mean: '1 is melanoma, 0 is mole', 'count AK as malignant'."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agents.playbook.intent.chunks import Unit
    from agents.playbook.intent.reading import Reading

_CODED = frozenset(
    {
        "=",
        ":",
        "is",
        "are",
        "be",
        "mean",
        "denote",
        "stand for",
        "code for",
        "equal",
        "cod as",
        "cod",
        "as",
        "->",
        "for",
    }
)
_SKIPPED = frozenset({"the", "a", "an", "label", "class", "code", "as", "all", "written"})


def meanings_of_codes(reading: Reading) -> dict[str, str]:
    """Return what the request says that bare codes of the data mean: label -> words of the request."""
    codes = {item.label.strip().lower(): item.label for item in reading.data.labels if item.answer == "opaque"}
    meanings: dict[str, str] = {}
    for at, unit in enumerate(reading.units):
        label = codes.get(unit.text.strip().lower())
        if label is None:
            continue
        thing = _beyond_copula(reading.units, at, step=1)
        if thing is None:
            thing = _beyond_copula(reading.units, at, step=-1)
        if thing is not None and label not in meanings:
            meanings[label] = reading.units[thing].text
    return meanings


def cite_codes(reading: Reading, meanings: dict[str, str]) -> dict[str, tuple[int, int]]:
    """Mark the definitions of codes as explained, and return where each label's one stands."""
    spans: dict[str, tuple[int, int]] = {}
    for at, unit in enumerate(reading.units):
        label = next((key for key in meanings if key.strip().lower() == unit.text.strip().lower()), None)
        if label is None or label in spans:
            continue
        thing = _beyond_copula(reading.units, at, step=1)
        if thing is None:
            thing = _beyond_copula(reading.units, at, step=-1)
        if thing is not None:
            first, last = sorted((at, thing))
            spans[label] = (first, last + 1)
            reading.use(first, last + 1)
            reading.claimed.add(thing)
    return spans


def _beyond_copula(units: tuple[Unit, ...], at: int, *, step: int) -> int | None:
    """Return the thing that stands on the other side of 'is', 'means' or '=' from a code."""
    copula = False
    for distance in range(1, 5):
        position = at + step * distance
        if not 0 <= position < len(units) or units[position].is_stop or units[position].norm == ",":
            return None
        unit = units[position]
        if unit.is_class and copula:
            return position
        if unit.norm in _CODED:
            copula = True
        elif unit.norm not in _SKIPPED:
            return None
    return None


def counted_as(reading: Reading) -> dict[str, str]:
    """Return labels that the request counts into an umbrella: 'count AK as malignant' -> {AK: malignant}."""
    counted: dict[str, str] = {}
    for at, unit in enumerate(reading.units):
        if "CALL_AS" not in unit.tags and unit.norm != "as":
            continue
        before = next((k for k in range(at - 1, max(at - 4, -1), -1) if _plain_thing(reading.units[k])), None)
        after = next(
            (k for k in range(at + 1, min(at + 4, len(reading.units))) if reading.units[k].kind == "umbrella"), None
        )
        if before is None or after is None or reading.denied(at) or _asks(reading, at):
            continue
        meaning, umbrella = reading.units[before].meaning, reading.units[after].meaning
        if meaning is not None and umbrella is not None:
            counted.update(dict.fromkeys(meaning.labels, umbrella.concept))
            reading.use(max(before - 1, 0), after + 1)
            reading.claimed.update((before, after))
    return counted


def _asks(reading: Reading, at: int) -> bool:
    """'Which of these nodules are malignant?' asks, and counts nothing."""
    sentence = next((s for s in reading.sentences() if at in s), range(at, at + 1))
    return sentence.stop < len(reading.units) and reading.units[sentence.stop].norm == "?"


def _plain_thing(unit: Unit) -> bool:
    return unit.meaning is not None and bool(unit.meaning.labels) and unit.kind != "umbrella"
