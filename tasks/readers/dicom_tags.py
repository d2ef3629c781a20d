"""What the header of a DICOM file says of a picture, without what says whose picture it is.

This is a list of what may leave, not of what may not: only the elements named here are read at all, and of these only what
`Header` names comes out. Codes come out if they are among the standard's own; patient, study, site and device come out as
hashes, which `dicom` replaces by numbers or by keyed hashes; dates serve the order of studies and end there.

Source:
    DICOM PS3.15, table E.1-1, for what identifies a person.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from pydicom.multival import MultiValue

from tasks.domain.errors import PictureUnreadable
from tasks.readers.dicom_codes import (
    BODY_PARTS,
    INTENTS,
    LATERALITIES,
    MAKERS,
    MODALITIES,
    PHOTOMETRIC,
    PLACEHOLDERS,
    SEXES,
    VIEWS,
)
from tasks.readers.dicom_file import FAULTS, number_of_frames, quietly, read_data_set

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom.dataset import Dataset

OLDEST = 90.0
"""Ages from here on are told as this age: so old, an age alone can tell who somebody is (45 CFR 164.514(b)(2)(i)(C))."""

_SHOWN = (
    "ViewPosition",
    "ViewCodeSequence",
    "ImageLaterality",
    "Laterality",
    "Manufacturer",
    "ManufacturerModelName",
    "PatientAge",
    "PatientSex",
    "BodyPartExamined",
    "BurnedInAnnotation",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "NominalScannedPixelSpacing",
    "PresentationIntentType",
    "SharedFunctionalGroupsSequence",
    "WindowWidth",
    "VOILUTSequence",
)
_HASHED = ("PatientID", "IssuerOfPatientID", "StudyInstanceUID", "InstitutionName", "DeviceSerialNumber", "StationName")
_COMPARED = ("PatientName", "PatientBirthDate", "StudyDate", "StudyTime", "AccessionNumber", "StudyID")
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/+()-]{0,31}")
_AGE = re.compile(r"(\d{1,3})([DWMY]?)")
_UNITS = {"D": 365.25, "W": 52.18, "M": 12.0, "Y": 1.0, "": 1.0}
_DATE = re.compile(r"\d{8}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What is kept of one file."""

    problem: str = ""
    """Why the file is no picture; if not empty, the rest means nothing."""
    frames: int = 1
    has_window: bool = False
    """Whether it says how its grey levels are to be shown."""
    patient: str = field(default="", repr=False)
    """Hash of the patient's id and its issuer; empty where the file names none. Not to be shown: ids can be guessed."""
    study: str = field(default="", repr=False)
    site: str = field(default="", repr=False)
    device: str = field(default="", repr=False)
    moment: str = field(default="", repr=False)
    """Date and time of the study, for its place among the studies of the patient; empty if not known."""
    attributes: dict[str, str | float] = field(default_factory=dict)
    """By plain name; what the file does not say is left out."""


def read_header(path: Path) -> Header:
    """Return what is kept of the header of a file; a file that cannot be read is a result, not an error."""
    try:
        data_set = read_data_set(path, tags=(*_SHOWN, *_HASHED, *_COMPARED))
        if number_of_frames(data_set) > 1:
            read_data_set(path)  # a film that was cut off is one bad file, not one bad picture a frame
        with quietly():
            return _header(data_set)
    except PictureUnreadable as error:
        return Header(problem=error.reason)
    except FAULTS:
        return Header(problem="is DICOM, but its header cannot be read")


def _header(data_set: Dataset) -> Header:
    date, time = _text(data_set, "StudyDate"), _text(data_set, "StudyTime")
    return Header(
        frames=number_of_frames(data_set),
        has_window=_has_window(data_set),
        patient=_hash(_text(data_set, "IssuerOfPatientID"), _named(data_set, "PatientID")),
        study=_hash("study", _text(data_set, "StudyInstanceUID")),
        site=_hash("site", _text(data_set, "InstitutionName").casefold()),
        device=_hash("device", _text(data_set, "DeviceSerialNumber") or _text(data_set, "StationName")),
        moment=date + time if _DATE.fullmatch(date) else "",
        attributes={name: value for name, value in _attributes(data_set).items() if value not in ("", None)},
    )


def _has_window(data_set: Dataset) -> bool:
    shared = data_set.get("SharedFunctionalGroupsSequence") or []
    return any(data_set.get(name) for name in ("WindowWidth", "VOILUTSequence")) or bool(
        shared and shared[0].get("FrameVOILUTSequence")
    )


