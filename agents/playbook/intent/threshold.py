"""Where yes ends and no begins: the operating point, from the numbers of a request or from a default that is asked about."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agents.playbook.intent import quoting
from tasks.domain.spec import OperatingPoint

if TYPE_CHECKING:
    from agents.playbook.intent.judging import Judging, Wishes
    from agents.playbook.intent.reading import Reading

_HELD_SPECIFICITY = 0.80  # the source paper reports sensitivity at 80% specificity (Zhao et al. 2026, arXiv 2604.17110)
_FEW_FALSE_ALARMS = 0.95


def set_operating_point(reading: Reading, wishes: Wishes, judging: Judging) -> None:
    """Set what the threshold holds; of two floors the sensitivity, with a question."""
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
        reading.ask(
            "operating_point", "If both floors cannot be met, which one gives way?",
            options=("specificity gives way", "sensitivity gives way"), default="specificity gives way",
        )  # fmt: skip


def _set_default(reading: Reading, wishes: Wishes, judging: Judging) -> None:
    if not judging.priorities and wishes.priorities.specific is None:
        judging.operating_point = OperatingPoint(fixed="youden", at_least=math.nan, positive=judging.target)
        reading.default(
            "operating_point", "nothing was said of the balance; misses and false alarms weigh the same (Youden)"
        )
        return
    value = _HELD_SPECIFICITY if judging.priorities else _FEW_FALSE_ALARMS
    judging.operating_point = OperatingPoint(fixed="specificity", at_least=value, positive=judging.target)
    reading.default(
        "operating_point",
        f"a priority was named but no number; specificity is held at {value:.0%}, and as many as possible are caught there",
    )
    plain = next(item.description for item in wishes.named.classes if item.name == judging.target)
    sign = " That nothing is missed at all cannot be promised." if wishes.priorities.every is not None else ""
    reading.ask(
        "operating_point",
        f"How many false alarms may it cost to catch {quoting.plain(plain)}?{sign} As it stands, of 100 images without it {round(100 * (1 - value))} "
        "may be called by mistake, and the model catches as many as it can.",
        options=(f"hold specificity at {value:.0%}", "hold sensitivity at 95%", "hold specificity at 90%"),
        default=f"hold specificity at {value:.0%}",
    )  # fmt: skip
