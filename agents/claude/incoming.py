"""A streamed answer as it comes in, event by event, kept as the plain data that was sent."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agents.claude.exchange import Reply, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agents.claude.exchange import Block

UNREADABLE = "INVALID_JSON"
"""The one key of a tool's input that was no JSON, or none that could be sent back; its value is the text as it came.

Source: platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming, "Handling invalid JSON in tool responses".
"""


@dataclass(slots=True)
class Incoming:
    """What came of one answer so far."""

    max_tokens: int
    """That the request allowed."""
    writes_for_an_hour: bool
    """Whether the request asks for the dearer cache, which is assumed where the server does not tell the two apart."""
    complete: bool = False
    """Whether the server said that this is all."""
    _message: dict[str, Any] = field(default_factory=dict)
    _stop_reason: str = ""
    _blocks: dict[int, Block] = field(default_factory=dict)
    _jsons: dict[int, str] = field(default_factory=dict)
    _told: dict[str, Any] = field(default_factory=dict)
    """Usage, later events over earlier ones, since the API counts up."""
    _output_is_told: bool = False
    _received_bytes: int = 0

    @property
    def output_is_estimated(self) -> bool:
        """Return whether the server began to answer, from when on it may charge, and never said how much it wrote."""
        return bool(self._message) and not self._output_is_told

    def add(self, event: Mapping[str, Any]) -> None:
        """Take one event of the stream."""
        match event["type"]:
            case "message_start":
                self._message = dict(event["message"])
                self._told |= _said(self._message.get("usage"))
            case "content_block_start":
                self._blocks[event["index"]] = dict(event["content_block"])
            case "content_block_delta":
                self._extend(event["index"], event["delta"])
            case "message_delta":
                self._told |= _said(event.get("usage"))
                self._output_is_told = True
                self._stop_reason = event["delta"].get("stop_reason") or ""
            case "message_stop":
                self.complete = True

    def reply(self, *, seconds: float, request_id: str) -> Reply:
        """Return the whole answer."""
        blocks = [self._finished(index) for index in sorted(self._blocks)]
        return Reply(
            content=tuple(block for block in blocks if _can_go_back(block)),
            stop_reason=self._stop_reason,
            usage=self.usage,
            model=str(self._message.get("model", "")),
            request_id=request_id,
            seconds=seconds,
        )

    @property
    def usage(self) -> Usage:
        """Return the tokens as the server counted them; of a broken stream, with its output from above."""
        told, written = self._told, int(self._told.get("cache_creation_input_tokens") or 0)
        by_life = told.get("cache_creation") or {}
        hour, short = (int(by_life.get(f"ephemeral_{life}_input_tokens") or 0) for life in ("1h", "5m"))
        if hour + short != written:
            hour, short = (written, 0) if self.writes_for_an_hour else (0, written)
        output = int(told.get("output_tokens") or 0)
        return Usage(
            input_tokens=int(told.get("input_tokens") or 0),
            cache_write_5m_tokens=short,
            cache_write_1h_tokens=hour,
            cache_read_tokens=int(told.get("cache_read_input_tokens") or 0),
            output_tokens=max(output, self._most_output()) if self.output_is_estimated else output,
        )

    def _most_output(self) -> int:
        """Return a bound on tokens written: one per byte received, or all that was allowed where thinking came unseen."""
        unseen = any("thinking" in str(block["type"]) and not block.get("thinking") for block in self._blocks.values())
        return self.max_tokens if unseen else min(self._received_bytes, self.max_tokens)

    def _extend(self, index: int, delta: Mapping[str, Any]) -> None:
        # Other deltas belong to features of the API that are not asked for.
        block = self._blocks[index]
        match delta["type"]:
            case "text_delta":
                block["text"] = block.get("text", "") + self._counted(delta["text"])
            case "thinking_delta":
                block["thinking"] = block.get("thinking", "") + self._counted(delta["thinking"])
            case "signature_delta":
                block["signature"] = delta["signature"]
            case "input_json_delta":
                self._jsons[index] = self._jsons.get(index, "") + self._counted(delta["partial_json"])
            case "citations_delta":
                block["citations"] = [*(block.get("citations") or []), delta["citation"]]

    def _counted(self, text: str) -> str:
        self._received_bytes += len(text.encode(errors="surrogatepass"))
        return text

    def _finished(self, index: int) -> Block:
        block, text = self._blocks[index], self._jsons.get(index, "")
        if text:
            return {**block, "input": _input(text)}
        if "input" in block:
            return {**block, "input": readable_input(block["input"])}
        return {**block, "text": _writable(block["text"])} if block["type"] == "text" and block.get("text") else block


def readable_input(given: Any) -> Any:
    """Return a tool's input if it can be sent back; else what stands for one that is unreadable, with its text."""
    return given if _can_be_sent(given) else {UNREADABLE: json.dumps(given)}


def _can_be_sent(value: Any) -> bool:
    """Return whether a value is JSON as a request carries it: in UTF-8, and without numbers beyond all bounds."""
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):  # 1e999, a lone half of a surrogate pair, lists a thousand deep
        return False
    return True


def _writable(text: str) -> str:
    """Return a text with the halves of surrogate pairs joined, and those that stay alone spelled out as escapes."""
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return joined.encode(errors="backslashreplace").decode()


def _input(text: str) -> dict[str, Any]:
    text = _writable(text)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # a whole number of more than 4,300 digits is no JSONDecodeError
        value = None
    return value if isinstance(value, dict) and _can_be_sent(value) else {UNREADABLE: text}


def _can_go_back(block: Block) -> bool:
    """Return whether the API takes a block back: not an empty text, and not a thought that was cut before its signature."""
    if not _can_be_sent(block):
        return False
    if block["type"] == "text":
        return bool(block.get("text"))
    return block["type"] != "thinking" or bool(block.get("signature"))


def _said(usage: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (usage or {}).items() if value is not None}
