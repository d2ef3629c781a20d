"""The playbook's developer: picks the next published technique by what a round of it is worth, and learns from rounds.

Every round it asks which step, or which few that belong together, brings the largest expected gain under the verdict rule,
from prior gains, the state of training and all rounds so far. It is deterministic: the same briefing, the same edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.developer import code_sha256
from agents.playbook.belief import Belief, expected_gain, learn
from agents.playbook.bundles import ERAS_TO_REOPEN, bundles
from agents.playbook.catalogue import TECHNIQUES
from agents.playbook.draft import edited_by
from agents.playbook.mending import mend
from agents.playbook.priors import prior_of
from agents.playbook.reading import Reading, read
from agents.playbook.record import (
    GROWING,
    Attempt,
    Step,
    attempts_of,
    further_training,
    gains_of,
    observations_of,
    settings_key,
    tries_of,
    typical_error,
)
from agents.playbook.technique import Gain, Rung, Technique
from agents.playbook.tuning import tuned_rungs
from agents.playbook.variants import variants_of
from agents.playbook.wording import hypothesis_of
from tasks.domain.round import Proposal, Variant

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from agents.developer import Briefing
    from tasks.domain.failure import Failure

LEAST_WORTH = 0.0005
"""A round whose expected gain is a smaller part of the way to go is not worth its time."""
TRIES_PER_ERA = 2
"""Rejected rounds that a technique may take part in before another round was kept; twice as many if some of them came close."""
TRIES_IN_ALL = 3
"""Rounds that it may take part in without ever coming close."""
MOST_TUNED = 5
"""Rounds of one technique after which its settings are not tuned any further."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A possible next round."""

    steps: tuple[Step, ...]
    gain: float
    """Believed gain, as part of the way to go."""
    worth: float
    """Expected gain under the verdict rule, what candidates are ranked by."""


