"""What DICOM headers say of people beside the picture: names, dates of birth, addresses, and what a maker hides in private elements.

The elements are the plain identifiers among those that DICOM PS3.15, table E.1-1 asks to remove. No value is ever told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydicom import dcmread

from tasks.readers.dicom_codes import PLACEHOLDERS
from tasks.readers.dicom_file import FAULTS, quietly
from tasks.readers.image_files import may_be_dicom

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydicom.dataset import Dataset

MOST_FILES = 2_000
_IDENTIFIERS = {
    "names of people": (
        "PatientName",
        "OtherPatientNames",
        "PatientBirthName",
        "PatientMotherBirthName",
        "ReferringPhysicianName",
        "PerformingPhysicianName",
        "PhysiciansOfRecord",
        "NameOfPhysiciansReadingStudy",
        "RequestingPhysician",
        "OperatorsName",
    ),
    "dates of birth": ("PatientBirthDate",),
    "ways to reach somebody": ("PatientAddress", "PatientTelephoneNumbers", "ReferringPhysicianTelephoneNumbers"),
    "numbers of people": ("OtherPatientIDs", "MedicalRecordLocator"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the headers of some files say."""

    looked_at: int
    people: dict[str, list[int]]
    """Numbers of the files by what they hold, such as `names of people`."""
    private: list[int]
    """Numbers of the files with private elements, in which anything may stand."""


def with_people(folder: Path, files: Sequence[str]) -> Told:
    """Return which DICOM files say who somebody is, and which have private elements, by their number.

    Of more than 2,000 files a random sample is looked at. A file that cannot be read says nothing.

    Args:
        folder: Folder that the files are relative to.
        files: Paths of images.
    """
    numbers = [number for number, file in enumerate(files) if may_be_dicom(folder, file)]
    first = {files[number]: number for number in reversed(numbers)}  # a film is one file and many pictures
    numbers = sorted(first.values())
    if len(numbers) > MOST_FILES:
        numbers = sorted(np.random.default_rng(0).choice(numbers, MOST_FILES, replace=False).tolist())
    people: dict[str, list[int]] = {}
    private = []
    for number in numbers:
        try:
            with quietly():
                header = dcmread(folder / files[number], force=True, stop_before_pixels=True)
                said, is_private = _said(header), any(tag.is_private for tag in header.keys())  # noqa: SIM118
        except FAULTS:
            continue  # decoding tells what is wrong with it
        private += [number] if is_private else []
        for what in said:
            people.setdefault(what, []).append(number)
    return Told(looked_at=len(numbers), people=people, private=private)


def _said(header: Dataset) -> list[str]:
    """Return what a header holds, leaving out words that stand for nobody."""
    return [what for what, names in _IDENTIFIERS.items() if any(_is_said(header.get(name)) for name in names)]


def _is_said(value: object) -> bool:
    plain = re.sub(r"[^a-z0-9]", "", str(value or "").casefold())
    return plain not in PLACEHOLDERS and not plain.startswith("anon") and bool(plain.strip("0"))
