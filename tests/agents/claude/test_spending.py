"""What was spent, to the last token of the server's own bill, and the caps that stop a study before they are passed."""

from dataclasses import asdict
from decimal import Decimal

import pytest

from agents.claude.client import Access, ClaudeClient
from agents.claude.dialogue import Dialogue, Office, Voice
from agents.claude.exchange import Reply, ScriptedLanguageModel, Usage
from agents.claude.journal import MemoryJournal
from agents.claude.prices import Price, Prices, Rates, load_prices
from agents.claude.retries import send_patiently
from agents.claude.scripted_replies import dropped_stream, status, text, thinking, tool
from agents.claude.scripted_server import ScriptedServer
from agents.claude.spending import Caps, Purse, all_priced
from tasks.domain.conversation import Entry
from tasks.domain.errors import AgentUnusable, SpendingCapReached

PRICES = load_prices()
MODEL = "claude-opus-5-5"


class Counting(MemoryJournal):
    """Counts how often all of it is read."""

    readings = 0

    def all(self):
        self.readings += 1
        return super().all()


def asking(words, *, max_tokens=1000, cached=True):
    control = {"cache_control": {"type": "ephemeral", "ttl": "1h"}} if cached else {}
    system = [{"type": "text", "text": "The house rules. " * 200, **control}]
    return {
        "model": MODEL,
        "max_tokens": max_tokens,
        "system": system,
        "messages": [{"role": "user", "content": words}],
    }


def spend(purse, journal, client, conversation, body):
    """Ask as a conversation does: capped, patient, journaled."""
    reply = send_patiently(
        client,
        body,
        before_each=lambda: purse.before_call(conversation, body, client),
        on_fault=lambda fault: journal.append(
            conversation, Entry(kind="fault", key="", data={**asdict(fault), "model": body["model"]})
        ),
        sleep=lambda _: None,
    )
    data = {**asdict(reply), "asked_model": body["model"]}
    journal.append(conversation, Entry(kind="call", key="", data=data))
    return reply


def call(model=MODEL, *, seconds=1.0, **usage):
    return Entry(kind="call", key="", data={"model": model, "usage": usage, "seconds": seconds})


def test_recorded_tokens_and_dollars_are_those_of_the_server():
    script = [
        thinking("Hm.", tool("view", path="train.py")),
        status(529),
        text("word " * 50),
        status(429, retry_after=1),
        text("Done."),
        text("Hello"),
    ]
    journal = MemoryJournal()
    with ScriptedServer(script) as server, ClaudeClient(Access(api_key="k", base_url=server.url)) as client:
        purse = Purse(PRICES, Caps(), journal)
        for conversation, words in (("parse", "one"), ("round-01", "two"), ("round-01", "three"), ("round-02", "four")):
            assert isinstance(spend(purse, journal, client, conversation, asking(words)), Reply)
        spent = purse.spent()
    assert spent.usage == server.usage_total
    assert spent.usage.cache_read_tokens > spent.usage.cache_write_1h_tokens > 500
    assert spent.dollars == server.dollars(PRICES) > 0
    assert (spent.calls, spent.faults) == (4, 2)
    parts = [purse.spent(name) for name in ("parse", "round-01", "round-02")]
    assert sum((part.dollars for part in parts), Decimal(0)) == spent.dollars
    assert Purse(PRICES, Caps(), journal).spent() == spent, "a resumed study knows what it spent"


def test_a_dropped_stream_is_paid_for_and_never_with_less_than_the_server_takes():
    script = [dropped_stream(text("word " * 50), after_events=9), text("Done.")]
    journal = MemoryJournal()
    with ScriptedServer(script) as server, ClaudeClient(Access(api_key="k", base_url=server.url)) as client:
        purse = Purse(PRICES, Caps(), journal)
        spend(purse, journal, client, "round-01", asking("one"))
    assert purse.spent().usage.prompt == server.usage_total.prompt
    assert purse.spent().dollars > server.dollars(PRICES) > 0


