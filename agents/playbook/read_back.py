"""The spec read back to the clinician: one screen of plain words, every sentence from the spec or the profile."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agents.playbook.intent import quoting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tasks.domain.profile import Profile
    from tasks.domain.spec import Grounding, Question, Spec, SpecClass

_MOST_UNHEEDED = 8
_AT = re.compile(r"(sensitivity|specificity)_at_(sensitivity|specificity)_(\d+)\[(.+)\]")
_OF_CLASS = re.compile(r"([a-z0-9_]+)\[(.+)\]")
_PLAIN = {
    "auroc": "how well the classes are told apart over all thresholds (AUROC: 0.5 is chance, 1 is perfect)",
    "accuracy": "the share of images that are named right (accuracy)",
    "balanced_accuracy": "the share of images that are named right, every class weighing the same (balanced accuracy)",
    "f1_macro": "the mean F1 of the classes",
    "brier": "how close the probabilities come to the truth (Brier score, lower is better)",
}


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
        _section("Read, and changes nothing", (quoting.words(words) for words in unheeded[:_MOST_UNHEEDED])),
        _section("Questions (the answer in brackets holds until you change it)", _questions(questions)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def of_questions(text: str, questions: Sequence[Question], profile: Profile) -> str:
    """Return what stands in the way of a spec, as Markdown."""
    blocking = [question for question in questions if question.blocking]
    others = [question for question in questions if not question.blocking]
    labels = ", ".join(f"{quoting.code(item.label)} ({item.images:,})" for item in profile.labels[:20])
    parts = [
        f"You wrote: {quoting.words(text)}",
        "Nothing is built yet: these answers would change what is built. Please write the request again with them.",
        _section("Needed first", _questions(blocking)),
        _section("Also", _questions(others)),
        f"The data holds {profile.n_images:,} images, labelled {labels}.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def of_refusal(text: str, reason: str) -> str:
    """Return why a request is not taken on, as Markdown."""
    return f"You wrote: {quoting.words(text)}\n\nThis is not taken on. {reason}\n"


def plain_metric(name: str, spec: Spec) -> str:
    """Return a metric in words that need no statistics."""
    held = _AT.fullmatch(name)
    if held is not None:
        plain = _plain_class(held[4], spec)
        if held[1] == "sensitivity":
            return f"the share of {plain} that is caught while {held[3]}% of the others are rightly left alone (sensitivity at {held[3]}% specificity)"
        return f"the share of the others that is rightly left alone while {held[3]}% of {plain} is caught (specificity at {held[3]}% sensitivity)"
    of_class = _OF_CLASS.fullmatch(name)
    if of_class is None:
        return _PLAIN.get(name, name)
    plain = _plain_class(of_class[2], spec)
    return {
        "auroc": f"how well {plain} is told from the others (AUROC)",
        "sensitivity": f"the share of {plain} that is caught (sensitivity)",
        "specificity": f"the share of the others that is not called {plain} (specificity)",
        "average_precision": f"how well {plain} is ranked first (average precision)",
        "f1": f"the F1 of {plain}",
    }.get(of_class[1], name)


def _section(title: str, lines: Iterator[str]) -> str:
    items = [f"- {line}" for line in lines]
    return "\n".join([f"**{title}**", "", *items]) if items else ""


def _plain_class(name: str, spec: Spec) -> str:
    return quoting.plain(next((item.description for item in spec.classes if item.name == name), name))


def _built(spec: Spec, profile: Profile) -> Iterator[str]:
    images = {item.label: item.images for item in profile.labels}
    shown = quoting.listed([quoting.plain(item.description) for item in spec.classes])
    kind = "says how likely it shows" if spec.positive else "says how likely each of these is:"
    yield f"A model that looks at one image and {kind} {_plain_class(spec.positive, spec) if spec.positive else shown}."
    for item in spec.classes:
        yield f"{quoting.plain(item.description)} (`{item.name}`): {_images_of(item, images)}."
    used = spec.class_of_label
    left = [item for item in profile.labels if item.label not in used]
    if left:
        labels = ", ".join(f"{quoting.code(item.label)} {item.images:,}" for item in left)
        yield f"Left out of the study, {sum(item.images for item in left):,} images: {labels}."
    else:
        yield f"All {len(profile.labels)} labels of the data are used."


def _images_of(item: SpecClass, images: dict[str, int]) -> str:
    total = sum(images.get(label, 0) for label in item.labels)
    labels = quoting.listed(quoting.code(label) for label in item.labels)
    return f"{total:,} images, labelled {labels}"


def _better(spec: Spec) -> Iterator[str]:
    yield (
        f"A round is better when this rises: {plain_metric(spec.primary, spec)}."
        if spec.primary != "brier"
        else (f"A round is better when this falls: {plain_metric(spec.primary, spec)}.")
    )
    if spec.priorities:
        yield f"What matters most: {quoting.listed([_plain_class(name, spec) for name in spec.priorities])}{_because(spec, 'priorities.' + spec.priorities[0])}."
    point = spec.operating_point
    plain = _plain_class(point.positive, spec)
    if point.fixed == "youden":
        yield f"Yes or no for {plain}: the threshold weighs misses and false alarms the same."
    else:
        yield f"Yes or no for {plain}: the threshold holds {point.fixed} at {_share(point.at_least)} or more on validation, and is then frozen{_because(spec, 'operating_point')}."


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
