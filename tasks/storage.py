"""The study folder: the only place that knows its layout, and that writes so that a crash never leaves half a file.

Values are kept as JSON. Records that may hold undefined numbers keep them as `null`; reading them gives nan back.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pandas as pd
from pydantic import TypeAdapter
from pydantic_core import to_json

from tasks.domain.errors import StudyInUse, StudyNotFound
from tasks.domain.evaluation import Evaluation
from tasks.domain.profile import Profile
from tasks.domain.repeats import BaselineRepeats
from tasks.domain.request import Request
from tasks.domain.round import Round
from tasks.domain.spec import Protocol, Spec
from tasks.domain.spending import StudyCost
from tasks.sandbox.outputs import discard

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

T = TypeVar("T")

_MAY_BE_UNDEFINED = (Evaluation, Round, BaselineRepeats, Profile, Spec, Protocol)
"""Records whose nulls are undefined numbers, but for column roles that were not given."""


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file under a temporary name, flush it to disk and rename it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def as_json(value: object) -> str:
    """Return a value as indented, strictly valid JSON; undefined numbers become null."""
    return to_json(value, indent=2, inf_nan_mode="null").decode() + "\n"


def fingerprint(value: object) -> str:
    """Return the SHA-256 (hex) of a value's JSON."""
    return hashlib.sha256(as_json(value).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 (hex) of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def from_json(kind: type[T], text: str | bytes) -> T:
    """Return the record of the given kind that a JSON text holds.

    Raises:
        StudyNotFound: The text is not such a record.
    """
    try:
        value = json.loads(text)
        return TypeAdapter(kind).validate_python(_nan_for_null(value) if kind in _MAY_BE_UNDEFINED else value)
    except ValueError as error:
        raise StudyNotFound(f"this is no {kind.__name__.lower()} record: {error}") from error


def _nan_for_null(value: object) -> object:
    if value is None:
        return float("nan")
    if isinstance(value, dict):
        return {key: item if key == "roles" else _nan_for_null(item) for key, item in value.items()}
    return [_nan_for_null(item) for item in value] if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class StudyFolder:
    """One study on disk, the source of truth about it."""

    root: Path

    @property
    def id(self) -> str:
        """Return the study's name: that of its folder."""
        return self.root.name

    @property
    def agent(self) -> str:
        """Return who plays the three roles in this study."""
        return self.text("agent").strip() if self.has("agent") else "playbook"

    @property
    def trusted_code(self) -> bool:
        """Return whether all code of this study is what Rounds ships and its playbook made of it.

        Derived from every trace that a language model leaves, since a file that names the agent may be missing or edited.
        """
        if self.agent != "playbook" or any(self.path("conversations").glob("round-*.jsonl")):
            return False
        if self.has("spec.json") and self.spec().prompts:
            return False
        return not any(record.prompt_sha256 for record in self.rounds())

    def path(self, *parts: str) -> Path:
        """Return the place of a part of the study."""
        return self.root.joinpath(*parts)

    def round_path(self, number: int) -> Path:
        """Return the folder of a finished round."""
        return self.root / "rounds" / f"{number:02d}"

    def has(self, *parts: str) -> bool:
        """Return whether a part of the study is there."""
        return self.path(*parts).exists()

    def text(self, *parts: str) -> str:
        """Return a text file of the study.

        Raises:
            StudyNotFound: It is not there.
        """
        try:
            return self.path(*parts).read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError) as error:
            raise StudyNotFound(f"study {self.root} has no {'/'.join(parts)} (yet)") from error

    def write(self, content: object, *parts: str) -> None:
        """Write a text, bytes, a table (.parquet) or a record (as JSON) atomically."""
        path = self.path(*parts)
        if isinstance(content, pd.DataFrame):
            write_atomically(path, content.to_parquet(index=False))
        else:
            write_atomically(path, content if isinstance(content, (str, bytes)) else as_json(content))

    def request(self) -> Request:
        """Return the request."""
        return from_json(Request, self.text("request.json"))

    def profile(self) -> Profile:
        """Return what the investigation found."""
        return from_json(Profile, self.text("profile.json"))

    def spec(self) -> Spec:
        """Return the spec."""
        return from_json(Spec, self.text("spec.json"))

    def protocol(self) -> Protocol:
        """Return the frozen evaluation protocol."""
        return from_json(Protocol, self.text("protocol.json"))

    def evaluation(self) -> Evaluation | None:
        """Return the result of the opening, or None before it."""
        return from_json(Evaluation, self.text("evaluation.json")) if self.has("evaluation.json") else None

    def rounds(self) -> tuple[Round, ...]:
        """Return the finished rounds in order; a round under way is not among them."""
        finished: list[Round] = []
        while self.has("rounds", f"{len(finished):02d}", "round.json"):
            finished.append(from_json(Round, self.text("rounds", f"{len(finished):02d}", "round.json")))
        return tuple(finished)

    def baseline_repeats(self) -> BaselineRepeats:
        """Return the finished trainings of the baseline with other seeds; a small study has none."""
        if not self.has("baseline_repeats.json"):
            return BaselineRepeats()
        return from_json(BaselineRepeats, self.text("baseline_repeats.json"))

    def spending(self) -> StudyCost | None:
        """Return what was spent on a language model; None for a study without one."""
        return from_json(StudyCost, self.text("spending.json")) if self.has("spending.json") else None

    def ran_in(self) -> dict[str, bool]:
        """Return the sandboxes that the rounds ran in, each with whether it isolates; empty where nothing noted it."""
        return from_json(dict[str, bool], self.text("ran_in.json")) if self.has("ran_in.json") else {}

    def ablation_notes(self) -> dict[int, str]:
        """Return why the change of a kept round could not be taken back and run, by its number."""
        return from_json(dict[int, str], self.text("ablation.json")) if self.has("ablation.json") else {}

    def begin_round(self, number: int) -> Path:
        """Return an empty folder for a round under way; what a crash left of it is removed."""
        folder = self.root / "rounds" / f".{number:02d}.underway"
        discard(folder)
        folder.mkdir(parents=True)
        return folder

    def finish_round(self, underway: Path, record: Round) -> None:
        """Turn a round under way into a finished one, in one rename."""
        self.finish_rounds([(underway, record)])

    def finish_rounds(self, underway: Sequence[tuple[Path, Round]]) -> None:
        """Turn rounds that belong together into finished ones, in their order.

        The record of the first is written last: where it is, all are, and `settle` can finish what a kill interrupts here.
        """
        for folder, record in reversed(underway):
            write_atomically(folder / "round.json", as_json(record))
        for folder, record in underway:
            folder.rename(self.round_path(record.number))

    def settle(self) -> None:
        """Finish the rounds that a kill stopped between their record and their name, and remove what it left of others."""
        while (folder := self.root / "rounds" / f".{len(self.rounds()):02d}.underway").joinpath("round.json").exists():
            folder.rename(self.round_path(len(self.rounds())))
        for left_over in self.root.glob("rounds/.[0-9]*.underway"):
            discard(left_over)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the study for one process; the lock ends with the process, however it ends.

        Raises:
            StudyInUse: Another process holds it.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StudyInUse(f"another process is working on {self.root}; see `rounds status`") from error
            yield
