"""What may say who somebody is: it is told of, and kept from every language model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.dicom_names import with_people
from tasks.domain.manifest import FILE
from tasks.domain.profile import Hazard
from tasks.hazards.wording import capitalised, count, have, listed
from tasks.photo_tags import with_place_or_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.hazards.evidence import Evidence
    from tasks.personal_data import Suspicion


def of_tables(suspicions: Sequence[Suspicion]) -> list[Hazard]:
    """Return columns and names of files that may say who somebody is; no value is quoted."""
    found = []
    columns = [f"{item.where} ({item.what})" for item in suspicions if item.where]
    if columns:
        one = len(columns) == 1
        summary = (
            f"{'Column' if one else 'Columns'} {listed(columns, most=12)} may say who somebody is. {'It is' if one else 'They are'} not "
            f"examined and shown to no language model. Take {'it' if one else 'them'} out of the table unless the study needs "
            f"{'it' if one else 'them'}."
        )
        found.append(Hazard(kind="personal_data", severity="ask", summary=summary))
    names = [item.what for item in suspicions if not item.where]
    if names:
        summary = (
            f"The names of the image files hold what looks like {' and '.join(names)}. They are replaced by opaque names and shown to no "
            "language model. Rename the files before you pass them on."
        )
        found.append(Hazard(kind="personal_data", severity="ask", summary=summary))
    return found


def of_photographs(evidence: Evidence) -> list[Hazard]:
    """Return photographs that hold the place where they were taken, or the name of a person."""
    placed, named = with_place_or_name(evidence.manifest.images, evidence.rows[FILE].tolist())
    told = []
    if placed:
        told.append(
            f"{count(len(placed), 'photograph')} {have(len(placed))} the place written into the file where it was taken (GPS)"
        )
    if named:
        told.append(f"{count(len(named), 'photograph')} {have(len(named))} the name of a person written into the file")
    if not told:
        return []
    summary = f"{capitalised('; '.join(told))}. Remove it before you pass the files on."
    examples = evidence.places(sorted({*placed, *named}))
    return [Hazard(kind="personal_data", severity="ask", summary=summary, examples=examples)]


def of_headers(evidence: Evidence) -> list[Hazard]:
    """Return DICOM files whose headers say who somebody is, or hold private elements in which anything may stand."""
    told = with_people(evidence.manifest.images, evidence.rows[FILE].tolist())
    if not told.people and not told.private:
        return []
    parts = [f"{what} ({count(len(files), 'file')})" for what, files in told.people.items()]
    if told.private:
        parts.append(f"private elements of the maker, in which anything may stand ({count(len(told.private), 'file')})")
    summary = (
        f"Of {count(told.looked_at, 'DICOM file')} that {have(told.looked_at)} been looked at, headers hold {', '.join(parts)}. They are shown to no language "
        "model. Remove them before you pass the files on."
    )
    named = sorted({number for files in told.people.values() for number in files})
    severity = "ask" if named else "report"
    return [Hazard(kind="personal_data", severity=severity, summary=summary, examples=evidence.places(named))]
