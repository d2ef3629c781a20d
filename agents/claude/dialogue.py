"""One conversation with a language model: paid for, journaled call by call, and resumable without paying twice.

A conversation that is begun again for the same study makes the same requests, since all that it is told comes from the study's
folder and what tools answered is journaled too. A request that was answered before is answered from the journal.
"""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from agents.claude.exchange import Fault, Reply, Usage
from agents.claude.journal import ToolResult
from agents.claude.retries import send_patiently
from tasks.domain.conversation import Entry
from tasks.domain.errors import AgentUnusable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agents.claude.exchange import Block, Body, LanguageModel
    from agents.claude.journal import Journal
    from agents.claude.spending import Purse

LONG_CACHE: Mapping[str, str] = {"type": "ephemeral", "ttl": "1h"}
"""For what all rounds of a study share: a round is longer than the five minutes of the usual cache."""
SHORT_CACHE: Mapping[str, str] = {"type": "ephemeral"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """Which model speaks in a role, and how."""

    model: str
    effort: str
    """`low`, `medium`, `high`, ...; empty for the model's own default."""
    max_tokens: int
    """Of one reply, thinking included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What all conversations of one study share."""

    language_model: LanguageModel
    journal: Journal
    purse: Purse
    sleep: Callable[[float], None]
    one_at_a_time: threading.Lock = field(default_factory=threading.Lock)
    """Held from the look into the purse to the note in the journal, so that calls side by side cannot pass a cap together."""


class Dialogue:
    """One conversation: user turns, replies, what tools answered."""

    def __init__(
        self,
        office: Office,
        name: str,
        *,
        voice: Voice,
        system: Sequence[Block],
        tools: Sequence[Block] = (),
        output_schema: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        """Under which it is journaled: `parse`, `initialize`, `round-03`."""
        self._office = office
        self._body: Body = {"model": voice.model, "max_tokens": voice.max_tokens, "system": list(system)}
        if tools:
            self._body["tools"] = list(tools)
        output: dict[str, Any] = {"effort": voice.effort} if voice.effort else {}
        if output_schema is not None:
            output["format"] = {"type": "json_schema", "schema": dict(output_schema)}
        if output:
            self._body["output_config"] = output
        self._messages: list[dict[str, Any]] = []
        entries = office.journal.read(name)
        self._replies = {entry.key: entry for entry in entries if entry.kind == "call"}
        self._results = {entry.key: entry for entry in entries if entry.kind == "result"}
        self._said = {entry.key: entry for entry in entries if entry.kind == "said"}
        self._asked_last = ""
        """Key of the request that was answered last."""

    def say(self, *content: Block | str) -> None:
        """Add to the user's turn that comes next."""
        blocks = [{"type": "text", "text": item} if isinstance(item, str) else item for item in content]
        if self._messages and self._messages[-1]["role"] == "user":
            self._messages[-1]["content"] += blocks
        else:
            self._messages.append({"role": "user", "content": blocks})

    def say_as_before(self, text: str) -> None:
        """Add a text that a run after a kill may put in other words, such as how a training failed: what was said first counts.

        Else the request would be another one, and what was answered would be asked and paid for again.
        """
        key = f"{self._asked_last}:said"
        if key not in self._said:
            self._said[key] = self._note("said", key, {"text": text})
        self.say(str(self._said[key].data["text"]))

    def reply(self) -> Reply:
        """Return the answer to all that was said, from the journal where it was given before.

        Raises:
            SpendingCapReached: The call might pass a cap; it was not made.
            ServiceUnavailable: The service did not answer, however often it was asked.
            AgentUnusable: Key, model or request are refused.
        """
        body = {**self._body, "messages": self._messages, "cache_control": dict(SHORT_CACHE)}
        key = _key(body)
        known = self._replies.get(key)
        reply = _reply_of(known) if known else self._asked(body, key)
        if reply.content:  # one that was cut off within its first thought says nothing, and the API takes no empty turn
            self._messages.append({"role": "assistant", "content": list(reply.content)})
        self._asked_last = key[:16]
        return reply

    def answer(self, tool_use_id: str, result: ToolResult) -> None:
        """Say what a tool answered, and journal it."""
        key = self._result_key(tool_use_id)
        if key not in self._results:
            self._results[key] = self._note("result", key, asdict(result))
        block: Block = {"type": "tool_result", "tool_use_id": tool_use_id, "content": result.text or "(nothing)"}
        self.say({**block, "is_error": True} if result.is_error else block)

    def answered(self, tool_use_id: str) -> ToolResult | None:
        """Return what a tool answered before a kill; None if it is to be run now."""
        known = self._results.get(self._result_key(tool_use_id))
        return ToolResult(**known.data) if known else None

    def _result_key(self, tool_use_id: str) -> str:
        return f"{self._asked_last}:{tool_use_id}"  # an id alone need not be the only one behind every gateway

    def _asked(self, body: Body, key: str) -> Reply:
        office = self._office
        with office.one_at_a_time:
            try:
                reply = send_patiently(
                    office.language_model,
                    body,
                    before_each=lambda: self._note_asked(body, key),
                    on_fault=lambda fault: self._note_fault(body, key, fault),
                    sleep=office.sleep,
                )
            except AgentUnusable as error:
                # Refused, so it cost nothing; without a note it would count as cut off by a kill.
                self._note_fault(body, key, Fault(kind="refused", message=str(error), waited_seconds=0.0))
                raise
            return self._noted(body, key, reply)

    def _note_asked(self, body: Body, key: str) -> None:
        bound = self._office.purse.before_call(self.name, body, self._office.language_model)
        self._note("asked", key, {"model": body["model"], "dollars": str(bound)})

    def _noted(self, body: Body, key: str, reply: Reply) -> Reply:
        dollars = self._office.purse.priced(body["model"], reply.usage)
        data = {**asdict(reply), "request": _new_part(body), "asked_model": body["model"], "dollars": dollars}
        self._replies[key] = self._note("call", key, data)
        return reply

    def _note_fault(self, body: Body, key: str, fault: Fault) -> None:
        dollars = self._office.purse.priced(body["model"], fault.usage)
        self._note("fault", key, {**asdict(fault), "model": body["model"], "dollars": dollars})

    def _note(self, kind: str, key: str, data: Mapping[str, Any]) -> Entry:
        # Through JSON, so that what is used now is what will be read after a kill.
        entry = Entry(kind=kind, key=key, data=json.loads(json.dumps(data)), at=datetime.now(UTC).isoformat())
        self._office.journal.append(self.name, entry)
        return entry


def _new_part(body: Body) -> Body:
    """Return of a request what no earlier one of the conversation said: for the first all, then the last user turn."""
    messages = body["messages"]
    return dict(body) if len(messages) == 1 else {"messages": messages[-1:]}


def _reply_of(entry: Entry) -> Reply:
    data = entry.data
    return Reply(
        content=tuple(data["content"]),
        stop_reason=data["stop_reason"],
        usage=Usage(**data["usage"]),
        model=data["model"],
        request_id=data["request_id"],
        seconds=data["seconds"],
    )


def _key(body: Body) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
