"""Patterns over the units of a request: how a rule that is written as data meets the text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.playbook.intent.words import normal_form

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agents.playbook.intent.chunks import Unit

METRIC_TAGS = frozenset(
    {"AUROC", "F1", "BALANCED", "ACCURACY", "AP", "BRIER", "PPV", "KAPPA", "MAP", "DICE", "MAE", "MCC"}
)
_BARRIERS = frozenset({"NOT", "TOLERATE"})
_JOINERS = frozenset({",", "and", "or", "nor", "/", "&", "also"})
_FILLERS = frozenset({"the", "a", "an", normal_form("other"), "their", "its"})


@dataclass(frozen=True, slots=True)
class Element:
    """One place of a pattern."""

    options: frozenset[str]
    optional: bool = False
    gap: int = 0
    """Up to this many units may be skipped here; the other fields then play no part."""


Pattern = tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """Where a pattern was found: units from `first` up to but not including `end`."""

    first: int
    end: int
    things: tuple[int, ...]
    """Positions of the units that filled THING and THINGS."""
    shares: tuple[int, ...]
    """Positions of the units that filled SHARE or NUMBER."""


def compile_pattern(line: str) -> Pattern:
    """Return the elements of a pattern as written in cues.toml."""
    elements = []
    for word in line.split():
        if word.startswith("~"):
            elements.append(Element(frozenset(), gap=int(word[1:])))
            continue
        options = word.removesuffix("?").split("|")
        options = [option if option.isupper() else normal_form(option) for option in options]
        elements.append(Element(frozenset(options), optional=word.endswith("?")))
    return tuple(elements)


def matches(patterns: Sequence[Pattern], units: Sequence[Unit]) -> list[Match]:
    """Return where patterns are found, at each place the longest, in the order of the text."""
    found = []
    for first in range(len(units)):
        here = [match for pattern in patterns for match in _match_at(pattern, units, first)]
        if here:
            found.append(max(here, key=lambda match: (match.end, len(match.things))))
    return found


def _match_at(pattern: Pattern, units: Sequence[Unit], first: int) -> Iterator[Match]:
    for end, things, shares in _walk(pattern, units, first):
        if end > first:
            yield Match(first, end, things, shares)
            return


_Found = tuple[int, tuple[int, ...], tuple[int, ...]]


def _walk(pattern: Pattern, units: Sequence[Unit], at: int) -> Iterator[_Found]:
    if not pattern:
        yield at, (), ()
        return
    head, rest = pattern[0], pattern[1:]
    if head.gap or not head.options:
        for skip in range(head.gap + 1):
            if skip and (
                at + skip > len(units) or units[at + skip - 1].is_stop or units[at + skip - 1].tags & _BARRIERS
            ):
                return
            yield from _walk(rest, units, at + skip)
        return
    for end, things, shares in _fill(head, units, at):
        for tail_end, tail_things, tail_shares in _walk(rest, units, end):
            yield tail_end, things + tail_things, shares + tail_shares
    if head.optional:
        yield from _walk(rest, units, at)


def _fill(element: Element, units: Sequence[Unit], at: int) -> Iterator[_Found]:
    if at >= len(units):
        return
    unit = units[at]
    if "THINGS" in element.options and unit.is_thing:
        positions = _listed_things(units, at)
        yield positions[-1] + 1, positions, ()
    elif "THING" in element.options and unit.is_thing:
        yield at + 1, (at,), ()
    elif ("SHARE" in element.options and unit.share is not None) or (
        "NUMBER" in element.options and unit.number is not None
    ):
        yield at + 1, (), (at,)
    elif (
        ("HEALTHY" in element.options and unit.concern in {0, 1})
        or ("METRIC" in element.options and unit.tags & METRIC_TAGS)
        or element.options & (unit.tags | {unit.norm})
    ):
        yield at + 1, (), ()


def _listed_things(units: Sequence[Unit], at: int) -> tuple[int, ...]:
    """Return the things of a list such as 'melanoma, BCC and the keratoses' that starts here."""
    positions = [at]
    step = at + 1
    while step < len(units) and (units[step].norm in _JOINERS | _FILLERS or units[step].is_thing):
        if units[step].is_thing:
            joined = all(units[k].norm in _JOINERS | _FILLERS for k in range(positions[-1] + 1, step))
            if not joined or step == positions[-1] + 1:
                break
            positions.append(step)
        step += 1
    return tuple(positions)
