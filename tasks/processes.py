"""The same work on many files, in as many processes as there are processors."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_FEWEST_FOR_PROCESSES = 400
"""Below this many files, starting processes takes longer than it saves."""
_AT_A_TIME = 64

CRASH = "cannot be read: it makes the program that decodes it crash"
"""What to say of a file that takes its process down."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_processes(
    work: Callable[[Item], Result], items: Sequence[Item], *, crashed: Result, workers: int | None = None
) -> list[Result]:
    """Return what the work makes of each item, in order.

    Args:
        work: What a process can be sent: a function of a module, or a partial of one.
        items: What to work on.
        crashed: The result for an item that takes its process down with it, as a damaged file can do to a decoder
            written in C. Few items are worked on in this process, which nothing protects.
        workers: Number of processes; None means one a processor.
    """
    processes = workers or _processors()
    if processes == 1 or len(items) < _FEWEST_FOR_PROCESSES:
        return [work(item) for item in items]
    try:
        with _pool(processes) as pool:
            return list(pool.map(work, items, chunksize=_AT_A_TIME))
    except BrokenProcessPool:
        return _one_by_one(work, items, crashed)


def _one_by_one(work: Callable[[Item], Result], items: Sequence[Item], crashed: Result) -> list[Result]:
    """Return the results with only one item at risk at a time, in a process that is replaced when it is lost."""
    with _pool(1) as pool:
        pool.submit(int).result()  # where no process can be started at all, no item is to blame
    results: list[Result] = []
    while len(results) < len(items):
        with _pool(1) as pool:
            try:
                while len(results) < len(items):
                    results.append(pool.submit(work, items[len(results)]).result())
            except BrokenProcessPool:
                results.append(crashed)
    return results


def _pool(processes: int) -> ProcessPoolExecutor:
    # Spawned, not forked: a fork of a process with threads (Prefect, PyTorch) can hang.
    return ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
