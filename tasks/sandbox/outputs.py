"""Reads what a job wrote, as if an enemy had written it.

In a writable folder a job may leave links to the host's files, pipes that block their reader, devices, endless files and endless
folders. Everything here goes from one folder descriptor to the next without following a link, opens without waiting, takes
regular files only, and stops at a number of bytes. Nothing is ever unpickled.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tasks.domain.errors import TrainingFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

MOST_ENTRIES = 10_000
"""More names than this in one folder are not looked at."""
_NO_TRAPS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextmanager
def opened(folder: Path, name: str, *, max_bytes: int) -> Iterator[BinaryIO]:
    """Open one regular file that a job left.

    Args:
        folder: A folder that only we could have put in its place, such as the source of a bind.
        name: Path below the folder, with `/`.
        max_bytes: A larger file is refused.

    Raises:
        TrainingFailed: The file is missing, no regular file, too large, or reached through a link.
    """
    descriptor = os.open(folder, _NO_TRAPS | os.O_DIRECTORY)
    try:
        *parents, last = _parts(name)
        for parent in parents:
            descriptor = _step(descriptor, parent, os.O_DIRECTORY, name)
        descriptor = _step(descriptor, last, 0, name)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise TrainingFailed(f"{name} is not a regular file")
        if status.st_size > max_bytes:
            raise TrainingFailed(f"{name} has {status.st_size} bytes, more than the {max_bytes} allowed")
        with os.fdopen(os.dup(descriptor), "rb") as file:
            yield file
    finally:
        os.close(descriptor)


def read_bytes_safely(path: Path, *, max_bytes: int, within: Path | None = None) -> bytes:
    """Return the content of a file that a job left.

    Args:
        path: The file.
        max_bytes: A larger file is refused.
        within: The outermost folder that the job could write; the folder of the file where that is the one.

    Raises:
        TrainingFailed: The file is missing, no regular file, too large, or reached through a link.
    """
    folder = within or path.parent
    with opened(folder, path.relative_to(folder).as_posix(), max_bytes=max_bytes) as file:
        return file.read(max_bytes)


def safe_files(
    folder: Path, *, suffix: str, max_count: int, max_bytes: int, within: Path | None = None
) -> tuple[Path, ...]:
    """Return the regular files of a folder with a suffix, oldest first; everything else in it is passed over.

    Args:
        folder: Where to look, not deeper.
        suffix: Such as `.safetensors`.
        max_count: Only the newest so many are returned.
        max_bytes: Larger files are passed over.
        within: The outermost folder that the job could write, if not `folder` itself: a link between the two is not followed.
    """
    found = []
    root = within or folder
    try:
        with _folder(root, folder.relative_to(root).as_posix()) as descriptor, os.scandir(descriptor) as entries:
            for _, entry in zip(range(MOST_ENTRIES), entries, strict=False):
                status = entry.stat(follow_symlinks=False)
                if entry.name.endswith(suffix) and stat.S_ISREG(status.st_mode) and status.st_size <= max_bytes:
                    found.append((status.st_mtime_ns, entry.name))
    except TrainingFailed:
        return ()
    return tuple(folder / name for _, name in sorted(found)[-max_count:])


def copy_out(path: Path, destination: Path, *, max_bytes: int, within: Path | None = None) -> None:
    """Copy a file that a job left to a place of ours, whole or not at all.

    Raises:
        TrainingFailed: The file is missing, no regular file, too large, or reached through a link.
    """
    folder = within or path.parent
    unfinished = destination.with_name(destination.name + ".part")
    with (
        opened(folder, path.relative_to(folder).as_posix(), max_bytes=max_bytes) as source,
        unfinished.open("wb") as target,
    ):
        shutil.copyfileobj(source, target, 2**20)
    unfinished.replace(destination)


def discard(folder: Path) -> None:
    """Delete a folder that a job could write, however deep or wide it made it; links in it are deleted, not followed."""
    subprocess.run(["rm", "-rf", "--", os.fspath(folder)], check=True)


@contextmanager
def _folder(root: Path, name: str) -> Iterator[int]:
    descriptor = os.open(root, _NO_TRAPS | os.O_DIRECTORY)
    try:
        for part in _parts(name):
            descriptor = _step(descriptor, part, os.O_DIRECTORY, name)
        yield descriptor
    finally:
        os.close(descriptor)


def _step(descriptor: int, part: str, flags: int, name: str) -> int:
    """Open what a name stands for in an open folder, and close the folder; on failure the folder stays open."""
    try:
        found = os.open(part, _NO_TRAPS | flags, dir_fd=descriptor)
    except OSError as error:
        raise TrainingFailed(f"{name} {_WHY.get(error.errno or 0, 'cannot be read')}") from error
    os.close(descriptor)
    return found


_WHY = {
    errno.ENOENT: "is missing",
    errno.ELOOP: "is a link",
    errno.ENOTDIR: "is reached through a link or a file",
    errno.ENXIO: "is not a regular file",
}


def _parts(name: str) -> tuple[str, ...]:
    parts = PurePosixPath(name).parts
    if ".." in parts or PurePosixPath(name).is_absolute():
        raise TrainingFailed(f"{name} leads out of the folder")
    return parts
