"""What a model should not lean on, and for whom it should work equally well: attributes of the data named in a request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agents.playbook.intent import quoting
from agents.playbook.intent.words import normal_form

if TYPE_CHECKING:
    from agents.playbook.intent.chunks import Unit
    from agents.playbook.intent.patterns import Match
    from agents.playbook.intent.reading import Reading

_LIGHT = frozenset(
    {
        "the",
        "a",
        "an",
        "at",
        "on",
        "by",
        "from",
        "of",
        "to",
        "any",
        "just",
        "only",
        "such",
        "thing",
        "like",
        "this",
        "that",
    }
)


_IMAGES = frozenset(
    normal_form(word) for word in ("image", "picture", "photo", "photograph", "film", "scan", "case", "frame", "slide")
)


@dataclass(slots=True)
class Leaning:
    """Attributes that a request speaks of; names are those of the data."""

    confounders: dict[str, tuple[int, int]] = field(default_factory=dict)
    subgroups: dict[str, tuple[int, int]] = field(default_factory=dict)


def read_leaning(reading: Reading) -> Leaning:
    """Return the confounders and subgroups of a request; what the data does not hold becomes a question."""
    found = Leaning()
    for match in reading.found("confounder"):
        things = [at for at in match.things if _could_be_cue(reading, reading.units[at])]
        if things and not set(match.things) & reading.claimed and not _is_of_others(reading, match):
            _take_confounders(reading, found, match, things)
    for match in reading.found("subgroup"):
        things = [at for at in match.things if _is_attribute(reading.units[at]) and at not in reading.claimed]
        if things:
            _take_subgroups(reading, found, match, things)
    _unknown_confounders(reading)
    _allowed_cues(reading)
    return found


def _is_of_others(reading: Reading, match: Match) -> bool:
    """Say whether the words are about something else that stands nearer.

    In 'the films from ICU show a text that must not be used' it is the text that must not, and 'do not use images of the
    scalp' leaves out images.
    """
    after = range(match.things[-1] + 1, match.end)
    between = range(match.first, match.things[0])
    nearer = match.things[0] == match.first and any(reading.units[k].is_thing for k in after)
    return nearer or any(reading.units[k].norm in _IMAGES for k in between)


def _could_be_cue(reading: Reading, unit: Unit) -> bool:
    if unit.meaning is None:
        return False
    concept = reading.data.lexicon.concepts.get(unit.meaning.concept)
    is_cue = unit.kind in {"artefact", "attribute"} or (concept is not None and concept.artefact)
    return (is_cue or bool(unit.attributes)) and (is_cue or not unit.labels)


def _is_attribute(unit: Unit) -> bool:
    return unit.kind == "attribute" or (bool(unit.attributes) and not unit.labels)


def _take_confounders(reading: Reading, found: Leaning, match: Match, things: list[int]) -> None:
    reading.claim(match)
    for name in [name for at in things for name in reading.units[at].attributes]:
        found.confounders.setdefault(name, (match.first, match.end))
    missing = [quoting.words(reading.units[at].text) for at in things if not reading.units[at].attributes]
    if missing:
        reading.ask(
            "confounders",
            f"The data has no column that says where {quoting.listed(missing, last='or')} can be seen, so it cannot be checked or "
            "corrected that the model leans on it. Go on without, or add such a column?",
            options=("go on; the report will say that it was not tested", "add a column"),
            default="go on; the report will say that it was not tested",
        )  # fmt: skip


def _take_subgroups(reading: Reading, found: Leaning, match: Match, things: list[int]) -> None:
    reading.claim(match)
    for at in things:
        attributes = reading.units[at].attributes
        for name in attributes:
            found.subgroups.setdefault(name, (match.first, match.end))
        if not attributes:
            reading.ask(
                "subgroups", f"The data has no column for {quoting.words(reading.units[at].text)}, so results cannot be shown apart for it. Go on without?",
                options=("go on without", "add a column"), default="go on without",
            )  # fmt: skip


def _unknown_confounders(reading: Reading) -> None:
    """'Do not look at the whatsits': the words are kept as a question, as no column goes by that name."""
    for match in reading.found("confounder_unknown"):
        if set(range(match.first, match.end)) & reading.used:
            continue
        rest = _following_words(reading, match.end)
        if rest is None or any(reading.units[k].is_class for k in range(match.first, rest[1])):
            continue
        reading.use(match.first, rest[1])
        reading.ask(
            "confounders",
            f"No column of the data goes by {quoting.words(reading.words(*rest))}, so it cannot be checked whether the model leans on "
            "it. Go on without, or add such a column?",
            options=("go on; the report will say that it was not tested", "add a column"),
            default="go on; the report will say that it was not tested",
        )  # fmt: skip


def _following_words(reading: Reading, at: int) -> tuple[int, int] | None:
    first = at
    while first < len(reading.units) and reading.units[first].norm in _LIGHT:
        first += 1
    end = first
    while end < len(reading.units) and end < first + 5:
        unit = reading.units[end]
        if unit.is_stop or unit.is_sign or unit.norm in {"and", "but", "or", "becaus", "when", "if", "for", "in", "to"}:
            break
        end += 1
    return (first, end) if end > first else None


def _allowed_cues(reading: Reading) -> None:
    """'... and also at chest drains': a cue that is wanted, which deserves a second look."""
    for match in reading.found("allowed_cue"):
        things = [at for at in match.things if _could_be_cue(reading, reading.units[at]) and at not in reading.claimed]
        if not things or reading.denied(match.first, within=4):
            continue
        reading.claim(match)
        reading.ask(
            "confounders", f"May the model go by {quoting.words(reading.units[things[0]].text)}? It sees the image only, and such a cue can stand in "
            "for the disease.", options=("yes, it may", "no, keep it out"), default="yes, it may",
        )  # fmt: skip
