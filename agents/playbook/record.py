"""What the rounds so far say about each technique: which step was taken when, and what came of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agents.playbook.belief import Observation
from agents.playbook.reading import settings_of, steps_dropped, techniques_held, techniques_of
from tasks.domain.round import Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from tasks.domain.round import Round

CONTEXT = 0.02
"""How far a gain may differ from one incumbent to the next, as part of the way to go: added to a round's noise."""
GROWING = "incumbent_weights"
"""The technique after which the training of rounds adds up."""
TYPICAL_ERROR = 0.07
"""Standard error of a round before any has shown it: 0.007 AUC at 0.90, as with about 170 positives in validation."""


@dataclass(frozen=True, slots=True)
class Step:
    """One technique at one strength, taken or to be taken on a certain incumbent."""

    technique: str
    settings: tuple[tuple[str, float | str], ...]
    era: int
    """How many rounds had been kept when it was, or would be, tried."""
    title: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A past round as steps and outcome."""

    number: int
    title: str
    steps: tuple[Step, ...]
    kept: bool
    failed: bool
    difference: float
    """On the primary metric, positive is better; nan if it failed."""
    error: float
    gain: float
    """The difference as part of the way that was still to go."""
    gain_error: float
    further: tuple[Step, ...] = ()
    """What it did besides its own steps: where the code goes on from the incumbent's weights, every round is further training."""
    luck: float = 0.0
    """What two trainings of one code differ by, as part of the way to go; 0 if not known."""

    @property
    def nearly(self) -> bool:
        """Return whether it was better, but not by enough to be kept."""
        return not self.kept and self.difference > 0

    @property
    def alone(self) -> bool:
        """Return whether it tried a single technique."""
        return len(self.steps) == 1

    @property
    def figures(self) -> str:
        """Return the difference with its standard error, as text."""
        return f"{self.difference:+.4f} ± {self.error:.4f}"


def further_training(era: int) -> Step:
    """Return the step that every round takes besides its own once runs start from the incumbent's weights."""
    return Step(GROWING, (("run", "one more"),), era)


def settings_key(settings: Mapping[str, float | str]) -> tuple[tuple[str, float | str], ...]:
    """Return settings in a form that can be compared and hashed."""
    return tuple(sorted(settings.items()))


def way_to_go(score: float, *, higher_is_better: bool) -> float:
    """Return how far a metric is from its best value, 1 or 0."""
    if math.isnan(score):
        return 0.5
    return max(1e-3, 1 - score if higher_is_better else score)


def attempts_of(
    history: tuple[Round, ...], known: Collection[str], *, higher_is_better: bool, seed_deviation: float = math.nan
) -> tuple[Attempt, ...]:
    """Return the past rounds that tried nothing but known techniques, oldest first."""
    luck = 0.0 if math.isnan(seed_deviation) else math.sqrt(2) * seed_deviation
    found, era, score, grows = [], 0, math.nan, False
    for item in history:
        names = techniques_of(item)
        judgement = item.judgement
        if judgement.verdict is not Verdict.BASELINE and names and set(names) <= set(known):
            way = way_to_go(score, higher_is_better=higher_is_better)
            found.append(
                Attempt(
                    number=item.number,
                    title=item.hypothesis.title,
                    steps=tuple(Step(name, settings_key(settings_of(item, name)), era) for name in names),
                    kept=item.kept,
                    failed=judgement.verdict is Verdict.FAILED or math.isnan(judgement.difference),
                    difference=judgement.difference,
                    error=judgement.standard_error,
                    gain=judgement.difference / way,
                    gain_error=judgement.standard_error / way,
                    luck=luck / way,
                    further=(further_training(era),) if grows and GROWING not in names else (),
                )
            )
        found += [_broken(item, name, era) for name in steps_dropped(item.hypothesis) if name in known]
        if item.kept:
            era, score = era + 1, item.score
            grows = GROWING in techniques_held(history[: item.number + 1])
    return tuple(found)


def tries_of(technique: str, attempts: Iterable[Attempt]) -> list[tuple[Attempt, Step]]:
    """Return the past rounds that tried a technique, each with the step that it took, oldest first."""
    return [(item, step) for item in attempts for step in item.steps if step.technique == technique]


def gains_of(tries: Iterable[tuple[Attempt, Step]]) -> list[tuple[dict[str, float | str], float]]:
    """Return the settings of those tries that were scored, each with the gain of its round."""
    return [(dict(step.settings), item.gain) for item, step in tries if not item.failed]


def _broken(item: Round, technique: str, era: int) -> Attempt:
    """Return a step that was left out of a bundle because it broke, as an attempt of its own that failed."""
    return Attempt(
        number=item.number,
        title=technique.replace("_", " "),
        steps=(Step(technique, (), era),),
        kept=False,
        failed=True,
        difference=math.nan,
        error=math.nan,
        gain=math.nan,
        gain_error=math.nan,
    )


def observations_of(attempts: tuple[Attempt, ...]) -> tuple[Observation, ...]:
    """Return what those rounds showed that were scored.

    A paired standard error holds the sampling of images and not the luck of the seed, which both runs had. What trainings of
    one code differ by on the same images holds both, so the larger of the two counts, and not their sum.
    """
    return tuple(
        Observation(
            steps=item.steps + item.further,
            gain=item.gain,
            error=math.hypot(max(_finite(item.gain_error), item.luck), CONTEXT),
        )
        for item in attempts
        if not item.failed
    )


def typical_error(attempts: tuple[Attempt, ...]) -> float:
    """Return the standard error to expect of the next round, as part of the way to go: the median of those seen."""
    errors = sorted(_finite(item.gain_error) for item in attempts if not item.failed)
    return errors[len(errors) // 2] if errors else TYPICAL_ERROR


def _finite(error: float) -> float:
    return error if error > 0 else TYPICAL_ERROR
