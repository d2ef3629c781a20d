"""Reads what untrusted code predicted: the only place where a predictions file becomes numbers.

The file is hostile until proven otherwise: it is never unpickled, never larger than it needs to be, and each cell must
be a plain decimal number. What this cannot see is where honest-looking numbers came from; the sandbox sees to that.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

import numpy as np

from tasks.domain.errors import PredictionsInvalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

IMAGE_COLUMN = "image"
SUM_TOLERANCE = 1e-3
"""How far the probabilities of an image may be from summing to 1."""
CONSTANT_BELOW = 1e-9
"""Predictions that differ by less over all images order nothing."""
NUMBER_CHARACTERS = 64
"""A 64-bit float needs at most 25."""
_NUMBER = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029]")


def read_predictions(
    content: bytes, *, images: Sequence[str], classes: Sequence[str], may_be_constant: bool = False
) -> NDArray[np.float64]:
    """Return the predicted probabilities of exactly the asked images.

    Args:
        content: A CSV file: header `image` and the classes in order, then one line an image, in any order.
        images: Names that were asked, each once.
        classes: Names of the classes, in the order of the columns.
        may_be_constant: Whether all images may get the same prediction, as a few new ones can from an honest model.

    Returns:
        Probabilities, shape (len(images), len(classes)), each in [0, 1], in the order of `images`.

    Raises:
        PredictionsInvalid: The file is anything else; the message names line and column.
        ValueError: An asked name occurs twice (a bug of the caller).
    """
    if len(set(images)) != len(images) or len(set(classes)) != len(classes):
        raise ValueError("an asked image or class occurs twice")
    rows = _lines(_text(content, images=images, classes=classes))
    _check_header(rows, classes)
    place = {name: index for index, name in enumerate(images)}
    lines = np.zeros(len(images), dtype=np.intp)
    values = np.empty((len(images), len(classes)))
    for line, cells in rows[1:]:
        if len(cells) != len(classes) + 1:
            raise PredictionsInvalid(f"line {line} has {len(cells)} columns instead of {len(classes) + 1}")
        index = place.get(cells[0])
        if index is None:
            raise PredictionsInvalid(f"line {line}, column 'image': {_quote(cells[0])} is not among the asked images")
        if lines[index]:
            raise PredictionsInvalid(
                f"line {line}, column 'image': {_quote(cells[0])} was on line {lines[index]} already"
            )
        lines[index] = line
        values[index] = [_probability(cell, line, name) for cell, name in zip(cells[1:], classes, strict=True)]
        if abs(values[index].sum() - 1) > SUM_TOLERANCE:
            raise PredictionsInvalid(f"line {line}: the probabilities sum to {values[index].sum():.6g} instead of 1")
    _check_complete(images, lines)
    if not may_be_constant and len(images) > 1 and np.ptp(values, axis=0).max() < CONSTANT_BELOW:
        raise PredictionsInvalid(f"all {len(images)} images got the same prediction")
    return values


def _text(content: bytes, *, images: Sequence[str], classes: Sequence[str]) -> str:
    allowed = _size_allowed(images, classes)
    if len(content) > allowed:
        raise PredictionsInvalid(
            f"the file has {len(content)} bytes; {len(images)} images and {len(classes)} classes need at most {allowed}"
        )
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise PredictionsInvalid(f"line {line} is not UTF-8 text (byte {error.start} of the file)") from error
    found = _CONTROL.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        raise PredictionsInvalid(f"line {line} holds the control character {_quote(found.group())}")
    return text


def _size_allowed(images: Sequence[str], classes: Sequence[str]) -> int:
    # Quoting can double a name; two quotes, a comma or line end come with every cell.
    header = sum(2 * len(name.encode()) + 4 for name in (IMAGE_COLUMN, *classes))
    names = sum(2 * len(name.encode()) + 4 for name in images)
    return header + names + len(images) * len(classes) * (NUMBER_CHARACTERS + 4)


def _lines(text: str) -> list[tuple[int, list[str]]]:
    """Return the cells of each line with its number in the file; the header is on line 1."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows = []
    try:
        for cells in reader:
            if not cells:
                raise PredictionsInvalid(f"line {reader.line_num} is empty")
            rows.append((reader.line_num, cells))
    except csv.Error as error:
        raise PredictionsInvalid(f"line {reader.line_num} is not CSV: {error}") from error
    if not rows:
        raise PredictionsInvalid("the file is empty")
    return rows


def _check_header(rows: list[tuple[int, list[str]]], classes: Sequence[str]) -> None:
    wanted, header = [IMAGE_COLUMN, *classes], rows[0][1]
    if header != wanted:
        raise PredictionsInvalid(f"line 1: the header is {_quote(','.join(header))} instead of {','.join(wanted)!r}")


def _probability(cell: str, line: int, class_name: str) -> float:
    place = f"line {line}, column {class_name!r}"
    if cell.strip().lower().lstrip("+-") in {"nan", "inf", "infinity"}:
        raise PredictionsInvalid(f"{place}: {_quote(cell)} is not a finite number")
    if len(cell) > NUMBER_CHARACTERS or _NUMBER.fullmatch(cell) is None:
        raise PredictionsInvalid(f"{place}: {_quote(cell)} is not a plain decimal number")
    value = float(cell)
    if not 0 <= value <= 1:
        raise PredictionsInvalid(f"{place}: {_quote(cell)} is not from 0 to 1")
    return abs(value)  # -0.0 is 0


def _check_complete(images: Sequence[str], lines: NDArray[np.intp]) -> None:
    missing = np.flatnonzero(lines == 0)
    if len(missing):
        names = ", ".join(_quote(images[index]) for index in missing[:3])
        raise PredictionsInvalid(f"{len(missing)} of {len(images)} asked images have no line, such as {names}")


def _quote(text: str) -> str:
    """Return text from the file as a short ASCII literal: it may hold anything, and people and agents will read it."""
    return ascii(text if len(text) <= 60 else text[:57] + "...")
