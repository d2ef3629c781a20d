"""The code of a study as a git repository: main is the incumbent, a tag `round-NN` marks every attempt, kept or not.

An attempt is built from the files of a commit and never from the working tree, so that nothing which lies about there can slip into
a run; the working tree only shows people the incumbent. What runs is an `export` of a commit, checked against the locks.
"""

from __future__ import annotations

import fcntl
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.domain.errors import EditRejected, LockedFileChanged, StudyNotFound
from tasks.edit_rules import check_whole, checked_edit
from tasks.image_copies import write_read_only
from tasks.locks import check_contents, check_folder, read_locks, tree_sha256
from tasks.recipe_defaults import rewrite_defaults
from tasks.repository import Repository
from tasks.reversal import without_change
from tasks.template import TemplateFacts, facts_of, locks_of, template_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tasks.domain.round import Proposal

MAIN = "refs/heads/main"


@dataclass(frozen=True, slots=True)
class Codebase:
    """The repository of one study."""

    folder: Path
    locks: Path
    """JSON file outside the folder with the hashes of the locked files."""

    @property
    def locked(self) -> tuple[str, ...]:
        """Return the names of the files that no edit may touch."""
        return tuple(sorted(read_locks(self.locks).locked))

    @property
    def template(self) -> TemplateFacts:
        """Return what the template says of itself."""
        return facts_of(self._files(self.incumbent)["template.toml"], self.folder)

    @property
    def incumbent(self) -> str:
        """Return the commit of the best code so far.

        Raises:
            StudyNotFound: There is no codebase here.
        """
        return self._required(MAIN)

    @property
    def baseline(self) -> str:
        """Return the commit of round 0.

        Raises:
            StudyNotFound: There is no codebase here.
        """
        return self._required(_tag(0))

    def commit_of(self, number: int) -> str | None:
        """Return the commit of a round's attempt, or None."""
        return Repository(folder=self.folder).resolve(_tag(number)) if self.folder.exists() else None

    def source(self, commit: str | None = None) -> dict[str, str]:
        """Return the text of all files of a commit, by default of the incumbent."""
        return {name: content.decode() for name, content in self._files(commit or self.incumbent).items()}

    def code_sha256(self, commit: str) -> str:
        """Return one hash over names and contents of all files of a commit."""
        return tree_sha256(self._files(commit))

    def diff(self, number: int) -> str:
        """Return what an attempt changed, as a unified diff; for round 0, what the recipe changed in the template.

        Raises:
            StudyNotFound: There is no such attempt.
        """
        commit = self._required(_tag(number))
        arguments = ("diff", "--no-color", "--no-ext-diff", "--no-textconv", "--find-renames", f"{commit}^", commit)
        return Repository(folder=self.folder).run(*arguments).decode()

    def without(self, number: int) -> dict[str, str] | None:
        """Return the files that the incumbent would have otherwise, had a round not been kept; None if later rounds build on it.

        A file that the round added stays, since an edit takes none away; nothing else that the round wrote refers to it.

        Raises:
            StudyNotFound: There is no such attempt.
        """
        commit = self._required(_tag(number))
        before, after, now = self.source(f"{commit}^"), self.source(commit), self.source()
        changed: dict[str, str] = {}
        for name, text in before.items():
            if text != after[name]:
                taken_back = without_change(text, after[name], now[name])
                if taken_back is None:
                    return None
                changed[name] = taken_back
        return {name: text for name, text in changed.items() if text != now[name]}

    def check_locks(self, exported: Path | None = None) -> None:
        """Compare the locked files of the working tree, or of an exported folder, with the hashes kept outside.

        Raises:
            LockedFileChanged: One is missing or differs, or something lies there that could stand in for a module.
        """
        check_folder(
            read_locks(self.locks), exported or self.folder, ignore=() if exported else (".git", "__pycache__")
        )

    def attempt(self, number: int, proposal: Proposal, message: str) -> str:
        """Commit an edit of the incumbent and tag it as a round, in place of an unfinished attempt of that number.

        Args:
            number: Of the round, at least 1.
            proposal: Whose files are written over those of the incumbent.
            message: Of the commit.

        Returns:
            The commit.

        Raises:
            EditRejected: The edit is not allowed, changes nothing, or leads to code that was tried before.
            LockedFileChanged: The codebase was tampered with.
            ValueError: The round is round 0, or was kept already.
        """
        locks = read_locks(self.locks)
        self.check_locks()
        edit = checked_edit(proposal.files, locks)
        with self._writing() as repository:
            incumbent = self.incumbent
            if number < 1 or self._is_kept(number, repository):
                raise ValueError(f"round {number} is part of the incumbent; it cannot be attempted again")
            files = {**repository.files(incumbent), **edit}
            check_contents(locks, files)
            check_whole(files)
            tree = _write_tree(repository, files)
            self._refuse_repetition(number, tree, repository)
            commit = repository.line("commit-tree", tree, "-p", incumbent, "-F", "-", content=_message(message, number))
            repository.run("update-ref", _tag(number), commit)
        return commit

    def forget_from(self, number: int) -> None:
        """Remove the tags of attempts from a round on, which a kill left: their code counts as never tried."""
        with self._writing() as repository:
            for reference in repository.line("for-each-ref", "--format=%(refname)", "refs/tags").split():
                if int(reference.rpartition("-")[2]) >= number:
                    repository.run("update-ref", "-d", reference)

    def keep(self, number: int) -> None:
        """Make a round's attempt the incumbent; for an older round, go back to it.

        Raises:
            StudyNotFound: There is no such attempt.
            LockedFileChanged: The codebase was tampered with.
        """
        self.check_locks()
        commit = self._required(_tag(number))
        with self._writing() as repository:
            repository.run("update-ref", MAIN, commit)
            _show(repository)

    def export(self, commit: str, folder: Path) -> None:
        """Write the files of a commit to a new folder, read-only, for mounting; an old folder there is replaced.

        Raises:
            LockedFileChanged: The working tree, or the commit, is not what the template and its edits made.
        """
        self.check_locks()
        partial = folder.with_name(f"{folder.name}.partial")
        for leftover in (partial, folder):
            if leftover.exists():
                shutil.rmtree(leftover)
        partial.mkdir(parents=True)
        for name, content in self._files(commit).items():
            if "/" in name:
                raise LockedFileChanged(f"{name} lies in a folder of its own; a codebase is a flat folder")
            write_read_only(partial / name, content)
        self.check_locks(partial)
        partial.replace(folder)

    def _files(self, commit: str) -> dict[str, bytes]:
        return Repository(folder=self.folder).files(commit)

    def _required(self, reference: str) -> str:
        commit = Repository(folder=self.folder).resolve(reference) if (self.folder / ".git").exists() else None
        if commit is None:
            raise StudyNotFound(f"the codebase at {self.folder} has no {reference.rpartition('/')[2]}")
        return commit

    def _is_kept(self, number: int, repository: Repository) -> bool:
        commit = repository.resolve(_tag(number))
        return commit is not None and commit in repository.line("rev-list", MAIN).split()

    def _refuse_repetition(self, number: int, tree: str, repository: Repository) -> None:
        if tree == repository.line("rev-parse", f"{MAIN}^{{tree}}"):
            raise EditRejected("the edit changes nothing")
        for line in repository.line("for-each-ref", "--format=%(refname) %(tree)", "refs/tags").splitlines():
            reference, earlier = line.split()
            if earlier == tree and reference != _tag(number):
                raise EditRejected(f"the edit leads to the same code as {reference.rpartition('/')[2]}")

    @contextmanager
    def _writing(self) -> Iterator[Repository]:
        """Write alone: another writer's git would hold our lock, so a lock file of git's own is left over from a kill."""
        with (self.folder / ".git" / "rounds-writing").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            for left_over in (self.folder / ".git").rglob("*.lock"):
                left_over.unlink()
            yield Repository(folder=self.folder, keep_open=(file.fileno(),))


