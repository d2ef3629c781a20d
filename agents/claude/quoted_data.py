"""The frame around all text that comes from data: a language model reads what is in it as data, and nothing in it can end it."""

from __future__ import annotations

import json
import re

_TAG = re.compile(r"<(?=[\s/]*(?:data|request|file)\b)", re.IGNORECASE)
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")
LONGEST_NAME = 60
"""Characters of a label or the name of a column."""


def quoted(name: str, text: str, longest: int) -> str:
    """Return text of the data, of a log or of a tool's output inside `<data name="...">` and `</data>`.

    Tags in it that could end the frame are broken, control characters are taken out, and of a long text the middle is left out,
    as errors and results stand at the end of a log, and what it began with at its start.
    """
    inside = cut(printable(text), longest)
    title = re.sub(r'["<>\n]', " ", printable(name))
    return f'<data name="{title}">\n{inside}\n</data>' if "\n" in inside else f'<data name="{title}">{inside}</data>'


def printable(text: str) -> str:
    """Return text without control characters (line ends and tabs stay) and with tags that look like a frame broken."""
    lines = _ESCAPE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _TAG.sub("\u2039", "".join(c if c.isprintable() or c in "\n\t" else " " for c in lines))


def cut(text: str, longest: int) -> str:
    """Return text with its middle left out where it is longer than `longest` characters: a quarter of its start stays."""
    if len(text) <= longest:
        return text
    head = longest // 4
    return (
        f"{text[:head]}\n[... {len(text) - longest:,} characters left out ...]\n{text[len(text) - (longest - head) :]}"
    )


def one_line(text: str, longest: int = LONGEST_NAME) -> str:
    """Return a name from the data on one line, printable and bounded."""
    line = " ".join(printable(text).split())
    return line if len(line) <= longest else line[: longest - 1] + "\u2026"


def name(text: str) -> str:
    """Return a name from the data as a string of JSON, so that it cannot leave its line or its place."""
    return json.dumps(one_line(text), ensure_ascii=False)


def framed(tag: str, text: str) -> str:
    """Return text inside `<tag>` and `</tag>`, whole, with tags in it that could end the frame broken."""
    return f"<{tag}>\n{printable(text)}\n</{tag}>"
