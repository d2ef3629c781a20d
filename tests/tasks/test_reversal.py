"""One change taken back while later ones stay."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tasks.reversal import without_change

TEXTS = st.lists(st.sampled_from("abcdef"), max_size=8).map(lambda lines: "".join(f"{line}\n" for line in lines))


def lines(words: str) -> str:
    return "".join(f"{word}\n" for word in words.split())


@given(TEXTS, TEXTS)
def test_the_last_change_is_taken_back_exactly(before, after) -> None:
    assert without_change(before, after, after) == before


@given(TEXTS, TEXTS)
def test_taking_back_no_change_changes_nothing(before, now) -> None:
    assert without_change(before, before, now) == now


def test_a_later_change_elsewhere_stays() -> None:
    assert without_change(lines("a b c d"), lines("a X c d"), lines("a X c Y d")) == lines("a b c Y d")


def test_lines_side_by_side_do_not_overlap() -> None:
    assert without_change(lines("a b c d"), lines("a X c d"), lines("a X Y d")) == lines("a b Y d")


def test_a_line_that_was_changed_again_is_not_taken_back() -> None:
    assert without_change(lines("a b c"), lines("a X c"), lines("a Z c")) is None
    assert without_change(lines("a b c"), lines("a X c"), lines("a c")) is None


def test_added_lines_go_and_lines_taken_out_come_back() -> None:
    assert without_change(lines("a b"), lines("a X b"), lines("n a X b")) == lines("n a b")
    assert without_change(lines("a b c"), lines("a c"), lines("a c n")) == lines("a b c n")


def test_lines_taken_out_do_not_come_back_where_their_place_was_filled() -> None:
    assert without_change(lines("a b c"), lines("a c"), lines("a n c")) is None


def test_a_new_line_in_the_midst_of_the_change_is_in_its_way() -> None:
    assert without_change(lines("a d"), lines("a X Y d"), lines("a X n Y d")) is None
