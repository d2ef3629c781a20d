"""Tables as clinics keep them: CSV or TSV, also gzip or zip, read cell by cell as text."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import Quarantined

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MISSING = frozenset({"", "na", "n/a", "nan", "null", "#n/a"})
"""Cells that say nothing, in lower case; "none" is not one of them, for it is used as a label."""

_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_NOT_A_TABLE = {b"PK\x03\x04": "an Excel or zip file", b"\xd0\xcf\x11\xe0": "an old Excel file", b"%PDF": "a PDF"}
_LARGEST_CELL = 2**24


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with all cells as text."""

    path: Path
    cells: pd.DataFrame
    """Text, missing as NaN; the index is the line in the file, the header being line 1."""
    decimal_comma: bool
    broken: tuple[Quarantined, ...] = ()
    """Lines that could not be read."""

    def column(self, name: str) -> pd.Series[str]:
        """Return a column.

        Raises:
            DataUnusable: The table has no such column; the message lists those that it has.
        """
        if name not in self.cells.columns:
            there = ", ".join(map(str, self.cells.columns))
            raise DataUnusable(f"there is no such column; the table has: {there}", file=self.path, field=name)
        return self.cells[name]

    def typed(self, name: str) -> pd.Series[float] | pd.Series[str]:
        """Return a column as numbers if every cell that says something is one, else as text."""
        cells = self.column(name)
        text = cells.str.replace(",", ".", regex=False) if self.decimal_comma else cells
        numbers = pd.to_numeric(text, errors="coerce")
        is_number = numbers.notna() | cells.isna()
        return numbers.astype(float) if bool(is_number.all()) and bool(numbers.notna().any()) else cells


def read_table(path: Path) -> Table:
    """Read a table; a broken line is listed, a broken file is an error.

    Raises:
        DataUnusable: The file is missing, empty, no table of text, or has a header that cannot be used.
    """
    text = _text(path, _content(path))
    delimiter = _delimiter(path, text)
    csv.field_size_limit(_LARGEST_CELL)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        header = _header(path, next(lines, []))
        rows, broken = _rows(path, lines, width=len(header))
    except csv.Error as error:
        raise DataUnusable(f"this is not a table: {error}", file=path, row=lines.line_num) from error
    if not rows:
        raise DataUnusable("the table has no rows below its header" if not broken else broken[0].reason, file=path)
    if len(broken) > len(rows):
        first = broken[0]
        raise DataUnusable(f"most lines do not fit the header; the first: {first.reason}", file=path, row=first.row)
    cells = pd.DataFrame(list(rows.values()), index=list(rows), columns=header, dtype="str")
    return Table(path=path, cells=cells, decimal_comma=delimiter == ";", broken=tuple(broken))


def _content(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        if path.suffix.lower() == ".gz":
            return gzip.decompress(raw)
        if path.suffix.lower() == ".zip":
            with zipfile.ZipFile(io.BytesIO(raw)) as archive:
                members = [name for name in archive.namelist() if not name.startswith("__MACOSX")]
                if len(members) != 1:
                    raise DataUnusable(f"the archive must hold one table, but holds {len(members)} files", file=path)
                return archive.read(members[0])
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise DataUnusable(f"the table cannot be opened: {error.strerror}", file=path) from error
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise DataUnusable(f"the archive is damaged: {error}", file=path) from error
    return raw


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
    if "\x00" in text:
        raise DataUnusable("this is not a table of text; save it as CSV", file=path)
    return text


def _delimiter(path: Path, text: str) -> str:
    if ".tsv" in (suffix.lower() for suffix in path.suffixes):
        return "\t"
    header = text.lstrip().split("\n", 1)[0]
    best = max(",;\t|", key=header.count)
    if best not in header:
        raise DataUnusable("the header names one column only; columns are told apart by , ; tab or |", file=path, row=1)
    return best


def _header(path: Path, cells: list[str]) -> list[str]:
    names = [cell.strip() or f"column {number}" for number, cell in enumerate(cells, start=1)]
    for name in names:
        if names.count(name) > 1:
            raise DataUnusable("two columns have this name; rename one", file=path, row=1, field=name)
    return names


def _rows(
    path: Path, lines: Iterator[list[str]], *, width: int
) -> tuple[dict[int, list[str | None]], list[Quarantined]]:
    rows: dict[int, list[str | None]] = {}
    broken: list[Quarantined] = []
    for number, cells in enumerate(lines, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        while len(cells) > width and not cells[-1].strip():
            cells.pop()
        if len(cells) == width:
            rows[number] = [None if cell.strip().lower() in MISSING else cell.strip() for cell in cells]
        else:
            reason = f"the line has {len(cells)} cells, the header {width}"
            broken.append(Quarantined(file=path.name, row=number, reason=reason))
    return rows, broken