@pytest.mark.parametrize(
    ("caps", "scope"),
    [
        (Caps(study_dollars=Decimal("0.02")), "study"),
        (Caps(conversation_dollars=Decimal("0.02")), "round"),
    ],
)
def test_a_cap_stops_before_the_call_that_might_pass_it(caps, scope):
    journal = MemoryJournal()
    with ScriptedServer([]) as server, ClaudeClient(Access(api_key="k", base_url=server.url)) as client:
        purse = Purse(PRICES, caps, journal)
        with pytest.raises(SpendingCapReached, match=r"might cost up to \$0\.0\d; \$0\.02 of the") as caught:
            spend(purse, journal, client, "round-01", asking("one"))
        assert not server.requests
    assert caught.value.scope == scope


def test_a_study_under_a_cap_never_passes_it():
    cap = Decimal("0.10")
    journal = MemoryJournal()
    with (
        ScriptedServer(lambda _: text("word " * 100)) as server,
        ClaudeClient(Access(api_key="k", base_url=server.url)) as client,
    ):
        purse = Purse(PRICES, Caps(study_dollars=cap), journal)
        for number in range(100):
            try:
                spend(purse, journal, client, f"round-{number:02}", asking(str(number)))
            except SpendingCapReached:
                break
        assert 3 < len(server.requests) < 100
        assert cap / 2 < server.dollars(PRICES) <= cap


def test_a_round_that_is_over_its_cap_leaves_the_next_one_free():
    journal = MemoryJournal()
    journal.append("round-01", call(output_tokens=10_000))
    purse = Purse(PRICES, Caps(conversation_dollars=Decimal("0.20"), study_dollars=Decimal(5)), journal)
    body = asking("one", cached=False)
    with ScriptedServer([]) as server, ClaudeClient(Access(api_key="k", base_url=server.url)) as client:
        with pytest.raises(SpendingCapReached, match=r"nothing of the round's \$0\.20 is left"):
            purse.before_call("round-01", body, client)
        purse.before_call("round-02", body, client)


def test_the_server_is_asked_to_count_only_where_the_cheap_bound_is_too_much():
    body = asking("word " * 2000, max_tokens=10, cached=False)  # ~13,000 bytes, ~3,400 tokens
    with ScriptedServer([]) as server, ClaudeClient(Access(api_key="k", base_url=server.url)) as client:
        Purse(PRICES, Caps(study_dollars=Decimal(1)), MemoryJournal()).before_call("parse", body, client)
        assert not server.counted
        Purse(PRICES, Caps(study_dollars=Decimal("0.02")), MemoryJournal()).before_call("parse", body, client)
        assert len(server.counted) == 1


def test_time_is_capped_too():
    journal = MemoryJournal()
    for seconds in (40, 30):
        journal.append("round-01", call(seconds=seconds, output_tokens=1))
    with ClaudeClient(Access(api_key="k")) as client:
        Purse(PRICES, Caps(study_seconds=111), journal).before_call("round-02", asking("one"), client)
        with pytest.raises(SpendingCapReached, match="worked 70 of the study's 110 seconds"):
            Purse(PRICES, Caps(study_seconds=110), journal).before_call("round-02", asking("one"), client)
        with pytest.raises(SpendingCapReached, match="the round's 90 seconds"):
            Purse(PRICES, Caps(conversation_seconds=90), journal).before_call("round-01", asking("one"), client)
        Purse(PRICES, Caps(conversation_seconds=90), journal).before_call("round-02", asking("one"), client)


def test_the_journal_is_read_as_a_whole_once():
    journal = Counting()
    journal.append("parse", call(output_tokens=1000))
    purse = Purse(PRICES, Caps(study_dollars=Decimal(5)), journal)
    with ClaudeClient(Access(api_key="k")) as client:
        for number in range(5):
            purse.before_call(f"round-{number}", asking("one"), client)
            journal.append(f"round-{number}", call(output_tokens=1000))
    assert purse.spent().dollars == Decimal("0.12")
    assert purse.spent("round-3").dollars == Decimal("0.02")
    assert journal.readings == 1


def test_results_of_tools_cost_nothing():
    journal = MemoryJournal()
    journal.append("round-01", Entry(kind="result", key="toolu_1", data={"text": "lr = 0.1", "is_error": False}))
    assert Purse(PRICES, Caps(), journal).spent().dollars == 0


