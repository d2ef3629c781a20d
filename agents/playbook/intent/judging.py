"""What 'better' means: primary metric, operating point, floors and guardrails, each from words or an explicit default."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agents.playbook.intent import quoting
from agents.playbook.intent.naming import concern
from tasks.domain.spec import Constraint, Guardrail, OperatingPoint

if TYPE_CHECKING:
    from agents.playbook.intent.guards import Guards
    from agents.playbook.intent.naming import Named
    from agents.playbook.intent.operating import Level, Numbers
    from agents.playbook.intent.priorities import Priorities
    from agents.playbook.intent.reading import Reading

MARGIN = 0.02
"""Guardrail margin unless the request says otherwise: two points, about the error of a sensitivity from a few hundred cases."""
_HELD_SPECIFICITY = 0.80  # the source paper reports sensitivity at 80% specificity (Zhao et al. 2026, arXiv 2604.17110)
_FEW_FALSE_ALARMS = 0.95


@dataclass(slots=True)
class Judging:
    """The part of the spec that says what is better."""

    primary: str = "auroc"
    priorities: tuple[str, ...] = ()
    operating_point: OperatingPoint = field(
        default_factory=lambda: OperatingPoint(fixed="youden", at_least=math.nan, positive="")
    )
    constraints: list[Constraint] = field(default_factory=list)
    guardrails: list[Guardrail] = field(default_factory=list)


def decide_judging(
    reading: Reading, named: Named, numbers: Numbers, priorities: Priorities, guards: Guards
) -> Judging | None:
    """Return what better means, or None after a blocking question."""
    before = sum(question.blocking for question in reading.questions)
    judging = Judging(priorities=_priorities(reading, named, priorities))
    target = _target(reading, named, numbers, judging, priorities)
    _floors(reading, judging, numbers, target, named)
    _operating_point(reading, judging, numbers, priorities, target, named)
    _primary(reading, judging, numbers, named, target)
    _guardrails(reading, judging, priorities, guards, target, named)
    return None if sum(question.blocking for question in reading.questions) > before else judging


def _priorities(reading: Reading, named: Named, priorities: Priorities) -> tuple[str, ...]:
    names: list[str] = []
    for weight in priorities.classes:
        matched = named.of_labels(weight.labels)
        if not matched:
            labels = quoting.listed(quoting.code(label) for label in weight.labels)
            reading.ask(
                "priorities", f"{quoting.words(reading.words(weight.first, weight.end))} puts weight on {labels}, which is not among the "
                f"classes that are told apart ({quoting.listed(item.name for item in named.classes)}). Should it be added?", blocking=True,
            )  # fmt: skip
        for name in matched:
            if name not in names:
                names.append(name)
                reading.cite(f"priorities.{name}", weight.first, weight.end)
    if priorities.equal is not None:
        if names:
            reading.ask(
                "priorities",
                "You say that all classes matter equally, and that some matter most. Which is it?",
                blocking=True,
            )
        reading.cite("priorities", priorities.equal.first, priorities.equal.end)
    if not names and priorities.unnamed_miss is not None and named.positive:
        reading.cite(f"priorities.{named.positive}", priorities.unnamed_miss.first, priorities.unnamed_miss.end)
        return (named.positive,)
    if not names and priorities.unnamed_miss is not None:
        wording = quoting.words(reading.words(priorities.unnamed_miss.first, priorities.unnamed_miss.end))
        reading.ask(
            "priorities",
            f"{wording}: which diagnosis is meant?",
            options=tuple(item.name for item in named.classes),
            default="none in particular",
        )
    return tuple(names)


def _target(reading: Reading, named: Named, numbers: Numbers, judging: Judging, priorities: Priorities) -> str:
    """Return the class that numbers and thresholds are for."""
    said = [level for level in (numbers.sensitivity_floor, numbers.sensitivity_fixed) if level is not None]
    for level in said:
        names = named.of_labels(level.labels)
        if named.positive and names and names[0] != named.positive:
            reading.ask(
                "operating_point", f"{quoting.words(reading.words(level.first, level.end))} is said of {names[0]}, while {named.positive} is what "
                "the model looks for. Which of the two is the finding?", options=(names[0], named.positive), blocking=True,
            )  # fmt: skip
        if level.labels and not names:
            reading.ask(
                "operating_point",
                f"{quoting.words(reading.words(level.first, level.end))} is said of something that is no class here.",
                blocking=True,
            )
        if len(names) == 1:
            return names[0]
    if named.positive:
        return named.positive
    if judging.priorities:
        return judging.priorities[0]
    numbered = [*said, *(lv for lv in (numbers.specificity_floor, numbers.specificity_fixed) if lv is not None)]
    if numbered:
        wording = quoting.words(reading.words(numbered[0].first, numbered[0].end))
        reading.ask(
            "operating_point",
            f"{wording}: of which diagnosis?",
            options=tuple(item.name for item in named.classes),
            blocking=True,
        )
    _ = priorities
    return max(zip(named.classes, named.groups, strict=True), key=lambda pair: concern(reading, pair[1]))[0].name


def _floors(reading: Reading, judging: Judging, numbers: Numbers, target: str, named: Named) -> None:
    """Turn 'at least' into constraints; a floor beside a fixed value is read from the curve at that value."""
    sensitivity, specificity = numbers.sensitivity_floor, numbers.specificity_floor
    if sensitivity is not None:
        held = numbers.specificity_fixed
        name = f"sensitivity_at_specificity_{percent(held)}[{target}]" if held is not None else f"sensitivity[{target}]"
        _constrain(reading, judging, name, sensitivity)
    if specificity is not None:
        held = numbers.sensitivity_fixed
        name = f"specificity_at_sensitivity_{percent(held)}[{target}]" if held is not None else f"specificity[{target}]"
        _constrain(reading, judging, name, specificity)
    for family, level in numbers.metric_floors:
        _constrain(reading, judging, metric_name(family, target, binary=bool(named.positive)), level)


def _constrain(reading: Reading, judging: Judging, name: str, level: Level) -> None:
    judging.constraints.append(Constraint(metric=name, at_least=level.value))
    reading.cite(f"constraints.{name}", level.first, level.end)


def percent(level: Level) -> int:
    """Return a level in whole percent, 1 to 99, as metric names carry it."""
    return min(99, max(1, round(level.value * 100)))


def metric_name(family: str, target: str, *, binary: bool) -> str:
    """Return the full name of a metric that was named without its class."""
    if family == "f1" and not binary:
        return "f1_macro"
    return f"{family}[{target}]" if family in {"f1", "average_precision"} else family


def _operating_point(
    reading: Reading, judging: Judging, numbers: Numbers, priorities: Priorities, target: str, named: Named
) -> None:
    by_sensitivity = numbers.sensitivity_fixed or (None if numbers.specificity_fixed else numbers.sensitivity_floor)
    by_specificity = numbers.specificity_fixed or (None if numbers.sensitivity_fixed else numbers.specificity_floor)
    level, held = (by_sensitivity, "sensitivity") if by_sensitivity is not None else (by_specificity, "specificity")
    if level is not None:
        judging.operating_point = OperatingPoint(fixed=held, at_least=level.value, positive=target)
        reading.cite("operating_point", level.first, level.end)
        if by_sensitivity is not None and by_specificity is not None:
            reading.ask(
                "operating_point", "If both floors cannot be met, which one gives way?",
                options=("specificity gives way", "sensitivity gives way"), default="specificity gives way",
            )  # fmt: skip
        return
    _default_operating_point(reading, judging, priorities, target, named)


def _default_operating_point(
    reading: Reading, judging: Judging, priorities: Priorities, target: str, named: Named
) -> None:
    plain = next(item.description for item in named.classes if item.name == target)
    if judging.priorities or priorities.specific is not None:
        value = _HELD_SPECIFICITY if judging.priorities else _FEW_FALSE_ALARMS
        judging.operating_point = OperatingPoint(fixed="specificity", at_least=value, positive=target)
        reading.default(
            "operating_point",
            f"a priority was named but no number; specificity is held at {value:.0%}, and as many as possible are caught there",
        )
        sign = " Nothing missed at all cannot be promised." if priorities.every is not None else ""
        reading.ask(
            "operating_point",
            f"How many false alarms may it cost to catch {quoting.plain(plain)}?{sign} As it stands, of 100 images without it {round(100 * (1 - value))} "
            "may be called by mistake, and the model catches as many as it can.",
            options=(f"hold specificity at {value:.0%}", "hold sensitivity at 95%", "hold specificity at 90%"),
            default=f"hold specificity at {value:.0%}",
        )  # fmt: skip
        return
    judging.operating_point = OperatingPoint(fixed="youden", at_least=math.nan, positive=target)
    reading.default(
        "operating_point", "nothing was said of the balance; misses and false alarms weigh the same (Youden)"
    )


def _primary(reading: Reading, judging: Judging, numbers: Numbers, named: Named, target: str) -> None:
    if numbers.goal is not None:
        family, first, end = numbers.goal
        judging.primary = metric_name(family, target, binary=bool(named.positive))
        reading.cite("primary", first, end)
        return
    sensitivity = numbers.sensitivity_fixed or numbers.sensitivity_floor
    specificity = numbers.specificity_fixed or numbers.specificity_floor
    if not named.positive:
        reading.default(
            "primary", "several classes: the mean over classes of how well each is told from the others (AUROC)"
        )
    elif numbers.specificity_fixed is not None or (specificity is not None and sensitivity is None):
        judging.primary = (
            f"sensitivity_at_specificity_{percent(specificity)}[{target}]"
            if specificity is not None
            else judging.primary
        )
        _cite_level(reading, specificity)
    elif numbers.sensitivity_fixed is not None or (sensitivity is not None and specificity is None):
        judging.primary = (
            f"specificity_at_sensitivity_{percent(sensitivity)}[{target}]"
            if sensitivity is not None
            else judging.primary
        )
        _cite_level(reading, sensitivity)
    else:
        reading.default("primary", "two classes: how well they are told apart over all thresholds (AUROC)")


def _cite_level(reading: Reading, level: Level | None) -> None:
    if level is not None:
        reading.cite("primary", level.first, level.end)


def _guardrails(
    reading: Reading, judging: Judging, priorities: Priorities, guards: Guards, target: str, named: Named
) -> None:
    held = judging.operating_point.fixed
    for name in judging.priorities:
        weight = next((w for w in priorities.classes if name in named.of_labels(w.labels)), priorities.unnamed_miss)
        if weight is not None and not (name == target and held == "sensitivity"):
            _guard(reading, judging, f"sensitivity[{name}]", (weight.first, weight.end))
    if priorities.specific is not None and held != "specificity" and not judging.primary.startswith("specificity"):
        _guard(reading, judging, f"specificity[{target}]", (priorities.specific.first, priorities.specific.end))
    if guards.others is not None and named.positive:
        _guard(reading, judging, f"specificity[{named.positive}]", guards.others)
    elif guards.others is not None:
        for item in named.classes:
            if item.name not in judging.priorities:
                _guard(reading, judging, f"auroc[{item.name}]", guards.others)
    for labels, span in guards.labels.items():
        for name in named.of_labels(labels):
            metric = f"auroc[{name}]"
            if named.positive:
                metric = f"sensitivity[{name}]" if name == named.positive else f"specificity[{named.positive}]"
            _guard(reading, judging, metric, span)


def _guard(reading: Reading, judging: Judging, metric: str, span: tuple[int, int]) -> None:
    if all(guardrail.metric != metric for guardrail in judging.guardrails):
        judging.guardrails.append(Guardrail(metric=metric, margin=MARGIN))
        reading.cite(f"guardrails.{metric}", *span)
        reading.default(
            f"guardrails.{metric}.margin", f"no margin was named; {MARGIN:g} lets chance pass and little else"
        )
