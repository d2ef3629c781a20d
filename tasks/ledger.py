"""The ledger of a study: an append-only, hash-chained record of what happened and who did it.

One entry a line, as canonical JSON (sorted keys, no spaces, ASCII), so that every byte of the file is under a hash. There is no way
to change or remove an entry; a correction is a new one. See `tasks.anchoring` for how a shortened or lost ledger is found.

A kill in the middle of a write leaves a last line without its line feed: it was never acknowledged, and its hash was announced but
not counted. `verify` reports it; the next `append` moves it to `ledger.torn` and says so in an entry.

A study that was deleted as a whole may be followed by another one in the same place; its ledger begins with an entry that names
the earlier one. Where the ledger alone is gone, and the holdout is still there, nothing is written: the ledger is broken.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tasks.anchoring import Anchor, anchor_at, anchor_of, anchoring, sync_folder, write_anchor
from tasks.chain import START, Entry, canonical, read, written
from tasks.domain.errors import LedgerBroken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

ACTORS = ("human", "agent", "system")
"""Kinds of actor; a name may follow after a colon: `human:Dr. Ito`, `agent:playbook`."""

TORN = "torn_write_set_aside"
CLOCK = "clock_went_back"
ANCHORED_ANEW = "anchored_anew"
EARLIER = "earlier_ledger_here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was found in a ledger that is not broken."""

    entries: tuple[Entry, ...]
    anchored: bool
    """False: no head of it is kept on this machine, or none was for a while, so a missing end would have gone unnoticed."""
    torn: bytes = b""
    """An unfinished last line, never acknowledged."""

    def summary(self) -> str:
        """Return the finding in plain words."""
        words = [f"{len(self.entries)} entries, chain intact"]
        moved = [entry.facts["entries"] for entry in self.entries if entry.event == ANCHORED_ANEW]
        if self.anchored:
            words.append("end confirmed by the anchor")
        elif moved:
            words.append(f"anchored here only after {moved[-1]} entries: an end that was missing then went unnoticed")
        else:
            words.append("NOT anchored here: a missing end would not be noticed")
        if self.torn:
            words.append(f"an unfinished write of {len(self.torn)} bytes at the end (never acknowledged)")
        return "; ".join(words)


def utc_now() -> datetime:
    """Return the present time."""
    return datetime.now(UTC)


def append(
    study_ledger: Path,
    event: str,
    *,
    actor: str,
    facts: Mapping[str, object],
    anchors: Path,
    now: Callable[[], datetime] = utc_now,
) -> Entry:
    """Write one entry, and return it once it is on the disk.

    Args:
        study_ledger: The ledger's file; it is made by its first entry.
        event: What happened, a short name such as `holdout_sealed`.
        actor: `human`, `agent` or `system`, with a name after a colon if known.
        facts: What JSON can hold, without nan and infinity.
        anchors: Folder outside the study that holds the heads of ledgers.
        now: Clock.

    Raises:
        LedgerBroken: The ledger as found is not what was written.
        ValueError: The actor or the facts cannot be written.
    """
    with exclusive(study_ledger, anchors=anchors, now=now) as session:
        return session.append(event, actor=actor, facts=facts)


def verify(study_ledger: Path, *, anchors: Path) -> Verification:
    """Check every byte of a ledger against its chain, and its end against the anchor.

    Raises:
        LedgerBroken: An entry was edited, removed, moved or added by hand, or the end, or all of it, is missing.
    """
    with ExitStack() as stack:
        # Without the lock an entry under way would look torn; a study on read-only media has no writer.
        if os.access(study_ledger.parent, os.W_OK):
            stack.enter_context(_locked(study_ledger))
        return _verify(study_ledger, anchor_at(study_ledger, anchors), anchors)[0]


@contextmanager
def exclusive(study_ledger: Path, *, anchors: Path, now: Callable[[], datetime] = utc_now) -> Iterator[Session]:
    """Hold a verified ledger alone, to decide on its entries and append to them as one step.

    Raises:
        LedgerBroken: The ledger as found is not what was written.
    """
    with _locked(study_ledger):
        yield Session(study_ledger, anchors, now)