def test_a_model_without_a_price_is_not_asked():
    body = {**asking("one"), "model": "claude-unheard-of"}
    with (
        ClaudeClient(Access(api_key="k")) as client,
        pytest.raises(AgentUnusable, match="no price is known"),
    ):
        Purse(PRICES, Caps(), MemoryJournal()).before_call("parse", body, client)


def test_what_a_call_cost_does_not_change_with_the_price_list():
    journal = MemoryJournal()
    usage = Usage(input_tokens=1_000_000)
    data = {"model": MODEL, "usage": asdict(usage), "dollars": Purse(PRICES, Caps(), journal).priced(MODEL, usage)}
    journal.append("round-01", Entry(kind="call", key="a", data=data))
    journal.append("round-01", Entry(kind="fault", key="b", data={**data, "kind": "529"}))
    rates = Rates(
        input=Decimal(9), output=Decimal(9), cache_write_5m=Decimal(9), cache_write_1h=Decimal(9), cache_read=Decimal(9)
    )
    for prices in (PRICES, Prices({MODEL: Price(rates=rates)}), Prices({})):
        assert Purse(prices, Caps(), journal).spent().dollars == 8
    assert all_priced(journal)
    journal.append("round-01", call(input_tokens=5))
    assert not all_priced(journal)


def test_a_call_that_a_kill_cut_off_counts_with_its_bound_and_is_asked_again_beside_it():
    journal = MemoryJournal()
    asked = Entry(kind="asked", key="a", data={"model": MODEL, "dollars": "0.5"})
    spent = Entry(kind="call", key="a", data={"model": MODEL, "usage": {}, "dollars": "0.25"})
    for entry, dollars in ((asked, "0.5"), (asked, "1.0"), (spent, "0.75"), (asked, "1.25"), (spent, "1.0")):
        journal.append("round-01", entry)
        assert Purse(PRICES, Caps(), journal).spent().dollars == Decimal(dollars)


def test_a_call_is_announced_before_it_is_made():
    class Killed(ScriptedLanguageModel):
        def send(self, body):
            raise KeyboardInterrupt

    journal = MemoryJournal()
    purse = Purse(PRICES, Caps(), journal)

    def dialogue(model):
        office = Office(language_model=model, journal=journal, purse=purse, sleep=lambda _: None)
        voice = Voice(model=MODEL, effort="", max_tokens=1000)
        begun = Dialogue(office, "round-01", voice=voice, system=[{"type": "text", "text": "Be brief."}])
        begun.say("Begin.")
        return begun

    with pytest.raises(KeyboardInterrupt):
        dialogue(Killed()).reply()
    (asked,) = journal.read("round-01")
    assert asked.kind == "asked"
    assert purse.spent().dollars == Decimal(asked.data["dollars"]) >= Decimal("0.02")
    usage = Usage(input_tokens=100, output_tokens=10)
    dialogue(ScriptedLanguageModel(Reply(content=(), stop_reason="end_turn", usage=usage, model=MODEL))).reply()
    cost = (100 * Decimal(4) + 10 * Decimal(20)) / 1_000_000
    assert Decimal(journal.read("round-01")[-1].data["dollars"]) == cost
    assert purse.spent("round-01").dollars == Decimal(asked.data["dollars"]) + cost


def test_a_key_that_is_refused_costs_nothing():
    class Refusing(ScriptedLanguageModel):
        def send(self, body):
            raise AgentUnusable("the key is refused")

    journal = MemoryJournal()
    purse = Purse(PRICES, Caps(), journal)
    office = Office(language_model=Refusing(), journal=journal, purse=purse, sleep=lambda _: None)
    refused = Dialogue(office, "round-01", voice=Voice(model=MODEL, effort="", max_tokens=1000), system=[])
    refused.say("Begin.")
    with pytest.raises(AgentUnusable, match="refused"):
        refused.reply()
    assert purse.spent().dollars == 0
    assert [entry.kind for entry in journal.read("round-01")] == ["asked", "fault"]
