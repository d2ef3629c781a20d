"""What goes to a language model and what comes back, and who carries it: the protocol that the client and its fakes keep."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

Body = dict[str, Any]
"""A request of the Messages API, as its documentation names the fields: `model`, `system`, `messages`, `tools`, ..."""
Block = dict[str, Any]
"""A content block of the Messages API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of calls, as the API counts them; each token is in one of these."""

    input_tokens: int = 0
    """Neither read from nor written to the cache."""
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    cache_read_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(**{item.name: getattr(self, item.name) + getattr(other, item.name) for item in fields(Usage)})

    @property
    def prompt(self) -> int:
        """Return the tokens of the prompt, cached ones too."""
        return self.input_tokens + self.cache_write_5m_tokens + self.cache_write_1h_tokens + self.cache_read_tokens

    @property
    def total(self) -> int:
        """Return all tokens."""
        return self.prompt + self.output_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer of a language model."""

    content: tuple[Block, ...]
    """Blocks exactly as the API sent them; they go back unchanged, since thinking blocks are bound to the conversation."""
    stop_reason: str
    """`end_turn`, `tool_use`, `max_tokens`, `refusal`, ..."""
    usage: Usage
    model: str
    request_id: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A call that came to nothing, and what was done about it."""

    kind: str
    """`429`, `500`, `529`, `timeout`, `connection`, `dropped_stream`, ..."""
    message: str
    """Bounded; holds no key."""
    waited_seconds: float
    """Before the next try; 0 for the last one."""
    usage: Usage = field(default_factory=Usage)
    """What it may have cost all the same: at least what the server told before the stream broke."""
    seconds: float = 0.0
    """That the try took."""
    retry_after_seconds: float | None = None
    """How long the server asked to be left alone; None where it did not say."""


class LanguageModel(Protocol):
    """Carries one request to a language model; tries again what may succeed."""

    def send(self, body: Mapping[str, Any]) -> Reply | Fault:
        """Return the answer to a request, or the fault with which one try ended and that may pass by itself.

        Raises:
            AgentUnusable: Trying again is no use: the key is refused, the model is unknown, the request is not valid.
        """
        ...

    def count(self, body: Mapping[str, Any]) -> int | None:
        """Return the tokens of a request's prompt as the server counts them, for free; None where it does not count."""
        ...


class ScriptedLanguageModel:
    """Gives written replies in their order, without any network; for tests of what is made of replies."""

    def __init__(self, *replies: Reply | Fault) -> None:
        self.bodies: list[Body] = []
        """What it was asked."""
        self._replies = iter(replies)

    def send(self, body: Mapping[str, Any]) -> Reply | Fault:
        """Return the next reply of the script, whatever was asked."""
        self.bodies.append(copy.deepcopy(dict(body)))
        return next(self._replies)

    def count(self, body: Mapping[str, Any]) -> int | None:
        """Return a token for every four bytes."""
        return len(json.dumps(dict(body))) // 4
