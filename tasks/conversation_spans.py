"""A conversation as spans of time, for the trace that MLflow shows under a round."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tasks.domain.conversation import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One call, one use of a tool, or one call that came to nothing."""

    name: str
    kind: str
    """`CHAT_MODEL` or `TOOL`, as MLflow calls them."""
    start_ns: int
    """Since 1970, UTC."""
    end_ns: int
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    tokens: Mapping[str, int]
    """`input_tokens`, `output_tokens`, `total_tokens`; empty for a tool."""
    failed: bool = False


def spans_of(entries: Sequence[Entry]) -> tuple[Span, ...]:
    """Return the spans of a conversation, in the order of its entries."""
    return tuple(_spans(entries))


def _spans(entries: Sequence[Entry]) -> Iterator[Span]:
    turn = 0
    uses: dict[str, Mapping[str, Any]] = {}
    for entry in entries:
        if entry.kind == "result":
            use = uses.get(entry.key.partition(":")[2], {})
            yield _of_tool(entry, use)
            continue
        if entry.kind not in (
            "call",
            "fault",
        ):  # what was asked has the span of its end, and what was said is in the call after it
            continue
        if entry.kind == "call":
            turn += 1
            uses = {block["id"]: block for block in entry.data["content"] if block.get("type") == "tool_use"}
        yield _of_call(entry, turn)


def _of_call(entry: Entry, turn: int) -> Span:
    data, end = entry.data, _nanoseconds(entry.at)
    came = entry.kind == "call"
    usage = data["usage"]
    output = int(usage["output_tokens"])
    prompt = sum(usage.values()) - output
    return Span(
        name=f"turn {turn}" if came else f"a call that came to nothing: {data['kind']}",
        kind="CHAT_MODEL",
        start_ns=end - int(float(data.get("seconds", 0.0)) * 1e9),
        end_ns=end,
        inputs={"request": data["request"]} if came else {},
        outputs={"content": data["content"], "stop_reason": data["stop_reason"]}
        if came
        else {"fault": data["message"]},
        tokens={"input_tokens": prompt, "output_tokens": output, "total_tokens": prompt + output},
        failed=not came,
    )


def _of_tool(entry: Entry, use: Mapping[str, Any]) -> Span:
    end = _nanoseconds(entry.at)
    return Span(
        name=f"tool {use.get('name', '?')}",
        kind="TOOL",
        start_ns=end - int(float(entry.data.get("seconds", 0.0)) * 1e9),
        end_ns=end,
        inputs={"input": use.get("input")},
        outputs={"text": entry.data["text"]},
        tokens={},
        failed=bool(entry.data["is_error"]),
    )


def _nanoseconds(at: str) -> int:
    return int(datetime.fromisoformat(at).timestamp() * 1e9)
