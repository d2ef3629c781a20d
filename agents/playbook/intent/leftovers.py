"""What no rule has explained: a wish that nothing was taken from is asked about, so that none passes silently."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.intent import quoting
from agents.playbook.intent.patterns import METRIC_TAGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.playbook.intent.reading import Reading

_NUMBERED = METRIC_TAGS | {"FLOOR", "CEIL", "CATCH", "MISS", "WISH", "DEMAND", "SENS", "SPEC", "FALSE_ALARM", "REFER"}
_BREAKS = frozenset({",", ":", "(", ")", "-", "\u2013", "\u2014", "but", "so"})


def ask_about_leftovers(reading: Reading) -> None:
    """Ask about clauses that wish for something and that no rule has taken anything from."""
    _limits_of_this_version(reading)
    for clause in _clauses(reading):
        units = [reading.units[k] for k in clause]
        tags = frozenset[str]().union(*(unit.tags for unit in units))
        unexplained = [k for k in clause if k not in reading.used]
        numbered = bool(tags & _NUMBERED) and any(
            reading.units[k].share is not None
            or (reading.units[k].number is not None and (_is_near_metric(reading, k) or _is_limit(reading, k)))
            for k in unexplained
        )
        explained = len(unexplained) < len(units)
        if (explained and not numbered) or ("BECAUSE" in tags and not numbered):
            continue
        demand = bool(tags & {"DEMAND"})
        wish = (
            bool(tags & {"WISH", "NOT", "TOLERATE", "MATTER_MOST", "LEAN", "WORST", "MISS", "FALSE_ALARM"})
            and len(units) > 2
        )
        if not (numbered or demand or wish):
            continue
        reading.use(clause.start, clause.stop)
        reading.ask(
            "request", f"Nothing could be taken from {quoting.words(reading.words(clause.start, clause.stop))}. Can you say it in other words, or leave it out?",
            default="left out", blocking=numbered or demand,
        )  # fmt: skip


def ask_about_mentions(reading: Reading) -> None:
    """Ask about a finding or attribute that is named in passing, such as 'on films of children'."""
    for clause in _clauses(reading):
        if any("BECAUSE" in reading.units[k].tags or k in reading.claimed for k in clause):
            continue
        only = any(reading.units[k].norm == "only" for k in clause)
        for at in clause:
            unit = reading.units[at]
            if not unit.is_thing or at in reading.used:
                continue
            if only and not unit.is_class:
                reading.ask(
                    "classes", f"You mention {quoting.words(unit.text)} and \u201conly\u201d: images cannot be chosen by such a column in this version. "
                    "Take the others out of the table, or leave the words out to use all images?", blocking=True,
                )  # fmt: skip
            else:
                reading.ask(
                    "request", f"You mention {quoting.words(unit.text)}. It was read as a description and changes nothing. Should it?",
                    options=("only a description", "it should; I say it in other words"), default="only a description",
                )  # fmt: skip


def _clauses(reading: Reading) -> Iterator[range]:
    for sentence in reading.sentences():
        first = sentence.start
        for at in sentence:
            if reading.units[at].norm in _BREAKS:
                if at > first:
                    yield range(first, at)
                first = at + 1
        if sentence.stop > first:
            yield range(first, sentence.stop)


def _is_limit(reading: Reading, at: int) -> bool:
    """'At least 97 should be found' sets a limit, whatever it counts."""
    return at > 0 and bool(reading.units[at - 1].tags & {"FLOOR", "CEIL"})


def _is_near_metric(reading: Reading, at: int) -> bool:
    tags = frozenset[str]().union(*(unit.tags for unit in reading.units[max(0, at - 2) : at + 3]))
    return bool(tags & (METRIC_TAGS | {"SENS", "SPEC"}))


def _limits_of_this_version(reading: Reading) -> None:
    """Name wishes that are understood and cannot be met yet."""
    limits = {
        "RATERS": "The data has one label an image. Should that label be taken as the truth, although readers may disagree?",
    }
    for tag, text in limits.items():
        for sentence in reading.sentences():
            positions = [k for k in sentence if tag in reading.units[k].tags]
            if positions and not any(reading.denied(k) for k in positions):
                reading.use(sentence.start, sentence.stop)
                reading.ask("request", text, options=("yes", "no"), default="yes")
