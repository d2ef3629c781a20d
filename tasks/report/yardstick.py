"""How much better the best of many worthless edits would look in validation: the band that the running-best curve is drawn on."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING

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
