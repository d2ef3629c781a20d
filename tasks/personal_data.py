"""What in a table, in the names of files or inside of files may say who somebody is.

It finds what looks like a name, a number of a person, a way to reach somebody or a date of birth. It knows patterns and
common given names only: that it finds nothing does not prove that there is nothing. No value that it sees is ever told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


_NAMES = _set_of(
    "james john robert michael william david richard joseph thomas charles christopher daniel matthew anthony "
    "steven paul andrew joshua kenneth kevin brian george edward ronald timothy jason jeffrey ryan jacob gary "
    "nicholas eric jonathan stephen larry justin scott brandon benjamin samuel gregory alexander patrick jack "
    "dennis jerry tyler aaron jose adam henry nathan peter zachary kyle walter ethan jeremy harold keith "
    "christian roger noah gerald carl terry sean arthur mary patricia jennifer linda elizabeth barbara susan "
    "jessica sarah karen lisa nancy betty margaret sandra ashley kimberly emily donna michelle carol amanda "
    "melissa deborah stephanie rebecca sharon laura cynthia kathleen amy angela shirley anna brenda pamela "
    "emma nicole helen samantha katherine christine debra rachel carolyn janet catherine maria heather diane "
    "ruth julie olivia joyce virginia victoria kelly lauren christina joan evelyn judith megan andrea cheryl "
    "hannah jacqueline martha gloria teresa ann sara madison frances kathryn janice jean abigail alice julia "
    "judy sophia hans klaus wolfgang juergen jurgen dieter manfred uwe bernd stefan andreas markus matthias "
    "sabine monika petra ursula renate heike birgit gabriele ingrid katrin anja claudia lukas leon felix "
    "jonas finn mia lena lea johanna jean pierre michel jacques philippe alain bernard francois nathalie "
    "isabelle sylvie francoise camille carlos juan luis miguel javier antonio francisco manuel pedro pablo "
    "carmen ana lucia rosa isabel mohammed muhammad mohamed ahmed ali hassan omar fatima aisha ibrahim yusuf "
    "khalid maryam giovanni giuseppe marco luca francesco alessandro giulia chiara francesca wei li wang "
    "zhang chen liu yang ming hiroshi kenji yuki akira sakura raj priya amit anita sanjay sunita ravi deepak "
    "ivan dmitri sergei olga natalia svetlana tatiana piotr agnieszka katarzyna jan willem pieter lars erik "
    "sven ingrid"
) - _set_of("li an jan jean ann ali ana mia lea chen ming wei yang scott tyler")
"""Common given names; those that are words, months or abbreviations as well are left out."""

_PERSON = _set_of(
    "patient person subject first last given family sur full maiden physician doctor radiologist "
    "dermatologist pathologist operator technician technologist nurse reader referring performing requesting "
    "mother father contact guardian"
)
_BY_NAME = {
    "names of people": _set_of("surname firstname lastname fullname patientname nachname vorname familyname givenname"),
    "dates of birth": _set_of("dob birthdate birthday dateofbirth geburtsdatum patientbirthdate"),
    "ways to reach somebody": _set_of(
        "email mail phone telephone fax address street zip zipcode postcode postal anschrift telefon"
    ),
    "numbers of people": _set_of("ssn mrn nhs nhsnumber passport socialsecurity medicalrecord"),
}
_NOT_OF_PEOPLE = _set_of("ip mac web url file image path hash bit model type brand os camera")
_VALUES = {
    "ways to reach somebody": (
        re.compile(r"[\w.+-]+@[\w-]+\.[A-Za-z]{2,}"),
        re.compile(
            r"(?<![\w.])(?:\+\d{1,3}[ \-/]?(?:\(?\d{1,4}\)?[ \-/]?){2,5}\d{2,4}|\(\d{3}\) ?\d{3}-\d{4}|\d{3}-\d{3}-\d{4}|0\d{2,4}[ /]\d{3,4}[ \-]?\d{3,5})(?![\w.])"
        ),
    ),
    "numbers of people": (
        re.compile(r"(?<!\d)\d{3}-\d{2}-\d{4}(?!\d)"),
        re.compile(r"\bMRN[ :#]*\d{4,}", re.IGNORECASE),
    ),
    "names of people": (
        re.compile(r"\b(?:Dr|Mr|Mrs|Ms|Prof|Herr|Frau|Mme)\.? +[A-Z][a-z]+"),
        re.compile(r"^[A-Za-z][A-Za-z' -]+\^[A-Za-z]"),
    ),
    "dates of birth": (re.compile(r"\b(?:born|DOB|geb\.?|\*)[ :]*\d{1,4}[./-]\d{1,2}[./-]\d{1,4}", re.IGNORECASE),),
}
_TWO_WORDS = re.compile(r"^[A-Z][a-z]{2,}[ _.,-]+[A-Z][a-z]{2,}(?![a-z])")
_DATE = re.compile(r"(?<!\d)(?:19|20)\d{2}([-_.]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])(?!\d)")
_MOST_VALUES = 5_000
_LONGEST = 1_000
"""Letters of a cell that are looked at."""
_FEWEST = 3
_SHARE_OF_NAMES = 0.1
_SHARE_OF_FREE_TEXT = 0.002
_SHARE_OF_DATES = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """A column, or the names of the files, that may say who somebody is."""

    where: str
    """Name of the column; empty for the names of the files."""
    what: str
    """Such as `names of people`."""
    certain: bool
    """Whether values show it, not the name of the column alone."""


def in_columns(columns: Mapping[str, pd.Series]) -> tuple[Suspicion, ...]:
    """Return the columns that may name people; values are looked at, up to 5,000 different ones of each column."""
    found = []
    for name, values in columns.items():
        by_name, by_values = _of_name(name, values), _of_values(values)
        what = by_values or by_name
        if what:
            found.append(Suspicion(where=name, what=what, certain=bool(by_values)))
    return tuple(found)


def in_file_names(files: Sequence[str]) -> tuple[Suspicion, ...]:
    """Return what the names of files and of their folders may say of people."""
    stems = pd.Series(files, dtype="str").str.replace(r"\.[A-Za-z0-9]{1,5}$", "", regex=True)
    found = []
    what = _of_values(stems, shortest_share=_SHARE_OF_FREE_TEXT)
    if what:
        found.append(Suspicion(where="", what=what, certain=True))
    elif _are_named(stems.str.split("/").str[-1]):
        found.append(Suspicion(where="", what="names of people", certain=True))
    dated = sum(_DATE.search(stem) is not None for stem in stems)
    if dated >= max(_FEWEST, _SHARE_OF_DATES * len(stems)):
        found.append(Suspicion(where="", what="dates", certain=True))
    return tuple(found)


def _of_name(name: str, values: pd.Series) -> str:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    words = [word.lower() for word in re.split(r"[^A-Za-z0-9]+", spaced) if word]
    there = set(words) | {"".join(words)}
    if values.notna().sum() == 0 or there & _NOT_OF_PEOPLE:
        return ""
    for what, known in _BY_NAME.items():
        if there & known:
            return what
    if "birth" in there and not {"weight", "order", "year"} & there:
        return "dates of birth"
    is_text = not pd.api.types.is_numeric_dtype(values)
    return "names of people" if is_text and {"name", "names"} & there and _PERSON & there else ""


def _of_values(values: pd.Series, shortest_share: float = 0.0) -> str:
    """Return what the values look like, or nothing; numbers look like nothing."""
    if pd.api.types.is_numeric_dtype(values):
        return ""
    distinct = pd.Series(values.dropna().unique(), dtype="str")
    if len(distinct) > _MOST_VALUES:
        distinct = distinct.sample(_MOST_VALUES, random_state=0)
    distinct = distinct.str.slice(0, _LONGEST)
    for what, patterns in _VALUES.items():
        for pattern in patterns:
            hits = sum(pattern.search(text) is not None for text in distinct)
            if hits and hits >= shortest_share * len(distinct):
                return what
    return "names of people" if _are_named(distinct) else ""


def _are_named(texts: pd.Series[str]) -> bool:
    """Return whether many texts are, or begin with, the name of a person."""
    distinct = pd.Series(texts.unique(), dtype="str")
    if len(distinct) > _MOST_VALUES:
        distinct = distinct.sample(_MOST_VALUES, random_state=0)
    distinct = distinct.str.slice(0, _LONGEST)
    tokens = distinct.str.lower().str.split(r"[^a-zà-ÿ]+", regex=True)
    given = tokens.map(lambda words: any(word in _NAMES for word in words))
    different = {word for words in tokens[given] for word in words if word in _NAMES}
    if len(different) >= _FEWEST and float(given.mean()) >= _SHARE_OF_NAMES / 2:
        return True
    if different and float(given.mean()) >= 0.5 and len(distinct) >= 2:
        return True
    pairs = distinct.str.extract(f"({_TWO_WORDS.pattern})")[0].dropna()
    known = (
        float(np.mean([bool(set(re.split(r"[^a-z]+", pair.lower())) & _NAMES) for pair in pairs]))
        if len(pairs)
        else 0.0
    )
    return len(set(pairs)) >= _FEWEST and known >= _SHARE_OF_NAMES
