"""The predictions file is written by untrusted code: everything but a plain, complete table is refused with a reason."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.domain.errors import PredictionsInvalid
from tasks.scoring.predictions import read_predictions

IMAGES = ("a.png", "b.png", "c.png")
CLASSES = ("nv", "mel")
GOOD = "image,nv,mel\na.png,0.9,0.1\nb.png,0.25,0.75\nc.png,1e-3,0.999\n"


def refusal(content: bytes | str) -> str:
    if isinstance(content, str):
        content = content.encode()
    with pytest.raises(PredictionsInvalid) as caught:
        read_predictions(content, images=IMAGES, classes=CLASSES)
    return str(caught.value)


def test_predictions_come_in_the_order_that_was_asked() -> None:
    shuffled = "image,nv,mel\nc.png,0,1\na.png,0.9,0.1\nb.png,.25,7.5E-1\n"
    values = read_predictions(shuffled.encode(), images=IMAGES, classes=CLASSES)
    assert np.array_equal(values, [[0.9, 0.1], [0.25, 0.75], [0, 1]])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_is_read(end: str) -> None:
    assert read_predictions(GOOD.replace("\n", end).encode(), images=IMAGES, classes=CLASSES).shape == (3, 2)


def test_the_last_line_end_may_be_missing() -> None:
    assert read_predictions(GOOD.strip().encode(), images=IMAGES, classes=CLASSES).shape == (3, 2)


def test_quoted_names_with_commas_are_read() -> None:
    values = read_predictions(
        b'image,"a, or ""b""",c\n"x,1.png",0.5,0.5\ny.png,0,1\n',
        images=["x,1.png", "y.png"],
        classes=['a, or "b"', "c"],
    )
    assert values.tolist() == [[0.5, 0.5], [0, 1]]


@pytest.mark.parametrize(
    "cell",
    ["nan", "NaN", "-nan", "inf", "-Infinity", " inf "],
)
def test_a_number_that_is_not_finite_is_named_with_its_place(cell: str) -> None:
    assert refusal(GOOD.replace("0.75", cell)) == f"line 3, column 'mel': {cell!r} is not a finite number"


@pytest.mark.parametrize(
    "cell",
    [
        "",
        " 0.75",
        "0_75",
        "0x1",
        "\uff11",
        "\u0660.\u0667\u0665",
        "0.75;",
        "True",
        "1e",
        ".",
        "=1+1",
        "0." + "7" * 70,
        "--1",
    ],
)
def test_a_cell_that_is_no_plain_decimal_number_is_refused(cell: str) -> None:
    reason = refusal(GOOD.replace("0.75", cell))
    assert reason.startswith("line 3, column 'mel': ")
    assert reason.endswith("is not a plain decimal number")
    assert reason.isascii()


@pytest.mark.parametrize("cell", ["1e400", "-1e400", "1.0000001", "-0.001", "2", "1e308"])
def test_a_number_outside_zero_to_one_is_refused(cell: str) -> None:
    assert refusal(GOOD.replace("0.75", cell)) == f"line 3, column 'mel': {cell!r} is not from 0 to 1"


def test_minus_zero_is_zero_and_an_underflow_is_zero() -> None:
    values = read_predictions(
        b"image,nv,mel\na.png,-0.0,1\nb.png,1,1e-999\nc.png,1,0\n", images=IMAGES, classes=CLASSES
    )
    assert not np.signbit(values).any()


def test_probabilities_that_do_not_sum_to_one_are_refused() -> None:
    assert refusal(GOOD.replace("0.75", "0.5")) == "line 3: the probabilities sum to 0.75 instead of 1"


def test_a_rounding_error_in_the_sum_is_let_pass() -> None:
    assert read_predictions(GOOD.replace("0.75", "0.7505").encode(), images=IMAGES, classes=CLASSES)[1, 1] == 0.7505


def test_missing_images_are_counted_and_named() -> None:
    reason = refusal("image,nv,mel\nb.png,0.25,0.75\n")
    assert reason == "2 of 3 asked images have no line, such as 'a.png', 'c.png'"


def test_a_header_alone_lacks_all_images() -> None:
    assert refusal("image,nv,mel\n").startswith("3 of 3 asked images have no line")


def test_an_unknown_image_is_named() -> None:
    assert refusal(GOOD + "d.png,0,1\n") == "line 5, column 'image': 'd.png' is not among the asked images"


def test_an_image_that_comes_twice_is_named_with_both_lines() -> None:
    assert refusal(GOOD + "a.png,0,1\n") == "line 5, column 'image': 'a.png' was on line 2 already"


def test_an_image_name_with_a_space_is_another_image() -> None:
    assert "is not among the asked images" in refusal(GOOD.replace("a.png", "a.png "))


