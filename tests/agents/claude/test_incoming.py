"""What a stream leaves, where a server is less exact than the API."""

import json

import pytest

from agents.claude.exchange import Usage
from agents.claude.incoming import UNREADABLE, Incoming


def taken(*events, long=False):
    incoming = Incoming(max_tokens=100, writes_for_an_hour=long)
    for event in events:
        incoming.add(event)
    return incoming


def start(**usage):
    return {
        "type": "message_start",
        "message": {"model": "m", "usage": {"input_tokens": 5, "output_tokens": 1, **usage}},
    }


def block(index, content, *deltas):
    return [
        {"type": "content_block_start", "index": index, "content_block": content},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def end(reason="end_turn", **usage):
    delta = {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 7, **usage}}
    return [delta, {"type": "message_stop"}]


@pytest.mark.parametrize(("long", "short_tokens", "long_tokens"), [(False, 30, 0), (True, 0, 30)])
def test_cache_writes_that_are_not_told_apart_are_the_dearest_that_was_asked_for(long, short_tokens, long_tokens):
    usage = taken(start(cache_creation_input_tokens=30), *end(), long=long).usage
    assert (usage.cache_write_5m_tokens, usage.cache_write_1h_tokens) == (short_tokens, long_tokens)


def test_later_counts_replace_earlier_ones_and_empty_ones_do_not():
    usage = taken(start(cache_read_input_tokens=9), *end(input_tokens=6, cache_read_input_tokens=None)).usage
    assert usage == Usage(input_tokens=6, cache_read_tokens=9, output_tokens=7)


def test_a_thought_that_was_cut_before_its_signature_is_left_out():
    thought = block(
        0, {"type": "thinking", "thinking": "", "signature": ""}, {"type": "thinking_delta", "thinking": "Hm"}
    )
    reply = taken(start(), *thought, *end("max_tokens")).reply(seconds=1.0, request_id="")
    assert (reply.content, reply.stop_reason) == ((), "max_tokens")


@pytest.mark.parametrize("written", ['{"path": "a', "[1]", "null"])
def test_an_input_that_is_no_object_is_kept_as_text(written):
    use = {"type": "tool_use", "id": "t", "name": "view", "input": {}}
    delta = {"type": "input_json_delta", "partial_json": written}
    reply = taken(start(), *block(0, use, delta), *end("tool_use")).reply(seconds=1.0, request_id="")
    assert reply.content == ({**use, "input": {UNREADABLE: written}},)


def test_fields_that_nobody_knows_are_kept():
    known = {"type": "redacted_thinking", "data": "x", "newer": 1}
    assert taken(start(), *block(0, known), *end()).reply(seconds=1.0, request_id="").content == (known,)


@pytest.mark.parametrize(
    "written",
    [
        '{"seconds": 1e999}',
        '{"seconds": NaN}',
        '{"file_text": "x = \'\\ud800\'"}',
        '{"n": ' + "1" * 5000 + "}",
        '{"a": ' + "[" * 100_000,
    ],
)
def test_an_input_that_could_not_be_sent_back_is_kept_as_text(written):
    use = {"type": "tool_use", "id": "t", "name": "view", "input": {}}
    delta = {"type": "input_json_delta", "partial_json": written}
    reply = taken(start(), *block(0, use, delta), *end("tool_use")).reply(seconds=1.0, request_id="")
    assert reply.content == ({**use, "input": {UNREADABLE: written}},)
    json.dumps(reply.content, allow_nan=False, ensure_ascii=False).encode()


def test_an_input_that_comes_whole_and_could_not_be_sent_back_is_kept_as_text():
    use = {"type": "tool_use", "id": "t", "name": "view", "input": {"seconds": float("inf")}}
    reply = taken(start(), *block(0, use), *end("tool_use")).reply(seconds=1.0, request_id="")
    assert reply.content == ({**use, "input": {UNREADABLE: '{"seconds": Infinity}'}},)


def test_halves_of_a_character_that_come_in_two_pieces_are_joined_and_one_that_stays_alone_is_spelled_out():
    pieces = [{"type": "text_delta", "text": text} for text in ("\ud83d", "\ude00, and \ud800")]
    reply = taken(start(), *block(0, {"type": "text", "text": ""}, *pieces), *end()).reply(seconds=1.0, request_id="")
    assert reply.content == ({"type": "text", "text": "\U0001f600, and \\ud800"},)
    use = {"type": "tool_use", "id": "t", "name": "view", "input": {}}
    pieces = [{"type": "input_json_delta", "partial_json": text} for text in ('{"path": "\ud83d', '\ude00"}')]
    reply = taken(start(), *block(0, use, *pieces), *end("tool_use")).reply(seconds=1.0, request_id="")
    assert reply.content == ({**use, "input": {"path": "\U0001f600"}},)


def test_a_thought_that_could_not_be_sent_back_is_left_out():
    thought = {"type": "thinking", "thinking": "\ud800", "signature": "s"}
    assert taken(start(), *block(0, thought), *end()).reply(seconds=1.0, request_id="").content == ()
