"""Which DICOM images belong to one patient, without saying who that is.

Ids are short and can be guessed, so that a plain hash of one would give it away. The key of the hash is made of all ids of the
data together: the same data give the same groups, and only who has all of them can tell which group is whose.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
from collections import Counter
from typing import TYPE_CHECKING

from tasks.domain.manifest import FILE, GROUP, IMAGE_ID, with_notes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from tasks.domain.manifest import Manifest
    from tasks.readers.dicom_tags import Header


_COLUMNS = {"patient": "DICOM PatientID", "study": "DICOM StudyInstanceUID"}
"""What is said of where the groups come from."""


def add_groups(manifest: Manifest, headers: Mapping[str, Header]) -> Manifest:
    """Return a manifest whose images of one patient share a group, unless the data bring groups of their own.

    The role of the group then names the element of the headers, which is no column of any table.

    Args:
        manifest: With a row for each frame.
        headers: Of the DICOM files, by file.
    """
    rows = manifest.rows
    known = [headers[file] for file in rows[FILE].unique() if file in headers]
    people = _people(known)
    if manifest.roles.group is not None or not rows[GROUP].equals(_alone(rows)):
        return with_notes(manifest, *_disagreements(rows, headers))
    keyed = _keyed([*(header.patient for header in known), *(header.study for header in known)])
    # Frames are of one file, so their group is that of the file even where nobody is named.
    groups = [
        keyed(_person(headers[file], people)) or group if file in headers else group
        for file, group in zip(rows[FILE], rows[GROUP], strict=True)
    ]
    grouped = dataclasses.replace(
        manifest,
        rows=rows.assign(**{GROUP: groups}),
        roles=dataclasses.replace(manifest.roles, group=_COLUMNS.get(people)),
    )
    return with_notes(grouped, *_about(known, people))


def _alone(rows: pd.DataFrame) -> pd.Series[str]:
    """Return the groups of images that all stand for themselves; frames go by the group of their file."""
    first = rows.groupby(FILE, sort=False)[GROUP].transform("first")
    is_frame = rows[FILE].duplicated(keep=False)
    return first.where(is_frame, rows[IMAGE_ID]).rename(GROUP)


def _people(known: Sequence[Header]) -> str:
    """Return what tells people apart: `patient`, or `study` or nothing where all files name the same one."""
    if len({header.patient for header in known if header.patient}) > 1:
        return "patient"
    return "study" if len({header.study for header in known if header.study}) > 1 else ""


def _person(header: Header, people: str) -> str:
    if people == "patient":
        return header.patient or header.study
    return header.study if people == "study" else ""


def _keyed(texts: Sequence[str]) -> _Keyed:
    return _Keyed(key=hashlib.sha256("\n".join(sorted(set(texts))).encode()).digest())


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Keyed:
    key: bytes = dataclasses.field(repr=False)

    def __call__(self, text: str) -> str:
        return hmac.new(self.key, text.encode(), "sha256").hexdigest()[:16] if text else ""


def _about(known: Sequence[Header], people: str) -> list[str]:
    if people == "patient":
        named = {header.patient for header in known if header.patient}
        nameless = sum(not header.patient for header in known)
        note = f"The DICOM files name {len(named):,} patients, and images of one patient stay together."
        return [f"{note} {nameless:,} files name none and go by their study." if nameless else note]
    unit = "study" if people else "file"
    nobody = not any(header.patient for header in known)
    whom = "no patient" if nobody else "one and the same patient, as they do when names were taken out"
    note = f"All {len(known):,} DICOM files name {whom}: each {unit} counts as a patient."
    return [f"{note} If a patient has several, give a table that says whose they are."]


def _disagreements(rows: pd.DataFrame, headers: Mapping[str, Header]) -> list[str]:
    """Return a sentence if the groups of the data part what the files say is one patient, or join what they part."""
    pairs = {
        (headers[file].patient, str(group))
        for file, group in zip(rows[FILE], rows[GROUP], strict=True)
        if file in headers and headers[file].patient
    }
    parted = sum(groups > 1 for groups in Counter(patient for patient, _ in pairs).values())
    joined = sum(patients > 1 for patients in Counter(group for _, group in pairs).values())
    told = []
    if parted and len({patient for patient, _ in pairs}) > 1:
        told.append(f"{parted:,} patients of the DICOM headers are spread over several groups of the table")
    if joined:
        told.append(f"{joined:,} groups of the table hold several patients of the DICOM headers")
    return [f"{'; '.join(told)}. The table's groups were taken."] if told else []
