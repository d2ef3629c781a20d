"""Classes that a request does not name, confirmed: all labels of the data, or the one finding that they are labelled for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agents import quoting
from agents.playbook.intent.choice import nameable_labels
from agents.playbook.intent.single import mentions_of_the_only_finding
from agents.playbook.intent.targets import ask_about_absent, is_the_only_finding

if TYPE_CHECKING:
    from agents.playbook.intent.reading import Reading

_NO_FINDINGS = frozenset({"MRI", "ECG", "EKG", "CXR", "OCT", "PET", "NHS", "ICU", "PACS", "DICOM", "CSV", "AUC", "ROC", "FDA", "USA", "ASAP", "FYI", "NOT", "AND", "THE", "SPECT", "DXA", "FLAIR", "EEG", "CNN"})  # fmt: skip
"""Short forms that a request may hold and that name no disease."""
_SHORT = 4
"""Letters from which on a word may name something."""


def confirm_all_labels(reading: Reading, excluded: tuple[str, ...]) -> None:
    """Confirm that all labels of the data are to be told apart, as the request names none."""
    labels = [item.label for item in nameable_labels(reading) if item.label not in excluded]
    many = "both" if len(labels) == 2 else f"all {len(labels)}"
    shown = quoting.listed(_shown(reading, label) for label in labels[:20])
    reading.ask(
        "classes", f"You name no diagnoses, so the model will tell apart {many} labels of the data: {shown}. Is that right?",
        options=("yes", "no"), default="yes", kind="classes",
    )  # fmt: skip


def confirm_the_only_finding(reading: Reading, sentences: list[range], label: str) -> None:
    """Confirm it where the words look for something that does not sound like what the data is labelled for."""
    if mentions_of_the_only_finding(reading):
        return
    looking = [s for s in sentences if any("TASK_DETECT" in reading.units[k].tags for k in s) or _asks(reading, s)]
    if not looking or any(is_the_only_finding(reading, reading.words(s.start, s.stop)) for s in looking):
        return
    first, end = looking[0].start, looking[0].stop
    strange = [word for s in looking for word in _short_forms(reading, s)]
    if strange:
        ask_about_absent(reading, strange[0])
        return
    known = all(
        reading.units[k].tags or reading.units[k].kind or len(reading.units[k].norm) < _SHORT for k in range(first, end)
    )
    if known:
        return
    name = quoting.plain(reading.data.plain(label))
    reading.ask(
        "classes", f"The data is labelled for {quoting.words(name)} only. Is that what {quoting.words(reading.words(first, end))} looks for?",
        options=("yes", "no"), default="yes", kind="finding",
    )  # fmt: skip


def _short_forms(reading: Reading, sentence: range) -> list[str]:
    """Return short forms in capitals that nothing knows: 'HPV' may be what is looked for, and is not what the data is labelled for."""
    return [
        unit.text
        for unit in (reading.units[k] for k in sentence)
        if not (unit.tags or unit.kind or unit.meaning)
        and re.fullmatch(r"[A-Z]{3,6}", unit.text)
        and unit.text not in _NO_FINDINGS
    ]


def _asks(reading: Reading, sentence: range) -> bool:
    return sentence.stop < len(reading.units) and reading.units[sentence.stop].norm == "?"


def _shown(reading: Reading, label: str) -> str:
    """Return a label as code, with plain words where it is a bare number."""
    plain = (
        f" ({quoting.plain(reading.data.plain(label))})"
        if label.strip().isdigit() and reading.data.find(label).concept
        else ""
    )
    return quoting.code(label) + plain
