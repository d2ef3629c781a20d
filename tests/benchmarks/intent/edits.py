"""An edit in plain words, applied: to the request, or to the description of the data.

Understood are replacing (`'a' -> 'b'`, `replace 'a' by 'b'`, `throughout`), deleting (quoted words, the second sentence, the
'uncertain' sentence, the 'not sure' clause), appending, inserting, swapping, new numbers (`change both to 85%`), and changes of
the manifest (see `manifest_edits`). Quoted words must stand in the request; an edit that changes nothing is not understood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from manifest_edits import edit_manifest
from quoted import OPEN, strip_quotes, tidy, without_quotes
from sentences import clause_with, closest_sentence, numbered_sentence, sentence_with


class EditNotUnderstood(Exception):
    """The edit names nothing that can be changed; the message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """A request with its data after an edit."""

    request: str
    manifest: dict[str, object]
    removed: tuple[tuple[int, int], ...] = ()
    """Spans of the request before the edit that it removed or replaced."""
    written: str = ""
    """Text that the edit brought in."""
    names: tuple[str, ...] = field(default=())
    """Columns that it took from the manifest or added to it."""


_ARROW = re.compile(r"\s*(?:->|=>|\u2192)\s*")
_BETWEEN_PAIRS = re.compile(r"(?<=['\"\u2019\u201d])\s*(?:;|,\s*and\b|,|\band\b)\s*(?=['\"\u2018\u201c])")
_THROUGHOUT = re.compile(r"\s*\b(?:throughout|everywhere|in both places|both times|each time|all occurrences)\b\s*$", re.IGNORECASE)  # fmt: skip
_OF_THE_DATA = re.compile(
    r"\b(?:manifest|metadata|data_manifest|labels)\b|^\w+ (?:the |a )?(?:label|column|attribute|field)\b", re.IGNORECASE
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?\s*%|\b\d+(?:\.\d+)?\b")


def apply_edit(edit: str, request: str, manifest: dict[str, object]) -> Edited:
    """Return request and manifest after an edit.

    Raises:
        EditNotUnderstood: No rule knows the edit, or what it quotes does not stand in the request.
    """
    text = re.sub(r"^\s*(?:please|edit)\s*:?\s*", "", edit, flags=re.IGNORECASE).strip()
    if _OF_THE_DATA.search(without_quotes(text)):
        changed, names = edit_manifest(text, manifest)
        if changed == manifest:
            raise EditNotUnderstood(f"nothing in the manifest is changed by: {edit}")
        return Edited(request=request, manifest=changed, names=names)
    for rule in (_new_request, _swap, _insert, _append, _replace, _delete, _new_numbers, _rewrite_case):
        edited = rule(text, request, manifest)
        if edited is None:
            continue
        if edited.request == request:
            raise EditNotUnderstood(f"nothing in the request is changed by: {edit}")
        return edited
    raise EditNotUnderstood(f"no such edit is known: {edit}")


def _new_request(text: str, request: str, manifest: dict[str, object]) -> Edited | None:
    found = re.fullmatch(
        r"(?:replace|change|set|swap)\s+(?:the\s+)?(?:whole\s+|entire\s+|full\s+)?(?:request|text|sentence)\s*(?:by|with|to|for|:|=)\s*(.+)|"
        r"(?:the\s+)?(?:request|text)\s*(?:becomes|is now|is|:|=|->)\s*(.+)|(?:paraphrase|rephrase|reworded?|rewrite)[^:'\"]*:?\s*(['\"\u2018\u201c].+)",
        text,
        re.IGNORECASE | re.DOTALL,
    )
    if not found:
        return None
    new = strip_quotes(found[1] or found[2] or found[3])
    return Edited(request=new, manifest=manifest, removed=((0, len(request)),), written=new)


def _swap(text: str, request: str, manifest: dict[str, object]) -> Edited | None:
    """`swap: 'new sentence'` stands for the sentence of the request that says most of the same words."""
    pair = re.fullmatch(r"swap\s*:?\s*(['\"].+?['\"])\s+(?:and|with)\s+(['\"].+['\"])", text, re.IGNORECASE | re.DOTALL)
    if pair and all(strip_quotes(part) in request for part in pair.groups()):
        one, other = (strip_quotes(part) for part in pair.groups())
        parts = re.split(f"({re.escape(one)}|{re.escape(other)})", request)
        swapped = "".join(other if part == one else one if part == other else part for part in parts)
        spans = tuple((request.index(part), request.index(part) + len(part)) for part in (one, other))
        return Edited(request=swapped, manifest=manifest, removed=spans, written=f"{one} {other}")
    found = re.fullmatch(r"swap(?:\s+\w+){0,3}\s*:\s*(.+)|swap\s+(?:in|to)\s+(.+)", text, re.IGNORECASE | re.DOTALL)
    if not found:
        return None
    new = strip_quotes(found[1] or found[2])
    start, end = closest_sentence(request, new)
    return _put(request, start, end, _ended_like(new, request[start:end]), manifest)


def _ended_like(new: str, old: str) -> str:
    return new + old.rstrip()[-1:] if old.rstrip()[-1:] in ".!?" and new[-1:] not in ".!?" else new


def _append(text: str, request: str, manifest: dict[str, object]) -> Edited | None:
    found = re.fullmatch(
        rf"(append|add|prepend|put first|start with|end with)\b[^'\"\u2018\u201c]*?:?\s*({OPEN}.+)",
        text,
        re.IGNORECASE | re.DOTALL,
    )
    if not found:
        return None
    new = strip_quotes(found[2])
    before = found[1].lower() in {"prepend", "put first", "start with"} or bool(
        re.search(r"\b(?:at the (?:start|beginning|front)|in front|first)\s*$", text)
    )
    joined = f"{new.rstrip()} {request}" if before else request.rstrip() + ("" if new[:1] in " ,.;:" else " ") + new
    return Edited(request=joined, manifest=manifest, written=new)


def _insert(text: str, request: str, manifest: dict[str, object]) -> Edited | None:
    found = re.fullmatch(
        rf"(?:insert|add|put)\s+({OPEN}.+?)\s+(after|before)\s+({OPEN}.+)", text, re.IGNORECASE | re.DOTALL
    )
    if not found:
        return None
    new, anchor = strip_quotes(found[1]), strip_quotes(found[3])
    span = _find(request, anchor)
    if span is None:
        raise EditNotUnderstood(f"the request does not say {anchor!r}")
    at = span[1] if found[2].lower() == "after" else span[0]
    left, right = request[:at].rstrip(), request[at:].lstrip()
    spaced = f"{left}{'' if new[:1] in ',.;:' else ' '}{new.strip()} {right}"
    return Edited(request=tidy(spaced), manifest=manifest, written=new)


def _replace(text: str, request: str, manifest: dict[str, object]) -> Edited | None:
    pairs = _pairs(text)
    if not pairs:
        return None
    removed: list[tuple[int, int]] = []
    result = request
    for old, new in pairs:
        if _find(result, old) is None:
            raise EditNotUnderstood(f"the request does not say {old!r}")
        removed += _all_of(request, old)
        result = _substituted(result, old, new)
    return Edited(
        request=tidy(result), manifest=manifest, removed=tuple(removed), written=" ".join(new for _, new in pairs)
    )


def _pairs(text: str) -> list[tuple[str, str]]:
    """Return (old, new) of `'a' -> 'b'`, of several of them, of `replace 'a' by 'b'` and of `'a' becomes 'b'`."""
    text = _THROUGHOUT.sub("", text)
    text = re.sub(r"^(?:replace|change|swap|substitute|turn)\s*:?\s+", "", text, flags=re.IGNORECASE)
    if _ARROW.search(text):
        parts = _BETWEEN_PAIRS.split(text)
        pieces = parts if all(len(_ARROW.findall(part)) == 1 for part in parts) else [text]
        split = [_ARROW.split(piece, maxsplit=1) for piece in pieces]
        return [(strip_quotes(old), strip_quotes(new)) for old, new in split if strip_quotes(old)]
    found = re.fullmatch(
        rf"({OPEN}.+['\"\u2019\u201d])\s+(?:by|with|to|becomes|is replaced (?:by|with)|replaced (?:by|with)|into)\s+({OPEN}.+)", text, re.IGNORECASE | re.DOTALL
    )  # fmt: skip
    if found:
        return [(strip_quotes(found[1]), strip_quotes(found[2]))]
    plain = re.fullmatch(r"(\d\S*)\s+(?:by|with|to|becomes)\s+(\d\S*)", text)
    return [(plain[1], plain[2].rstrip("."))] if plain else []


def _delete(text: str, request: str, manifest: dict[str, object]) -> Edited | None:
    verb = r"(?:delete|remove|drop|omit|cut|strike|leave out|without|take out)"
    found = re.fullmatch(rf"{verb}\s*:?\s+(.+)", text, re.IGNORECASE | re.DOTALL) or re.fullmatch(
        r"(.+?)\s+(?:is\s+)?(?:removed|deleted|dropped|omitted|left out|taken out)\.?", text, re.IGNORECASE | re.DOTALL
    )
    if not found:
        return None
    what = found[1].strip()
    span = _spoken_of(what, request)
    if span is None:
        raise EditNotUnderstood(f"the request has no {what}")
    return _put(request, *span, "", manifest)


def _spoken_of(what: str, request: str) -> tuple[int, int] | None:
    """Return the span of `the second sentence`, `the 'x' sentence`, `the 'x' clause`, `the sentence about x`, or quoted words."""
    plain = re.sub(r"^(?:the|its)\s+", "", what, flags=re.IGNORECASE)
    numbered = re.fullmatch(r"(\w+)\s+sentence", plain, re.IGNORECASE)
    if numbered and (span := numbered_sentence(request, numbered[1])):
        return span
    about = re.fullmatch(
        rf"({OPEN}.+['\"\u2019\u201d]|\S+)\s+(sentence|clause|part|phrase|half-sentence)|(sentence|clause|part|phrase)\s+(?:about|on|with|that says|containing|starting with)\s+(?:the\s+)?(.+)",
        plain,
        re.IGNORECASE | re.DOTALL,
    )
    if about:
        words, unit = strip_quotes(about[1] or about[4]), (about[2] or about[3]).lower()
        return sentence_with(request, words) if unit == "sentence" else clause_with(request, words)
    return _find(request, strip_quotes(what))


def _new_numbers(text: str, request: str, manifest: dict[str, object]) -> Edited | None:
    """`change both to 85%`, `change the number to 90%`, `change the threshold from 80 to 90%`."""
    found = re.fullmatch(
        r"(?:change|set|raise|lower|turn|reduce|increase)\s+(?P<what>.+?)\s+(?:from\s+\S+\s+)?to\s+(?P<new>\d+(?:\.\d+)?\s*%?)\.?",
        text,
        re.IGNORECASE,
    )
    if not found:
        return None
    numbers = list(_NUMBER.finditer(request))
    percents = [number for number in numbers if "%" in number[0]]
    numbers = percents if "%" in found["new"] and percents else numbers
    every = re.search(r"\b(?:both|all|each|every)\b|numbers\b|values\b", found["what"], re.IGNORECASE)
    if stated := _NUMBER.search(found["what"]):
        numbers = [number for number in numbers if number[0] == stated[0]]
    elif not every:
        numbers = _nearest(numbers, found["what"], request)
    result = request
    for number in reversed(numbers):
        result = result[: number.start()] + found["new"] + result[number.end() :]
    spans = tuple(number.span() for number in numbers)
    return Edited(request=result, manifest=manifest, removed=spans, written=found["new"])


def _nearest(numbers: list[re.Match[str]], what: str, request: str) -> list[re.Match[str]]:
    """Return the number that stands closest to a word of what is named (`the specificity`), else the only one."""
    words = [word for word in re.findall(r"[a-z]{4,}", what.lower()) if word in request.lower()]
    if not words or len(numbers) < 2:
        return numbers[:1]
    start = request.lower().index(words[-1])
    end = start + len(words[-1])
    return [min(numbers, key=lambda number: max(number.start() - end, start - number.end()))]


def _rewrite_case(text: str, request: str, manifest: dict[str, object]) -> Edited | None:
    if re.search(r"\blower[- ]?case\b", text, re.IGNORECASE):
        return Edited(request=request.lower(), manifest=manifest)
    if re.search(r"\b(?:upper[- ]?case|capitals)\b", text, re.IGNORECASE):
        return Edited(request=request.upper(), manifest=manifest)
    return None


def _put(request: str, start: int, end: int, new: str, manifest: dict[str, object]) -> Edited:
    return Edited(
        request=tidy(request[:start] + new + request[end:]), manifest=manifest, removed=((start, end),), written=new
    )


def _find(request: str, words: str) -> tuple[int, int] | None:
    spans = _all_of(request, words)
    return spans[0] if spans else None


def _all_of(request: str, words: str) -> list[tuple[int, int]]:
    """Return where words stand in a request: as they are, at the borders of words where that is anywhere; else in any case."""
    if not words.strip():
        return []
    pattern = r"\s+".join(re.escape(word) for word in words.split())
    bordered = (r"\b" if words.strip()[0].isalnum() else "") + pattern + (r"\b" if words.strip()[-1].isalnum() else "")
    for expression, flags in ((bordered, 0), (bordered, re.IGNORECASE), (pattern, re.IGNORECASE)):
        spans = [found.span() for found in re.finditer(expression, request, flags)]
        if spans:
            return spans
    return []


def _substituted(request: str, old: str, new: str) -> str:
    for start, end in reversed(_all_of(request, old)):
        capital = request[start].isupper() and old[:1].islower()
        request = request[:start] + (new[:1].upper() + new[1:] if capital else new) + request[end:]
    return request
