"""What a call costs at most, known before it is made."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

from agents.claude.prices import MILLION

if TYPE_CHECKING:
    from agents.claude.exchange import Body
    from agents.claude.prices import Price

UNSEEN_TOKENS = 4_000
"""Of prompt that the API adds by itself for tools and output formats. Assumed, and generous: some hundred for each are usual."""
IMAGE_TOKENS = 5_000
"""At most, of one picture, however few bytes it was packed into. Assumed: three times what is documented for models before these.

Source: platform.claude.com/docs/en/build-with-claude/vision, about 1,600 tokens before a picture is scaled down."""
COUNT_MARGIN = Decimal("1.05")
"""The server's own count is an estimate too, "a small amount" off."""


def most_tokens(body: Body) -> int:
    """Return a bound on the tokens of a prompt without asking: no token is shorter than a byte."""
    text = json.dumps(body, ensure_ascii=False)
    return len(text.encode()) + text.count('"type": "image"') * IMAGE_TOKENS + UNSEEN_TOKENS


def with_margin(counted: int) -> int:
    """Return a bound on the tokens of a prompt that the server counted."""
    return int(counted * COUNT_MARGIN) + 1


def most_dollars(price: Price, body: Body, prompt_tokens: int) -> Decimal:
    """Return what a call with at most so long a prompt costs at most: all of it written to the dearest cache it asks for."""
    rates = price.rates_for(prompt_tokens)
    text = json.dumps(body)
    dearest = rates.input
    if '"cache_control"' in text:
        dearest = max(dearest, rates.cache_write_5m)
    if '"1h"' in text:
        dearest = max(dearest, rates.cache_write_1h)
    return (dearest * prompt_tokens + rates.output * int(body["max_tokens"])) / MILLION
