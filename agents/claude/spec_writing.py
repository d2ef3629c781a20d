"""From what Rounds knows to the form that a language model fills in: what scripted replies are made of, and examples for a prompt."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agents.claude.citing import places
from agents.claude.metric_form import form_of
from agents.claude.spec_form import RequestForm

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from agents.claude.seen import Names
    from agents.semantic_parser import ParsedRequest
    from tasks.domain.spec import Grounding, Spec

_ROOTS = frozenset(
    "task classes positive priorities primary secondary operating_point constraints guardrails confounders subgroups unit costs "  # noqa: SIM905
    "abstention supervision held_out caveats target".split()
)


def form_of_parsed(parsed: ParsedRequest, text: str, names: Names) -> RequestForm:
    """Return the form of what was understood of a request.

    Raises:
        ValueError: It holds something that the form has no place for, such as a metric or a kind of question that nobody knows.
    """
    return RequestForm.model_validate(
        {
            "refusal": parsed.refusal,
            "spec": _spec(parsed.draft, text, names) if parsed.draft is not None and not parsed.refusal else None,
            "questions": [
                {
                    "field": item.field,
                    "text": item.text,
                    "options": list(item.options),
                    "default": item.default,
                    "level": item.level,
                    "kind": item.kind,
                }
                for item in parsed.questions
            ],
            "changes_nothing": [],
        }
    )


def _spec(spec: Spec, text: str, names: Names) -> dict[str, Any]:
    labels, columns, readers = _seen(names.labels), _seen(names.columns), _seen(names.readers)
    return {
        "task": spec.task,
        "classes": [
            {"name": item.name, "labels": [labels[label] for label in item.labels], "description": item.description}
            for item in spec.classes
        ],
        "positive": spec.positive,
        "priorities": list(spec.priorities),
        "primary": form_of(spec.primary),
        "secondary": [form_of(name) for name in spec.secondary],
        "operating_point": {
            "fixed": spec.operating_point.fixed,
            "at_least": _or_null(spec.operating_point.at_least),
            "positive": spec.operating_point.positive,
        },
        "constraints": [
            {"metric": form_of(item.metric), "op": item.op, "bound": item.bound, "hard": item.hard}
            for item in spec.constraints
        ],
        "guardrails": [{"metric": form_of(item.metric), "margin": item.margin} for item in spec.guardrails],
        "confounders": [
            {"name": item.name, "column": columns.get(item.column, ""), "handling": item.handling}
            for item in spec.confounders
        ],
        "subgroups": [
            {
                "attribute": item.attribute,
                "column": columns.get(item.column, ""),
                "criterion": item.criterion,
                "metric": form_of(item.metric) if item.metric else None,
                "max_gap": _or_null(item.max_gap),
            }
            for item in spec.subgroups
        ],
        "unit": spec.unit,
        "costs": [{"true": item.true, "called": item.called, "weight": item.weight} for item in spec.costs],
        "abstention": {"allowed": spec.abstention.allowed, "at_most": _or_null(spec.abstention.at_most)},
        "supervision": {
            "kind": spec.supervision.kind,
            "box_fraction": _or_null(spec.supervision.box_fraction),
            "aggregation": readers.get(spec.supervision.aggregation, spec.supervision.aggregation),
            "uncertain": spec.supervision.uncertain,
        },
        "held_out": columns.get(spec.held_out, ""),
        "caveats": list(spec.caveats),
        "grounding": list(_grounding(spec, text)),
    }


def _grounding(spec: Spec, text: str) -> Iterator[dict[str, Any]]:
    shunned = {item.name for item in spec.confounders}
    for ground in spec.grounding:
        root, _, item = ground.field.partition(".")
        # what the model sees beside the image is no matter of the form; a confounder may have become a subgroup
        if root in _ROOTS and (root != "confounders" or item in shunned):
            yield {
                "field": root,
                "item": item,
                "source": ground.source,
                "words": ground.words,
                "occurrence": _occurrence(ground, text),
            }


def _occurrence(ground: Grounding, text: str) -> int:
    if ground.source != "request":
        return 0
    starts = [start for start, _ in places(ground.words, text)]
    return starts.index(ground.start) + 1 if ground.start in starts else 1


def _seen(names: Mapping[str, str]) -> dict[str, str]:
    return {real: shown for shown, real in names.items()}


def _or_null(value: float) -> float | None:
    return None if math.isnan(value) else value
