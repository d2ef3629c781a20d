"""Labels that are grades of one scale: in which order they stand, and where a request cuts them into below and above."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agents.playbook.intent.words import norms, phrase

if TYPE_CHECKING:
    from agents.playbook.intent.chunks import Unit
    from agents.playbook.intent.data_words import DataLabel
    from agents.playbook.intent.reading import Reading

_FEWEST, _MOST = 3, 12
_CODE = re.compile(r"(?:[a-z][a-z -]*[ _-]?)?(\d{1,2})[ab]?", re.IGNORECASE)
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5}
_STEPS = (
    ("none", "no", "normal", "absent", "healthy", "trace", "minimal", "negative"),
    ("questionable", "doubtful", "minimal", "trace", "very mild", "borderline"),
    ("mild", "low", "slight", "early", "minor"),
    ("moderate", "medium", "intermediate"),
    ("severe", "high", "marked", "major", "advanced"),
    ("very severe", "proliferative", "critical", "extreme", "massive"),
)
"""Words of severity, the mildest first; a scale uses some of them."""
_RANKS = {phrase(word): rank for rank, words in reversed(list(enumerate(_STEPS))) for word in words}
_UNGRADED = norms("ungradable", "ungradeabl", "ungraded", "unreadabl", "inadequate", "insufficient", "other", "unknown")  # fmt: skip
_UP = frozenset({"FLOOR"})
_ORDER = norms("the order", "order of the", "ordinal", "ordered", "respect the order", "quadratic weighted kappa", "quadratic kappa", "weighted kappa", "by severity")  # fmt: skip
_REFER = norms("refer", "referral")
_YES = norms("yes or no", "yes / no", "y / n")
_SCALE_NOUN = norms("rads", "grade", "stage", "score", "level", "class", "category", "birads", "bi rads", "kl", "from grade", "icdr", "severity")  # fmt: skip
_OR_MORE = norms(
    "or more", "or higher", "or above", "or better", "or worse", "and above", "+", "and up", "upward", "upwards", "onward", "onwards", "up",
)  # fmt: skip
_STRICTLY = norms("above", "over", "more than", "greater than", "higher than", "worse than", ">")
_COUNT = norms("matter", "count", "play")
_AND_ABOVE = norms("worse", "more", "higher", "above", "up", "beyond", "upward", "over", "severer", "greater")
REFERABLE = 2
"""Grade from which on diabetic retinopathy is referable: moderate, that is 2 of 0 to 4.

