"""Kinds of boxes that are drawn to learn from and not to be found: look-alikes, hard negatives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.intent.clauses import clause_of
from agents.playbook.intent.evidence import has, spots, tags_in, wordings
from agents.playbook.intent.words import norms, phrase

if TYPE_CHECKING:
    from agents.playbook.intent.data_words import DataLabel
    from agents.playbook.intent.reading import Reading

_NAMES = norms("look alike", "lookalike", "hard negative", "imposter", "impostor", "mimic", "mimicker", "distractor", "false friend", "confounder", "negative")  # fmt: skip
_AS_WELL = wordings(
    "second class", "both kinds", "found too", "found as well", "shown as well", "shown too", "find those too", "find them too", "find those as well", "find them as well",
    "mark those too", "mark them too", "mark those as well", "mark them as well", "class of their own", "as a class", "reported too", "reported as well",
    "as their own class", "marked too", "marked as well", "boxes for both", "detect both", "find both", "mark both", "box both",
)  # fmt: skip
_FIRST = norms("non", "not", "no", "pseudo", "fake", "negative")
_REPORTED = norms("report", "find", "mark", "detect", "count", "call", "flag")
_MISTAKEN = norms("mistake", "confuse", "count", "report", "call", "take", "flag")


def look_alikes_are_wanted(reading: Reading) -> bool:
    """Say whether the look-alikes are to be found as well: 'find those too, as a second class'."""
    return any(
        has(reading, sentence, _AS_WELL)
        and "NOT" not in tags_in(reading, range(_wanted_from(reading, sentence), sentence.stop))
        for sentence in reading.sentences()
    )


def _wanted_from(reading: Reading, sentence: range) -> int:
    """Return where the clause with the wish begins; 'must not be missed, and find both kinds' denies nothing of it."""
    at = spots(reading, sentence, _AS_WELL)[0]
    return clause_of(reading, at).start


def is_look_alike(reading: Reading, item: DataLabel) -> bool:
    """Say whether a kind of the data is one to tell off: by its own name, or because the request says so."""
    words = phrase(item.label)
    joined = f" {' '.join(words)} "
    if any(f" {name} " in joined for name in _NAMES) or (bool(words) and words[0] in _FIRST and len(words) > 1):
        if not item.denies:
            reading.caveat(f"{item.label} is learned from and is not reported as a finding.")
        return True
    return any(
        item.label in unit.labels and not reading.denied(at) and _is_told_off(reading, at)
        for at, unit in enumerate(reading.units)
    )


def _is_told_off(reading: Reading, at: int) -> bool:
    """'The imposters are there to learn from, not to be reported', 'do not mistake look-alikes for mitoses'."""
    sentence = next((s for s in reading.sentences() if at in s), range(at, at + 1))
    units = reading.units
    after = any(units[k].norm in _REPORTED and reading.denied(k, within=4) for k in range(at + 1, sentence.stop))
    before = range(max(sentence.start, at - 2), at)
    return after or any(units[k].norm in _MISTAKEN and reading.denied(k, within=4) for k in before)
