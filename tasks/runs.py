"""The two runs of a codebase, train and predict, as sandboxed jobs: the only place that knows their contract.

What a run leaves behind is hostile until proven harmless: files are taken only if they are regular, small enough and few,
and a checkpoint is never loaded here, only handed back to the codebase's own predict program in a sandbox.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tasks.domain.errors import PredictionsInvalid, TrainingFailed
from tasks.domain.sandboxing import Bind, Job, Limits
from tasks.sandbox.outputs import copy_out, read_bytes_safely, safe_files
from tasks.sandbox.shortening import shorten
from tasks.scoring.predictions import read_predictions
from tasks.training_log import diagnostics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy import float64
    from numpy.typing import NDArray

    from tasks.domain.sandboxing import Completed, Sandbox
    from tasks.machine import Machine

MAX_CHECKPOINT_BYTES = 4 * 2**30
MAX_PREDICTIONS_BYTES = 256 * 2**20
PROCESSES_PER_DEVICE = 256
SHARED_MEMORY_BYTES_PER_DEVICE = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What a training run left."""

    checkpoints: tuple[Path, ...]
    """At least one, oldest first."""
    completed: Completed
    diagnostics: dict[str, float | str]


def train(
    sandbox: Sandbox,
    *,
    code: Path,
    data: Path,
    out: Path,
    cache: Path,
    log: Path,
    machine: Machine,
    budget_seconds: float,
    max_checkpoints: int,
    seed: int,
    labels: Mapping[str, str],
    incumbent: Path | None = None,
    on_line: Callable[[str], None] = lambda _: None,
) -> Training:
    """Train a codebase for a budget of wall-clock time and return the checkpoints that it saved.

    The program may start from the incumbent's checkpoint where there is one: weights that were trained on the same images
    carry no more of validation than the verdict that kept them.

    Raises:
        TrainingFailed: The program crashed, or saved no checkpoint before it ended or was stopped.
    """
    out.mkdir(parents=True, exist_ok=True)
    cache.mkdir(parents=True, exist_ok=True)
    binds = [
        Bind(name="CODE", source=code),
        Bind(name="DATA", source=data),
        Bind(name="OUT", source=out, writable=True),
        Bind(name="CACHE", source=cache, writable=True),
    ]
    binds += [Bind(name="WEIGHTS", source=machine.weights)] if machine.weights else []
    binds += [Bind(name="INCUMBENT", source=incumbent)] if incumbent else []
    job = Job(
        command=_command(code, "train"),
        binds=tuple(binds),
        limits=limits_of(machine, budget_seconds + machine.grace_seconds),
        log=log,
        labels=labels,
        environment={
            **environment_of(machine),
            "ROUNDS_DEVICES": str(machine.devices),
            "ROUNDS_BUDGET_SECONDS": f"{budget_seconds:g}",
            "ROUNDS_MAX_CHECKPOINTS": str(max_checkpoints),
            "ROUNDS_SEED": str(seed),
        },
    )
    completed = sandbox.run(job, on_line)
    text = log.read_text(encoding="utf-8", errors="replace")
    found = safe_files(
        out / "checkpoints",
        suffix=".safetensors",
        max_count=max_checkpoints,
        max_bytes=MAX_CHECKPOINT_BYTES,
        within=out,
    )
    if completed.reason not in ("ok", "timeout") or not found:
        raise TrainingFailed(
            _why(completed, saved=bool(found)),
            exit_code=completed.exit_code,
            log_tail=shorten(text),
            ended=completed.reason,
            train_seconds=completed.seconds,
        )
    return Training(checkpoints=found, completed=completed, diagnostics=diagnostics(text))


def predict(
    sandbox: Sandbox,
    *,
    code: Path,
    data: Path,
    checkpoint: Path,
    out: Path,
    log: Path,
    machine: Machine,
    images: Sequence[str],
    classes: Sequence[str],
    labels: Mapping[str, str],
    may_be_constant: bool = False,
) -> NDArray[float64]:
    """Predict a folder of images with one checkpoint and return checked probabilities.

    Returns:
        Probabilities, shape (n_images, n_classes), rows in the order of `images`.

    Raises:
        TrainingFailed: The program crashed or ran out of time.
        PredictionsInvalid: Its file is missing, malformed or forged.
    """
    out.mkdir(parents=True, exist_ok=True)
    job = Job(
        command=_command(code, "predict"),
        binds=(
            Bind(name="CODE", source=code),
            Bind(name="DATA", source=data),
            Bind(name="OUT", source=out, writable=True),
            Bind(name="CHECKPOINT", source=checkpoint),
        ),
        limits=limits_of(replace(machine, gpus=machine.gpus[:1]), machine.predict_seconds),
        log=log,
        labels=labels,
        environment=environment_of(machine),
    )
    completed = sandbox.run(job)
    if not completed.ok:
        tail = shorten(log.read_text(encoding="utf-8", errors="replace"))
        raise TrainingFailed(
            f"predict: {_why(completed, saved=True)}",
            exit_code=completed.exit_code,
            log_tail=tail,
            ended=completed.reason,
            step="predict",
        )
    try:
        content = read_bytes_safely(out / "predictions.csv", max_bytes=MAX_PREDICTIONS_BYTES)
    except TrainingFailed as error:
        raise PredictionsInvalid(str(error)) from error
    return read_predictions(content, images=images, classes=classes, may_be_constant=may_be_constant)


def take_checkpoint(path: Path, destination: Path, *, out: Path) -> Path:
    """Copy a checkpoint out of the reach of the run that wrote it, and return its new place.

    Raises:
        TrainingFailed: It is no longer a plain file of its folder.
    """
    copy_out(path, destination / path.name, max_bytes=MAX_CHECKPOINT_BYTES, within=out)
    return destination / path.name


def _command(code: Path, step: str) -> tuple[str, ...]:
    template = tomllib.loads((code / "template.toml").read_text(encoding="utf-8"))
    return tuple(template[step])


def limits_of(machine: Machine, wall_seconds: float) -> Limits:
    """Return what a run may use of a machine."""
    return Limits(
        wall_seconds=wall_seconds,
        memory_bytes=machine.memory_bytes,
        cpus=machine.cpus,
        disk_bytes=machine.disk_bytes,
        gpus=machine.gpus,
        # Each device has a process of its own, with threads and shared memory to talk to the others.
        processes=PROCESSES_PER_DEVICE * machine.devices,
        shared_memory_bytes=SHARED_MEMORY_BYTES_PER_DEVICE * machine.devices,
    )


def environment_of(machine: Machine) -> dict[str, str]:
    """Return what every run is told of its machine."""
    # libgomp's threads wait for each other by spinning. On a machine that others use too that halves the speed of training
    # (measured: 95 against 160 images a second beside two busy processes); spinning briefly costs nothing on an idle one.
    return {
        "ROUNDS_DEVICE": machine.device,
        "ROUNDS_THREADS": str(machine.cpus),
        "GOMP_SPINCOUNT": "1000",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",  # in which nvidia-smi numbers the GPUs, and we
    }


def _why(completed: Completed, *, saved: bool) -> str:
    reasons = {
        "ok": "it ended without saving a checkpoint",
        "exit": f"it crashed with exit code {completed.exit_code}",
        "timeout": "it was stopped at the time limit" + ("" if saved else " before it had saved a checkpoint"),
        "out_of_memory": "it ran out of memory",
        "disk_full": "it filled the disk space that it may use",
        "log_flood": "it flooded the log",
    }
    return reasons.get(completed.reason, completed.reason)
