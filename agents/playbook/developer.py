"""The playbook's developer: picks the next published technique by what a round of it is worth, and learns from rounds.

Every round it asks which step, or which few that belong together, brings the largest expected gain under the verdict rule,
from prior gains, the state of training and all rounds so far. It is deterministic: the same briefing, the same edit.
"""

from __future__ import annotations

import ast
import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agents.developer import code_sha256
from agents.playbook.belief import Belief, expected_gain, learn
from agents.playbook.catalogue import TECHNIQUES
from agents.playbook.draft import Draft
from agents.playbook.reading import Reading, read
from agents.playbook.record import (
    Attempt,
    Step,
    attempts_of,
    observations_of,
    settings_key,
    typical_error,
    way_to_go,
)
from agents.playbook.syntax import SeamMissing
from agents.playbook.technique import Gain, Rung, Technique
from tasks.domain.round import Hypothesis, Proposal

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from agents.developer import Briefing

LEAST_WORTH = 0.0005
"""A round whose expected gain is a smaller part of the way to go is not worth its time."""
TRIES_PER_ERA = 2
"""Rejected rounds that a technique may take part in before another round was kept."""
TRIES_IN_ALL = 3
"""Rounds that it may take part in without ever coming close."""
LARGEST_BUNDLE = 3
MOST_EVIDENCE = 3
"""Sentences on past rounds in a rationale, the latest ones."""
ERAS_TO_REOPEN = 2
"""After so many kept rounds, a technique that hurt a little may be tried again: it meets another incumbent."""


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
        for candidate in self.candidates(briefing):
            if candidate.worth < LEAST_WORTH:
                return None
            files = self._edited(briefing, candidate.steps)
            if files and code_sha256({**briefing.source, **files}) not in tried:
                return Proposal(hypothesis=self._hypothesis(candidate, reading, attempts, briefing), files=files)
        return None

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
        belief = self._belief(reading, attempts, steps)
        error = typical_error(attempts)
        found = []
        for bundle in self._bundles(steps, reading, attempts):
            mean, spread = belief.gain(bundle)
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
        past = [(item, step) for item in attempts for step in item.steps if step.technique == name]
        if technique.unsuited(reading) or technique.opposite in reading.kept or self._is_dropped(past, era):
            return
        rungs = technique.ladder(reading)
        kept = [step.settings for item, step in past if item.kept]
        beyond = [rung for rung in rungs if all(_is_beyond(settings_key(rung.settings), held, rungs) for held in kept)]
        for rung in beyond[: 2 if any(item.nearly for item, _ in past) else 1]:
            yield Step(name, settings_key(rung.settings), era, rung.title)

    def _is_dropped(self, past: Sequence[tuple[Attempt, Step]], era: int) -> bool:
        """Return whether a technique failed, or hurt on its own, or was tried often enough (for the time being)."""
        rejected = [(item, step) for item, step in past if not item.kept]
        lost = sum(not item.nearly for item, _ in rejected)
        if sum(step.era == era for _, step in rejected) >= TRIES_PER_ERA or (lost == len(past) >= TRIES_IN_ALL):
            return True
        for item, step in past:
            if item.failed:
                return True
            hurt = item.alone and not item.kept and not item.nearly
            if hurt and (item.difference < -item.error or era - step.era < ERAS_TO_REOPEN):
                return True
        return False

    def _bundles(
        self, steps: Sequence[Step], reading: Reading, attempts: Sequence[Attempt]
    ) -> Iterator[tuple[Step, ...]]:
        """Yield single steps, companions, and steps that each came close before; none as it was tried of late."""
        era = max((step.era for step in steps), default=0)
        close = {step.technique for item in attempts if item.nearly for step in item.steps}
        recent = {self._form(item.steps) for item in attempts if era - item.steps[0].era < ERAS_TO_REOPEN}
        for size in range(1, LARGEST_BUNDLE + 1):
            for bundle in itertools.combinations(steps, size):
                pairs = itertools.combinations([step.technique for step in bundle], 2)
                belong = all({one, other} <= close or other in self._companions(one) for one, other in pairs)
                if belong and self._form(bundle) not in recent and self._go_together(bundle, reading):
                    yield bundle

    @staticmethod
    def _form(steps: Sequence[Step]) -> frozenset[object]:
        return frozenset((step.technique, step.settings) for step in steps)

    def _companions(self, name: str) -> frozenset[str]:
        return self._techniques[name].companions

    def _go_together(self, bundle: Sequence[Step], reading: Reading) -> bool:
        names = {step.technique for step in bundle}
        if len(names) < len(bundle):
            return False
        settings = [key for step in bundle for key, _ in step.settings]
        if len(settings) != len(set(settings)) or any(
            {self._techniques[name].opposite, self._techniques[name].overlaps} & names for name in names
        ):
            return False
        return not any(
            self._techniques[name].unsuited(replace(reading, kept=reading.kept | (names - {name}))) for name in names
        )

    # --- what they are worth ----------------------------------------------------------------------------------------

    def _belief(self, reading: Reading, attempts: tuple[Attempt, ...], steps: Sequence[Step]) -> Belief:
        past = [step for item in attempts for step in item.steps]
        priors: dict[Hashable, Gain] = {step: self._prior(step.technique, reading, again=False) for step in past}
        for step in steps:
            stronger = step.technique in reading.kept
            priors.setdefault(step, self._prior(step.technique, reading, again=stronger))
        return learn(priors, self._correlation, observations_of(attempts))

    def _prior(self, name: str, reading: Reading, *, again: bool) -> Gain:
        technique = self._techniques[name]
        gain = technique.gains[reading.metric_kind]
        factor = 1 + max(0.0, reading.fit) * (technique.overfit - 1) + max(0.0, -reading.fit) * (technique.underfit - 1)
        mean = gain.mean * (factor if gain.mean > 0 else 1.0)
        if (technique.rests_on and technique.rests_on not in reading.kept) or technique.overlaps in reading.kept:
            mean /= 3
        return Gain(0.3 * mean, 0.6 * gain.spread) if again else Gain(mean, gain.spread)

    def _correlation(self, one: object, other: object) -> float:
        if not isinstance(one, Step) or not isinstance(other, Step):
            raise TypeError("beliefs are held about steps")
        memory = 0.85 ** abs(one.era - other.era)
        if one.technique == other.technique:
            return memory * (0.9 if one.settings == other.settings else 0.7)
        return -0.5 * memory if self._techniques[one.technique].opposite == other.technique else 0.0

    # --- what is handed over ----------------------------------------------------------------------------------------

    def _edited(self, briefing: Briefing, steps: Sequence[Step]) -> dict[str, str]:
        """Return the changed files; none where the code has no place for one of the steps."""
        draft = Draft(briefing.source, locked=briefing.locked)
        try:
            for step in steps:
                self._techniques[step.technique].apply(draft, dict(step.settings))
        except SeamMissing:
            return {}
        files = draft.changed()
        for path, text in files.items():
            ast.parse(text, filename=path)
        return files

    def _hypothesis(
        self, candidate: Candidate, reading: Reading, attempts: Sequence[Attempt], briefing: Briefing
    ) -> Hypothesis:
        steps = candidate.steps
        techniques = [self._techniques[step.technique] for step in steps]
        way = way_to_go(reading.score, higher_is_better=briefing.protocol.higher_is_better)
        evidence = [technique.why(reading) for technique in techniques]
        evidence += list(dict.fromkeys(said for step in steps for said in self._evidence(step, attempts)))[
            -MOST_EVIDENCE:
        ]
        if len(steps) > 1:
            error = typical_error(tuple(attempts)) * way
            evidence.append(
                "They share a round because they belong together and each alone may stay below what validation can tell "
                f"from noise (one standard error is about {error:.3f} {reading.metric})."
            )
        effect = " ".join(dict.fromkeys(technique.expected for technique in techniques))
        return Hypothesis(
            title=_listed([step.title for step in steps]),
            technique="+".join(step.technique for step in steps),
            settings=_settings(steps),
            rationale=" ".join(evidence),
            expected_effect=f"{effect} Believed gain: {_amount(candidate.gain * way)} {reading.metric}.",
            source="; ".join(dict.fromkeys(technique.source for technique in techniques)),
        )

    def _evidence(self, step: Step, attempts: Sequence[Attempt]) -> Iterator[str]:
        """Yield what past rounds say for this step."""
        opposite = self._techniques[step.technique].opposite
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
