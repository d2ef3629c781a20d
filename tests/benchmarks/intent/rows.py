"""The rows of a benchmark file, read as they are: whatever is missing or of another kind is a problem to tell, never a crash."""

from __future__ import annotations

import json
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A request with its key."""

    id: str
    request: str = ""
    manifest: dict[str, object] = field(default_factory=dict)
    expected: dict[str, object] = field(default_factory=dict)
    pairs: tuple[object, ...] = ()
    problem: str = ""
    """Why it cannot be judged; empty if it can."""


def read_rows(text: str) -> list[Row]:
    """Return the rows of a file of JSON lines; an unreadable line is a row with a problem, an empty one is none."""
    lines = [line for line in text.splitlines() if line.strip()]
    return [_read(line, place) for place, line in enumerate(lines, start=1)]


def _read(line: str, place: int) -> Row:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        return Row(id=f"row {place}", problem=f"the line is no JSON: {error}")
    return row_of(row, place)


def row_of(row: object, place: int = 1) -> Row:
    """Return a row as it was parsed from JSON."""
    if not isinstance(row, dict):
        return Row(id=f"row {place}", problem="the line is no JSON object")
    request, expected, manifest, pairs = (
        row.get(key) for key in ("request", "expected", "data_manifest", "minimal_pairs")
    )
    problem = "" if isinstance(expected, dict) else "it has no key (expected)"
    if not isinstance(request, str) or not request.strip():
        problem = "it has no request"
    return Row(
        id=str(row.get("id") or f"row {place}"),
        request=request if isinstance(request, str) else "",
        manifest=manifest if isinstance(manifest, dict) else {},
        expected=expected if isinstance(expected, dict) else {},
        pairs=tuple(pairs) if isinstance(pairs, list) else (),
        problem=problem,
    )
