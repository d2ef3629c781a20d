"""Groups of people that the model must serve alike, however that is said: who they are, words that compare, and a wish.

'No difference between children and adults', 'must not fall behind on dark skin' and 'has to be just as good in both' have no words
in common; what they share is an attribute of people, a comparison of how well they are served, and that it is wanted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.intent.clauses import clause_of
from agents.playbook.intent.evidence import has, is_wish, spots, wordings
from agents.playbook.intent.patterns import METRIC_TAGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.playbook.intent.reading import Reading

_LESS = wordings(
    "worse", "worse off", "poorer", "poor", "less well", "less good", "less reliable", "less reliably", "less accurate", "less often", "lower", "behind", "disadvantage",
    "disadvantaged", "neglected", "weaker", "inferior", "suffer", "lose out", "second best", "second class", "second rate", "short", "left behind", "more often",
    "let down", "unfair", "lag", "pay the price", "cheated", "at the expense of", "miss more", "drop", "short changed", "worst", "penalised", "useless", "rubbish",
    "down", "fail", "less", "bad",
)  # fmt: skip
_EQUAL = wordings(
    "same", "equal", "equally", "alike", "fair", "fairly", "even", "evenly", "identical", "similar", "similarly", "comparable", "consistent", "consistently",
    "as good", "as well", "just as", "no difference", "parity", "par", "regardless", "irrespective", "no matter", "whichever", "as reliable", "as safe", "as accurate",
    "as sharp", "not differ", "no gap", "equivalent", "even handed", "like for like", "one standard", "each other", "one another", "differ", "differ by", "differ little", "as little as possible", "whether", "whatever",
)  # fmt: skip
_SERVED = wordings(
    "performance", "accuracy", "quality", "sensitivity", "result", "results", "work", "works", "well", "good", "reliable", "serve", "service", "care", "treat",
    "do", "does", "perform", "catch", "find", "detect", "miss", "standard", "trust", "answer", "useful", "accurate", "difference", "gap", "auc", "reliably", "safe",
)  # fmt: skip
_BOTH = wordings(
    "neither", "neither of the two", "both", "the two", "either group", "each group", "all groups", "either of them", "both groups", "the one",
    "each of them", "between them",
)  # fmt: skip
_OF_PICTURES = frozenset({"scanner", "view", "density", "image_quality"})
_PEOPLE = frozenset({"age", "sex", "skin_tone", "ethnicity"})
_APART = wordings(
    "separately", "separate", "apart", "broken down", "break down", "stratified", "stratify", "by group", "each on its own", "side by side",
    "the figures for",
)  # fmt: skip
_TOLD = wordings("numbers", "figures", "results", "performance", "report", "break down", "list")
_NO = frozenset({"no", "not", "never", "neither", "nor", "without"})
_OLDEST = 120
_BACK = 2


def served_alike(reading: Reading) -> Iterator[tuple[int, int, list[str], str]]:
    """Yield first unit, the one behind the last, the attributes or concepts of the groups, and `equal`, `not_worse` or `report`."""
    sentences = list(reading.sentences())
    for number, sentence in enumerate(sentences):
        compared = _criterion(reading, sentence)
        if not compared:
            continue
        at, criterion = compared
        groups = _groups_in(reading, clause_of(reading, at)) or _groups_in(reading, sentence)
        if has(reading, sentence, _BOTH) and criterion == "not_worse":
            criterion = "equal"
        if not groups and has(reading, sentence, _BOTH):
            earlier = (_groups_in(reading, before) for before in reversed(sentences[max(0, number - _BACK) : number]))
            groups = next((found for found in earlier if found), {})
        if groups:
            inside = [k for k in groups.values() if k in sentence] or [at]
            yield min(at, *inside), max(at, *inside) + 1, list(groups), criterion


def speaks_of_serving(reading: Reading, sentence: range) -> bool:
    """Say whether a sentence speaks of how well something is done."""
    return has(reading, sentence, _SERVED)


def _criterion(reading: Reading, sentence: range) -> tuple[int, str] | None:
    """Return where and what a sentence wants of groups: nobody worse, or all alike; None if it only tells or reports."""
    if has(reading, sentence, _APART) or any(k in reading.silenced for k in sentence):
        return None
    less = [
        k
        for k in spots(reading, sentence, _LESS)
        if _is_turned_down(reading, sentence, k) or _is_capped(reading, sentence)
    ]
    if less:
        return less[0], "not_worse"
    equal = spots(reading, sentence, _EQUAL)
    if equal and is_wish(reading, sentence) and has(reading, sentence, _SERVED):
        return equal[0], "equal"
    told = spots(reading, sentence, _TOLD)
    if told and is_wish(reading, sentence):
        return told[0], "report"
    return None


def _is_capped(reading: Reading, sentence: range) -> bool:
    """'At most 0.02 below that in men' bounds a metric."""
    units = [reading.units[k] for k in sentence]
    measured = any(unit.tags & (METRIC_TAGS | {"SENS", "SPEC"}) for unit in units)
    return measured and any("CEIL" in unit.tags for unit in units) and any(unit.number is not None for unit in units)


def _is_turned_down(reading: Reading, sentence: range, at: int) -> bool:
    """Say whether a 'not' stands before these words in their clause, be it far: 'I don't want people with ... to get a poorer result'."""
    clause = clause_of(reading, at)
    first = max(sentence.start, min(clause.start, at))
    words = {word for k in range(first, at + 1) for word in reading.units[k].norm.split()}
    return bool(words & _NO) or any("NOT" in reading.units[k].tags for k in range(first, at + 1))


def _groups_in(reading: Reading, sentence: range) -> dict[str, int]:
    """Return the attributes of people that a sentence names, each with its place: by a word for them, or by limits of age."""
    found: dict[str, int] = {}
    for at in sentence:
        unit = reading.units[at]
        if at in reading.claimed or unit.labels:
            continue
        concept = unit.meaning.concept if unit.meaning is not None else ""
        of_people = [name for name in unit.attributes if _is_group(reading, name)]
        for name in of_people or ([concept] if concept in _PEOPLE else []):
            found.setdefault(name, at)
    age = next((name for name, concept in reading.data.attributes.items() if concept == "age"), "")
    limits = [k for k in sentence if _is_age(reading, k)]
    if age and len(limits) > 1:
        found.setdefault(age, limits[0])
    return found


def _is_group(reading: Reading, name: str) -> bool:
    """Say whether a column divides people or pictures: no place, which is held out instead, and no measurement."""
    concept = reading.data.attributes.get(name)
    numeric = any(item.name == name and item.kind == "numeric" for item in reading.profile.attributes)
    return concept in _PEOPLE or (concept in _OF_PICTURES and not numeric)


def _is_age(reading: Reading, at: int) -> bool:
    unit = reading.units[at]
    around = [reading.units[k] for k in (at - 1, at + 1) if 0 <= k < len(reading.units)]
    bounded = any(
        item.tags & {"FLOOR", "CEIL"} or item.norm in {"from", "up", "older", "younger", "year", "and"}
        for item in around
    )
    return (
        at not in reading.used
        and unit.number is not None
        and unit.share is None
        and 0 < unit.number < _OLDEST
        and bounded
    )
