"""Turns the raw bytes that a job prints into a safe, bounded text file and lines."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

LONGEST_LINE = 8192
"""Characters; a longer line is broken into several."""

_VISIBLE = (
    {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t\r"}  # escape sequences lose their power
    | {0x7F: 0x2421}
    | dict.fromkeys([*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x2028, 0x2029], 0xFFFD)
)


class LogStream:
    """Writes a job's output to its log as it comes, one safe line after the other, up to a limit of bytes."""

    def __init__(self, path: Path, *, limit_bytes: int, on_line: Callable[[str], None]) -> None:
        self._file = path.open("w", encoding="utf-8", newline="\n")
        self._decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
        self._left = limit_bytes
        self._on_line = on_line
        self._rest = ""
        self.flooded = False

    def __enter__(self) -> Self:
        """Return itself; the file is open since it was made."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is left of the last line and close the file."""
        try:
            if self._rest and kind is None:
                self._write(self._rest)
        finally:
            self._file.close()

    def feed(self, data: bytes) -> None:
        """Take the next bytes of output; beyond the limit they are dropped and `flooded` becomes true."""
        if self.flooded:
            return
        self.flooded = len(data) > self._left
        text = self._decode(data[: self._left]).translate(_VISIBLE)
        self._left -= len(data)
        # A progress bar redraws its line with carriage returns: each drawing becomes a line.
        self._rest = (self._rest + text).replace("\r\n", "\n")
        held = self._rest.endswith("\r")
        *lines, self._rest = self._rest.removesuffix("\r").replace("\r", "\n").split("\n")
        for line in lines:
            self._write(line)
        while len(self._rest) > LONGEST_LINE:
            self._write(self._rest[:LONGEST_LINE])
            self._rest = self._rest[LONGEST_LINE:]
        self._rest += "\r" * held
        if self.flooded:
            self._write(self._rest)
            self._rest = ""
            self._write("[the log ends here: it reached its limit]")
        self._file.flush()

    def _write(self, text: str) -> None:
        for start in range(0, max(len(text), 1), LONGEST_LINE):
            line = text[start : start + LONGEST_LINE].rstrip("\r")
            self._file.write(line + "\n")
            self._on_line(line)
