"""Checks on the parse of an edited request: each returns nothing, or in a few words what is not as it should be."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from comparing import Parse, class_matches, listed, positive_matches, same_bound, same_measure
from measure import Bound, Measure, same_number
from same_name import same_thing, words_of
from scoring import QUIET
from slots import Named, Slots, slots_of_parse


@dataclass(frozen=True, slots=True)
class Case:
    """A request before and after an edit, parsed."""

    before: Parse
    after: Parse
    key: Slots
    """Of the request before the edit; names of classes are read with it."""

    def slots(self, *, before: bool = False) -> Slots:
        """Return the slots of the parse after the edit, or before it."""
        parse = self.before if before else self.after
        return slots_of_parse(parse.parsed, parse.profile)

    def wanted(self, positive: str = "") -> Slots:
        """Return a key for the parse after the edit: with this positive class, or with the one that the parse has."""
        got = self.slots()
        return Slots(
            task=got.task,
            classes=self.key.classes,
            positive=(positive,) if positive else got.positive,
            positive_name=positive or got.positive_name,
        )


Check = Callable[[Case], str]


def nothing_changed() -> Check:
    """Check that what was asked is the same; that the spec is, `staying` checks with no slot named."""

    def check(case: Case) -> str:
        before, after = case.before.parsed, case.after.parsed
        if before.level != after.level:
            return f"level {before.level} became {after.level}"
        kinds = [sorted(question.kind for question in parsed.questions) for parsed in (before, after)]
        if kinds[0] != kinds[1]:
            return f"questions {kinds[0]} became {kinds[1]}"
        if case.before.spec is None and case.key.task and not case.key.refuse:
            return "nothing was understood before the edit, so nothing could stay"
        return _moved_besides(case)

    return check


def _moved_besides(case: Case) -> str:
    """Return which of the fields that are no critical slots is not as it was."""
    was, got = case.before.spec, case.after.spec
    if was is None or got is None:
        return ""
    fields = ("unit", "costs", "abstention", "supervision")
    return ", ".join(field for field in fields if repr(getattr(was, field)) != repr(getattr(got, field)))


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


def asked(*, wanted: bool) -> Check:
    """Check that something is asked of the clinician, or nothing is; what the data decides is not asked."""

    def check(case: Case) -> str:
        found = case.after.parsed.level not in QUIET
        return "" if found == wanted else f"level is {case.after.parsed.level}"

    return check


def level(name: str) -> Check:
    """Check the level of clarification."""
    return lambda case: "" if case.after.parsed.level == name else f"level is {case.after.parsed.level}, not {name}"


def _kinds(case: Case) -> set[str]:
    parsed = case.after.parsed
    return {question.kind for question in parsed.questions} | ({"scope"} if parsed.refusal else set())


def kind_there(kind: str, *, there: bool) -> Check:
    """Check that a question of a kind is asked, or is not."""

    def check(case: Case) -> str:
        return "" if (kind in _kinds(case)) == there else f"{kind} is {'not ' if there else ''}asked"

    return check


def kinds_are(kinds: Sequence[str]) -> Check:
    """Check that questions of these kinds are asked and of no other."""

    def check(case: Case) -> str:
        return "" if _kinds(case) == set(kinds) else f"asked are {listed(sorted(_kinds(case)))}, not {listed(kinds)}"

    return check


def refused(wanted: bool) -> Check:
    """Check whether the request is refused; if it is not, that something was understood."""

    def check(case: Case) -> str:
        if bool(case.after.parsed.refusal) != wanted:
            return "it is refused" if case.after.parsed.refusal else "it is not refused"
        return "" if wanted or case.after.spec is not None else "nothing is understood of it"

    return check


def supervision(field: str, value: str) -> Check:
    """Check a field of the supervision."""

    def check(case: Case) -> str:
        spec = case.after.spec
        got = getattr(spec.supervision, field, None) if spec else None
        if isinstance(got, float):
            return "" if same_number(got, float(value)) else f"supervision.{field} is {got:g}, not {value}"
        same = got is not None and words_of(str(got)) == words_of(
            {"mask": "unknown", "ignore": "unknown"}.get(value, value)
        )
        return "" if same else f"supervision.{field} is {got}, not {value}"

    return check


def unit(name: str) -> Check:
    """Check what one answer is about."""

    def check(case: Case) -> str:
        got = case.after.spec.unit if case.after.spec else ""
        return "" if words_of(got) == words_of(name) else f"unit is {got or 'null'}, not {name}"

    return check


def no_costs() -> Check:
    """Check that no error is weighed against another."""

    def check(case: Case) -> str:
        spec = case.after.spec
        weighed = spec is not None and (spec.costs or spec.primary == "expected_cost")
        return "errors are still weighed" if weighed else ""

    return check


def weights(values: Sequence[float]) -> Check:
    """Check the weights of errors; only their ratios count, and an error that nobody weighs counts once."""

    def check(case: Case) -> str:
        spec = case.after.spec
        got = sorted({item.weight for item in spec.costs}) if spec else []
        wanted = sorted(set(values))
        scaled = [value / wanted[0] for value in wanted]
        same = (
            bool(got)
            and len(got) == len(scaled)
            and all(same_number(a / got[0], b) for a, b in zip(got, scaled, strict=True))
        )
        return "" if same else f"weights are {listed(got)}, not {listed(wanted)}"

    return check


def no_abstention() -> Check:
    """Check that the model must always answer."""
    return lambda case: "abstention is allowed" if case.after.spec and case.after.spec.abstention.allowed else ""


def abstention_at_most(value: float) -> Check:
    """Check the largest share that may be sent back."""

    def check(case: Case) -> str:
        got = case.after.spec.abstention if case.after.spec else None
        share = value / 100 if value > 1 else value
        return (
            ""
            if got and got.allowed and same_number(got.at_most, share)
            else f"abstention is {got}, not at most {share:g}"
        )

    return check


def no_rule(what: str) -> Check:
    """Check that no caveat or question still speaks of a rule about this: what a spec cannot hold, it says in a caveat."""

    def check(case: Case) -> str:
        words = set(words_of(what))
        spec = case.after.spec
        told = [*(spec.caveats if spec else ()), *(question.text for question in case.after.parsed.questions)]
        limits = {words_of(word)[0] for word in ("only", "filter", "split", "restrict", "exclude", "leave")}
        still = next((text for text in told if words <= set(words_of(text)) and limits & set(words_of(text))), "")
        return f"still there: {still}" if still else ""

    return check
