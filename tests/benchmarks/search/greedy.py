"""Greedy search over code with drafts, as AIDE does it, with our catalogue in the place of a language model.

Source: Jiang et al., AIDE: AI-driven exploration in the space of code (2025), section 3: five drafts, then the best node is
improved; a node is better if its validation value is.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from trials import Idea, best_of

from agents.developer import Briefing, code_sha256
from agents.playbook.catalogue import TECHNIQUES
from agents.playbook.draft import Draft
from agents.playbook.reading import Reading, read
from agents.playbook.syntax import SeamMissing
from tasks.domain.round import Hypothesis, Judgement, Round, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ground import Ground
    from trials import Trial, TrialFolder

DRAFTS = 5
MOST_TECHNIQUES = 4
"""Of a draft."""


def next_code(
    ground: Ground, folder: TrialFolder, past: Sequence[Trial], *, seed: int, weights: Sequence[str]
) -> Idea | None:
    """Return the next code to try: a draft, or the best code so far with one more technique; None if none fits."""
    chance = random.Random(f"{seed} {len(past)}")
    tried = {code_sha256(folder.source(trial.number)) for trial in past} | {code_sha256(ground.source())}
    best = best_of(past)
    if len(past) < DRAFTS or best is None:
        idea: Idea | None = Idea(title="", files=ground.source())
        for _ in range(chance.randint(1, MOST_TECHNIQUES)):
            idea = one_more(ground, idea, None, chance, tried=tried, weights=weights) or idea
        return idea if idea and idea.techniques else None
    held = Idea(title=best.title, files=folder.source(best.number), techniques=best.techniques)
    return one_more(ground, held, best, chance, tried=tried, weights=weights)


def one_more(
    ground: Ground, idea: Idea, shown: Trial | None, chance: random.Random, *, tried: set[str], weights: Sequence[str]
) -> Idea | None:
    """Return the code with one technique more, at a strength drawn at random; None if none fits.

    Args:
        ground: Of the task.
        idea: What is built on.
        shown: The trial of that code; None for a draft, which has not been run.
        chance: Source of the draws.
        tried: Hashes of code that must not come again.
        weights: Backbones whose pretrained weights are at hand.
    """
    reading = reading_of(ground, idea, shown, weights)
    for technique in chance.sample(TECHNIQUES, len(TECHNIQUES)):
        if technique.unsuited(reading) or technique.opposite in idea.techniques:
            continue
        if shown is None and technique.name in idea.techniques:
            continue
        rungs = technique.ladder(reading)
        if not rungs:
            continue
        rung, draft = chance.choice(rungs), Draft(idea.files, locked=("contract.py", "template.toml"))
        try:
            technique.apply(draft, rung.settings)
        except SeamMissing:
            continue
        files = {**idea.files, **draft.changed()}
        if draft.changed() and code_sha256(files) not in tried:
            title = f"{idea.title} + {rung.title}" if idea.title else rung.title
            return Idea(title=title, files=files, techniques={**idea.techniques, technique.name: dict(rung.settings)})
    return None


def reading_of(ground: Ground, idea: Idea, shown: Trial | None, weights: Sequence[str]) -> Reading:
    """Return what the techniques' own conditions look at, as our developer is told it."""
    briefing = Briefing(
        source=idea.files,
        locked=("contract.py", "template.toml"),
        spec=ground.spec,
        profile=ground.profile,
        protocol=ground.protocol(0),
        history=(_as_round(shown, idea.techniques),) if shown else (),
        rounds_left=1,
        train_seconds=ground.trial_seconds,
        device="cpu",
        weights=tuple(weights),
    )
    reading = read(briefing, [technique.name for technique in TECHNIQUES if technique.changes_loss])
    return replace(reading, kept=frozenset(idea.techniques))


def _as_round(trial: Trial, techniques: Mapping[str, Mapping[str, float | str]]) -> Round:
    return Round(
        number=trial.number,
        hypothesis=Hypothesis(title=trial.title, technique="+".join(techniques)),
        judgement=Judgement(verdict=Verdict.KEPT, reason="the best validation value so far"),
        incumbent=-1,
        commit="",
        score=trial.score,
        diagnostics=trial.diagnostics,
        train_seconds=trial.train_seconds,
        predict_seconds=trial.predict_seconds,
    )
