"""Bounds are above what the server takes, whatever is asked."""

from decimal import Decimal

import pytest

from agents.claude.bounds import IMAGE_TOKENS, UNSEEN_TOKENS, most_dollars, most_tokens, with_margin
from agents.claude.prices import load_prices
from agents.claude.scripted_cache import PromptCache

OPUS = load_prices().of("claude-opus-5-5")
HAIKU = load_prices().of("claude-haiku-5-5")
TURN = {"role": "user", "content": [{"type": "text", "text": "ünïcödé " * 500}]}
BODY = {"model": "m", "max_tokens": 100, "messages": [TURN]}


@pytest.mark.parametrize(
    ("more", "dearest"), [({}, 4), ({"cache_control": {"type": "ephemeral"}}, 5), ({"cache_control": {"type": "ephemeral", "ttl": "1h"}}, 8)]
)  # fmt: skip
def test_the_prompt_is_priced_at_the_dearest_rate_that_may_apply(more, dearest):
    body = {**BODY, **more}
    assert most_dollars(OPUS, body, 1000) == (Decimal(dearest) * 1000 + 20 * 100) / 1_000_000
    charged = PromptCache(clock=lambda: 0.0, smallest_tokens=0).charge(body)
    assert OPUS.dollars(charged) <= most_dollars(OPUS, body, most_tokens(body))


def test_no_token_is_shorter_than_a_byte():
    assert most_tokens(BODY) >= len(TURN["content"][0]["text"].encode()) + UNSEEN_TOKENS


def test_a_picture_counts_by_its_pixels_not_its_bytes():
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
    with_picture = {**BODY, "messages": [{"role": "user", "content": [*TURN["content"], picture]}]}
    assert most_tokens(with_picture) > most_tokens(BODY) + IMAGE_TOKENS


def test_a_count_gets_a_margin():
    assert with_margin(1000) == 1051


def test_a_prompt_that_may_be_long_is_priced_as_long():
    assert most_dollars(HAIKU, BODY, 100_001) > 4 * most_dollars(HAIKU, BODY, 100_000)
