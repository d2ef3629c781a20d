"""A DICOM file as a data set that was checked: what holds no picture, or claims more than it holds, is told apart here.

No word of a file gets into a reason, a warning or a log: the values of its elements may name a person.
"""

from __future__ import annotations

import contextlib
import logging
import struct
import warnings
import zlib
from typing import TYPE_CHECKING

from PIL import Image
from pydicom import dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from tasks.domain.errors import PictureUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pydicom.dataset import Dataset

FAULTS = (
    InvalidDicomError,
    BytesLengthException,
    AttributeError,
    AssertionError,
    ArithmeticError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What pydicom and its decoders raise on a damaged file; there is no common root."""

_MAGIC_AT, _MAGIC = 128, b"DICM"
_HEAD = 2**16
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_LARGEST_INFLATED = 2**30
_SMALLEST_FRAME = 16
"""Bytes that even an empty frame takes up when it is compressed: the head of its fragment and a first marker."""
_MOST_FRAMES = 100_000
_MOST_PIXELS = 10**8
"""Of one picture; each takes up to 40 bytes while it is made ready. The largest plates of detectors have a third of that."""

_NO_PICTURE = {
    "1.2.840.10008.5.1.4.1.1.66.4": "a segmentation drawn on other pictures",
    "1.2.840.10008.5.1.4.1.1.66.7": "a segmentation drawn on other pictures",
    "1.2.840.10008.5.1.4.1.1.66": "raw data from which pictures are computed",
    "1.2.840.10008.5.1.4.1.1.66.5": "a surface",
    "1.2.840.10008.5.1.4.1.1.481.2": "a distribution of radiation dose",
    "1.2.840.10008.5.1.4.1.1.77.1.6": "a whole slide cut into tiles, which is too large to be one picture",
    "1.2.840.10008.1.3.10": "the index of a disc",
}
"""Objects that have no picture to classify, by SOP class; most others of that kind have no pixels at all."""
_NO_PICTURE_BY_MODALITY = {
    "SEG": "a segmentation drawn on other pictures",
    "RTDOSE": "a distribution of radiation dose",
    "RTSTRUCT": "contours for radiotherapy",
    "RTPLAN": "a plan for radiotherapy",
    "SR": "a report",
    "DOC": "a document",
    "PR": "instructions on how to show other pictures",
    "KO": "a list of other pictures",
    "REG": "a registration of other pictures",
}
_VIDEO = ("MPEG", "H.264", "HEVC", "H.265")
_NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Silence what pydicom and its decoders have to say: they quote the values that they stumble over."""
    loggers = [logging.getLogger(name) for name in ("pydicom", "pylibjpeg", "openjpeg", "libjpeg")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def has_magic(path: Path) -> bool:
    """Return whether a file says of itself that it is DICOM; one that cannot be read does not.

    Source:
        DICOM PS3.10, section 7.1: 128 bytes of anything, then `DICM`.
    """
    if not path.is_file():  # a pipe would never answer
        return False
    try:
        with path.open("rb") as file:
            file.seek(_MAGIC_AT)
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def read_data_set(path: Path, *, tags: Sequence[str] | None = None) -> Dataset:
    """Return the data set of a file that claims to hold a picture.

    A file without preamble is read too if what follows is the description of a picture.

    Args:
        path: A file.
        tags: Keywords of the only elements to read beside those that describe the picture, and no pixels; None reads all.

    Raises:
        PictureUnreadable: It is no DICOM, no picture, or claims more than it holds.
    """
    wanted: list[str] | None = None if tags is None else [*_DESCRIPTION, *tags]
    try:
        with quietly():
            _refuse_bomb(path)
            found = dcmread(path, force=True, stop_before_pixels=tags is not None, specific_tags=wanted)
            _check(found, has_magic(path), path.stat().st_size)
    except PictureUnreadable:
        raise
    except FileNotFoundError as error:
        raise PictureUnreadable(f"cannot be read: {error.strerror}") from error
    except FAULTS as error:
        raise PictureUnreadable("is no DICOM file that can be read, or a damaged one") from error
    return found


_DESCRIPTION = (
    "SOPClassUID",
    "Modality",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "NumberOfFrames",
    "BitsAllocated",
    "BitsStored",
    "PixelRepresentation",
)


def number_of_frames(data_set: Dataset) -> int:
    """Return how many pictures a data set holds."""
    return int(data_set.get("NumberOfFrames") or 1)


def compression_name(data_set: Dataset) -> str:
    """Return the standard's name of how the pixels are stored, never what an unknown one is called in the file."""
    syntax = UID(data_set.file_meta.TransferSyntaxUID)
    return syntax.name if not syntax.is_private and syntax.name != str(syntax) else "an unknown one"


def _refuse_bomb(path: Path) -> None:
    """Refuse a deflated data set that unpacks to more than can be held, before a reader unpacks it."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
        if _DEFLATED not in head:
            return
        length = struct.unpack("<I", head[_MAGIC_AT + 12 : _MAGIC_AT + 16])[0]  # of the meta information, PS3.10 7.1
        file.seek(_MAGIC_AT + 16 + length)
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        size = len(inflater.decompress(file.read(_HEAD), _HEAD))
        while size <= _LARGEST_INFLATED and not inflater.eof:
            packed = inflater.unconsumed_tail or file.read(2**20)
            if not packed:
                return
            size += len(inflater.decompress(packed, 2**24))
    if size > _LARGEST_INFLATED:
        raise PictureUnreadable("unpacks to more than can be opened safely")


def _check(found: Dataset, is_declared: bool, file_bytes: int) -> None:
    kind = str(found.get("SOPClassUID", ""))
    said = _NO_PICTURE.get(kind) or _NO_PICTURE_BY_MODALITY.get(str(found.get("Modality", "")))
    if said:
        raise PictureUnreadable(f"is DICOM, but no picture to classify: {said}")
    if not all(found.get(name) for name in ("Rows", "Columns", "BitsAllocated")):
        if not is_declared and not kind:
            raise PictureUnreadable("is no DICOM file that can be read, or a damaged one")
        raise PictureUnreadable("is DICOM, but holds no picture, or was cut off")
    _complete_syntax(found)
    frames = number_of_frames(found)
    pixels = int(found.Rows) * int(found.Columns)
    if pixels > min(_MOST_PIXELS, 2 * (Image.MAX_IMAGE_PIXELS or _MOST_PIXELS)):
        raise PictureUnreadable("is too large to be opened safely; scale it down or cut it into tiles")
    if not 1 <= frames <= _MOST_FRAMES:
        raise PictureUnreadable(f"claims to hold {frames:,} pictures")
    syntax = found.file_meta.TransferSyntaxUID
    if syntax in _NATIVE:
        needed = frames * pixels * int(found.get("SamplesPerPixel") or 1) * int(found.BitsAllocated) // 8
        needed -= needed // 3 if "422" in str(found.get("PhotometricInterpretation", "")) else 0
    else:
        needed = frames * (_SMALLEST_FRAME if syntax != RLELossless else 64)
    if needed > file_bytes and syntax.name != "Deflated Explicit VR Little Endian":
        raise PictureUnreadable(
            f"claims {frames:,} x {found.Rows} x {found.Columns} pixels, more than its {file_bytes:,} bytes can hold"
        )
    if any(name in syntax.name for name in _VIDEO):
        raise PictureUnreadable("is a video, not a picture")


def _complete_syntax(found: Dataset) -> None:
    """Enter how a data set without meta information was read; such a file is not compressed, or cannot be read."""
    if getattr(found, "file_meta", None) is None:
        found.file_meta = FileMetaDataset()
    if found.file_meta.get("TransferSyntaxUID"):
        return
    is_implicit, is_little = found.original_encoding
    plain = ImplicitVRLittleEndian if is_implicit else ExplicitVRLittleEndian
    found.file_meta.TransferSyntaxUID = plain if is_little else ExplicitVRBigEndian
