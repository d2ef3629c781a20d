"""What is kept of a conversation with a language model: a line an event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event of a conversation."""

    kind: str
    """`call` (a request with its reply), `result` (what a tool answered), `said` (a text that is told as it was told first) or `fault` (a call that came to nothing)."""
    key: str
    """Of a call or fault: SHA-256 of the request; of a result: request that was answered, and id of the tool use."""
    data: Mapping[str, Any]
    """Plain JSON; a call's has `request` (what it said that no earlier one did), `content`, `stop_reason`, `model`, `usage`, `seconds`."""
    at: str = ""
    """UTC, ISO 8601."""
