"""What this machine has to train with, found without loading any training library."""

from __future__ import annotations

import platform
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from tasks.domain.errors import RequestError


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The machine as a sandboxed run may use it."""

    device: str
    """`cuda`, `mps` or `cpu`."""
    cpus: int
    memory_bytes: int
    disk_bytes: int
    gpu_memory_bytes: int
    """Of the smallest of the GPUs; 0 without one."""
    grace_seconds: float
    """Time beyond its budget that a training run has to start up and to save."""
    predict_seconds: float
    """Wall-clock limit of one prediction run."""
    weights: Path | None
    """Folder of pretrained weights, or None."""
    gpus: tuple[str, ...] = ()
    """Ids of the GPUs that a training run is given; whether it uses more than one is the matter of its code."""

    @property
    def fast_bfloat16(self) -> bool:
        """Return whether the CPU computes faster in bfloat16 than in float32."""
        return has_bfloat16_units()

    @property
    def devices(self) -> int:
        """Return how many devices a training run is given."""
        return max(1, len(self.gpus))

    def parts(self, count: int) -> tuple[Machine, ...]:
        """Return the machine in equal parts, each for a run of its own beside the others.

        Raises:
            RequestError: There are fewer devices, or on a CPU fewer processors, than parts.
        """
        units, name = (len(self.gpus), "GPUs") if self.gpus else (self.cpus, "processors")
        if count > 1 and (self.device == "mps" or count > min(units, self.cpus)):
            raise RequestError(
                f"{count} runs at the same time need as many {name} and processors; this machine has too few"
            )
        each = len(self.gpus) // count
        return tuple(
            replace(
                self,
                gpus=self.gpus[number * each : (number + 1) * each],
                cpus=self.cpus // count,
                memory_bytes=self.memory_bytes // count,
            )
            for number in range(count)
        )

    @property
    def cached_weights(self) -> tuple[str, ...]:
        """Return the names of the backbones whose weights are at hand."""
        files = sorted(self.weights.iterdir()) if self.weights else []
        return tuple(file.stem for file in files if file.suffix in {".safetensors", ".pth"})


def gpu_memories() -> dict[str, int]:
    """Return the memory in bytes of each NVIDIA GPU, by its id in the order of the bus; empty if there is none."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return {}
    query = [command, "--query-gpu=index,memory.total", "--format=csv,noheader,nounits"]
    answer = subprocess.run(query, capture_output=True, text=True, check=False, timeout=30)
    if answer.returncode != 0:
        return {}
    rows = [[cell.strip() for cell in line.split(",")] for line in answer.stdout.splitlines()]
    return {row[0]: int(row[1]) * 2**20 for row in rows if len(row) == 2 and row[1].isdigit()}


def has_bfloat16_units(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Return whether a CPU has matrix units for bfloat16 (AMX); without them it computes no faster in it than in float32.

    Measured with AVX-512 alone: resnet10t at 64 pixels, 123 images a second of one thread in bfloat16 and 129 in float32.

    Args:
        cpuinfo: What Linux says of the processors; on other systems there is none, and the answer is no.
    """
    return cpuinfo.exists() and "amx_bf16" in cpuinfo.read_text(encoding="utf-8").split()


def find_machine(
    *,
    device: str,
    cpus: int,
    memory_bytes: int,
    disk_bytes: int,
    grace_seconds: float,
    predict_seconds: float,
    weights: Path,
    gpus: str = "all",
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
        gpus: `all`, or the ids of the GPUs that may be used, with commas between them.

    Raises:
        RequestError: One of these GPUs is not there.
    """
    there = gpu_memories()
    chosen = tuple(there) if gpus == "all" else tuple(name.strip() for name in gpus.split(","))
    if missing := [name for name in chosen if name not in there]:
        raise RequestError(f"there is no GPU {', '.join(missing)}; there are: {', '.join(there) or 'none'}")
    on_apple = platform.system() == "Darwin" and platform.machine() == "arm64"
    found = "cuda" if there else "mps" if on_apple else "cpu"
    used = found if device == "auto" else device
    return Machine(
        device=used,
        cpus=cpus,
        memory_bytes=min(memory_bytes, int(psutil.virtual_memory().total * 0.9)),
        disk_bytes=disk_bytes,
        gpu_memory_bytes=min((there[name] for name in chosen), default=0),
        grace_seconds=grace_seconds,
        predict_seconds=predict_seconds,
        weights=weights if weights.is_dir() else None,
        gpus=chosen if used == "cuda" else (),
    )
