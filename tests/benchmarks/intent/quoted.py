"""Quotes in plain-word edits, and the small repairs that a text needs after words were taken out."""

from __future__ import annotations

import re

OPEN = r"['\"\u2018\u201c]"
_PAIRS = (("'", "'"), ('"', '"'), ("\u2018", "\u2019"), ("\u201c", "\u201d"))


def strip_quotes(text: str) -> str:
    """Return what stands between the outer quotes of a text; the text itself if it has none."""
    plain = text.strip().rstrip(".") if text.strip()[-2:-1] in {"'", '"'} else text.strip()
    for first, last in _PAIRS:
        if len(plain) > 1 and plain[0] == first and plain[-1] == last:
            return plain[1:-1]
    return plain.strip()


def without_quotes(text: str) -> str:
    """Return a text without anything that stands in quotes: apostrophes inside words do not count."""
    return re.sub(r"(?<!\w)(['\"\u2018\u201c]).+?['\"\u2019\u201d](?!\w)", " ", text, flags=re.DOTALL)


def tidy(text: str) -> str:
    """Return a text without the double blanks and stray signs that an edit leaves behind."""
    text = re.sub(r"[ \t]+", " ", text)
    text = re.sub(r"\s+([,.;:!?])", r"\1", text)
    text = re.sub(r"[,;:]+([.!?])", r"\1", text)
    text = re.sub(r"([,;])(?:\s*[,;])+", r"\1", text)
    text = re.sub(r"([.!?])(?:\s*\.)+(?=\s|$)", r"\1", text)
    return re.sub(r"^[\s,;:.]+", "", text).strip()
