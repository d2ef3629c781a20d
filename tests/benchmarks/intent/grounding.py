"""What each filled slot of a spec rests on, and which of its values rest on nothing.

A slot is grounded by words of the request that stand where it says (start and end give exactly those words), by a fact of the
profile that names something the profile holds, or by a default that says why, and that is told: in the read-back or in a
question. While a blocking question is open nothing is built and the read-back lists questions only; a default then counts as
told if it says why.

A value is invented if it is a limit, a shortcut, a subgroup, a point that is held, a weight of errors or an abstention that
neither the key has nor words of the request support. A number is supported only by words that hold a number.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from comparing import Parse, same_bound, unmatched
from measure import same_number
from slots import Named, Slots, slots_of_parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rows import Row

    from tasks.domain.profile import Profile
    from tasks.domain.spec import Grounding, Spec

_NUMBER = re.compile(
    r"\d|%|\b(?:half|quarter|third|fifth|tenth|none|never|every|each|all|always|any|no|nothing|not|one|two|three|four|five|six|seven|eight|nine|ten|"
    r"eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|percent|dozen)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Filled:
    """A filled slot of a spec and whether it is grounded."""

    field: str
    grounded: bool


def filled_slots(request: str, parse: Parse) -> tuple[Filled, ...]:
    """Return every filled slot of what was understood, with whether it is grounded; empty if nothing was understood."""
    spec = parse.spec
    if spec is None:
        return ()
    return tuple(
        Filled(field, grounded=any(_holds(ground, request, parse) for ground in _grounds(spec, field)))
        for field in _fields(spec)
    )


def _fields(spec: Spec) -> Iterator[str]:
    yield from ("task", "primary", "unit")
    yield from (f"classes.{name}" for name in spec.class_names)
    if spec.positive:
        yield "positive"
    yield from (f"priorities.{name}" for name in spec.priorities)
    if spec.operating_point.positive:
        yield "operating_point"
    yield from (f"constraints.{item.metric}" for item in spec.constraints)
    yield from (f"guardrails.{item.metric}" for item in spec.guardrails)
    yield from (f"confounders.{item.name}" for item in spec.confounders)
    yield from (f"subgroups.{item.attribute}" for item in spec.subgroups)
    if spec.costs:
        yield "costs"
    if spec.abstention.allowed:
        yield "abstention"
    if spec.supervision.kind != "full" or spec.supervision.uncertain or spec.supervision.aggregation:
        yield "supervision"


def _grounds(spec: Spec, field: str) -> Iterator[Grounding]:
    """Yield what a field rests on: entries for it, for a part of it, or for all fields of its kind."""
    kind = field.split(".", 1)[0]
    for ground in spec.grounding:
        if ground.field in {field, kind} or ground.field.startswith(f"{field}."):
            yield ground


def _holds(ground: Grounding, request: str, parse: Parse) -> bool:
    if ground.source == "request":
        return cites(ground, request)
    if ground.source == "profile":
        return _speaks_of(ground.words, parse.profile)
    return ground.source == "default" and bool(ground.words.strip()) and _is_told(ground, parse)


def cites(ground: Grounding, request: str) -> bool:
    """Return whether a grounding cites words that stand in the request where it says."""
    inside = 0 <= ground.start < ground.end <= len(request)
    return inside and request[ground.start : ground.end].strip() == ground.words.strip() != ""


def _is_told(ground: Grounding, parse: Parse) -> bool:
    if parse.parsed.spec is None:
        return True
    told = " ".join([parse.parsed.read_back, *(question.text for question in parse.parsed.questions)])
    asked = {question.field.split(".")[0] for question in parse.parsed.questions}
    return ground.field.split(".")[0] in asked or _plain(ground.words) in _plain(told)


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s%]", " ", text).lower().split())


def _speaks_of(words: str, profile: Profile) -> bool:
    """Return whether a stated fact names something that the profile holds: a column, a label, a kind of supervision, a number."""
    roles = profile.roles
    names = (
        {item.label for item in profile.labels}
        | {item.name for item in profile.attributes}
        | {item.name for item in profile.findings}
    )
    names |= {name for name in (roles.label, roles.group, roles.split) if name} | {
        item.name for item in profile.annotators
    }
    plain = _plain(words)
    kinds = {"box", "mask", "outline", "label", "reader", "grader", "annotator", "split", "group", "column"}
    named = any(_plain(name) and re.search(rf"\b{re.escape(_plain(name))}\b", plain) for name in names)
    return named or any(kind in plain for kind in kinds) or bool(re.search(r"\d", plain))


@dataclass(frozen=True, slots=True)
class Value:
    """Something that a spec holds and that could be invented."""

    shown: str
    field: str
    in_key: bool
    numeric: bool


def invented(row: Row, key: Slots, parse: Parse) -> tuple[str, ...]:
    """Return what a spec holds that neither the key has nor words of the request support."""
    spec = parse.spec
    if spec is None:
        return ()
    got = slots_of_parse(parse.parsed, parse.profile)
    values = [*_limits(spec, got, key, parse), *_names(got, key), *_held(spec, got, key), *_answers(spec, key, row)]
    return tuple(value.shown for value in values if not (value.in_key or _supported(spec, value, row.request)))


def _supported(spec: Spec, value: Value, request: str) -> bool:
    return any(
        ground.source == "request" and cites(ground, request) and (not value.numeric or _NUMBER.search(ground.words))
        for ground in _grounds(spec, value.field)
    )


def _limits(spec: Spec, got: Slots, key: Slots, parse: Parse) -> Iterator[Value]:
    fields = [f"constraints.{item.metric}" for item in spec.constraints]
    fields += [f"guardrails.{item.metric}" for item in spec.guardrails]
    for field, bound in zip(fields, got.bounds, strict=True):
        known = any(same_bound(wanted, bound, key, got, parse) for wanted in key.bounds)
        yield Value(str(bound), field, known, numeric=field.startswith("constraints"))


def _names(got: Slots, key: Slots) -> Iterator[Value]:
    for item in got.confounders:
        yield Value(f"confounder {item}", f"confounders.{item.name}", _is_in(item, key.confounders), numeric=False)
    for item in got.subgroups:
        yield Value(f"subgroup {item}", f"subgroups.{item.name}", _is_in(item, key.subgroups), numeric=False)


def _held(spec: Spec, got: Slots, key: Slots) -> Iterator[Value]:
    if got.primary is not None and got.primary.holds and not math.isnan(got.primary.fixed):
        yield Value(f"held in {got.primary}", "primary", _is_held(got.primary.fixed, key), numeric=True)
    point = spec.operating_point
    if not math.isnan(point.at_least):
        known = _is_held(point.at_least, key)
        yield Value(f"{point.fixed} held at {point.at_least:g}", "operating_point", known, numeric=True)


def _answers(spec: Spec, key: Slots, row: Row) -> Iterator[Value]:
    if spec.costs:
        weighed = key.primary is not None and key.primary.family == "expected_cost"
        yield Value("weights of errors", "costs", weighed, numeric=False)
    if spec.abstention.allowed:
        spoken_of = bool(re.search(r"abst|coverage|not sure|reject", str(row.expected), re.IGNORECASE))
        yield Value("abstention", "abstention", spoken_of, numeric=False)
        if not math.isnan(spec.abstention.at_most):
            share = spec.abstention.at_most
            known = _is_held(1 - share, key)
            yield Value(f"abstention at most {share:g}", "abstention", known, numeric=True)


def _is_in(item: Named, others: tuple[Named, ...]) -> bool:
    return any(not unmatched([item], [other]) for other in others)


def _is_held(value: float, key: Slots) -> bool:
    """Return whether a key has a point that is held: in its metric, left open there, or as a limit."""
    stated = [bound.value for bound in key.bounds]
    if key.primary is not None and key.primary.holds:
        stated.append(value if key.fixed_is_open else key.primary.fixed)
    return any(same_number(value, number) for number in stated)
