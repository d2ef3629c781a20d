"""The real SDK against the scripted server: what goes out, what comes back."""

import subprocess
import sys

from agents.claude.client import Access, ClaudeClient
from agents.claude.exchange import Reply
from agents.claude.incoming import UNREADABLE
from agents.claude.scripted_replies import cut_off, refusal, text, thinking, tool, tools
from agents.claude.scripted_server import ScriptedServer

MODEL = "claude-opus-5-5"


def asking(words="Hello", **more):
    return {"model": MODEL, "max_tokens": 1000, "messages": [{"role": "user", "content": words}], **more}


def sent(script, body):
    with ScriptedServer(script) as server, ClaudeClient(Access(api_key="sesame", base_url=server.url)) as client:
        reply = client.send(body)
        assert isinstance(reply, Reply), reply
        return reply, server


def test_a_reply_is_put_together_from_its_pieces():
    words = "A long reply with “quotes”, umlauts like ü and a line\nbreak, in pieces of a few characters each."
    reply, server = sent([text(words)], asking())
    assert reply.content == ({"type": "text", "text": words},)
    assert (reply.stop_reason, reply.model, reply.request_id) == ("end_turn", MODEL, "req_scripted")
    assert reply.usage == server.usage_total
    assert reply.usage.output_tokens > 10
    assert 0 < reply.seconds < 10


def test_the_request_is_streamed_with_the_key_as_bearer():
    _, server = sent([text("Hello")], asking())
    (request,) = server.requests
    assert request.body["stream"] is True
    assert request.headers["authorization"] == "Bearer sesame"
    assert request.headers["anthropic-version"]


def test_thoughts_go_back_as_they_came_and_tool_calls_are_answered():
    call = thinking("I should look first.", tools(text("Let me see."), tool("view", path="train.py", lines=[1, 20])))
    with (
        ScriptedServer([call, text("Done.")]) as server,
        ClaudeClient(Access(api_key="k", base_url=server.url)) as client,
    ):
        first = client.send(asking())
        thought, _, use = first.content
        assert thought["thinking"] == "I should look first."
        assert thought["signature"]
        assert use["input"] == {"path": "train.py", "lines": [1, 20]}
        result = {"type": "tool_result", "tool_use_id": use["id"], "content": "lr = 0.1"}
        turns = [
            *asking()["messages"],
            {"role": "assistant", "content": list(first.content)},
            {"role": "user", "content": [result]},
        ]
        second = client.send({**asking(), "messages": turns})
    assert second.content == ({"type": "text", "text": "Done."},)


def test_a_tool_call_cut_by_max_tokens_comes_back_marked_as_unreadable():
    reply, _ = sent([cut_off("create", path="train.py", text="lr = 0.1\n" * 20)], asking())
    (use,) = reply.content
    assert reply.stop_reason == "max_tokens"
    assert list(use["input"]) == [UNREADABLE]
    assert use["input"][UNREADABLE].startswith('{"path": "train.py", "text": "lr')


def test_a_tool_call_without_input_has_an_empty_one():
    reply, _ = sent([tool("propose")], asking())
    assert reply.content[0]["input"] == {}


def test_a_refusal_is_a_reply():
    reply, _ = sent([refusal()], asking())
    assert (reply.stop_reason, reply.content) == ("refusal", ())


def test_the_server_counts_a_prompt_for_free():
    with ScriptedServer([]) as server, ClaudeClient(Access(api_key="k", base_url=server.url)) as client:
        tokens = client.count(asking("Hello " * 100, system=[{"type": "text", "text": "Be brief."}]))
    assert 140 < tokens < 200
    assert not server.requests
    assert len(server.counted) == 1


def test_a_count_that_fails_is_none():
    with ClaudeClient(Access(api_key="k", base_url="http://127.0.0.1:9", timeout_seconds=1)) as client:
        assert client.count(asking()) is None


def test_the_playbook_does_without_the_sdk():
    code = "import sys, agents.claude.client, agents.claude.spending, agents.playbook.developer; sys.exit('anthropic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
