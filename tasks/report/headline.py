"""The first lines of a report, in plain words: what the model is, how good it is on new patients, and whether it got better."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.report.statement import Statement
from tasks.report.wording import (
    chance_range,
    class_words,
    count,
    in_sentence,
    interval,
    metric_words,
    number,
    p_equation,
    percent,
    signed,
    why_undefined,
)

if TYPE_CHECKING:
    from tasks.domain.evaluation import Evaluation
    from tasks.report.record import StudyRecord

SIGNIFICANCE = 0.05
GUESSING = 0.5
"""AUC of scores that have nothing to do with the label."""


@dataclass(frozen=True, slots=True)
class Headline:
    """One line and the sentences under it."""

    title: str
    sentences: tuple[Statement, ...]


def improved(record: StudyRecord) -> bool:
    """Return whether the word may be said: primary metric better on the holdout with p < 0.05, by every test that was made."""
    return _direction(record) > 0


def headline(record: StudyRecord) -> Headline:
    """Return the headline of a study; before the opening it says that nothing is known yet about new patients."""
    evaluation = record.evaluation
    model = Statement(f"The model {purpose(record)}.", "spec.json, classes")
    if evaluation is None:
        return Headline("The test set is still sealed", (model, *_sealed(record)))
    sentences = [
        model,
        _how_good(record, evaluation),
        _better(record, evaluation),
        *_at_the_threshold(record, evaluation),
    ]
    return Headline(_title(record, evaluation), tuple(sentences))


def purpose(record: StudyRecord) -> str:
    """Return what the model does: 'tells melanoma from common mole on one image'."""
    spec = record.spec
    if spec.positive:
        others = [item.name for item in spec.classes if item.name != spec.positive]
        return f"tells {class_words(spec.positive, spec)} from {_list([class_words(name, spec) for name in others])}"
    words = f"sorts images into {len(spec.classes)} classes: {_list([class_words(name, spec) for name in spec.class_names])}"
    first = [class_words(name, spec) for name in spec.priorities]
    return f"{words}; {_list(first)} matters most" if len(first) == 1 else words


def _sealed(record: StudyRecord) -> tuple[Statement, ...]:
    sealed = Statement(
        "The test set has not been opened, so nothing is known yet about patients that the model never saw. "
        "All figures below come from validation, which the rounds were chosen by.",
        "ledger.jsonl",
    )
    final = record.final
    if final is None:
        return (sealed,)
    primary = in_sentence(metric_words(record.protocol.primary, record.spec))
    best = f"So far the best round is round {final.number} ({final.hypothesis.title}): {primary} {number(final.score)} in validation."
    return sealed, Statement(best, f"rounds/{final.number:02d}/round.json")


def _title(record: StudyRecord, evaluation: Evaluation) -> str:
    primary, final = in_sentence(metric_words(evaluation.primary, record.spec)), record.final
    value = evaluation.metrics[evaluation.primary].final.value
    reached = f"The final model reached {primary} {number(value)} on {record.profile.roles.unit}s it had never seen"
    if _may_be_guessing(evaluation):
        return f"{reached}; it is not shown to do better than guessing"
    if final is not None and final.number == 0:
        return f"{reached}; it is still the initial one"
    return reached + _TITLES[_direction(record)]


_TITLES = {
    1: " and improved on the initial model",
    0: "; no difference from the initial model was shown",
    -1: "; it is worse than the initial model",
}


def _how_good(record: StudyRecord, evaluation: Evaluation) -> Statement:
    name, estimate = evaluation.primary, evaluation.metrics[evaluation.primary].final
    noun, source = record.profile.roles.unit, f"evaluation.json, metrics, {evaluation.primary}, final"
    sample = count(evaluation.n_groups, noun)
    sample += f" ({count(evaluation.n, 'image')})" if noun != "image" else ""
    words = in_sentence(metric_words(name, record.spec))
    if math.isnan(estimate.value):
        reason = why_undefined(name, evaluation.metrics[name].warnings, evaluation.class_counts)
        return Statement(f"On {sample} that it had never seen, its {words} is undefined ({reason}).", source)
    text = f"On {sample} that it had never seen, its {words} was {number(estimate.value)} (95% interval {interval(estimate)})."
    guessing = " Guessing reaches 0.5, and the interval does too: that the model tells anything is not shown."
    return Statement(text + _gloss(record, estimate.value) + (guessing if _may_be_guessing(evaluation) else ""), source)


def _may_be_guessing(evaluation: Evaluation) -> bool:
    """Return whether the final model's AUC, where that is the primary metric, is not shown to be above that of a coin."""
    is_auc = evaluation.primary.partition("[")[0] == "auroc"
    return is_auc and evaluation.metrics[evaluation.primary].final.low <= GUESSING


