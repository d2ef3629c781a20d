"""Whether the slots that a change does not name stay as they were.

Of a change that says that nothing changes, all stay. Otherwise what follows from the edit may change with it, and nothing else:

- another task brings its own metric and its own positive class;
- another positive class turns the metrics of one class to itself;
- a request that was refused has nothing that could stay;
- a number that the edit replaces is replaced in the limit, or the point that is held, that it stood in;
- what rested only on words which the edit took away may be gone, or for the metric a default, though nothing else that a
  request can say may take its place;
- a column that the edit took from the data, or added to it, is gone or filled in.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from comparing import Parse, listed
from measure import Bound, Measure, same_number
from same_name import name_key, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from case import Case
    from edits import Edited
    from slots import Named, Slots

_NUMBER_WORDS = {"half": 0.5, "one": 1.0, "two": 2.0, "three": 3.0, "five": 5.0, "ten": 10.0, "twenty": 20.0}


@dataclass(frozen=True, slots=True)
class Leave:
    """What an edit allows to change besides what the change names."""

    edited: Edited
    before: Parse
    after: Parse
    turned: bool
    """The change names another positive class."""
    strict: bool
    """The change says that nothing changes."""

    def gone_with_its_words(self, *fields: str) -> bool:
        """Return whether the words that all these fields rested on were taken away."""
        grounds = self.before.spec.grounding if self.before.spec else ()
        cited = [
            item
            for item in grounds
            if item.source == "request"
            and any(item.field == field or item.field.startswith(f"{field}.") for field in fields)
        ]
        return not self.strict and bool(cited) and all(self._removed(item.start, item.end) for item in cited)

    def _removed(self, first: int, last: int) -> bool:
        return any(start < last and first < end for start, end in self.edited.removed)

    def writes(self, value: float) -> bool:
        """Return whether the edit replaced words and brought in this number: as a share, a percentage, or what is left of one."""
        if self.strict or not self.edited.removed or math.isnan(value):
            return False
        return any(
            same_number(value, number) or same_number(value, 1 - number) for number in _numbers(self.edited.written)
        )


def what_moved(case: Case, edited: Edited, touches: frozenset[str], *, strict: bool) -> list[str]:
    """Return in words each slot that is not named by a change and is not as it was."""
    was, got = case.slots(before=True), case.slots()
    leave = Leave(edited, case.before, case.after, turned="positive" in touches, strict=strict)
    moved: list[str] = []
    if "refuse" in touches and was.refuse:
        return moved
    if "refuse" not in touches and was.refuse != got.refuse:
        moved.append("it is refused" if got.refuse else "it is no longer refused")
    if "task" not in touches:
        if was.task != got.task:
            moved.append(f"task {was.task or 'null'} became {got.task or 'null'}")
        if not ("positive" in touches or _same_positive(was, got, leave)):
            moved.append(f"positive {'+'.join(was.positive) or 'null'} became {'+'.join(got.positive) or 'null'}")
        if not ("primary" in touches or _same_primary(was.primary, got.primary, leave) or _now_a_default(leave)):
            moved.append(f"primary {was.primary} became {got.primary}")
    if "constraints" not in touches and not _same_bounds(was.bounds, got.bounds, leave):
        moved.append(f"constraints {listed(was.bounds)} became {listed(got.bounds)}")
    for slot, before, after in (
        ("confounders", was.confounders, got.confounders),
        ("subgroups", was.subgroups, got.subgroups),
    ):
        if slot not in touches and not _same_names(slot, before, after, leave):
            moved.append(f"{slot} {listed(before)} became {listed(after)}")
    return moved


def _same_positive(was: Slots, got: Slots, leave: Leave) -> bool:
    same = [name_key(name) for name in was.positive] == [name_key(name) for name in got.positive]
    return same or (not got.positive and leave.gone_with_its_words("positive", "priorities", "costs"))


def _now_a_default(leave: Leave) -> bool:
    """Return whether the metric was said in words that were taken away, and now is a default."""
    spec = leave.after.spec
    grounds = [item.source for item in spec.grounding if item.field == "primary"] if spec else []
    return grounds == ["default"] and leave.gone_with_its_words("primary")


def _same_primary(was: Measure | None, got: Measure | None, leave: Leave) -> bool:
    if was is None or got is None:
        return was is got
    if leave.turned:
        was, got = replace(was, target=""), replace(got, target="")
    same = _bare(was) == _bare(got)
    return same and (same_number(was.fixed, got.fixed) or leave.writes(got.fixed))


def _bare(measure: Measure) -> tuple[str, str, frozenset[str]]:
    return measure.family, name_key(measure.target), measure.modifiers


def _same_bounds(was: tuple[Bound, ...], got: tuple[Bound, ...], leave: Leave) -> bool:
    left = list(got)
    for bound in was:
        match = next((item for item in left if _same_bound(bound, item, leave)), None)
        if match is not None:
            left.remove(match)
        elif not leave.gone_with_its_words("guardrails" if "change" in bound.measure.modifiers else "constraints"):
            return False
    return not left


def _same_bound(one: Bound, other: Bound, leave: Leave) -> bool:
    same = _same_primary(one.measure, other.measure, leave) and one.op == other.op
    return same and (same_number(one.value, other.value) or leave.writes(other.value))


def _numbers(text: str) -> Iterator[float]:
    for found in re.finditer(r"(\d+(?:\.\d+)?)(?:\s*(?:of|in|/|out of)\s*(?:every\s+)?(\d+))?", text):
        number = float(found[1])
        yield from (number, number / 100)
        if found[2] and float(found[2]):
            yield number / float(found[2])
    yield from (value for word, value in _NUMBER_WORDS.items() if re.search(rf"\b{word}\b", text, re.IGNORECASE))


def _same_names(slot: str, was: tuple[Named, ...], got: tuple[Named, ...], leave: Leave) -> bool:
    changed = {words_of(name) for name in leave.edited.names}

    def keys(items: tuple[Named, ...]) -> set[tuple[tuple[str, ...], tuple[str, ...]]]:
        return {
            (words_of(item.name), () if words_of(item.column) in changed else words_of(item.column)) for item in items
        }

    gone = [item for item in was if keys((item,)) - keys(got)]
    new = [item for item in got if keys((item,)) - keys(was)]
    renamed = [item for item in gone if words_of(item.column) in changed]
    # A thing whose column went is called by the words of the request from then on, and the other way round.
    if len(gone) == len(new) and all(
        item in renamed or words_of(other.column) in changed for item, other in zip(gone, new, strict=True)
    ):
        return True
    return not new and all(leave.gone_with_its_words(f"{slot}.{item.name}") for item in gone)
