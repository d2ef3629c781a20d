"""Checks of the critical slots of an edited request."""

from __future__ import annotations

import math
from collections.abc import Sequence

from case import Case, Check
from comparing import class_matches, listed, positive_matches, same_bound, same_measure
from measure import Bound, Measure, same_number
from same_name import same_thing, words_of
from slots import Named, Slots


def task(name: str) -> Check:
    """Check the task; empty means none."""
    return lambda case: (
        "" if case.slots().task == name else f"task is {case.slots().task or 'null'}, not {name or 'null'}"
    )


def positive(name: str) -> Check:
    """Check the positive class; empty means that none is put first."""

    def check(case: Case) -> str:
        got = case.slots()
        shown = "+".join(got.positive) or "null"
        if not name:
            return "" if not got.positive else f"positive is {shown}, not null"
        wanted = case.wanted(name)
        return "" if positive_matches(wanted, got, case.after) else f"positive is {shown}, not {name}"

    return check


def targets_follow(name: str) -> Check:
    """Check that every metric of one class is for this class."""

    def check(case: Case) -> str:
        got = case.slots()
        measures = [*([got.primary] if got.primary else []), *(bound.measure for bound in got.bounds)]
        wrong = [
            item for item in measures if item.target and not class_matches(name, item.target, case.wanted(), case.after)
        ]
        return f"{listed(wrong)} not for {name}" if wrong else ""

    return check


def primary(measure: Measure, *, is_open: bool) -> Check:
    """Check the primary metric; `is_open`: what is held is left to a default."""

    def check(case: Case) -> str:
        got = case.slots()
        if got.primary is None:
            return f"primary is null, not {measure}"
        wanted = case.wanted()
        same = same_measure(measure, got.primary, wanted, got, case.after, ignore_fixed=True)
        if measure.holds and not is_open and not math.isnan(measure.fixed):
            same = same and same_number(measure.fixed, got.primary.fixed)
        if is_open:
            same = same and (
                math.isnan(got.primary.fixed)
                or any(case.after.is_default(field) for field in ("primary", "operating_point", "abstention"))
            )
        return "" if same else f"primary is {got.primary}, not {measure}"

    return check


def primary_open() -> Check:
    """Check that no primary metric is settled."""

    def check(case: Case) -> str:
        got = case.slots()
        return "" if got.primary is None or case.after.leaves_open("primary") else f"primary is {got.primary}, not null"

    return check


def held_at(value: float) -> Check:
    """Check the point at which the primary metric is measured."""

    def check(case: Case) -> str:
        got = case.slots().primary
        return "" if got is not None and same_number(got.fixed, value) else f"primary is {got}, not at {value:g}"

    return check


def bounds(wanted: Sequence[Bound]) -> Check:
    """Check that these limits are there and no other; one may also be kept as a gap between groups or a share sent back."""

    def check(case: Case) -> str:
        got = case.slots()
        left = list(got.bounds)
        for bound in wanted:
            match = _matching(bound, left, case, got)
            if match is not None:
                left.remove(match)
            elif _matching(bound, got.elsewhere, case, got) is None:
                return f"constraints are {listed(got.bounds)}, not {listed(wanted)}"
        return f"constraints are {listed(got.bounds)}, not only {listed(wanted)}" if left else ""

    return check


def _matching(bound: Bound, among: Sequence[Bound], case: Case, got: Slots) -> Bound | None:
    return next((item for item in among if same_bound(bound, item, case.wanted(), got, case.after)), None)


def bound_there(bound: Bound) -> Check:
    """Check that a limit is among the constraints, and that those of before are still there."""

    def check(case: Case) -> str:
        got, was = case.slots(), case.slots(before=True)
        gone = [item for item in was.bounds if item not in got.bounds]
        there = any(same_bound(bound, item, case.wanted(), got, case.after) for item in got.bounds)
        return (
            ""
            if there and not gone
            else f"constraints are {listed(got.bounds)}, without {listed(gone) if there else bound}"
        )

    return check


def no_bounds() -> Check:
    """Check that there is no limit."""
    return lambda case: "" if not case.slots().bounds else f"constraints are {listed(case.slots().bounds)}, not none"


def bound_count(number: int) -> Check:
    """Check that so many limits are left, all of them there before."""

    def check(case: Case) -> str:
        got, was = case.slots().bounds, case.slots(before=True).bounds
        kept = len(got) == number and (all(item in was for item in got) or number > len(was))
        return "" if kept else f"constraints are {listed(got)}, not {number} of {listed(was)}"

    return check


def metric_unbound(measure: Measure) -> Check:
    """Check that no limit is set on a metric."""

    def check(case: Case) -> str:
        found = [item for item in case.slots().bounds if item.measure.family == measure.family]
        return f"{listed(found)} is still there" if found else ""

    return check


def no_guardrails() -> Check:
    """Check that no limit is set on a change against the initial model."""

    def check(case: Case) -> str:
        found = [item for item in case.slots().bounds if "change" in item.measure.modifiers]
        return f"{listed(found)} is still there" if found else ""

    return check


