"""From raw bytes to a safe log."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tasks.sandbox.log_stream import LONGEST_LINE, LogStream


def feed(path, *pieces, limit_bytes=10**6):
    lines = []
    with LogStream(path, limit_bytes=limit_bytes, on_line=lines.append) as log:
        for piece in pieces:
            log.feed(piece)
    return lines, path.read_text()


def test_a_letter_cut_in_two_arrives_whole(tmp_path):
    assert feed(tmp_path / "log", b"caf\xc3", b"\xa9\n") == (["caf\u00e9"], "caf\u00e9\n")


def test_a_line_end_cut_in_two_is_one_line_end(tmp_path):
    assert feed(tmp_path / "log", b"one\r", b"\ntwo\r", b"three")[0] == ["one", "two", "three"]


def test_text_that_reorders_itself_on_screen_is_made_plain(tmp_path):
    assert feed(tmp_path / "log", "a\u202eb\u2028c\n".encode())[0] == ["a\ufffdb\ufffdc"]


def test_what_was_written_can_be_read_before_the_end(tmp_path):
    with LogStream(tmp_path / "log", limit_bytes=100, on_line=lambda _: None) as log:
        log.feed(b"one\ntw")
        assert (tmp_path / "log").read_text() == "one\n"


def test_a_line_without_end_comes_in_pieces(tmp_path):
    lines, _ = feed(tmp_path / "log", b"x" * (2 * LONGEST_LINE + 5), b"\n")
    assert [len(line) for line in lines] == [LONGEST_LINE, LONGEST_LINE, 5]


def test_nothing_comes_after_the_limit(tmp_path):
    lines, text = feed(tmp_path / "log", b"12345", b"6789\n", b"more\n", limit_bytes=7)
    assert lines == ["1234567", "[the log ends here: it reached its limit]"]
    assert text == "\n".join(lines) + "\n"


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_lines_and_file_always_agree_and_hold_no_control_characters(tmp_path_factory, pieces):
    lines, text = feed(tmp_path_factory.mktemp("log") / "log", *pieces)
    assert text == "".join(line + "\n" for line in lines)
    assert all(character >= " " or character in "\t\n" for character in text)
