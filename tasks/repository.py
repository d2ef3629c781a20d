"""Run git for a study's codebase: no shell, no configuration from outside, no hooks, a fixed author."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.domain.errors import GitFailed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.autocrlf=false",
    "core.fsmonitor=false",
    "core.quotePath=false",
    "core.fsync=committed",  # an attempt that a round was scored for must outlive a loss of power
    "commit.gpgSign=false",
    "gc.auto=0",  # no work in the background that a kill could leave half done
    "safe.directory=*",  # the study may belong to another user of the same machine
    "init.defaultBranch=main",
    "advice.detachedHead=false",
)
_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "Rounds",
    "GIT_AUTHOR_EMAIL": "rounds@localhost",
    "GIT_COMMITTER_NAME": "Rounds",
    "GIT_COMMITTER_EMAIL": "rounds@localhost",
    "HOME": "/nonexistent",
    "LC_ALL": "C",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """The repository in one folder."""

    folder: Path
    keep_open: tuple[int, ...] = ()
    """File descriptors that git inherits, so that a lock lasts until git too has ended."""

    def run(self, *arguments: str, content: bytes = b"", environment: Mapping[str, str] | None = None) -> bytes:
        """Run one command, and return what it prints.

        Raises:
            GitFailed: Git is missing, or ended with another exit code than 0.
        """
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        program = shutil.which("git")
        if program is None:
            raise GitFailed("git is not installed; Rounds keeps the code of a study in a git repository")
        completed = subprocess.run(
            # --git-dir is named, so that git never finds a repository above a damaged one
            [program, f"--git-dir={self.folder / '.git'}", f"--work-tree={self.folder}", *settings, *arguments],
            cwd=self.folder,
            env={"PATH": os.environ.get("PATH", os.defpath), **_ENVIRONMENT, **(environment or {})},
            input=content,
            capture_output=True,
            check=False,
            pass_fds=self.keep_open,
        )
        if completed.returncode:
            raise GitFailed(f"git {' '.join(arguments)}: {completed.stderr.decode(errors='replace').strip()}")
        return completed.stdout

    def line(self, *arguments: str, content: bytes = b"", environment: Mapping[str, str] | None = None) -> str:
        """Run one command, and return what it prints as text without the line feed."""
        return self.run(*arguments, content=content, environment=environment).decode().strip()

    def resolve(self, reference: str) -> str | None:
        """Return the commit that a branch or tag names, or None."""
        found = self.line("for-each-ref", "--format=%(objectname)", reference)
        return found or None

    def files(self, commit: str) -> dict[str, bytes]:
        """Return the content of all files of a commit by path, sorted."""
        listing = self.run("ls-tree", "-r", "-z", commit).decode().split("\0")
        blobs = {}
        for line in filter(None, listing):
            facts, _, path = line.partition("\t")
            blobs[path] = facts.split()[2]
        if not blobs:
            return {}
        stream = self.run("cat-file", "--batch", content="".join(f"{blob}\n" for blob in blobs.values()).encode())
        contents, start = {}, 0
        for path in blobs:
            end = stream.index(b"\n", start)
            size = int(stream[start:end].split()[2])
            contents[path] = stream[end + 1 : end + 1 + size]
            start = end + 1 + size + 1
        return dict(sorted(contents.items()))
