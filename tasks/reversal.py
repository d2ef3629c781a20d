"""Take one change back while later ones stay: a merge of lines that gives up where they overlap."""

from __future__ import annotations

from difflib import SequenceMatcher


def without_change(before: str, after: str, now: str) -> str | None:
    """Return a text as it would be had one change not been made; None where later changes overlap with it.

    Lines that stand side by side and were changed by different edits, such as two fields of a recipe, do not overlap; git's
    own merge gives up there.

    Args:
        before: The text before the change.
        after: The text after the change.
        now: What later changes made of it.
    """
    old, new, last = (text.splitlines(keepends=True) for text in (before, after, now))
    places = _unchanged(new, last)
    made = list(last)
    hunks = [hunk for hunk in _matcher(new, old).get_opcodes() if hunk[0] != "equal"]
    for _, start, end, old_start, old_end in reversed(hunks):
        place = _place(places, start, end, len(new))
        if place is None:
            return None
        made[place : place + end - start] = old[old_start:old_end]
    return "".join(made)


def _unchanged(new: list[str], last: list[str]) -> dict[int, int]:
    """Return where the unchanged lines of one text stand in the other; one past the end stands one past the end."""
    places = {
        block.a + i: block.b + i for block in _matcher(new, last).get_matching_blocks() for i in range(block.size)
    }
    return {-1: -1, **places, len(new): len(last)}


def _place(places: dict[int, int], start: int, end: int, lines: int) -> int | None:
    """Return where a run of lines begins now; None unless all of them are there, side by side.

    Lines that the change took out left a gap: it is found by its two neighbours, which must still be neighbours.
    """
    run = range(start, end) if end > start else range(max(start - 1, -1), min(start, lines) + 1)
    found = [places.get(line) for line in run]
    if found[0] is None or found != list(range(found[0], found[0] + len(found))):
        return None
    return found[0] + (start - run.start)


def _matcher(one: list[str], other: list[str]) -> SequenceMatcher[str]:
    return SequenceMatcher(None, one, other, autojunk=False)
