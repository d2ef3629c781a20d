"""Which steps may share a round: companions, steps that each came close, and the opening of a study."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from agents.playbook.priors import prior_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agents.playbook.reading import Reading
    from agents.playbook.record import Attempt, Step
    from agents.playbook.technique import Gain, Technique

    Bundle = tuple[Step, ...]

LARGEST_BUNDLE = 3
LARGEST_OPENING = 7
SURE = 0.7
"""A technique whose prior mean is this many of its standard deviations above 0, as published and in this state of training, belongs
to the opening."""
ERAS_TO_REOPEN = 2
"""After so many kept rounds, what hurt a little may be tried again: it meets another incumbent."""


def bundles(
    steps: Sequence[Step], reading: Reading, attempts: Sequence[Attempt], techniques: Mapping[str, Technique]
) -> Iterator[Bundle]:
    """Yield the opening, single steps, companions, and steps that each came close before; none as it was tried of late."""
    if not attempts:
        first = opening(steps, reading, techniques)
        if len(first) > 1:
            yield first
    era = max((step.era for step in steps), default=0)
    yield from _second_tries(steps, reading, attempts, techniques, era)
    close = {step.technique for item in attempts if item.nearly for step in item.steps}
    recent = {_form(item.steps) for item in attempts if era - item.steps[0].era < ERAS_TO_REOPEN}
    wholes = [_names(item.steps) for item in attempts if item.nearly and item.steps[0].era == era]
    for size in range(1, LARGEST_BUNDLE + 1):
        for bundle in itertools.combinations(steps, size):
            pairs = itertools.combinations([step.technique for step in bundle], 2)
            belong = all({one, other} <= close or other in techniques[one].companions for one, other in pairs)
            if not belong or _form(bundle) in recent:
                continue
            part = size > 1 and any(_names(bundle) < whole for whole in wholes)  # the whole goes first: `_second_tries`
            if not part and go_together(bundle, reading, techniques):
                yield bundle


def _second_tries(
    steps: Sequence[Step], reading: Reading, attempts: Sequence[Attempt], techniques: Mapping[str, Technique], era: int
) -> Iterator[Bundle]:
    """Yield what came close to the incumbent as a whole, with one step more or one at another strength.

    What was better and still turned down, by noise or by a guardrail, is worth more as it is than any three of its steps: they
    were chosen to support each other. The same code is never run twice, so something of it has to differ.
    """
    open_steps = {_form((step,)): step for step in steps}
    for item in attempts:
        same = [open_steps.get(_form((step,))) for step in item.steps]
        if not item.nearly or item.steps[0].era != era or len(same) >= LARGEST_OPENING + 1:
            continue
        base = [step for step in same if step is not None]
        for other in steps if len(base) == len(item.steps) else ():
            bundle = (*(step for step in base if step.technique != other.technique), other)
            if _form(bundle) != _form(item.steps) and go_together(bundle, reading, techniques):
                yield bundle


def opening(steps: Sequence[Step], reading: Reading, techniques: Mapping[str, Technique]) -> Bundle:
    """Return all steps that are all but certain to help, strongest first: what a person would change before any experiment.

    Trying them one by one would spend a round on each to learn what is known; where the whole is turned down, they are tried
    apart. The priors were set before the study, so the opening rests on no look at its validation images.
    """
    names = _names(steps)
    priors = {step: prior_of(techniques[step.technique], reading, beside=names) for step in steps}
    sure = [step for step in steps if _is_sure(techniques[step.technique].gains[reading.metric_kind])]
    sure = [step for step in sure if _is_sure(priors[step])]
    taken: list[Step] = []
    for step in sorted(sure, key=lambda item: (-priors[item].mean, item.technique)):
        if len(taken) < LARGEST_OPENING and go_together([*taken, step], reading, techniques):
            taken.append(step)
    there = {"", *reading.kept, *(step.technique for step in taken)}
    return tuple(step for step in taken if techniques[step.technique].rests_on in there)


def _is_sure(gain: Gain) -> bool:
    return gain.mean >= SURE * gain.spread


def go_together(bundle: Sequence[Step], reading: Reading, techniques: Mapping[str, Technique]) -> bool:
    """Return whether steps may be taken at once: different techniques and settings, none that another makes unsuited."""
    names = _names(bundle)
    settings = [key for step in bundle for key, _ in step.settings]
    if len(names) < len(bundle) or len(settings) != len(set(settings)):
        return False
    if any({techniques[name].opposite, techniques[name].overlaps} & names for name in names):
        return False
    return not any(techniques[name].unsuited(replace(reading, kept=reading.kept | (names - {name}))) for name in names)


def _form(steps: Sequence[Step]) -> frozenset[object]:
    return frozenset((step.technique, step.settings) for step in steps)


def _names(steps: Sequence[Step]) -> frozenset[str]:
    return frozenset(step.technique for step in steps)
