"""A conversation with a language model, for a person to read: who said what, what the tools answered, what it cost in tokens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tasks.domain.conversation import unanswered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tasks.domain.conversation import Entry

_LONGEST_FENCE = 12


def transcript(name: str, entries: Sequence[Entry]) -> str:
    """Return a conversation as Markdown, whole and in order.

    Args:
        name: Of the conversation.
        entries: As journaled.
    """
    parts = [f"# Conversation {name}", _sums(entries)]
    cut_off = {id(entry) for entry in unanswered(entries)}
    for entry in entries:
        if id(entry) in cut_off:
            parts.append(
                f"## A call was made, {entry.at[:19]}, of which no end is known; it may have cost ${entry.data['dollars']}"
            )
        parts += list({"call": _call, "fault": _fault}.get(entry.kind, _nothing)(entry))
    return "\n\n".join(part for part in parts if part) + "\n"


def _sums(entries: Sequence[Entry]) -> str:
    calls = [entry for entry in entries if entry.kind == "call"]
    faults = sum(entry.kind == "fault" for entry in entries)
    tokens = sum(sum(entry.data["usage"].values()) for entry in calls)
    seconds = sum(entry.data["seconds"] for entry in calls)
    models = ", ".join(sorted({str(entry.data["model"]) for entry in calls})) or "no model"
    return f"{len(calls)} calls of {models}, {tokens:,} tokens, {seconds:.0f} s; {faults} calls came to nothing."


def _call(entry: Entry) -> Iterator[str]:
    request = entry.data["request"]
    if "system" in request:
        yield "## Instructions"
        yield from (_fenced(str(block.get("text", ""))) for block in request["system"])
        names = ", ".join(str(tool["name"]) for tool in request.get("tools", ()))
        yield f"Tools: {names}." if names else ""
    for message in request["messages"]:
        for block in message["content"]:
            yield from _said(block)
    usage = entry.data["usage"]
    told = ", ".join(
        f"{count:,} {kind.removesuffix('_tokens').replace('_', ' ')}" for kind, count in usage.items() if count
    )
    yield f"## {entry.data['model']}, {entry.at[:19]}, {entry.data['seconds']:.1f} s; tokens: {told}"
    for block in entry.data["content"]:
        yield from _answered(block)
    if entry.data["stop_reason"] not in ("end_turn", "tool_use"):
        yield f"(stopped: {entry.data['stop_reason']})"


def _said(block: dict[str, Any]) -> Iterator[str]:
    if block["type"] == "tool_result":
        yield f"### The tool {'failed' if block.get('is_error') else 'answered'}"
        yield _fenced(_text_of(block.get("content", "")))
    else:
        yield "### Rounds said"
        yield _fenced(str(block.get("text", f"({block['type']})")))


def _answered(block: dict[str, Any]) -> Iterator[str]:
    if block["type"] == "text":
        yield str(block["text"])
    elif block["type"] == "tool_use":
        yield f"### Uses {block['name']}"
        yield from _input(block["input"])
    elif block["type"] == "thinking" and block.get("thinking"):
        yield "### Thinks"
        yield _fenced(str(block["thinking"]))


def _input(given: object) -> Iterator[str]:
    """Yield what a tool was given; long texts of it on lines of their own, since JSON would hide their lines."""
    if not isinstance(given, dict):
        yield _fenced(json.dumps(given))
        return
    short = {name: value for name, value in given.items() if not (isinstance(value, str) and "\n" in value)}
    if short:
        yield _fenced(json.dumps(short, ensure_ascii=False, indent=1))
    for name, value in given.items():
        if name not in short:
            yield f"{name}:"
            yield _fenced(value)


def _fault(entry: Entry) -> Iterator[str]:
    waited = f"; tried again after {entry.data['waited_seconds']:.1f} s" if entry.data["waited_seconds"] else ""
    yield f"## A call came to nothing, {entry.at[:19]}: {entry.data['kind']}, {entry.data['message']}{waited}"


def _nothing(entry: Entry) -> Iterator[str]:  # noqa: ARG001 - what a tool answered is told with the call that it went out with
    yield from ()


def _text_of(content: object) -> str:
    if isinstance(content, list):
        return "\n".join(str(block.get("text", "")) for block in content if isinstance(block, dict))
    return str(content)


def _fenced(text: str) -> str:
    """Return a text as a code block that nothing in it can end."""
    ticks = "`" * max(3, next((size for size in range(_LONGEST_FENCE, 2, -1) if "`" * size in text), 2) + 1)
    return f"{ticks}\n{text.rstrip()}\n{ticks}"
