"""The agreement with the harness: what a run is told, how long it may take, and what it leaves behind.

Locked: the harness compares its hash before every run, so that an edit cannot change how a run is told and judged. It is
imported before anything else, because the budget clock starts with it.
"""

import time

STARTED = time.monotonic()

import contextlib  # noqa: E402
import csv  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import random  # noqa: E402
from collections.abc import Iterable, Mapping, Sequence  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from pathlib import Path  # noqa: E402

import safetensors  # noqa: E402
import safetensors.torch  # noqa: E402
import torch  # noqa: E402


@dataclass(frozen=True)
class Job:
    """What the environment says about this run."""

    data: Path
    out: Path
    cache: Path | None  # for train only: kept over the rounds of a study
    weights: Path | None  # local cache of pretrained weights
    checkpoint: Path | None  # for predict only
    incumbent: Path | None  # for train only: checkpoint of the best round so far; None in the first
    budget_seconds: float
    seed: int
    device: torch.device
    threads: int
    max_checkpoints: int
    classes: tuple[str, ...]  # in the order of the columns of predictions.csv
    positive: str  # of two classes; empty for more
    priorities: tuple[str, ...]  # the classes that matter most


def read_job() -> Job:
    """Return this run's job, with torch set to its number of threads."""
    value = os.environ.get
    folders = {
        name: Path(value(f"ROUNDS_{name}")) if value(f"ROUNDS_{name}") else None
        for name in ("CACHE", "WEIGHTS", "CHECKPOINT", "INCUMBENT")
    }
    data = Path(os.environ["ROUNDS_DATA"])
    task = json.loads((data / "task.json").read_text())
    threads = int(value("ROUNDS_THREADS") or available_cpus())
    torch.set_num_threads(threads)
    return Job(
        data=data,
        out=Path(os.environ["ROUNDS_OUT"]),
        cache=folders["CACHE"],
        weights=folders["WEIGHTS"],
        checkpoint=folders["CHECKPOINT"],
        incumbent=folders["INCUMBENT"],
        budget_seconds=float(value("ROUNDS_BUDGET_SECONDS") or "inf"),
        seed=int(value("ROUNDS_SEED") or 0),
        device=choose_device(value("ROUNDS_DEVICE") or "auto"),
        threads=threads,
        max_checkpoints=int(value("ROUNDS_MAX_CHECKPOINTS") or 3),
        classes=tuple(task["classes"]),
        positive=task.get("positive", ""),
        priorities=tuple(task.get("priorities", ())),
    )


def available_cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def choose_device(name: str) -> torch.device:
    """Return the named device; `auto` takes CUDA, then MPS, then the CPU.

    Raises:
        ValueError: The named device is not there.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, is_there in there.items() if is_there)
    if not there.get(name, False):
        raise ValueError(
            f"ROUNDS_DEVICE is {name!r}, but this machine has {[d for d, is_there in there.items() if is_there]}"
        )
    return torch.device(name)


def autocast(device: torch.device) -> contextlib.AbstractContextManager:
    """Return the context of the forward pass: bfloat16 on CUDA, full precision elsewhere."""
    return torch.autocast("cuda", torch.bfloat16) if device.type == "cuda" else contextlib.nullcontext()


def memory_format(device: torch.device) -> torch.memory_format:
    """Return the faster memory layout of convolutions on this device."""
    return torch.contiguous_format if device.type == "mps" else torch.channels_last


def on_device(images: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Return a batch of images (B, 3, S, S) on the device, in the layout of the network."""
    return images.to(device, non_blocking=True).contiguous(memory_format=memory_format(device))


def seed_everything(seed: int) -> torch.Generator:
    """Seed every source of chance; return a generator on the CPU for the order of the images."""
    random.seed(seed)
    torch.manual_seed(seed)
    return torch.Generator().manual_seed(seed)


def is_out_of_memory(error: RuntimeError) -> bool:
    """Return whether this error says that the device has no memory left (CUDA, MPS or CPU)."""
    text = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in text or "can't allocate memory" in text


class Clock:
    """The budget, counted from the start of the process; training begins when the clock is made."""

    def __init__(self, job: Job) -> None:
        """Start training.

        Raises:
            TimeoutError: The budget was used up before the first step.
        """
        reserve = min(10.0, max(0.5, 0.01 * job.budget_seconds))  # to write the last checkpoint
        self.ends = STARTED + job.budget_seconds - reserve
        self.began = self.looked = time.monotonic()
        self.longest_step = 0.0
        if self.began >= self.ends:
            raise TimeoutError(f"start-up took {self.elapsed():.1f} s, all of the budget of {job.budget_seconds:g} s")

    def elapsed(self) -> float:
        """Return the seconds since the start of the process."""
        return time.monotonic() - STARTED

    def progress(self, planned: float = 0.0) -> float:
        """Return the done part of the run in [0, 1]: of its time, or of the planned work, whichever is further.

        Called once a step; it is 1 as soon as another step as long as the longest one would not fit.
        """
        now = time.monotonic()
        self.longest_step, self.looked = max(self.longest_step, now - self.looked), now
        if now + self.longest_step >= self.ends:
            return 1.0
        return min(1.0, max(planned, (now - self.began) / (self.ends - self.began)))


class Checkpoints:
    """Saves weights at equal parts of the run and at its end; each file is whole or not there."""

    def __init__(self, job: Job) -> None:
        self.folder = job.out / "checkpoints"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.total = max(1, job.max_checkpoints)
        self.saved = 0

    def due(self, progress: float) -> bool:
        """Return whether the next part of the run is done."""
        return progress >= (self.saved + 1) / self.total

    def save(self, model: torch.nn.Module, facts: Mapping[str, object], *, last: bool = False) -> Path:
        """Write the weights with their facts (anything that JSON can hold) and return the file."""
        self.saved = self.total if last else self.saved + 1
        file = self.folder / f"part-{self.saved}-of-{self.total}.safetensors"
        unfinished = file.with_suffix(".tmp")
        state = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
        safetensors.torch.save_file(state, unfinished, metadata={"facts": json.dumps(facts)})
        unfinished.replace(file)
        print(f"checkpoint {file.name}", flush=True)
        return file


def load_checkpoint(file: Path) -> tuple[dict[str, torch.Tensor], dict]:
    """Return the weights and the facts of a checkpoint; nothing in the file is run as code."""
    with safetensors.safe_open(file, "pt") as opened:
        facts = json.loads(opened.metadata()["facts"])
    return safetensors.torch.load_file(file), facts


def read_images(job: Job) -> list[Path]:
    """Return the files to predict, in the order asked for."""
    with (job.data / "images.csv").open(newline="") as file:
        return [job.data / "images" / row["image"] for row in csv.DictReader(file)]


def write_predictions(job: Job, files: Sequence[Path], probabilities: Iterable[Sequence[float]]) -> None:
    """Write predictions.csv: a row an image, a column a class."""
    unfinished = job.out / "predictions.tmp"
    with unfinished.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", *job.classes])
        for image, row in zip(files, probabilities, strict=True):
            writer.writerow([image.name, *(f"{value:.9g}" for value in row)])
    unfinished.replace(job.out / "predictions.csv")


def print_metrics(**values: float) -> None:
    """Print one line that the harness reads as numbers: `metric epoch=3 loss=0.412`."""
    print("metric", *(f"{name}={value:.6g}" for name, value in values.items()), flush=True)