def _gloss(record: StudyRecord, value: float) -> str:
    """Return what an AUC means for two classes, in words that need no statistics."""
    spec = record.spec
    if record.protocol.primary.split("[")[0] != "auroc" or not spec.positive or len(spec.classes) != 2:
        return ""
    other = next(item.name for item in spec.classes if item.name != spec.positive)
    pair = f"one image of {class_words(spec.positive, spec)} and one of {class_words(other, spec)}"
    return f" Shown {pair}, it ranks them rightly about {100 * value:.0f} times in 100."


def _better(record: StudyRecord, evaluation: Evaluation) -> Statement:
    comparison, final = evaluation.metrics[evaluation.primary], record.final
    source = f"evaluation.json, metrics, {evaluation.primary}, difference"
    if final is not None and final.number == 0:
        return Statement("No round was kept, so the final model is the initial one.", "rounds/")
    difference = comparison.difference
    before = f"The initial model reached {number(comparison.initial.value)}"
    shown = f"({signed(difference.value)}, 95% interval {interval(difference, sign=True)}, {p_equation(difference.p)}"
    shown += f", DeLong {p_equation(difference.p_delong)})" if not math.isnan(difference.p_delong) else ")"
    says = {
        1: f"{before} on the same images; the final model improved on it {shown}.",
        0: f"{before} on the same images; the test does not show that the final model is better or worse {shown}.",
        -1: f"{before} on the same images; the final model is worse {shown}. Prefer the initial one, round 0 of the codebase.",
    }
    return Statement(says[_direction(record)], source)


def _direction(record: StudyRecord) -> int:
    """Return 1 if the final model is better on the primary metric with p < 0.05, -1 if worse, else 0."""
    if record.evaluation is None:
        return 0
    difference = record.evaluation.metrics[record.evaluation.primary].difference
    p = difference.p if math.isnan(difference.p_delong) else max(difference.p, difference.p_delong)
    if math.isnan(difference.value) or not p < SIGNIFICANCE or difference.value == 0:
        return 0
    return 1 if (difference.value > 0) is record.protocol.higher_is_better else -1


def _at_the_threshold(record: StudyRecord, evaluation: Evaluation) -> list[Statement]:
    """Return one sentence with counts of people found and cleared, which is what a user of the model meets."""
    name = record.spec.operating_point.positive
    sensitivity = evaluation.metrics.get(f"sensitivity[{name}]")
    specificity = evaluation.metrics.get(f"specificity[{name}]")
    positives = evaluation.class_counts.get(name, 0)
    negatives = sum(evaluation.class_counts.values()) - positives
    if sensitivity is None or specificity is None or not positives or not negatives:
        return []
    found, cleared = sensitivity.final, specificity.final
    if math.isnan(found.value) or math.isnan(cleared.value):
        return []
    text = (
        f"At its frozen threshold it found {round(found.value * positives):,} of {positives:,} images of "
        f"{class_words(name, record.spec)} ({percent(found.value)}; 95% interval {chance_range(found)}) "
        f"and rightly cleared {round(cleared.value * negatives):,} of {negatives:,} others "
        f"({percent(cleared.value)}; {chance_range(cleared)})."
    )
    return [Statement(text, f"evaluation.json, metrics, sensitivity[{name}] and specificity[{name}]")]


def _list(words: list[str]) -> str:
    """Return 'a', 'a and b' or 'a, b and c'."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
