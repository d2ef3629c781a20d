"""What starting and ending a job costs: `python -c pass` bare, and the same through each sandbox.

Run as `python tests/benchmarks/sandbox.py [REPETITIONS]`; prints the median and the slowest, in seconds.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.domain.errors import SandboxMissing
from tasks.domain.sandboxing import Bind, Job, Limits
from tasks.sandbox.choice import choose_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGES = 2000


def main() -> None:
    """Measure and print."""
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    bare = report("bare process", lambda: subprocess.run([sys.executable, "-c", "pass"], check=True), repetitions, 0.0)
    with tempfile.TemporaryDirectory() as folder:
        job = job_in(Path(folder))
        for name in ("local", "bubblewrap", "docker"):
            try:
                sandbox = choose_sandbox(name, trusted_code=True)
            except SandboxMissing as error:
                print(f"{name:<14} {error}")
                continue
            report(name, lambda sandbox=sandbox: sandbox.run(job), repetitions, bare)


def job_in(folder: Path) -> Job:
    """Return a job that does nothing beside a data folder as large as a real one."""
    for name in ("code", "data", "out"):
        (folder / name).mkdir()
    for number in range(IMAGES):
        (folder / "data" / f"{number}.jpg").write_bytes(b"x" * 1000)
    return Job(
        command=("python", "-c", "pass"),
        binds=(
            Bind(name="CODE", source=folder / "code"),
            Bind(name="DATA", source=folder / "data"),
            Bind(name="OUT", source=folder / "out", writable=True),
        ),
        limits=Limits(wall_seconds=60),
        log=folder / "log",
    )


def report(name: str, act: Callable[[], object], repetitions: int, bare: float) -> float:
    """Print how long something takes, and how much longer than a bare process; return the median in seconds."""
    seconds = []
    for _ in range(repetitions + 1):
        began = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - began)
    median = statistics.median(seconds[1:])  # the first one fills the page cache
    print(f"{name:<14} median {median:.3f} s   slowest {max(seconds[1:]):.3f} s   overhead {median - bare:.3f} s")
    return median


if __name__ == "__main__":
    main()
