"""The rules: whether a candidate replaces the incumbent, from what a comparison on validation shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

OURS = "one paired standard error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """A comparison, or as arrays many of them; positive differences are better."""

    difference: Any
    unpaired_error: Any
    """Standard error of the incumbent's own metric."""
    paired_error: Any
    """Standard error of the difference, on the same images."""
    p: Any
    """One-sided, paired."""


RULES: dict[str, Callable[[Numbers], Any]] = {
    "strict": lambda shown: shown.difference > 0,
    "better by 0.0001": lambda shown: shown.difference > 1e-4,
    "one unpaired standard error": lambda shown: shown.difference > shown.unpaired_error,
    OURS: lambda shown: shown.difference > shown.paired_error,
    "p < 0.05": lambda shown: shown.p < 0.05,
}
"""Rounds' own stands here for comparison; the benchmark asks `tasks.selection.judge`."""
