"""One attempt at a better model, from edit to verdict: run it in the sandbox, score it on the host, judge it, record it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from numpy import float64
from numpy.typing import NDArray

from agents.developer import Developer
from flows.run_round import Attempted, Bench, run_round
from flows.steps import Steps
from tasks.codebase import Codebase
from tasks.development_set import Validation
from tasks.domain.errors import RoundError, TrainingFailed
from tasks.domain.round import Judgement, Proposal, Round, Verdict
from tasks.progress import now
from tasks.sandbox.outputs import discard
from tasks.scoring.classification import choose_threshold, compute, higher_is_better
from tasks.selection import judge
from tasks.storage import StudyFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Everything that the rounds of one study need, chosen in one place."""

    study: StudyFolder
    codebase: Codebase
    bench: Bench
    developer: Developer
    validation: Validation
    step: Steps
    publish: Callable[[], None]
    """Brings the tracker up to date with the study folder."""
    tell: Callable[[Round], None] = lambda _: None
    """Tells whoever watches the flow of a finished round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One checkpoint as validation sees it."""

    checkpoint: str
    scores: NDArray[float64]
    """Shape (n_validation, n_classes)."""
    metrics: dict[str, float]
    threshold: float
    """Frozen with the checkpoint; nan where the study has no positive class."""


def incumbent_of(rounds: tuple[Round, ...]) -> Round:
    """Return the round whose model is to be beaten."""
    return next(item for item in reversed(rounds) if item.kept)


def attempt_round(work: Workshop, rounds: tuple[Round, ...], proposal: Proposal) -> Round:
    """Carry out one proposal from edit to verdict, and record it.

    Raises:
        TrainingFailed: It is the baseline, and it fails.
    """
    number, started, started_at = len(rounds), time.monotonic(), now()
    folder = work.study.begin_round(number)
    commit, best, attempted = "", None, None
    try:
        commit = (
            work.codebase.attempt(number, proposal, _message(number, proposal)) if rounds else work.codebase.baseline
        )
        work.codebase.export(commit, folder / "code")
        attempted = run_round(
            work.bench,
            code=folder / "code",
            folder=folder,
            number=number,
            step=work.step,
            incumbent=_checkpoint_of(work, incumbent_of(rounds)) if rounds else None,
        )
        best = best_checkpoint(work, attempted)
        judgement = _judgement(work, rounds, best, proposal)
    except RoundError as error:
        if not rounds:
            raise
        judgement = Judgement(verdict=Verdict.FAILED, reason=_failure(error))
        if isinstance(error, TrainingFailed) and error.log_tail:
            (folder / "failure.txt").write_text(error.log_tail, encoding="utf-8")
    record = Round(
        number=number,
        hypothesis=proposal.hypothesis,
        judgement=judgement,
        incumbent=incumbent_of(rounds).number if rounds else -1,
        commit=commit,
        score=best.metrics[work.bench.protocol.primary] if best else float("nan"),
        metrics=best.metrics if best else {},
        threshold=best.threshold if best else float("nan"),
        checkpoint=best.checkpoint if best else "",
        looks=len(attempted.predictions) if attempted else 0,
        train_seconds=attempted.train_seconds if attempted else 0.0,
        predict_seconds=attempted.predict_seconds if attempted else 0.0,
        total_seconds=time.monotonic() - started,
        tokens=proposal.tokens,
        dollars=proposal.dollars,
        started_at=started_at,
        diagnostics=attempted.diagnostics if attempted else {},
    )
    _tidy(work, folder, record, best)
    work.study.finish_round(folder, record)
    return record


def best_checkpoint(work: Workshop, attempted: Attempted) -> Scored:
    """Score every checkpoint on validation and return the best one."""
    protocol = work.bench.protocol
    scored = [
        _scored(work, path.name, scores)
        for path, scores in zip(attempted.checkpoints, attempted.predictions, strict=True)
    ]
    sign = 1 if higher_is_better(protocol.primary) else -1
    return max(scored, key=lambda item: sign * item.metrics[protocol.primary])


def _scored(work: Workshop, checkpoint: str, scores: NDArray[float64]) -> Scored:
    protocol, labels, classes = work.bench.protocol, work.validation.labels, work.bench.classes
    point = protocol.operating_point
    threshold = choose_threshold(labels, scores, point, classes=classes) if point.positive else float("nan")
    metrics = compute(protocol.metrics, labels, scores, classes=classes, thresholds=protocol.thresholds(threshold))
    return Scored(checkpoint=checkpoint, scores=scores, metrics=metrics, threshold=threshold)


def _judgement(work: Workshop, rounds: tuple[Round, ...], candidate: Scored, proposal: Proposal) -> Judgement:
    if not rounds:
        reason = "The starting point that every round is compared with."
        return Judgement(verdict=Verdict.BASELINE, reason=reason)
    incumbent, protocol = incumbent_of(rounds), work.bench.protocol
    return judge(
        labels=work.validation.labels,
        groups=work.validation.groups,
        incumbent_scores=load_predictions(work, incumbent.number),
        candidate_scores=candidate.scores,
        incumbent_metrics=incumbent.metrics,
        candidate_metrics=candidate.metrics,
        protocol=protocol,
        classes=work.bench.classes,
        incumbent_thresholds=protocol.thresholds(incumbent.threshold),
        candidate_thresholds=protocol.thresholds(candidate.threshold),
        rounds_used=len(rounds),
        simplification=proposal.hypothesis.simplification,
    )


def _checkpoint_of(work: Workshop, kept: Round) -> Path:
    return work.study.round_path(kept.number) / "checkpoints" / kept.checkpoint


def load_predictions(work: Workshop, number: int) -> NDArray[float64]:
    """Return the validation scores of a finished round, shape (n_validation, n_classes)."""
    table = pd.read_parquet(work.study.round_path(number) / "predictions.parquet")
    return table.loc[:, list(work.bench.classes)].to_numpy(dtype=float64)


def _tidy(work: Workshop, folder: Path, record: Round, best: Scored | None) -> None:
    """Keep of a round what is needed later: predictions, recipe, diff; checkpoints only if it was kept."""
    if best is not None:
        table = pd.DataFrame(best.scores, columns=list(work.bench.classes))
        table.insert(0, "image", work.bench.images)
        table.to_parquet(folder / "predictions.parquet", index=False)
    if (folder / "code" / "recipe.py").exists():
        shutil.copy(folder / "code" / "recipe.py", folder / "recipe.py")
    for name in ("code", "out", "predicted"):
        discard(folder / name)
    for checkpoint in folder.glob("checkpoints/*"):
        if not record.kept or checkpoint.name != record.checkpoint:
            checkpoint.unlink()
    diff = work.codebase.diff(record.number) if record.commit else ""
    (folder / "patch.diff").write_text(diff, encoding="utf-8")


def _message(number: int, proposal: Proposal) -> str:
    hypothesis = proposal.hypothesis
    return f"Round {number:02d}: {hypothesis.title}\n\n{hypothesis.rationale}\n\nSource: {hypothesis.source}\n"


def _failure(error: RoundError) -> str:
    kind = type(error).__name__
    words = {"EditRejected": "The edit was refused", "TrainingFailed": "The run failed"}
    return f"{words.get(kind, 'The predictions were refused')}: {error}"
