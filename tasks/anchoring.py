"""Keep the head of each ledger in a folder outside the study, so that a shortened, lost or replaced ledger is found.

A hash chain alone shows an edit, but not that its end, or all of it, is gone. So the number of entries and the last hash are
kept elsewhere: `<anchors>/<hash of the first entry>.json`, and `<anchors>/places/<hash of the path>.json`, which remembers whose
ledger lies at a path. A copy of a study has the same first entry, hence the same anchor: of two copies only one can go on.

Before an entry is written, its hash is noted here as `announced`. After a kill the ledger may therefore hold exactly the announced
entry more than was counted, and no other.

What this does not protect against: someone who can write to the anchors folder too.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.domain.errors import LedgerBroken

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """What is known of a ledger outside its study."""

    first: str
    """Hash of the ledger's first entry."""
    count: int
    """Entries that were written to their end."""
    head: str
    """Hash of entry number `count`; empty for none."""
    announced: str = ""
    """Hash of an entry that was about to be written; empty if none is."""
    path: str = ""
    """Where the ledger was when last written, for people."""


def anchor_of(first: str, anchors: Path) -> Anchor | None:
    """Return what is known of the ledger that starts with an entry of this hash, or None.

    Raises:
        LedgerBroken: The anchor is there, but cannot be read.
    """
    return _read(anchors / f"{first}.json")


def anchor_at(ledger: Path, anchors: Path) -> Anchor | None:
    """Return what is known of the ledger that belongs at this path, or None.

    Raises:
        LedgerBroken: The anchor is there, but cannot be read.
    """
    place = _place(ledger, anchors)
    try:
        first = place.read_text("ascii")
    except FileNotFoundError:
        return None
    known = anchor_of(first, anchors)
    if known is None:
        raise LedgerBroken(f"the anchor of the ledger that was at {ledger} is gone: {anchors / f'{first}.json'}")
    return known


def write_anchor(anchor: Anchor, ledger: Path, anchors: Path) -> Anchor:
    """Replace the anchor of a ledger, in one step, make it last, and return it as written."""
    anchors.mkdir(parents=True, exist_ok=True, mode=0o700)
    anchor = replace(anchor, path=_absolute(ledger))
    _replace(anchors / f"{anchor.first}.json", json.dumps(asdict(anchor), sort_keys=True))
    place = _place(ledger, anchors)
    if not place.exists() or place.read_text("ascii") != anchor.first:
        place.parent.mkdir(exist_ok=True, mode=0o700)
        _replace(place, anchor.first)
    return anchor


@contextmanager
def anchoring(anchors: Path) -> Iterator[None]:
    """Keep other writers of this machine out, such as those of a copy of the same study."""
    anchors.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (anchors / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _read(file: Path) -> Anchor | None:
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return None
    try:
        return Anchor(**json.loads(text))
    except (ValueError, TypeError) as error:
        raise LedgerBroken(f"the anchor cannot be read: {file}") from error


def _absolute(ledger: Path) -> str:
    return str(ledger.resolve())


def _place(ledger: Path, anchors: Path) -> Path:
    return anchors / "places" / hashlib.sha256(os.fsencode(_absolute(ledger))).hexdigest()


def _replace(file: Path, text: str) -> None:
    partial = file.with_name(f"{file.name}.partial")
    with partial.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(file)
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Make names that were made or changed in a folder outlive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
