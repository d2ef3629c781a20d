"""Whether the final model meets what the clinician set as a floor, one status line each.

Source: the four statuses of the evaluation plan: met (lower bound), met on the point estimate only, not met, not verifiable.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from tasks.domain.spec import Constraint
from tasks.scoring.name import higher_is_better, read_name

if TYPE_CHECKING:
    from tasks.domain.evaluation import Difference, Estimate, Evaluation
    from tasks.domain.spec import Guardrail, Spec


class Status(StrEnum):
    """What the test set says about a requirement."""

    MET = "met (lower bound)"
    POINT_ONLY = "met on the point estimate only"
    NOT_MET = "not met"
    UNVERIFIABLE = "not verifiable with this sample"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementStatus:
    """A requirement and what became of it."""

    metric: str
    at_least: float
    """Floor of the metric, or largest loss allowed (negative) for a guardrail."""
    estimate: Estimate | Difference | None
    status: Status
    guardrail: bool = False


def floors(spec: Spec) -> tuple[Constraint, ...]:
    """Return the constraints of a spec, with the operating point as one where it is not among them."""
    point = spec.operating_point
    if point.fixed not in ("sensitivity", "specificity"):
        return spec.constraints
    asked = Constraint(metric=f"{point.fixed}[{point.positive}]", bound=point.at_least)
    return spec.constraints if asked in spec.constraints else (*spec.constraints, asked)


def requirement_statuses(spec: Spec, evaluation: Evaluation) -> tuple[RequirementStatus, ...]:
    """Return the status of every constraint, of the operating point and of every guardrail on the holdout."""
    constraints = (_constraint_status(floor, spec, evaluation) for floor in floors(spec))
    guardrails = (_guardrail_status(guardrail, evaluation) for guardrail in spec.guardrails)
    return (*constraints, *guardrails)


def _constraint_status(floor: Constraint, spec: Spec, evaluation: Evaluation) -> RequirementStatus:
    comparison = evaluation.metrics.get(floor.metric)
    estimate = comparison.final if comparison else None
    status = Status.UNVERIFIABLE
    if estimate is not None and not math.isnan(estimate.value):
        if lower_bound(estimate) >= floor.bound:
            status = Status.MET
        elif estimate.value < floor.bound:
            status = Status.NOT_MET
        elif best_lower_bound(_cases(floor.metric, spec, evaluation)) >= floor.bound:
            status = Status.POINT_ONLY
    return RequirementStatus(metric=floor.metric, at_least=floor.bound, estimate=estimate, status=status)


def lower_bound(estimate: Estimate) -> float:
    """Return the lower end of the 95% interval, the lower of bootstrap and exact one where both are known."""
    return estimate.low if math.isnan(estimate.exact_low) else min(estimate.low, estimate.exact_low)


def _guardrail_status(guardrail: Guardrail, evaluation: Evaluation) -> RequirementStatus:
    comparison = evaluation.metrics.get(guardrail.metric)
    difference = comparison.difference if comparison else None
    status = Status.UNVERIFIABLE
    if difference is not None and not math.isnan(difference.value):
        upward = higher_is_better(guardrail.metric)
        loss, worst_loss = (-difference.value, -difference.low) if upward else (difference.value, difference.high)
        held, bound_held = loss <= guardrail.margin, worst_loss <= guardrail.margin
        status = Status.MET if bound_held else Status.POINT_ONLY if held else Status.NOT_MET
    return RequirementStatus(
        metric=guardrail.metric, at_least=-guardrail.margin, estimate=difference, status=status, guardrail=True
    )


def _cases(metric: str, spec: Spec, evaluation: Evaluation) -> int | None:
    """Return the number of cases that a proportion is counted over; None for a metric that is no such proportion."""
    name = read_name(metric, spec.class_names)
    of_class = evaluation.class_counts.get(name.of, 0)
    others = sum(evaluation.class_counts.values()) - of_class
    return {"sensitivity": of_class, "specificity": others}.get(name.family)


def best_lower_bound(cases: int | None) -> float:
    """Return the lower 95% bound of a proportion if every case were right: more than this a sample cannot show.

    Source:
        Clopper & Pearson, Biometrika 1934;26:404, for n of n successes: (0.05/2)^(1/n).
    """
    if cases is None:
        return math.inf
    return 0.025 ** (1 / cases) if cases else 0.0
