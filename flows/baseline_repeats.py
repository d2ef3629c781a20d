"""Train the baseline again with other seeds before the first edit: how far luck alone moves the score."""

from __future__ import annotations

from dataclasses import replace

from flows.attempt import Workshop
from flows.run_round import run_round
from flows.scores import best_checkpoint, load_predictions
from tasks.domain.errors import RoundError
from tasks.domain.repeats import BaselineRepeat, BaselineRepeats
from tasks.domain.round import Round
from tasks.progress import Progress, show
from tasks.sandbox.outputs import discard
from tasks.uncertainty import paired_difference

MOST, SHARE = 2, 10
"""At most two repeats, and at most one for ten rounds."""


def repeats_within(max_rounds: int) -> int:
    """Return how often the baseline is trained again: at most twice, and for at most a tenth of the time of all rounds."""
    return min(MOST, max_rounds // SHARE)


def repeat_baseline(work: Workshop, baseline: Round) -> None:
    """Train and score the baseline with further seeds, as often as the budget allows; what is done already stays.

    The study keeps one entry for each, failed ones with their reason. The incumbent stays as it is: the best of several
    seeds would be a gain that no edit made.
    """
    wanted = repeats_within(work.bench.protocol.max_rounds)
    for number in range(1, wanted + 1):
        done = work.study.baseline_repeats().repeats
        if len(done) >= number:
            continue
        _tell(work, number, wanted)
        seed = work.bench.protocol.seed + number
        entry = work.step(_repeat, f"baseline once more, seed {seed}")(work, baseline, seed)
        work.study.write(BaselineRepeats(repeats=(*done, entry)), "baseline_repeats.json")


def _repeat(work: Workshop, baseline: Round, seed: int) -> BaselineRepeat:
    folder = work.study.path("rounds", ".repeat.underway")
    discard(folder)
    folder.mkdir(parents=True)
    bench = replace(work.bench, protocol=replace(work.bench.protocol, seed=seed))
    try:
        work.codebase.export(baseline.commit, folder / "code")
        run = run_round(bench, code=folder / "code", folder=folder, number=baseline.number, step=work.step)
    except RoundError as error:
        return BaselineRepeat(seed=seed, failure=f"{type(error).__name__}: {error}")
    finally:
        discard(folder)
    best, protocol = best_checkpoint(work, run), work.bench.protocol
    change = paired_difference(
        protocol.primary,
        work.validation.labels,
        load_predictions(work, baseline.number),
        best.scores,
        work.validation.groups,
        classes=work.bench.classes,
        incumbent_thresholds=protocol.thresholds(baseline.threshold),
        candidate_thresholds=protocol.thresholds(best.threshold),
        resamples=protocol.resamples_validation,
        seed=protocol.seed,
    )
    return BaselineRepeat(
        seed=seed,
        score=best.metrics[protocol.primary],
        metrics=best.metrics,
        difference=change.difference,
        standard_error=change.standard_error,
        looks=len(run.predictions),
        train_seconds=run.train_seconds,
        predict_seconds=run.predict_seconds,
    )


def _tell(work: Workshop, number: int, wanted: int) -> None:
    protocol = work.bench.protocol
    stage = f"the baseline once more with another seed, {number} of {wanted}"
    show(
        work.study,
        Progress(stage=stage, round=0, rounds=protocol.max_rounds, train_seconds=protocol.train_seconds),
    )
