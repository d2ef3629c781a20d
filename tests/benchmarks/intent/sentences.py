"""Where the sentences and clauses of a request begin and end."""

from __future__ import annotations

import re

_ORDINALS = {"first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "last": -1, "final": -1, "opening": 0, "closing": -1}  # fmt: skip
_SENTENCE = re.compile(r"\S.*?(?:[.!?]+(?=\s|$)|$)", re.DOTALL)
_ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|vs|dr|approx|incl|etc)\.$", re.IGNORECASE)


def sentences(text: str) -> list[tuple[int, int]]:
    """Return the span of each sentence, its final sign included."""
    spans: list[tuple[int, int]] = []
    for found in _SENTENCE.finditer(text):
        if spans and _ABBREVIATION.search(text[: spans[-1][1]]):
            spans[-1] = (spans[-1][0], found.end())
        else:
            spans.append(found.span())
    return spans


def numbered_sentence(text: str, ordinal: str) -> tuple[int, int] | None:
    """Return the span of the `second` or the `last` sentence; None if there is no such sentence or word."""
    spans, place = sentences(text), _ORDINALS.get(ordinal.lower())
    if place is None or not -len(spans) <= place < len(spans):
        return None
    return spans[place]


def sentence_with(text: str, words: str) -> tuple[int, int] | None:
    """Return the span of the first sentence that holds some words."""
    return next((span for span in sentences(text) if words.lower() in text[slice(*span)].lower()), None)


def clause_with(text: str, words: str) -> tuple[int, int] | None:
    """Return the span of the clause that holds some words: between semicolons or dashes where the sentence has any, else commas.

    The sign before the clause belongs to it, the full stop after it does not. A sentence of one clause is taken whole.
    """
    sentence = sentence_with(text, words)
    if sentence is None:
        return None
    start, end = sentence
    body = text[start:end]
    inner_end = len(body.rstrip(".!?"))
    at = body.lower().index(words.lower())
    for sign in (r"\s*;\s*|\s+[-\u2013\u2014]\s+|\s*\u2014\s*|\s*:\s+", r"\s*,\s*"):
        marks = [found.span() for found in re.finditer(sign, body) if not at <= found.start() < at + len(words)]
        before = [span for span in marks if span[1] <= at]
        after = [span for span in marks if span[0] >= at + len(words)]
        if before:
            return start + before[-1][0], start + (after[0][0] if after else inner_end)
        if after:
            return start, start + after[0][1]
    return sentence


def closest_sentence(text: str, other: str) -> tuple[int, int]:
    """Return the span of the sentence that shares most words with another text; the last one if none shares any."""
    wanted = _words(other)
    spans = sentences(text) or [(0, len(text))]
    best = max(range(len(spans)), key=lambda place: (len(wanted & _words(text[slice(*spans[place])])), place))
    return spans[best]


def _words(text: str) -> set[str]:
    return {word.rstrip("s") for word in re.findall(r"[a-z]{3,}", text.lower())} - {
        "the",
        "and",
        "you",
        "can",
        "that",
        "with",
        "for",
    }