def create(folder: Path, template: Path, *, recipe: Mapping[str, object], locks: Path) -> Codebase:
    """Copy a template to a study, set its recipe, and tag that as round 0.

    A codebase without attempts is made anew, so that a preparation that was killed can be done again.

    Args:
        folder: To make; flat, with its own `.git`.
        template: Flat folder with a `template.toml`.
        recipe: Defaults to set in the template's recipe.
        locks: Where the hashes of the locked files are kept, outside the folder.

    Raises:
        ValueError: The recipe or the template is not valid, or the codebase has attempts that began with another one.
    """
    if locks.resolve().is_relative_to(folder.resolve()):
        raise ValueError("the locks must lie outside the codebase")
    original = template_files(template)
    facts = facts_of(original["template.toml"], template)
    known = locks_of(facts, original, recipe)
    codebase = Codebase(folder, locks)
    if folder.exists() and _has_attempts(folder):
        if read_locks(locks) != known:
            raise ValueError("the codebase has attempts that began with another template or recipe")
        return codebase
    started = {**original, facts.recipe: rewrite_defaults(original[facts.recipe].decode(), recipe).encode()}
    partial = folder.with_name(f"{folder.name}.partial")
    for leftover in (partial, folder):
        if leftover.exists():
            shutil.rmtree(leftover)
    _start(partial, original, started, facts.name)
    known.write(locks)  # before the folder: a codebase without its locks must never be seen
    partial.replace(folder)
    return codebase


def _start(folder: Path, original: Mapping[str, bytes], started: Mapping[str, bytes], name: str) -> None:
    folder.mkdir(parents=True)
    repository = Repository(folder=folder)
    repository.run("init", "--quiet", "--template=")
    first = repository.line("commit-tree", _write_tree(repository, original), "-m", f"Template {name}")
    arguments = (
        "commit-tree",
        _write_tree(repository, started),
        "-p",
        first,
        "-m",
        "Round 00: the recipe of this study",
    )
    baseline = repository.line(*arguments)
    repository.run("update-ref", MAIN, baseline)
    repository.run("update-ref", _tag(0), baseline)
    _show(repository)


def _show(repository: Repository) -> None:
    """Let the working tree show main."""
    repository.run("symbolic-ref", "HEAD", MAIN)
    repository.run("reset", "--hard", "--quiet", MAIN)


def _write_tree(repository: Repository, files: Mapping[str, bytes]) -> str:
    entries = []
    for name, content in sorted(files.items()):
        blob = repository.line("hash-object", "-w", "--stdin", "--no-filters", content=content)
        entries.append(f"100644 blob {blob}\t{name}")
    return repository.line("mktree", "-z", content="".join(f"{entry}\0" for entry in entries).encode())


def _has_attempts(folder: Path) -> bool:
    if not (folder / ".git").exists():
        return False
    tags = Repository(folder=folder).line("for-each-ref", "--format=%(refname)", "refs/tags").split()
    return any(tag != _tag(0) for tag in tags)


def _message(message: str, number: int) -> bytes:
    return (message.replace("\0", "").strip() or f"Round {number:02d}").encode("utf-8", errors="replace")


def _tag(number: int) -> str:
    return f"refs/tags/round-{number:02d}"
