"""Who owns what a job reads and writes, when Rounds itself runs as root.

As root, Rounds gives every job a user of its own that exists nowhere else, so that a job which broke out would still be nobody, and
the kernel counts its processes alone. An ordinary user's jobs run as that user. Nothing is opened to other users of
the machine: what a job reads is given to a group that no account is in.
"""

from __future__ import annotations

import itertools
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tasks.sandbox.watching import DEEPEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tasks.domain.sandboxing import Job

JOB_USERS = range(60_600, 61_100)
"""User ids that systemd and Debian leave unused. Source: https://systemd.io/UIDS-GIDS."""
JOB_GROUP = 60_600

_count = itertools.count(os.getpid())


def user_for_job() -> int:
    """Return the user id that a job runs as: a fresh one if we are root, else our own."""
    return JOB_USERS[next(_count) % len(JOB_USERS)] if os.geteuid() == 0 else os.geteuid()


def group_for_job() -> int:
    """Return the group id that a job runs as."""
    return JOB_GROUP if os.geteuid() == 0 else os.getegid()


@contextmanager
def lent(job: Job, user: int) -> Iterator[None]:
    """Lend a job its folders, and take back afterwards what it wrote.

    Afterwards every file in its writable folders is ours, without set-user bits, and readable and deletable by us.

    Args:
        job: Binds of a job.
        user: Who it will run as.
    """
    for bind in job.binds if user != os.geteuid() else ():
        if bind.writable:
            _walk(
                bind.source,
                lambda name, folder, _: os.chown(name, user, JOB_GROUP, dir_fd=folder, follow_symlinks=False),
            )
        else:
            _walk(bind.source, _let_read)
    try:
        yield
    finally:
        for bind in job.binds:
            if bind.writable:
                _walk(bind.source, _take_back)


def _let_read(name: str, folder: int | None, status: os.stat_result) -> None:
    """Give a file or folder to the jobs' group, unless everyone may read it anyway."""
    wanted = stat.S_IRGRP | (stat.S_IXGRP if stat.S_ISDIR(status.st_mode) else 0)
    if stat.S_ISLNK(status.st_mode) or status.st_mode & (wanted >> 3) == wanted >> 3:
        return
    os.chown(name, -1, JOB_GROUP, dir_fd=folder, follow_symlinks=False)
    os.chmod(name, stat.S_IMODE(status.st_mode) | wanted, dir_fd=folder)


def _take_back(name: str, folder: int | None, status: os.stat_result) -> None:
    if os.geteuid() == 0:
        os.chown(name, 0, os.getegid(), dir_fd=folder, follow_symlinks=False)
    if stat.S_ISDIR(status.st_mode):
        os.chmod(name, status.st_mode & 0o777 | 0o700, dir_fd=folder)
    elif stat.S_ISREG(status.st_mode):
        os.chmod(name, status.st_mode & 0o777 | 0o600, dir_fd=folder)


def _walk(top: Path, change: Callable[[str, int | None, os.stat_result], None]) -> None:
    """Apply a change to a tree, folders before what is in them, through folder descriptors: links are never followed."""
    change(os.fspath(top), None, top.lstat())
    if top.is_dir():
        _walk_into(os.fspath(top), None, change, DEEPEST)


def _walk_into(
    name: str, parent: int | None, change: Callable[[str, int | None, os.stat_result], None], depth: int
) -> None:
    folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
    try:
        for child in os.listdir(folder):  # noqa: PTH208 - of a descriptor, not a path
            status = os.stat(child, dir_fd=folder, follow_symlinks=False)
            change(child, folder, status)
            if stat.S_ISDIR(status.st_mode) and depth:
                _walk_into(child, folder, change, depth - 1)
    finally:
        os.close(folder)
