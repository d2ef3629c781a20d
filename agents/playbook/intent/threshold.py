"""Where yes ends and no begins: the operating point, from the numbers of a request or from a default that is asked about."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agents.playbook.intent import quoting
from agents.playbook.intent.primary import HELD_SPECIFICITY, missed
from tasks.domain.spec import BINARY, MULTICLASS, MULTILABEL, ORDINAL, OperatingPoint

if TYPE_CHECKING:
    from agents.playbook.intent.judging import Judging, Wishes
    from agents.playbook.intent.reading import Reading

_FEW_FALSE_ALARMS = 0.95


def set_operating_point(reading: Reading, wishes: Wishes, judging: Judging) -> None:
    """Set what the threshold holds; of two floors the sensitivity, as a missed case is the worse of the two."""
    numbers = wishes.numbers
    by_sensitivity = numbers.sensitivity_fixed or (None if numbers.specificity_fixed else numbers.sensitivity_floor)
    by_specificity = numbers.specificity_fixed or (None if numbers.sensitivity_fixed else numbers.specificity_floor)
    level, held = (by_sensitivity, "sensitivity") if by_sensitivity is not None else (by_specificity, "specificity")
    if level is None:
        _set_default(reading, wishes, judging)
        return
    judging.operating_point = OperatingPoint(fixed=held, at_least=level.value, positive=judging.target)
    reading.cite("operating_point", level.first, level.end)
    if by_sensitivity is not None and by_specificity is not None:
        reading.default(
            "operating_point.order", "two floors and one threshold: sensitivity is held, and the specificity reached is reported"
        )


def _set_default(reading: Reading, wishes: Wishes, judging: Judging) -> None:
    if judging.costs:
        judging.operating_point = OperatingPoint(fixed="youden", at_least=math.nan, positive=judging.target)
        reading.default("operating_point", "the weights of the errors decide between yes and no")
        return
    if wishes.task not in {"", BINARY, MULTICLASS, MULTILABEL, ORDINAL} or not (judging.priorities or wishes.priorities.specific):
        judging.operating_point = OperatingPoint(fixed="youden", at_least=math.nan, positive=judging.target)
        reading.default(
            "operating_point", "nothing was said of the balance; misses and false alarms weigh the same (Youden)"
        )
        return
    value = HELD_SPECIFICITY if judging.priorities else _FEW_FALSE_ALARMS
    judging.operating_point = OperatingPoint(fixed="specificity", at_least=value, positive=judging.target)
    reading.default(
        "operating_point",
        f"a priority was named but no number; specificity is held at {value:.0%}, and as many as possible are caught there",
    )
    if missed(wishes, judging) is not None or wishes.priorities.specific is not None:
        _ask_for_number(reading, wishes, judging, value)


def _ask_for_number(reading: Reading, wishes: Wishes, judging: Judging, value: float) -> None:
    """Ask how much may be missed and how many false alarms are accepted, where only the wish was said."""
    if judging.costs or judging.abstention.allowed:
        return
    plain = next(item.description for item in wishes.named.classes if item.name == judging.target)
    sign = " That nothing is missed at all cannot be promised." if wishes.priorities.every is not None else ""
    reading.ask(
        "operating_point",
        f"What share of {quoting.plain(plain)} must be caught at least, and how many false alarms may that cost?{sign} As it stands, of 100 images without "
        f"it {round(100 * (1 - value))} may be called by mistake, and the model catches as many as it can.",
        options=(f"hold specificity at {value:.0%}", "hold sensitivity at 95%", "hold specificity at 90%"),
        default=f"hold specificity at {value:.0%}", kind="missing_threshold",
    )  # fmt: skip