class Session:
    """A ledger that this process alone may write, for as long as `exclusive` holds it."""

    def __init__(self, ledger: Path, anchors: Path, now: Callable[[], datetime]) -> None:
        self._ledger, self._anchors, self._now = ledger, anchors, now
        self._earlier = _ledger_of_a_deleted_study(ledger, anchors)
        found, self._anchor = _verify(ledger, None if self._earlier else anchor_at(ledger, anchors), anchors)
        self.entries, self.anchored, self._torn = found.entries, found.anchored, found.torn

    def append(self, event: str, *, actor: str, facts: Mapping[str, object]) -> Entry:
        """Write one entry, after notes on whatever was found amiss; see `append`."""
        if actor.partition(":")[0] not in ACTORS:
            raise ValueError(f"actor is {actor!r}, but must be one of {', '.join(ACTORS)}, with a name after a colon")
        canonical(dict(facts))  # facts that cannot be written must fail before anything is
        if self._earlier:
            earlier, self._earlier = self._earlier, None
            self._write(EARLIER, "system", {"entries": earlier.count, "head": earlier.head})
        self._adopt()
        self._set_torn_write_aside()
        if self.entries and (late := (_time(self.entries[-1].at) - self._now()).total_seconds()) > 0:
            self._write(CLOCK, "system", {"seconds": late, "previous": self.entries[-1].at})
        return self._write(event, actor, facts)

    def last(self, event: str) -> Entry | None:
        """Return the latest entry of an event, or None."""
        return next((entry for entry in reversed(self.entries) if entry.event == event), None)

    def _adopt(self) -> None:
        if self._anchor is None and self.entries:
            first, head = self.entries[0].hash, self.entries[-1].hash
            with anchoring(self._anchors):
                self._check_alone()
                self._anchor = write_anchor(
                    Anchor(first=first, count=len(self.entries), head=head), self._ledger, self._anchors
                )
            self._write(ANCHORED_ANEW, "system", {"entries": len(self.entries), "head": head})

    def _check_alone(self) -> None:
        """Our lock lies in the study; a copy of it has another one, but the same anchor."""
        if self.entries and anchor_of(self.entries[0].hash, self._anchors) != self._anchor:
            raise LedgerBroken(
                "a copy of this study went on meanwhile; only one of the two can", row=len(self.entries) + 1
            )

    def _set_torn_write_aside(self) -> None:
        aside = self._ledger.with_name("ledger.torn")
        if self._torn:
            _extend(aside, self._torn + b"\n")
            os.truncate(self._ledger, self._ledger.stat().st_size - len(self._torn))
            self._torn = b""
        # The note is due by the size of the file, not by this call: a kill right here must not lose it.
        noted = sum(int(str(entry.facts["bytes"])) for entry in self.entries if entry.event == TORN)
        unnoted = (aside.stat().st_size if aside.exists() else 0) - noted
        if unnoted > 0:
            content = aside.read_bytes()[-unnoted:]
            self._write(
                TORN, "system", {"bytes": unnoted, "sha256": hashlib.sha256(content).hexdigest(), "file": aside.name}
            )

    def _write(self, event: str, actor: str, facts: Mapping[str, object]) -> Entry:
        head = self.entries[-1].hash if self.entries else ""
        content = {
            "number": len(self.entries) + 1,
            "at": self._now().astimezone(UTC).isoformat(timespec="microseconds"),
            "actor": actor,
            "event": event,
            "facts": dict(facts),
            "previous": head or START,
        }
        entry, line = written(content)
        known = self._anchor or Anchor(first=entry.hash, count=0, head="")
        known = replace(known, count=len(self.entries), head=head, announced=entry.hash)
        with anchoring(self._anchors):
            self._check_alone()
            known = write_anchor(known, self._ledger, self._anchors)
            _extend(self._ledger, line + b"\n")
            known = replace(known, count=entry.number, head=entry.hash, announced="")
            self._anchor = write_anchor(known, self._ledger, self._anchors)
        self.entries = (*self.entries, entry)
        return entry


def _ledger_of_a_deleted_study(ledger: Path, anchors: Path) -> Anchor | None:
    if (ledger.exists() and ledger.stat().st_size) or (ledger.parent / "holdout").exists():
        return None
    known = anchor_at(ledger, anchors)
    return known if known is not None and known.count else None


def _verify(ledger: Path, here: Anchor | None, anchors: Path) -> tuple[Verification, Anchor | None]:
    content = ledger.read_bytes() if ledger.exists() else b""
    *lines, torn = content.split(b"\n")
    entries: list[Entry] = []
    for row, line in enumerate(lines, start=1):
        entries.append(read(line, row=row, previous=entries[-1].hash if entries else START))
    if not entries:
        if here is not None and here.count:
            raise LedgerBroken(f"the ledger is gone; {here.count} entries were written to it", row=1)
        if (ledger.parent / "holdout").exists():
            raise LedgerBroken("the ledger is gone; there is a holdout that it must know of", row=1)
        return Verification(entries=(), anchored=False, torn=torn), None
    known = anchor_of(entries[0].hash, anchors)
    if here is not None and here.first != entries[0].hash:
        raise LedgerBroken(f"this is another ledger than the one of {here.count} entries that was kept here", row=1)
    if known is not None:
        _compare(entries, known)
    moved = any(entry.event == ANCHORED_ANEW for entry in entries)
    return Verification(entries=tuple(entries), anchored=known is not None and not moved, torn=torn), known


def _compare(entries: list[Entry], known: Anchor) -> None:
    if len(entries) < known.count:
        raise LedgerBroken(
            f"missing; the ledger ends after {len(entries)} of {known.count} entries", row=len(entries) + 1
        )
    if known.count and entries[known.count - 1].hash != known.head:
        raise LedgerBroken("the chain was written anew: this hash is not the one that was kept", row=known.count)
    for entry in entries[known.count :]:
        if entry.hash != known.announced or entry.number != known.count + 1:
            raise LedgerBroken("was added by other means than Rounds", row=entry.number)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _extend(file: Path, content: bytes) -> None:
    """Add bytes to the end of a file; they are on the disk when this returns."""
    is_new = not file.exists()
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        while content:
            content = content[os.write(descriptor, content) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if is_new:
        sync_folder(file.parent)


@contextmanager
def _locked(ledger: Path) -> Iterator[None]:
    """Keep other writers of this study out."""
    ledger.parent.mkdir(parents=True, exist_ok=True)
    with ledger.with_name("ledger.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
