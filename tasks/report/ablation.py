"""What taking back one kept change at a time showed, as a table: the change, the score with and without it, the verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.domain.round import Verdict
from tasks.report.wording import number, signed

if TYPE_CHECKING:
    from tasks.domain.round import Round
    from tasks.report.record import StudyRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class AblationRow:
    """One kept change."""

    change: str
    with_it: str
    """Primary metric in validation; empty where nothing was run."""
    without_it: str
    difference: str
    """Without minus with it, and its paired standard error."""
    outcome: str


def ablation_rows(record: StudyRecord) -> tuple[AblationRow, ...]:
    """Return a row for each kept change, oldest first; none if no change was taken back."""
    taken_back = {item.hypothesis.removes: item for item in record.rounds if item.hypothesis.removes >= 0}
    if not taken_back:
        return ()
    changes = [item for item in record.rounds if item.number > 0 and item.kept and item.hypothesis.removes < 0]
    return tuple(
        _tried(record, change, taken_back[change.number])
        if change.number in taken_back
        else _passed_over(record, change)
        for change in changes
    )


def _tried(record: StudyRecord, change: Round, trial: Round) -> AblationRow:
    verdict = trial.judgement.verdict
    if verdict is Verdict.FAILED:
        outcome = f"stays: round {trial.number} without it failed"
    elif verdict is Verdict.KEPT:
        outcome = f"taken out in round {trial.number}: no worse without it by more than one standard error"
    else:
        outcome = f"stays: round {trial.number} without it was rejected"
    return _row(change, record.rounds[trial.incumbent], trial, trial.judgement.standard_error, outcome)


def _passed_over(record: StudyRecord, change: Round) -> AblationRow:
    """Return the row of a change that was not run again; if it was the last one kept, its own round is the comparison."""
    last = record.final
    if last is not None and last.number == change.number:
        before = record.rounds[change.incumbent]
        return _row(
            change, change, before, change.judgement.standard_error, "stays: kept last, so its own round shows it"
        )
    reason = record.not_taken_back.get(change.number, "the rounds were used up")
    return AblationRow(change=_words(change), with_it="", without_it="", difference="", outcome=f"not run: {reason}")


def _row(change: Round, having: Round, lacking: Round, error: float, outcome: str) -> AblationRow:
    difference = lacking.score - having.score
    shown = "" if math.isnan(difference) else f"{signed(difference)} ± {number(error)}"
    return AblationRow(
        change=_words(change),
        with_it=number(having.score),
        without_it="" if math.isnan(lacking.score) else number(lacking.score),
        difference=shown,
        outcome=outcome,
    )


def _words(change: Round) -> str:
    return f"{change.hypothesis.title} (round {change.number})"
