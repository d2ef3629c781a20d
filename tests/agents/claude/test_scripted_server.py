"""The scripted server refuses what the API refuses, and does what its script says."""

import json
import threading
import urllib.error
import urllib.request

import pytest

from agents.claude.client import Access, ClaudeClient
from agents.claude.exchange import Fault, Usage
from agents.claude.scripted_replies import text, tool
from agents.claude.scripted_rules import complaint
from agents.claude.scripted_server import ScriptedServer

CALL = {"type": "tool_use", "id": "toolu_1", "name": "view", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "lr = 0.1"}
WORDS = {"type": "text", "text": "Hello"}
SHORT, LONG = {"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}


def turns(*contents):
    return [
        {"role": "assistant" if number % 2 else "user", "content": list(content)}
        for number, content in enumerate(contents)
    ]


def asking(*contents, **more):
    return {"model": "claude-opus-5-5", "max_tokens": 100, "messages": turns(*(contents or ([WORDS],))), **more}


def schema(**more):
    form = {"type": "object", "properties": {"minimum": {"type": "number", **more}}, "additionalProperties": False}
    return {"output_config": {"format": {"type": "json_schema", "schema": form}}}


@pytest.mark.parametrize(
    "body",
    [
        asking(),
        asking([WORDS], [CALL], [RESULT]),
        asking([WORDS], [WORDS, CALL], [RESULT, WORDS]),
        asking(tool_choice={"type": "auto"}, thinking={"type": "adaptive"}, stream=True),
        asking(system=[{**WORDS, "cache_control": LONG}], cache_control=SHORT),
        asking(**schema()),
        asking(tools=[{"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"}]),
        {**asking(tool_choice={"type": "any"}), "model": "claude-sonnet-5"},
    ],
)
def test_a_good_request_is_taken(body):
    assert complaint(body) is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({**asking(), "max_tokens": 0}, "max_tokens"),
        ({"model": "m", "messages": turns([WORDS])}, "max_tokens"),
        ({"max_tokens": 1, "messages": turns([WORDS])}, "model"),
        (asking(temperature=0), "temperature: Extra inputs"),
        (asking(tool_choice={"type": "any"}), "forced tool use"),
        (asking(tool_choice={"type": "tool", "name": "view"}), "forced tool use"),
        (asking(thinking={"type": "disabled"}), "cannot be disabled"),
        ({**asking(), "messages": []}, "at least one message"),
        (asking([WORDS], [WORDS]), "the last one must be of the user"),
        (
            {**asking(), "messages": [*turns([WORDS]), {"role": "system", "content": "x"}, *turns([WORDS])]},
            "role: must",
        ),
        (asking([]), "not an empty one"),
        (asking([{"type": "text", "text": ""}]), "non-empty"),
        (asking([{"type": "video"}]), "not known"),
        (asking([WORDS], [CALL], [WORDS]), "needs its tool_result"),
        (asking([WORDS], [WORDS], [RESULT]), "needs its tool_result"),
        (asking([WORDS], [CALL], [WORDS, RESULT]), "must come first"),
        (asking([WORDS], [CALL], [RESULT], [CALL], [RESULT]), "unique"),
        (asking([WORDS], [{**CALL, "input": "{"}], [RESULT]), "must be an object"),
        (asking([WORDS], [{"type": "thinking", "thinking": "Hm", "signature": "forged"}], [WORDS]), "signature"),
        (asking(tools=[{"name": "a", "input_schema": {"type": "object"}}] * 2), "unique"),
        (asking(tools=[{"name": "a"}]), "must be object"),
        (asking(**schema(minimum=0)), "minimum is not supported"),
        (asking([{**WORDS, "cache_control": SHORT}] * 5), "maximum of 4"),
        (asking(system=[{**WORDS, "cache_control": SHORT}], cache_control=LONG), "must not come after"),
    ],
)
def test_a_bad_request_is_refused(body, words):
    assert words in complaint(body)


def post(server, body, headers, path="/v1/messages"):
    request = urllib.request.Request(server.url + path, json.dumps(body).encode(), headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_it_can_be_asked_without_streaming_and_refuses_what_is_no_request():
    good = {"authorization": "Bearer k", "anthropic-version": "2026-10-21"}
    with ScriptedServer([text("Hello")]) as server:
        assert post(server, asking(), {"anthropic-version": "2026-10-21"})[0] == 401
        assert post(server, asking(), {"authorization": "Bearer k"})[0] == 400
        assert post(server, [], good)[0] == 400
        assert post(server, asking(), good, "/v2/messages")[0] == 404
        assert post(server, asking(temperature=1), good)[1]["error"]["type"] == "invalid_request_error"
        assert server.usage_total == Usage(), "a refused request takes nothing from the script and costs nothing"
        code, message = post(server, asking(), good)
    assert (code, message["content"]) == (200, [WORDS])


def test_the_same_request_gets_the_same_ids():
    with (
        ScriptedServer(lambda _: tool("view")) as server,
        ClaudeClient(Access(api_key="k", base_url=server.url)) as client,
    ):
        first, again, other = (client.send(asking([{**WORDS, "text": words}])) for words in ("a", "a", "b"))
    assert first.content == again.content != other.content


def test_several_conversations_at_once_are_told_apart_and_all_charged():
    def player(body):
        return text("You said " + body["messages"][0]["content"][0]["text"])

    heard = {}
    with ScriptedServer(player) as server, ClaudeClient(Access(api_key="k", base_url=server.url)) as client:

        def talk(name):
            heard[name] = [client.send(asking([{**WORDS, "text": name}])) for _ in range(5)]

        threads = [threading.Thread(target=talk, args=(f"number {number}",)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(server.requests) == 30
        total = sum((reply.usage for replies in heard.values() for reply in replies), Usage())
        assert total == server.usage_total
    assert all(reply.content[0]["text"] == f"You said {name}" for name, replies in heard.items() for reply in replies)


def test_an_error_in_the_script_comes_out_at_the_end():
    def player(body):
        raise KeyError("a bug of the test")

    with (
        pytest.raises(KeyError, match="a bug of the test"),
        ScriptedServer(player) as server,
        ClaudeClient(Access(api_key="k", base_url=server.url)) as client,
    ):
        assert isinstance(client.send(asking()), Fault)
