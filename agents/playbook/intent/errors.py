"""How one error compares with another: 'confusing A with B matters less than calling either of them C', 'ten times as bad as'."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agents.playbook.intent.clauses import clauses
from agents.playbook.intent.evidence import tags_of
from agents.playbook.intent.priorities import labels_meant
from agents.playbook.intent.words import norms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.playbook.intent.reading import Reading

WORST, BAD_ENOUGH, ALARM, LEAST = 10.0, 5.0, 2.0, 1.0
"""Weights by rank where only an order is said."""
_CALL = norms(
    "call", "label", "read", "report", "take", "taking", "taken", "mistaken", "classify", "classifying", "diagnose", "name", "naming", "grade", "mistake",
    "mistaking", "declare", "send",
)  # fmt: skip
_CONFUSE = norms("confuse", "confusing", "mix", "mixing", "swap", "interchange", "confusion")
_THEM = norms("them", "either", "it", "those", "both", "these")
_JOINERS = frozenset({",", "and", "or", "/", "&"})
_ARTICLES = frozenset({"a", "an", "the", "of", "any", "as", "one", "other", "real", "true"})
_BAD = norms("bad", "costly", "serious", "expensive", "harmful", "grave", "much", "dangerous", "important", "heavy", "heavily", "problematic")  # fmt: skip
_TIMES = {"twice": 2.0, "double": 2.0, "half": 0.5, "thrice": 3.0}
_SEVERITY = {"ERR_SEVERE": WORST, "ERR_NONE": LEAST, "ERR_MILD": ALARM}
_BESIDE_NUMBERS = frozenset({"say", "weigh", "weight", "cost", "like", "roughly", "and", "about", "as", "of", "let", "us", "the", "be", "to", "use", "take"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Error:
    """One kind of error."""

    true: tuple[str, ...] = ()
    """Labels that are called wrong; empty for any others."""
    called: tuple[str, ...] = ()
    """Labels that they are called; empty for any others."""
    both_ways: bool = False
    is_miss: bool = False
    """A miss of what is looked for, where nothing is named."""
    first: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Errors:
    """Kinds of error, the worst first, each with its weight, and where the words are."""

    ranked: tuple[tuple[Error, float], ...]
    said: bool
    """Whether the request names the numbers, and not only the order."""
    first: int
    end: int


def read_errors(reading: Reading) -> Errors | None:
    """Return how a request weighs errors; the findings in those words set no task of their own."""
    compared = (_comparison(reading, sentence, at) for sentence in reading.sentences() for at in sentence)
    found = next((item for item in compared if item is not None), None) or _by_severity(reading)
    if found is None:
        return None
    if not found.said:
        found = _with_said(reading, found)
    reading.use(found.first, found.end)
    reading.used.update(k for k in range(found.first, found.end) if reading.units[k].number is not None)
    named = [k for error, _ in found.ranked for k in range(error.first, error.end)]
    reading.claimed.update(k for k in named if reading.units[k].is_class)
    return found


def _by_severity(reading: Reading) -> Errors | None:
    """'Calling A a B is annoying. Calling it C is what gets people hurt.': errors ranked by the words for their harm."""
    graded: list[tuple[Error, float]] = []
    before: Error | None = None
    for sentence in _graded_places(reading):
        tags = tags_of(reading, sentence)
        weight = next((value for tag, value in _SEVERITY.items() if tag in tags), 0.0)
        error = _error(reading, sentence, before) if weight else None
        if error is not None and error.true and (error.called or error.is_miss):
            graded.append((error, weight))
            before = error
    if len({weight for _, weight in graded}) < 2:
        return None
    spans = [error for error, _ in graded]
    ranked = tuple(sorted(graded, key=lambda item: -item[1]))
    return Errors(ranked, said=False, first=min(item.first for item in spans), end=max(item.end for item in spans))


def _graded_places(reading: Reading) -> Iterator[range]:
    """Yield the clauses of a sentence where several of them speak of an error and its harm, else the sentence."""
    parts = list(clauses(reading))
    for sentence in reading.sentences():
        inside = [part for part in parts if part.start in sentence]
        graded = [
            part for part in inside if any(_kind(reading, k) for k in part) and any(reading.units[k].tags & set(_SEVERITY) for k in part)
        ]  # fmt: skip
        yield from graded if len(graded) > 1 else [sentence]


def _with_said(reading: Reading, errors: Errors) -> Errors:
    """Take 'say ten, two and one' for the weights, where there are as many numbers as ranks."""
    ranks = sorted({weight for _, weight in errors.ranked}, reverse=True)
    for sentence in reading.sentences():
        units = [reading.units[k] for k in sentence]
        numbers = [float(unit.number) for unit in units if unit.number is not None and unit.share is None]
        others = [
            unit for unit in units if unit.number is None and not unit.is_sign and unit.norm not in _BESIDE_NUMBERS
        ]
        if len(numbers) == len(ranks) > 1 and not others and numbers == sorted(numbers, reverse=True):
            of = dict(zip(ranks, numbers, strict=True))
            reading.cite("costs.weights", sentence.start, sentence.stop)
            reading.used.update(sentence)
            return replace(errors, ranked=tuple((error, of[weight]) for error, weight in errors.ranked), said=True)
    return errors


def _comparison(reading: Reading, sentence: range, at: int) -> Errors | None:
    compared = _comparator(reading, sentence, at)
    if compared is None:
        return None
    end, is_worse, factor = compared
    left = _error(reading, range(sentence.start, at), None)
    right = _error(reading, range(end, sentence.stop), left)
    if left is None or right is None:
        return None
    if not factor and not (left.true and left.called) and not (right.true and right.called):
        return None  # 'a miss is worse than a false alarm' is a priority, and names no confusion
    worse, milder = (left, right) if is_worse else (right, left)
    ranked = ((worse, factor or WORST), (milder, LEAST))
    return Errors(ranked, said=bool(factor), first=left.first, end=right.end)


def _comparator(reading: Reading, sentence: range, at: int) -> tuple[int, bool, float] | None:
    """Return where a comparison ends, whether its left side is the worse one, and how many times (0: not said)."""
    unit, after = reading.units[at], [reading.units[k] for k in range(at + 1, min(at + 4, sentence.stop))]
    if "COST_LESS" in unit.tags:
        return at + 1, False, 0.0
    if "COST_MORE" in unit.tags:
        return at + 1, True, _factor(reading, sentence, at)
    if "WORSE" in unit.tags and after and after[0].norm == "than":
        return at + 2, True, _factor(reading, sentence, at)
    if unit.norm == "as" and len(after) > 1 and after[0].norm in _BAD and after[1].norm == "as":
        factor = _factor(reading, sentence, at)
        if reading.denied(at, within=1):
            return at + 3, False, 0.0
        if factor:
            return at + 3, factor >= 1, max(factor, 1 / factor)
    return None


def _factor(reading: Reading, sentence: range, at: int) -> float:
    for k in range(max(sentence.start, at - 4), at):
        unit = reading.units[k]
        follower = reading.units[k + 1].norm.partition(" ")[0] if k + 1 <= at else ""
        if unit.norm in _TIMES:
            return _TIMES[unit.norm]
        written = re.fullmatch(r"(\d+)x", unit.norm)
        if written is not None:
            return float(written[1]) or 0.0
        if unit.number and unit.share is None and follower in {"time", "x", "\u00d7", "fold"}:
            return float(unit.number)
    return 0.0


def _error(reading: Reading, places: range, before: Error | None) -> Error | None:
    """Return the error that these units speak of; with several verbs the one nearest to the comparison."""
    order = reversed(places) if before is None else iter(places)
    verb = next((k for k in order if _kind(reading, k)), None)
    if verb is None:
        return None
    kind = _kind(reading, verb)
    if _calls_harmless(reading, verb):
        behind = list(_groups(reading, range(places.start, verb), before))
        called = _harmless(reading)
        return Error(behind[-1][0], called, first=places.start, end=verb + 1) if behind and called else None
    ahead = list(_groups(reading, range(verb + 1, places.stop), before))
    if before is not None and kind == "call" and set(reading.units[verb].norm.split()) & _THEM:
        ahead.insert(0, (before.true, verb + 1))  # 'call it' is one unit
    if kind in {"miss", "alarm"}:
        return _unnamed(reading, range(places.start, verb), verb, ahead, before)
    if len(ahead) < 2:
        return _around(reading, places, verb, ahead, before)
    return Error(ahead[0][0], ahead[1][0], first=verb, end=ahead[1][1], both_ways=kind == "confuse")


def _calls_harmless(reading: Reading, at: int) -> bool:
    """'A cholesteatoma called normal': the verb and what it is called are one unit."""
    unit = reading.units[at]
    return "MISS" in unit.tags and unit.text.lower().startswith("called ")


def _harmless(reading: Reading) -> tuple[str, ...]:
    concepts = reading.data.lexicon.concepts
    return tuple(
        item.label
        for item in reading.data.labels
        if item.denies or item.answer == "absent" or (item.concept and concepts[item.concept].concern == 0)
    )


def _unnamed(
    reading: Reading, behind: range, verb: int, ahead: list[tuple[tuple[str, ...], int]], before: Error | None
) -> Error:
    """Return a miss or a false alarm; 'calling normal CNV' is one unit that speaks of a miss, and names a confusion."""
    if _kind(reading, verb) == "alarm":
        return Error(first=verb, end=verb + 1)
    if ahead and reading.units[verb].text.lower().startswith("calling "):
        return Error(_harmless(reading), ahead[0][0], first=verb, end=ahead[0][1])
    near = range(max(behind.start, verb - 3), verb)
    true, last = (ahead or list(_groups(reading, near, before)) or [((), verb + 1)])[0]
    return Error(true=true, is_miss=True, first=verb, end=max(last, verb + 1))


def error_in(reading: Reading, places: range) -> Error | None:
    """Return the error that these units speak of, if they speak of one."""
    return _error(reading, places, None)


def _around(
    reading: Reading, places: range, verb: int, ahead: list[tuple[tuple[str, ...], int]], before: Error | None
) -> Error | None:
    """Return the error whose two sides stand around its verb ('a melanoma called a mole'), or in one list ('mixing up A and B')."""
    confused = _kind(reading, verb) == "confuse"
    behind = list(_groups(reading, range(places.start, verb), before))
    if confused and len(ahead) == 1 and len(ahead[0][0]) > 1:
        return Error(ahead[0][0], ahead[0][0], first=verb, end=ahead[0][1], both_ways=True)
    if not ahead or not behind:
        return None
    start = next(k for k in range(places.start, verb) if reading.units[k].is_class or reading.units[k].norm in _THEM)
    return Error(behind[-1][0], ahead[0][0], first=start, end=ahead[0][1], both_ways=confused)


def _kind(reading: Reading, at: int) -> str:
    unit = reading.units[at]
    if "FALSE_ALARM" in unit.tags:
        return "alarm"
    if "MISS" in unit.tags:
        return "miss"
    if set(unit.norm.split()) & _CONFUSE:
        return "confuse"
    return "call" if unit.norm.partition(" ")[0] in _CALL else ""


def _labels_of(reading: Reading, at: int) -> tuple[str, ...]:
    """Return the labels of a finding; 'harmless' or 'normal' without a label of its own stands for those that are not serious."""
    unit = reading.units[at]
    meant = labels_meant(reading, unit) if unit.is_class else ()
    if meant or not (unit.concern in {0, 1} or "HEALTHY" in unit.tags):
        return meant
    concepts = reading.data.lexicon.concepts
    return tuple(
        item.label
        for item in reading.data.labels
        if item.denies or item.answer == "absent" or (item.concept and concepts[item.concept].concern in {0, 1})
    )


def _groups(reading: Reading, places: range, before: Error | None) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield the labels of each list of findings, and where it ends; 'either of them' stands for those of the error before."""
    labels: list[str] = []
    end, joined = places.start, False
    for k in places:
        unit = reading.units[k]
        if unit.norm in _THEM and before is not None and not labels:
            both = tuple(dict.fromkeys((*before.true, *before.called))) if before.both_ways else before.true
            if unit.norm != "either" or not any(
                reading.units[j].norm in _THEM for j in range(k + 1, min(k + 3, places.stop))
            ):
                yield both, k + 1
        elif meant := _labels_of(reading, k):
            if labels and not joined:  # 'calling a melanoma a mole'
                yield tuple(dict.fromkeys(labels)), end
                labels = []
            labels += meant
            end, joined = k + 1, False
        elif unit.norm in _JOINERS:
            joined = True
        elif labels and unit.norm not in _ARTICLES:
            yield tuple(dict.fromkeys(labels)), end
            labels = []
    if labels:
        yield tuple(dict.fromkeys(labels)), end
