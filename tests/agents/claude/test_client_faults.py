"""Each way in which a call can come to nothing, over real HTTP."""

import traceback

import pytest

from agents.claude.client import LONGEST_MESSAGE, Access, ClaudeClient
from agents.claude.exchange import Fault, Usage
from agents.claude.scripted_replies import (
    dropped_stream,
    overloaded_stream,
    slow,
    status,
    text,
    thinking,
    tool,
)
from agents.claude.scripted_server import ScriptedServer
from tasks.domain.errors import AgentUnusable

KEY = "sk-ant-a-very-secret-key"
BODY = {"model": "claude-opus-5-5", "max_tokens": 1000, "messages": [{"role": "user", "content": "Hello"}]}


def fault_of(script, body=BODY, **access):
    with ScriptedServer(script) as server, ClaudeClient(Access(api_key=KEY, base_url=server.url, **access)) as client:
        fault = client.send(body)
        assert isinstance(fault, Fault), fault
        assert len(server.requests) == 1, "one send is one try"
        assert KEY not in repr(fault)
        return fault, server


@pytest.mark.parametrize("code", [408, 409, 429, 500, 503, 529])
def test_what_may_pass_is_a_fault(code):
    fault, _ = fault_of([status(code, message=f"try again with {KEY}")])
    assert fault.kind == str(code)
    assert "try again with (key)" in fault.message
    assert fault.usage == Usage()


def test_a_fault_tells_how_long_the_server_wants_to_be_left_alone():
    assert fault_of([status(429, retry_after=7)])[0].retry_after_seconds == 7
    assert fault_of([status(429)])[0].retry_after_seconds is None


def test_silence_is_a_timeout():
    fault, _ = fault_of([slow(30, text("late"))], timeout_seconds=0.1)
    assert fault.kind == "timeout"
    assert 0.1 <= fault.seconds < 5


def test_an_answer_that_takes_longer_than_any_may_is_a_timeout():
    fault, _ = fault_of([text("Hello")], longest_seconds=0.0)
    assert fault.kind == "timeout"
    assert fault.usage.input_tokens > 0


def test_a_server_that_is_not_there_is_a_fault():
    with ClaudeClient(Access(api_key=KEY, base_url="http://127.0.0.1:9")) as client:
        fault = client.send(BODY)
    assert fault.kind == "connection"


@pytest.mark.parametrize("after_events", [0, 1, 3, 5])
def test_a_dropped_stream_is_a_fault_that_knows_what_it_may_have_cost(after_events):
    fault, server = fault_of([dropped_stream(text("word " * 100), after_events=after_events)])
    told, billed = fault.usage, server.usage_total
    assert fault.kind == "dropped_stream"
    assert told.prompt == billed.prompt
    assert (told.prompt > 0) == (after_events > 0)
    assert told.output_tokens >= billed.output_tokens
    assert ("estimated from above" in fault.message) == (after_events > 0)


def test_a_stream_that_ends_politely_but_early_is_dropped_all_the_same():
    fault, server = fault_of([dropped_stream(text("word " * 100), after_events=5, politely=True)])
    assert (fault.kind, fault.usage.prompt) == ("dropped_stream", server.usage_total.prompt)


def test_a_stream_that_is_dropped_within_a_tool_call_is_a_fault():
    fault, server = fault_of([dropped_stream(tool("create", text="x" * 500), after_events=8)])
    assert fault.kind == "dropped_stream"
    assert 0 < server.usage_total.output_tokens <= fault.usage.output_tokens


def test_thinking_that_is_not_shown_counts_as_all_that_was_allowed():
    fault, _ = fault_of([dropped_stream(thinking("", text("Hello")), after_events=3)])
    assert fault.usage.output_tokens == BODY["max_tokens"]


def test_a_stream_that_drops_after_its_usage_was_told_is_charged_exactly():
    whole = text("Hello there")
    fault, _ = fault_of([dropped_stream(whole, after_events=6)])
    assert fault.usage.output_tokens == 4
    assert "estimated" not in fault.message


def test_an_error_within_a_stream_has_the_status_of_its_type():
    fault, server = fault_of([overloaded_stream(text("word " * 100), after_events=4)])
    assert fault.kind == "529"
    assert fault.usage.prompt == server.usage_total.prompt > 0


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (401, "the key for the language model is refused"),
        (403, "the key for the language model is refused"),
        (404, "the model 'claude-opus-5-5' is not known there"),
        (400, "the language model refuses the request"),
        (413, "the language model refuses the request"),
    ],
)
def test_what_will_not_pass_is_an_error_that_holds_no_key(code, words):
    message = f"because of {KEY} " + "and so on " * 1000
    with (
        ScriptedServer([status(code, message=message)]) as server,
        ClaudeClient(Access(api_key=KEY, base_url=server.url)) as client,
        pytest.raises(AgentUnusable, match=words) as caught,
    ):
        client.send(BODY)
    assert "because of (key)" in str(caught.value)
    assert len(str(caught.value)) < LONGEST_MESSAGE + 100
    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_the_server_refuses_a_wrong_key_and_an_unknown_model_by_itself():
    with ScriptedServer([text("Hello")], key="another", models={"claude-opus-5-5"}) as server:
        with (
            ClaudeClient(Access(api_key=KEY, base_url=server.url)) as client,
            pytest.raises(AgentUnusable, match="refused"),
        ):
            client.send(BODY)
        with (
            ClaudeClient(Access(api_key="another", base_url=server.url)) as client,
            pytest.raises(AgentUnusable, match="claude-99"),
        ):
            client.send({**BODY, "model": "claude-99"})
        assert server.usage_total == Usage()


def test_a_script_that_has_ended_says_so():
    with (
        ScriptedServer([]) as server,
        ClaudeClient(Access(api_key=KEY, base_url=server.url)) as client,
        pytest.raises(AgentUnusable, match="the script has ended"),
    ):
        client.send(BODY)


def test_the_key_is_not_shown_with_the_access():
    assert KEY not in repr(Access(api_key=KEY))
