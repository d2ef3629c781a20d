"""A scripted reply as the Messages API puts it on the wire, whole or as a stream of events."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

from agents.claude.scripted_replies import PARTIAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.claude.exchange import Block, Body, Usage
    from agents.claude.scripted_replies import ScriptedReply

TEXT_PIECE = 24
"""Characters of a delta: few, so that clients meet words and escapes that are split."""
SIGNING_KEY = b"a scripted server has no secrets"


def signature(model: str, thought: str) -> str:
    """Return what binds a thought to the model that had it."""
    return hmac.new(SIGNING_KEY, f"{model}\n{thought}".encode(), hashlib.sha256).hexdigest()


def message(reply: ScriptedReply, body: Body, usage: Usage) -> dict[str, Any]:
    """Return the message as a whole; the same request always gets the same ids, as a resumed study needs."""
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    content = [_with_ids(block, index, body["model"], digest) for index, block in enumerate(reply.content)]
    return {
        "id": f"msg_{digest[:24]}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": content,
        "stop_reason": reply.stop_reason,
        "stop_sequence": None,
        "usage": _usage(usage),
    }


def events(whole: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the events of a message as a stream."""
    usage = whole["usage"]
    begun = {**whole, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    yield "message_start", {"message": begun}
    yield "ping", {}
    for index, block in enumerate(whole["content"]):
        start, deltas = _streamed(block)
        yield "content_block_start", {"index": index, "content_block": start}
        for delta in deltas:
            yield "content_block_delta", {"index": index, "delta": delta}
        yield "content_block_stop", {"index": index}
    yield (
        "message_delta",
        {
            "delta": {"stop_reason": whole["stop_reason"], "stop_sequence": None},
            "usage": {name: value for name, value in usage.items() if name != "cache_creation"},
        },
    )
    yield "message_stop", {}


def wire(name: str, data: dict[str, Any]) -> bytes:
    """Return an event as server-sent."""
    return f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode()


def sent_text(data: dict[str, Any]) -> str:
    """Return the text of an event with a delta; a signature is none."""
    delta = data["delta"]
    return str(delta.get("text") or delta.get("thinking") or delta.get("partial_json") or "")


def _streamed(block: Block) -> tuple[Block, list[Block]]:
    match block["type"]:
        case "text":
            return {**block, "text": ""}, [{"type": "text_delta", "text": piece} for piece in _pieces(block["text"])]
        case "thinking":
            thoughts = [{"type": "thinking_delta", "thinking": piece} for piece in _pieces(block["thinking"])]
            signed = {"type": "signature_delta", "signature": block["signature"]}
            return {**block, "thinking": "", "signature": ""}, [*thoughts, signed]
        case "tool_use":
            words = block[PARTIAL] if PARTIAL in block else json.dumps(block["input"])
            start = {name: value for name, value in block.items() if name != PARTIAL}
            pieces = ["", *_pieces(words)]  # the API sends an empty one first
            return {**start, "input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    raise ValueError(f"a scripted reply has no blocks of the type {block['type']!r}")


def _pieces(words: str) -> list[str]:
    return [words[start : start + TEXT_PIECE] for start in range(0, len(words), TEXT_PIECE)]


def _with_ids(block: Block, index: int, model: str, digest: str) -> Block:
    if block["type"] == "thinking":
        return {**block, "signature": signature(model, block["thinking"])}
    if block["type"] == "tool_use":
        unique = hashlib.sha256(f"{digest} {index}".encode()).hexdigest()[:24]
        return {**block, "id": f"toolu_{unique}"}
    return dict(block)


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_tokens,
        "cache_creation_input_tokens": usage.cache_write_5m_tokens + usage.cache_write_1h_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m_tokens,
            "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens,
        },
        "output_tokens": usage.output_tokens,
    }
