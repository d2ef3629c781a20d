"""Tables in parquet and feather files, their values written as text as the other tables have them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

from tasks.domain.errors import DataUnusable
from tasks.readers.apart import run_apart
from tasks.readers.cell_text import text_of
from tasks.readers.grid import Grid, usable_header

if TYPE_CHECKING:
    from pathlib import Path

_PARQUET = b"PAR1"
_FEATHER = (b"ARROW1", b"FEA1")
_MOST_CELLS = 200_000_000


def is_columnar(content: bytes) -> bool:
    """Return whether bytes begin like parquet or feather."""
    return content.startswith((_PARQUET, *_FEATHER))


def read_columnar(path: Path, content: bytes) -> Grid:
    """Return the grid of a parquet or feather file; the first row has number 2, as below a header. Binary columns are left out.

    Raises:
        DataUnusable: The file is damaged or too large, or two of its columns have one name.
    """
    columns, left_out = run_apart(columns_of, path, content)
    names = usable_header(path, [name for name, _ in columns], row=1)
    notes = (f"Columns with binary content were left out: {', '.join(left_out)}.",) if left_out else ()
    if not columns:
        raise DataUnusable("the table has no column that can be read", file=path)
    arrays = {name: pa.array(cells, pa.string()) for name, (_, cells) in zip(names, columns, strict=True)}
    return Grid(columns=arrays, notes=notes)


def columns_of(path: Path, content: bytes) -> tuple[list[tuple[str, list[str | None]]], list[str]]:
    """Return names and cells of the columns, as text, and the names of those that hold bytes.

    Raises:
        DataUnusable: The file is damaged or too large.
    """
    try:
        if content.startswith(_PARQUET):
            file = pyarrow.parquet.ParquetFile(io.BytesIO(content))
            if file.metadata.num_rows * max(1, file.metadata.num_columns) > _MOST_CELLS:
                raise DataUnusable(f"the table has more than {_MOST_CELLS:,} cells; split it", file=path)
            table = file.read()
        else:
            table = pyarrow.feather.read_table(io.BytesIO(content))
        table.validate(full=True)  # a damaged file can hold offsets that lie outside it, and Arrow would follow them
        named = list(zip(table.column_names, table.columns, strict=True))
        read = [(name, _text(column)) for name, column in named if not _is_binary(column)]
    except (pa.ArrowException, OSError, EOFError, ValueError, OverflowError) as error:
        raise DataUnusable(f"the file is damaged: {error}; save it as CSV", file=path) from error
    return read, [name for name, column in named if _is_binary(column)]


def _is_binary(column: pa.ChunkedArray) -> bool:
    kind = column.type
    if pa.types.is_struct(kind):
        return any(pa.types.is_binary(kind.field(at).type) for at in range(kind.num_fields))
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def _text(column: pa.ChunkedArray) -> list[str | None]:
    return [None if value is None else text_of(value) for value in column.to_pylist()]
