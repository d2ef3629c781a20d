"""Floors that a request sets, and metrics that must not get worse while the primary one is improved."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tasks.domain.spec import AT_LEAST, AT_MOST, DETECTION, REGRESSION, SEGMENTATION, Constraint, Guardrail

if TYPE_CHECKING:
    from agents.playbook.intent.judging import Judging, Wishes
    from agents.playbook.intent.levels import Level
    from agents.playbook.intent.reading import Reading

_OF_ONE_CLASS = frozenset({"f1", "average_precision", "ppv", "npv", "map50", "dice"})
_WITHOUT_CURVE = frozenset({DETECTION, SEGMENTATION, REGRESSION})
_AT_ONE_RATE = "sensitivity_at_specificity_80"
"""Guarded where the threshold weighs misses and false alarms the same: it moves along the curve from round to round, and a model with
far fewer false alarms may then catch fewer and still be the better one at any rate of false alarms."""
MARGIN = 0.02
"""Margin of a guardrail for what matters, unless the request says otherwise: about the error of a sensitivity from a few hundred cases."""


def set_floors(reading: Reading, wishes: Wishes, judging: Judging) -> None:
    """Turn 'at least' into constraints; a floor beside a fixed value is read from the curve at that value."""
    numbers, target = wishes.numbers, judging.target
    if numbers.sensitivity_floor is not None:
        held = numbers.specificity_fixed
        family = f"sensitivity_at_specificity_{percent(held)}" if held is not None else "sensitivity"
        _constrain(reading, judging, f"{family}[{target}]", numbers.sensitivity_floor)
    if numbers.specificity_floor is not None:
        held = numbers.sensitivity_fixed
        family = f"specificity_at_sensitivity_{percent(held)}" if held is not None else "specificity"
        _constrain(reading, judging, f"{family}[{target}]", numbers.specificity_floor)
    if wishes.abstaining is not None and not math.isnan(wishes.abstaining.at_most):
        judging.constraints.append(Constraint(metric="abstention_rate", bound=wishes.abstaining.at_most, op=AT_MOST))
        reading.cite("constraints.abstention_rate", wishes.abstaining.first, wishes.abstaining.end)
    if numbers.flag_rate is not None:
        _constrain(reading, judging, f"flag_rate[{target}]", numbers.flag_rate, op=AT_MOST)
    if numbers.alarms_per_image is not None:
        _constrain(reading, judging, f"false_positives_per_image[{target}]", numbers.alarms_per_image, op=AT_MOST)
    for family, level in numbers.metric_floors:
        names = wishes.named.of_labels(level.labels)
        name = metric_name(family, names[0] if names else target, binary=bool(wishes.named.positive))
        of_one = bool(names) and name == "auroc" and not wishes.named.positive
        # What was wished for the test set is a goal on validation; it may not turn rounds down.
        on_test = any(reading.units[k].tags & {"TEST_SET"} for k in range(max(0, level.first - 2), level.end))
        _constrain(reading, judging, f"auroc[{names[0]}]" if of_one else name, level, hard=not on_test)


def set_guardrails(reading: Reading, wishes: Wishes, judging: Judging) -> None:
    """Guard what matters most, what the request protects, and the specificity where false alarms are what matters."""
    held, target, named = judging.operating_point.fixed, judging.target, wishes.named
    for name in judging.priorities if not (judging.costs or judging.abstention.allowed) else ():
        by_name = (weight for weight in wishes.priorities.classes if name in named.of_labels(weight.labels))
        weight = next(by_name, wishes.priorities.unnamed_miss)
        # What the threshold holds, or the primary metric improves, needs no guard.
        if weight is not None and not (
            name == target and (held == "sensitivity" or judging.primary.endswith(f"[{name}]"))
        ):
            family = _AT_ONE_RATE if held == "youden" and named.task not in _WITHOUT_CURVE else "sensitivity"
            _guard(reading, judging, f"{family}[{name}]", (weight.first, weight.end))
    specific = wishes.priorities.specific
    if specific is not None and held != "specificity" and not judging.primary.startswith("specificity"):
        _guard(reading, judging, f"specificity[{target}]", (specific.first, specific.end))
    _guard_the_protected(reading, wishes, judging)


def percent(level: Level) -> str:
    """Return a level in percent as metric names carry it: two digits from 01 to 99, and a decimal where it takes one (97.5)."""
    return as_percent(level.value)


def as_percent(share: float) -> str:
    """Return a share from 0 to 1 in percent as metric names carry it."""
    tenths = min(990, max(10, math.floor(share * 1000 + 0.5)))
    return f"{tenths // 10:02d}" + (f".{tenths % 10}" if tenths % 10 else "")


def metric_name(family: str, target: str, *, binary: bool) -> str:
    """Return the full name of a metric that was named without its class."""
    if family == "f1" and not binary:
        return "f1_macro"
    return f"{family}[{target}]" if family in _OF_ONE_CLASS else family


def _guard_the_protected(reading: Reading, wishes: Wishes, judging: Judging) -> None:
    guards, positive = wishes.guards, wishes.named.positive
    others = [item.name for item in wishes.named.classes if item.name not in judging.priorities]
    if guards.others is not None:
        for metric in [f"specificity[{positive}]"] if positive else [f"auroc[{name}]" for name in others]:
            _guard(reading, judging, metric, guards.others, margin=0.0)
    for labels, span in guards.labels.items():
        for name in wishes.named.of_labels(labels):
            of_two = f"sensitivity[{name}]" if name == positive else f"specificity[{positive}]"
            _guard(reading, judging, of_two if positive else f"auroc[{name}]", span, margin=0.0)


def _constrain(
    reading: Reading, judging: Judging, name: str, level: Level, *, op: str = AT_LEAST, hard: bool = True
) -> None:
    judging.constraints.append(Constraint(metric=name, bound=level.value, op=op, hard=hard))
    reading.cite(f"constraints.{name}", level.first, level.end)


def _guard(reading: Reading, judging: Judging, metric: str, span: tuple[int, int], *, margin: float = MARGIN) -> None:
    """Guard a metric; 'must not get worse' names its margin, which is none."""
    if any(guardrail.metric == metric for guardrail in judging.guardrails):
        return
    judging.guardrails.append(Guardrail(metric=metric, margin=margin))
    reading.cite(f"guardrails.{metric}", *span)
    if margin:
        reading.default(
            f"guardrails.{metric}.margin", f"no margin was named; {margin:g} lets chance pass and little else"
        )
