"""Wishes that the data itself answers: whether it can show another hospital, and whether a patient stands in two parts of a split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents import quoting
from agents.playbook.intent.clauses import clause_of
from agents.playbook.intent.evidence import has, wordings
from agents.playbook.intent.patterns import Match
from agents.playbook.intent.words import norms, phrase
from tasks.domain.spec import RESOLVE_FROM_DATA, Confounder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.playbook.intent.reading import Reading

_SITE_WORDS = frozenset(word for name in ("site", "hospital", "center", "centre", "clinic", "institution", "laboratory", "lab", "source", "practice") for word in phrase(name))  # fmt: skip
_KINDS = {
    "stain": frozenset(phrase("stain staining stainer")),
    "scanner": frozenset(phrase("scanner vendor manufacturer camera machine device model")),
}
"""Where the words name no hospital but a stain or a scanner, a column of that kind will do as well."""


_OTHER = norms("other", "another", "different", "new", "second", "external", "unseen", "sister", "partner", "foreign", "neighbouring", "various", "several", "any", "every", "all", "their", "across", "between", "outside", "beyond")  # fmt: skip
_PLACES = _SITE_WORDS | norms("stain", "staining", "scanner", "machine", "vendor", "camera", "department", "country", "town", "city", "trust", "unit", "school", "network", "manufacturer", "screening programme", "3t", "3 t", "1.5t", "tesla", "magnet", "device")  # fmt: skip
_NAMED_PLACES = ("hospital", "centre", "center", "lab", "laboratory", "clinic", "site", "practice", "department")
_UNSEEN = wordings(
    "not trained on",
    "never seen",
    "not seen",
    "never saw",
    "not learned from",
    "not in training",
    "it does not know",
    "has not met",
)
_ONLY_HERE = wordings(
    "only be used on ours",
    "only used on ours",
    "only on ours",
    "only be used here",
    "only used here",
    "only with ours",
    "only for ours",
    "only be used at our",
    "never leave",
)
_ELSEWHERE = norms("elsewhere", "theirs", "abroad", "everywhere", "anywhere")
_WORKS = norms("work", "hold", "survive", "perform", "cope", "generalise", "generalize", "transfer", "robust", "carry", "travel", "usable", "use", "deploy", "function", "stand", "run", "reliable", "valid", "apply", "fail", "break", "collapse", "handle", "deal", "good", "do", "usable", "portable", "trust", "fall")  # fmt: skip
_FAILS = norms("fail", "break", "collapse", "fall", "survive")
_ASKED = norms("whether", "if", "know", "wonder", "curious", "question")
_NEAR = 3
"""So many units may stand between 'other' and the place."""
_HELD_OUT = "hold_out_site_and_report"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A wish that the data answers with another place: the column of places, and the cue that it makes of it."""

    column: str = ""
    """Empty if the data does not say where an image comes from."""
    cue: Confounder | None = None
    """What must not matter; None if it is only wanted to be known."""
    span: tuple[int, int] = (0, 0)


def read_sites(reading: Reading) -> Elsewhere | None:
    """Say how the data answers 'must work at the other hospital' and 'is a patient in two parts?'; ask where it cannot."""
    matches = [*reading.found("external_site"), *_spoken_of(reading)]
    matches = [match for match in matches if not _is_denied(reading, match)]
    found = _take(reading, sorted(matches, key=lambda match: not _is_demanded(reading, _sentence(reading, match)))) if matches else None  # fmt: skip
    for match in reading.found("split_leak"):
        _check_split(reading, match)
        break
    return found


def _spoken_of(reading: Reading) -> Iterator[Match]:
    """Yield sentences that speak of another place and of working there, however they are built."""
    for sentence in reading.sentences():
        if any(k in reading.silenced for k in sentence):
            continue
        place = next((k for k in sentence if _is_elsewhere(reading, sentence, k)), None)
        works = [k for k in sentence if _WORKS & set(reading.units[k].norm.split()) and not _is_never(reading, k)]
        if place is not None and works and _is_wished(reading, sentence) and not has(reading, sentence, _ONLY_HERE):
            yield Match(min(place, *works), max(place, *works) + 1, (), ())


def _is_never(reading: Reading, at: int) -> bool:
    """'We will never use it there' wants nothing of that place; 'it must not fail there' does."""
    return reading.denied(at, within=2) and not _FAILS & set(reading.units[at].norm.split())


