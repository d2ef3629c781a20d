"""The replies that a scripted server can be told to give: good ones, and every way in which one goes wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agents.claude.exchange import Block

ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
PARTIAL = "_partial_json"
"""Under which a block holds the text of an input that is sent instead of its JSON; never sent itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedReply:
    """One reply, and how it is to fail."""

    content: tuple[Block, ...] = ()
    """Blocks without ids and signatures, which the server makes."""
    stop_reason: str = "end_turn"
    output_tokens: int | None = None
    """Counted from the blocks where not given."""
    status: int = 200
    message: str = ""
    """Of an error."""
    retry_after: float | None = None
    """Seconds."""
    ends_after_events: int | None = None
    """So many events are sent, then the connection breaks."""
    ends_with_error: bool = False
    """Whether the stream says, instead of breaking, that the service is overloaded."""
    ends_politely: bool = False
    """Whether the body ends as a whole one would, as behind a gateway that hides the break."""
    wait_seconds: float = 0.0
    """Before the first byte."""


def text(words: str) -> ScriptedReply:
    """Return a reply in words."""
    return ScriptedReply(content=({"type": "text", "text": words},))


def tool(name: str, /, **inputs: Any) -> ScriptedReply:
    """Return a reply that calls one tool."""
    return ScriptedReply(content=({"type": "tool_use", "name": name, "input": inputs},), stop_reason="tool_use")


def tools(*calls: ScriptedReply) -> ScriptedReply:
    """Return one reply that says and calls all that these say and call."""
    content = tuple(block for call in calls for block in call.content)
    return ScriptedReply(content=content, stop_reason="tool_use")


def thinking(words: str, then: ScriptedReply) -> ScriptedReply:
    """Return a reply with a thought before it; with no words for one that the API keeps to itself."""
    return replace(then, content=({"type": "thinking", "thinking": words, "signature": ""}, *then.content))


def refusal(words: str = "") -> ScriptedReply:
    """Return a reply of a model that will not."""
    return replace(text(words) if words else ScriptedReply(), stop_reason="refusal")


def cut_off(name: str, /, *, kept: float = 0.5, **inputs: Any) -> ScriptedReply:
    """Return a reply that reaches `max_tokens` when so much of a tool's input is written."""
    whole = json.dumps(inputs)
    block = {"type": "tool_use", "name": name, "input": {}, PARTIAL: whole[: int(len(whole) * kept)]}
    return ScriptedReply(content=(block,), stop_reason="max_tokens")


def status(code: int, *, message: str = "", retry_after: float | None = None) -> ScriptedReply:
    """Return an error instead of a reply."""
    return ScriptedReply(status=code, message=message or ERROR_TYPES.get(code, "api_error"), retry_after=retry_after)


def dropped_stream(then: ScriptedReply, *, after_events: int, politely: bool = False) -> ScriptedReply:
    """Return a reply whose connection breaks after so many events."""
    return replace(then, ends_after_events=after_events, ends_politely=politely)


def overloaded_stream(then: ScriptedReply, *, after_events: int) -> ScriptedReply:
    """Return a reply that ends, after so many events, with the event of an overloaded service."""
    return replace(then, ends_after_events=after_events, ends_with_error=True)


def slow(seconds: float, then: ScriptedReply) -> ScriptedReply:
    """Return a reply that comes after so many seconds."""
    return replace(then, wait_seconds=seconds)
