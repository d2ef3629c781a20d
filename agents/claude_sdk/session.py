"""What is asked of a session of the SDK and what it shows: plain data, so that all but one module does without the package."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from agents.claude.incoming import Incoming

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from agents.claude.exchange import Block, Usage

SERVER = "rounds"
PREFIX = f"mcp__{SERVER}__"
"""Before the name of each tool, as the model is offered it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One session: what is said at its start, and how far it may go."""

    system: str
    words: str
    tools: tuple[Block, ...]
    """With `name`, `description` and `input_schema`; there are no others."""
    model: str
    effort: str
    """Empty for the model's own default."""
    max_tokens: int
    """Of one reply."""
    max_turns: int
    max_dollars: Decimal | None
    """By the SDK's own prices, and noticed after the call that passed it; None for no cap."""
    seconds: float
    """Wall clock, trials included, after which the session is ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a use of a tool comes to."""

    text: str
    is_error: bool = False
    ends: bool = False
    """Whether the session is to end here, without another call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a session ended, as the SDK tells it."""

    ended: str
    """`completed`, `stopped` (by an answer that ends it), `max_turns`, `max_dollars`, `timeout`, `service` or `refused_request`."""
    message: str = ""
    status: int | None = None
    """Of HTTP, where the service refused a call."""
    usage: Mapping[str, Usage] = field(default_factory=dict)
    """Tokens by model, of all calls that the SDK made; empty where it was ended before it could tell."""


class Listener(Protocol):
    """Whoever holds a session: hears all of it, and acts for its tools."""

    def heard(self, event: Mapping[str, Any]) -> None:
        """Take one event of the stream of a reply, as the Messages API sends it."""
        ...

    def answered(self, results: Sequence[Block]) -> None:
        """Take the blocks with which tools were answered, as they go back to the model."""
        ...

    def failed(self, kind: str, message: str, waited_seconds: float) -> None:
        """Take note of a call that came to nothing and that the SDK makes again by itself."""
        ...

    def use(self, name: str, given: object) -> Answer:
        """Use a tool, named without its prefix; called from any thread, one at a time."""
        ...


class CodingAgent(Protocol):
    """Holds sessions with a language model that uses tools."""

    def hold(self, ask: Ask, listener: Listener) -> Outcome:
        """Hold one session to its end.

        Raises:
            AgentUnusable: The package is missing.
            Exception: What the listener raised.
        """
        ...


@dataclass(slots=True)
class ScriptedCodingAgent:
    """Plays recorded sessions, without package, process or network; uses of tools in them are really made."""

    sessions: list[tuple[list[Mapping[str, Any]], Outcome]]
    """Of each session the events of all its replies, in order, and its end."""
    asks: list[Ask] = field(default_factory=list)
    """What it was asked."""

    def hold(self, ask: Ask, listener: Listener) -> Outcome:
        """Play the next session; one that is ended by an answer ends there."""
        self.asks.append(ask)
        events, outcome = self.sessions.pop(0)
        incoming = Incoming(max_tokens=ask.max_tokens, writes_for_an_hour=False)
        for event in events:
            listener.heard(event)
            incoming.add(event)
            if not incoming.complete:
                continue
            blocks = incoming.reply(seconds=0.0, request_id="").content
            uses = [block for block in blocks if block["type"] == "tool_use"]
            answers = [listener.use(str(use["name"]).removeprefix(PREFIX), use["input"]) for use in uses]
            listener.answered([_result(use, answer) for use, answer in zip(uses, answers, strict=True)])
            if any(answer.ends for answer in answers):
                return replace(outcome, ended="stopped")
            incoming = Incoming(max_tokens=ask.max_tokens, writes_for_an_hour=False)
        return outcome


def _result(use: Block, answer: Answer) -> Block:
    block: Block = {"type": "tool_result", "tool_use_id": use["id"], "content": [{"type": "text", "text": answer.text}]}
    return {**block, "is_error": True} if answer.is_error else block
