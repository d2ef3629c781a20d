"""What cannot be guaranteed: sentences made by rules from the record, so that none is forgotten because it is unwelcome."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tasks.domain.round import lineage
from tasks.report.requirement import Status, requirement_statuses
from tasks.report.statement import Statement
from tasks.report.wording import class_words, count, metric_words, percent
from tasks.report.yardstick import seeds_sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.report.record import StudyRecord

EXPLORATORY_BELOW, IMPRECISE_BELOW = 30, 100
"""Cases of a class. Source: the warning rules of the evaluation plan, after Clopper-Pearson widths."""
FEW_GROUPS = 50
_NO_NEED_TO_REPEAT = frozenset({"tiny_class"})
"""Hazards that the counts of the test set tell more exactly."""


def cannot_be_guaranteed(record: StudyRecord) -> tuple[Statement, ...]:
    """Return every limit that follows from how the study was made and what its data holds."""
    return (
        *_of_the_design(record),
        *_of_the_sample(record),
        *_of_requirements(record),
        *_of_confounders(record),
        *(Statement(text, "spec.json, caveats") for text in record.spec.caveats),
        *_of_hazards(record),
        *_of_rounds(record),
    )


def _of_the_design(record: StudyRecord) -> Iterator[Statement]:
    if not record.intake.get("external_data", "").strip():
        yield Statement(
            "No external data: all images come from the source given. At another hospital, with another camera or another "
            "population, the model may be worse.",
            "request.yaml; intake form, external data",
        )
    seeds = seeds_sentence(record)
    yield Statement(
        "One split and one training of each model: another split or another seed would give somewhat other figures, "
        f"and the intervals do not contain that variation.{f' {seeds}' if seeds else ''}",
        f"protocol.json, seed {record.protocol.seed}{'; baseline_repeats.json' if seeds else ''}",
    )
    yield Statement(
        "An image of anything but "
        + _either([class_words(name, record.spec) for name in record.spec.class_names])
        + " is still given one of these answers: the model knows no other.",
        "spec.json, classes",
    )
    if record.spec.inputs:
        yield Statement(
            f"Where a kept change uses {', '.join(record.spec.inputs)}, the figures hold for images that come with these, recorded as here; "
            "how much worse the answers are without them was not tested.",
            "spec.json, inputs",
        )
    if not record.profile.has_groups:
        yield Statement(
            "The data names no patients, so images of one person may lie on both sides of the split, and figures may be too good.",
            "profile.json, has_groups",
        )


def _of_the_sample(record: StudyRecord) -> Iterator[Statement]:
    evaluation, spec = record.evaluation, record.spec
    if evaluation is None:
        return
    total = sum(evaluation.class_counts.values())
    watched = (spec.positive or spec.operating_point.positive) or next(iter(spec.priorities), "")
    if watched in evaluation.class_counts and total:
        share = evaluation.class_counts[watched] / total
        yield Statement(
            f"In the test set {percent(share)} of the images show {class_words(watched, spec)}. Where it is rarer, more of the alarms "
            "are false; see the table of predictive values.",
            "evaluation.json, class_counts",
        )
    for name, cases in evaluation.class_counts.items():
        if cases < IMPRECISE_BELOW:
            verdict = "is exploratory" if cases < EXPLORATORY_BELOW else "is imprecise"
            text = (
                f"Only {count(cases, 'test image')} of {class_words(name, spec)}: what is said of this class {verdict}."
            )
            yield Statement(text, f"evaluation.json, class_counts, {name}")
    if evaluation.n_groups < FEW_GROUPS:
        noun = record.profile.roles.unit
        yield Statement(
            f"Only {count(evaluation.n_groups, noun)} in the test set: the bootstrap intervals are too narrow with so few.",
            "evaluation.json, n_groups",
        )


def _of_requirements(record: StudyRecord) -> Iterator[Statement]:
    if record.evaluation is None:
        return
    for item in requirement_statuses(record.spec, record.evaluation):
        if item.status is Status.MET:
            continue
        words = metric_words(item.metric, record.spec)
        if item.guardrail:
            text = f"{words}, which was not to fall by more than {-item.at_least:g}: {item.status.value}."
        else:
            text = f"{words} of at least {item.at_least:g}: {item.status.value}."
        yield Statement(text, f"spec.json, constraints; evaluation.json, metrics, {item.metric}")


def _of_confounders(record: StudyRecord) -> Iterator[Statement]:
    annotated = {attribute.name for attribute in record.profile.attributes}
    for name in (item.name for item in record.spec.confounders):
        if name in annotated:
            text = f"Whether the model leans on {name} was not measured: the study knows how it goes with the label, not with the model."
        else:
            text = f"Whether the model leans on {name} cannot be checked: the data does not say which images show it."
        yield Statement(text, "spec.json, confounders; profile.json, attributes")
    for name in (item.attribute for item in record.spec.subgroups):
        found = next((attribute for attribute in record.profile.attributes if attribute.name == name), None)
        if found is None:
            text = f"Performance by {name} was asked for, but the data does not record it."
        else:
            text = f"Performance by {name} was asked for and is not part of this evaluation: no claim holds for any one subgroup."
        yield Statement(text, "spec.json, subgroups; profile.json, attributes")
    yield Statement(
        "Shortcuts that nobody annotated (rulers, ink, crops, the camera) were not tested for.",
        "profile.json, attributes",
    )


def _of_hazards(record: StudyRecord) -> Iterator[Statement]:
    for hazard in record.profile.hazards:
        if hazard.kind not in _NO_NEED_TO_REPEAT:
            yield Statement(hazard.summary, f"profile.json, hazards, {hazard.kind}")
    if record.profile.quarantined:
        left_out = count(len(record.profile.quarantined), "image")
        yield Statement(f"{left_out} could not be read and took no part.", "profile.json, quarantined")


def _of_rounds(record: StudyRecord) -> Iterator[Statement]:
    if record.provisional:
        numbers = _either([str(item.number) for item in record.provisional], last=" and ")
        text = f"The gain of each single edit kept provisionally (round {numbers}) may be noise: only the whole was tested."
        yield Statement(text, "rounds/, judgement")
    if record.final is not None and len(grown := lineage(record.rounds, record.final)) > 1:
        seconds = sum(item.train_seconds for item in grown)
        yield Statement(
            f"The final model's weights grew over {count(len(grown), 'round')} ({', '.join(str(item.number) for item in grown)}), {seconds:,.0f} s of "
            f"training in all, against {record.rounds[0].train_seconds:,.0f} s for the initial model: part of the difference may be the longer "
            "training alone, and training the final code once from the start would not give this model.",
            "rounds/, diagnostics, incumbent_tensors and incumbent_networks",
        )
    if record.evaluation is not None and math.isnan(record.evaluation.metrics[record.evaluation.primary].difference.p):
        yield Statement("Initial and final model could not be compared by a test.", "evaluation.json, metrics")
    if not record.environment.isolates:
        unknown = record.environment.isolates is None
        text = (
            "Whether the code of the rounds ran in an isolating sandbox was not noted."
            if unknown
            else "The code of the rounds ran with the rights of its caller, not in an isolating sandbox."
        )
        yield Statement(text, f"environment, sandbox {record.environment.sandbox}")
    if not record.ledger.anchored:
        text = "The head of the ledger is kept only inside the study, so a ledger cut short as a whole would not be noticed."
        yield Statement(text, "ledger.jsonl")


def _either(words: list[str], last: str = " or ") -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])}{last}{words[-1]}"
