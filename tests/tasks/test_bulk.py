from __future__ import annotations

import base64
import random

import numpy as np
import pytest

from tasks.bulk import without_bulk

LOG = """\
weights: resnet18 from the local cache
decoded 1234 images to 96 x 96 pixels in 12.5 s
metric epoch=1 loss=0.53 learning_rate=0.001 batch_size=64 images_per_second=412.3 seconds=12.1
shape torch.Size([32, 3, 224, 224]), mean [0.48, 0.45, 0.40], confusions
[[10  2]
 [ 3 20]]
|███████   | 50% 3/4
Traceback (most recent call last):
  File "/rounds/code/train.py", line 31, in main
    loss = criterion(logits, targets)
           ~~~~~~~~~^^^^^^^^^^^^^^^^^
RuntimeError: size mismatch at 0x7f3a2b4c5d6e
============================================================"""


def test_a_log_that_tells_aggregates_stays_as_it_is() -> None:
    assert without_bulk(LOG) == LOG


picture = np.random.default_rng(0).integers(100, 256, (16, 16))
content = base64.b64encode(picture.astype(np.uint8).tobytes()).decode()


@pytest.mark.parametrize(
    "printed",
    [
        repr(picture),
        str(picture.tolist()),
        "\n".join(" ".join(map(str, row)) for row in picture.tolist()),
        "\n".join(str(number) for number in picture.ravel()),
        "\n\n".join(f"{number}," for number in picture.ravel()),
        "metric " + " ".join(f"p{place}={number}" for place, number in enumerate(picture.ravel())),
        "pixels " + " ".join(map(str, picture.ravel())),
        content,
        "\n".join(content[start : start + 76] for start in range(0, len(content), 76)),
        picture.astype(np.uint8).tobytes().hex(),
        "\n".join(row.astype(np.uint8).tobytes().hex() for row in picture),
        "".join(random.Random(0).choices("abcdefgh", k=200)),
        "\n".join("".join(random.Random(row).choices("@%#*+=-:. ", k=64)) for row in range(16)),
    ],
)
def test_a_picture_in_numbers_letters_or_signs_is_taken_out(printed: str) -> None:
    told = without_bulk(f"before\n{printed}\nafter")
    assert told.startswith("before\n[")
    assert told.endswith("]\nafter")
    pieces = [line for line in printed.split("\n") if line]
    assert not any(piece in told for piece in pieces if len(piece) > 8)
    assert len(told) < 120


def test_what_was_taken_out_is_counted_and_said_once() -> None:
    line = " ".join(["0.5"] * 25)
    assert without_bulk(f"one\n{line}\n{line}\ntwo\n{line}") == (
        "one\n[... 2 lines of data taken out ...]\ntwo\n[... 1 line of data taken out ...]"
    )


def test_twenty_four_numbers_may_stand_in_a_line() -> None:
    line = "part of each class " + " ".join(["0.5"] * 24)
    assert without_bulk(line) == line


def test_the_name_of_an_image_is_not_told_and_rows_of_a_table_are_taken_out() -> None:
    row = "00ff00ff00ff00ff.png,melanoma,17"
    assert without_bulk(f"OSError: cannot read /rounds/data/images/{row[:20]}") == (
        "OSError: cannot read /rounds/data/images/[image]"
    )
    assert without_bulk("\n".join(["image,label,group", *[row] * 5])) == (
        "image,label,group\n[... 5 lines of data taken out ...]"
    )
