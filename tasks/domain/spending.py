"""What a study spent on a language model, by conversation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationCost:
    """The calls of one conversation, those that came to nothing too."""

    dollars: str
    """Exact, as a decimal number; a call that a kill cut off counts with the most that it can have cost."""
    tokens: dict[str, int]
    """By kind, as the API counts them: `input_tokens`, `cache_read_tokens`, `output_tokens`, ..."""
    seconds: float
    """Of calls, and of waits between tries."""
    calls: int
    faults: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyCost:
    """All conversations of a study."""

    conversations: dict[str, ConversationCost]
    """By name: `parse`, `initialize`, `round-01`, ..."""
    dollars: str
    """Exact sum."""

    @property
    def tokens(self) -> int:
        """Return all tokens."""
        return sum(sum(item.tokens.values()) for item in self.conversations.values())

    @property
    def cached_tokens(self) -> int:
        """Return the tokens that were read from the prompt cache."""
        return sum(item.tokens.get("cache_read_tokens", 0) for item in self.conversations.values())

    @property
    def calls(self) -> int:
        """Return the calls that were answered."""
        return sum(item.calls for item in self.conversations.values())
