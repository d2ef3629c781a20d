"""Where words stand in a request: what a model cites must really be there."""

from __future__ import annotations

import re


def places(words: str, text: str) -> list[tuple[int, int]]:
    """Return the spans of a text in which these words stand, whatever the spaces and capitals between them."""
    parts = words.split()
    if not parts:
        return []
    pattern = r"\s+".join(re.escape(part) for part in parts)
    before = r"(?<!\w)" if re.match(r"\w", parts[0]) else ""
    after = r"(?!\w)" if re.search(r"\w$", parts[-1]) else ""
    return [match.span() for match in re.finditer(before + pattern + after, text, re.IGNORECASE)]
