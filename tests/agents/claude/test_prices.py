"""Dollars, exact to the last digit."""

from decimal import Decimal

import pytest

from agents.claude.exchange import Usage
from agents.claude.prices import in_dollars, load_prices
from tasks.domain.errors import AgentUnusable

PRICES = load_prices()


def test_each_kind_of_token_has_its_price():
    usage = Usage(
        input_tokens=1,
        cache_write_5m_tokens=10,
        cache_write_1h_tokens=100,
        cache_read_tokens=1000,
        output_tokens=10_000,
    )
    # 1 x 4 + 10 x 5 + 100 x 8 + 1,000 x 0.2 + 10,000 x 20, in millionths of a dollar
    assert PRICES.of("claude-opus-5-5").dollars(usage) == Decimal("0.201054")


def test_cents_do_not_get_lost_in_many_calls():
    one = PRICES.of("claude-opus-5-5").dollars(Usage(cache_read_tokens=1))
    assert sum([one] * 1_000_000, Decimal(0)) == Decimal("0.2")


def test_a_long_prompt_may_cost_more_for_every_token():
    haiku = PRICES.of("claude-haiku-5-5")
    assert haiku.dollars(Usage(cache_read_tokens=100_000, output_tokens=1000)) == Decimal("0.0015")
    assert haiku.dollars(Usage(cache_read_tokens=100_001, output_tokens=1000)) == Decimal("0.00750005")


def test_a_model_without_a_price_says_how_to_give_one():
    with pytest.raises(AgentUnusable, match="ROUNDS_CLAUDE_PRICES"):
        PRICES.of("claude-unheard-of")


def test_own_prices_are_put_over_the_list(tmp_path):
    own = tmp_path / "prices.toml"
    own.write_text(
        '["eu.anthropic.claude"]\ninput = 1.1\noutput = 2\ncache_write_5m = 3\ncache_write_1h = 4\ncache_read = 5\n'
    )
    prices = load_prices(own)
    assert prices.of("eu.anthropic.claude").dollars(Usage(input_tokens=1_000_000)) == Decimal("1.1")
    assert prices.of("claude-opus-5-5") == PRICES.of("claude-opus-5-5")


@pytest.mark.parametrize("text", ["[m]\ninput = 1", "[m", "m = 1", '[m]\ninput = "?"\noutput = 2\ncache_write_5m = 3\ncache_write_1h = 4\ncache_read = 5', "[m]\ninput = 1\noutput = 2\ncache_write_5m = 3\ncache_write_1h = 4\ncache_read = -5", "[m]\ninputs = 1"])  # fmt: skip
def test_prices_that_cannot_be_read_are_refused(tmp_path, text):
    own = tmp_path / "prices.toml"
    own.write_text(text)
    with pytest.raises(AgentUnusable, match="cannot be read"):
        load_prices(own)


def test_amounts_are_read_by_people():
    assert [in_dollars(Decimal(text)) for text in ("0", "5", "1234.5", "0.0042")] == [
        "$0.00",
        "$5.00",
        "$1234.50",
        "$0.0042",
    ]
