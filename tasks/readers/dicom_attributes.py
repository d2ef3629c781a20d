"""The attributes that DICOM headers add to a manifest, and where they contradict those of the table."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from typing import TYPE_CHECKING

import pandas as pd

from tasks.domain.manifest import ATTRIBUTE, FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tasks.domain.manifest import Manifest
    from tasks.readers.dicom_tags import Header

_ALSO_CALLED = {
    "sex": {"gender", "patientsex", "patientgender"},
    "age_years": {"age", "patientage", "ageyears", "ageinyears"},
    "view": {"viewposition", "projection"},
    "laterality": {"side", "imagelaterality", "eye"},
    "body_part": {"bodypart", "bodypartexamined", "anatomicregion"},
    "manufacturer": {"vendor", "maker"},
    "model": {"scannermodel", "manufacturermodelname"},
    "site": {"hospital", "institution", "center", "centre", "clinic"},
    "device": {"scanner", "deviceid"},
    "pixel_spacing_mm": {"pixelspacing", "spacing"},
}
"""Names that tables use for what a header tells, in lower case without punctuation."""
_FIRST_LETTERS = {"sex": "mf", "laterality": "lrb"}
_NUMBERED = frozenset({"site", "device", "study_order"})
"""What the headers tell by number, which no table can agree with."""
_MOST_YEARS_APART = 1.5


def add_attributes(manifest: Manifest, headers: Mapping[str, Header]) -> Manifest:
    """Return a manifest with a column for each attribute that the headers tell and the data do not.

    Where the data have it too, they win, and how often they differ is noted.

    Args:
        manifest: With a row for each frame.
        headers: Of the DICOM files, by file.
    """
    rows, notes = manifest.rows, []
    columns = [str(column) for column in rows.columns if str(column).startswith(ATTRIBUTE)]
    own = {_plain(column.removeprefix(ATTRIBUTE)): column for column in columns}
    for name, told in _told(headers, rows[FILE].unique().tolist()).items():
        values = rows[FILE].map(told)
        if values.isna().all():
            continue
        column = next((own[word] for word in (_plain(name), *_ALSO_CALLED.get(name, ())) if word in own), "")
        if not column:
            rows = rows.assign(**{ATTRIBUTE + name: values if _is_number(values) else values.astype(object)})
            continue
        if name in _NUMBERED:
            continue
        compared, differing = _compare(name, rows[column], values)
        if differing:
            notes.append(
                f"{column.removeprefix(ATTRIBUTE)} differs between the table and the DICOM headers in {differing:,} of "
                f"{compared:,} images that have both; the table's was taken."
            )
    return dataclasses.replace(manifest, rows=rows, notes=(*manifest.notes, *notes))


def _told(headers: Mapping[str, Header], files: list[str]) -> dict[str, dict[str, str | float]]:
    """Return attributes by name, each by file; what would identify a place or device is numbered instead of told."""
    here = {file: headers[file] for file in files if file in headers}
    names = sorted({name for header in here.values() for name in header.attributes})
    told = {
        name: {file: header.attributes[name] for file, header in here.items() if name in header.attributes}
        for name in names
    }
    told["site"] = _numbered("site", here, lambda header: header.site)
    told["device"] = _numbered("device", here, lambda header: header.device)
    told["study_order"] = _study_order(here)
    return {name: values for name, values in told.items() if values}


def _numbered(word: str, headers: Mapping[str, Header], of: Callable[[Header], str]) -> dict[str, str | float]:
    """Return `site-1` for the most frequent one, and so on."""
    counts = Counter(of(header) for header in headers.values() if of(header))
    ranked = sorted(counts, key=lambda one: (-counts[one], one))
    return {file: f"{word}-{ranked.index(of(header)) + 1}" for file, header in headers.items() if of(header)}


def _study_order(headers: Mapping[str, Header]) -> dict[str, str | float]:
    """Return the place of each study among those of its patient, from 1, if any patient has several; no dates."""
    moments: dict[str, set[tuple[str, str]]] = {}
    dated = {file: header for file, header in headers.items() if header.patient and header.moment}
    for header in dated.values():
        moments.setdefault(header.patient, set()).add((header.moment, header.study))
    if all(len(studies) < 2 for studies in moments.values()):
        return {}
    ordered = {patient: sorted(studies) for patient, studies in moments.items()}
    return {
        file: float(ordered[header.patient].index((header.moment, header.study)) + 1) for file, header in dated.items()
    }


def _compare(name: str, table: pd.Series, header: pd.Series) -> tuple[int, int]:
    """Return in how many images both tell an attribute, and in how many of them they differ."""
    both = [(_comparable(name, one), _comparable(name, other)) for one, other in zip(table, header, strict=True)]
    known = [(one, other) for one, other in both if one is not None and other is not None]
    if name == "age_years":
        return len(known), sum(abs(float(one) - float(other)) > _MOST_YEARS_APART for one, other in known)
    return len(known), sum(one != other for one, other in known)


def _comparable(name: str, value: object) -> str | float | None:
    if value is None or pd.isna(value):  # type: ignore[call-overload]
        return None
    if name == "age_years":
        number = pd.to_numeric(value, errors="coerce")  # type: ignore[call-overload]
        return None if pd.isna(number) else float(number)
    plain = _plain(str(value))
    if name in _FIRST_LETTERS:
        return plain[0] if plain[:1] and plain[0] in _FIRST_LETTERS[name] else None
    return plain or None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _is_number(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values)
