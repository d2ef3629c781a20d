"""What the held-out test showed, and what was only seen in validation: sentences made by rules, each with its source."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tasks.domain.round import Verdict
from tasks.report.headline import SIGNIFICANCE
from tasks.report.requirement import Status, requirement_statuses
from tasks.report.statement import Statement
from tasks.report.wording import count, in_sentence, interval, metric_words, number, p_equation, signed
from tasks.report.yardstick import seeds_sentence, yardstick
from tasks.scoring.name import higher_is_better

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.domain.evaluation import Comparison, Evaluation
    from tasks.report.record import StudyRecord


def shown_by_the_test(record: StudyRecord) -> tuple[Statement, ...]:
    """Return what the one opening of the holdout supports; nothing while it is sealed."""
    if record.evaluation is None:
        return (Statement("Nothing yet: the test set is sealed.", "ledger.jsonl"),)
    return (
        *_primary(record, record.evaluation),
        *_secondary(record, record.evaluation),
        *_floors(record, record.evaluation),
    )


def seen_in_validation(record: StudyRecord) -> tuple[Statement, ...]:
    """Return what the rounds suggest, which is no evidence about new patients, as they were chosen by it."""
    return tuple(_seen(record))


def _primary(record: StudyRecord, evaluation: Evaluation) -> Iterator[Statement]:
    name, comparison = evaluation.primary, evaluation.metrics[evaluation.primary]
    words, source = metric_words(name, record.spec), f"evaluation.json, metrics, {evaluation.primary}"
    if math.isnan(comparison.final.value):
        yield Statement(
            f"Nothing about the primary metric ({in_sentence(words)}): it is undefined on this sample.", source
        )
        return
    yield Statement(
        f"{words} of the final model: {number(comparison.final.value)} ({interval(comparison.final)}).", source
    )
    if _significant(comparison, comparison.difference.p):
        yield Statement(
            f"Final against initial: {in_sentence(words)} {_change(name, comparison, comparison.difference.p)}.", source
        )
    else:
        yield Statement(
            f"No difference between final and initial model in {in_sentence(words)}: {signed(comparison.difference.value)} "
            f"({interval(comparison.difference, sign=True)}), {p_equation(comparison.difference.p)}.",
            source,
        )


def _secondary(record: StudyRecord, evaluation: Evaluation) -> Iterator[Statement]:
    for name, comparison in evaluation.metrics.items():
        if name != evaluation.primary and _significant(comparison, comparison.difference.p_holm):
            change = _change(name, comparison, comparison.difference.p_holm)
            yield Statement(
                f"{metric_words(name, record.spec)} {change}, after Holm's correction.",
                f"evaluation.json, metrics, {name}",
            )


def _floors(record: StudyRecord, evaluation: Evaluation) -> Iterator[Statement]:
    for item in requirement_statuses(record.spec, evaluation):
        if item.status is Status.MET:
            words = metric_words(item.metric, record.spec)
            asked = (
                f"{words} did not fall by more than {-item.at_least:g}"
                if item.guardrail
                else f"{words} of at least {item.at_least:g}"
            )
            yield Statement(f"{asked}: {item.status.value}.", f"spec.json; evaluation.json, metrics, {item.metric}")


def _significant(comparison: Comparison, p: float) -> bool:
    delong = comparison.difference.p_delong
    worst = p if math.isnan(delong) else max(p, delong)
    return bool(worst < SIGNIFICANCE) and comparison.difference.value != 0


def _change(name: str, comparison: Comparison, p: float) -> str:
    difference = comparison.difference
    better = (difference.value > 0) is higher_is_better(name)
    return (
        f"is {'better' if better else 'worse'} by {number(abs(difference.value))} "
        f"({interval(difference, sign=True)}), {p_equation(p)}"
    )


def _seen(record: StudyRecord) -> Iterator[Statement]:
    words = metric_words(record.protocol.primary, record.spec)
    tried = [item for item in record.rounds if item.number > 0]
    final = record.final
    if final is not None and final.number > 0:
        gain = final.score - record.rounds[0].score
        yield Statement(
            f"{words} went from {number(record.rounds[0].score)} to {number(final.score)} ({signed(gain)}) in validation. "
            "Such a figure is too good on average, because rounds were kept for it.",
            f"rounds/00 and rounds/{final.number:02d}, score",
        )
    band = yardstick(record)
    if not math.isnan(band):
        yield Statement(
            f"The noise yardstick is {number(band)}: the best of thirty edits without any true effect would look about that much better.",
            "rounds/, standard errors",
        )
    if seeds := seeds_sentence(record):
        yield Statement(seeds, "baseline_repeats.json")
    kept = [item for item in tried if item.judgement.verdict is Verdict.KEPT]
    supported = [item for item in kept if item.judgement.supported]
    if tried:
        yield Statement(
            f"Of {count(len(tried), 'round')}, {len(kept)} were kept: {len(supported)} supported by a strict test, "
            f"{len(kept) - len(supported)} provisional.",
            "rounds/, judgement",
        )
    if record.looks:
        source = (
            "rounds/ and baseline_repeats.json, looks" if record.repeats and record.repeats.looks else "rounds/, looks"
        )
        yield Statement(f"Validation was scored {count(record.looks, 'time')} in all.", source)
    if record.spec.operating_point.positive:
        yield Statement(
            "The threshold was chosen in validation and frozen before the test set was opened.",
            "protocol.json, operating_point",
        )
