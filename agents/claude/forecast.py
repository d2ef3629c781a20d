"""What a study is likely to cost, said before the first call."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from agents.claude.exchange import Usage
from agents.claude.prices import in_dollars

if TYPE_CHECKING:
    from agents.claude.prices import Price

BYTES_PER_TOKEN = 3
"""Of English and code; 3 to 4 with the tokenizer of these models, so this errs on the dear side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How a developer goes about a round. Assumed, not measured: what a real study cost replaces them."""

    turns: int
    """Calls of a round: reading, editing, trying out, proposing."""
    written_tokens: int
    """A turn, thinking included."""
    shown_tokens: int
    """That the tools answer in a turn: a part of a file, the end of a log."""
    shared_is_cached: bool
    """Whether what all rounds share is still in the cache when the next one begins."""


BRISK = Habits(turns=8, written_tokens=600, shown_tokens=500, shared_is_cached=True)
"""Reads two files, edits one, tries it once, proposes; rounds shorter than the hour that the cache lasts."""
LABORIOUS = Habits(turns=30, written_tokens=1_500, shown_tokens=2_000, shared_is_cached=False)
"""Goes back and forth up to the usual limit on turns; rounds longer than the cache lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The likely cost of a study."""

    model: str
    rounds: int
    low_dollars: Decimal
    high_dollars: Decimal

    @property
    def sentence(self) -> str:
        """Return it as a person reads it."""
        rounds = "1 round" if self.rounds == 1 else f"{self.rounds} rounds"
        return (
            f"{rounds} with {self.model} will likely cost between {in_dollars(self.low_dollars)} and "
            f"{in_dollars(self.high_dollars)}; {BRISK.turns} to {LABORIOUS.turns} calls a round are assumed."
        )


def forecast(model: str, price: Price, *, rounds: int, prompt_bytes: int) -> Forecast:
    """Return what so many rounds will likely cost.

    Args:
        model: Its name.
        price: What it costs.
        rounds: That are planned.
        prompt_bytes: Of the prompt with which a round begins, in UTF-8.
    """
    prompt = prompt_bytes // BYTES_PER_TOKEN + 1
    low, high = (_study(price, habits, rounds=rounds, prompt=prompt) for habits in (BRISK, LABORIOUS))
    return Forecast(model=model, rounds=rounds, low_dollars=low, high_dollars=high)


def _study(price: Price, habits: Habits, *, rounds: int, prompt: int) -> Decimal:
    later = _round(price, habits, prompt=prompt, begins_cached=habits.shared_is_cached)
    return _round(price, habits, prompt=prompt, begins_cached=False) + later * (rounds - 1) if rounds else Decimal(0)


def _round(price: Price, habits: Habits, *, prompt: int, begins_cached: bool) -> Decimal:
    """Return the cost of one round: each turn reads from the cache what was said before, and writes what is new to it."""
    first = Usage(
        cache_read_tokens=prompt if begins_cached else 0,
        cache_write_1h_tokens=0 if begins_cached else prompt,
        output_tokens=habits.written_tokens,
    )
    new = habits.written_tokens + habits.shown_tokens
    later = (
        Usage(
            cache_read_tokens=prompt + new * turn,
            cache_write_5m_tokens=new,
            output_tokens=habits.written_tokens,
        )
        for turn in range(habits.turns - 1)
    )
    return price.dollars(first) + sum((price.dollars(usage) for usage in later), Decimal(0))
