"""Patience: how often, how long, and what a person is told when it ends."""

from agents.claude.client import Access, ClaudeClient
from agents.claude.exchange import Fault, Reply, Usage
from agents.claude.retries import TRIES, send_patiently
from agents.claude.scripted_replies import status, text
from agents.claude.scripted_server import ScriptedServer
from tasks.domain.errors import ServiceUnavailable, SpendingCapReached

BODY = {"model": "claude-opus-5-5", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}


def patiently(script, *, before_each=lambda: None):
    faults: list[Fault] = []
    waits: list[float] = []
    try:
        with ScriptedServer(script) as server, ClaudeClient(Access(api_key="k", base_url=server.url)) as client:
            reply: Reply | Exception = send_patiently(
                client, BODY, before_each=before_each, on_fault=faults.append, sleep=waits.append
            )
    except (ServiceUnavailable, SpendingCapReached) as error:
        reply = error
    return reply, faults, waits, server


def test_an_overloaded_service_is_asked_again_later_and_later():
    reply, faults, waits, server = patiently([status(529), status(500), status(503), text("Hello")])
    assert reply.content[0]["text"] == "Hello"
    assert waits == [2, 4, 8]
    assert [fault.kind for fault in faults] == ["529", "500", "503"]
    assert [fault.waited_seconds for fault in faults] == waits
    assert len(server.requests) == 4


def test_the_server_says_how_long_to_wait_up_to_a_minute():
    _, _, waits, _ = patiently([status(429, retry_after=20), status(429, retry_after=3600), text("Hello")])
    assert waits == [20, 60]


def test_a_service_that_stays_away_ends_with_a_word_on_how_to_go_on():
    error, faults, waits, server = patiently([status(529, message="Overloaded")] * 10)
    assert isinstance(error, ServiceUnavailable)
    assert "Overloaded" in str(error)
    assert "`rounds resume`" in str(error)
    assert len(server.requests) == len(faults) == TRIES
    assert len(waits) == TRIES - 1, "nobody waits for nothing"
    assert faults[-1].waited_seconds == 0
    assert server.usage_total == Usage()


def test_a_cap_stops_a_retry_too():
    asked = []

    def cap():
        asked.append(1)
        if len(asked) == 3:
            raise SpendingCapReached("enough", scope="round")

    error, faults, _, server = patiently([status(500)] * 10, before_each=cap)
    assert isinstance(error, SpendingCapReached)
    assert len(server.requests) == len(faults) == 2
