"""Judge given predictions anew under every rule: the rounds of a study, or trainings of one code with other seeds.

An edit was made to the incumbent of its own study. Under another rule another incumbent might stand there, to which nobody made that
edit; the replay compares the model that there is. What a rule books can be read off; what it would have led to cannot.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from rules import OURS, RULES, Numbers

from tasks.development_set import load_validation
from tasks.domain.round import Verdict
from tasks.scoring.classification import Scorer
from tasks.selection import judge
from tasks.storage import StudyFolder
from tasks.uncertainty import paired_resamples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tasks.development_set import Validation
    from tasks.domain.round import Judgement
    from tasks.domain.spec import Protocol

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One model as validation saw it."""

    number: int
    scores: Floats
    """Shape (n, C)."""
    metrics: Mapping[str, float]
    thresholds: Mapping[str, float] = field(default_factory=dict)
    simplification: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What one rule makes of a row of models."""

    kept: tuple[int, ...]
    """Rounds, without the first."""
    supported: int
    """Of those kept: p below 0.05 / rounds used."""
    booked: float
    """Gain in the primary metric on validation, positive is better."""
    first_error: float
    """Paired standard error of the first comparison."""

    @property
    def accepts(self) -> int:
        """Return how many were kept."""
        return len(self.kept)


def replay(
    rule: str, candidates: Sequence[Candidate], validation: Validation, protocol: Protocol, classes: Sequence[str]
) -> Replay:
    """Return what a rule makes of models in their order, the first of them being the baseline.

    Raises:
        ValueError: There is no model.
    """
    if not candidates:
        raise ValueError("there is no round with predictions to replay")
    incumbent, kept, supported, errors = candidates[0], [], 0, []
    for used, candidate in enumerate(candidates[1:], start=1):
        judgement = _judged(incumbent, candidate, validation, protocol, classes, used=used)
        errors.append(judgement.standard_error)
        if rule == OURS:
            keeps = judgement.verdict is Verdict.KEPT
        else:
            keeps = bool(RULES[rule](_numbers(judgement, incumbent, validation, protocol, classes)))
        if keeps:
            incumbent = candidate
            kept.append(candidate.number)
            supported += judgement.p < 0.05 / used
    sign = 1 if protocol.higher_is_better else -1
    booked = sign * (incumbent.metrics[protocol.primary] - candidates[0].metrics[protocol.primary])
    return Replay(
        kept=tuple(kept), supported=supported, booked=booked, first_error=errors[0] if errors else float("nan")
    )


def replay_study(study: Path) -> dict[str, Replay]:
    """Return what each rule makes of the rounds of a study folder; the holdout is not looked at.

    Raises:
        StudyNotFound: There is no such study, or it has no rounds.
        ValueError: No round left predictions.
    """
    folder = StudyFolder(study)
    spec, protocol = folder.spec(), folder.protocol()
    validation = load_validation(folder.path("data"), spec)
    candidates = []
    for item in folder.rounds():
        file = folder.round_path(item.number) / "predictions.parquet"
        if file.exists():
            scores = pd.read_parquet(file).loc[:, list(spec.class_names)].to_numpy(dtype=float)
            candidates.append(
                Candidate(
                    number=item.number,
                    scores=scores,
                    metrics=item.metrics,
                    thresholds=protocol.thresholds(item.threshold),
                    simplification=item.hypothesis.simplification,
                )
            )
    return {rule: replay(rule, candidates, validation, protocol, spec.class_names) for rule in RULES}


def _judged(
    incumbent: Candidate,
    candidate: Candidate,
    validation: Validation,
    protocol: Protocol,
    classes: Sequence[str],
    *,
    used: int,
) -> Judgement:
    return judge(
        labels=validation.labels,
        groups=validation.groups,
        incumbent_scores=incumbent.scores,
        candidate_scores=candidate.scores,
        incumbent_metrics=incumbent.metrics,
        candidate_metrics=candidate.metrics,
        protocol=replace(protocol, verdict_rule="one_standard_error"),
        classes=classes,
        incumbent_thresholds=incumbent.thresholds,
        candidate_thresholds=candidate.thresholds,
        rounds_used=used,
        simplification=candidate.simplification,
    )


def _numbers(
    judgement: Judgement, incumbent: Candidate, validation: Validation, protocol: Protocol, classes: Sequence[str]
) -> Numbers:
    model = Scorer(validation.labels, incumbent.scores, classes=classes, thresholds=incumbent.thresholds)
    drawn, _ = paired_resamples(
        [protocol.primary],
        (model, model),
        validation.groups,
        resamples=protocol.resamples_validation,
        seed=protocol.seed,
    )[protocol.primary]
    return Numbers(
        difference=judgement.difference,
        unpaired_error=float(np.nanstd(drawn, ddof=1)),
        paired_error=judgement.standard_error,
        p=judgement.p,
    )
