"""Facts that a training log tells about itself: they steer the search for improvements, never a score."""

from __future__ import annotations

import math
import re

_FIELD = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(\S+)")
_MAX_FIELDS = 40


def diagnostics(log: str) -> dict[str, float | str]:
    """Return the last value of every field of the log's `metric key=value ...` lines, and the first loss as `loss_first`.

    Numbers that are not finite are left out: a diagnosis must not rest on them. The log is text from the sandbox, so its
    numbers are hints only.
    """
    facts: dict[str, float | str] = {}
    for line in log.splitlines():
        if not line.startswith("metric "):
            continue
        for name, text in _FIELD.findall(line):
            value = _number(text)
            if value is None or (name not in facts and len(facts) >= _MAX_FIELDS):
                continue
            if name == "loss":
                facts.setdefault("loss_first", value)
            facts[name] = value
    return facts


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
