"""JPEG and PNG files without what they say beside the picture: names, places, dates, previews, comments.

The compressed pixels are taken over byte by byte. The orientation that EXIF gives is kept, as it is part of how the picture
is seen, and nothing else of EXIF.
"""

from __future__ import annotations

import struct
import zlib

from tasks.domain.errors import PictureUnreadable

_JPEG, _PNG = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"
_JFIF, _EXIF, _ADOBE = 0xE0, 0xE1, 0xEE
_START_OF_SCAN, _END, _COMMENT = 0xDA, 0xD9, 0xFE
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
_CHUNKS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})


def bare_jpeg(content: bytes, orientation: int = 1) -> bytes:
    """Return a JPEG file with the segments that its decoding needs, and what follows its end left out.

    Kept are JFIF without its preview, and Adobe's segment, for both say how colours are stored.

    Raises:
        PictureUnreadable: The file does not follow the format to its end.

    Source:
        ITU-T T.81, annex B; ITU-T T.871, section 10 (JFIF).
    """
    if not content.startswith(_JPEG):
        raise PictureUnreadable("is no JPEG file")
    kept, at = [_JPEG], 2
    exif = b"" if orientation == 1 else b"\xff\xe1" + _with_length(b"Exif\0\0" + exif_of(orientation))
    while True:
        marker, start = _marker(content, at)
        if marker == _END:
            return b"".join([*kept, b"\xff\xd9"])
        if marker in _WITHOUT_LENGTH:
            kept.append(content[start - 2 : start])
            at = start
            continue
        at = start + _number(content, start)
        segment = content[start + 2 : at]
        if not (marker == _JFIF and segment.startswith(b"JFIF\0")):  # that one has to be the first
            kept.append(exif)
            exif = b""
        bare = _bare_segment(marker, segment)
        if bare is not None:
            kept += [bytes([0xFF, marker]), _with_length(bare)]
        if marker == _START_OF_SCAN:
            end = _end_of_scan(content, at)
            kept.append(content[at:end])
            at = end


def bare_png(content: bytes, orientation: int = 1) -> bytes:
    """Return a PNG file with the chunks that its pixels need.

    Raises:
        PictureUnreadable: The file does not follow the format to its end.

    Source:
        W3C, Portable Network Graphics, third edition, sections 5 and 11.
    """
    if not content.startswith(_PNG):
        raise PictureUnreadable("is no PNG file")
    kept, at = [_PNG], len(_PNG)
    while at + 12 <= len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        end = at + 12 + length
        if end > len(content):
            break
        if kind in _CHUNKS:
            kept.append(content[at:end])
        if kind == b"IHDR" and orientation != 1:
            kept.append(_chunk(b"eXIf", exif_of(orientation)))
        if kind == b"IEND":
            return b"".join(kept)
        at = end
    raise PictureUnreadable("is a PNG file that was cut off")


def exif_of(orientation: int) -> bytes:
    """Return EXIF data that says how a picture is turned, 1 to 8, and no more.

    Source:
        CIPA DC-008 (Exif 2.32), section 4.6.4, tag 274.
    """
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 274, 3, 1, orientation, 0, 0)


def _bare_segment(marker: int, segment: bytes) -> bytes | None:
    """Return what of a segment is needed to decode the picture, or None."""
    if marker == _JFIF and segment.startswith(b"JFIF\0") and len(segment) >= 12:
        return segment[:12] + b"\0\0"  # the width and height of the preview
    if marker == _ADOBE and segment.startswith(b"Adobe") and len(segment) >= 12:
        return segment[:12]
    return None if 0xE0 <= marker <= 0xEF or marker == _COMMENT else segment


def _marker(content: bytes, at: int) -> tuple[int, int]:
    """Return the marker at a place, and where what belongs to it starts."""
    if content[at : at + 1] != b"\xff":
        raise PictureUnreadable("is a damaged JPEG file, or was cut off")
    while content[at : at + 1] == b"\xff":  # any number of these may fill the space before a marker
        at += 1
    if at >= len(content):
        raise PictureUnreadable("is a JPEG file that was cut off")
    return content[at], at + 1


def _number(content: bytes, at: int) -> int:
    if at + 2 > len(content):
        raise PictureUnreadable("is a JPEG file that was cut off")
    return int.from_bytes(content[at : at + 2], "big")


def _with_length(segment: bytes) -> bytes:
    return (len(segment) + 2).to_bytes(2, "big") + segment


def _end_of_scan(content: bytes, at: int) -> int:
    """Return where the compressed pixels end: at a marker that is neither a stuffed byte nor a restart."""
    while True:
        at = content.find(b"\xff", at)
        if at < 0 or at + 1 >= len(content):
            raise PictureUnreadable("is a JPEG file that was cut off")
        if content[at + 1] not in {0x00, 0xFF} and not 0xD0 <= content[at + 1] <= 0xD7:
            return at
        at += 1 if content[at + 1] == 0xFF else 2


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
