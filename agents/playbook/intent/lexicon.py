"""The lexicon and the cues, read from their TOML files once: the only place that knows how they are written."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from agents.playbook.intent.patterns import Pattern, compile_pattern
from agents.playbook.intent.words import phrase, tokenise


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """Something that requests and tables speak of."""

    id: str
    kind: str
    """`finding`, `umbrella`, `artefact`, `attribute` or `modality`."""
    plain: str
    """The words that are shown to a clinician."""
    concern: int
    """3 dangerous, 2 disease, 1 benign, 0 nothing found; -1 for what is no finding."""
    words: tuple[tuple[str, ...], ...]
    """Synonyms, each as normal forms of its words."""
    codes: tuple[tuple[str, ...], ...]
    artefact: bool
    """May be a shortcut as well as a finding (a chest drain)."""
    coexists: bool
    """Often seen together with other findings in one image."""
    members: tuple[str, ...]
    """Umbrella: ids of the concepts that it stands for."""
    unsure: tuple[str, ...]
    """Umbrella: ids of the concepts that some count in and some do not."""
    merge: bool
    """Umbrella: whether its members make one class; otherwise it is an ambiguous word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """All that the rules know about words."""

    concepts: dict[str, Concept]
    cues: dict[tuple[str, ...], frozenset[str]]
    """Tags of each phrase."""
    patterns: dict[str, tuple[Pattern, ...]]


@cache
def load_lexicon() -> Lexicon:
    """Return the lexicon that is shipped beside this module."""
    folder = Path(__file__).parent
    concepts = tomllib.loads((folder / "lexicon.toml").read_text(encoding="utf-8"))["concept"]
    rules = tomllib.loads((folder / "cues.toml").read_text(encoding="utf-8"))
    cues: dict[tuple[str, ...], frozenset[str]] = {}
    for tag, phrases in rules["cues"].items():
        for text in phrases:
            key = tuple(token.norm for token in tokenise(text))
            cues[key] = cues.get(key, frozenset()) | {tag}
    return Lexicon(
        concepts={row["id"]: _concept(row) for row in concepts},
        cues=cues,
        patterns={name: tuple(compile_pattern(line) for line in lines) for name, lines in rules["patterns"].items()},
    )


def _concept(row: dict[str, object]) -> Concept:
    def texts(key: str) -> tuple[str, ...]:
        value = row.get(key, [])
        return tuple(str(item) for item in value) if isinstance(value, list) else ()

    return Concept(
        id=str(row["id"]),
        kind=str(row["kind"]),
        plain=str(row["plain"]),
        concern=int(str(row.get("concern", -1))),
        words=tuple(dict.fromkeys(phrase(text) for text in texts("words"))),
        codes=tuple(phrase(text) for text in texts("codes")),
        artefact=bool(row.get("artefact", row["kind"] == "artefact")),
        coexists=bool(row.get("coexists", False)),
        members=texts("members"),
        unsure=texts("unsure"),
        merge=bool(row.get("merge", False)),
    )
