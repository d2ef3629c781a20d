from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tasks.conversations import Conversations
from tasks.domain.conversation import Entry
from tasks.domain.errors import StudyNotFound


def entry(number: int) -> Entry:
    return Entry(
        kind="result", key=f"1:{number}", data={"text": f"line one\nline {number} ü"}, at="2026-01-01T00:00:00+00:00"
    )


def test_entries_come_back_in_their_order(tmp_path: Path) -> None:
    kept = Conversations(tmp_path / "conversations")
    for number in range(3):
        kept.append("round-01", entry(number))
    kept.append("parse", entry(9))
    assert kept.read("round-01") == tuple(map(entry, range(3)))
    assert kept.read("round-02") == ()
    assert [name for name, _ in kept.all()] == ["parse", *["round-01"] * 3]
    assert kept.names() == ("parse", "round-01")


def test_a_line_that_a_kill_cut_off_does_not_count_and_is_replaced(tmp_path: Path) -> None:
    kept = Conversations(tmp_path)
    kept.append("parse", entry(0))
    file = tmp_path / "parse.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole + whole[: len(whole) // 2])
    assert kept.read("parse") == (entry(0),)
    kept.append("parse", entry(1))
    assert kept.read("parse") == (entry(0), entry(1))


def test_a_file_that_is_nothing_but_half_a_line_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "parse.jsonl").write_text('{"kind": "ca')
    kept = Conversations(tmp_path)
    assert kept.read("parse") == ()
    kept.append("parse", entry(1))
    assert kept.read("parse") == (entry(1),)


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    kept = Conversations(tmp_path)
    kept.append("parse", entry(0))
    with (tmp_path / "parse.jsonl").open("a") as file:
        file.write("no event\n")
    with pytest.raises(StudyNotFound, match=r"parse\.jsonl, line 2"):
        kept.read("parse")


def test_rounds_at_the_same_time_do_not_mix_their_lines(tmp_path: Path) -> None:
    kept = Conversations(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: kept.append("round-01", entry(number)), range(40)))
    assert sorted(item.key for item in kept.read("round-01")) == sorted(entry(number).key for number in range(40))


def test_no_text_comes_back_other_than_it_was(tmp_path: Path) -> None:
    kept, text = Conversations(tmp_path), "half \ud800 of a pair, \\ud800 spelled out, ü and \U0001f600"
    kept.append("parse", Entry(kind="result", key="1:t", data={"text": text}))
    assert kept.read("parse")[0].data["text"] == text
    assert "ü".encode() in (tmp_path / "parse.jsonl").read_bytes()


def test_a_number_that_is_no_json_is_refused_before_it_is_written(tmp_path: Path) -> None:
    kept = Conversations(tmp_path)
    with pytest.raises(ValueError, match="not JSON compliant"):
        kept.append("parse", Entry(kind="result", key="1:t", data={"seconds": float("inf")}))
    assert kept.read("parse") == ()
