from __future__ import annotations

from tasks.conversation_spans import spans_of
from tasks.domain.conversation import Entry
from tasks.report.transcript import transcript

AT = "2026-01-01T00:00:10+00:00"
USAGE = {
    "input_tokens": 100,
    "cache_write_5m_tokens": 0,
    "cache_write_1h_tokens": 50,
    "cache_read_tokens": 850,
    "output_tokens": 20,
}


def call(request: dict, *content: dict, stop: str = "tool_use") -> Entry:
    data = {
        "request": request,
        "content": list(content),
        "stop_reason": stop,
        "model": "claude-x",
        "usage": USAGE,
        "seconds": 4.0,
    }
    return Entry(kind="call", key="k", at=AT, data=data)


ENTRIES = (
    Entry(kind="fault", key="k", at=AT, data={"kind": "529", "message": "It answered 529.", "waited_seconds": 2.0, "seconds": 1.0, "usage": dict.fromkeys(USAGE, 0)}),
    call(
        {"system": [{"type": "text", "text": "Be careful."}], "tools": [{"name": "propose"}],
         "messages": [{"role": "user", "content": [{"type": "text", "text": "Round 1."}]}]},
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": "I look first."},
        {"type": "tool_use", "id": "t1", "name": "editor", "input": {"command": "create", "file_text": "a = 1\n```\nb = 2\n"}},
    ),
    Entry(kind="result", key="1:t1", at=AT, data={"text": "written", "is_error": False, "seconds": 3.0}),
    call({"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "no such file", "is_error": True}]}]},
         {"type": "text", "text": "Sorry."}, stop="max_tokens"),
)  # fmt: skip


def test_all_that_was_said_is_shown_in_its_order() -> None:
    text = transcript("round-01", ENTRIES)
    parts = [
        "round-01",
        "529",
        "Be careful.",
        "Tools: propose.",
        "Round 1.",
        "hm",
        "I look first.",
        "Uses editor",
        "a = 1",
        "failed",
        "no such file",
        "Sorry.",
        "max_tokens",
    ]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert "2 calls of claude-x, 2,040 tokens, 8 s; 1 calls came to nothing." in text


def test_a_text_with_a_fence_cannot_end_its_own_block() -> None:
    text = transcript("round-01", ENTRIES)
    assert "````\na = 1\n```\nb = 2\n````" in text


def test_calls_tools_and_faults_are_spans_of_time_with_their_tokens() -> None:
    fault, first, tool, second = spans_of(ENTRIES)
    assert fault.failed
    assert [first.name, tool.name, second.name] == ["turn 1", "tool editor", "turn 2"]
    assert first.tokens == {"input_tokens": 1000, "output_tokens": 20, "total_tokens": 1020}
    assert first.end_ns - first.start_ns == 4_000_000_000
    assert tool.end_ns - tool.start_ns == 3_000_000_000
    assert tool.inputs["input"]["command"] == "create"
    assert not second.failed


def test_a_call_of_which_no_end_is_known_is_told_and_one_that_ended_is_told_once() -> None:
    asked = Entry(kind="asked", key="k", at=AT, data={"model": "claude-x", "dollars": "0.68"})
    assert transcript("round-01", (asked, *ENTRIES)) == transcript("round-01", ENTRIES)
    assert "no end is known; it may have cost $0.68" in transcript("round-01", (asked, asked, *ENTRIES))
    assert spans_of((asked, asked, *ENTRIES, asked)) == spans_of(ENTRIES)


def test_what_was_asked_and_what_was_said_have_no_span_of_their_own() -> None:
    others = (
        Entry(kind="asked", key="k", at=AT, data={"dollars": "0.1", "model": "claude-x"}),
        Entry(kind="said", key="k:said", at=AT, data={"text": "The attempt failed."}),
    )
    assert spans_of((*ENTRIES, *others)) == spans_of(ENTRIES)
    assert "Round 1." in transcript("round-01", (*others, *ENTRIES))
