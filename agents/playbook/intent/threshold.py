"""Where yes ends and no begins: the operating point, from the numbers of a request or from a default that is asked about."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agents import quoting
from agents.playbook.intent.primary import HELD_SENSITIVITY, HELD_SPECIFICITY, missed, spared
from tasks.domain.spec import BINARY, DETECTION, MULTICLASS, MULTILABEL, ORDINAL, OperatingPoint

if TYPE_CHECKING:
    from agents.playbook.intent.judging import Judging, Wishes
    from agents.playbook.intent.reading import Reading

_CLASSES = {"", BINARY, MULTICLASS, MULTILABEL, ORDINAL}


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
            "operating_point.order",
            "two floors and one threshold: sensitivity is held, and the specificity reached is reported",
        )


def _set_default(reading: Reading, wishes: Wishes, judging: Judging) -> None:
    """Hold what the wish leaves free where misses or false alarms matter most; else weigh both the same."""
    miss, specific = missed(wishes, judging), spared(wishes)
    if judging.costs:
        _set_youden(reading, judging, "the weights of the errors decide between yes and no")
    elif (
        wishes.task == DETECTION
        and miss is not None
        and not (wishes.numbers.alarms_fixed or wishes.numbers.alarms_per_image)
    ):
        _set_youden(
            reading,
            judging,
            "places: the score from which a mark is shown is chosen where misses and false marks balance",
        )
        reading.ask(
            "operating_point", "How many false marks an image may it cost that fewer are missed? That nothing is missed at all cannot be promised.",
            options=("0.5", "1", "2"), default="no number is held; the share found is shown over the number of false marks", kind="missing_threshold",
        )  # fmt: skip
    elif judging.abstention.allowed or wishes.task not in _CLASSES or not (miss or specific):
        _set_youden(
            reading, judging, "nothing was said of the balance; misses and false alarms weigh the same (Youden)"
        )
    else:
        held, value = ("specificity", HELD_SPECIFICITY) if miss is not None else ("sensitivity", HELD_SENSITIVITY)
        judging.operating_point = OperatingPoint(fixed=held, at_least=value, positive=judging.target)
        reading.default(
            "operating_point", f"a wish was named but no number; {held} is held at {value:.0%}, and the other is made as high as it goes there"
        )  # fmt: skip
        _ask_for_number(reading, wishes, judging, held)


def _set_youden(reading: Reading, judging: Judging, reason: str) -> None:
    judging.operating_point = OperatingPoint(fixed="youden", at_least=math.nan, positive=judging.target)
    reading.default("operating_point", reason)


def _ask_for_number(reading: Reading, wishes: Wishes, judging: Judging, held: str) -> None:
    """Ask how much may be missed and how many false alarms are accepted, where only the wish was said."""
    plain = quoting.plain(next(item.description for item in wishes.named.classes if item.name == judging.target))
    sign = " That nothing is missed at all cannot be promised." if wishes.priorities.every is not None else ""
    if held == "specificity":
        text = (
            f"What share of {plain} must be caught at least, and how many false alarms may that cost?{sign} As it stands, of 100 images without it "
            f"{round(100 * (1 - HELD_SPECIFICITY))} may be called by mistake, and the model catches as many as it can."
        )
        options = (f"hold specificity at {HELD_SPECIFICITY:.0%}", "hold sensitivity at 95%", "hold specificity at 90%")
    else:
        text = (
            f"What share of {plain} must still be caught while false alarms are cut? As it stands, {HELD_SENSITIVITY:.0%} are, with as few false alarms as "
            "that allows."
        )
        options = (f"hold sensitivity at {HELD_SENSITIVITY:.0%}", "hold sensitivity at 95%", "hold sensitivity at 80%")
    reading.ask("operating_point", text, options=options, default=options[0], kind="missing_threshold")
