"""The critical slots of a parse against those of a key: exact, and a set only if every member is there and no other.

Strict where evaluation.md leaves room:

- A null in a key means that the slot is open. It is right if the parse leaves it empty, or asks a blocking question about it; an
  invented task, positive class or metric is wrong.
- The positive class of a task with several classes is the class, or the group of classes, that the parse puts first.
- A value that a key leaves open (`fixed_specificity: null`) is right for any value that the parse marks as its own default, and
  wrong if the parse claims that the request said it.
- A missing target means the positive class for metrics of one class, and the mean over classes for AUROC, AP and F1 of a task
  with several classes.
- Not compared, since they are no critical slots: whether a constraint is hard, how a confounder is handled, what a subgroup is
  compared by.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from costs import order_broken
from measure import Bound, Measure, same_number
from same_name import one_begins_with_the_other, same_class, same_thing, words_of
from slots import Named, Slots, aliases, slots_of_parse

from tasks.domain.spec import BINARY, DETECTION, MULTICLASS, MULTILABEL, SEGMENTATION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.semantic_parser import ParsedRequest
    from tasks.domain.profile import Profile
    from tasks.domain.spec import Spec

SLOTS = ("task", "positive", "primary", "constraints", "confounders", "subgroups", "refuse")
_ASKED_BY = {
    "task": {"task", "task_type", "classes", "objective", "scope", "label", "labels", "label_missing"},
    "positive": {"task", "task_type", "classes", "objective", "scope", "label", "labels", "label_missing", "positive", "positive_class", "priorities"},
    "primary": {"task", "task_type", "classes", "objective", "scope", "label", "labels", "label_missing", "primary", "operating_point", "constraints", "conflicting_constraints"},
}  # fmt: skip
"""Fields and kinds of a blocking question that leave a slot open."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One slot of one request, judged."""

    slot: str
    right: bool
    expected: str
    got: str
    fatal: bool = False
    """A wrong positive class, or a limit in the wrong direction."""


@dataclass(frozen=True, slots=True)
class Parse:
    """A parse with the data that it was made for."""

    parsed: ParsedRequest
    profile: Profile

    @property
    def spec(self) -> Spec | None:
        """Return what was understood, if anything."""
        return self.parsed.draft or self.parsed.spec

    def leaves_open(self, slot: str) -> bool:
        """Return whether a blocking question is about a slot."""
        about = _ASKED_BY[slot]
        return any(
            question.blocking and (question.field.split(".")[0] in about or question.kind in about)
            for question in self.parsed.questions
        )

    def is_default(self, field: str) -> bool:
        """Return whether the spec says that a field, or a part of it, is a default of ours."""
        spec = self.spec
        return spec is not None and any(
            ground.source == "default" and ground.field.split(".")[0] == field for ground in spec.grounding
        )


def compare(key: Slots, parse: Parse) -> tuple[Verdict, ...]:
    """Return a verdict on each critical slot, in the order of `SLOTS`."""
    got = slots_of_parse(parse.parsed, parse.profile)
    if key.refuse and got.refuse:
        # A request that is refused has no spec: what a key says of one that would be built is not asked for.
        return tuple(Verdict(slot, right=True, expected="refuse", got="refuse") for slot in SLOTS)
    return (
        _task(key, got, parse),
        _positive(key, got, parse),
        _primary(key, got, parse),
        _bounds(key, got, parse),
        _set("confounders", key.confounders, got.confounders),
        _set("subgroups", key.subgroups, got.subgroups),
        Verdict("refuse", right=key.refuse == got.refuse, expected=str(key.refuse), got=str(got.refuse)),
    )


def _task(key: Slots, got: Slots, parse: Parse) -> Verdict:
    open_or_equal = key.task == got.task or (not key.task and parse.leaves_open("task"))
    return Verdict("task", right=open_or_equal, expected=key.task or "null", got=got.task or "null")


