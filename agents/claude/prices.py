"""What a call costs, from the tokens that the server counted: exact, since a record that is a cent off is no record."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.domain.errors import AgentUnusable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agents.claude.exchange import Usage

LIST = Path(__file__).with_name("prices.toml")
MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Dollars per million tokens."""

    input: Decimal
    output: Decimal
    cache_write_5m: Decimal
    cache_write_1h: Decimal
    cache_read: Decimal

    def dollars(self, usage: Usage) -> Decimal:
        """Return what these tokens cost."""
        parts = (
            self.input * usage.input_tokens,
            self.output * usage.output_tokens,
            self.cache_write_5m * usage.cache_write_5m_tokens,
            self.cache_write_1h * usage.cache_write_1h_tokens,
            self.cache_read * usage.cache_read_tokens,
        )
        return sum(parts, Decimal(0)) / MILLION


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What one model costs."""

    rates: Rates
    long_rates: Rates | None = None
    """For every token of a call with a long prompt; None where length does not matter."""
    long_above_tokens: int = 0
    """A prompt with more tokens than this, cached ones too, is long."""

    def rates_for(self, prompt_tokens: int) -> Rates:
        """Return the rates of a call whose prompt has so many tokens."""
        return self.long_rates if self.long_rates and prompt_tokens > self.long_above_tokens else self.rates

    def dollars(self, usage: Usage) -> Decimal:
        """Return what one call costs; not for sums of calls, since the length of each prompt counts."""
        return self.rates_for(usage.prompt).dollars(usage)


@dataclass(frozen=True, slots=True)
class Prices:
    """The price of each model, by the name under which it is asked for."""

    by_model: Mapping[str, Price]

    def of(self, model: str) -> Price:
        """Return the price of a model.

        Raises:
            AgentUnusable: No price is known for it, so no cap on money could be kept.
        """
        if model in self.by_model:
            return self.by_model[model]
        raise AgentUnusable(
            f"no price is known for the model {model!r}, so its cost could be neither recorded nor capped. Known are "
            f"{', '.join(sorted(self.by_model))}. Name a TOML file with its price in the setting ROUNDS_CLAUDE_PRICES; "
            f"{LIST} shows the form."
        )


def load_prices(own: Path | None = None) -> Prices:
    """Return the prices that come with Rounds, with those of a file of the same form put over them.

    Raises:
        AgentUnusable: The file cannot be read as prices.
    """
    known = _read(LIST)
    return Prices(known if own is None else {**known, **_read(own)})


def in_dollars(amount: Decimal) -> str:
    """Return an amount as a person reads it: cents, or what it takes to show that it is not nothing."""
    return f"${amount:.2f}" if amount == 0 or amount >= Decimal("0.01") else f"${amount:.4f}"


def _read(path: Path) -> dict[str, Price]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        return {model: _price(table) for model, table in tables.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, ArithmeticError) as error:
        raise AgentUnusable(f"the prices in {path} cannot be read: {error}; {LIST} shows the form") from error


def _price(table: Mapping[str, Any]) -> Price:
    table = dict(table)
    long = dict(table.pop("long_prompt", {}))
    above = int(long.pop("above_tokens")) if long else 0
    return Price(rates=_rates(table), long_rates=_rates(long) if long else None, long_above_tokens=above)


def _rates(table: Mapping[str, Any]) -> Rates:
    unknown = set(table) - {item.name for item in fields(Rates)}
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))}: no such price")
    rates = Rates(**{name: Decimal(value) for name, value in table.items()})
    if not all(getattr(rates, item.name).is_finite() and getattr(rates, item.name) >= 0 for item in fields(Rates)):
        raise ValueError("a price is below nothing or no number")
    return rates
