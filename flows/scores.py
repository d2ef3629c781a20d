"""What validation says of the checkpoints of a run: the only place where the rounds look at it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd
from numpy import float64

from tasks.scoring.classification import choose_threshold, compute, higher_is_better
from tasks.selection import judge

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from flows.attempt import Workshop
    from flows.run_round import Attempted
    from tasks.domain.round import Judgement, Round


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One checkpoint as validation sees it."""

    checkpoint: str
    scores: NDArray[float64]
    """Shape (n_validation, n_classes)."""
    metrics: dict[str, float]
    threshold: float
    """Frozen with the checkpoint; nan where the study has no positive class."""
    curve: tuple[float, ...] = ()
    """Primary metric of each checkpoint of its run."""


def best_checkpoint(work: Workshop, attempted: Attempted) -> Scored:
    """Score every checkpoint on validation and return the best one."""
    protocol = work.bench.protocol
    scored = [
        _scored(work, path.name, scores)
        for path, scores in zip(attempted.checkpoints, attempted.predictions, strict=True)
    ]
    sign = 1 if higher_is_better(protocol.primary) else -1
    best = max(scored, key=lambda item: sign * item.metrics[protocol.primary])
    return replace(best, curve=tuple(item.metrics[protocol.primary] for item in scored))


def _scored(work: Workshop, checkpoint: str, scores: NDArray[float64]) -> Scored:
    protocol, labels, classes = work.bench.protocol, work.validation.labels, work.bench.classes
    point = protocol.operating_point
    threshold = choose_threshold(labels, scores, point, classes=classes) if point.positive else float("nan")
    metrics = compute(protocol.metrics, labels, scores, classes=classes, thresholds=protocol.thresholds(threshold))
    return Scored(checkpoint=checkpoint, scores=scores, metrics=metrics, threshold=threshold)


def load_predictions(work: Workshop, number: int) -> NDArray[float64]:
    """Return the validation scores of a finished round, shape (n_validation, n_classes)."""
    return read_scores(work, work.study.round_path(number))


def read_scores(work: Workshop, folder: Path) -> NDArray[float64]:
    """Return the validation scores in the folder of a round, under way or finished, shape (n_validation, n_classes)."""
    table = pd.read_parquet(folder / "predictions.parquet")
    return table.loc[:, list(work.bench.classes)].to_numpy(dtype=float64)


def scored_again(record: Round, scores: NDArray[float64]) -> Scored:
    """Return the model of a round as it was scored then."""
    return Scored(checkpoint=record.checkpoint, scores=scores, metrics=record.metrics, threshold=record.threshold)


def judged(
    work: Workshop, incumbent: Scored, candidate: Scored, *, rounds_used: int, simplification: bool
) -> Judgement:
    """Return the verdict on one model against another, by the study's protocol and validation images."""
    protocol = work.bench.protocol
    return judge(
        labels=work.validation.labels,
        groups=work.validation.groups,
        incumbent_scores=incumbent.scores,
        candidate_scores=candidate.scores,
        incumbent_metrics=incumbent.metrics,
        candidate_metrics=candidate.metrics,
        protocol=protocol,
        classes=work.bench.classes,
        incumbent_thresholds=protocol.thresholds(incumbent.threshold),
        candidate_thresholds=protocol.thresholds(candidate.threshold),
        rounds_used=rounds_used,
        simplification=simplification,
    )
