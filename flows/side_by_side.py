"""Several edits of the incumbent, tried at the same time on equal parts of the machine; at most one of them is kept.

Each is judged against the incumbent that it edits, so that the difference says what the edit is worth. Where several would be
kept, the verdict's own rule decides between their models in the order of their rounds, on the same validation images; the
others are rejected with that reason, because nobody has run the edits on top of each other. They may be proposed again.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path

from flows.attempt import Workshop, attempt_round, carry_out
from flows.scores import judged, read_scores, scored_again
from tasks.domain.round import Proposal, Round, Verdict


def attempt_side_by_side(
    work: Workshop, rounds: tuple[Round, ...], proposals: tuple[Proposal, ...]
) -> tuple[Round, ...]:
    """Carry out proposals at the same time, and record them in their order; a single one as `attempt_round` does.

    All are recorded or none: killed before the last one is judged, all are under way.

    Args:
        work: Of the study, with a bench for each proposal.
        rounds: Before these.
        proposals: Edits of the same incumbent.

    Raises:
        TrainingFailed: It is the baseline, and it fails.
    """
    if len(proposals) == 1:
        return (work.step(attempt_round, _name(len(rounds), proposals[0]))(work, rounds, proposals[0]),)
    tried = _carried_out(work, rounds, proposals)
    best = _best(work, tried, rounds_used=len(rounds) + len(work.beside))
    finished = [(folder, record if record is best else _passed_over(folder, record, best)) for folder, record in tried]
    work.study.finish_rounds(finished)
    return tuple(record for _, record in finished)


def _carried_out(
    work: Workshop, rounds: tuple[Round, ...], proposals: tuple[Proposal, ...]
) -> list[tuple[Path, Round]]:
    """Return the folder of each round under way with its record, in the order of the proposals."""
    benches = (work.bench, *work.beside)
    with ThreadPoolExecutor(len(proposals)) as pool:
        running = []
        for ahead, (proposal, bench) in enumerate(zip(proposals, benches, strict=False)):
            attempt = work.step(carry_out, _name(len(rounds) + ahead, proposal))
            place = replace(work, bench=bench, ahead=ahead)
            # Prefect finds the flow that a step belongs to in the context of the thread.
            running.append(pool.submit(copy_context().run, attempt, place, rounds, proposal))
        return [attempt.result() for attempt in running]


def _name(number: int, proposal: Proposal) -> str:
    return f"round {number:02d}: {proposal.hypothesis.title}"


def _best(work: Workshop, tried: list[tuple[Path, Round]], *, rounds_used: int) -> Round | None:
    """Return the one record that is kept; None where no edit was better than the incumbent."""
    best: tuple[Path, Round] | None = None
    for folder, record in tried:
        if not record.kept:
            continue
        if best is None:
            best = folder, record
            continue
        kept_so_far, candidate = (
            scored_again(item, read_scores(work, place)) for place, item in (best, (folder, record))
        )
        judgement = judged(work, kept_so_far, candidate, rounds_used=rounds_used, simplification=False)
        if judgement.verdict is Verdict.KEPT:
            best = folder, record
    return best[1] if best else None


def _passed_over(folder: Path, record: Round, best: Round | None) -> Round:
    """Return the record of an edit that is not kept, and remove the checkpoint of one that would have been."""
    if not record.kept or best is None:
        return record
    for checkpoint in folder.glob("checkpoints/*"):
        checkpoint.unlink()
    reason = (
        f"Passed over: {record.judgement.reason.removeprefix('Kept: ')} Round {best.number}, tried at the same time, was kept, and "
        "the two edits were never run on top of each other."
    )
    return replace(
        record, judgement=replace(record.judgement, verdict=Verdict.REJECTED, supported=False, reason=reason)
    )
