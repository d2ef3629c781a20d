"""The tables of a report as rows of printed text: metrics, threshold, predictive values, confusion, rounds and data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.report.curves import WHICH
from tasks.report.requirement import Status, requirement_statuses
from tasks.report.wording import (
    class_words,
    interval,
    metric_words,
    number,
    p_equation,
    p_words,
    percent,
    signed,
    why_undefined,
)
from tasks.scoring.name import READ_FROM_CURVE, higher_is_better, read_name

if TYPE_CHECKING:
    from tasks.domain.evaluation import Comparison, Difference, Estimate, Evaluation
    from tasks.report.curves import Confusion
    from tasks.report.record import StudyRecord

DASH = "\N{EN DASH}"
_MOST_BARS = 7
_PREVALENCES = (0.01, 0.05, 0.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A value over its interval, as printed."""

    value: str
    range: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRow:
    """One metric of the initial and the final model."""

    name: str
    words: str
    initial: Cell
    final: Cell
    difference: Cell
    p: str
    p_holm: str
    """A dash for the primary metric, which needs no correction."""
    p_shown: str
    """'= 0.012' or '< 0.001' of the p that counts for this metric."""
    p_delong: str
    notes: tuple[str, ...]
    primary: bool
    comparison: Comparison


def metric_rows(record: StudyRecord, evaluation: Evaluation) -> tuple[MetricRow, ...]:
    """Return every metric of the evaluation, the primary one first."""
    names = sorted(evaluation.metrics, key=lambda name: name != evaluation.primary)
    return tuple(_metric_row(name, record, evaluation) for name in names)


def _metric_row(name: str, record: StudyRecord, evaluation: Evaluation) -> MetricRow:
    comparison, primary = evaluation.metrics[name], name == evaluation.primary
    difference = comparison.difference
    reason = why_undefined(name, comparison.warnings, evaluation.class_counts)
    words = metric_words(name, record.spec)
    return MetricRow(
        name=name,
        words=words if higher_is_better(name) else f"{words} (lower is better)",
        initial=_cell(comparison.initial, reason),
        final=_cell(comparison.final, reason),
        difference=_cell(difference, reason),
        p=_or_reason(p_words(difference.p), reason),
        p_holm=DASH if primary else _or_reason(p_words(difference.p_holm), reason),
        p_shown=p_equation(difference.p if primary else difference.p_holm).removeprefix("p "),
        p_delong="" if math.isnan(difference.p_delong) else p_words(difference.p_delong),
        notes=comparison.warnings,
        primary=primary,
        comparison=comparison,
    )


def _cell(estimate: Estimate | Difference, reason: str) -> Cell:
    form = signed if hasattr(estimate, "p") else number
    if math.isnan(estimate.value):
        return Cell(value=_or_reason("undefined", reason))
    return Cell(value=form(estimate.value), range=interval(estimate, sign=form is signed))


def _or_reason(words: str, reason: str) -> str:
    """Return what is printed; an undefined value is never left without its reason."""
    return f"undefined ({reason})" if words == "undefined" else words


def bar_rows(record: StudyRecord, evaluation: Evaluation) -> tuple[MetricRow, ...]:
    """Return the metrics that are drawn: from 0 to 1, higher is better, of the whole task or of the class that matters."""
    watched = watched_class(record)
    rows = [
        row
        for row in metric_rows(record, evaluation)
        if higher_is_better(row.name) and read_name(row.name).of in ("", watched)
    ]
    return tuple(rows[:_MOST_BARS])


