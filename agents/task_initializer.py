"""The task initializer: decides how a study starts and how it will be judged. Protocol, and what both back ends share."""

from __future__ import annotations

import hashlib
import typing
from dataclasses import dataclass

from pydantic_core import to_json

from tasks.domain.errors import RequestOutOfScope
from tasks.domain.spec import BINARY, MULTICLASS, Guardrail, Protocol

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tasks.domain.profile import Profile
    from tasks.domain.request import Request
    from tasks.domain.spec import Spec

LOWER_IS_BETTER = frozenset({"brier", "ece"})
"""Names, without a class in brackets, of the metrics where less is better."""
TEMPLATE_OF_TASK = {BINARY: "classification", MULTICLASS: "classification"}
"""Folder of `model_templates` for each task that can be trained."""
PRIORITY_MARGIN = 0.02
"""How much AUC a class that matters may lose while the primary metric is improved, where the request says nothing."""
RESAMPLES_VALIDATION, RESAMPLES_TEST = 2_000, 10_000
MAX_CHECKPOINTS, SHORT_RUN_SECONDS = 3, 300.0
"""A run shorter than this leaves one checkpoint: each costs a prediction of validation, and a look at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What one training run has at hand."""

    device: str
    """`cuda`, `mps` or `cpu`."""
    cpu_count: int
    memory_bytes: int
    gpu_memory_bytes: int = 0
    """Of one GPU; 0 without one, or if unknown."""
    train_seconds: float
    """Wall-clock budget of one training run."""
    cached_weights: tuple[str, ...]
    """Names of the timm models whose pretrained weights are at hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a study starts, and how it will be judged."""

    template: str
    """Folder of `model_templates` that is copied."""
    recipe: Mapping[str, object]
    """New defaults of the template's recipe."""
    protocol: Protocol
    notes: tuple[str, ...]
    """What was chosen and why, in plain sentences."""


class TaskInitializer(typing.Protocol):
    """Turns a spec into a minimal start and a frozen protocol."""

    def initialize(self, spec: Spec, profile: Profile, resources: Resources, *, request: Request) -> Plan:
        """Return the plan of a study.

        Raises:
            RequestOutOfScope: There is no template for this task.
        """
        ...


def check_template(spec: Spec) -> None:
    """Check that there is a template, and a way to judge it, for what a spec asks for.

    Raises:
        RequestOutOfScope: There is none; the message names all that is missing and what to ask for instead.
    """
    missing = list(_not_built(spec))
    if missing:
        raise RequestOutOfScope(f"This was understood, but cannot be trained yet: {'; '.join(missing)}.")


def _not_built(spec: Spec) -> Iterable[str]:
    if spec.task not in TEMPLATE_OF_TASK:
        words = spec.task.replace("_", " ")
        yield f"there is no template for {words} yet, only for two classes or several that exclude each other"
    if any(not item.labels for item in spec.classes):
        yield "numbers cannot be cut into classes yet; add a column that holds the classes"
    if spec.costs:
        yield "errors cannot be weighed one against another yet; name the class that matters most instead"
    if spec.abstention.allowed:
        yield "the model cannot answer \u201cnot sure\u201d yet; leave that out of the request"


def build_protocol(spec: Spec, *, request: Request, train_seconds: float) -> Protocol:
    """Return the protocol that a spec and a budget lead to; it is the same for every initializer."""
    guardrails = (*spec.guardrails, *_priority_guardrails(spec))
    return Protocol(
        spec_sha256=hashlib.sha256(to_json(spec, indent=2, inf_nan_mode="null") + b"\n").hexdigest(),
        primary=spec.primary,
        higher_is_better=spec.primary.partition("[")[0] not in LOWER_IS_BETTER,
        metrics=tuple(dict.fromkeys(_metric_names(spec, guardrails))),
        constraints=tuple(item for item in spec.constraints if item.hard),
        guardrails=guardrails,
        operating_point=spec.operating_point,
        verdict_rule=request.verdict_rule,
        max_rounds=request.budget.rounds,
        train_seconds=train_seconds,
        max_checkpoints=MAX_CHECKPOINTS if train_seconds >= SHORT_RUN_SECONDS else 1,
        resamples_validation=RESAMPLES_VALIDATION,
        resamples_test=RESAMPLES_TEST,
        seed=request.seed,
    )


def _priority_guardrails(spec: Spec) -> tuple[Guardrail, ...]:
    """Return a guardrail for each class that matters and that nothing else of the spec protects."""
    guarded = {spec.primary, *(item.metric for item in spec.guardrails), *(item.metric for item in spec.constraints)}
    if spec.positive:  # the AUC of two classes is that of either
        guarded |= {f"{metric}[{name}]" for metric in guarded for name in spec.class_names}
    unguarded = (name for name in spec.priorities if not any(metric.endswith(f"[{name}]") for metric in guarded))
    return tuple(Guardrail(metric=f"auroc[{name}]", margin=PRIORITY_MARGIN) for name in unguarded)


def _metric_names(spec: Spec, guardrails: Iterable[Guardrail]) -> Iterable[str]:
    """Yield the names of all metrics to compute, primary first; a name may come twice."""
    yield from (spec.primary, *spec.secondary)
    yield from (item.metric for item in spec.constraints)
    yield from (item.metric for item in guardrails)
    yield "auroc"
    matter = dict.fromkeys((*((spec.positive,) if spec.positive else ()), *spec.priorities))
    for name in matter:
        yield from (f"auroc[{name}]",) if not spec.positive else ()
        yield from (
            f"average_precision[{name}]",
            f"sensitivity_at_specificity_80[{name}]",
            f"specificity_at_sensitivity_95[{name}]",
        )
    # a threshold is frozen for this class alone
    frozen = spec.operating_point.positive
    yield from (f"sensitivity[{frozen}]", f"specificity[{frozen}]")
    yield from ("f1_macro", "balanced_accuracy", "accuracy", "brier", "ece")
