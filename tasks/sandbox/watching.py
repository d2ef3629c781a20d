"""Measures what a running job uses, from outside, and says which limit it broke.

Memory is the proportional share (PSS) of the job's whole process tree, so that pages shared by data-loading workers count
once. Disk is what the writable folders occupy, plus files that the job deleted but still holds open.
"""

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from tasks.domain.sandboxing import Limits

SHARE_OF_TIME = 0.05
"""The watch costs at most this share of one core."""
SHORTEST_PAUSE_SECONDS = 0.1
RESERVED_BYTES = 2**30
"""A job ends when its file system has less than this left, however it filled it: other studies live there too."""
SMALLEST_FILE_BYTES = 4096
DEEPEST = 64
"""Folders nested deeper count as an attempt to hide files."""


class Watch:
    """Looks at a job now and then; `broken` names the limit that it broke."""

    def __init__(
        self, limits: Limits, *, folders: Sequence[Path], processes: Callable[[], Sequence[psutil.Process]]
    ) -> None:
        self._limits = limits
        self._folders = folders
        self._processes = processes
        self._started = time.monotonic()
        self._next_look = self._next_disk = self._started

    @property
    def seconds(self) -> float:
        """Return the wall-clock time since the start of the job."""
        return time.monotonic() - self._started

    def broken(self) -> str:
        """Return `timeout`, `out_of_memory`, `too_many_processes` or `disk_full`, or an empty text."""
        if self.seconds > self._limits.wall_seconds:
            return "timeout"
        now = time.monotonic()
        if now < self._next_look:
            return ""
        reason = self._look(now)
        spent = time.monotonic() - now
        self._next_look = time.monotonic() + max(SHORTEST_PAUSE_SECONDS, spent / SHARE_OF_TIME)
        return reason

    def _look(self, now: float) -> str:
        processes = self._processes()
        if len(processes) > self._limits.processes:
            return "too_many_processes"
        if memory_of(processes, enough=self._limits.memory_bytes) > self._limits.memory_bytes:
            return "out_of_memory"
        if now < self._next_disk:
            return ""
        full = disk_is_full(self._folders, self._limits, processes)
        self._next_disk = time.monotonic() + max(3 * SHORTEST_PAUSE_SECONDS, (time.monotonic() - now) / SHARE_OF_TIME)
        return "disk_full" if full else ""


def descendants(pid: int) -> list[psutil.Process]:
    """Return all living processes below a process, parents first."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def memory_of(processes: Iterable[psutil.Process], *, enough: int) -> int:
    """Return the memory in bytes that the processes occupy together.

    Args:
        processes: The process tree of a job.
        enough: Where the quick sum, which counts shared pages once for each process, stays below, it is returned.
    """
    processes = list(processes)
    quick = sum(_memory(process, proportional=False) for process in processes)
    return quick if quick <= enough else sum(_memory(process, proportional=True) for process in processes)


def _memory(process: psutil.Process, *, proportional: bool) -> int:
    try:
        if proportional and psutil.LINUX:
            return int(process.memory_full_info().pss)
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
    except psutil.AccessDenied:
        return int(process.memory_info().rss)


def disk_is_full(folders: Sequence[Path], limits: Limits, processes: Sequence[psutil.Process] = ()) -> bool:
    """Return whether a job's folders hold more than its limit, or its file system is nearly full."""
    if any(_free_bytes(folder) < RESERVED_BYTES for folder in folders):
        return True
    occupied = sum(size for folder in folders for size in _sizes(folder))
    return occupied + _deleted_but_open(processes) > limits.disk_bytes


def _free_bytes(folder: Path) -> int:
    filesystem = os.statvfs(folder)
    return filesystem.f_bavail * filesystem.f_frsize


def _sizes(folder: Path) -> Iterator[int]:
    """Yield what each file below a folder occupies, in bytes, following no links; a folder too deep counts as endless."""
    waiting, seen = [(os.fspath(folder), 0)], set()
    while waiting:
        path, depth = waiting.pop()
        if depth > DEEPEST:
            yield 2**62
            return
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    found = entry.stat(follow_symlinks=False)
                    if stat.S_ISDIR(found.st_mode):
                        waiting.append((entry.path, depth + 1))
                    if (found.st_dev, found.st_ino) not in seen:
                        seen.add((found.st_dev, found.st_ino))
                        yield max(found.st_blocks * 512, SMALLEST_FILE_BYTES)
        except OSError:  # removed by the job meanwhile, or made unreadable for us: the reserve still holds
            continue


def _deleted_but_open(processes: Iterable[psutil.Process]) -> int:
    """Return the bytes of files without a name that the processes hold open (Linux; 0 elsewhere)."""
    found: dict[tuple[int, int], int] = {}
    for process in processes:
        folder = f"/proc/{process.pid}/fd"
        try:
            for name in os.listdir(folder):  # noqa: PTH208 - hot path
                status = os.stat(f"{folder}/{name}")  # noqa: PTH116
                if stat.S_ISREG(status.st_mode) and status.st_nlink == 0:
                    found[status.st_dev, status.st_ino] = status.st_blocks * 512
        except OSError:
            continue
    return sum(found.values())
