"""The size that a compressed picture claims, read without decoding it: a decoder allocates what it is told."""

from __future__ import annotations

import struct

_JPEG_FRAMES = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}
"""Markers that start the description of a picture; the last one is JPEG-LS."""
_START, _SIZE_OF_2000 = b"\xff\xd8", b"\xff\x4f\xff\x51"


def size_of_compressed(content: bytes) -> tuple[int, int] | None:
    """Return width and height of a JPEG, JPEG-LS or JPEG 2000 stream, or None where it is none of these.

    Source:
        ITU-T T.81, B.2.2 (frame header); T.87, C.2.2; T.800, A.5.1 (SIZ).
    """
    if content.startswith(_START):
        return _size_of_jpeg(content)
    start = content.find(_SIZE_OF_2000, 0, 4096)
    if start < 0 or len(content) < start + 24:
        return None
    right, lower, left, upper = struct.unpack(">4I", content[start + 8 : start + 24])
    return right - left, lower - upper


def _size_of_jpeg(content: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:  # filling
            at += 1
            continue
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack(">2H", content[at + 5 : at + 9])
            return width, height
        at += 2 + int(struct.unpack(">H", content[at + 2 : at + 4])[0])
    return None
