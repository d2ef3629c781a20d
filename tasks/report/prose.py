"""The little markdown that a read-back uses, rendered safely: headings, lists, quotes, bold, italics and code.

Everything is escaped first and no link or raw HTML is ever made, so text from a request or from data cannot become markup.
"""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_BOLD = re.compile(r"\*\*(.+?)\*\*")
_ITALIC = re.compile(r"(?<![\w*])[*_](?![\s*_])(.+?)(?<![\s*_])[*_](?![\w*])")
_CODE = re.compile(r"(`[^`]+`)")
_ITEM = re.compile(r"\s*(?:[-*+]|(?P<ordered>\d+)[.)])\s+(?P<text>.+)")
_HEADING = re.compile(r"(#{1,6})\s+(.+)")


def prose(markdown: str) -> Markup:
    """Return safe HTML for a small markdown text."""
    blocks: list[str] = []
    kind, lines = "", list[str]()
    for line in [*markdown.splitlines(), ""]:
        line_kind, text = _kind(line)
        if kind in ("ul", "ol") and line_kind == "p" and line.startswith(" "):
            lines[-1] += f" {text}"  # a list item that goes on in the next line
            continue
        if line_kind != kind or line_kind.startswith("h"):
            blocks.append(_block(kind, lines))
            kind, lines = line_kind, []
        lines.append(text)
    return Markup("\n").join(Markup(block) for block in blocks if block)  # noqa: S704 - every block was escaped


def _kind(line: str) -> tuple[str, str]:
    """Return the HTML element that a line belongs to, and its text."""
    stripped = line.strip()
    heading, item = _HEADING.fullmatch(stripped), _ITEM.fullmatch(line)
    if heading:
        return f"h{min(6, len(heading[1]) + 2)}", heading[2]  # the page's own headings stand above
    if item:
        return ("ol" if item["ordered"] else "ul"), item["text"]
    if stripped.startswith(">"):
        return "blockquote", stripped[1:].strip()
    return ("p", stripped) if stripped else ("", "")


def _block(kind: str, lines: list[str]) -> str:
    """Return one HTML element."""
    if not kind:
        return ""
    if kind in ("ul", "ol"):
        items = "".join(f"<li>{_inline(line)}</li>" for line in lines)
        return f"<{kind}>{items}</{kind}>"
    return f"<{kind}>{_inline(' '.join(lines))}</{kind}>"


def _inline(text: str) -> str:
    """Return a line with its bold, italics and code as HTML; what stands in code stays as it is."""
    pieces = []
    for piece in _CODE.split(text):
        safe = str(escape(piece))
        if len(piece) > 2 and piece.startswith("`") and piece.endswith("`"):
            pieces.append(f"<code>{safe[1:-1]}</code>")
        else:
            pieces.append(_ITALIC.sub(r"<em>\1</em>", _BOLD.sub(r"<strong>\1</strong>", safe)))
    return "".join(pieces)