Source: Wilkinson et al., Ophthalmology 110 (2003), 1677-1682 (international scale); Gulshan et al., JAMA 316 (2016), 2402-2410.
"""


@dataclass(frozen=True, slots=True)
class Cut:
    """A cut of a scale in two."""

    above: tuple[str, ...]
    """Labels from the named grade on, the mildest first."""
    below: tuple[str, ...]
    name: str
    first: int
    end: int
    by_convention: bool = False


def graded(labels: tuple[DataLabel, ...]) -> tuple[str, ...]:
    """Return the labels that are grades of one scale, the mildest first; empty if they are none."""
    ranks = {item.label: rank for item in labels if (rank := _rank(item.label)) is not None}
    others = [item for item in labels if item.label not in ranks]
    if not _FEWEST <= len(ranks) <= _MOST or len(set(ranks.values())) < len(ranks) or len(others) > 1:
        return ()
    if any(not set(phrase(item.label)) & _UNGRADED for item in others):
        return ()
    return tuple(sorted(ranks, key=lambda label: ranks[label]))


def ungraded(labels: tuple[DataLabel, ...]) -> tuple[str, ...]:
    """Return the labels of images that could not be graded."""
    scale = graded(labels)
    return tuple(item.label for item in labels if item.label not in scale) if scale else ()


def order_matters(reading: Reading) -> tuple[int, int] | None:
    """Return the words that ask for the order of the grades to count; None if they do not, or turn it down."""
    for at in reading.tagged("ORDER"):
        if reading.denied(at, within=5) or _is_turned_down(reading, at):
            return None
        return at, at + 1
    return None


def order_is_asked_for(reading: Reading) -> bool:
    """Say whether the order of classes that are no scale by themselves is to count: 'the order should count'."""
    return any(
        unit.norm in _ORDER and not reading.denied(at, within=5) and not _is_turned_down(reading, at)
        for at, unit in enumerate(reading.units)
    )


def find_cut(reading: Reading, scale: tuple[str, ...]) -> Cut | None:
    """Return where a request cuts a scale: 'grade 2 or worse', 'at least moderate', 'referable'."""
    for at in range(len(reading.units)):
        named = _grade_at(reading, at, scale)
        if named is None:
            continue
        place, end = named
        before = reading.units[max(0, at - 2) : at]
        floor = next((k for k in range(max(0, at - 2), at) if reading.units[k].tags & _UP), None)
        after = _and_above(reading, end)
        if after is not None or (floor is not None and not any("NOT" in unit.tags for unit in before)):
            begin = _with_noun(reading, at) if floor is None or after is not None else floor
            strictly = floor is not None and reading.units[floor].norm in _STRICTLY
            start = place + 1 if strictly and after is None else place
            return _cut(reading, scale, start, begin, after or end)
    listed = _listed_top(reading, scale)
    if listed is not None:
        return listed
    said = next(
        (
            k
            for k, unit in enumerate(reading.units)
            if (is_referable(unit) or _refers_or_not(reading, k)) and not reading.denied(k)
        ),
        None,
    )
    if said is not None and len(scale) > REFERABLE:
        found = _cut(reading, scale, _referable_from(scale), said, said + 1)
        return replace(found, by_convention=True) if found else None
    return None


def _listed_top(reading: Reading, scale: tuple[str, ...]) -> Cut | None:
    """Return the cut of 'BI-RADS 4 or 5 versus the rest', where the grades that are listed are the highest ones."""
    units = reading.units
    for sentence in reading.sentences():
        if not any(units[k].tags & {"VERSUS", "REST", "TASK_DETECT"} for k in sentence):
            continue
        places = {k: scale_place for k in sentence if (scale_place := _place_of_number(reading, k, scale)) is not None}
        if not places or not any(units[k - 1].norm in _SCALE_NOUN for k in places if k):
            continue
        chosen = sorted(set(places.values()))
        if chosen == list(range(chosen[0], len(scale))):
            return _cut(reading, scale, chosen[0], max(0, min(places) - 1), max(places) + 1)
    return None


def _place_of_number(reading: Reading, at: int, scale: tuple[str, ...]) -> int | None:
    unit = reading.units[at]
    if unit.number is None or unit.share is not None:
        return None
    return next((k for k, label in enumerate(scale) if _rank(label) == unit.number), None)


def _refers_or_not(reading: Reading, at: int) -> bool:
    """'Refer or not refer' asks for the same cut as 'referable'."""
    after = reading.units[at + 1 : at + 3]
    return reading.units[at].norm in _REFER and any(unit.tags & {"REST", "NOT"} or unit.norm in _YES for unit in after)


def is_referable(unit: Unit) -> bool:
    """Say whether a unit speaks of what is to be referred."""
    return "REFERABLE" in unit.tags or unit.norm.startswith(phrase("referable")[0])


def _referable_from(scale: tuple[str, ...]) -> int:
    named = next((place for place, label in enumerate(scale) if phrase("moderate")[0] in phrase(label)), None)
    return named if named is not None else REFERABLE


def _cut(reading: Reading, scale: tuple[str, ...], place: int, first: int, end: int) -> Cut | None:
    if not 0 < place < len(scale):
        return None
    return Cut(scale[place:], scale[:place], reading.words(first, end), first, end)


def _rank(label: str) -> float | None:
    words = phrase(label)
    if words in _RANKS:
        return float(_RANKS[words])
    code = _CODE.fullmatch(label.strip())
    if code is not None:
        return float(code[1])
    if len(words) > 1 and words[-1] in _ROMAN:
        return float(_ROMAN[words[-1]])
    severities = {_RANKS[(word,)] for word in words if (word,) in _RANKS}
    return float(max(severities)) if len(severities) == 1 and len(words) <= 4 else None


def _grade_at(reading: Reading, at: int, scale: tuple[str, ...]) -> tuple[int, int] | None:
    """Return the place on the scale that a unit names, and where its words end."""
    unit = reading.units[at]
    if unit.labels and len(unit.labels) == 1 and unit.labels[0] in scale:
        return scale.index(unit.labels[0]), at + 1
    if unit.number is not None and unit.share is None:
        place = next((k for k, label in enumerate(scale) if _rank(label) == unit.number), None)
        named = at > 0 and reading.units[at - 1].norm in _SCALE_NOUN
        return (place, at + 1) if place is not None and (named or _and_above(reading, at + 1)) else None
    rank = _RANKS.get(tuple(unit.norm.split()))
    if rank is not None and all(_CODE.fullmatch(label.strip()) for label in scale):
        place = _conventional(rank, scale)
    else:
        place = next((k for k, label in enumerate(scale) if rank is not None and _rank(label) == rank), None)
    return (place, at + 1) if place is not None else None


def _conventional(rank: int, scale: tuple[str, ...]) -> int | None:
    """Tie 'mild, moderate, severe' to the codes 0 to 4 of a scale of five steps, as scales of severity have them."""
    place = {0: 0, 2: 1, 3: 2, 4: 3, 5: 4}.get(rank)
    return place if place is not None and len(scale) == 5 else None


def _and_above(reading: Reading, at: int) -> int | None:
    """Return where 'or worse', 'and above', '+' ends, if it stands here."""
    units = reading.units
    if at < len(units) and units[at].norm in _OR_MORE:
        return at + 1
    if at + 1 < len(units) and units[at].norm in {"or", "and"} and set(units[at + 1].norm.split()) & _AND_ABOVE:
        return at + 2
    return None


def _with_noun(reading: Reading, at: int) -> int:
    return at - 1 if at > 0 and reading.units[at - 1].norm in _SCALE_NOUN else at


def _is_turned_down(reading: Reading, at: int) -> bool:
    after = reading.units[at + 1 : at + 5]
    return any("NOT" in unit.tags for unit in after) and any(unit.norm in _COUNT for unit in after)
