"""The critical slots of a request in one form: what its key expects, and what a parse holds.

A key is read as widely as it is written: missing entries and nulls are empty slots, an entry that cannot be read becomes a text
that nothing equals, so that it is counted as wrong and never passed over.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from measure import Bound, Measure, read_bound, read_measure
from same_name import distinct

from tasks.domain.spec import BINARY, DETECTION, MULTICLASS, MULTILABEL, ORDINAL, REGRESSION, SEGMENTATION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.semantic_parser import ParsedRequest
    from tasks.domain.profile import Profile
    from tasks.domain.spec import Spec, SpecClass

TASKS = {
    BINARY: "binary binary_classification binary_image_classification selective_binary_classification",
    MULTICLASS: "multiclass multiclass_classification multi_class multi_class_classification",
    MULTILABEL: "multilabel multilabel_classification multi_label multi_label_classification",
    ORDINAL: "ordinal ordinal_classification ordinal_regression grading",
    REGRESSION: "regression scalar_regression",
    DETECTION: "detection object_detection",
    SEGMENTATION: "segmentation semantic_segmentation instance_segmentation image_segmentation",
}
_TASK_OF = {word: task for task, words in TASKS.items() for word in words.split()}


@dataclass(frozen=True, slots=True)
class Named:
    """Something that a request warns of or wants apart, and the column of the data that records it."""

    name: str
    column: str = ""

    def __str__(self) -> str:
        """Return the name, and the column where it differs."""
        return self.name if self.column in {"", self.name} else f"{self.name} ({self.column})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """Critical slots; empty means null in a key, and nothing understood in a parse."""

    task: str = ""
    classes: tuple[str, ...] = ()
    positive: tuple[str, ...] = ()
    """One class, or a group of classes that count as one; empty for none."""
    positive_name: str = ""
    """Name of that class or group, as written."""
    primary: Measure | None = None
    fixed_is_open: bool = False
    """Something is held while the primary metric is measured, and where is left to a default."""
    cost_order: str = ""
    bounds: tuple[Bound, ...] = ()
    elsewhere: tuple[Bound, ...] = ()
    """Of a parse only: gaps between groups that its subgroups ask to be small, and the share that may be sent back. A key may
    write them as constraints or not."""
    confounders: tuple[Named, ...] = ()
    subgroups: tuple[Named, ...] = ()
    refuse: bool = False


def task_of(name: object) -> str:
    """Return the task that a name stands for; the name itself if it is not known, empty for null and `none`."""
    if name is None or str(name).strip().lower() in {"", "none", "null", "unknown", "undetermined"}:
        return ""
    plain = re.sub(r"[\s-]+", "_", str(name).strip().lower())
    return _TASK_OF.get(plain, plain)


def slots_of_key(expected: dict[str, object]) -> Slots:
    """Return the slots that a key names; unknown entries of the key are ignored, as are those that are not critical."""
    primary, fixed_is_open, order = _primary(expected.get("primary_metric"))
    name, positive = _positive(expected.get("positive_class"))
    return Slots(
        task=task_of(expected.get("task_type")),
        classes=_texts(expected.get("classes")),
        positive=positive,
        positive_name=name,
        primary=primary,
        fixed_is_open=fixed_is_open,
        cost_order=order,
        bounds=tuple(_bound(item) for item in _items(expected.get("operating_constraints"))),
        confounders=_named(expected.get("confounders"), "name", ("metadata_column", "column")),
        subgroups=_named(expected.get("protected_subgroups"), "attribute", ("metadata_column", "column")),
        refuse=bool(expected.get("refuse")),
    )


def number_of(value: object) -> float:
    """Return a number written as such or as text (`0.95`, `95%`); nan if it is none."""
    if isinstance(value, bool) or value is None:
        return math.nan
    if isinstance(value, int | float):
        return float(value)
    found = re.search(r"-?\d+(?:\.\d+)?", str(value))
    if not found:
        return math.nan
    return float(found[0]) / 100 if "%" in str(value) else float(found[0])


def _items(value: object) -> list[object]:
    return [item for item in value if item is not None] if isinstance(value, list | tuple) else []


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in _items(value))


def _positive(value: object) -> tuple[str, tuple[str, ...]]:
    """Return name and members: of `urgent(CNV,DME)`, `CNV+DME`, `["CNV", "DME"]`, `mel`."""
    if isinstance(value, list | tuple):
        members = _texts(value)
        return "+".join(members), members
    if value is None or str(value).strip().lower() in {"", "none", "null"}:
        return "", ()
    text = str(value).strip()
    group = re.fullmatch(r"([^()]*)\(([^()]+)\)", text)
    listed = group[2] if group else text
    members = tuple(part.strip() for part in re.split(r"\s*[,+|;]\s*|\s+or\s+|\s+and\s+", listed) if part.strip())
    return (group[1].strip() if group else text), members


def _primary(value: object) -> tuple[Measure | None, bool, str]:
    if isinstance(value, str) and value.strip():
        measure = read_measure(value)
        return measure, measure.holds and math.isnan(measure.fixed), ""
    if not isinstance(value, dict) or not value.get("name"):
        return None, False, ""
    held, fixed = "", math.nan
    for key, item in value.items():
        found = re.fullmatch(
            r"(?:fixed_)?(specificity|sensitivity|recall|coverage|fpr|precision|ppv|abstention)(?:_at)?|(fixed\w*|at)",
            str(key),
        )
        if found:
            held, fixed = found[1] or "", number_of(item)
    name = str(value["name"])
    measure = read_measure(name, _text(value.get("target")), "" if "_at_" in name or "@" in name else held, fixed)
    if held in {"fpr", "abstention"} and measure.holds and not ("fpr" in name or "abst" in name):
        measure = read_measure(name, _text(value.get("target")), "", 1 - fixed)
    return measure, measure.holds and math.isnan(measure.fixed), _text(value.get("cost_order"))


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _bound(item: object) -> Bound:
    if not isinstance(item, dict):
        return Bound(measure=Measure(family=f"unreadable: {item}"), op="", value=math.nan)
    measure = read_measure(_text(item.get("metric")) or "unnamed", _text(item.get("target")))
    scope = _text(item.get("scope")).strip().lower()
    if scope not in {"", "overall", "all", "whole", "none"} and not measure.modifiers & {"change", "gap", "worst"}:
        measure = replace(measure, modifiers=measure.modifiers | {f"in {scope}"})
    bound = read_bound(measure, _text(item.get("op")) or ">=", number_of(item.get("value")))
    return upright_gap(bound)


def upright_gap(bound: Bound) -> Bound:
    """Return a limit on a difference between groups as a largest gap: at least -0.05 is at most 0.05."""
    if "gap" not in bound.measure.modifiers or bound.value > 0 or bound.op != ">=":
        return bound
    return Bound(measure=bound.measure, op="<=", value=abs(bound.value))


def _named(value: object, key: str, columns: tuple[str, ...]) -> tuple[Named, ...]:
    found = []
    for item in _items(value):
        if isinstance(item, dict):
            column = next((_text(item[name]) for name in columns if item.get(name)), "")
            name = _text(item.get(key)) or _text(item.get("name")) or column
            found.append(Named(name or f"unreadable: {item}", column))
        else:
            found.append(Named(str(item)))
    return tuple(found)


def slots_of_parse(parsed: ParsedRequest, profile: Profile) -> Slots:
    """Return the slots that a parse holds: of its draft, else of its spec."""
    spec = parsed.draft or parsed.spec
    if spec is None:
        return Slots(refuse=bool(parsed.refusal))
    return Slots(
        task=spec.task,
        classes=spec.class_names,
        positive=positive_of(spec),
        positive_name=spec.positive,
        primary=measure_of(spec.primary),
        bounds=tuple(_bounds_of(spec)),
        elsewhere=tuple(_elsewhere(spec)),
        confounders=tuple(Named(item.name, item.column) for item in spec.confounders),
        subgroups=tuple(Named(item.attribute, item.column) for item in spec.subgroups),
        refuse=bool(parsed.refusal),
    )


def measure_of(name: str) -> Measure | None:
    """Return a metric of a spec taken apart; None if it has no name."""
    return read_measure(name) if name else None


def positive_of(spec: Spec) -> tuple[str, ...]:
    """Return what a spec takes as positive: its positive class, else the class or classes that it puts first.

    A spec of several classes names no positive one; which class matters most is then what `priorities` says, in order.
    """
    if spec.positive:
        return (spec.positive,)
    if spec.task in {DETECTION, SEGMENTATION} and len(spec.classes) == 1:
        return spec.class_names
    return distinct(spec.priorities)


def _bounds_of(spec: Spec) -> list[Bound]:
    """Return constraints and guardrails; a guardrail bounds the change against the initial model from below by its margin."""
    bounds = [read_bound(read_measure(item.metric), item.op, item.bound) for item in spec.constraints]
    for item in spec.guardrails:
        measure = read_measure(item.metric)
        change = replace(measure, modifiers=measure.modifiers | {"change"})
        bounds.append(Bound(measure=change, op=">=", value=-abs(item.margin)))
    return bounds


def _elsewhere(spec: Spec) -> Iterator[Bound]:
    if spec.abstention.allowed and not math.isnan(spec.abstention.at_most):
        yield read_bound(read_measure("abstention_rate"), "<=", spec.abstention.at_most)
    for item in spec.subgroups:
        if item.criterion != "report" and (item.metric or spec.primary):
            measure = read_measure(item.metric or spec.primary)
            yield Bound(measure=replace(measure, modifiers=measure.modifiers | {"gap"}), op="<=", value=item.max_gap)


def aliases(item: SpecClass, profile: Profile) -> tuple[str, ...]:
    """Return the names by which a class may be called: its own, its description, its labels, and the column that says yes to it."""
    names = [item.name, item.description, *(label for label in item.labels if len(item.labels) == 1)]
    if item.labels in {("1",), ("yes",), ("positive",), ("present",), ("true",)} and profile.roles.label:
        names.append(profile.roles.label)
    return tuple(name for name in dict.fromkeys(names) if name)
