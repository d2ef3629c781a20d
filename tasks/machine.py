"""What this machine has to train with, found without loading any training library."""

from __future__ import annotations

import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The machine as a sandboxed run may use it."""

    device: str
    """`cuda`, `mps` or `cpu`."""
    cpus: int
    memory_bytes: int
    disk_bytes: int
    gpu_memory_bytes: int
    """Of the first GPU; 0 without one."""
    grace_seconds: float
    """Time beyond its budget that a training run has to start up and to save."""
    predict_seconds: float
    """Wall-clock limit of one prediction run."""
    weights: Path | None
    """Folder of pretrained weights, or None."""

    @property
    def gpus(self) -> tuple[str, ...]:
        """Return the devices that a run is given: one, as the template trains on one."""
        return ("0",) if self.device == "cuda" else ()

    @property
    def cached_weights(self) -> tuple[str, ...]:
        """Return the names of the backbones whose weights are at hand."""
        files = sorted(self.weights.iterdir()) if self.weights else []
        return tuple(file.stem for file in files if file.suffix in {".safetensors", ".pth"})


def gpu_memory_bytes() -> int:
    """Return the memory of the first NVIDIA GPU, 0 if there is none."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return 0
    query = [command, "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    answer = subprocess.run(query, capture_output=True, text=True, check=False, timeout=30)
    first_line = answer.stdout.partition("\n")[0].strip()
    return int(first_line) * 2**20 if answer.returncode == 0 and first_line.isdigit() else 0


def find_machine(
    *,
    device: str,
    cpus: int,
    memory_bytes: int,
    disk_bytes: int,
    grace_seconds: float,
    predict_seconds: float,
    weights: Path,
) -> Machine:
    """Return the machine within the given limits.

    Args:
        device: `auto` takes CUDA where there is an NVIDIA GPU, MPS on a Mac with Apple silicon, else the CPU.
        cpus: Processors of one run.
        memory_bytes: Memory of one run; at most 90% of the machine's.
        disk_bytes: Disk that one run may fill.
        grace_seconds: See `Machine`.
        predict_seconds: See `Machine`.
        weights: Folder of pretrained weights, which may be missing.
    """
    gpu_memory = gpu_memory_bytes()
    on_apple = platform.system() == "Darwin" and platform.machine() == "arm64"
    found = "cuda" if gpu_memory else "mps" if on_apple else "cpu"
    return Machine(
        device=found if device == "auto" else device,
        cpus=cpus,
        memory_bytes=min(memory_bytes, int(psutil.virtual_memory().total * 0.9)),
        disk_bytes=disk_bytes,
        gpu_memory_bytes=gpu_memory,
        grace_seconds=grace_seconds,
        predict_seconds=predict_seconds,
        weights=weights if weights.is_dir() else None,
    )
