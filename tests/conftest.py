"""What holds for all tests: generated examples are the same in every run, and a slow machine fails none."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("rounds", derandomize=True, deadline=None, database=None)
settings.load_profile("rounds")