def _named(case: Case, slot: str, *, before: bool = False) -> tuple[Named, ...]:
    slots = case.slots(before=before)
    return slots.confounders if slot == "confounders" else slots.subgroups


def names_are(slot: str, names: Sequence[str]) -> Check:
    """Check that a set holds these names and no other."""

    def check(case: Case) -> str:
        got = _named(case, slot)
        same = len(got) == len(names) and all(
            any(same_thing(name, "", item.name, item.column) for item in got) for name in names
        )
        return "" if same else f"{slot} are {listed(got)}, not {listed(names)}"

    return check


def name_there(slot: str, name: str, *, there: bool) -> Check:
    """Check that a set holds a name, or does not."""

    def check(case: Case) -> str:
        found = any(same_thing(name, "", item.name, item.column) for item in _named(case, slot))
        return "" if found == there else f"{name} is {'not ' if there else ''}among the {slot}"

    return check


def names_stay(slot: str) -> Check:
    """Check that a set, which must not be empty, has the same names as before."""

    def check(case: Case) -> str:
        was, got = _named(case, slot, before=True), _named(case, slot)
        same = len(was) == len(got) and all(any(same_thing(a.name, "", b.name, "") for b in got) for a in was)
        return "" if same and was else f"{slot} were {listed(was)} and are {listed(got)}"

    return check


def column_is(slot: str, column: str) -> Check:
    """Check that one member has this column; empty: that one has none."""

    def check(case: Case) -> str:
        got = _named(case, slot)
        found = any(words_of(item.column) == words_of(column) for item in got)
        return "" if found else f"{slot} are {listed(got)}, none with column {column or 'null'}"

    return check


def subgroup_detail(name: str, key: str, value: str) -> Check:
    """Check criterion, largest gap or metric of a subgroup."""

    def check(case: Case) -> str:
        spec = case.after.spec
        found = (
            next((item for item in spec.subgroups if same_thing(name, "", item.attribute, item.column)), None)
            if spec
            else None
        )
        if found is None:
            return f"no subgroup {name}"
        got = getattr(found, key)
        if isinstance(got, float):
            wanted = math.nan if value in {"null", "none"} else float(value)
            return "" if same_number(got, wanted) else f"{key} of {name} is {got:g}, not {value}"
        return "" if words_of(got) == words_of(value) else f"{key} of {name} is {got!r}, not {value}"

    return check


def subgroup_is(key: str, value: str) -> Check:
    """Check criterion, largest gap or metric of the only subgroup, or of one of several."""

    def check(case: Case) -> str:
        spec = case.after.spec
        names = [item.attribute for item in spec.subgroups] if spec else []
        faults = [subgroup_detail(name, key, value)(case) for name in names]
        return "" if "" in faults else "; ".join(faults) or "there is no subgroup"

    return check


def number_for(family: str, value: float) -> Check:
    """Check that a metric is limited, or held, at a value."""

    def check(case: Case) -> str:
        got = case.slots()
        limited = any(item.measure.family == family and same_number(item.value, value) for item in got.bounds)
        held = (
            got.primary is not None
            and got.primary.family.endswith(f"_at_{family}")
            and same_number(got.primary.fixed, value)
        )
        return "" if limited or held else f"{family} is nowhere at {value:g}: {got.primary}, {listed(got.bounds)}"

    return check


def bound_values(value: float, *, every: bool) -> Check:
    """Check the value of the limits: of every one, or of one at least."""

    def check(case: Case) -> str:
        got = case.slots().bounds
        fits = [same_number(item.value, value) for item in got]
        return (
            "" if fits and (all(fits) if every else any(fits)) else f"constraints are {listed(got)}, not at {value:g}"
        )

    return check


def bounds_hard(*, hard: bool) -> Check:
    """Check whether the limits are hard, or goals."""

    def check(case: Case) -> str:
        got = case.after.spec.constraints if case.after.spec else ()
        return (
            ""
            if got and all(item.hard == hard for item in got)
            else f"constraints {listed(got)} are not all {'hard' if hard else 'soft'}"
        )

    return check


def handling(value: str) -> Check:
    """Check how some confounder is handled; one name may go on where the other ends."""

    def check(case: Case) -> str:
        got = [item.handling for item in case.after.spec.confounders] if case.after.spec else []
        fits = any(value.startswith(name) or name.startswith(value) for name in got)
        return "" if fits else f"handling is {listed(got)}, not {value}"

    return check


def class_count(number: int) -> Check:
    """Check how many classes are told apart."""
    return lambda case: "" if len(case.slots().classes) == number else f"classes are {listed(case.slots().classes)}"


def classes_are(names: Sequence[str]) -> Check:
    """Check that these classes are told apart and no other."""

    def check(case: Case) -> str:
        got = case.slots().classes
        same = len(got) == len(names) and all(
            any(class_matches(name, one, case.wanted(), case.after) for one in got) for name in names
        )
        return "" if same else f"classes are {listed(got)}, not {listed(names)}"

    return check
