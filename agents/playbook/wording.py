"""The hypothesis of a round in words: why now, what past rounds say, what to expect, where it was published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.record import typical_error, way_to_go
from tasks.domain.round import Hypothesis

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agents.playbook.reading import Reading
    from agents.playbook.record import Attempt, Step
    from agents.playbook.technique import Technique

MOST_EVIDENCE = 3
"""Sentences on past rounds in a rationale, the latest ones."""
MOST_SHORTFALLS = 2
"""Reasons why the incumbent falls short in a rationale, the plainest ones."""


def hypothesis_of(
    steps: Sequence[Step],
    gain: float,
    reading: Reading,
    attempts: Sequence[Attempt],
    techniques: Mapping[str, Technique],
    *,
    higher_is_better: bool,
) -> Hypothesis:
    """Return what a round tries and why.

    Args:
        steps: Taken together.
        gain: Believed, as part of the way to go.
        reading: State of the study.
        attempts: Past rounds.
        techniques: By name.
        higher_is_better: Of the primary metric.
    """
    used = [techniques[step.technique] for step in steps]
    way = way_to_go(reading.score, higher_is_better=higher_is_better)
    told = "; ".join(item.sentence for item in reading.shortfalls[:MOST_SHORTFALLS])
    evidence = [f"Where the incumbent falls short: {told}."] if told else []
    evidence += [technique.why(reading) for technique in used]
    past = list(dict.fromkeys(said for step in steps for said in _evidence(step, attempts, techniques)))
    evidence += past[-MOST_EVIDENCE:]
    if len(steps) > 1:
        error = typical_error(tuple(attempts)) * way
        evidence.append(
            "They share a round because they belong together and each alone may stay below what validation can tell "
            f"from noise (one standard error is about {error:.3f} {reading.metric})."
        )
    effect = " ".join(dict.fromkeys(technique.expected for technique in used))
    return Hypothesis(
        title=_listed([step.title for step in steps]),
        technique="+".join(step.technique for step in steps),
        settings=_settings(steps),
        rationale=" ".join(evidence),
        expected_effect=f"{effect} Believed gain: {_amount(gain * way)} {reading.metric}.",
        source="; ".join(dict.fromkeys(technique.source for technique in used)),
    )


def _evidence(step: Step, attempts: Sequence[Attempt], techniques: Mapping[str, Technique]) -> Iterator[str]:
    """Yield what past rounds say for this step."""
    opposite = techniques[step.technique].opposite
    for item in attempts:
        names = {past.technique for past in item.steps}
        if step.technique in names and item.kept:
            yield f"Round {item.number} kept '{item.title}' ({item.figures}); this goes a step further."
        elif step.technique in names and item.nearly:
            yield f"Round {item.number} came close with '{item.title}' ({item.figures})."
        elif step.technique in names and not item.failed:
            yield f"Round {item.number} lost with '{item.title}' ({item.figures}), on other terms."
        elif opposite in names and item.alone and not item.kept and not item.failed:
            yield f"Round {item.number} went the other way, '{item.title}', without success ({item.figures})."


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _amount(gain: float) -> str:
    return f"{gain:+.3f}" if abs(gain) >= 0.0005 else "less than 0.001"


def _settings(steps: Sequence[Step]) -> dict[str, float | str]:
    if len(steps) == 1:
        return dict(steps[0].settings)
    return {f"{step.technique}.{key}": value for step in steps for key, value in step.settings}
