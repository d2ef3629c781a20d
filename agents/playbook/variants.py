"""Forms of one step that compete in pilot runs: where rounds are long, a technique's strength need not cost a round each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.draft import edited_by
from agents.playbook.record import gains_of, settings_key, tries_of
from agents.playbook.tuning import tuned_rungs
from tasks.domain.round import Variant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agents.developer import Briefing
    from agents.playbook.reading import Reading
    from agents.playbook.record import Attempt, Step
    from agents.playbook.technique import Technique

LEAST_ROUND_SECONDS = 600.0
"""Rounds shorter than this have no time for pilot runs: start-up alone would take a good part of each."""
MOST_VARIANTS = 4


def variants_of(
    step: Step, briefing: Briefing, reading: Reading, attempts: Sequence[Attempt], techniques: Mapping[str, Technique]
) -> tuple[Variant, ...]:
    """Return the strengths of a technique that are worth a pilot run each, the one that was chosen first; none for one alone.

    Args:
        step: The one that was chosen for the round.
        briefing: Of the round.
        reading: State of the study.
        attempts: Past rounds.
        techniques: By name.
    """
    technique = techniques[step.technique]
    if briefing.train_seconds < LEAST_ROUND_SECONDS or not technique.ranges:
        return ()
    past = tries_of(step.technique, attempts)
    known = {tried.settings for _, tried in past} - {step.settings}
    ladder = [(rung.title, dict(rung.settings)) for rung in technique.ladder(reading)]
    forms = [(step.title, dict(step.settings)), *(form for form in ladder if settings_key(form[1]) != step.settings)]
    forms = [form for form in forms if settings_key(form[1]) not in known][:MOST_VARIANTS]
    if len(forms) < MOST_VARIANTS:
        known_settings = [*gains_of(past), *((settings, 0.0) for _, settings in forms)]
        tuned = tuned_rungs(technique, known_settings, count=MOST_VARIANTS - len(forms))
        forms += [(rung.title, dict(rung.settings)) for rung in tuned]
    found = []
    for title, settings in forms:
        files = edited_by([(technique, settings)], briefing.source, locked=briefing.locked)
        if files:
            found.append(Variant(title=title, settings=settings, files=files))
    return tuple(found) if len(found) > 1 else ()
