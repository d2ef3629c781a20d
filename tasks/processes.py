"""The same work on many files, in as many processes as there are processors."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_FEWEST_FOR_PROCESSES = 400
"""Below this many files, starting processes takes longer than it saves."""
_AT_A_TIME = 64

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_processes(work: Callable[[Item], Result], items: Sequence[Item], *, workers: int | None = None) -> list[Result]:
    """Return what the work makes of each item, in order.

    Args:
        work: What a process can be sent: a function of a module, or a partial of one.
        items: What to work on.
        workers: Number of processes; None means one a processor.
    """
    processes = workers or _processors()
    if processes == 1 or len(items) < _FEWEST_FOR_PROCESSES:
        return [work(item) for item in items]
    # Spawned, not forked: a fork of a process with threads (Prefect, PyTorch) can hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        return list(pool.map(work, items, chunksize=_AT_A_TIME))


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
