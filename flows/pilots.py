"""Short pilot runs inside a round's budget: the variants of a proposal compete, and the best one gets the rest of the time."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flows.run_round import run_round
from flows.scores import best_checkpoint
from tasks.domain.errors import RoundError
from tasks.domain.round import Pilot
from tasks.scoring.classification import higher_is_better

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from flows.attempt import Workshop
    from tasks.domain.round import Proposal, Variant

PILOT_PART = 0.3
"""Part of a round's training time that its pilot runs may take together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """A proposal that has been decided on, with the pilot runs that decided it."""

    proposal: Proposal
    pilots: tuple[Pilot, ...] = ()

    @property
    def seconds(self) -> float:
        """Return the training time that the pilot runs took."""
        return sum(item.train_seconds for item in self.pilots)

    @property
    def looks(self) -> int:
        """Return how often validation was scored on the way."""
        return sum(not math.isnan(item.score) for item in self.pilots)


def screen(work: Workshop, number: int, proposal: Proposal, folder: Path, incumbent: Path | None) -> Screened:
    """Let the variants of a proposal compete by successive halving, and return the proposal as the winner has it.

    Every stage has an equal part of the pilots' time; it trains all variants that are left equally long, and the better half
    of them goes on. Each pilot run is one look at validation.

    Args:
        work: The study's workshop.
        number: Of the round.
        proposal: With variants; one without is returned as it is.
        folder: The round's folder.
        incumbent: Checkpoint that runs may start from.

    Source:
        Jamieson & Talwalkar, Non-stochastic best arm identification and hyperparameter optimization (AISTATS 2016), figure 1.
    """
    left = list(proposal.variants)
    if not left:
        return Screened(proposal=proposal)
    sign = 1 if higher_is_better(work.bench.protocol.primary) else -1
    pilots: list[Pilot] = []
    for stage in range(1, stages_of(len(left)) + 1):
        seconds = pilot_seconds(work.bench.protocol.train_seconds, variants=len(proposal.variants), left=len(left))
        ran = [
            (variant, _pilot(work, number, proposal, variant, folder, incumbent, stage=stage, seconds=seconds))
            for variant in left
        ]
        pilots += [pilot for _, pilot in ran]
        scored = [(variant, pilot) for variant, pilot in ran if not math.isnan(pilot.score)]
        ranked = sorted(scored, key=lambda item: -sign * item[1].score)
        left = [variant for variant, _ in ranked[: max(1, len(left) // 2)]] or left[:1]
        if len(left) == 1:
            break
    return Screened(proposal=chosen(proposal, left[0], pilots), pilots=tuple(pilots))


def stages_of(variants: int) -> int:
    """Return how many times a number of variants is halved until one is left."""
    return max(1, math.ceil(math.log2(variants)))


def pilot_seconds(train_seconds: float, *, variants: int, left: int) -> float:
    """Return how long one pilot run of a stage is.

    Args:
        train_seconds: Budget of the round.
        variants: At the start.
        left: In this stage.
    """
    return PILOT_PART * train_seconds / stages_of(variants) / left


def chosen(proposal: Proposal, winner: Variant, pilots: Sequence[Pilot]) -> Proposal:
    """Return a proposal with one of its variants for good, and what the pilot runs said in its rationale."""
    said = ", ".join(f"{item.title} {item.score:.4f}" for item in pilots)
    hypothesis = replace(
        proposal.hypothesis,
        title=winner.title,
        settings=dict(winner.settings),
        rationale=f"{proposal.hypothesis.rationale} Chosen in short pilot runs of this round: {said}.",
    )
    return replace(proposal, hypothesis=hypothesis, files={**proposal.files, **winner.files}, variants=())


def _pilot(  # noqa: PLR0917 - one call, in `screen`
    work: Workshop,
    number: int,
    proposal: Proposal,
    variant: Variant,
    folder: Path,
    incumbent: Path | None,
    *,
    stage: int,
    seconds: float,
) -> Pilot:
    """Train one variant for a short while and score it; a variant that fails is out, and says why."""
    place = folder / "pilot"
    place.mkdir()
    bench = replace(work.bench, protocol=replace(work.bench.protocol, max_checkpoints=1))
    candidate = replace(proposal, files={**proposal.files, **variant.files}, variants=())
    score, spent, reason = math.nan, 0.0, ""
    try:
        commit = work.codebase.attempt(number, candidate, f"Round {number:02d}, pilot run: {variant.title}")
        work.codebase.export(commit, place / "code")
        attempted = run_round(
            bench,
            code=place / "code",
            folder=place,
            number=number,
            step=work.step,
            incumbent=incumbent,
            budget_seconds=seconds,
        )
        score = best_checkpoint(work, attempted).metrics[work.bench.protocol.primary]
        spent = attempted.train_seconds
    except RoundError as error:
        reason, spent = str(error), error.train_seconds
    if (place / "run.log").exists():
        (place / "run.log").replace(folder / f"pilot-{stage}-{proposal.variants.index(variant) + 1}.log")
    shutil.rmtree(place)
    return Pilot(
        title=variant.title,
        settings=dict(variant.settings),
        stage=stage,
        score=score,
        train_seconds=spent,
        reason=reason,
    )
