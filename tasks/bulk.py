"""Takes out of a text what is more than an aggregate: rows of pixels, rows of the data, and what looks like a file in letters.

A language model is shown what a program printed about training images. A mean and a table of counts are what it needs; a picture
printed as numbers is what it must not see. This keeps honest programs honest, and makes others slow: it is no proof against one that
tells a picture a few numbers at a time.
"""

from __future__ import annotations

import re
from itertools import groupby

IMAGE = "[image]"
MOST_NUMBERS, MOST_FIELDS = 24, 40
"""Numbers of a line, or of lines in a row that hold nothing else; fields of a `metric` line."""
MOST_IMAGES = 3
"""Lines in a row that name an image each: more are rows of a table."""
LONGEST_TOKEN, _LONGEST_WORD = 120, 60

_NAME_OF_IMAGE = re.compile(r"\b[0-9a-f]{16}\.(?:png|jpe?g|tiff?|dcm|bmp|webp)\b", re.IGNORECASE)
_HEX = re.compile(r"\b(?:0x)?(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{16,}\b", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}")
_COUNTED = re.compile(r"\[[\d,]+ signs\]")
_LONG = re.compile(rf"\S{{{LONGEST_TOKEN + 1},}}")
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?(?![\w])|\b(?:nan|inf)\b")
_METRIC = re.compile(r"\s*metric(?:\s+[A-Za-z_]\w{0,63}=\S{1,40})+\s*")
_FILLING = re.compile(r"\b(?:array|tensor|dtype|device|cpu|cuda|nan|inf|u?int\d*|float\d*)\b")
_WORD = re.compile(r"[^\W\d_]{3,}")
_UNDERLINE = re.compile(r"\s*[~^\s]+|\s*(\S)\1*\s*")
_FEWEST_SIGNS, _FEWEST_LETTERS = 24, 0.3
"""A line of so many signs of which a smaller part are letters or digits is drawn, not written."""


def without_bulk(text: str) -> str:
    """Return a text with the lines taken out that are no words about the data but the data; their number stands instead.

    Taken out are lines of more than 24 numbers that are no `metric name=value` lines, shorter lines of numbers alone that come to as many,
    drawings of signs, and rows that name an image each. In other lines names of images become `[image]`, and long runs of letters that no person
    would write their length.
    """
    lines = text.split("\n")
    taken = [_is_bulk(line) for line in lines]
    _take_runs(lines, taken)
    shown = ["" if is_taken else _shown(line) for line, is_taken in zip(lines, taken, strict=True)]
    taken = [is_taken or _is_emptied(line) for line, is_taken in zip(shown, taken, strict=True)]
    told = []
    for is_taken, group in groupby(zip(shown, taken, strict=True), key=lambda item: item[1]):
        members = [line for line, _ in group]
        lot = f"{len(members):,} {'line' if len(members) == 1 else 'lines'}"
        told += [f"[... {lot} of data taken out ...]"] if is_taken else members
    return "\n".join(told)


def _take_runs(lines: list[str], taken: list[bool]) -> None:
    """Mark lines that are bulk together: many short ones of numbers alone, and rows that name an image each."""
    numbers = [_numbers_alone(line) for line in lines]
    named = [1 if _NAME_OF_IMAGE.search(line) else None for line in lines]
    for kinds, most in ((numbers, MOST_NUMBERS), (named, MOST_IMAGES)):
        start = 0
        for is_broken, group in groupby(kinds, key=lambda item: item is None):
            members = list(group)
            if not is_broken and sum(item or 0 for item in members) > most:
                taken[start : start + len(members)] = [True] * len(members)
            start += len(members)


def _is_bulk(line: str) -> bool:
    if len(line) < _FEWEST_SIGNS:
        return False
    if _METRIC.fullmatch(line):
        return line.count("=") > MOST_FIELDS
    return _holds_many(line) or _is_drawn(line)


def _holds_many(line: str) -> bool:
    return len(_NUMBER.findall(line)) > MOST_NUMBERS


def _is_drawn(line: str) -> bool:
    signs = "".join(line.split())
    if len(signs) < _FEWEST_SIGNS or _UNDERLINE.fullmatch(line):
        return False
    return sum(sign.isalnum() for sign in signs) < _FEWEST_LETTERS * len(signs)


def _numbers_alone(line: str) -> int | None:
    """Return how many numbers a line holds beside which nothing is said; None where there are words."""
    if _WORD.search(_FILLING.sub("", line)):
        return None
    return len(_NUMBER.findall(line))


def _shown(line: str) -> str:
    if len(line) < len("0123456789abcdef"):
        return line
    line = _NAME_OF_IMAGE.sub(IMAGE, line)
    line = _LONG.sub(_length, line)
    line = _BASE64.sub(lambda match: _length(match) if _is_encoded(match.group()) else match.group(), line)
    return _HEX.sub(_length, line)


def _is_emptied(line: str) -> bool:
    """Return whether nothing but counts of signs is left of a line."""
    rest, counts = _COUNTED.subn("", line)
    return bool(counts) and not any(sign.isalnum() for sign in rest)


def _is_encoded(run: str) -> bool:
    kinds = (str.isupper, str.islower, str.isdigit)
    return len(run) > _LONGEST_WORD or all(sum(kind(sign) for sign in run) >= len(run) // 10 for kind in kinds)


def _length(match: re.Match[str]) -> str:
    return f"[{len(match.group()):,} signs]"
