"""The many ways in which one name is written, brought down to one, so that it is found however a program prints it."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PIECE = re.compile(r"[^\W_]+")
"""Letters and digits that stand together; what is between two of them joins or parts them."""
JOINS = re.compile(r"[\s_\-.,+'\u2019]{1,8}")
"""Between two pieces of one name."""
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_WRITTEN_OUT = re.compile(r"\\+u([0-9a-fA-F]{4})|((?:\\x[0-9a-fA-F]{2})+)")
_AS_TWO = str.maketrans(
    {"\u00e4": "ae", "\u00f6": "oe", "\u00fc": "ue", "\u00e6": "ae", "\u00f8": "oe", "\u0153": "oe", "\u00e5": "aa"}
)
_AS_ONE = str.maketrans({"\u00e6": "ae", "\u00f8": "o", "\u0153": "oe", "\u0131": "i", "\u0142": "l", "\u0111": "d"})


def plainly_written(text: str) -> str:
    """Return text with letters that were written out (as JSON and Python do) as letters, composed, without colours and unseen signs."""
    if "\\" in text:
        text = _WRITTEN_OUT.sub(_letter, text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return _UNSEEN.sub("", _ESCAPE.sub("", text))


def plain_key(piece: str) -> str:
    """Return what a piece is known by: small letters without accents, those of German and its neighbours as two letters."""
    if piece.isascii():
        return piece.lower()
    return _bare(unicodedata.normalize("NFC", piece.casefold()).translate(_AS_TWO))


def keys_of(pieces: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield what the pieces of a name are known by, with its accents as two letters, and with them left out."""
    yield tuple(plain_key(piece) for piece in pieces)
    if not all(piece.isascii() for piece in pieces):
        yield tuple(_bare(piece.casefold().translate(_AS_ONE)) for piece in pieces)


def _bare(piece: str) -> str:
    whole = unicodedata.normalize("NFKD", piece.translate(_AS_ONE))
    return "".join(sign for sign in whole if not unicodedata.combining(sign)).casefold()


def _letter(match: re.Match[str]) -> str:
    """Return the letters that were written out; what is no letter stays, so that no line or frame comes of it."""
    if match[1]:
        letters = chr(int(match[1], 16))
    else:
        content = bytes.fromhex(match[2].replace("\\x", ""))
        try:
            letters = content.decode("utf-8")
        except UnicodeDecodeError:
            letters = content.decode("latin-1")
    if all(unicodedata.category(sign) in {"Cf", "Cc"} for sign in letters):
        return ""
    is_text = all(sign.isalnum() or sign in " _-.'" or unicodedata.category(sign).startswith("M") for sign in letters)
    return letters if is_text else match[0]