class PlaybookDeveloper:
    """Proposes published techniques; needs no language model."""

    def __init__(self, techniques: Sequence[Technique] = TECHNIQUES) -> None:
        self._techniques = {technique.name: technique for technique in techniques}

    def propose(self, briefing: Briefing) -> Proposal | None:
        """Return the edit with the largest expected gain that was not tried yet; None if no round is worth its time."""
        reading = self.read(briefing)
        attempts = self._attempts(briefing)
        tried = briefing.tried | {code_sha256(briefing.source)}
        under_way = {name for item in briefing.under_way for name in item.technique.split("+")}
        for candidate in self.candidates(briefing):
            if candidate.worth < LEAST_WORTH:
                return None
            if not under_way.isdisjoint(step.technique for step in candidate.steps):
                continue
            edits = [(self._techniques[step.technique], dict(step.settings)) for step in candidate.steps]
            files = edited_by(edits, briefing.source, locked=briefing.locked)
            if files and code_sha256({**briefing.source, **files}) not in tried:
                hypothesis = hypothesis_of(
                    candidate.steps,
                    candidate.gain,
                    reading,
                    attempts,
                    self._techniques,
                    higher_is_better=briefing.protocol.higher_is_better,
                )
                variants: tuple[Variant, ...] = ()
                if len(candidate.steps) == 1:
                    variants = variants_of(candidate.steps[0], briefing, reading, attempts, self._techniques)
                return Proposal(hypothesis=hypothesis, files=files, variants=variants)
        return None

    def mend(self, briefing: Briefing, proposal: Proposal, failure: Failure) -> Proposal | None:
        """Return the edit with what failed in it mended; None where no remedy is known."""
        return mend(briefing, proposal, failure, self._techniques)

    def read(self, briefing: Briefing) -> Reading:
        """Return the facts that the choice rests on."""
        return read(briefing, [name for name, technique in self._techniques.items() if technique.changes_loss])

    def refusals(self, briefing: Briefing) -> dict[str, str]:
        """Return why a technique may not be tried now, by its name."""
        reading = self.read(briefing)
        reasons = ((name, technique.unsuited(reading)) for name, technique in self._techniques.items())
        return {name: reason for name, reason in reasons if reason}

    def candidates(self, briefing: Briefing) -> tuple[Candidate, ...]:
        """Return all that could be tried next, the most promising first."""
        reading, attempts = self.read(briefing), self._attempts(briefing)
        era = sum(item.kept for item in briefing.history)
        steps = [step for name in self._techniques for step in self._open_steps(name, reading, attempts, era)]
        further = (further_training(era),) if GROWING in reading.kept else ()
        belief = self._belief(reading, attempts, [*steps, *further])
        error = typical_error(attempts)
        found = []
        for bundle in bundles(steps, reading, attempts, self._techniques):
            grows = any(step.technique == GROWING for step in bundle)
            mean, spread = belief.gain(bundle if grows else bundle + further)
            found.append(Candidate(steps=bundle, gain=mean, worth=expected_gain(mean, spread, error)))
        return tuple(sorted(found, key=lambda item: (-item.worth, len(item.steps), [s.technique for s in item.steps])))

    # --- which steps are open ---------------------------------------------------------------------------------------

    def _attempts(self, briefing: Briefing) -> tuple[Attempt, ...]:
        better = briefing.protocol.higher_is_better
        deviation = briefing.seed_deviation
        return attempts_of(briefing.history, self._techniques, higher_is_better=better, seed_deviation=deviation)

    def _open_steps(self, name: str, reading: Reading, attempts: Sequence[Attempt], era: int) -> Iterator[Step]:
        """Yield the strengths of a technique that may be tried: its first; after success or near success, the next."""
        technique = self._techniques[name]
        past = tries_of(name, attempts)
        if technique.unsuited(reading) or technique.opposite in reading.kept or self._is_dropped(past, era):
            return
        rungs = technique.ladder(reading)
        kept = [step.settings for item, step in past if item.kept]
        beyond = [rung for rung in rungs if all(_is_beyond(settings_key(rung.settings), held, rungs) for held in kept)]
        if technique.ranges and len(past) <= MOST_TUNED and any(item.kept or item.nearly for item, _ in past):
            beyond = [*beyond, *tuned_rungs(technique, gains_of(past))]
        for rung in beyond[: 2 if any(item.nearly for item, _ in past) else 1]:
            yield Step(name, settings_key(rung.settings), era, rung.title)

    def _is_dropped(self, past: Sequence[tuple[Attempt, Step]], era: int) -> bool:
        """Return whether a technique failed, or hurt on its own, or was tried often enough (for the time being)."""
        rejected = [(item, step) for item, step in past if not item.kept]
        lost = sum(not item.nearly for item, _ in rejected)
        now = [item for item, step in rejected if step.era == era]
        lost_now = sum(not item.nearly for item in now)
        if lost_now >= TRIES_PER_ERA or len(now) >= 2 * TRIES_PER_ERA or (lost == len(past) >= TRIES_IN_ALL):
            return True
        for item, step in past:
            if item.failed:
                return True
            hurt = item.alone and not item.kept and not item.nearly
            if hurt and (item.difference < -item.error or era - step.era < ERAS_TO_REOPEN):
                return True
        return False

    # --- what they are worth ----------------------------------------------------------------------------------------

    def _belief(self, reading: Reading, attempts: tuple[Attempt, ...], steps: Sequence[Step]) -> Belief:
        past = [step for item in attempts for step in item.steps + item.further]
        priors: dict[Hashable, Gain] = {step: prior_of(self._techniques[step.technique], reading) for step in past}
        for step in steps:
            stronger = step.technique in reading.kept
            priors.setdefault(step, prior_of(self._techniques[step.technique], reading, again=stronger))
        return learn(priors, self._correlation, observations_of(attempts))

    def _correlation(self, one: object, other: object) -> float:
        if not isinstance(one, Step) or not isinstance(other, Step):
            raise TypeError("beliefs are held about steps")
        memory = 0.85 ** abs(one.era - other.era)
        if one.technique == other.technique:
            return memory * (0.9 if one.settings == other.settings else 0.7)
        return -0.5 * memory if self._techniques[one.technique].opposite == other.technique else 0.0


def _is_beyond(
    settings: tuple[tuple[str, float | str], ...], held: tuple[tuple[str, float | str], ...], rungs: Sequence[Rung]
) -> bool:
    """Return whether settings lie further up a technique's ladder than those that are held already."""
    keys = [settings_key(rung.settings) for rung in rungs]
    if held in keys:
        return keys.index(settings) > keys.index(held)
    if len(keys) == 1 or len(held) != 1:
        return settings != held
    new, old, first, last = (float(key[0][1]) for key in (settings, held, keys[0], keys[-1]))
    return new > old if last > first else new < old
