"""What a column beside the label is about, by its name and its values: a scanner, a side, a date, a way of proof."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SITE = _set_of(
    "site hospital centre center clinic institution institute facility scanner device camera manufacturer "
    "vendor machine station source dataset"
)
_BODY = _set_of(
    "back leg arm face abdomen trunk chest head neck scalp ear hand foot feet breast genital knee hip "
    "shoulder skull spine extremity lower upper acral torso thorax brain lung eye nose lip oral palms soles "
    "anterior posterior lateral"
)
_SUBGROUP = _set_of("sex gender race ethnicity ancestry skin skintype fitzpatrick phototype")
_PROOF_NAMES = ("confirm", "verif", "biops", "histo", "ascertain", "proof", "proven", "gold")
_PROOFS = _set_of(
    "histo histology histopathology pathology biopsy followup consensus confocal clinical microscopy cytology"
)
_SIDE_NAMES = _set_of("side laterality eye")
_SIDES = _set_of("l r left right od os ou lt rt b u both bilateral unpaired unknown")
_LEFT, _RIGHT = _set_of("l left os lt"), _set_of("r right od rt")
_MARKS = _set_of("marker markers ruler rulers ink inked overlay text texts caption burned burnt")
_TEXT = _set_of("marker markers overlay text texts caption burned burnt")
_YES = _set_of("1 yes y true t present")
_DATE = _set_of("date datum year acquired acquisition datetime timestamp")
_BIRTH = _set_of("birth birthdate born dob geburtsdatum")
_VISIT = _set_of("followup visit timepoint")
_OWNER = _set_of("patient subject person lesion eye video study accession series case slide exam examination")
_NUMBER = _set_of("id ids uid number no nr num key accession instance")
_MOST_SITES = 50
_MOSTLY = 0.5


def words(name: str) -> list[str]:
    """Return the words of a name: `lesionId`, `lesion_id` and `Lesion ID` are all lesion and id."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.split(r"[^A-Za-z0-9]+", spaced) if word]


def texts(values: pd.Series) -> pd.Series[str]:
    """Return values in lower case without blanks around them, whole numbers without a fraction; missing stays missing."""
    there = values.dropna()
    if pd.api.types.is_numeric_dtype(there):
        return there.map("{:g}".format).astype("str")
    return there.astype("str").str.strip().str.lower()


def sites(columns: Mapping[str, pd.Series]) -> list[str]:
    """Return the columns that say where or with what a picture was taken, with two to fifty values."""
    return [
        name
        for name, values in columns.items()
        if (_SITE & set(words(name)) or words(name) == ["model"])
        and 2 <= values.nunique() <= _MOST_SITES
        and not _are_body_parts(values)
    ]


def subgroups(columns: Mapping[str, pd.Series]) -> list[str]:
    """Return the columns by which results are usually broken down: sex, skin type, site, scanner."""
    people = [name for name, values in columns.items() if _SUBGROUP & set(words(name)) and 2 <= values.nunique() <= 10]
    return [*people, *(name for name in sites(columns) if columns[name].nunique() <= 10)]


def proofs(columns: Mapping[str, pd.Series]) -> list[str]:
    """Return the columns that say how a label was confirmed."""
    found = []
    for name, values in columns.items():
        if not 2 <= values.nunique() <= _MOST_SITES:
            continue
        seen = {re.sub(r"[^a-z]", "", text) for text in texts(values).unique()}
        if any(part in name.lower() for part in _PROOF_NAMES) or len(seen & _PROOFS) >= 2:
            found.append(name)
    return found


def sides(columns: Mapping[str, pd.Series]) -> list[str]:
    """Return the columns that say left or right."""
    found = []
    for name, values in columns.items():
        seen = set(texts(values).unique()) if values.nunique() <= len(_SIDES) else set()
        both = bool(seen & _LEFT) and bool(seen & _RIGHT)
        named = bool(_SIDE_NAMES & set(words(name))) and bool(seen & (_LEFT | _RIGHT))
        if seen and seen <= _SIDES and (both or named):
            found.append(name)
    return found


def has_letters(name: str) -> bool:
    """Return whether a column of markers is about writing, which a mirrored picture would show mirrored, and not about rulers."""
    return bool(_TEXT & set(words(name)))


def markers(columns: Mapping[str, pd.Series]) -> dict[str, pd.Series[bool]]:
    """Return, by column, which images have writing, markers or rulers in the picture; columns in which none has are left out."""
    found = {}
    for name, values in columns.items():
        if _MARKS & set(words(name)) and values.nunique() <= len(_SIDES):
            seen = texts(values).reindex(values.index, fill_value="")
            is_there = seen.isin(_YES | _LEFT | _RIGHT)
            if is_there.any():
                found[name] = is_there
    return found


def dates(columns: Mapping[str, pd.Series]) -> dict[str, pd.Series]:
    """Return the columns of dates as times, unreadable ones missing; dates of birth are none of them."""
    found = {}
    for name, values in columns.items():
        named = set(words(name))
        if not _DATE & named or _BIRTH & named:
            continue
        times = _times(values)
        if float(times.notna().mean()) > _MOSTLY and len(set(times.dropna())) > 1:
            found[name] = times
    return found


def visits(columns: Mapping[str, pd.Series]) -> dict[str, pd.Series]:
    """Return the columns that number the visits or follow-ups of a patient."""
    return {
        name: values
        for name, values in columns.items()
        if pd.api.types.is_numeric_dtype(values)
        and len(set(values.dropna())) > 1
        and (_VISIT & set(words(name)) or {"follow", "up"} <= set(words(name)))
    }


def owners(columns: Mapping[str, pd.Series]) -> list[str]:
    """Return the columns that number patients, eyes, lesions, videos or examinations."""
    return [name for name in columns if _OWNER & set(words(name)) and _NUMBER & set(words(name))]


def named(columns: Mapping[str, pd.Series], *parts: str) -> list[str]:
    """Return the columns whose name holds all of some words."""
    return [name for name in columns if set(parts) <= set(words(name))]


def says_side(label: str) -> bool:
    """Return whether a label is about one side of the body."""
    return bool({"left", "right", "leftsided", "rightsided"} & set(words(label)))


def are_sides(labels: list[str]) -> bool:
    """Return whether the labels are the two sides themselves."""
    seen = {label.strip().lower() for label in labels}
    return bool(seen & _LEFT) and bool(seen & _RIGHT)


def _are_body_parts(values: pd.Series) -> bool:
    seen = texts(pd.Series(values.dropna().unique()))
    return sum(bool(_BODY & set(words(text))) for text in seen) > len(seen) / 2


def _times(values: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(values):
        whole = values.where(values.between(19000101, 21001231)).astype("Int64").astype("str")
        years = values.where(values.between(1950, 2100)).astype("Int64").astype("str")
        form, text = ("%Y%m%d", whole) if (values > 3000).any() else ("%Y", years)
        return pd.to_datetime(text, format=form, errors="coerce")
    text = values.astype("str").str.slice(0, 10).str.strip()
    tried = [
        pd.to_datetime(text, format=form, errors="coerce")
        for form in ("%Y-%m-%d", "%Y%m%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d")
    ]
    return max(tried, key=lambda times: int(times.notna().sum()))
