"""Runs a command of this machine under watch, to its end or to the first limit that it breaks."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from tasks.domain.sandboxing import Completed
from tasks.sandbox.log_stream import LogStream
from tasks.sandbox.surroundings import writable_folders
from tasks.sandbox.watching import Watch, descendants, disk_is_full

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tasks.domain.sandboxing import Job, Limits

LAUNCHER = Path(__file__).with_name("launch.py")
LOOK_EVERY_SECONDS = 0.05
CHUNK_BYTES = 2**16
GRACE_SECONDS = 5.0
"""How long killed processes may take to disappear."""


def launch_command(
    command: Sequence[str], limits: Limits, *, launcher: str, supervise: bool = False, user: int = 0, group: int = 0
) -> list[str]:
    """Return the command that lowers the rights of a job and then becomes its command (see `launch.py`).

    Args:
        command: The job's own; `python` as first word becomes the interpreter that runs Rounds.
        limits: Of the job.
        launcher: Where the job finds `launch.py`.
        supervise: Keep the launcher as parent of the job, to end the job with us.
        user: The user to become, whose processes and threads the kernel then counts; 0 to stay who we are.
        group: The only group of that user.
    """
    settings = {
        "file_bytes": limits.disk_bytes + CHUNK_BYTES,
        "user": user,
        "group": group,
        "processes": limits.processes if user else 0,
        "supervise": supervise,
    }
    first = sys.executable if command[0] == "python" else command[0]
    return [sys.executable, "-I", "-S", launcher, json.dumps(settings), first, *command[1:]]


def supervise(
    command: Sequence[str],
    job: Job,
    *,
    environment: Mapping[str, str],
    on_line: Callable[[str], None],
    pass_fds: Sequence[int] = (),
) -> Completed:
    """Run a command to its end or its limits; nothing that it started is left when this returns or raises.

    Args:
        command: Starts the job, inside whatever isolates it.
        job: Its limits, log and writable folders are used here.
        environment: The whole environment of the command.
        on_line: Called with each line of output.
        pass_fds: File descriptors that the command inherits.
    """
    with (
        LogStream(job.log, limit_bytes=job.limits.log_bytes, on_line=on_line) as log,
        subprocess.Popen(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=pass_fds,
            start_new_session=True,
        ) as process,
    ):
        try:
            watch = Watch(job.limits, folders=writable_folders(job), processes=lambda: descendants(process.pid))
            reason = _follow(process, watch, log)
        finally:
            kill_family(process)
        seconds = watch.seconds
        _drain(process, log)
    exit_code = process.returncode if process.returncode >= 0 else 128 - process.returncode
    if not reason and disk_is_full(writable_folders(job), job.limits):
        reason = "disk_full"  # filled in one go, too fast for the watch, or stopped by the limit on a file's size
    reason = reason or ("log_flood" if log.flooded else "ok" if exit_code == 0 else "exit")
    return Completed(reason=reason, exit_code=exit_code, seconds=seconds)


def _follow(process: subprocess.Popen[bytes], watch: Watch, log: LogStream) -> str:
    """Copy output to the log until the process ends (empty text) or breaks a limit (its reason)."""
    assert process.stdout is not None  # noqa: S101 - opened with PIPE
    os.set_blocking(process.stdout.fileno(), False)
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while process.poll() is None:
            if not selector.get_map():
                time.sleep(LOOK_EVERY_SECONDS)  # the job closed its output and goes on
            elif selector.select(timeout=LOOK_EVERY_SECONDS):
                data = process.stdout.read(CHUNK_BYTES)
                if data == b"":
                    selector.unregister(process.stdout)
                log.feed(data or b"")
            if log.flooded:
                return "log_flood"
            if reason := watch.broken():
                return reason
    return ""


def _drain(process: subprocess.Popen[bytes], log: LogStream) -> None:
    """Take what the job had printed before it ended; everyone who could print more is dead."""
    assert process.stdout is not None  # noqa: S101 - opened with PIPE
    while data := process.stdout.read(CHUNK_BYTES):
        log.feed(data)


def kill_family(process: subprocess.Popen[bytes]) -> None:
    """Kill everything below a process, children first so that the process itself can reap them, and then itself."""
    deadline = time.monotonic() + GRACE_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        for member in descendants(process.pid):
            try:
                member.kill()
            except psutil.NoSuchProcess:
                continue
        try:
            process.wait(timeout=LOOK_EVERY_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    process.kill()
    process.wait()
