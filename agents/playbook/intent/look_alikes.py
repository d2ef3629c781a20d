"""Kinds of boxes that are drawn to learn from and not to be found: look-alikes, hard negatives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.intent.words import norms, phrase

if TYPE_CHECKING:
    from agents.playbook.intent.data_words import DataLabel
    from agents.playbook.intent.reading import Reading

_NAMES = norms("look alike", "lookalike", "hard negative", "imposter", "impostor", "mimic", "mimicker", "distractor", "false friend", "confounder", "negative")  # fmt: skip
_FIRST = norms("non", "not", "no", "pseudo", "fake", "negative")
_REPORTED = norms("report", "find", "mark", "detect", "count", "call", "flag")
_MISTAKEN = norms("mistake", "confuse", "count", "report", "call", "take", "flag")


def is_look_alike(reading: Reading, item: DataLabel) -> bool:
    """Say whether a kind of the data is one to tell off: by its own name, or because the request says so."""
    words = phrase(item.label)
    joined = f" {' '.join(words)} "
    if any(f" {name} " in joined for name in _NAMES) or (bool(words) and words[0] in _FIRST and len(words) > 1):
        if not item.denies:
            reading.caveat(f"{item.label} is learned from and is not reported as a finding.")
        return True
    return any(item.label in unit.labels and _is_told_off(reading, at) for at, unit in enumerate(reading.units))


def _is_told_off(reading: Reading, at: int) -> bool:
    """'The imposters are there to learn from, not to be reported', 'do not mistake look-alikes for mitoses'."""
    sentence = next((s for s in reading.sentences() if at in s), range(at, at + 1))
    units = reading.units
    after = any(units[k].norm in _REPORTED and reading.denied(k, within=4) for k in range(at + 1, sentence.stop))
    before = range(max(sentence.start, at - 2), at)
    return after or any(units[k].norm in _MISTAKEN and reading.denied(k, within=4) for k in before)
