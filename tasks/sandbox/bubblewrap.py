"""Runs a job in Linux namespaces made by bubblewrap (`bwrap`): no engine, no image, no root needed.

The job sees the system's programs and libraries, the interpreter and environment that run Rounds, its own binds, and
nothing else; all of it read-only except the writable binds, /tmp and /dev/shm. It has no network, no capabilities, sees
no other process, and ends when Rounds ends.

What it does not protect against: an error in the kernel (the system calls are those of an ordinary process, less the ones
in `seccomp.py`); private files below /usr or the Python environment, which it sees. Memory is watched, not capped:
a job may exceed its limit for a fraction of a second, and use /tmp and /dev/shm beyond it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.domain.errors import SandboxMissing
from tasks.domain.sandboxing import Limits
from tasks.sandbox.ownership import group_for_job, lent, user_for_job
from tasks.sandbox.seccomp import filter_descriptor
from tasks.sandbox.supervision import LAUNCHER, launch_command, supervise
from tasks.sandbox.surroundings import check_binds, environment_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.domain.sandboxing import Completed, Job

LAUNCHER_INSIDE = "/rounds/launch.py"
TEMPORARY_BYTES = 2**30
"""Size of /tmp."""
SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
CONFIGURATION = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime")
GPU_DEVICES = ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset", "nvidia-caps")


NAMESPACES = ("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try")


class BubblewrapSandbox:
    """Runs jobs in namespaces of their own."""

    name = "bubblewrap"
    isolates = True

    def __init__(self) -> None:
        found = shutil.which("bwrap")
        if found is None:
            raise SandboxMissing(
                "bubblewrap is not installed: install the package `bubblewrap`, or choose another sandbox"
            )
        self._bwrap = found
        self._check()

    def run(self, job: Job, on_line: Callable[[str], None] = lambda _: None) -> Completed:
        """Run a job to its end or its limits, and clean up after it.

        Raises:
            ValueError: A bind is missing, a link, or named twice.
            SandboxMissing: The study lies where every job could see it.
        """
        check_binds(job)
        user = user_for_job()
        places = {bind.name: f"/rounds/{bind.name.lower()}" for bind in job.binds}
        path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
        environment = environment_of(job, places=places, home="/tmp", path=path)  # noqa: S108 - its own /tmp
        walls = [*self._walls(job.limits, user), *_mounts(job, places), "--remount-ro", "/"]
        launch = self._launch(job.command, job.limits, user)
        filter_fd = filter_descriptor()
        command = [*walls, "--seccomp", str(filter_fd), "--", *launch]
        try:
            with lent(job, user):
                return supervise(command, job, environment=environment, on_line=on_line, pass_fds=(filter_fd,))
        finally:
            os.close(filter_fd)

    def _walls(self, limits: Limits, user: int) -> list[str]:
        """Return the part of the command line that is the same for all jobs."""
        walls = [self._bwrap, *NAMESPACES, "--hostname", "rounds", "--die-with-parent", "--new-session"]
        if user == os.geteuid():
            walls += ["--unshare-user", "--disable-userns", "--cap-drop", "ALL"]
        else:  # as root: the launcher changes to the job's user, which takes these two away again
            walls += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
        # First, because the interpreter's own folder may lie below it.
        walls += ["--size", str(TEMPORARY_BYTES), "--perms", "1777", "--tmpfs", "/tmp"]  # noqa: S108
        walls += _programs()
        walls += ["--proc", "/proc", "--dev", "/dev", *_gpu_devices(limits)]
        walls += ["--size", str(limits.shared_memory_bytes), "--perms", "1777", "--tmpfs", "/dev/shm"]  # noqa: S108
        walls += ["--perms", "0755", "--dir", "/rounds", "--ro-bind", os.fspath(LAUNCHER), LAUNCHER_INSIDE]
        return [*walls, "--remount-ro", "/dev"]

    def _launch(self, command: tuple[str, ...], limits: Limits, user: int) -> list[str]:
        if user == os.geteuid():
            return launch_command(command, limits, launcher=LAUNCHER_INSIDE)
        return launch_command(command, limits, launcher=LAUNCHER_INSIDE, user=user, group=group_for_job())

    def _check(self) -> None:
        """Run nothing in the walls that a job gets, to learn whether this machine allows them."""
        limits = Limits(wall_seconds=10)
        user = user_for_job()
        command = [*self._walls(limits, user), "--", *self._launch(("python", "-I", "-c", ""), limits, user)]
        tried = subprocess.run(
            command, env={"ROUNDS_CODE": "/"}, capture_output=True, text=True, timeout=30, check=False
        )
        if tried.returncode != 0:
            raise SandboxMissing(
                f"bubblewrap does not work on this machine: {tried.stderr.strip() or tried.returncode}. It needs user namespaces "
                "(sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0), "
                "or choose another sandbox"
            )


def interpreter_folders() -> list[Path]:
    """Return the folders that the running interpreter and its packages need, apart from /usr, outer ones first."""
    found = {Path(prefix).resolve() for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix)}
    found |= {Path(prefix) for prefix in (sys.prefix, sys.base_prefix)}
    return sorted(folder for folder in found if not folder.is_relative_to("/usr"))


def _programs() -> list[str]:
    """Return the arguments that show the system's and our interpreter's programs and libraries, read-only."""
    shown = ["--ro-bind", "/usr", "/usr"]
    for name in SYSTEM:
        folder = Path(name)
        if folder.is_symlink():
            shown += ["--symlink", os.fspath(folder.readlink()), name]
        elif folder.is_dir():
            shown += ["--ro-bind", name, name]
    for folder in interpreter_folders():
        for parent in [*folder.parents][-2::-1]:  # bwrap itself would make them for the owner only
            shown += ["--perms", "0755", "--dir", os.fspath(parent)]
        shown += ["--ro-bind", os.fspath(folder), os.fspath(folder)]
    shown += ["--perms", "0755", "--dir", "/etc"]
    for name in CONFIGURATION:
        shown += ["--ro-bind-try", name, name]
    return shown


def _mounts(job: Job, places: dict[str, str]) -> list[str]:
    mounts = []
    visible = [Path("/usr"), *interpreter_folders()]
    for bind in job.binds:
        source = bind.source.resolve()
        if any(source.is_relative_to(folder) for folder in visible):
            raise SandboxMissing(f"{source} lies in a folder that every job sees: keep studies outside {visible}")
        mounts += ["--bind" if bind.writable else "--ro-bind", os.fspath(source), places[bind.name]]
    return mounts


def _gpu_devices(limits: Limits) -> list[str]:
    if not limits.gpus:
        return []
    numbered = [f"nvidia{gpu}" for gpu in limits.gpus]
    devices = ["--ro-bind", "/sys", "/sys"]  # where the driver finds the card on its bus, as in a container
    for name in (*GPU_DEVICES, *numbered):
        devices += ["--dev-bind-try", f"/dev/{name}", f"/dev/{name}"]
    return devices
