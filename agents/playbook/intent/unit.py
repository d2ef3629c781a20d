"""What one answer is about, and what results are counted by: an image, a lesion, an eye, a study or a patient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.intent.task import TASK_TAGS
from agents.playbook.intent.words import norms, phrase
from tasks.domain.spec import DETECTION, SEGMENTATION

if TYPE_CHECKING:
    from agents.playbook.intent.reading import Reading

_UNITS = {
    "patient": ("patient", "person", "infant", "child", "subject", "woman", "case"),
    "study": ("study", "exam", "examination", "scan", "series", "visit", "volume", "session"),
    "eye": ("eye",),
    "lesion": ("lesion", "mole", "nodule", "polyp"),
    "image": ("image", "film", "frame", "slice", "picture", "photo", "photograph", "radiograph", "tile", "patch", "x ray", "xray", "recording", "ecg"),
}  # fmt: skip
_OF_WORD = {" ".join(phrase(word)): unit for unit, words in _UNITS.items() for word in words}
_EACH = norms("per", "each", "every", "for each", "for every")
_LEVEL = norms("level")


def read_unit(reading: Reading, task: str, *, outcome: tuple[int, int] | None = None) -> str:
    """Return the unit that the words name ('per scan', 'at patient level'), else that of the objects and of the data.

    Args:
        reading: The request.
        task: As in `Spec.task`.
        outcome: Where it names something that happens to a patient later, if it does.
    """
    said = _said(reading)
    if said is not None:
        reading.cite("unit", *said[1:])
        return said[0]
    if outcome is not None:
        reading.cite("unit", *outcome)
        return "patient"
    if task in {DETECTION, SEGMENTATION}:
        reading.fact("unit", "boxes and outlines are drawn image by image")
        return "image"
    return _of_data(reading)


def names_unit(reading: Reading) -> bool:
    """Say whether the words name a unit."""
    return _said(reading) is not None


def _said(reading: Reading) -> tuple[str, int, int] | None:
    for at, unit in enumerate(reading.units):
        named = _OF_WORD.get(_last_word(unit.norm))
        follows = reading.units[at + 1].norm if at + 1 < len(reading.units) else ""
        before = at > 0 and reading.units[at - 1].norm in _EACH
        each = (unit.norm.split() or [""])[0] in _EACH or before
        if named and (each or follows in _LEVEL or unit.norm.startswith("for each")):
            return named, at - 1 if before else at, at + 1 + (follows in _LEVEL)
    return None


def _of_data(reading: Reading) -> str:
    """Return the unit that the columns of the data speak of; of a patient with many images the words may mean each."""
    names = {name: set(phrase(name)) for name in reading.data.attributes}
    eye = next((name for name, words in names.items() if words & {"eye", "laterality"}), "")
    group = reading.profile.roles.group or ""
    of_group = next((_OF_WORD[word] for word in phrase(group) if word in _OF_WORD), "")
    if eye and of_group in {"patient", "eye"} and any(unit.norm == "eye" for unit in reading.units) | (eye == "eye"):
        reading.fact("unit", f"the data has a column {eye}")
        return "eye"
    if of_group in {"lesion", "eye"}:
        reading.fact("unit", f"images are grouped by {group}")
        return of_group
    places = [k for sentence in _about_the_task(reading) for k in sentence]
    shown = next((at for at in places if _OF_WORD.get(_last_word(reading.units[at].norm)) == "image"), None)
    if shown is not None:
        reading.cite("unit", shown, shown + 1)
        return "image"
    if of_group == "patient":
        reading.fact("unit", f"images are grouped by {group}")
        return "patient"
    reading.fact("unit", f"each of the {reading.profile.n_images:,} images has its own label")
    return "image"


def _last_word(norm: str) -> str:
    return norm.rpartition(" ")[2]


def _about_the_task(reading: Reading) -> list[range]:
    """Return the sentences that name a label of the data; all of them where none does. A story around them says nothing of the unit."""
    named = [
        s for s in reading.sentences() if any(reading.units[k].is_class or reading.units[k].tags & TASK_TAGS for k in s)
    ]
    return named or list(reading.sentences())
