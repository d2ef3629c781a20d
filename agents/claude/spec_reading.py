"""From the form that a language model filled in to what Rounds knows: domain types, with the real names of labels and columns."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from agents.claude.citing import places
from agents.claude.metric_form import name_of
from agents.claude.quoted_data import one_line
from tasks.domain.spec import (
    Abstention,
    Confounder,
    Constraint,
    Cost,
    Grounding,
    Guardrail,
    OperatingPoint,
    Question,
    Spec,
    SpecClass,
    Subgroup,
    Supervision,
)

if TYPE_CHECKING:
    from agents.claude.seen import Names
    from agents.claude.spec_form import (
        GroundingForm,
        OperatingPointForm,
        QuestionForm,
        SpecForm,
        SubgroupForm,
        SupervisionForm,
    )

_LONGEST = 1_000


def spec_of(form: SpecForm, text: str, names: Names) -> Spec:
    """Return the spec of a form in which nothing is wrong."""
    return Spec(
        task=form.task,
        classes=tuple(
            SpecClass(
                name=item.name,
                labels=tuple(names.labels[label] for label in item.labels),
                description=prose(item.description),
            )
            for item in form.classes
        ),
        positive=form.positive,
        priorities=tuple(form.priorities),
        primary=name_of(form.primary),
        secondary=tuple(dict.fromkeys(name_of(item) for item in form.secondary)),
        operating_point=_point(form.operating_point),
        constraints=tuple(
            Constraint(metric=name_of(item.metric), op=item.op, bound=item.bound, hard=item.hard)
            for item in form.constraints
        ),
        guardrails=tuple(Guardrail(metric=name_of(item.metric), margin=item.margin) for item in form.guardrails),
        confounders=tuple(
            Confounder(name=item.name, column=names.columns.get(item.column, ""), handling=item.handling)
            for item in form.confounders
        ),
        subgroups=tuple(_subgroup(item, names) for item in form.subgroups),
        unit=form.unit,
        costs=tuple(Cost(true=item.true, called=item.called, weight=item.weight) for item in form.costs),
        abstention=Abstention(allowed=form.abstention.allowed, at_most=_number(form.abstention.at_most)),
        supervision=_supervision(form.supervision, names),
        held_out=names.columns.get(form.held_out, ""),
        caveats=tuple(prose(caveat) for caveat in form.caveats),
        grounding=tuple(_grounding(item, text) for item in form.grounding),
    )


def question_of(form: QuestionForm) -> Question:
    """Return the question of a form."""
    return Question(
        field=prose(form.field),
        text=prose(form.text),
        options=tuple(prose(item) for item in form.options),
        default=prose(form.default),
        level=form.level,
        kind=form.kind,
    )


def prose(text: str) -> str:
    """Return a sentence of a language model as it may be shown to a person: one line, no tags, no links."""
    line = one_line(text, _LONGEST).replace("<", "\u2039").replace(">", "\u203a")
    return re.sub(r"\]\s*\(", "] \u2008(", line)


def _point(form: OperatingPointForm) -> OperatingPoint:
    return OperatingPoint(fixed=form.fixed, at_least=_number(form.at_least), positive=form.positive)


def _subgroup(form: SubgroupForm, names: Names) -> Subgroup:
    return Subgroup(
        attribute=form.attribute,
        column=names.columns.get(form.column, ""),
        criterion=form.criterion,
        metric=name_of(form.metric) if form.metric is not None else "",
        max_gap=_number(form.max_gap),
    )


def _supervision(form: SupervisionForm, names: Names) -> Supervision:
    return Supervision(
        kind=form.kind,
        box_fraction=_number(form.box_fraction),
        aggregation=names.readers.get(form.aggregation, form.aggregation),
        uncertain=form.uncertain,
    )


def _grounding(form: GroundingForm, text: str) -> Grounding:
    field = f"{form.field}.{form.item}" if form.item else form.field
    if form.source != "request":
        return Grounding(field=field, source=form.source, words=prose(form.words))
    start, end = places(form.words, text)[form.occurrence - 1]
    return Grounding(field=field, source="request", words=text[start:end], start=start, end=end)


def _number(value: float | None) -> float:
    return math.nan if value is None else value
