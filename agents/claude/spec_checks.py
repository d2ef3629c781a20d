"""What can be checked of a form that a language model filled in, against the request, the profile and itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agents.claude.citing import places
from agents.claude.grounding_checks import listed, problems_of_grounding
from agents.claude.metric_form import OF_TASK, UNBOUNDED, name_of, problems_of
from tasks.domain.spec import BINARY, BLOCKING, DETECTION, MULTICLASS, ORDINAL, REGRESSION, SEGMENTATION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agents.claude.seen import Names
    from agents.claude.spec_form import QuestionForm, RequestForm, SpecForm

MOST_QUESTIONS, LONGEST_QUESTION, LONGEST_SENTENCE, LONGEST_NAME = 3, 700, 400, 60
_PLAIN_NAME = re.compile(r"\w[\w .+-]*")
_CLASS_NAME = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*")


def problems(form: RequestForm, text: str, names: Names) -> list[str]:
    """Return in sentences all that is wrong with a form; empty if it can be used."""
    found = [*_of_outcome(form), *_of_questions(form.questions)]
    found += [
        f"changes_nothing: {words!r} does not stand in the request"
        for words in form.changes_nothing
        if not places(words, text)
    ]
    if form.spec is not None:
        found += _of_spec(form.spec, names, is_open=any(item.level == BLOCKING for item in form.questions))
        found += problems_of_grounding(form.spec, text, names)
    return found


def _of_outcome(form: RequestForm) -> Iterator[str]:
    blocking = any(item.level == BLOCKING for item in form.questions)
    if form.refusal.strip() and form.spec is not None:
        yield "a request that is refused has no spec: `spec` is null"
    if not form.refusal.strip() and form.spec is None and not blocking:
        yield "without a spec there is either a refusal or a blocking question that says what is missing"


def _of_questions(questions: list[QuestionForm]) -> Iterator[str]:
    if len(questions) > MOST_QUESTIONS:
        yield f"questions: {len(questions)} are too many; put the {MOST_QUESTIONS} that change most, and ground the others as defaults"
    for number, item in enumerate(questions, start=1):
        where = f"question {number}"
        if not item.text.strip() or not item.field.strip():
            yield f"{where}: it needs a text and a field"
        if len(item.text) > LONGEST_QUESTION:
            yield f"{where}: {len(item.text)} characters are too long; at most {LONGEST_QUESTION}"
        if item.level != BLOCKING and not item.default.strip():
            yield f"{where}: what does not block has a default that holds if nobody answers"


def _of_spec(form: SpecForm, names: Names, *, is_open: bool) -> Iterator[str]:
    yield from _of_classes(form, names, is_open=is_open)
    yield from _of_metrics(form)
    yield from _of_point(form)
    yield from _of_columns(form, names)
    yield from _of_answers(form, names)
    for number, caveat in enumerate(form.caveats, start=1):
        if not caveat.strip() or len(caveat) > LONGEST_SENTENCE:
            yield f"caveat {number} is one sentence of at most {LONGEST_SENTENCE} characters"


def _of_classes(form: SpecForm, names: Names, *, is_open: bool) -> Iterator[str]:
    classes = [item.name for item in form.classes]
    yield from (f"class {item!r} is defined twice" for item in _repeated(classes))
    for item in form.classes:
        if not _CLASS_NAME.fullmatch(item.name) or len(item.name) > LONGEST_NAME:
            yield f"class {item.name!r}: a name is lower-case letters, digits and single underscores, such as `basal_cell`"
        if not item.description.strip() or len(item.description) > LONGEST_SENTENCE:
            yield f"class {item.name!r}: its description is a few plain words"
        unknown = [label for label in item.labels if label not in names.labels]
        if unknown:
            yield f"class {item.name!r}: the data have no label {listed(unknown)}; they have {listed(names.labels)}"
        if not item.labels and not is_open:
            yield f"class {item.name!r} has no label of the data; without one a blocking question must be open"
    labels = [label for item in form.classes for label in item.labels]
    yield from (f"label {label!r} counts as more than one class, or twice" for label in _repeated(labels))
    yield from _of_number_of_classes(form, classes)
    yield from (
        f"priorities: {name!r} is no class; classes are {listed(classes)}"
        for name in form.priorities
        if name not in classes
    )
    yield from (f"priorities: {name!r} is there twice" for name in _repeated(form.priorities))


def _of_number_of_classes(form: SpecForm, classes: list[str]) -> Iterator[str]:
    if form.task == BINARY and len(classes) != 2:
        yield f"a binary task has two classes, not {len(classes)}"
    elif form.task == BINARY and form.positive != classes[-1]:
        yield f"the positive class of a binary task is the last one, {classes[-1]!r}, not {form.positive!r}"
    elif form.task == REGRESSION and classes:
        yield "a number has no classes: `classes` is empty"
    elif form.task != REGRESSION and len(classes) < (2 if form.task in {MULTICLASS, ORDINAL} else 1):
        yield f"{form.task} needs {'several' if form.task in {MULTICLASS, ORDINAL} else 'its'} classes"
    if form.task in {DETECTION, SEGMENTATION} and form.positive and form.positive not in classes:
        yield f"positive: {form.positive!r} is no class; classes are {listed(classes)}"
    if form.task not in {BINARY, DETECTION, SEGMENTATION} and form.positive:
        yield f"positive: {form.task} has no positive class, so it is empty"


def _of_metrics(form: SpecForm) -> Iterator[str]:
    classes = [item.name for item in form.classes]
    yield from problems_of(form.primary, classes, "primary")
    allowed = OF_TASK.get(form.task)
    others = frozenset().union(*OF_TASK.values())
    if (allowed is not None and form.primary.family not in allowed) or (
        allowed is None and form.primary.family in others
    ):
        which = f"one of {listed(sorted(allowed))}" if allowed is not None else "a metric of classes"
        yield f"primary: {form.primary.family} does not measure {form.task}; it is {which}"
    for metric in form.secondary:
        yield from problems_of(metric, classes, "secondary")
    for item in form.constraints:
        where = f"constraint {name_of(item.metric)}"
        yield from problems_of(item.metric, classes, where)
        if item.bound < 0 or (item.bound > 1 and item.metric.family not in UNBOUNDED):
            yield f"{where}: a bound of {item.bound:g} is not between 0 and 1; write 90% as 0.9"
    for guardrail in form.guardrails:
        where = f"guardrail {name_of(guardrail.metric)}"
        yield from problems_of(guardrail.metric, classes, where)
        if not 0 <= guardrail.margin <= 1:
            yield f"{where}: a margin of {guardrail.margin:g} is not between 0 and 1"
    yield from (
        f"constraint {name} is there twice"
        for name in _repeated(name_of(item.metric) + item.op for item in form.constraints)
    )
    yield from (
        f"guardrail {name} is there twice" for name in _repeated(name_of(item.metric) for item in form.guardrails)
    )


def _of_point(form: SpecForm) -> Iterator[str]:
    point, classes = form.operating_point, [item.name for item in form.classes]
    if form.task == REGRESSION:
        if point.positive or point.fixed != "youden":
            yield "operating_point: a number has no threshold; `positive` is empty and `fixed` is youden"
    elif point.positive not in classes:
        yield f"operating_point: {point.positive!r} is no class; classes are {listed(classes)}"
    elif form.task == BINARY and point.positive != form.positive:
        yield f"operating_point: the threshold of a binary task is for {form.positive!r}"
    if point.fixed == "youden" and point.at_least is not None:
        yield "operating_point: youden holds nothing, so `at_least` is null"
    if point.fixed != "youden" and (point.at_least is None or not 0 < point.at_least <= 1):
        yield f"operating_point: {point.fixed} is held at a value between 0 and 1 in `at_least`; where the request names none, `fixed` is youden"


def _of_columns(form: SpecForm, names: Names) -> Iterator[str]:
    there = listed(names.columns) if names.columns else "none"
    columns = [("confounder", item.name, item.column) for item in form.confounders]
    columns += [("subgroup", item.attribute, item.column) for item in form.subgroups]
    for what, name, column in columns:
        if name not in names.columns and (not _PLAIN_NAME.fullmatch(name) or len(name) > LONGEST_NAME):
            yield f"{what} {name!r}: its name is that of a column, or words of the request with underscores between them"
        if column and column not in names.columns:
            yield f"{what} {name!r}: the data have no column {column!r}; they have {there}; empty if none says it"
    for what in ("confounder", "subgroup"):
        yield from (
            f"{what} {name!r} is there twice" for name in _repeated(name for kind, name, _ in columns if kind == what)
        )
    if form.held_out and form.held_out not in names.columns:
        yield f"held_out: the data have no column {form.held_out!r}; they have {there}"
    for item in form.subgroups:
        if item.max_gap is not None and not 0 <= item.max_gap <= 1:
            yield f"subgroup {item.attribute!r}: a gap of {item.max_gap:g} is not between 0 and 1"
        if item.metric is not None:
            yield from problems_of(item.metric, [each.name for each in form.classes], f"subgroup {item.attribute!r}")


def _of_answers(form: SpecForm, names: Names) -> Iterator[str]:
    classes = [item.name for item in form.classes]
    for cost in form.costs:
        if (
            cost.true not in classes
            or cost.called not in classes
            or cost.true == cost.called
            or not 0 < cost.weight < 1e9
        ):
            yield f"cost of {cost.true!r} called {cost.called!r}: two different classes of {listed(classes)}, and a weight above 0"
    yield from (
        f"cost {pair} is there twice" for pair in _repeated(f"{cost.true} called {cost.called}" for cost in form.costs)
    )
    share = form.abstention.at_most
    if share is not None and not (form.abstention.allowed and 0 < share <= 1):
        yield f"abstention: a share of {share:g} is between 0 and 1, and only where abstention is allowed"
    how, fraction = form.supervision.aggregation, form.supervision.box_fraction
    if how and how not in {"majority", "any", "all", "consensus", *names.readers}:
        yield f"supervision: {how!r} is no way to join readings; it is majority, any, all, consensus or one of {listed(names.readers)}"
    if fraction is not None and not 0 <= fraction <= 1:
        yield f"supervision: a box_fraction of {fraction:g} is not between 0 and 1"


def _repeated(items: Iterable[str]) -> list[str]:
    seen: set[str] = set()
    return [item for item in items if item in seen or seen.add(item)]  # type: ignore[func-returns-value]
