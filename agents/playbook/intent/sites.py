"""Wishes that the data itself answers: whether it can show another hospital, and whether a patient stands in two parts of a split."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.intent import quoting
from agents.playbook.intent.clauses import clause_of
from agents.playbook.intent.words import phrase
from tasks.domain.spec import RESOLVE_FROM_DATA

if TYPE_CHECKING:
    from agents.playbook.intent.patterns import Match
    from agents.playbook.intent.reading import Reading

_SITE_WORDS = frozenset(word for name in ("site", "hospital", "center", "centre", "clinic", "institution", "laboratory", "lab", "source", "practice") for word in phrase(name))  # fmt: skip
_KINDS = {
    "stain": frozenset(phrase("stain staining stainer")),
    "scanner": frozenset(phrase("scanner vendor manufacturer camera machine device model")),
}
"""Where the words name no hospital but a stain or a scanner, a column of that kind will do as well."""


def read_sites(reading: Reading) -> None:
    """Say how the data answers 'must work at the other hospital' and 'is a patient in two parts?'; ask where it cannot."""
    for match in reading.found("external_site"):
        if _is_denied(reading, match):
            continue
        _take(reading, match)
        break
    for match in reading.found("split_leak"):
        _check_split(reading, match)
        break


def _is_denied(reading: Reading, match: Match) -> bool:
    clause = clause_of(reading, match.first)
    return reading.denied(match.first, within=4) and not any(reading.units[k].norm in {"only", "just"} for k in clause)


def _take(reading: Reading, match: Match) -> None:
    sentence = next(s for s in reading.sentences() if match.first in s)
    words = set(reading.words(sentence.start, sentence.stop).lower().split())
    column = _column(reading, words)
    reading.use(match.first, match.end)
    reading.used.update(k for k in sentence if not reading.units[k].is_class)
    reading.claimed.update(k for k in sentence if reading.units[k].kind == "attribute")
    said = quoting.words(reading.words(match.first, match.end))
    if column:
        shown = quoting.code(column)
        reading.ask(
            "split", f"{said}: the data says by {shown} where each image comes from. One of its values, with enough cases of each class, is held out "
            "completely and shown apart.", level=RESOLVE_FROM_DATA, kind="external_site",
            default=f"hold out one value of {shown} completely",
        )  # fmt: skip
        reading.caveat(
            f"Another place is shown only if one value of {column} is held out completely; without that nothing is shown of it.",
            match.first,
            match.end,
        )
        return
    reading.ask(
        "split", f"{said}: the data has no column that says where an image comes from, so this cannot be tested. Can such a column be added, or shall we go on "
        "without that claim?", options=("go on without that claim", "add a column"), default="go on without that claim", kind="missing_attribute",
    )  # fmt: skip
    reading.caveat(
        "How the model does at another place was not tested: the data does not say where its images come from.",
        match.first,
        match.end,
    )


def _column(reading: Reading, words: set[str]) -> str:
    """Return the column of places; with a stain or a scanner in the words, one of those if there is none of places."""
    names = {name: set(phrase(name)) for name in reading.data.attributes}
    site = next(
        (name for name, parts in names.items() if parts & _SITE_WORDS or reading.data.attributes[name] == "hospital"),
        "",
    )
    if site:
        return site
    for kind, synonyms in _KINDS.items():
        if any(word.startswith(kind) for word in words):
            return next((name for name, parts in names.items() if parts & synonyms), "")
    return ""


def _check_split(reading: Reading, match: Match) -> None:
    sentence = next(s for s in reading.sentences() if match.first in s)
    reading.used.update(sentence)
    reading.claimed.update(k for k in sentence if reading.units[k].is_thing)
    if not reading.profile.has_groups:
        reading.ask(
            "split", "The data has no column that says which images belong to one patient, so it cannot be seen whether one stands in two parts. Can it be "
            "added?", options=("go on by image", "add a column"), default="go on by image", kind="missing_attribute",
        )  # fmt: skip
        return
    group = quoting.code(reading.profile.roles.group or "the group")
    reading.ask(
        "split", f"The data can answer that: images are counted by {group}, and if one stands in two parts of the given split, a new one keeps it together.",
        level=RESOLVE_FROM_DATA, kind="split_leak", default=f"split again by {group} if needed",
    )  # fmt: skip
