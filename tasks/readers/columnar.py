"""Tables in parquet and feather files, their values written as text as the other tables have them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

from tasks.domain.errors import DataUnusable
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
    try:
        if content.startswith(_PARQUET):
            file = pyarrow.parquet.ParquetFile(io.BytesIO(content))
            if file.metadata.num_rows * max(1, file.metadata.num_columns) > _MOST_CELLS:
                raise DataUnusable(f"the table has more than {_MOST_CELLS:,} cells; split it", file=path)
            table = file.read()
        else:
            table = pyarrow.feather.read_table(io.BytesIO(content))
    except (pa.ArrowException, OSError, EOFError) as error:
        raise DataUnusable(f"the file is damaged: {error}; save it as CSV", file=path) from error
    names = usable_header(path, table.column_names, row=1)
    columns = {name: _text(column) for name, column in zip(names, table.columns, strict=True) if not _is_binary(column)}
    left_out = [name for name in names if name not in columns]
    notes = (f"Columns with binary content were left out: {', '.join(left_out)}.",) if left_out else ()
    if not columns:
        raise DataUnusable("the table has no column that can be read", file=path)
    return Grid(columns=columns, notes=notes)


def _is_binary(column: pa.ChunkedArray) -> bool:
    kind = column.type
    if pa.types.is_struct(kind):
        return any(pa.types.is_binary(kind.field(at).type) for at in range(kind.num_fields))
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def _text(column: pa.ChunkedArray) -> pa.Array:
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_large_string(kind):
        return column.cast(pa.string()).combine_chunks()
    return pa.array([None if value is None else text_of(value) for value in column.to_pylist()], pa.string())
