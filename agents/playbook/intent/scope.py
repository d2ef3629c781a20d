"""What Rounds must not build, or cannot build yet, and requests to use the test set for tuning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.intent import quoting

if TYPE_CHECKING:
    from agents.playbook.intent.reading import Reading

_CLASSIFIER = "What can be built is a model that says what an image shows; write the request for that alone to go on."
_REASONS = {
    "TREAT": "choosing or ordering a treatment is a clinician's decision and is outside model development",
    "AUTONOMY": "acting on patients or in clinical systems without a clinician is outside model development",
    "REIDENTIFY": "finding out who a patient is breaks the confidence that the data was shared in",
    "REPORT_TEXT": "writing reports is not in this version, which sorts whole images into classes",
}
_NOT_MUST = ("TREAT", "AUTONOMY", "REIDENTIFY")
_RELATIVES = frozenset({"with", "who", "that", "have", "at", "in", "need"})
_UNWANTED = frozenset({"need", "requir", "necessary", "want"})


def refusal(reading: Reading) -> str:
    """Return why a request is refused, in plain words; empty if nothing in it is out of scope."""
    found: dict[str, str] = {}
    for tag in _REASONS:
        for at in _asked_for(reading, tag):
            found.setdefault(tag, reading.units[at].text)
    lines = [
        f"{quoting.words(text)}: {_REASONS[tag]}."
        for tag, text in sorted(found.items(), key=lambda item: item[0] not in _NOT_MUST)
    ]
    return " ".join([*lines, _CLASSIFIER]) if lines else ""


def keep_the_protocol(reading: Reading) -> None:
    """Say that the test set is opened once, where the request wants to tune on it."""
    for match in reading.found("test_tuning"):
        negated = reading.denied(match.first, within=4) or any(
            "NOT" in reading.units[k].tags for k in range(match.first, match.end)
        )
        reading.use(match.first, match.end)
        if negated or match.end - match.first < 2:
            continue
        reading.ask(
            "protocol",
            "The held-out test set is opened once, at the end; rounds and thresholds use validation images only. May "
            "what you ask of the test set be taken as a goal on validation, with the test result reported whatever it is?",
            options=("yes", "no"),
            default="yes",
        )
        return


def _asked_for(reading: Reading, tag: str) -> list[int]:
    declined = [at for at in reading.tagged(tag) if _turned_down(reading, at)]
    reading.used.update(declined)
    positions = [at for at in reading.tagged(tag) if at not in declined]
    if tag == "REIDENTIFY":
        positions = [at for at in positions if not _has_relative(reading, at)]
    return positions


def _turned_down(reading: Reading, at: int) -> bool:
    """'no boxes', 'we do not need boxes', 'boxes are not needed'."""
    if reading.denied(at, within=5):
        return True
    after = reading.units[at + 1 : at + 6]
    denial = next((k for k, unit in enumerate(after) if "NOT" in unit.tags), None)
    return denial is not None and any(unit.norm in _UNWANTED for unit in after[denial + 1 :])


def _has_relative(reading: Reading, at: int) -> bool:
    """'Identify the patients with melanoma' asks for a diagnosis, not for a name."""
    words = reading.units[at].norm.split()
    asks_for_some = words[0] != "who" and words[-1] == "patient"
    return asks_for_some and at + 1 < len(reading.units) and reading.units[at + 1].norm.split()[0] in _RELATIVES
