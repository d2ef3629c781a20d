"""What is believed of a technique in the state that a study is in, before any round has tried it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agents.playbook.technique import Gain

if TYPE_CHECKING:
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Technique

REMEDY = 1.5
"""Factor on the prior gain of a technique that is a remedy for what the incumbent falls short by."""
OVERLAP = 1 / 3
"""What is left of the prior gain where another technique brings most of it already, or the one that it rests on is missing."""


def prior_of(
    technique: Technique, reading: Reading, *, again: bool = False, beside: frozenset[str] = frozenset()
) -> Gain:
    """Return the prior gain of a technique, from its publication and the state of training.

    Args:
        technique: In question.
        reading: State of the study.
        again: True for a stronger form of one that is in use.
        beside: Techniques that are to be taken together with it.
    """
    gain = technique.gains[reading.metric_kind]
    mean = gain.mean
    if mean > 0:
        over, under = max(0.0, reading.fit), max(0.0, -reading.fit)
        mean *= 1 + over * (technique.overfit - 1) + under * (technique.underfit - 1)
    if technique.remedies & {item.kind for item in reading.shortfalls}:
        mean *= REMEDY
    there = reading.kept | beside
    if (technique.rests_on and technique.rests_on not in there) or technique.overlaps in reading.kept:
        mean *= OVERLAP
    return Gain(technique.again * mean, 0.6 * gain.spread) if again else replace(gain, mean=mean)
