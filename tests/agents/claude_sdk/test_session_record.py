"""The journal of a session that does not go as planned."""

from __future__ import annotations

from decimal import Decimal

import pytest

from agents.claude import scripted_replies as replies
from agents.claude.exchange import Usage
from agents.claude.journal import MemoryJournal
from agents.claude.prices import load_prices
from agents.claude.scripted_events import events, message
from agents.claude.spending import Caps, Purse
from agents.claude_sdk.offered_tools import offered_tools
from agents.claude_sdk.record import Record
from agents.claude_sdk.session import Ask, Outcome
from tasks.domain.errors import AgentUnusable

ASK = Ask(
    system="be brief", words="begin", tools=offered_tools(), model="claude-opus-5-5", effort="", max_tokens=500, max_turns=3,
    max_dollars=None, seconds=60.0,
)  # fmt: skip
USAGE = Usage(input_tokens=100, output_tokens=10)
PURSE = Purse(load_prices(), Caps(), MemoryJournal())


def shown(reply: replies.ScriptedReply) -> list[dict[str, object]]:
    return [{"type": name, **data} for name, data in events(message(reply, {"model": ASK.model}, USAGE))]


def test_a_reply_that_broke_off_is_a_fault_with_what_it_may_have_cost() -> None:
    journal = MemoryJournal()
    record = Record(journal, "round-01", ASK, priced=PURSE.priced)
    *begun, _, stop = shown(replies.text("one two three four five six seven"))
    for event in [*begun, stop]:  # as the SDK's program shows one
        record.heard(event)
    record.failed("529", "It failed: overloaded.", 0.5)
    for event in shown(replies.text("done")):
        record.heard(event)
    record.end(Outcome(ended="completed"))
    fault, call = journal.read("round-01")
    assert (fault.kind, fault.data["kind"], fault.data["waited_seconds"]) == ("fault", "529", 0.5)
    assert fault.data["usage"]["input_tokens"] == 100
    assert fault.data["usage"]["output_tokens"] >= 33
    assert (call.kind, call.data["content"][0]["text"]) == ("call", "done")


def test_what_the_sdk_turns_down_before_a_reply_is_whole_is_told_after_it() -> None:
    journal = MemoryJournal()
    record = Record(journal, "round-01", ASK, priced=PURSE.priced)
    *most, last = shown(replies.tool("Bash", command="id"))
    for event in most:
        record.heard(event)
    record.answered([{"type": "tool_result", "tool_use_id": "t1", "content": "No such tool", "is_error": True}])
    record.heard(last)
    for event in shown(replies.text("done")):
        record.heard(event)
    assert [entry.kind for entry in journal.read("round-01")] == ["call", "result", "call"]
    assert [turn["role"] for turn in record.body["messages"]] == ["user", "assistant", "user", "assistant"]
    assert journal.read("round-01")[2].data["request"] == {"messages": record.body["messages"][2:3]}


def test_a_call_that_the_sdk_makes_again_counts_with_its_bound_until_it_is_shown() -> None:
    journal = MemoryJournal()
    record = Record(journal, "round-01", ASK, priced=PURSE.priced)
    record.asked(Decimal("0.5"))
    record.asked(Decimal("0.6"))  # with the second of two tools that are used at once
    record.failed("529", "It failed: overloaded.", 0.5)
    assert [entry.kind for entry in journal.read("round-01")] == ["asked", "fault", "asked"]
    assert Purse(load_prices(), Caps(), journal).spent().dollars == Decimal("0.6")
    for event in shown(replies.text("done")):
        record.heard(event)
    once = (100 * Decimal(4) + 10 * Decimal(20)) / 1_000_000
    assert Purse(load_prices(), Caps(), journal).spent().dollars == once
    assert record.announced == 0


def test_a_call_that_was_announced_and_not_made_costs_nothing_and_one_of_which_nobody_knows_does() -> None:
    for ended, dollars in (("max_turns", Decimal(0)), ("refused_request", Decimal(0)), ("service", Decimal("0.5"))):
        journal = MemoryJournal()
        record = Record(journal, "round-01", ASK, priced=PURSE.priced)
        record.asked(Decimal("0.5"))
        record.end(Outcome(ended=ended))
        assert Purse(load_prices(), Caps(), journal).spent().dollars == dollars


def test_a_model_of_the_sdk_that_has_no_price_keeps_its_tokens_and_is_told_when_they_are_summed() -> None:
    journal = MemoryJournal()
    record = Record(journal, "round-01", ASK, priced=PURSE.priced)
    record.end(Outcome(ended="completed", usage={"claude-unheard-of": USAGE}))
    (call,) = journal.read("round-01")
    assert call.data["usage"]["input_tokens"] == 100
    with pytest.raises(AgentUnusable, match="no price is known for the model 'claude-unheard-of'"):
        Purse(load_prices(), Caps(), journal).spent()
