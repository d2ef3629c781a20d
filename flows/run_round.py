"""One sandboxed training run and its predictions on the validation images: what a GPU worker executes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from numpy import float64
from numpy.typing import NDArray

from flows.steps import Steps
from tasks import runs
from tasks.domain.errors import RoundError
from tasks.domain.sandboxing import Sandbox
from tasks.domain.spec import Protocol
from tasks.machine import Machine
from tasks.sandbox.outputs import discard


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where codebases of one study are run: a sandbox on a machine, with the data that they may see."""

    sandbox: Sandbox
    machine: Machine
    data: Path
    cache: Path
    images: tuple[str, ...]
    """Validation images, in the order of the predictions."""
    classes: tuple[str, ...]
    protocol: Protocol
    study_id: str
    on_line: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """What one run of a codebase came to, before anybody judges it."""

    checkpoints: tuple[Path, ...]
    predictions: tuple[NDArray[float64], ...]
    """One array a checkpoint, shape (n_validation, n_classes)."""
    diagnostics: dict[str, float | str]
    train_seconds: float
    predict_seconds: float


def run_round(
    bench: Bench,
    *,
    code: Path,
    folder: Path,
    number: int,
    step: Steps,
    incumbent: Path | None = None,
    budget_seconds: float | None = None,
) -> Attempted:
    """Train a codebase in the sandbox and predict validation with every checkpoint that it saved.

    Args:
        bench: Where it runs.
        code: Clean export of the attempt.
        folder: The round's folder; takes `run.log`, `predict.log` and `checkpoints/`.
        number: Number of the round, for names and labels.
        step: How the steps are shown.
        incumbent: Checkpoint of the round that is to be beaten; None for the baseline.
        budget_seconds: Of training; None for what the protocol gives to a round.

    Raises:
        TrainingFailed: Nothing came of it that could be scored.
        PredictionsInvalid: A predictions file is missing, malformed or forged.
    """
    labels = {"study": bench.study_id, "round": f"{number:02d}"}
    training = step(runs.train, f"round {number:02d} train")(
        bench.sandbox,
        code=code,
        data=bench.data / "train",
        out=folder / "out",
        cache=bench.cache,
        log=folder / "run.log",
        machine=bench.machine,
        budget_seconds=bench.protocol.train_seconds if budget_seconds is None else budget_seconds,
        max_checkpoints=bench.protocol.max_checkpoints,
        seed=bench.protocol.seed,
        labels=labels,
        incumbent=incumbent,
        on_line=bench.on_line,
    )
    try:
        checkpoints, predictions, predict_seconds = _predicted(
            bench, training, code=code, folder=folder, number=number, step=step
        )
    except RoundError as error:
        error.train_seconds = training.completed.seconds
        raise
    return Attempted(
        checkpoints=checkpoints,
        predictions=predictions,
        diagnostics=training.diagnostics,
        train_seconds=training.completed.seconds,
        predict_seconds=predict_seconds,
    )


def _predicted(
    bench: Bench, training: runs.Training, *, code: Path, folder: Path, number: int, step: Steps
) -> tuple[tuple[Path, ...], tuple[NDArray[float64], ...], float]:
    """Take the checkpoints of a run, predict validation with each, and return both, and the seconds that predicting took."""
    labels = {"study": bench.study_id, "round": f"{number:02d}"}
    kept = folder / "checkpoints"
    kept.mkdir()
    checkpoints = tuple(runs.take_checkpoint(path, kept, out=folder / "out") for path in training.checkpoints)
    discard(folder / "out")
    started = time.monotonic()
    predictions = []
    for checkpoint in checkpoints:
        out = folder / "predicted"
        predictions.append(
            step(runs.predict, f"round {number:02d} predict validation, checkpoint {checkpoint.stem}")(
                bench.sandbox,
                code=code,
                data=bench.data / "validation",
                checkpoint=checkpoint,
                out=out,
                log=folder / "predict.log",
                machine=bench.machine,
                images=bench.images,
                classes=bench.classes,
                labels=labels,
            )
        )
        discard(out)
    return checkpoints, tuple(predictions), time.monotonic() - started
