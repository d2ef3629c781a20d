"""The metric that rounds improve: what the words aim at, else the usual one of the task, said to be a default."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agents.playbook.intent.limits import as_percent, metric_name, percent
from tasks.domain.spec import DETECTION, MULTILABEL, ORDINAL, REGRESSION, SEGMENTATION

if TYPE_CHECKING:
    from agents.playbook.intent.judging import Judging, Wishes
    from agents.playbook.intent.priorities import Weight
    from agents.playbook.intent.reading import Reading

HELD_SPECIFICITY = 0.80
"""The source paper reports sensitivity at 80% specificity (Zhao et al. 2026, arXiv 2604.17110)."""
HELD_SENSITIVITY = 0.90
"""Where false alarms are what matters and no number is said: a default of ours, which is asked about."""
_IMPROVED = frozenset({"auroc", "f1", "average_precision", "balanced_accuracy", "quadratic_kappa"})
"""Metrics that are improved where they are the only ones that a request names, and be it in a floor."""
_OF_TASK = {
    DETECTION: ("map50", "places in the image: the mean average precision at an overlap of one half"),
    SEGMENTATION: ("dice", "outlines: the overlap with those of the readers (Dice)"),
    REGRESSION: ("mae", "a number: the mean absolute error"),
    ORDINAL: ("quadratic_kappa", "ordered grades: a miss by two grades weighs more than one by one"),
}


def set_primary(reading: Reading, wishes: Wishes, judging: Judging) -> None:
    """Set what a round is judged by, from the most explicit words to the default of the task."""
    numbers, target = wishes.numbers, judging.target
    if numbers.goal is not None and not (numbers.goal_is_enough and wishes.task == ORDINAL):
        family, first, end = numbers.goal
        judging.primary = metric_name(family, target, binary=bool(wishes.named.positive))
        reading.cite("primary", first, end)
    elif wishes.task in _OF_TASK and not judging.costs:
        family, reason = _OF_TASK[wishes.task]
        limit = wishes.numbers.alarms_fixed or wishes.numbers.alarms_per_image
        if wishes.task == DETECTION and limit is not None:
            judging.primary = f"recall_at_fp_per_image_{limit.value:g}[{target}]"
            reading.cite("primary", limit.first, limit.end)
            return
        of_one = wishes.task in {DETECTION, SEGMENTATION} and (len(wishes.named.classes) == 1 or judging.priorities)
        judging.primary = f"{family}[{target}]" if of_one else family
        reading.default("primary", reason)
    elif judging.costs and wishes.errors is not None:
        judging.primary = "expected_cost"
        reading.cite("primary", wishes.errors.first, wishes.errors.end)
    elif judging.abstention.allowed and wishes.abstaining is not None and (wishes.named.positive or judging.priorities):
        judging.primary = f"sensitivity_at_coverage_{_coverage(judging)}[{target}]"
        reading.cite("primary", wishes.abstaining.first, wishes.abstaining.end)
    else:
        _from_curve(reading, wishes, judging)


def missed(wishes: Wishes, judging: Judging) -> Weight | None:
    """Return the words by which a miss of the target class is what matters; None if there are none, or others deny them."""
    if contradicts_itself(wishes):
        return None
    of_target = (
        weight for weight in wishes.priorities.classes if weight.is_miss and judging.target in wishes.named.of_labels(weight.labels)
    )  # fmt: skip
    return next(of_target, None) or (wishes.priorities.unnamed_miss if judging.priorities else None)


def spared(wishes: Wishes) -> Weight | None:
    """Return the words by which false alarms are what matters; None if there are none, or others deny them."""
    return None if contradicts_itself(wishes) else wishes.priorities.specific


def contradicts_itself(wishes: Wishes) -> bool:
    """Say whether nothing may be missed and no false alarm raised: neither can then be what is improved."""
    return wishes.priorities.every is not None and wishes.priorities.no_false_alarm is not None


def _from_curve(reading: Reading, wishes: Wishes, judging: Judging) -> None:
    """Choose a point of the ROC curve of the target where the words name one, else the area under the curve."""
    numbers, target = wishes.numbers, judging.target
    sensitivity = numbers.sensitivity_fixed or numbers.sensitivity_floor
    specificity = numbers.specificity_fixed or numbers.specificity_floor
    miss, specific = missed(wishes, judging), spared(wishes)
    capped = numbers.specificity_floor is not None or numbers.flag_rate is not None
    both_floors = numbers.sensitivity_floor is not None and capped
    aimed = bool(wishes.named.positive or judging.priorities or (sensitivity or specificity))
    if not aimed or (both_floors and not (numbers.specificity_fixed or numbers.sensitivity_fixed)):
        _usual(reading, wishes, judging)
    elif specificity is not None and (sensitivity is None or numbers.specificity_fixed is not None):
        judging.primary = f"sensitivity_at_specificity_{percent(specificity)}[{target}]"
        reading.cite("primary", specificity.first, specificity.end)
    elif sensitivity is not None and _leaves_false_alarms(reading, wishes, miss):
        judging.primary = f"specificity_at_sensitivity_{percent(sensitivity)}[{target}]"
        reading.cite("primary", sensitivity.first, sensitivity.end)
    elif miss is not None:
        judging.primary = f"sensitivity_at_specificity_{HELD_SPECIFICITY * 100:.0f}[{target}]"
        reading.cite("primary", miss.first, miss.end)
        reading.default(
            "primary.specificity", f"no number was named; sensitivity is compared at {HELD_SPECIFICITY:.0%} specificity"
        )
    elif specific is not None and sensitivity is None and specificity is None:
        judging.primary = f"specificity_at_sensitivity_{HELD_SENSITIVITY * 100:.0f}[{target}]"
        reading.cite("primary", specific.first, specific.end)
        reading.default(
            "primary.sensitivity",
            f"no number was named; false alarms are compared at {HELD_SENSITIVITY:.0%} sensitivity",
        )
    else:
        _usual(reading, wishes, judging)


def _leaves_false_alarms(reading: Reading, wishes: Wishes, miss: Weight | None) -> bool:
    """Say whether, once the sensitivity is held, false alarms are what is left to improve.

    They are where the words ask for few of them, and where the floor is told in cases ('catch 19 of 20'): it then says all that
    is wanted of misses. A floor on a metric by name is a requirement and says nothing of what is better beyond it; and who adds
    that nothing may be missed wants more than the floor.
    """
    level = wishes.numbers.sensitivity_fixed or wishes.numbers.sensitivity_floor
    if wishes.numbers.sensitivity_fixed is not None or wishes.priorities.specific is not None:
        return True
    if level is None or miss is not None:
        return False
    return not any("SENS" in reading.units[k].tags for k in range(level.first, level.end))


def _usual(reading: Reading, wishes: Wishes, judging: Judging) -> None:
    floors = wishes.numbers.metric_floors
    if (
        len(floors) == 1
        and floors[0][0] in _IMPROVED
        and not (wishes.numbers.sensitivity_floor or wishes.numbers.specificity_floor)
    ):
        family, level = floors[0]
        judging.primary = metric_name(family, judging.target, binary=bool(wishes.named.positive))
        reading.cite("primary", level.first, level.end)
    elif wishes.named.positive:
        reading.default("primary", "two classes: how well they are told apart over all thresholds (AUROC)")
    elif wishes.task == MULTILABEL and judging.priorities:
        judging.primary = f"auroc[{judging.priorities[0]}]"
        weight = next(
            item for item in wishes.priorities.classes if judging.priorities[0] in wishes.named.of_labels(item.labels)
        )
        reading.cite("primary", weight.first, weight.end)
    elif wishes.task == MULTILABEL:
        reading.default(
            "primary", "several findings: the mean over findings of how well each is told from its absence (AUROC)"
        )
    else:
        reading.default(
            "primary", "several classes: the mean over classes of how well each is told from the others (AUROC)"
        )


def _coverage(judging: Judging) -> str:
    """Return the share of images that are answered, in percent as metric names carry it."""
    share = 0.1 if math.isnan(judging.abstention.at_most) else judging.abstention.at_most
    return as_percent(1 - share)
