"""What cannot be met, or cannot be shown with so few cases: said, with the arithmetic, before anything is trained."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agents import quoting

if TYPE_CHECKING:
    from agents.playbook.intent.judging import Judging
    from agents.playbook.intent.levels import Level, Numbers
    from agents.playbook.intent.naming import Named
    from agents.playbook.intent.priorities import Priorities
    from agents.playbook.intent.reading import Reading

_BOTH_TOO_HIGH = 1.9
"""Sum of sensitivity and specificity floors from which on published readers and models do not meet both."""
_TOO_SPECIFIC = 0.99
"""Specificity beyond which an F1 floor is out of reach of published models at a low prevalence."""
_TEST_SHARE = 0.15
_DOUBT = 0.05


def ask_about_contradictions(reading: Reading, numbers: Numbers, priorities: Priorities) -> None:
    """Ask where a request wants what cannot be had together."""
    sensitivity = numbers.sensitivity_floor or numbers.sensitivity_fixed
    specificity = numbers.specificity_floor or numbers.specificity_fixed
    misses_none = priorities.every is not None or (sensitivity is not None and sensitivity.value >= 1)
    alarms_none = priorities.no_false_alarm is not None or (specificity is not None and specificity.value >= 1)
    if misses_none and alarms_none:
        reading.ask(
            "operating_point", "No model misses nothing and never raises a false alarm. Which is worse for you, and how much of the other can you accept?",
            options=("misses are worse", "false alarms are worse"), blocking=True, kind="conflicting_constraints",
        )  # fmt: skip
        return
    for level, word in ((sensitivity, "miss nothing"), (specificity, "raise no false alarm")):
        if level is not None and level.value >= 1:
            reading.ask(
                "constraints", f"{quoting.words(reading.words(level.first, level.end))}: no finite test can show that a model will {word}. "
                "Which share is good enough?", options=("95%", "98%", "99%"), blocking=True, kind="likely_infeasible",
            )  # fmt: skip
            return
    if sensitivity is not None and specificity is not None and sensitivity.value + specificity.value >= _BOTH_TOO_HIGH:
        _ask_about_both(reading, sensitivity, specificity)


def _ask_about_both(reading: Reading, sensitivity: Level, specificity: Level) -> None:
    both = f"{sensitivity.value:.0%} sensitivity and {specificity.value:.0%} specificity"
    reading.ask(
        "constraints", f"{both} together are above what published readers and models reach. Is there reason to expect it here, or are they goals to come "
        "close to?", options=("goals to come close to", "there is reason"), blocking=True, kind="likely_infeasible",
    )  # fmt: skip
    reading.ask(
        "constraints", f"Which one gives way if {both} cannot be met together?",
        options=("specificity gives way", "sensitivity gives way"), blocking=True, kind="conflicting_constraints",
    )  # fmt: skip


def ask_about_sample(reading: Reading, numbers: Numbers, judging: Judging, named: Named) -> None:
    """Ask where too few cases are there to show a floor.

    The bound is the exact one-sided 95% lower limit when all of n cases are right: 0.05 ** (1 / n).

    Source: Clopper & Pearson, Biometrika 26 (1934), 404-413.
    """
    cases, others = _images(reading, named, judging.target)
    _ask_about_alarms(reading, numbers, cases, others)
    _ask_about_prevalence(reading, judging, numbers, cases, others)
    for level, count, what in (
        (numbers.sensitivity_floor, cases, "sensitivity"),
        (numbers.specificity_floor, others, "specificity"),
    ):
        if level is not None and 0 < level.value < 1 and count >= 1:
            _ask_about_floor(reading, level, count, what)


def shown_at_best(cases: int) -> float:
    """Return the share that is shown, one-sided 95%, when all of so many cases are right."""
    return _DOUBT ** (1 / cases) if cases else 0.0


def _ask_about_floor(reading: Reading, level: Level, count: int, what: str) -> None:
    """Block where not even all cases of the data could show the floor; confirm where those of the test set cannot."""
    tested = max(1, round(count * _TEST_SHARE))
    if shown_at_best(tested) >= level.value:
        return
    never = shown_at_best(count) < level.value
    tail = (
        "Is an exploratory estimate acceptable, or can more cases be collected?"
        if never
        else "Is an exploratory estimate acceptable?"
    )
    reading.ask(
        "constraints",
        f"{count:,} images count towards {what}: all of them right would show {_percent(shown_at_best(count))} (one-sided 95%), and the {tested} or so of "
        f"the test set at least {_percent(shown_at_best(tested))}, while you ask for {level.value * 100:g}%. {tail}",
        options=("yes, exploratory", "no, more data will come"), default="" if never else "yes, exploratory",
        blocking=never, kind="insufficient_sample",
    )  # fmt: skip


def _ask_about_alarms(reading: Reading, numbers: Numbers, cases: int, others: int) -> None:
    """'No more than 5% of all films flagged': finding the cases alone may flag more than that."""
    floor, flagged = numbers.sensitivity_floor, numbers.flag_rate
    if floor is None or flagged is None or not cases:
        return
    prevalence = numbers.prevalence.value if numbers.prevalence is not None else cases / (cases + others)
    needed = prevalence * floor.value
    if needed > flagged.value:
        reading.ask(
            "constraints", f"With {prevalence:.1%} positives, finding {floor.value:.0%} of them flags at least {needed:.1%} of all images; you allow "
            f"{flagged.value:.0%}. Which gives way?", options=("the share flagged", "the share found"), blocking=True, kind="conflicting_constraints",
        )  # fmt: skip


def _ask_about_prevalence(reading: Reading, judging: Judging, numbers: Numbers, cases: int, others: int) -> None:
    """Say what a floor on F1 or on a predictive value asks for at the prevalence of the data or of the request.

    With sensitivity and predictive value both v at prevalence p, the specificity is 1 - p (1 - v) / (1 - p).
    """
    for constraint in judging.constraints:
        family = constraint.metric.partition("[")[0]
        if family not in {"f1", "f1_macro", "ppv", "npv", "average_precision"} or not (cases and others):
            continue
        prevalence = numbers.prevalence.value if numbers.prevalence is not None else cases / (cases + others)
        value = constraint.bound
        needed = 1 - prevalence * (1 - value) / (1 - prevalence) if prevalence < 1 else math.nan
        plain = {
            "f1": "F1",
            "f1_macro": "F1",
            "ppv": "the positive predictive value",
            "npv": "the negative predictive value",
        }.get(family, "average precision")
        example = (
            f" With {prevalence:.1%} positives, {value:g} means about {value:.0%} sensitivity at {needed:.1%} specificity."
            if family in {"f1", "ppv"}
            else ""
        )
        if family in {"f1", "ppv"} and needed <= _TOO_SPECIFIC:
            reading.caveat(
                f"{plain[0].upper()}{plain[1:]} depends on how common the finding is; it holds for {prevalence:.1%} positives."
            )
            continue
        reading.ask(
            "constraints", f"{plain[0].upper()}{plain[1:]} depends on how common the finding is where the model will be used.{example} Shall "
            f"{value:g} be a goal at the {prevalence:.1%} of this data, reported beside sensitivity and specificity?",
            options=("yes", "no, I name a sensitivity and a specificity"), default="yes",
            kind="likely_infeasible" if family in {"f1", "ppv"} else "metric_choice",
        )  # fmt: skip


def _percent(value: float) -> str:
    return f"{math.floor(value * 1000) / 10:g}%"


def _images(reading: Reading, named: Named, target: str) -> tuple[int, int]:
    """Return how many images show the target class, and how many do not."""
    findings = {item.name: item for item in reading.profile.findings}
    chosen = next((item for item in named.classes if item.name == target), None)
    if chosen is None:
        return 0, 0
    if findings and len(chosen.labels) == 1 and chosen.labels[0] in findings:
        finding = findings[chosen.labels[0]]
        return finding.present, finding.absent
    images = {item.label: item.images for item in reading.profile.labels}
    counts = {item.name: sum(images.get(label, 0) for label in item.labels) for item in named.classes}
    return counts[target], sum(count for name, count in counts.items() if name != target)
