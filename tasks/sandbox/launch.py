"""The first thing that runs for a job: lowers its rights, then becomes its command.

Started as a script by the sandboxes (`python -I -S launch.py SETTINGS COMMAND...`), inside bubblewrap too, so it needs the
standard library only. With `supervise` it stays as parent of the command and ends all that the command started as soon as
the command, or the process that asked for it, is gone: `kill -9` of Rounds leaves no training run behind.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LOOK_EVERY_SECONDS = 0.2


def main() -> None:
    """Run the command of the arguments under the settings of the first argument (JSON)."""
    settings, command = json.loads(sys.argv[1]), sys.argv[2:]
    if settings["supervise"]:
        _supervise(settings, command)
    _become(settings, command)


def _become(settings: dict[str, int], command: list[str]) -> None:
    """Set the limits, drop to the job's user, go to its working directory and replace this process by the command."""
    _prefer_to_be_killed()
    for name, value in (("RLIMIT_FSIZE", settings["file_bytes"]), ("RLIMIT_CORE", 0)):
        _lower(getattr(resource, name), value)
    if settings["processes"] and hasattr(resource, "RLIMIT_NPROC"):
        _lower(resource.RLIMIT_NPROC, settings["processes"])
    if settings["user"]:
        os.setgroups([])
        os.setgid(settings["group"])
        os.setuid(settings["user"])
        _give_up_capabilities()
    os.chdir(os.environ["ROUNDS_CODE"])
    try:
        os.execvp(command[0], command)  # noqa: S606 - becoming the command is the purpose
    except OSError as error:
        sys.stderr.write(f"cannot start {command[0]}: {error.strerror}\n")
        os._exit(127)


def _give_up_capabilities() -> None:
    """Empty all sets; becoming another user leaves the inheritable ones."""
    version_3_of_this_process = (ctypes.c_uint32 * 2)(0x20080522, 0)
    if ctypes.CDLL(None, use_errno=True).capset(version_3_of_this_process, (ctypes.c_uint32 * 6)()) != 0:
        raise OSError(ctypes.get_errno(), "cannot give up capabilities")


def _lower(limit: int, value: int) -> None:
    _, hard = resource.getrlimit(limit)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, value))


def _prefer_to_be_killed() -> None:
    """If the machine runs out of memory, let its kernel end this job before anything else."""
    score = Path("/proc/self/oom_score_adj")
    if score.exists():
        score.write_text("1000")


def _supervise(settings: dict[str, int], command: list[str]) -> None:
    """Run the command as a child, end its whole family with it or with our own parent, and exit as it did."""
    parent = os.getppid()
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1)  # orphans of the job become our children, so that none gets away
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # until there is a family to end
    family = os.fork()
    if family == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        os.setpgid(0, 0)
        _become(settings, command)
    signal.signal(signal.SIGTERM, lambda *_: _end_family(family, 128 + signal.SIGTERM))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == family:
            code = os.waitstatus_to_exitcode(status)
            _end_family(family, code if code >= 0 else 128 - code)
        if os.getppid() != parent:
            _end_family(family, 128 + signal.SIGTERM)
        if pid == 0:
            _sleep_until_child()


def _sleep_until_child() -> None:
    if hasattr(signal, "sigtimedwait"):
        signal.sigtimedwait([signal.SIGCHLD], LOOK_EVERY_SECONDS)
    else:
        time.sleep(LOOK_EVERY_SECONDS / 10)


def _end_family(family: int, exit_code: int) -> None:
    """Kill the job's process group and whatever else descends from this process, then exit."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        members = _children()
        try:
            os.killpg(family, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            if not members:
                break
        for pid in members:
            os.kill(pid, signal.SIGKILL)
        while _reaped():
            pass
        if members:
            time.sleep(0.01)
    os._exit(exit_code)


def _children() -> list[int]:
    """Return the process ids of our children, orphans of the job among them; empty where the system cannot say."""
    listing = Path(f"/proc/self/task/{os.getpid()}/children")
    return [int(pid) for pid in listing.read_text().split()] if listing.exists() else []


def _reaped() -> bool:
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


if __name__ == "__main__":
    main()
