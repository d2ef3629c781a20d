"""What the names of a manifest's metadata stand for: groups, readers, or attributes, and how much of them is missing."""

from __future__ import annotations

import re
from dataclasses import dataclass

from label_words import missing_share, split_words

WIDEST_FIRST = ("patient", "subject", "person", "participant", "individual", "infant", "child", "neonate", "woman", "mother", "donor", "animal", "mrn", "case", "study", "exam", "examination", "visit", "session", "scan", "video", "recording", "slide", "specimen", "block", "accession", "series", "eye", "breast", "lesion", "polyp", "nodule")  # fmt: skip
"""What images can belong to, the widest first: images of one of these never part company in a split."""

_ID = re.compile(r"(?:_|^)(?:id|uid|ids|no|nr|num|number|key|code|hash|pseudonym)$")
_IMAGE = re.compile(
    r"(?:image|img|file|filename|path|frame|tile|patch|instance|sop_instance)(?:_(?:id|uid|name|path|no))?"
)
_READER = re.compile(
    r"(?:grader|reader|annotator|rater|observer|expert|radiologist|pathologist|dermatologist)[_ -]?(?:\d+|[a-e])"
)
_PERSON = re.compile(
    r"(?:patient_|last_|first_|sur|full_)?name|.*birth.*|dob|.*address.*|.*phone.*|.*email.*|ssn|.*insurance.*|face.*|initials"
)
_ASIDE = re.compile(r"\s*[(:\[]\s*(.*?)\s*[)\]]?\s*$", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The metadata of a manifest, sorted by the part that each entry plays."""

    attributes: tuple[tuple[str, float, tuple[str, ...]], ...]
    """Name, share missing (0 to 1), values where the manifest names them."""
    group: str
    """Empty if nothing says which images belong together."""
    readers: tuple[str, ...]
    left_out: tuple[str, ...]
    """Names and other particulars of persons, which no reader hands on."""


def read_metadata(entries: object) -> Metadata:
    """Return what the metadata of a manifest holds; a list of names, a mapping from names to descriptions, or a text."""
    attributes: list[tuple[str, float, tuple[str, ...]]] = []
    groups: dict[str, int] = {}
    readers: list[str] = []
    left_out: list[str] = []
    for name, about in _named(entries):
        plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        if _READER.fullmatch(plain):
            readers.append(name)
        elif (rank := _group_rank(plain)) is not None:
            groups.setdefault(name, rank)
        elif _PERSON.fullmatch(plain):
            left_out.append(name)
        elif not _IMAGE.fullmatch(plain) and plain not in {"split", "fold"}:
            attributes.append((name, missing_share(about), _values(about)))
    group = min(groups, key=lambda name: groups[name], default="")
    return Metadata(attributes=tuple(attributes), group=group, readers=tuple(readers), left_out=tuple(left_out))


def _named(entries: object) -> list[tuple[str, str]]:
    if isinstance(entries, dict):
        return [(str(name), _text(about)) for name, about in entries.items()]
    if isinstance(entries, str):
        entries = [part for part in re.split(r"\s*[,;]\s*(?![^(]*\))", entries) if part]
    if not isinstance(entries, list | tuple):
        return []
    named: list[tuple[str, str]] = []
    for entry in entries:
        if isinstance(entry, dict):
            named += [(str(entry.get("name")), _text(entry))] if "name" in entry else _named(entry)
        elif entry is not None and str(entry).strip():
            text = str(entry).strip()
            aside = _ASIDE.search(text) if re.search(r"[(:\[]", text) else None
            named.append((text[: aside.start()].strip() or text, aside[1]) if aside else (text, ""))
    return list(dict(named).items())


def _text(about: object) -> str:
    if isinstance(about, dict):
        return ", ".join(f"{key} {value}" for key, value in about.items() if key != "name")
    if isinstance(about, list | tuple):
        return ", ".join(str(item) for item in about)
    return "" if about is None else str(about)


def _group_rank(plain: str) -> int | None:
    """Return how wide a group the name of an id column stands for, 0 the widest; None if it is no such column."""
    stem = _ID.sub("", plain)
    if _IMAGE.fullmatch(plain) or (stem == plain and plain not in {"patient", "subject", "lesion", "video", "mrn", "infant", "case"}):  # fmt: skip
        return None
    words = stem.split("_")
    ranks = [rank for rank, word in enumerate(WIDEST_FIRST) if word in words]
    return min(ranks, default=len(WIDEST_FIRST)) if stem else None


def _values(about: str) -> tuple[str, ...]:
    """Return the values that an aside names: `(A, B, C)`; empty for anything that speaks of shares or counts."""
    if not about or re.search(
        r"\d\s*%|missing|unknown|recorded|free.?text|sites?\b|hospitals?\b|\bnot\b", about, re.IGNORECASE
    ):
        return ()
    parts = split_words(about)
    return parts if len(parts) > 1 else ()