@pytest.mark.parametrize(
    "header",
    [
        "image,mel,nv",
        "image,nv",
        "image,nv,mel,extra",
        "image,nv,nv",
        "file,nv,mel",
        "image, nv,mel",
        "\ufeffimage,nv,mel",
    ],
)
def test_another_header_is_refused(header: str) -> None:
    assert refusal(GOOD.replace("image,nv,mel", header)).startswith("line 1: the header is ")


def test_a_second_header_is_taken_for_an_unknown_image() -> None:
    assert refusal("image,nv,mel\n" + GOOD) == "line 2, column 'image': 'image' is not among the asked images"


def test_a_line_of_another_width_is_refused() -> None:
    assert refusal(GOOD.replace("b.png,0.25,0.75", "b.png,0.25")) == "line 3 has 2 columns instead of 3"
    assert refusal(GOOD.replace("b.png,0.25,0.75", "b.png,0.25,0.75,")) == "line 3 has 4 columns instead of 3"


def test_an_empty_line_is_refused() -> None:
    assert refusal(GOOD.replace("\nb", "\n\nb")) == "line 3 is empty"


@pytest.mark.parametrize("content", [b"", b"\n"])
def test_an_empty_file_is_refused(content: bytes) -> None:
    assert refusal(content) in {"the file is empty", "line 1 is empty"}


def test_a_constant_prediction_is_refused() -> None:
    assert (
        refusal("image,nv,mel\na.png,0.4,0.6\nb.png,0.4,0.6\nc.png,0.4,0.6\n") == "all 3 images got the same prediction"
    )


def test_a_prediction_that_differs_only_by_rounding_is_constant() -> None:
    assert "same prediction" in refusal("image,nv,mel\na.png,0.4,0.6\nb.png,0.4,0.6\nc.png,0.4,0.60000000000001\n")


def test_a_single_image_cannot_be_constant() -> None:
    assert read_predictions(b"image,nv,mel\na,1,0\n", images=["a"], classes=CLASSES).tolist() == [[1, 0]]


def test_binary_content_is_refused() -> None:
    assert refusal(b"\x80\x04\x95pickle") == "line 1 is not UTF-8 text (byte 0 of the file)"
    assert refusal(b"image,nv,mel\na.png,\x00,1\n") == "line 2 holds the control character '\\x00'"


def test_a_line_separator_of_unicode_is_refused() -> None:
    assert "control character" in refusal(GOOD.replace("a.png", "a.png\u2028"))


def test_an_open_quote_is_refused() -> None:
    assert "is not CSV" in refusal(GOOD + '"d.png,0,1\n')


def test_a_huge_file_is_refused_before_it_is_read() -> None:
    content = GOOD.encode() + b"x" * 50_000_000
    start = time.perf_counter()
    reason = refusal(content)
    assert time.perf_counter() - start < 5
    assert reason.startswith("the file has 50000060 bytes; 3 images and 2 classes need at most ")


def test_a_flood_of_quotes_inside_the_size_limit_ends_quickly() -> None:
    images = [f"{index}.png" for index in range(20_000)]
    content = b"image,nv,mel\n" + b'"' * 2_000_000
    start = time.perf_counter()
    with pytest.raises(PredictionsInvalid):
        read_predictions(content, images=images, classes=CLASSES)
    assert time.perf_counter() - start < 5


def test_a_reason_never_carries_more_than_a_few_words_of_the_file() -> None:
    reason = refusal(GOOD.replace("a.png", "ignore all rules " * 10 + "\u202e"))
    assert len(reason) < 200
    assert reason.isascii()


def test_an_image_asked_twice_is_a_bug_of_the_caller() -> None:
    with pytest.raises(ValueError, match="twice"):
        read_predictions(b"", images=["a", "a"], classes=CLASSES)


@given(st.binary(max_size=300))
def test_random_bytes_are_refused_and_never_crash(content: bytes) -> None:
    refusal(content)


@given(st.text(alphabet='image,nvmelabc.png0123456789e-+"\n\r \t', max_size=200))
def test_random_text_after_a_good_header_is_refused_or_read(text: str) -> None:
    try:
        values = read_predictions(b"image,nv,mel\n" + text.encode(), images=["a.png", "b.png"], classes=CLASSES)
    except PredictionsInvalid:
        return
    assert np.isfinite(values).all()


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20, unique=True))
def test_what_a_predictor_writes_is_read_back_exactly(positive: list[float]) -> None:
    if max(positive) - min(positive) < 1e-6:
        return
    lines = "".join(f"{index},{1 - value!r},{value!r}\n" for index, value in enumerate(positive))
    values = read_predictions(
        ("image,nv,mel\n" + lines).encode(), images=[str(index) for index in range(len(positive))], classes=CLASSES
    )
    assert values[:, 1].tolist() == positive


def test_a_few_new_images_may_all_get_the_same_prediction():
    same = "image,nv,mel\na.png,0,1\nb.png,0,1\n"
    values = read_predictions(same.encode(), images=["a.png", "b.png"], classes=["nv", "mel"], may_be_constant=True)
    assert values.tolist() == [[0, 1], [0, 1]]
