"""Numbers and shares as people write them: '95 %', 'ninety-five percent', '19 out of 20', 'one in ten', '0.95'."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.playbook.intent.words import normal_form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.playbook.intent.words import Token

_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_UNITS = {normal_form(word): float(value) for value, word in enumerate(_SMALL)}
_TEN_WORDS = {normal_form(word): 10.0 * (value + 2) for value, word in enumerate(_TENS)}
_PARTS = {
    normal_form(word): value
    for word, value in {
        "half": 0.5,
        "third": 1 / 3,
        "quarter": 0.25,
        "fifth": 0.2,
        "tenth": 0.1,
        "twentieth": 0.05,
    }.items()
}
_PER_CENT = frozenset({"%", normal_form("percent"), normal_form("pct")})
_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")
_OUT_OF = (
    ("out", "of", "every"), ("out", "of", "each"), ("out", "of"), ("of", "every"), ("of", "each"), ("in", "every"), ("in", "each"), ("of",), ("in",),
    ("from",), ("per",), ("/",),
)  # fmt: skip
_ROUND = {normal_form("hundred"): 100.0, normal_form("thousand"): 1000.0}


@dataclass(frozen=True, slots=True)
class Amount:
    """A number at some place of the text."""

    end: int
    """Position of the first token after it."""
    number: float
    share: float | None
    """The same as a share from 0 to 1, where the text says a share."""


def amount_at(tokens: Sequence[Token], at: int) -> Amount | None:
    """Return the number or share that starts at a token, or None."""
    if tokens[at].text.lower() == "ones":  # 'healthy ones in a hundred' counts nobody
        return None
    plain = _number(tokens, at)
    return _part(tokens, at) or (_with_unit(tokens, *plain) if plain is not None else None)


def _with_unit(tokens: Sequence[Token], value: float, end: int) -> Amount:
    """Return a number with the per cent sign or the whole that follows it."""
    if end < len(tokens) and tokens[end].norm in _PER_CENT:
        return _share(end + 1, value, value / 100)
    if _norms(tokens, end, 2) == ("per", "cent"):
        return _share(end + 2, value, value / 100)
    for joiner in _OUT_OF:
        if _norms(tokens, end, len(joiner)) == tuple(normal_form(word) if word.isalpha() else word for word in joiner):
            whole = _whole(tokens, end + len(joiner))
            if whole is not None and whole[0] >= max(2, value):
                return _share(whole[1], value, value / whole[0])
    if 0 < value < 1:
        return Amount(end, value, value)
    return Amount(end, value, None)


def _whole(tokens: Sequence[Token], at: int) -> tuple[float, int] | None:
    """Return the number that another is a part of; here a bare 'hundred' counts too: 'five per hundred'."""
    bare = _ROUND.get(tokens[at].norm) if at < len(tokens) else None
    return (bare, at + 1) if bare is not None else _number(tokens, at)


def _share(end: int, number: float, share: float) -> Amount:
    return Amount(end, number, share if 0 <= share <= 1 else None)


def _norms(tokens: Sequence[Token], at: int, count: int) -> tuple[str, ...]:
    return tuple(token.norm for token in tokens[at : at + count])


def _lone_word(tokens: Sequence[Token], at: int) -> float | None:
    """Return the number of 'every hundred', and of 'once' in 'once in fifty'."""
    norm, follows = tokens[at].norm, _norms(tokens, at + 1, 1)
    if norm == "once" and follows == ("in",):
        return 1.0
    return _ROUND.get(norm) if at and tokens[at - 1].norm in {"every", "each", "per"} else None


def _number(tokens: Sequence[Token], at: int) -> tuple[float, int] | None:
    """Return a number in digits or words and the position after it; 'a hundred' counts, a lone 'a' does not."""
    if at >= len(tokens):
        return None
    norm, after = tokens[at].norm, _norms(tokens, at + 1, 1)
    if _DIGITS.fullmatch(tokens[at].text):
        return _digits(tokens[at].text), at + 1
    if norm in {"a", "one"} and after and after[0] in _ROUND:
        return _ROUND[after[0]], at + 2
    if norm in _TEN_WORDS:
        ones = _UNITS.get(after[0], 0) if after else 0
        return (_TEN_WORDS[norm] + ones, at + 2) if 0 < ones < 10 else (_TEN_WORDS[norm], at + 1)
    alone = _UNITS.get(norm, _lone_word(tokens, at))
    return (alone, at + 1) if alone is not None else None


def _digits(text: str) -> float:
    """Read '95', '0.95', '0,95' and '10,015': a comma before exactly three digits separates thousands."""
    if re.fullmatch(r"[1-9]\d{0,2}(,\d{3})+(\.\d+)?", text):
        return float(text.replace(",", ""))
    pieces = re.split(r"[.,]", text)
    return float(pieces[0] + "." + "".join(pieces[1:])) if len(pieces) > 1 else float(text)


def _part(tokens: Sequence[Token], at: int) -> Amount | None:
    """Read 'half', 'a quarter', 'three quarters' where 'of' follows: 'half of the positives'."""
    count, step = 1.0, at
    if tokens[at].norm in {"a", "one"}:
        step = at + 1
    elif tokens[at].norm in _UNITS and _UNITS[tokens[at].norm] > 1:
        count, step = _UNITS[tokens[at].norm], at + 1
    part = _PARTS.get(tokens[step].norm) if step < len(tokens) else None
    if part is not None and _norms(tokens, step + 1, 1) == ("a",) and step == at:
        return Amount(step + 2, part, None)  # 'half a false mark an image'
    if part is None or _norms(tokens, step + 1, 1) != ("of",) or count * part > 1:
        return None
    return Amount(step + 1, count * part, count * part)
