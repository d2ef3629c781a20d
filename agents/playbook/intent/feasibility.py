"""What cannot be met, or cannot be shown with so few cases: said before anything is trained."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agents.playbook.intent import quoting

if TYPE_CHECKING:
    from agents.playbook.intent.judging import Judging
    from agents.playbook.intent.naming import Named
    from agents.playbook.intent.operating import Level, Numbers
    from agents.playbook.intent.priorities import Priorities
    from agents.playbook.intent.reading import Reading

_BOTH_TOO_HIGH = 1.9
"""Sum of sensitivity and specificity floors from which on published readers and models do not meet both."""
_TEST_SHARE = 0.15
_DOUBT = 0.05


def ask_about_contradictions(reading: Reading, numbers: Numbers, priorities: Priorities) -> None:
    """Ask where a request wants what cannot be had together."""
    sensitivity = numbers.sensitivity_floor or numbers.sensitivity_fixed
    specificity = numbers.specificity_floor or numbers.specificity_fixed
    for level, word in ((sensitivity, "miss nothing"), (specificity, "raise no false alarm")):
        if level is not None and level.value >= 1:
            reading.ask(
                "constraints", f"{quoting.words(reading.words(level.first, level.end))}: no finite test can show that a model will {word}. "
                "Which share is good enough?", options=("95%", "98%", "99%"), blocking=True,
            )  # fmt: skip
    misses_none = priorities.every is not None or (sensitivity is not None and sensitivity.value >= 1)
    alarms_none = priorities.no_false_alarm is not None or (specificity is not None and specificity.value >= 1)
    if misses_none and alarms_none:
        reading.ask(
            "operating_point", "No model misses nothing and never raises a false alarm. Which is worse for you, and how much of the other can you accept?",
            options=("misses are worse", "false alarms are worse"), blocking=True,
        )  # fmt: skip
    elif (
        sensitivity is not None and specificity is not None and sensitivity.value + specificity.value >= _BOTH_TOO_HIGH
    ):
        reading.ask(
            "constraints", f"{sensitivity.value:.0%} sensitivity and {specificity.value:.0%} specificity together are above what published readers and "
            "models reach. Which one gives way if both cannot be met?",
            options=("specificity gives way", "sensitivity gives way"), blocking=True,
        )  # fmt: skip


def ask_about_sample(reading: Reading, numbers: Numbers, judging: Judging, named: Named) -> None:
    """Ask where the test set will hold too few cases to show a floor.

    The bound is the exact one-sided 95% lower limit when all of n cases are right: 0.05 ** (1 / n).

    Source: Clopper & Pearson, Biometrika 26 (1934), 404-413.
    """
    target = judging.operating_point.positive
    cases, others = _test_images(reading, named, target)
    for level, count, what in (
        (numbers.sensitivity_floor, cases, "sensitivity"),
        (numbers.specificity_floor, others, "specificity"),
    ):
        if level is None or count < 1 or level.value >= 1:
            continue
        best = _DOUBT ** (1 / count)
        if best < level.value:
            _ask(reading, level, count, what, best)


def _ask(reading: Reading, level: Level, count: int, what: str, best: float) -> None:
    reading.ask(
        "constraints",
        f"About {count} test images count towards {what}. Even if all of them were right, the test would only show at least {math.floor(best * 1000) / 10:g}% "
        f"(one-sided 95%), not {level.value:.0%}. Is an exploratory estimate acceptable?",
        options=("yes, exploratory", "no, more data will come"), default="yes, exploratory",
    )  # fmt: skip


def _test_images(reading: Reading, named: Named, target: str) -> tuple[int, int]:
    """Return about how many test images will show the target class, and how many another one."""
    forecast = {item.label: item.test_images for item in reading.profile.forecasts}
    images = {item.label: item.images for item in reading.data.labels}
    counts = {
        item.name: sum(forecast.get(label, round(images[label] * _TEST_SHARE)) for label in item.labels)
        for item in named.classes
    }
    return counts[target], sum(count for name, count in counts.items() if name != target)
