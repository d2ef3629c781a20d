"""How much better the best of many worthless edits would look in validation: the band that the running-best curve is drawn on."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING

from tasks.report.wording import count, number
from tasks.selection import noise_yardstick

if TYPE_CHECKING:
    from tasks.report.record import StudyRecord


def yardstick(record: StudyRecord) -> float:
    """Return the noise yardstick of a study in units of its primary metric; nan before any round was compared.

    It rests on the median paired standard error over the rounds, which leaves out the odd round that broke the model.
    """
    errors = [item.judgement.standard_error for item in record.rounds if item.number > 0]
    known = [error for error in errors if not math.isnan(error)]
    return noise_yardstick(median(known)) if known else math.nan


def seeds_sentence(record: StudyRecord) -> str:
    """Return what luck alone did to the baseline: its scores with other seeds; empty where that was not tried."""
    if record.repeats is None or not record.repeats.repeats:
        return ""
    failed = count(sum(1 for item in record.repeats.repeats if item.failure), "further training")
    if not record.repeats.scores:
        return f"How far another seed moves the score is not known: {failed} of the baseline failed."
    baseline = record.rounds[0].score
    scores = [number(score) for score in (baseline, *record.repeats.scores)]
    said = f"The same code with another seed scored {', '.join(scores[:-1])} and {scores[-1]} in validation: standard deviation "
    said += number(record.repeats.deviation(baseline))
    return f"{said}; {failed} failed." if len(record.repeats.scores) < len(record.repeats.repeats) else f"{said}."