def watched_class(record: StudyRecord) -> str:
    """Return the class that the threshold is for, or the one that matters most."""
    spec = record.spec
    return spec.operating_point.positive or spec.positive or next(iter(spec.priorities), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdRow:
    """A metric of the watched class: what a user gets at the frozen threshold, or what the test ROC allows."""

    words: str
    realised: bool
    initial: Cell
    final: Cell


def threshold_rows(record: StudyRecord, evaluation: Evaluation) -> tuple[ThresholdRow, ...]:
    """Return realised sensitivity and specificity, then those read from the ROC, of the watched class."""
    watched = watched_class(record)
    rows = []
    for name, comparison in evaluation.metrics.items():
        metric = read_name(name)
        realised = metric.family in ("sensitivity", "specificity")
        if metric.of != watched or not (realised or metric.family in READ_FROM_CURVE):
            continue
        reason = why_undefined(name, comparison.warnings, evaluation.class_counts)
        initial, final = (_exact_cell(item, reason) for item in (comparison.initial, comparison.final))
        words = metric_words(name, record.spec)
        rows.append(ThresholdRow(words=words, realised=realised, initial=initial, final=final))
    return tuple(sorted(rows, key=lambda row: not row.realised))


def _exact_cell(estimate: Estimate, reason: str) -> Cell:
    cell = _cell(estimate, reason)
    if math.isnan(estimate.exact_low):
        return cell
    return Cell(
        value=cell.value, range=f"{cell.range}; exact {number(estimate.exact_low)} to {number(estimate.exact_high)}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementRow:
    """A requirement with its status, as printed."""

    words: str
    found: Cell
    status: str
    tone: str
    """`good`, `warn` or `bad`."""


_TONES = {Status.MET: "good", Status.POINT_ONLY: "warn", Status.UNVERIFIABLE: "warn", Status.NOT_MET: "bad"}


def requirement_rows(record: StudyRecord, evaluation: Evaluation) -> tuple[RequirementRow, ...]:
    """Return the status line of every constraint, operating point and guardrail."""
    rows = []
    for item in requirement_statuses(record.spec, evaluation):
        words = metric_words(item.metric, record.spec)
        kind = "not worse by more than" if item.guardrail else "at least"
        reason = why_undefined(item.metric, (), evaluation.class_counts)
        found = _cell(item.estimate, reason) if item.estimate else Cell(value="not measured")
        rows.append(
            RequirementRow(
                words=f"{words}: {kind} {abs(item.at_least):g}",
                found=found,
                status=item.status.value,
                tone=_TONES[item.status],
            )
        )
    return tuple(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictiveRow:
    """What an alarm and a clearance are worth at one prevalence."""

    prevalence: str
    positive: str
    negative: str
    false_alarms: str
    """False alarms for each case found."""


def predictive_rows(record: StudyRecord, evaluation: Evaluation) -> tuple[PredictiveRow, ...]:
    """Return predictive values of the final model at the frozen threshold, for rare to common disease and the test set.

    Source:
        Bayes' theorem; Altman & Bland, BMJ 1994;309:102.
    """
    name = watched_class(record)
    found = [evaluation.metrics.get(f"{family}[{name}]") for family in ("sensitivity", "specificity")]
    values = [item.final.value for item in found if item is not None and not math.isnan(item.final.value)]
    total = sum(evaluation.class_counts.values())
    if len(values) != 2 or not total:
        return ()
    own = evaluation.class_counts.get(name, 0) / total
    labelled = {prevalence: percent(prevalence) for prevalence in _PREVALENCES} | {own: f"{percent(own)} (test set)"}
    return tuple(_predictive_row(*values, prevalence=share, words=labelled[share]) for share in sorted(labelled))


def _predictive_row(sensitivity: float, specificity: float, *, prevalence: float, words: str) -> PredictiveRow:
    hits, false = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    clear, missed = specificity * (1 - prevalence), (1 - sensitivity) * prevalence
    return PredictiveRow(
        prevalence=words,
        positive=percent(hits / (hits + false)) if hits + false else "no alarm at all",
        negative=percent(clear / (clear + missed)) if clear + missed else "nothing cleared",
        false_alarms=f"{false / hits:.1f}" if hits else "no case found",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusionRow:
    """One class by reference standard, and how its images were decided."""

    words: str
    cells: tuple[tuple[int, str, float, bool], ...]
    """Count, share of the row as printed, share from 0 to 1, whether the decision is right."""


def confusion_rows(record: StudyRecord, confusion: Confusion) -> tuple[ConfusionRow, ...]:
    """Return a confusion matrix with shares by row."""
    rows = []
    for index, (name, counts) in enumerate(zip(confusion.classes, confusion.counts, strict=True)):
        total = sum(counts)
        shares = [cases / total if total else math.nan for cases in counts]
        cells = tuple(
            (cases, percent(share) if total else DASH, share if total else 0.0, column == index)
            for column, (cases, share) in enumerate(zip(counts, shares, strict=True))
        )
        rows.append(ConfusionRow(words=class_words(name, record.spec), cells=cells))
    return tuple(rows)


def threshold_words(evaluation: Evaluation) -> str:
    """Return the frozen thresholds as printed, or the empty string where there is none."""
    found = {which: evaluation.thresholds[which] for which in WHICH if which in evaluation.thresholds}
    return ", ".join(f"{which} {number(value)}" for which, value in found.items())
