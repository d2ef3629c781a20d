"""The end of a crashed program's log: its last traceback, and the lines of the codebase in it.

The log is text from a sandbox. It is matched against a few patterns and never executed; what is taken from it is bounded, free
of control characters, and names no file that is not of the codebase.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tasks.domain.failure import Frame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_BYTES = 2**18
"""Of a log, from its end."""
MOST_FRAMES = 50
LONGEST_ERROR = 240
LONGEST_LINE = 2000
CODE_FOLDER = "code"
"""Name of the folder in which every sandbox shows a run its codebase: libraries have files called `data.py` too."""

_OPENING = re.compile(r"^[ |+]{0,40}(Exception Group |Original )?Traceback \(most recent call last\):")
_FRAME = re.compile(r'^\s*File "([^"]{1,1000})", line (\d{1,6})\b')
_ANNOUNCED = re.compile(r"^\[rank\d{1,4}\]: ?")
"""What PyTorch puts before each line of a traceback where several processes train together."""
_LAUNCHER = re.compile(r"torch/distributed/elastic|ChildFailedError|torch\.distributed\.elastic")
"""Words of the program that starts them, which fails after them and knows nothing of the cause."""
_OWN_WORDS = re.compile(r"^error: \S")
_CONTEXT_LINES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """How a program ended by its own account."""

    error: str = ""
    """'RuntimeError: no such layer', or what the program wrote when it gave up; empty if it said nothing."""
    frames: tuple[Frame, ...] = ()
    """Lines of the codebase in the traceback, outermost first."""
    words: str = ""
    """The error with a few lines that follow it, to look for known causes in."""


def crash_of(log: str, source: Mapping[str, str]) -> Crash:
    """Return how a program ended, from the end of its log.

    Args:
        log: Any text.
        source: Text of the files of the codebase: only lines that exist there are believed.
    """
    lines = _without_launcher([_ANNOUNCED.sub("", line[:LONGEST_LINE]) for line in log[-MOST_BYTES:].splitlines()])
    last = next((line for line in reversed(lines) if line.strip()), "")
    if _OWN_WORDS.match(last):
        words = readable(last.removeprefix("error: "))
        return Crash(error=words, words=words)
    opening = next((number for number in range(len(lines) - 1, -1, -1) if _OPENING.match(lines[number])), None)
    if opening is None:
        return Crash(words=readable(" ".join(lines[-_CONTEXT_LINES:]), longest=3 * LONGEST_ERROR))
    margin = len(lines[opening]) - len(lines[opening].lstrip(" |+"))
    body = [line[margin:] for line in lines[opening + 1 :]]
    end = next((number for number, line in enumerate(body) if _is_message(line)), len(body))
    message = body[end : end + 1 + _CONTEXT_LINES]
    return Crash(
        error=readable(message[0]) if message else "",
        frames=_frames(body[:end], source),
        words=readable(" ".join(message), longest=3 * LONGEST_ERROR),
    )


def _without_launcher(lines: list[str]) -> list[str]:
    """Return the lines up to where the launcher of several processes begins to tell that one of them failed."""
    named = [number for number, line in enumerate(lines) if _LAUNCHER.search(line)]
    if not named or "ChildFailedError" not in " ".join(lines[named[0] :]):
        return lines
    opening = [number for number in range(named[0] + 1) if _OPENING.match(lines[number])]
    inside = opening and all(line.startswith(" ") for line in lines[opening[-1] + 1 : named[0]])
    return lines[: opening[-1] if inside else named[0]]


def _is_message(line: str) -> bool:
    return bool(line.strip()) and not line[0].isspace() and not line.startswith("[... ")


def _frames(body: Sequence[str], source: Mapping[str, str]) -> tuple[Frame, ...]:
    found = []
    for line in body:
        if match := _FRAME.match(line):
            path, number = PurePosixPath(match[1]), int(match[2])
            text = source.get(path.name)
            if path.parent.name == CODE_FOLDER and text is not None and 1 <= number <= len(text.splitlines()):
                found.append(Frame(path.name, number))
    return tuple(found[-MOST_FRAMES:])


def readable(text: str, *, longest: int = LONGEST_ERROR) -> str:
    """Return text as one short line without control characters."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text[: 4 * longest]).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
