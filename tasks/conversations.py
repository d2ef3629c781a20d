"""The conversations of a study on disk: `conversations/NAME.jsonl`, a line an event, each flushed to disk before anything rests on it."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from tasks.domain.conversation import Entry
from tasks.domain.errors import StudyNotFound

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Conversations:
    """All conversations of one study; several threads may add to them."""

    folder: Path
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def names(self) -> tuple[str, ...]:
        """Return the names of the conversations that were begun, sorted."""
        return tuple(sorted(file.stem for file in self.folder.glob("*.jsonl")))

    def read(self, conversation: str) -> tuple[Entry, ...]:
        """Return the entries of a conversation in order; none if it did not begin.

        A line that a kill cut off is left out: what it told did not count yet.

        Raises:
            StudyNotFound: A line in the middle is damaged.
        """
        file = self._file(conversation)
        if not file.exists():
            return ()
        lines = file.read_bytes().split(b"\n")
        return tuple(self._entry(line, file, number) for number, line in enumerate(lines[:-1], start=1))

    def append(self, conversation: str, entry: Entry) -> None:
        """Add an entry, on disk before this returns, with every text as it is.

        Raises:
            ValueError: A number in it is infinite or undefined.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        # Half a surrogate pair has no form in UTF-8; as a backslash escape it is the JSON for itself.
        text = json.dumps(asdict(entry), ensure_ascii=False, allow_nan=False)
        line = text.encode(errors="backslashreplace") + b"\n"
        with self._lock, self._file(conversation).open("a+b") as file:
            _cut_half_line(file.fileno())
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def all(self) -> Iterator[tuple[str, Entry]]:
        """Yield every entry with the name of its conversation, conversations in order of name."""
        for name in self.names():
            yield from ((name, entry) for entry in self.read(name))

    def _file(self, conversation: str) -> Path:
        return self.folder / f"{conversation}.jsonl"

    @staticmethod
    def _entry(line: bytes, file: Path, number: int) -> Entry:
        try:
            return Entry(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise StudyNotFound(f"file {file}, line {number}: this is no event of a conversation: {error}") from error


def _cut_half_line(descriptor: int) -> None:
    """Remove what a kill left behind the last whole line."""
    size = os.fstat(descriptor).st_size
    if not size or os.pread(descriptor, 1, size - 1) == b"\n":
        return
    os.ftruncate(descriptor, os.pread(descriptor, size, 0).rfind(b"\n") + 1)
