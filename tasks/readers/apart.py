"""Decoders written in C or Rust, run apart: a damaged file can take its process down, but never an investigation."""

from __future__ import annotations

import multiprocessing
import resource
import sys
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, TypeVar

from tasks.domain.errors import DataUnusable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Result = TypeVar("Result")

_MOST_MEMORY = 8 * 2**30
"""Bytes; a sheet of two cells far apart can ask for more than any machine has."""


def run_apart(work: Callable[[Path, bytes], Result], path: Path, content: bytes) -> Result:
    """Return what a function of a module makes of the content of a file, in a process of its own.

    Raises:
        DataUnusable: The process did not live to answer, or the function raised it.
    """
    # Spawned, not forked: a fork of a process with threads (Prefect, PyTorch) can hang.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(_bounded, work, path, content).result()
        except BrokenProcessPool as error:
            problem = "the file is damaged: it makes the program that reads it crash; save it as CSV"
            raise DataUnusable(problem, file=path) from error


def _bounded(work: Callable[[Path, bytes], Result], path: Path, content: bytes) -> Result:
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    try:
        return work(path, content)
    except MemoryError as error:
        raise DataUnusable("the file asks for more memory than a table can need", file=path) from error
