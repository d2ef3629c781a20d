"""Whether a request asks for places in the image (boxes, outlines), or only speaks of the boxes that its data has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.intent.clauses import clause_of
from agents.playbook.intent.words import norms

if TYPE_CHECKING:
    from agents.playbook.intent.chunks import Unit
    from agents.playbook.intent.reading import Reading

_POSSESSION = norms("have", "contain", "hold", "carry", "come", "include", "lack")
_PAST = frozenset({"was", "were", "been", "are", "is", "got", "being"})
_ASKED = norms("draw", "put", "place", "give", "produce", "output", "return", "predict", "want", "need", "around", "round", "mark", "add", "get", "provide", "make", "like")  # fmt: skip
(_WHERE,) = norms("where")
_STAFF = (
    "registrar",
    "nurse",
    "resident",
    "trainee",
    "radiographer",
    "student",
    "pathologist",
    "radiologist",
    "dermatologist",
    "assistant",
    "intern",
    "sonographer",
    "clerk",
    "gp",
    "optician",
    "midwife",
    "physician",
    "clinician",
    "lab",
    "laboratory",
)
_OF_STAFF = norms(*_STAFF, "surgeon", "technician", "reader", "fellow")
_SUBJECTS = norms("our", "we", "they", "he", "she", "i", "somebody", "someone", "people", "my", "surgeon", "reader", "doctor", "fellow", "colleague", "technician", *_STAFF)  # fmt: skip
_STAND = norms("is", "are", "be", "lie", "sit", "show", "occur", "appear", "start", "end")
_NEAR = 4
_UNWANTED = norms("need", "requir", "necessary", "want")


def asked_places(reading: Reading) -> list[int]:
    """Return the units by which a request asks where something lies; those that turn it down are marked as explained."""
    positions = []
    for at in [*reading.tagged("LOCALISE"), *_marks(reading), *_wheres(reading)]:
        if reading.units[at].text.lower().startswith("tracing"):
            continue  # an ECG
        if _is_turned_down(reading, at):
            reading.use(at, at + 1)
        elif not _is_description(reading, at):
            positions.append(at)
    return sorted(positions)


def described_places(reading: Reading) -> list[int]:
    """Return the units that only say what boxes or outlines the data has."""
    return [at for at in reading.tagged("LOCALISE") if _is_description(reading, at)]


def wants_outlines(reading: Reading, positions: list[int]) -> bool:
    """Say whether the shape is asked for, and not only the place."""
    return any("OUTLINE" in reading.units[at].tags for at in positions)


def _is_turned_down(reading: Reading, at: int) -> bool:
    """'no boxes', 'we do not need boxes', 'boxes are not needed'."""
    if reading.denied(at, within=5):
        return True
    after = reading.units[at + 1 : at + 6]
    denial = next((k for k, unit in enumerate(after) if "NOT" in unit.tags), None)
    return denial is not None and any(unit.norm in _UNWANTED for unit in after[denial + 1 :])


def _is_description(reading: Reading, at: int) -> bool:
    """'5% of our frames have boxes', 'the polyps were outlined by two readers'; but not 'I want to have boxes'."""
    units = reading.units
    clause = clause_of(reading, at)
    before = [units[k] for k in clause if k < at]
    staff = [k for k, unit in enumerate(before) if unit.norm in _OF_STAFF]
    if staff and not any(unit.tags & {"WISH", "DEMAND"} for unit in before[staff[-1] :]):
        return True  # 'the nurse puts an outline around it', 'ignore the marks that our surgeons draw'
    if reading.units[at].norm == _WHERE or any(_commands(unit) for unit in before):
        return False
    if any("BECAUSE" in units[k].tags for k in clause) or any(unit.norm in _SUBJECTS for unit in before):
        return True
    if any(unit.norm in _POSSESSION for unit in before) or any(unit.text.lower() in _PAST for unit in before[-2:]):
        return True
    after = [units[k] for k in clause if k > at]
    return any(unit.text.lower() in _PAST | {"exist"} for unit in after[:2])


def _commands(unit: Unit) -> bool:
    return unit.norm in _ASKED or (unit.norm != "only" and bool(unit.tags & {"WISH", "DEMAND", "TASK_DETECT"}))


def _wheres(reading: Reading) -> list[int]:
    """'Where the lesions are' and 'where is the polyp' ask for places; 'the clinic where polyps are removed' does not."""
    positions = []
    for at, unit in enumerate(reading.units):
        if unit.norm != _WHERE:
            continue
        nearby = reading.units[at + 1 : at + 8]
        if any("ABSTAIN" in other.tags for other in nearby):
            continue  # 'where the model is not sure'
        if any(other.number is not None for other in nearby[:3]) or (
            at > 1 and reading.units[at - 1].norm == "," and reading.units[at - 2].kind == "attribute"
        ):
            continue  # 'our clinic, where 3% of lesions are melanomas'
        thing = next((k for k, other in enumerate(nearby) if other.is_class or other.norm in {"they", "it"}), None)
        if thing is None or any(other.is_stop for other in nearby[:thing]):
            continue
        verb_first = any(other.norm in _STAND for other in nearby[:thing])
        after = reading.units[at + 2 + thing : at + 4 + thing] if thing < _NEAR else ()
        if verb_first or (after and after[0].norm in _STAND and not (len(after) > 1 and _is_past(after[1]))):
            positions.append(at)
    return positions


def _is_past(unit: Unit) -> bool:
    return unit.text.lower().endswith("ed")


def _marks(reading: Reading) -> list[int]:
    """'Mark fractures on films' asks for places; 'mark the images that show fractures' does not."""
    positions = []
    for at in reading.tagged("MARK"):
        nearby = reading.units[at + 1 : at + 4]
        thing = next((k for k, unit in enumerate(nearby) if unit.is_class), None)
        after = at + 2 + thing if thing is not None else len(reading.units)
        is_object = after < len(reading.units) and "GENERIC_OBJECT" in reading.units[after].tags
        if thing is not None and not is_object and not reading.denied(at, within=3):
            positions.append(at)
    return positions
