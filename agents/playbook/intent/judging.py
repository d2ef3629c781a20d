"""What 'better' means: the primary metric, what matters most and for which class, each from words or an explicit default."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agents import quoting
from agents.playbook.intent.abstention import set_abstention
from agents.playbook.intent.costs import set_costs
from agents.playbook.intent.limits import set_floors, set_guardrails
from agents.playbook.intent.naming import concern
from agents.playbook.intent.primary import contradicts_itself, set_primary
from agents.playbook.intent.threshold import set_operating_point
from tasks.domain.spec import Abstention, Constraint, Cost, Guardrail, OperatingPoint

if TYPE_CHECKING:
    from agents.playbook.intent.abstention import Abstaining
    from agents.playbook.intent.choice import Group
    from agents.playbook.intent.errors import Errors
    from agents.playbook.intent.guards import Guards
    from agents.playbook.intent.levels import Numbers
    from agents.playbook.intent.naming import Named
    from agents.playbook.intent.priorities import Priorities
    from agents.playbook.intent.reading import Reading


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the rules read of a request, once its classes are known."""

    named: Named
    numbers: Numbers
    priorities: Priorities
    guards: Guards
    task: str = ""
    """As in `Spec.task`; empty for classes that exclude each other."""
    errors: Errors | None = None
    """How errors are weighed one against another, if they are."""
    abstaining: Abstaining | None = None
    """Whether the model may answer 'not sure', if that is said."""


@dataclass(slots=True)
class Judging:
    """The part of the spec that says what is better."""

    primary: str = "auroc"
    priorities: tuple[str, ...] = ()
    target: str = ""
    """Class that numbers and thresholds are for."""
    operating_point: OperatingPoint = field(
        default_factory=lambda: OperatingPoint(fixed="youden", at_least=math.nan, positive="")
    )
    constraints: list[Constraint] = field(default_factory=list)
    costs: tuple[Cost, ...] = ()
    abstention: Abstention = field(default_factory=Abstention)
    guardrails: list[Guardrail] = field(default_factory=list)


def decide_judging(reading: Reading, wishes: Wishes) -> Judging:
    """Return what better means; where a blocking question was asked it holds what is understood so far."""
    judging = Judging(priorities=_priorities(reading, wishes.named, wishes.priorities))
    judging.target = _target(reading, wishes, judging)
    set_costs(reading, wishes, judging)
    set_abstention(reading, wishes, judging)
    set_floors(reading, wishes, judging)
    set_operating_point(reading, wishes, judging)
    set_primary(reading, wishes, judging)
    if not contradicts_itself(wishes):
        set_guardrails(reading, wishes, judging)
    return judging


def _priorities(reading: Reading, named: Named, priorities: Priorities) -> tuple[str, ...]:
    names: list[str] = []
    for weight in priorities.classes:
        matched = named.of_labels(weight.labels)
        if not matched:
            labels = quoting.listed(quoting.code(label) for label in weight.labels)
            reading.ask(
                "priorities", f"{quoting.words(reading.words(weight.first, weight.end))} puts weight on {labels}, which is not among the "
                f"classes that are told apart ({quoting.listed(item.name for item in named.classes)}). Should it be added?", blocking=True,
            )  # fmt: skip
        for name in matched:
            if name not in names:
                names.append(name)
                reading.cite(f"priorities.{name}", weight.first, weight.end)
    if priorities.equal is not None:
        reading.cite("priorities", priorities.equal.first, priorities.equal.end)
        if names:
            wording = "You say that all classes matter equally, and that some matter most. Which is it?"
            reading.ask("priorities", wording, blocking=True)
    return tuple(names) or _unnamed_priority(reading, named, priorities)


def _unnamed_priority(reading: Reading, named: Named, priorities: Priorities) -> tuple[str, ...]:
    """'Missing one is the worst' means the positive class; of several classes it has to be asked which."""
    weight = priorities.unnamed_miss
    if weight is None:
        return ()
    if named.positive:
        reading.cite(f"priorities.{named.positive}", weight.first, weight.end)
        return (named.positive,)
    wording = quoting.words(reading.words(weight.first, weight.end))
    options = tuple(item.name for item in named.classes)
    reading.ask("priorities", f"{wording}: which diagnosis is meant?", options=options, default="none in particular")
    return ()


def _target(reading: Reading, wishes: Wishes, judging: Judging) -> str:
    """Return the class that numbers and thresholds are for."""
    named, numbers = wishes.named, wishes.numbers
    said = [level for level in (numbers.sensitivity_floor, numbers.sensitivity_fixed) if level is not None]
    for level in said:
        names = named.of_labels(level.labels)
        wording = quoting.words(reading.words(level.first, level.end))
        if named.positive and names and names[0] != named.positive:
            reading.ask(
                "operating_point", f"{wording} is said of {names[0]}, while {named.positive} is what the model looks for. Which of the two is the finding?",
                options=(names[0], named.positive), blocking=True,
            )  # fmt: skip
        if level.labels and not names:
            reading.ask("operating_point", f"{wording} is said of something that is no class here.", blocking=True)
        if len(names) == 1:
            return names[0]
    if named.positive or judging.priorities:
        return named.positive or judging.priorities[0]
    unaddressed = (*said, numbers.specificity_floor, numbers.specificity_fixed)
    for wording in [quoting.words(reading.words(item.first, item.end)) for item in unaddressed if item is not None]:
        options = tuple(item.name for item in named.classes)
        reading.ask("operating_point", f"{wording}: of which diagnosis?", options=options, blocking=True)
    pairs = list(zip(named.classes, named.groups, strict=True))
    if not pairs:  # a number is asked for
        return ""
    return max(pairs, key=lambda pair: (concern(reading, pair[1]), -_images(reading, pair[1])))[0].name


def _images(reading: Reading, group: Group) -> int:
    return sum(reading.data.find(label).images for label in group.labels)
