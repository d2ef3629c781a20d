"""Shortens a log for a reader with little room, a language model above all, without losing what a developer acts on.

Kept: the end, the tracebacks (the newest first), the first and last metric lines, the beginning, and then as many metric lines, evenly
spread, as there is room for. Where lines were left out, their number stands instead.
"""

from __future__ import annotations

import re

HEAD_LINES = 8
TAIL_LINES = 12
LONGEST_LINE = 400
_TRACEBACK = re.compile(r"^(?P<margin>\s*)(?:\+ Exception Group )?Traceback \(most recent call last\):")
_METRIC = re.compile(r"^\s*metric\b")
_GAP_LENGTH = len("[... 1000000 lines left out ...]") + 1


def shorten(log: str, *, limit: int = 6000) -> str:
    """Return a log in at most so many characters.

    Args:
        log: The whole text.
        limit: Characters, at least 500.
    """
    if len(log) <= limit:
        return log
    lines = [_shorten_line(line) for line in log.splitlines()]
    choice = _Choice(lines, room=limit - _GAP_LENGTH)
    for block in _by_importance(lines):
        while block and not choice.take(block):
            block = block[(len(block) + 1) // 2 :]  # noqa: PLW2901 - the end of a traceback says most
    metrics = [number for number, line in enumerate(lines) if _METRIC.match(line)]
    for number in [*_ever_denser(metrics), *range(len(lines) - 1, -1, -1)]:
        if not choice.take([number]):
            break
    return _with_gaps(lines, choice.kept)


def _ever_denser(numbers: list[int]) -> list[int]:
    """Return numbers so that any beginning of the result is spread evenly over all of them; some appear again."""
    strides = [2**power for power in range(len(numbers).bit_length(), -1, -1)]
    return [number for stride in strides for number in numbers[::-1][::stride]]


class _Choice:
    """The lines kept so far, and the room that they and the notes about gaps leave."""

    def __init__(self, lines: list[str], room: int) -> None:
        self._lines = lines
        self._room = room
        self.kept: set[int] = set()

    def take(self, block: list[int]) -> bool:
        """Keep a block of lines if there is room for all of it."""
        new = [number for number in block if number not in self.kept]
        kept = self.kept | set(new) if len(new) > 1 else self.kept
        cost = 0
        for number in new:
            free_sides = sum(side not in kept and 0 <= side < len(self._lines) for side in (number - 1, number + 1))
            cost += len(self._lines[number]) + 1 + _GAP_LENGTH * max(0, free_sides - (len(new) == 1))
        if cost > self._room:
            return False
        self.kept.update(new)
        self._room -= cost
        return True


def _by_importance(lines: list[str]) -> list[list[int]]:
    """Return blocks of line numbers, the ones that must not get lost first."""
    count = len(lines)
    metrics = [number for number, line in enumerate(lines) if _METRIC.match(line)]
    tail = [[number] for number in range(count - 1, max(count - TAIL_LINES, 0) - 1, -1)]
    head = [[number] for number in range(min(HEAD_LINES, count))]
    outer_metrics = [[number] for number in metrics[-3:] + metrics[:2]]
    return [*tail[:3], *reversed(_tracebacks(lines)), *outer_metrics, *tail, *head]


def _tracebacks(lines: list[str]) -> list[list[int]]:
    """Return the line numbers of each traceback, from its first line to its message; a very long one loses its middle."""
    found = []
    for start, line in enumerate(lines):
        if opening := _TRACEBACK.match(line):
            margin = opening["margin"] + " "
            end = start + 1
            while end < len(lines) and (lines[end].startswith(margin) or not lines[end].strip()):
                end += 1
            block = list(range(start, min(end + 1, len(lines))))
            found.append(block if len(block) <= 40 else block[:6] + block[-24:])
    return found


def _shorten_line(line: str) -> str:
    return (
        line
        if len(line) <= LONGEST_LINE
        else f"{line[: LONGEST_LINE - 40]} [... {len(line) - LONGEST_LINE + 40} characters]"
    )


def _with_gaps(lines: list[str], kept: set[int]) -> str:
    shown, last = [], -1
    for number in sorted(kept):
        if number - last > 1:
            shown.append(f"[... {number - last - 1} lines left out ...]")
        shown.append(lines[number])
        last = number
    if last < len(lines) - 1:
        shown.append(f"[... {len(lines) - 1 - last} lines left out ...]")
    return "\n".join(shown)