def _positive(key: Slots, got: Slots, parse: Parse) -> Verdict:
    expected, found = "+".join(key.positive) or "null", "+".join(got.positive) or "null"
    is_open = not got.positive or parse.leaves_open("positive")
    right = positive_matches(key, got, parse) if key.positive else is_open
    return Verdict("positive", right=right, expected=expected, got=found, fatal=not right)


def positive_matches(key: Slots, got: Slots, parse: Parse) -> bool:
    """Return whether the class, or group of classes, that a parse is after is the one that a key names."""
    spec = parse.spec
    if spec is None or not got.positive:
        return False
    if got.task in {MULTICLASS, MULTILABEL} or (len(spec.classes) > 2 and not spec.positive):
        if len(key.positive) == 1:
            return class_matches(key.positive[0], got.positive[0], key, parse)
        return len(key.positive) == len(got.positive) and all(
            any(class_matches(one, other, key, parse) for other in got.positive) for one in key.positive
        )
    if class_matches(key.positive_name, got.positive[0], key, parse):
        return True
    labels = next((item.labels for item in spec.classes if item.name == got.positive[0]), ())
    return len(labels) == len(key.positive) and all(
        any(same_class(one, label) for label in labels) for one in key.positive
    )


def class_matches(name: str, ours: str, key: Slots, parse: Parse) -> bool:
    """Return whether a name of a key means a class of a parse: by one of its names, else by one name that begins with the other.

    The second way is barred where the class of ours is, by name, another one of the key.
    """
    spec = parse.spec
    known = next((item for item in spec.classes if item.name == ours), None) if spec else None
    names = aliases(known, parse.profile) if known else (ours,)
    if any(same_class(name, one) for one in names):
        return True
    others = [item for item in key.classes if not same_class(item, name)]
    if any(same_class(other, one) for other in others for one in names):
        return False
    return any(one_begins_with_the_other(name, one) for one in names)


def _primary(key: Slots, got: Slots, parse: Parse) -> Verdict:
    expected, found = str(key.primary or "null"), str(got.primary or "null")
    if key.primary is None:
        return Verdict(
            "primary", right=got.primary is None or parse.leaves_open("primary"), expected=expected, got=found
        )
    if got.primary is None:
        return Verdict("primary", right=False, expected=expected, got=found)
    right = same_measure(key.primary, got.primary, key, got, parse, ignore_fixed=True)
    if right and key.fixed_is_open:
        right = math.isnan(got.primary.fixed) or _defaulted(parse)
    elif right:
        right = same_number(key.primary.fixed, got.primary.fixed)
    if right and key.cost_order and parse.spec is not None:
        broken = order_broken(key.cost_order, parse.spec, key.positive_name, key.positive)
        return Verdict("primary", right=not broken, expected=f"{expected}: {key.cost_order}", got=broken or found)
    return Verdict("primary", right=right, expected=expected + (" (default)" if key.fixed_is_open else ""), got=found)


def _defaulted(parse: Parse) -> bool:
    return any(parse.is_default(field) for field in ("primary", "operating_point", "abstention"))


def same_measure(
    one: Measure, other: Measure, key: Slots, got: Slots, parse: Parse, *, ignore_fixed: bool = False
) -> bool:
    """Return whether a metric of a key is the same as one of a parse, each with the target that its task gives it."""
    one, other = resolved(one, key), resolved(other, got)
    if (one.family, one.modifiers) != (other.family, other.modifiers):
        return False
    if not (ignore_fixed or same_number(one.fixed, other.fixed)):
        return False
    if one.whole or one.target == other.target:
        return True
    if not one.target or not other.target:
        return False
    if len(key.positive) > 1 and words_of(one.target) == words_of(key.positive_name):
        return positive_matches(key, replace(got, positive=(other.target,)), parse)
    return class_matches(one.target, other.target, key, parse)


