"""An attribute asked for as the answer ('predict ethnicity'): never taken for the finding that the data happens to label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents import quoting
from agents.playbook.intent.words import norms

if TYPE_CHECKING:
    from agents.playbook.intent.reading import Reading

_TELLS = norms(
    "predict", "predicting", "estimate", "guess", "guessing", "determine", "infer", "prediction", "derive", "read off"
)
_BETWEEN = norms("the", "a", "an", "of", "patient", "their", "his", "her", "each", "person", "self", "reported", "'", "what", "is", "and", "or")  # fmt: skip


def ask_about_attribute_targets(reading: Reading) -> None:
    """Ask where a model is to tell an attribute that is no label of the data; nothing is built before it is answered."""
    for sentence in reading.sentences():
        if any(reading.units[k].is_class for k in sentence):
            continue
        for at in sentence:
            target = (
                _after(reading, at, sentence) if reading.units[at].norm in _TELLS and not reading.denied(at) else None
            )
            if target is None or target in reading.claimed:
                continue
            reading.use(at, target + 1)
            reading.claimed.add(target)
            labels = quoting.listed(quoting.code(item.label) for item in reading.data.labels[:20])
            reading.ask(
                "classes", f"{quoting.words(reading.words(at, target + 1))} asks for an attribute, and the labels of the data are {labels}. Which column holds the "
                "answer, or which label is meant?", options=tuple(item.label for item in reading.data.labels[:20]), blocking=True, kind="label_missing",
            )  # fmt: skip


def _after(reading: Reading, at: int, sentence: range) -> int | None:
    """Return the attribute that a verb of telling has for its object."""
    for k in range(at + 1, sentence.stop):
        unit = reading.units[k]
        if unit.kind == "attribute" and not unit.is_class:
            return k
        if unit.norm not in _BETWEEN:
            return None
    return None
