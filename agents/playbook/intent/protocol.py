"""Wishes against the protocol: tuning on the test set, showing the good runs only, or words that pose as orders to the system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.intent.clauses import clause_of
from agents.playbook.intent.wrongs import chooses_on_the_test, hides_runs, is_sealed

if TYPE_CHECKING:
    from agents.playbook.intent.patterns import Match
    from agents.playbook.intent.reading import Reading

_TUNED = (
    "The held-out test set is opened once, at the end; rounds and thresholds use validation images only. May what you ask of the test set be taken "
    "as a goal on validation, with the test result reported whatever it is?"
)
_SELECTED = "Every run is recorded and reported, good or bad. May all of them be reported, with their spread?"
_ORDERED = "Part of the text poses as an order to the system; it was left aside, and the protocol holds. Is the rest of the request complete?"


def keep_the_protocol(reading: Reading) -> None:
    """Say that the test set is opened once and that all runs are reported, where the request wants otherwise."""
    for rule, text in (("posed_order", _ORDERED), ("test_tuning", _TUNED), ("selective_report", _SELECTED)):
        matches = [
            match for match in reading.found(rule) if not (rule == "test_tuning" and match.end - match.first < 2)
        ]
        wished = [match for match in matches if rule == "posed_order" or not _is_denied(reading, match)]
        if rule == "test_tuning":
            wished = [match for match in wished if not is_sealed(reading, _sentence(reading, match))]
        for match in reading.found(rule):
            reading.use(match.first, match.end)
        if wished and wished[0].first >= 0:
            if rule == "posed_order":
                _set_aside(reading, wished)
            reading.ask("protocol", text, options=("yes", "no"), default="yes", kind="protocol_violation")
            if rule == "test_tuning":
                reading.caveat("What was asked of the test set was a goal on validation, not a guarantee.")
            return
    for found, text in ((chooses_on_the_test(reading), _TUNED), (hides_runs(reading), _SELECTED)):
        if found is not None:
            reading.use(*found)
            reading.ask("protocol", text, options=("yes", "no"), default="yes", kind="protocol_violation")
            return


def _sentence(reading: Reading, match: Match) -> range:
    return next(sentence for sentence in reading.sentences() if match.first in sentence)


def _is_denied(reading: Reading, match: Match) -> bool:
    """'Never tune on the test set', 'keep the test set closed until the end'."""
    inside = any("NOT" in reading.units[k].tags for k in range(match.first, match.end))
    return reading.denied(match.first, within=4) or (inside and not _rest_is_hidden(reading, match))


def _rest_is_hidden(reading: Reading, match: Match) -> bool:
    return any(
        reading.units[k].norm in {"bad", "fail", "rest", "other", "negative", "poor", "weak"}
        for k in range(match.first, match.end)
    )


def _set_aside(reading: Reading, matches: list[Match]) -> None:
    """Take what poses as an order out of the request, to the end of its sentence, so that nothing is read from it."""
    for match in matches:
        sentence = next(s for s in reading.sentences() if match.first in s)
        start = clause_of(reading, match.first).start
        words = _bracket(reading, match.first) or range(start, max(sentence.stop, match.end))
        reading.used.update(words)
        reading.claimed.update(words)
        reading.silenced.update(words)


def _bracket(reading: Reading, at: int) -> range | None:
    """Return the square brackets around a unit: what is pasted between them goes as a whole."""
    opened = next((k for k in range(at, -1, -1) if reading.units[k].text in "[]"), None)
    closed = next((k for k in range(at, len(reading.units)) if reading.units[k].text in "[]"), None)
    if opened is None or closed is None or reading.units[opened].text != "[" or reading.units[closed].text != "]":
        return None
    return range(opened, closed + 1)
