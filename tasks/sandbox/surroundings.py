"""What a job sees around it: the environment variables, and where its folders are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tasks.domain.sandboxing import Job

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "ROUNDS_THREADS")
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**40)}
"""Memory that a step has freed stays with the process for the next step.

glibc otherwise gives every block of more than 32 MiB back at once, and the kernel fills its pages with zeros when it is asked for
again. The activations of a batch are such blocks: a training step of tf_efficientnet_lite0 on a CPU, 64 images of 128 pixels,
takes a third longer (tests/benchmarks/allocator.py). Other C libraries ignore the two names. mallopt(3)
"""


def environment_of(job: Job, *, places: Mapping[str, str], home: str, path: str) -> dict[str, str]:
    """Return the whole environment of a job; nothing of our own environment, where keys may be, is in it.

    Args:
        job: Its `environment` is added last, so it may override everything except where the binds are.
        places: Where the job finds each bind, by the name of the bind.
        home: A folder that the job may write, for HOME and temporary files.
        path: The value of PATH.
    """
    threads = str(max(1, math.ceil(job.limits.cpus)))
    return {
        "PATH": path,
        "HOME": home,
        "TMPDIR": home,
        "USER": "rounds",
        "LOGNAME": "rounds",
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "MPLCONFIGDIR": home,
        "XDG_CACHE_HOME": f"{home}/.cache",
        "HF_HUB_OFFLINE": "1",
        "CUDA_VISIBLE_DEVICES": ",".join(job.limits.gpus),
        **dict.fromkeys(THREADS, threads),
        **KEEP_MEMORY,
        **job.environment,
        **{f"ROUNDS_{name}": place for name, place in places.items()},
    }


def check_binds(job: Job) -> None:
    """Refuse a job whose binds cannot be trusted to be what they were when it was written.

    Raises:
        ValueError: There is no CODE, a name is used twice, or a source is missing, a link or neither file nor folder.
    """
    names = [bind.name for bind in job.binds]
    if "CODE" not in names or len(set(names)) != len(names):
        raise ValueError(f"a job needs one bind CODE and no name twice, not {names}")
    for bind in job.binds:
        if bind.source.is_symlink() or not (bind.source.is_dir() or bind.source.is_file()):
            raise ValueError(f"bind {bind.name}: {bind.source} is not an existing file or folder, or is a link")


def writable_folders(job: Job) -> tuple[Path, ...]:
    """Return the host's paths of what the job may write."""
    return tuple(bind.source for bind in job.binds if bind.writable)
