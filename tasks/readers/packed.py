"""Files as they come, also packed by gzip, bzip2, xz or zip, and never more of them than a table can be."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from typing import TYPE_CHECKING, BinaryIO, cast

from tasks.domain.errors import DataUnusable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MOST_BYTES = 2**29
"""No table of a clinic is larger unpacked; what is larger is a mistake, or made to fill the memory."""

ZIP = b"PK\x03\x04"

_OPENERS: tuple[tuple[bytes, tuple[str, ...], Callable[[BinaryIO], BinaryIO]], ...] = (
    (b"\x1f\x8b", (".gz", ".gzip"), lambda raw: cast("BinaryIO", gzip.GzipFile(fileobj=raw))),
    (b"BZh", (".bz2",), lambda raw: cast("BinaryIO", bz2.BZ2File(raw))),
    (b"\xfd7zXZ\x00", (".xz",), lambda raw: cast("BinaryIO", lzma.LZMAFile(raw))),  # noqa: SIM115 (closed by whoever opens it)
)
_DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, RuntimeError)
_WORKBOOK_MEMBERS = ("[Content_Types].xml", "META-INF/manifest.xml")


def unpacked(path: Path, *, most_bytes: int = MOST_BYTES) -> bytes:
    """Return the content of a file, unpacked if it is packed; a workbook is left as it is.

    Args:
        path: The file.
        most_bytes: Limit of the unpacked size, in bytes.

    Raises:
        DataUnusable: The file cannot be opened, is damaged, holds several files, or is too large when unpacked.
    """
    try:
        size = path.stat().st_size
        if size > most_bytes:
            raise _too_large(path, most_bytes)
        raw = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise DataUnusable(f"the table cannot be opened: {error.strerror}", file=path) from error
    try:
        if raw.startswith(ZIP) or path.suffix.lower() == ".zip":
            return _of_zip(path, raw, most_bytes)
        for mark, suffixes, opened in _OPENERS:
            if raw.startswith(mark) or path.suffix.lower() in suffixes:
                with opened(io.BytesIO(raw)) as stream:
                    return _bounded(path, stream, most_bytes)
    except _DAMAGED as error:
        problem = f"the archive is damaged or locked by a password: {error}; save it as CSV"
        raise DataUnusable(problem, file=path) from error
    return raw


def _of_zip(path: Path, raw: bytes, most_bytes: int) -> bytes:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        members = [item for item in archive.infolist() if not item.is_dir()]
        if sum(item.file_size for item in members) > most_bytes:
            raise _too_large(path, most_bytes)
        if any(item.filename in _WORKBOOK_MEMBERS for item in members):
            return raw
        members = [item for item in members if not item.filename.startswith("__MACOSX")]
        if len(members) != 1:
            raise DataUnusable(f"the archive must hold one table, but holds {len(members)} files", file=path)
        with archive.open(members[0]) as stream:
            return _bounded(path, cast("BinaryIO", stream), most_bytes)


def _bounded(path: Path, stream: BinaryIO, most_bytes: int) -> bytes:
    """Return all of a stream; what an archive says of its own size is not relied on."""
    content = stream.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise _too_large(path, most_bytes)
    return content


def _too_large(path: Path, most_bytes: int) -> DataUnusable:
    return DataUnusable(f"unpacked, the table is larger than {most_bytes / 2**20:.0f} MiB; split it", file=path)
