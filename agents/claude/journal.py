"""The record of all conversations of a study: what a killed process goes on from, what was paid, what a person can read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.domain.conversation import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a tool answered."""

    text: str
    is_error: bool = False
    seconds: float = 0.0
    """That a trial took."""


class Journal(Protocol):
    """Keeps the conversations of one study, each a list of entries under a name such as `parse` or `round-03`."""

    def read(self, conversation: str) -> tuple[Entry, ...]:
        """Return the entries of a conversation in order; none if it did not begin."""
        ...

    def append(self, conversation: str, entry: Entry) -> None:
        """Add an entry, on disk before it returns."""
        ...

    def all(self) -> Iterator[tuple[str, Entry]]:
        """Yield every entry with the name of its conversation, conversations in order of name."""
        ...


@dataclass(slots=True)
class MemoryJournal:
    """Keeps them in memory; for tests."""

    conversations: dict[str, list[Entry]] = field(default_factory=dict)

    def read(self, conversation: str) -> tuple[Entry, ...]:
        """Return the entries of a conversation."""
        return tuple(self.conversations.get(conversation, ()))

    def append(self, conversation: str, entry: Entry) -> None:
        """Add an entry."""
        self.conversations.setdefault(conversation, []).append(entry)

    def all(self) -> Iterator[tuple[str, Entry]]:
        """Yield every entry."""
        for name in sorted(self.conversations):
            yield from ((name, entry) for entry in self.conversations[name])
