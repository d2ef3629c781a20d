"""Tables as text, CSV or TSV: encoding, delimiter, titles above the header, and lines that do not fit.

A file with nothing wrong is read column by column by Arrow; any other line by line, so that each bad line can be named.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv

from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import Quarantined
from tasks.readers.grid import Grid, header_at, usable_header

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_NOT_A_TABLE = {b"%PDF": "a PDF", b"\x89PNG": "an image", b"\xff\xd8\xff": "an image"}
_DELIMITERS = ",;\t|"
_LARGEST_CELL = 2**24
_LINES_LOOKED_AT = 30
_MOST_LINES_OF_A_CELL = 200


def read_text_table(path: Path, content: bytes) -> Grid:
    """Return the grid of a table of text.

    Raises:
        DataUnusable: The file is empty, no table of text, or has a header that cannot be used.
    """
    text = _text(path, content)
    delimiter = _delimiter(path, text)
    csv.field_size_limit(max(_LARGEST_CELL, len(text)))  # a quote that is never closed makes one cell of the whole rest
    lines = _Lines(text, delimiter)
    try:
        above: list[list[str]] = []
        for _, cells in lines:
            above.append(cells)
            if len(above) == _LINES_LOOKED_AT:
                break
        top = header_at(above)
        lines = _Lines(text, delimiter)
        for _ in range(top + 1):
            header_line, header = next(lines)
        header = _without_trailing_blanks(header, above[top + 1 :])
        names = usable_header(path, header, row=header_line)
        notes = (f"The first {header_line - 1} lines of the table were taken for a title.",) if top else ()
        fast = _read_fast(text, delimiter, names, skip=lines.read)
        if fast is not None:
            return Grid(columns=fast, first_row=lines.read + 1, decimal_comma=delimiter == ";", notes=notes)
        rows, broken = _read_slowly(path, lines, width=len(names))
    except csv.Error as error:
        raise DataUnusable(f"this is not a table: {error}", file=path, row=lines.read) from error
    if len(broken) > len(rows):
        first = broken[0]
        problem = f"most lines do not fit the header; the first: {first.reason}"
        raise DataUnusable(f"{problem}. Is there a title above the header?", file=path, row=first.row)
    columns = {name: pa.array([row[at] for row in rows.values()], pa.string()) for at, name in enumerate(names)}
    return Grid(
        columns=columns, row_numbers=tuple(rows), decimal_comma=delimiter == ";", broken=tuple(broken), notes=notes
    )


class _Lines:
    """The records of a text with the line that each begins on, from 1."""

    def __init__(self, text: str, delimiter: str) -> None:
        self._lines = list(io.StringIO(text, newline=""))
        self._delimiter = delimiter
        self.go_on_at(1)

    @property
    def read(self) -> int:
        """Lines of the file that were read so far."""
        return self._before + self._reader.line_num

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        return self

    def __next__(self) -> tuple[int, list[str]]:
        line = self.read + 1
        return line, next(self._reader)

    def go_on_at(self, line: int) -> None:
        """Read on at a line, be it one that was read before."""
        self._before = line - 1
        rest = (self._lines[at] for at in range(line - 1, len(self._lines)))
        self._reader = csv.reader(rest, delimiter=self._delimiter)

    def swallowed_after(self, line: int, *, cells: int, width: int) -> int | None:
        """Return the first row that a quote left open in a line took into its cell, None if the record is whole.

        A quote is left open if the record does not fit the header, or is not written as the rules of quotes ask, or is very
        long, and a line within it is a row on its own; what people write in several lines of a cell is none.

        Args:
            line: Where the record begins, which was the last to be read.
            cells: How many it has.
            width: How many it should have.
        """
        last = self.read
        if last == line or (
            cells == width and last - line < _MOST_LINES_OF_A_CELL and self._is_well_quoted(line, last)
        ):
            return None
        within = range(line + 1, last + 1)
        return next((number for number in within if self._width(self._lines[number - 1]) == width), None)

    def _is_well_quoted(self, line: int, last: int) -> bool:
        try:
            list(csv.reader(self._lines[line - 1 : last], delimiter=self._delimiter, strict=True))
        except csv.Error:
            return False
        return True

    def _width(self, line: str) -> int:
        return len(next(csv.reader([line], delimiter=self._delimiter)))


def _text(path: Path, content: bytes) -> str:
    for mark, kind in _NOT_A_TABLE.items():
        if content.startswith(mark):
            raise DataUnusable(f"this is {kind}, not a table of text; save it as CSV", file=path)
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")  # what Excel writes on a western Windows
    if not text.strip():
        raise DataUnusable("the table is empty", file=path)
    with_nul = sum("\x00" in line for line in text.split("\n")) if "\x00" in text else 0
    if with_nul > 1 + text.count("\n") // 100 or "\x00" in text.lstrip().split("\n", 1)[0]:
        raise DataUnusable("this is not a table of text; save it as CSV", file=path)
    return text


def _delimiter(path: Path, text: str) -> str:
    if ".tsv" in (suffix.lower() for suffix in path.suffixes):
        return "\t"
    head = [line for line in text[:200_000].splitlines() if line.strip()][:_LINES_LOOKED_AT]
    for line in head:
        best = max(_DELIMITERS, key=line.count)
        if best in line:
            return best
    raise DataUnusable("the header names one column only; columns are told apart by , ; tab or |", file=path, row=1)


def _without_trailing_blanks(header: list[str], below: list[list[str]]) -> list[str]:
    """Return the header without blank cells at its end that no line below has, as in the boxes of ChestX-ray14."""
    width = max((at for at, cell in enumerate(header, start=1) if cell.strip()), default=0)
    most = max((len(cells) for cells in below), default=0)
    return header[: max(width, most)] if below else header


def _read_fast(text: str, delimiter: str, names: list[str], *, skip: int) -> dict[str, pa.Array] | None:
    """Return the columns of a table whose every line is one row that fits; None for any other."""
    if "\x00" in text:
        return None
    n_lines = text.count("\n") + (not text.endswith("\n")) if "\r" not in text.replace("\r\n", "") else -1
    try:
        table = pyarrow.csv.read_csv(
            io.BytesIO(text.encode()),
            read_options=pyarrow.csv.ReadOptions(column_names=names, skip_rows=skip, block_size=2**24),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=False),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=False
            ),
        )
    except (pa.ArrowInvalid, UnicodeEncodeError):
        return None
    if table.num_rows != n_lines - skip:
        return None
    return {name: table.column(name).combine_chunks() for name in names}


def _read_slowly(path: Path, lines: _Lines, *, width: int) -> tuple[dict[int, list[str]], list[Quarantined]]:
    rows: dict[int, list[str]] = {}
    broken: list[Quarantined] = []
    for number, cells in lines:
        while len(cells) > width and not cells[-1].strip():
            cells.pop()
        if not any(cell.strip() for cell in cells):
            continue
        reason = f"the line has {len(cells)} cells, the header {width}" if len(cells) != width else ""
        swallowed = lines.swallowed_after(number, cells=len(cells), width=width)
        if swallowed is not None:
            reason = "a quote is opened in this line and never closed; the rows after it were read on their own"
            lines.go_on_at(swallowed)
        if any("\x00" in cell for cell in cells):
            reason = "the line holds a byte that no text has"
        if reason:
            broken.append(Quarantined(file=path.name, row=number, reason=reason))
        else:
            rows[number] = cells
    return rows, broken
