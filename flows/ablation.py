"""Leave-one-out ablation: take back one kept change at a time, as a round of its own, in the rounds that nobody needs."""

from __future__ import annotations

from agents.developer import code_sha256
from flows.attempt import Workshop
from tasks.domain.round import Hypothesis, Proposal, Round

PREFIX = "without_"


def ablation_began(rounds: tuple[Round, ...]) -> bool:
    """Return whether changes are being taken back already: then no new ones are proposed any more."""
    return any(item.hypothesis.removes >= 0 for item in rounds)


def next_ablation(work: Workshop, rounds: tuple[Round, ...]) -> Proposal | None:
    """Return the next kept change to take back, the oldest first; None where none is left that a run could tell about.

    With fewer than two kept changes there is nothing to learn that the rounds have not shown. Why a change was passed over
    is noted in the study.
    """
    changes = [item for item in rounds if item.number > 0 and item.kept and item.hypothesis.removes < 0]
    if len(changes) < 2:
        return None
    done = {item.hypothesis.removes for item in rounds}
    run = {code_sha256(work.codebase.source(item.commit)): item.number for item in rounds if item.commit}
    notes: dict[int, str] = {}
    for change in changes:
        if change.number in done:
            continue
        files = work.codebase.without(change.number)
        if not files:
            notes[change.number] = "later changes build on it" if files is None else "it only added files"
            continue
        twin = run.get(code_sha256({**work.codebase.source(), **files}))
        if twin is None:
            _note(work, notes)
            return Proposal(hypothesis=_hypothesis(change), files=files)
        notes[change.number] = f"without it the code is that of round {twin}"
    _note(work, notes)
    return None


def _note(work: Workshop, notes: dict[int, str]) -> None:
    if notes or work.study.has("ablation.json"):
        work.study.write(notes, "ablation.json")


def _hypothesis(change: Round) -> Hypothesis:
    tried = change.hypothesis
    return Hypothesis(
        title=f"without {tried.title}",
        technique="+".join(f"{PREFIX}{name}" for name in tried.technique.split("+")),
        settings=tried.settings,
        rationale=f"Round {change.number} was kept for what it added then. Beside the changes that came later it may add nothing.",
        expected_effect="Worse, if the change is still needed; a tie keeps the simpler code.",
        simplification=True,
        removes=change.number,
    )
