"""Text of the data or of the request shown inside Markdown: quoted as data, so that it can neither format nor instruct."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST = 60


def code(text: str) -> str:
    """Return text as an inline code span of Markdown: one line, no back-ticks, no HTML, at most 60 characters."""
    return f"`{plain(text).replace('`', chr(39))}`"


def plain(text: str, *, longest: int = _LONGEST) -> str:
    """Return text on one line, printable, HTML escaped, cut where it is too long."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    line = line if len(line) <= longest else line[: longest - 1] + "\u2026"
    return html.escape(line, quote=False)


def words(text: str) -> str:
    """Return words of the request in quotation marks, with Markdown's own signs escaped."""
    line = plain(text, longest=160)
    for sign in "\\`*_[]<>#|":
        line = line.replace(sign, "\\" + sign)
    return f"\u201c{line}\u201d"


def listed(items: Iterable[str], *, last: str = "and") -> str:
    """Return 'a, b and c'."""
    parts = list(items)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}" if parts else ""
