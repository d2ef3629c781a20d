"""One entry of a ledger as a line of text, and the chain of hashes that ties it to the one before.

An entry is canonical JSON (sorted keys, no spaces, ASCII), so that every byte of a ledger is under a hash.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from tasks.domain.errors import LedgerBroken

START = "0" * 64
"""What the first entry names as the hash of the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger."""

    number: int
    """From 1."""
    at: str
    """UTC, ISO 8601, microseconds."""
    actor: str
    event: str
    facts: dict[str, object]
    previous: str
    """Hash of the entry before; 64 zeros for the first."""
    hash: str
    """SHA-256 of the canonical JSON of all other fields."""


def written(content: dict[str, object]) -> tuple[Entry, bytes]:
    """Return the entry of a content without its hash, and its line without the line feed.

    Raises:
        ValueError: The facts are not what JSON can hold.
    """
    line = canonical({**content, "hash": hashlib.sha256(canonical(content)).hexdigest()})
    return Entry(**json.loads(line)), line


def read(line: bytes, *, row: int, previous: str) -> Entry:
    """Return the entry that a line holds.

    Args:
        line: Without its line feed.
        row: Its place, from 1.
        previous: Hash of the entry before.

    Raises:
        LedgerBroken: It is not what was written there.
    """
    try:
        content = json.loads(line)
        entry = Entry(**content)
        whole = canonical(content)
    except (ValueError, TypeError, RecursionError) as error:
        raise LedgerBroken("is not an entry", row=row) from error
    expected = hashlib.sha256(canonical({key: value for key, value in content.items() if key != "hash"})).hexdigest()
    if line != whole or entry.hash != expected:
        raise LedgerBroken("was edited: its content does not match its hash", row=row)
    if entry.number != row or entry.previous != previous:
        raise LedgerBroken("does not follow the entry before it: entries were removed, added or moved", row=row)
    return entry


def canonical(content: object) -> bytes:
    """Return the one way to write a content as JSON.

    Raises:
        ValueError: It is not what JSON can hold.
    """
    try:
        return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")
    except TypeError as error:
        raise ValueError(f"facts must be what JSON can hold: {error}") from error