def resolved(measure: Measure, slots: Slots) -> Measure:
    """Return a metric with what its task implies: the target where there is one class of interest, no word for a plain mean."""
    several = slots.task not in {BINARY, DETECTION, SEGMENTATION, ""}
    ranked = measure.family in {"auroc", "average_precision", "f1", "dice", "map50", "map50_95"}
    modifiers = measure.modifiers - {"macro"} if ranked or measure.family == "accuracy" else measure.modifiers
    measure = replace(measure, modifiers=modifiers)
    if measure.target:
        return _seen_from_the_positive(measure, slots)
    if ranked and several:
        return measure
    if len(slots.classes) == 1:
        return replace(measure, target=slots.classes[0])
    positive = slots.positive_name or "".join(slots.positive[:1])
    return replace(measure, target=positive) if positive and not measure.whole else measure


def _seen_from_the_positive(measure: Measure, slots: Slots) -> Measure:
    """Return the sensitivity for the negative class of two as the specificity for the positive one, and the other way round."""
    swap = {"sensitivity": "specificity", "specificity": "sensitivity"}
    if slots.task != BINARY or not slots.positive or len(slots.classes) != 2 or measure.family not in swap:
        return measure
    negative = [item for item in slots.classes if not same_class(item, slots.positive[0])]
    if len(negative) == 1 and same_class(measure.target, negative[0]):
        return replace(measure, family=swap[measure.family], target=slots.positive[0])
    return measure


def _bounds(key: Slots, got: Slots, parse: Parse) -> Verdict:
    expected, found = listed(key.bounds), listed(got.bounds)
    left = list(got.bounds)
    missing, reversed_ = [], False
    for bound in key.bounds:
        match = next((item for item in left if same_bound(bound, item, key, got, parse)), None)
        if match is not None:
            left.remove(match)
        elif not _answered_otherwise(bound, key, got, parse):
            missing.append(bound)
            reversed_ = reversed_ or any(
                same_measure(bound.measure, item.measure, key, got, parse) and item.op != bound.op
                for item in got.bounds
            )
    return Verdict("constraints", right=not missing and not left, expected=expected, got=found, fatal=reversed_)


def same_bound(bound: Bound, other: Bound, key: Slots, got: Slots, parse: Parse) -> bool:
    """Return whether a limit of a key is one of a parse: metric, target, direction and value.

    A value that the key leaves open is met by any that the parse marks as a default.
    """
    if bound.op != other.op or not same_measure(bound.measure, other.measure, key, got, parse):
        return False
    if math.isnan(bound.value):
        return parse.is_default("constraints") or parse.is_default("guardrails")
    return same_number(bound.value, other.value)


def _answered_otherwise(bound: Bound, key: Slots, got: Slots, parse: Parse) -> bool:
    """Return whether a limit is kept elsewhere: a gap by a subgroup, an open value by a question that asks for it."""
    if any(
        bound.op == item.op
        and same_number(bound.value, item.value)
        and same_measure(bound.measure, item.measure, key, got, parse)
        for item in got.elsewhere
    ):
        return True
    asks = {"missing_threshold", "missing_max_gap", "undefined_floor", "missing_margin"}
    return math.isnan(bound.value) and any(
        question.kind in asks or question.field.split(".")[0] == "constraints" for question in parse.parsed.questions
    )


def _set(slot: str, expected: Sequence[Named], got: Sequence[Named]) -> Verdict:
    right = len(expected) == len(got) and not unmatched(expected, got)
    return Verdict(slot, right=right, expected=listed(expected), got=listed(got))


def unmatched(expected: Sequence[Named], got: Sequence[Named]) -> list[Named]:
    """Return the members of one set that find no partner of their own in the other, when as many as can be are paired."""
    partner: dict[int, int] = {}

    def pair(place: int, tried: set[int]) -> bool:
        item = expected[place]
        for k, other in enumerate(got):
            if k not in tried and same_thing(item.name, item.column, other.name, other.column):
                tried.add(k)
                if k not in partner or pair(partner[k], tried):
                    partner[k] = place
                    return True
        return False

    return [item for place, item in enumerate(expected) if not pair(place, set())]


def listed(items: Sequence[object]) -> str:
    """Return a set in words for a table."""
    return ", ".join(str(item) for item in items) or "none"