def _attributes(data_set: Dataset) -> dict[str, str | float | None]:
    maker = _text(data_set, "Manufacturer").casefold().replace(".", "")
    return {
        "modality": _one_of(MODALITIES, data_set, "Modality"),
        "view": _view(data_set),
        "laterality": _one_of(LATERALITIES, data_set, "ImageLaterality")
        or _one_of(LATERALITIES, data_set, "Laterality"),
        "body_part": _one_of(BODY_PARTS, data_set, "BodyPartExamined"),
        "sex": _one_of(SEXES, data_set, "PatientSex"),
        "age_years": _age(data_set),
        "manufacturer": next((name for word, name in MAKERS if word in maker), "another" if maker else ""),
        "model": _model(data_set),
        "burned_in_annotation": _one_of(frozenset({"YES", "NO"}), data_set, "BurnedInAnnotation"),
        "presentation_intent": _one_of(INTENTS, data_set, "PresentationIntentType"),
        "photometric_interpretation": _one_of(PHOTOMETRIC, data_set, "PhotometricInterpretation"),
        "pixel_spacing_mm": _spacing(data_set),
        "bits_stored": _number(data_set.get("BitsStored")),
    }


def _text(data_set: Dataset, name: str) -> str:
    """Return an element as text, stripped; empty if it is missing or has several values."""
    value = data_set.get(name)
    return "" if value is None or isinstance(value, (list, bytes)) else str(value).strip().strip("\0")


def _named(data_set: Dataset, name: str) -> str:
    """Return an id unless it is one of the words that stand for none."""
    text = _text(data_set, name)
    return "" if re.sub(r"[^a-z0-9]", "", text.casefold()) in PLACEHOLDERS else text


def _hash(scope: str, text: str) -> str:
    return hashlib.sha256(f"{scope}\0{text}".encode("utf-8", "surrogateescape")).hexdigest() if text else ""


def _one_of(codes: frozenset[str], data_set: Dataset, name: str) -> str:
    text = _text(data_set, name).upper()
    return text if text in codes else ""


def _view(data_set: Dataset) -> str:
    """Return the code of the view, also where it is told by a coded concept, as in mammography."""
    position = _text(data_set, "ViewPosition").upper()
    if position in VIEWS.values():
        return position
    concepts = data_set.get("ViewCodeSequence") or []
    return next((code for concept in concepts if (code := VIEWS.get(_text(concept, "CodeMeaning").casefold()))), "")


def _age(data_set: Dataset) -> float | None:
    """Return the age in years, from the age or else from the dates of birth and study, none above `OLDEST`."""
    match = _AGE.fullmatch(_text(data_set, "PatientAge").upper())
    if match:
        years = int(match[1]) / _UNITS[match[2]]
    else:
        born, seen = (_day(_text(data_set, name)) for name in ("PatientBirthDate", "StudyDate"))
        if born is None or seen is None:
            return None
        years = (seen - born).days / 365.25
    if not 0 < years < 125:  # nothing stands in for an age more often than 0
        return None
    return min(float(int(years)) if years >= 2 else round(years, 1), OLDEST)


def _day(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return None


def _model(data_set: Dataset) -> str:
    """Return the name of the device's model, unless a word of it is also in an element that identifies somebody."""
    model = _text(data_set, "ManufacturerModelName")
    names = " ".join(_text(data_set, name) for name in (*_HASHED, *_COMPARED))
    return model if _MODEL.fullmatch(model) and not _words(model) & _words(names) else ""


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]{3,}", text.casefold()))


def _spacing(data_set: Dataset) -> float | None:
    """Return the distance of neighbouring pixels in mm, to four digits, the mean of both directions."""
    shared = data_set.get("SharedFunctionalGroupsSequence") or []
    measures = (shared[0].get("PixelMeasuresSequence") or []) if shared else []
    holders = [data_set, *measures[:1]]
    for name in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        for holder in holders:
            value = holder.get(name)
            numbers = [_number(part) for part in (value if isinstance(value, MultiValue) else [value])]
            found = [number for number in numbers if number is not None and 0 < number < 100]
            if found:
                return float(f"{np.mean(found):.4g}")
    return None


def _number(value: object) -> float | None:
    try:
        return None if value is None else float(str(value))
    except ValueError:
        return None
