"""The spec read back to the clinician: one screen of plain words, every sentence from the spec or the profile."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agents import quoting
from agents.plain_metric import plain_class, plain_metric
from tasks.domain.manifest import absent
from tasks.domain.spec import BINARY, DETECTION, MULTICLASS, MULTILABEL, ORDINAL, REGRESSION, SEGMENTATION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tasks.domain.profile import Profile
    from tasks.domain.spec import Grounding, Question, Spec, SpecClass

_MOST_UNHEEDED = 8
_MOST_PAIRS = 4


def of_spec(
    text: str, spec: Spec, profile: Profile, questions: Sequence[Question], unheeded: Sequence[str] = ()
) -> str:
    """Return the read-back of a spec as Markdown.

    Args:
        text: The request, as written.
        spec: What was understood.
        profile: Where the counts come from.
        questions: Open ones, none blocking; their defaults hold unless answered.
        unheeded: Words of the request that change nothing.
    """
    parts = [
        f"You wrote: {quoting.words(text)}",
        _section("What will be built", _built(spec, profile)),
        _section("What better means", _better(spec)),
        _section("What is guarded", _guarded(spec)),
        _section("Assumed unless you say otherwise", _assumed(spec)),
        _section("Not possible here", _impossible(spec, profile)),
        _section("The report will also say", (quoting.plain(caveat, longest=200) for caveat in spec.caveats)),
        _section("Read, and changes nothing", (quoting.words(words) for words in unheeded[:_MOST_UNHEEDED])),
        _section("Questions (the answer in brackets holds until you change it)", _questions(questions)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def of_questions(text: str, questions: Sequence[Question], profile: Profile, draft: Spec | None = None) -> str:
    """Return what stands in the way of a spec, as Markdown, with what is understood so far."""
    blocking = [question for question in questions if question.blocking]
    others = [question for question in questions if not question.blocking]
    labels = ", ".join(f"{quoting.code(item.label)} ({item.images:,})" for item in profile.labels[:20])
    parts = [
        f"You wrote: {quoting.words(text)}",
        "Nothing is built yet: these answers would change what is built. Please write the request again with them.",
        _section("Needed first", _questions(blocking)),
        _section("Also", _questions(others)),
        _section("Understood so far", _understood(draft) if draft is not None else iter(())),
        f"The data holds {profile.n_images:,} images, labelled {labels}.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def of_refusal(text: str, reason: str) -> str:
    """Return why a request is not taken on, as Markdown."""
    return f"You wrote: {quoting.words(text)}\n\nThis is not taken on. {reason}\n"


def _section(title: str, lines: Iterator[str]) -> str:
    items = [f"- {line}" for line in lines]
    return "\n".join([f"**{title}**", "", *items]) if items else ""


_ANSWERS = {
    BINARY: "says how likely it shows {positive}",
    MULTICLASS: "says how likely each of these is: {all}",
    MULTILABEL: "says of each of these how likely it shows it, as several can occur together: {all}",
    ORDINAL: "gives one of these grades, whose order counts: {all}",
    REGRESSION: "gives a number",
    DETECTION: "draws a box around each of these that it finds: {all}",
    SEGMENTATION: "outlines each of these that it finds: {all}",
}


def _built(spec: Spec, profile: Profile) -> Iterator[str]:
    images = {item.label: item.images for item in profile.labels}
    for finding in profile.findings:
        images |= {finding.name: finding.present, absent(finding.name): finding.absent}
    shown = quoting.listed([quoting.plain(item.description) for item in spec.classes])
    answer = _ANSWERS[spec.task].format(positive=plain_class(spec.positive, spec) if spec.positive else "", all=shown)
    yield f"A model that looks at one image and {answer}{_because(spec, 'task')}."
    yield from _inputs(spec)
    yield f"Results are counted by {spec.unit}{_because(spec, 'unit')}."
    for item in spec.classes:
        yield f"{quoting.plain(item.description)} (`{item.name}`): {_images_of(item, images)}."
    yield from _left_out(spec, profile)
    yield from _labels_read(spec)


def _understood(spec: Spec) -> Iterator[str]:
    shown = quoting.listed([quoting.plain(item.description) for item in spec.classes])
    answer = _ANSWERS[spec.task].format(positive=plain_class(spec.positive, spec) if spec.positive else "", all=shown)
    yield f"A model that looks at one image and {answer}."
    yield from _guarded(spec)


def _inputs(spec: Spec) -> Iterator[str]:
    if spec.inputs:
        named = quoting.listed(quoting.code(name) for name in spec.inputs)
        yield (
            f"Beside the image it may also see {named}{_because(spec, 'inputs')}; if it comes to rely on them, they are needed for each "
            "image when it is used, and without them its answers are worse."
        )


def _left_out(spec: Spec, profile: Profile) -> Iterator[str]:
    used = spec.class_of_label
    if spec.task == REGRESSION:
        return
    if profile.findings:
        left = [(item.name, item.present) for item in profile.findings if item.name not in used]
        if left:
            yield f"Not looked for: {', '.join(f'{quoting.code(name)} {images:,}' for name, images in left)}."
        return
    labels = [item for item in profile.labels if item.label not in used]
    if labels:
        shown = ", ".join(f"{quoting.code(item.label)} {item.images:,}" for item in labels)
        yield f"Left out of the study, {sum(item.images for item in labels):,} images: {shown}."
    else:
        yield f"All {len(profile.labels)} labels of the data are used."


def _labels_read(spec: Spec) -> Iterator[str]:
    """Yield how the labels are read, where that is not plain."""
    how = spec.supervision
    if how.kind == "mixed":
        yield f"{_share(how.box_fraction)} of the images have boxes or outlines; the others say only whether a finding is there, and are no negatives for its place."
    if how.aggregation:
        yield f"Several people read each image; what counts is: {quoting.plain(how.aggregation)}{_because(spec, 'supervision.aggregation')}."
    if how.uncertain:
        yield f"Labels marked uncertain count as {how.uncertain}{_because(spec, 'supervision.uncertain')}."


def _images_of(item: SpecClass, images: dict[str, int]) -> str:
    total = sum(images.get(label, 0) for label in item.labels)
    if not item.labels:
        return "no image of the data is labelled so"
    labels = quoting.listed(quoting.code(label) for label in item.labels)
    return f"{total:,} images, labelled {labels}"


def _better(spec: Spec) -> Iterator[str]:
    falls = spec.primary.partition("[")[0] in _LOWER
    yield f"A round is better when this {'falls' if falls else 'rises'}: {plain_metric(spec.primary, spec)}{_because(spec, 'primary')}."
    if spec.priorities:
        yield f"What matters most: {quoting.listed([plain_class(name, spec) for name in spec.priorities])}{_because(spec, 'priorities.' + spec.priorities[0])}."
    if spec.costs:
        yield f"Errors weigh: {'; '.join(_weights(spec))}{_because(spec, 'costs')}."
    if spec.abstention.allowed:
        share = (
            ""
            if math.isnan(spec.abstention.at_most)
            else f" for at most {_share(spec.abstention.at_most)} of the images"
        )
        yield f"The model may answer \u201cnot sure\u201d{share}; those go to a person{_because(spec, 'abstention')}."
    point = spec.operating_point
    if spec.task in _WITHOUT_THRESHOLD or not point.positive:
        return
    plain = plain_class(point.positive, spec)
    if point.fixed == "youden":
        yield f"Yes or no for {plain}: the threshold weighs misses and false alarms the same."
    else:
        yield f"Yes or no for {plain}: the threshold holds {point.fixed} at {_share(point.at_least)} or more on validation, and is then frozen{_because(spec, 'operating_point')}."


_WITHOUT_THRESHOLD = frozenset({REGRESSION, SEGMENTATION, DETECTION, ORDINAL})
_LOWER = frozenset({"brier", "mae", "rmse", "expected_cost"})


def _weights(spec: Spec) -> Iterator[str]:
    """Yield the weights of errors, heaviest first, one line a weight."""
    for weight in sorted({item.weight for item in spec.costs}, reverse=True):
        pairs = [
            f"{plain_class(item.true, spec)} called {plain_class(item.called, spec)}"
            for item in spec.costs
            if item.weight == weight
        ]
        yield f"{weight:g} for {quoting.listed(pairs[:_MOST_PAIRS])}{' and others' if len(pairs) > _MOST_PAIRS else ''}"


def _guarded(spec: Spec) -> Iterator[str]:
    for constraint in spec.constraints:
        yield f"Floor: {plain_metric(constraint.metric, spec)}, {'at least' if constraint.op == '>=' else 'at most'} {_share(constraint.bound)}{_because(spec, 'constraints.' + constraint.metric)}."
    for guardrail in spec.guardrails:
        yield f"Must not fall by more than {guardrail.margin:g}: {plain_metric(guardrail.metric, spec)}{_because(spec, 'guardrails.' + guardrail.metric)}."
    for name in (item.name for item in spec.confounders):
        yield f"The model should not lean on {quoting.code(name)}; the report shows how far it does{_because(spec, 'confounders.' + name)}."
    for name in (item.attribute for item in spec.subgroups):
        yield f"Results are shown apart by {quoting.code(name)}{_because(spec, 'subgroups.' + name)}."


def _assumed(spec: Spec) -> Iterator[str]:
    titles = {
        "primary": "What better means",
        "positive": "The finding that is looked for",
        "operating_point": "Threshold",
        "classes.cut": "Where the scale is cut",
        "costs.weights": "Weights of errors",
        "abstention.at_most": "Not sure",
        "supervision.uncertain": "Uncertain labels",
        "supervision.aggregation": "What counts as the truth",
    }
    for ground in spec.grounding:
        if ground.source == "default" and ground.field in titles:
            yield f"{titles[ground.field]}: {quoting.plain(ground.words, longest=200)}."
    if spec.guardrails:
        yield f"The margin of {spec.guardrails[0].margin:g} in what is guarded."


def _impossible(spec: Spec, profile: Profile) -> Iterator[str]:
    names = set(spec.class_of_label)
    for forecast in profile.forecasts:
        if forecast.label in names and forecast.test_images < 100:
            yield (
                f"About {forecast.test_images} test images will show {quoting.code(forecast.label)}: differences in AUROC "
                f"below {forecast.detectable_difference:.2f} cannot be seen."
            )
    yield "The test set is opened once, at the end. How the model does in another hospital cannot be told from this data."


def _questions(questions: Sequence[Question]) -> Iterator[str]:
    for question in questions:
        yield f"{question.text} [{quoting.plain(question.default)}]" if question.default else question.text


def _because(spec: Spec, field: str) -> str:
    ground = _ground(spec, field)
    return f" (you wrote {quoting.words(ground.words)})" if ground is not None and ground.source == "request" else ""


def _ground(spec: Spec, field: str) -> Grounding | None:
    return next((ground for ground in spec.grounding if ground.field == field), None)


def _share(value: float) -> str:
    return f"{value * 100:g}%"
