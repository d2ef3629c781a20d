"""What the Messages API refuses, so that a request that passes a scripted server would pass the real one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from agents.claude.scripted_cache import segments
from agents.claude.scripted_events import signature

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.claude.exchange import Block, Body

FIELDS = frozenset(
    [
        "cache_control",
        "container",
        "inference_geo",
        "max_tokens",
        "messages",
        "metadata",
        "model",
        "output_config",
        "service_tier",
        "stop_sequences",
        "stream",
        "system",
        "thinking",
        "tool_choice",
        "tools",
    ]
)
ALWAYS_THINK = ("claude-opus-5-5", "claude-fable-5-1", "claude-fable-5-2")
NEVER_FORCED = (*ALWAYS_THINK, "claude-sonnet-5-5")
"""Models that refuse to be made to use a tool."""
MOST_BREAKPOINTS = 4
NO_SCHEMA = frozenset(
    ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "maxItems"]
)
"""Keywords of JSON Schema that structured outputs do not know."""


def complaint(body: Body, *, counting: bool = False) -> str | None:
    """Return what the API would say against a request; None if it would take it."""
    return next(_complaints(body, counting=counting), None)


def _complaints(body: Body, *, counting: bool) -> Iterator[str]:
    if not isinstance(body.get("model"), str):
        yield "model: Field required"
        return
    most = body.get("max_tokens")
    if not counting and (not isinstance(most, int) or isinstance(most, bool) or most < 1):
        yield "max_tokens: Field required, a whole number above 0"
    for name in sorted(set(body) - FIELDS):
        yield f"{name}: Extra inputs are not permitted"
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        yield "messages: at least one message is required"
        return
    yield from _against_turns(messages, body["model"])
    yield from _against_choice(body)
    yield from _against_schemas(body)
    yield from _against_breakpoints(body)


def _against_turns(messages: Sequence[Mapping[str, Any]], model: str) -> Iterator[str]:
    if messages[0].get("role") != "user" or messages[-1].get("role") != "user":
        yield "messages: the first and the last one must be of the user"
    open_calls: list[str] = []
    seen: set[str] = set()
    for number, turn in enumerate(messages):
        place = f"messages.{number}"
        if turn.get("role") not in {"user", "assistant"}:
            yield f"{place}.role: must be user or assistant"
        content = turn.get("content")
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if not isinstance(blocks, list) or not blocks or not all(isinstance(block, dict) for block in blocks):
            yield f"{place}.content: must be a list of blocks, not an empty one"
            return
        for block in blocks:
            yield from _against_block(block, place, model)
        answers = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        if sorted(answers) != sorted(open_calls):
            yield f"{place}: each tool_use of the turn before needs its tool_result here, and nothing else has one"
        if any(block["type"] != "tool_result" for block in blocks[: len(answers)]):
            yield f"{place}.content: tool_result blocks must come first"
        open_calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
        if len(set(open_calls)) < len(open_calls) or seen & set(open_calls):
            yield f"{place}.content: tool_use ids must be unique"
        seen |= set(open_calls)


def _against_block(block: Block, place: str, model: str) -> Iterator[str]:
    match block.get("type"):
        case "text" if not block.get("text"):
            yield f"{place}.content: text content blocks must be non-empty"
        case "thinking" if block.get("signature") != signature(model, block.get("thinking", "")):
            yield f"{place}.content: Invalid `signature` in `thinking` block"
        case "tool_use" if not isinstance(block.get("input"), dict):
            yield f"{place}.content: tool_use.input must be an object"
        case "text" | "thinking" | "redacted_thinking" | "tool_use" | "tool_result" | "image" | "document":
            pass
        case kind:
            yield f"{place}.content: the type {kind!r} is not known"


def _against_choice(body: Body) -> Iterator[str]:
    model = body["model"]
    if (body.get("tool_choice") or {}).get("type") in {"any", "tool"} and model.startswith(NEVER_FORCED):
        yield f"tool_choice: forced tool use is not supported by {model}"
    if (body.get("thinking") or {}).get("type") == "disabled" and model.startswith(ALWAYS_THINK):
        yield f"thinking: cannot be disabled for {model}"
    names = [tool.get("name") for tool in body.get("tools", ())]
    if len(set(names)) < len(names):
        yield "tools: Tool names must be unique."


def _against_schemas(body: Body) -> Iterator[str]:
    form = (body.get("output_config") or {}).get("format")
    if form:
        yield from _against_schema(form.get("schema"), "output_config.format.schema")
    for number, tool in enumerate(body.get("tools", ())):
        if "type" not in tool and (tool.get("input_schema") or {}).get("type") != "object":
            yield f"tools.{number}.input_schema.type: must be object"
        if tool.get("strict"):
            yield from _against_schema(tool.get("input_schema"), f"tools.{number}.input_schema")


def _against_schema(schema: Any, place: str) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
            yield f"{place}: for objects, additionalProperties must be false"
        for name in sorted(NO_SCHEMA & set(schema)):
            if not place.endswith(".properties"):
                yield f"{place}: {name} is not supported"
        for name, inner in schema.items():
            if name not in {"enum", "const", "default", "examples"}:
                yield from _against_schema(inner, f"{place}.{name}")
    elif isinstance(schema, list):
        for inner in schema:
            yield from _against_schema(inner, place)


def _against_breakpoints(body: Body) -> Iterator[str]:
    lives = [segment.life for segment in segments(body) if segment.life]
    if len(lives) > MOST_BREAKPOINTS:
        yield f"A maximum of {MOST_BREAKPOINTS} blocks with cache_control may be provided. Found {len(lives)}."
    if "1h" in lives[1:] and "5m" in lives[: len(lives) - 1 - lives[::-1].index("1h")]:
        yield "a cache_control block with ttl='1h' must not come after a ttl='5m' one"
    if set(lives) - {"5m", "1h"}:
        yield "cache_control.ttl: must be 5m or 1h"
