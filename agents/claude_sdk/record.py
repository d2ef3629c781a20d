"""The journal of a session, made from what the SDK shows of it: the same entries that a conversation of our own leaves."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from agents.claude.exchange import Fault, Reply, Usage
from agents.claude.incoming import Incoming
from tasks.domain.conversation import Entry
from tasks.domain.errors import AgentUnusable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agents.claude.exchange import Block, Body
    from agents.claude.journal import Journal, ToolResult
    from agents.claude_sdk.session import Ask, Outcome

UNSEEN = "(The SDK counts tokens beyond the calls that it showed.)"
CUT_OFF = "The answer stopped before its end."
NOT_MADE = "The session ended before the call was made, or with it."
NOTHING_UNDER_WAY = frozenset({"completed", "max_turns", "max_dollars", "refused_request"})
"""Ends of a session that come between calls, or with one that was turned down."""


class Record:
    """Notes calls, results and faults of one session as they are shown."""

    def __init__(
        self,
        journal: Journal,
        conversation: str,
        ask: Ask,
        *,
        priced: Callable[[str, Usage], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.body: Body = {
            "model": ask.model,
            "max_tokens": ask.max_tokens,
            "system": [{"type": "text", "text": ask.system}],
            "tools": list(ask.tools),
            "messages": [{"role": "user", "content": [{"type": "text", "text": ask.words}]}],
            "cache_control": {"type": "ephemeral"},
        }
        """All that was said so far, as far as it is shown; a request of the SDK also holds a few sentences of its own."""
        self.last: Reply | None = None
        """The last whole reply."""
        self.made: list[ToolResult] = []
        """What our tools answered and the model was not shown to be told yet."""
        self.announced = Decimal(0)
        """Dollars that stand in the journal for the call that is under way or about to be made."""
        self._bound = Decimal(0)
        self._journal, self._conversation, self._priced = journal, conversation, priced
        self._clock, self._since = clock, clock()
        self._key = _hash(self.body)
        self._incoming: Incoming | None = None
        self._early: list[Block] = []
        self._kept = ""
        self._new: Body = dict(self.body)
        self._turns = sum(entry.kind == "call" for entry in journal.read(conversation))
        self._counted: dict[str, Usage] = {}

    def asked(self, bound: Decimal) -> None:
        """Note, once a call, that the SDK is about to make one, with the dollars that it can cost at most."""
        self._bound = bound
        if not self.announced:
            self.announced = bound
            self._note("asked", self._key, {"model": self.body["model"], "dollars": str(bound)})

    def heard(self, event: Mapping[str, Any]) -> None:
        """Take one event of the stream of a reply."""
        if event["type"] == "message_start":
            self._break_off()
            self._asked_again()  # after a stream that broke off the SDK does so without a word
            self._incoming = Incoming(max_tokens=self.body["max_tokens"], writes_for_an_hour=True)
        if self._incoming is None:
            return
        self._incoming.add(event)
        # The SDK's program ends a broken stream as if it were whole, but for the event that tells what was written.
        if self._incoming.complete and not self._incoming.output_is_estimated:
            self._note_call(self._incoming)
            self._incoming = None
            early, self._early = self._early, []
            self.answered(early)

    def answered(self, results: Sequence[Block]) -> None:
        """Take blocks with which tools were answered, as they go back to the model."""
        if self._incoming is not None:  # what the SDK turns down by itself it answers before the reply is whole
            self._early += results
            return
        for block in results:
            self._result(
                str(block["tool_use_id"]), _text_of(block.get("content")), is_error=bool(block.get("is_error"))
            )
        self._since = self._clock()

    def failed(self, kind: str, message: str, waited_seconds: float) -> None:
        """Note a call that came to nothing."""
        self._break_off(kind=kind, message=message, waited_seconds=waited_seconds, always=True)
        self._asked_again()

    def end(self, outcome: Outcome) -> None:
        """Note what was under way, and the tokens that the SDK counts beyond what it showed: all of them are paid."""
        self._break_off()
        for model, usage in outcome.usage.items():
            rest = _beyond(usage, self._counted.get(model, Usage()))
            if rest.total:
                content: tuple[Block, ...] = ({"type": "text", "text": UNSEEN},)
                reply = Reply(content=content, stop_reason="end_turn", usage=rest, model=model)
                data = {**asdict(reply), "request": {"messages": []}, "asked_model": model}
                self._note_paid("call", _hash([self._key, model]), data, model, rest)
        # Its usage told or its request refused, no call is under way; what was announced is taken back.
        if self.announced and (outcome.usage or outcome.status or outcome.ended in NOTHING_UNDER_WAY):
            self._break_off(kind="not_made", message=NOT_MADE, always=True)

    def most_prompt_tokens(self) -> int | None:
        """Return a bound on the prompt of the next call, from what the server counted for the last; None before the first."""
        told = len(json.dumps([self._new, [item.text for item in self.made]]).encode())
        return None if self.last is None else self.last.usage.total + told

    def keep(self, tool: str, text: str, handed_in: Mapping[str, Any]) -> None:
        """Note the use of a tool that ends the round, with what it handed in, so that after a kill it need not be paid for again."""
        content = self.last.content if self.last else ()
        self._kept = next((str(block["id"]) for block in content if block.get("name") == tool), tool)
        data = {"text": text, "is_error": False, "seconds": 0.0, **handed_in}
        self._note("result", f"{self._turns}:{self._kept}", data)

    def _asked_again(self) -> None:
        if self._bound:
            self.asked(self._bound)

    def _result(self, tool_use_id: str, text: str, *, is_error: bool) -> None:
        made = next((item for item in self.made if item.text == text), None)  # none for what the SDK turned down
        if made:
            self.made.remove(made)
        if tool_use_id != self._kept:
            data = {"text": text, "is_error": is_error, "seconds": made.seconds if made else 0.0}
            self._note("result", f"{self._turns}:{tool_use_id}", data)
        block = {"type": "tool_result", "tool_use_id": tool_use_id, "content": text or "(nothing)"}
        self._say({**block, "is_error": True} if is_error else block)

    def _note_call(self, incoming: Incoming) -> None:
        now = self._clock()
        reply = incoming.reply(seconds=now - self._since, request_id="")
        self._since, self.last = now, reply
        self._turns += 1
        self._key = _hash([self._key, self._new])
        asked = self.body["model"]
        self._counted[asked] = self._counted.get(asked, Usage()) + reply.usage
        data = {**asdict(reply), "request": self._new, "asked_model": asked}
        self._note_paid("call", self._key, data, asked, reply.usage)
        self.body["messages"].append({"role": "assistant", "content": list(reply.content)})
        self._new = {"messages": []}

    def _break_off(
        self, *, kind: str = "dropped_stream", message: str = CUT_OFF, waited_seconds: float = 0.0, always: bool = False
    ) -> None:
        """Note what came of a call that did not end."""
        if self._incoming is None and not always:
            return
        usage = self._incoming.usage if self._incoming else Usage()
        now, self._incoming = self._clock(), None
        fault = Fault(kind=kind, message=message, waited_seconds=waited_seconds, usage=usage, seconds=now - self._since)
        self._since = now
        asked = self.body["model"]
        self._counted[asked] = self._counted.get(asked, Usage()) + usage
        self._note_paid("fault", self._key, {**asdict(fault), "model": asked}, asked, usage)

    def _say(self, block: Block) -> None:
        for messages in (self.body["messages"], self._new["messages"]):
            if not messages or messages[-1]["role"] != "user":
                messages.append({"role": "user", "content": []})
            messages[-1]["content"].append(block)

    def _note_paid(self, kind: str, key: str, data: Mapping[str, Any], model: str, usage: Usage) -> None:
        """Note a call that ended, with its dollars; without them where the SDK asked a model that no price is known for."""
        self.announced = Decimal(0)
        with contextlib.suppress(AgentUnusable):  # raised again, with what to do about it, when it is summed
            data = {**data, "dollars": self._priced(model, usage)}
        self._note(kind, key, data)

    def _note(self, kind: str, key: str, data: Mapping[str, Any]) -> None:
        entry = Entry(kind=kind, key=key, data=json.loads(json.dumps(data)), at=datetime.now(UTC).isoformat())
        self._journal.append(self._conversation, entry)


def _beyond(told: Usage, seen: Usage) -> Usage:
    """Return the tokens that were told and not seen; none where more was seen, since each is then noted already."""
    return Usage(**{name: max(0, count - asdict(seen)[name]) for name, count in asdict(told).items()})


def _text_of(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(str(block.get("text", "")) for block in content)
    return str(content or "")


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
