"""The forecast before the first call."""

from decimal import Decimal

from agents.claude.exchange import Usage
from agents.claude.forecast import BRISK, BYTES_PER_TOKEN, forecast
from agents.claude.prices import load_prices

OPUS = load_prices().of("claude-opus-5-5")


def test_a_forecast_is_a_range_in_words():
    said = forecast("claude-opus-5-5", OPUS, rounds=30, prompt_bytes=60_000)
    assert 0 < said.low_dollars < said.high_dollars
    assert said.sentence.startswith("30 rounds with claude-opus-5-5 will likely cost between $")
    assert f"and ${said.high_dollars:.2f};" in said.sentence


def test_the_low_end_is_what_its_assumptions_cost():
    said = forecast("m", OPUS, rounds=1, prompt_bytes=BYTES_PER_TOKEN * 999)
    new = BRISK.written_tokens + BRISK.shown_tokens
    turns = BRISK.turns
    usage = Usage(
        cache_write_1h_tokens=1000,
        cache_read_tokens=1000 * (turns - 1) + new * sum(range(turns - 1)),
        cache_write_5m_tokens=new * (turns - 1),
        output_tokens=BRISK.written_tokens * turns,
    )
    assert said.low_dollars == OPUS.dollars(usage)
    assert said.sentence.startswith("1 round with")


def test_more_rounds_and_longer_prompts_cost_more():
    base = forecast("m", OPUS, rounds=8, prompt_bytes=30_000)
    longer = forecast("m", OPUS, rounds=8, prompt_bytes=60_000)
    more = forecast("m", OPUS, rounds=16, prompt_bytes=30_000)
    assert base.low_dollars < longer.low_dollars < more.low_dollars
    assert base.high_dollars < longer.high_dollars < more.high_dollars
    assert more.high_dollars == 2 * base.high_dollars


def test_no_rounds_cost_nothing():
    assert forecast("m", OPUS, rounds=0, prompt_bytes=30_000).high_dollars == Decimal(0)
