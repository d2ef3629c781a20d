"""What is kept of a conversation with a language model: a line an event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event of a conversation."""

    kind: str
    """`asked` (a call is about to be made), `call` (a request with its reply), `fault` (a call that came to nothing), `result` (what a tool
    answered) or `said` (a text that is told as it was told first)."""
    key: str
    """Of a call, a fault or what was asked: SHA-256 of the request; of a result: request that was answered, and id of the tool use."""
    data: Mapping[str, Any]
    """Plain JSON; a call's has `request` (what it said that no earlier one did), `content`, `stop_reason`, `model`, `usage`, `seconds`,
    `dollars`.

    `dollars` is exact, as text: of a call or fault what it cost by the prices of its day, of what was asked the most that it can cost.
    """
    at: str = ""
    """UTC, ISO 8601."""


def unanswered(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return what was asked without a call or fault to follow, of one conversation: its process ended, or it is still under way.

    One answers one: what was asked again after a kill is answered, and what was asked before the kill never will be.
    """
    found: list[Entry] = []
    last: Entry | None = None
    for entry in entries:
        if entry.kind == "asked":
            found += [last] if last else []
            last = entry
        elif entry.kind in {"call", "fault"}:
            last = None
    return (*found, last) if last else tuple(found)