def _is_elsewhere(reading: Reading, sentence: range, at: int) -> bool:
    unit = reading.units[at]
    words = set(unit.norm.split())
    if words & _ELSEWHERE or _names_a_place(reading, at):
        return True
    near = range(max(sentence.start, at - _NEAR), at)
    if words & _PLACES and has(reading, range(at, min(at + 7, sentence.stop)), _UNSEEN):
        return True
    return bool(words & _PLACES) and any(_OTHER & set(reading.units[k].norm.split()) for k in near)


def _names_a_place(reading: Reading, at: int) -> bool:
    """Say whether a unit is a value of the column of places, or 'different from ours'."""
    unit = reading.units[at]
    if unit.norm in _OURS:
        return any("different" in reading.units[k].norm for k in range(max(0, at - 2), at))
    value = unit.meaning is not None and bool(unit.meaning.value)
    return value and any(_is_site(reading, name) for name in unit.attributes)


_OURS = norms("ours", "us", "our own")


def _is_wished(reading: Reading, sentence: range) -> bool:
    units = [reading.units[k] for k in sentence]
    tags = frozenset[str]().union(*(unit.tags for unit in units))
    return bool(tags & {"DEMAND", "WISH", "CANNOT"}) or any(unit.norm in {"pleas", "show", "has", "have"} for unit in units)  # fmt: skip


def _is_denied(reading: Reading, match: Match) -> bool:
    clause = clause_of(reading, match.first)
    return reading.denied(match.first, within=4) and not any(reading.units[k].norm in {"only", "just"} for k in clause)


def _is_demanded(reading: Reading, sentence: range) -> bool:
    """'It must work there' makes the place something that must not matter; 'I want to know whether' only asks."""
    words = [word for k in sentence for word in reading.units[k].norm.split()]
    return bool(_WORKS & set(words)) and not _ASKED & set(words) and _is_wished(reading, sentence)


def _sentence(reading: Reading, match: Match) -> range:
    return next(s for s in reading.sentences() if match.first in s)


def _take(reading: Reading, matches: list[Match]) -> Elsewhere:
    """Take a wish for another place; it may be spoken of in several sentences, of which the first here demands the most."""
    match = matches[0]
    spoken = [k for each in matches for k in _sentence(reading, each)]
    words = {word for k in spoken for word in reading.units[k].text.lower().split()}
    column = _column(reading, words)
    demanded = _is_demanded(reading, _sentence(reading, match))
    reading.use(match.first, match.end)
    reading.used.update(k for k in spoken if not reading.units[k].is_class and reading.units[k].number is None)
    reading.claimed.update(
        k
        for k in spoken
        if reading.units[k].kind == "attribute" or (reading.units[k].attributes and not reading.units[k].labels)
    )
    said = quoting.words(reading.words(match.first, match.end))
    kind = next((kind for kind in _KINDS if any(word.startswith(kind) for word in words)), "")
    place = next((word for word in _NAMED_PLACES if word in words or f"{word}s" in words), "")
    name = kind or place or column or "site"
    cue = Confounder(name=name, column=column, handling=_HELD_OUT) if demanded else None
    found = Elsewhere(column, cue, (match.first, match.end))
    if column:
        shown = quoting.code(column)
        reading.ask(
            "split", f"{said}: the data says by {shown} where each image comes from. One of its values, with enough cases of each class, becomes the test set as "
            "a whole, and training sees none of it; if no value has enough, nothing is built before you have been told.",
            level=RESOLVE_FROM_DATA, kind="external_site", default=f"hold out one value of {shown} as a whole",
        )  # fmt: skip
        reading.caveat(
            f"The test shows one other value of {column} only; how it does at further places is not shown.",
            match.first,
            match.end,
        )
        return found
    reading.ask(
        "split", f"{said}: the data has no column that says where an image comes from, so this cannot be tested. Can such a column be added, or shall we go on "
        "without that claim?", options=("go on without that claim", "add a column"), default="go on without that claim",
        kind="missing_annotation" if demanded else "missing_attribute",
    )  # fmt: skip
    reading.caveat(
        "How the model does at another place was not tested: the data does not say where its images come from.",
        match.first,
        match.end,
    )
    return found


def _is_site(reading: Reading, name: str) -> bool:
    return bool(set(phrase(name)) & _SITE_WORDS) or reading.data.attributes[name] == "hospital"


def _column(reading: Reading, words: set[str]) -> str:
    """Return the column of places; with a stain or a scanner in the words, one of those if there is none of places."""
    names = {name: set(phrase(name)) for name in reading.data.attributes}
    site = next((name for name in names if _is_site(reading, name)), "")
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
