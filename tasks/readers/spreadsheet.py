"""Tables in workbooks: xlsx, xlsm, xlsb, xls and ods, cells as a person reads them, rows numbered as Excel does."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import TYPE_CHECKING

import pyarrow as pa
import python_calamine as calamine

from tasks.domain.errors import DataUnusable
from tasks.readers.apart import run_apart
from tasks.readers.cell_text import text_of
from tasks.readers.grid import Grid, header_at, usable_header
from tasks.readers.packed import MOST_BYTES, ZIP

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
_LOCKED = "EncryptedPackage".encode("utf-16-le")
_RUST_PANIC = "pyo3_runtime"
_DAMAGED = (
    *(calamine.CalamineError, zipfile.BadZipFile, struct.error),
    *(OSError, EOFError, ValueError, OverflowError, NotImplementedError),
)
_LINES_LOOKED_AT = 30
_SHEET = "sheet"
_MOST_CELLS = 50_000_000


def is_workbook(content: bytes) -> bool:
    """Return whether bytes begin like a workbook; text never does."""
    return content.startswith((ZIP, OLD_WORKBOOK))


def read_spreadsheet(path: Path, content: bytes, *, names_image: Callable[[str], bool]) -> Grid:
    """Return the grid of the sheet that names images, or of all that do with one header, else of the first with rows.

    Args:
        path: The file, for messages.
        content: Its bytes.
        names_image: Whether a cell names an image of the study.

    Raises:
        DataUnusable: The workbook is damaged, locked or too large, or no sheet of it is a table.
    """
    tables = run_apart(sheets_of, path, content)
    tables = {name: lines for name, lines in tables.items() if _has_table(lines)}
    if not tables:
        raise DataUnusable(
            "no sheet of the workbook is a table: a header of two columns or more, rows below", file=path
        )
    hits = {name: sum(names_image(cell) for line in lines for cell in line if cell) for name, lines in tables.items()}
    best = max(tables, key=lambda name: hits[name])
    alike = [name for name, lines in tables.items() if hits[name] and _header(lines) == _header(tables[best])]
    if len(alike) > 1:
        listed = ", ".join(map(repr, alike))
        note = f"The sheets {listed} have one header and were read as one, rows counted through; {_SHEET!r} names the sheet."
        return _grid(path, _stacked({name: tables[name] for name in alike}), (note,))
    notes = (f"Of {len(tables)} sheets, {best!r} was read.",) if len(tables) > 1 else ()
    return _grid(path, tables[best], notes)


def _header(lines: list[list[str]]) -> list[str]:
    header = [cell.strip() for cell in lines[header_at(lines[:_LINES_LOOKED_AT])]]
    return header[: max((at for at, cell in enumerate(header, start=1) if cell), default=0)]


def _stacked(sheets: dict[str, list[list[str]]]) -> list[list[str]]:
    """Return the lines of sheets with one header below each other, with the name of the sheet as a last column."""
    width = len(_header(next(iter(sheets.values()))))
    stacked: list[list[str]] = []
    for name, lines in sheets.items():
        top = header_at(lines[:_LINES_LOOKED_AT])
        stacked += [] if stacked else [*lines[:top], [*lines[top][:width], _SHEET]]
        stacked += [
            [*line[:width], *[""] * (width - len(line)), name if any(line) else ""] for line in lines[top + 1 :]
        ]
    return stacked


def sheets_of(path: Path, content: bytes) -> dict[str, list[list[str]]]:
    """Return the cells of each visible sheet as text, from its first row and column.

    Raises:
        DataUnusable: The workbook is damaged, locked or too large.
    """
    if _LOCKED in content:
        raise DataUnusable("the workbook is locked by a password; save it without one, or as CSV", file=path)
    try:
        _check_size(path, content)
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        return {
            sheet.name: _lines(path, book.get_sheet_by_name(sheet.name))
            for sheet in book.sheets_metadata
            if sheet.visible == calamine.SheetVisibleEnum.Visible and sheet.typ == calamine.SheetTypeEnum.WorkSheet
        }
    except calamine.PasswordError as error:
        raise DataUnusable("the workbook is locked by a password; save it without one, or as CSV", file=path) from error
    except _DAMAGED as error:
        raise DataUnusable(f"the workbook is damaged: {error}; save it as CSV", file=path) from error
    except BaseException as error:
        if type(error).__module__ != _RUST_PANIC:
            raise
        raise DataUnusable("the workbook is damaged; save it as CSV", file=path) from None  # it cannot be pickled


def _check_size(path: Path, content: bytes) -> None:
    if not content.startswith(ZIP):
        return
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(item.file_size for item in archive.infolist()) > MOST_BYTES:
            problem = f"unpacked, the workbook is larger than {MOST_BYTES / 2**20:.0f} MiB; save it as CSV"
            raise DataUnusable(problem, file=path)


def _grid(path: Path, lines: list[list[str]], notes: tuple[str, ...]) -> Grid:
    top = header_at(lines[:_LINES_LOOKED_AT])
    width = max((at for at, cell in enumerate(lines[top], start=1) if cell.strip()), default=0)
    width = max([width, *(at for line in lines[top + 1 :] for at, cell in enumerate(line, start=1) if cell)])
    names = usable_header(path, lines[top][:width], row=top + 1)
    below = lines[top + 1 :]
    columns = {name: pa.array([line[at] for line in below], pa.string()) for at, name in enumerate(names)}
    if top:
        notes = (*notes, f"The first {top} rows of the sheet were taken for a title.")
    return Grid(columns=columns, first_row=top + 2, notes=notes)


def _has_table(lines: Sequence[Sequence[str]]) -> bool:
    top = header_at(lines[:_LINES_LOOKED_AT])
    if len(lines) < top + 2 or sum(bool(cell.strip()) for cell in lines[top]) < 2:
        return False
    return any(cell for line in lines[top + 1 :] for cell in line)


def _lines(path: Path, sheet: calamine.CalamineSheet) -> list[list[str]]:
    """Return the cells of a sheet as text, from its first row and column; a cell merged downwards fills all its rows."""
    if sheet.total_height * sheet.total_width > _MOST_CELLS:
        problem = f"the sheet {sheet.name!r} has more than {_MOST_CELLS:,} cells; save the part that is filled as CSV"
        raise DataUnusable(problem, file=path)
    lines = [[text_of(cell) for cell in line] for line in sheet.to_python(skip_empty_area=False)]
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        if left == right and top < len(lines) and left < len(lines[top]):
            for row in range(top + 1, min(bottom + 1, len(lines))):
                lines[row][left] = lines[top][left]
    return lines
