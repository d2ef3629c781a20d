"""What the short descriptions of a data manifest say: `binary, 60 positives`, `0/1/-1(uncertain)`, `three graders, per image`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

UNSTATED_SHARE = 0.2
"""Share of positives where the manifest states none: neither rare nor balanced, so that no rule speaks up for it alone."""

_COUNT_WORDS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "several": 3, "multiple": 3}  # fmt: skip
_READER = r"(?:grader|reader|annotator|rater|labell?er|observer|expert|radiologist|pathologist|dermatologist|cardiologist|ophthalmologist|clinician|physician|doctor)s?"
_READERS = re.compile(rf"\b(\d+|{'|'.join(_COUNT_WORDS)})\s+(?:\w+\s+)?{_READER}\b", re.IGNORECASE)
_BINARY = re.compile(
    r"\bbinary\b|\b0\s*/\s*1\b|\b1\s*/\s*0\b|\byes\s*/\s*no\b|\by\s*/\s*n\b|\btrue\s*/\s*false\b|\bbool|"
    r"\b(?:positive|present)\s*/\s*(?:negative|absent)\b|\bpresent\b|\bflag\b",
    re.IGNORECASE,
)
_UNCERTAIN = re.compile(r"(?<![\d.])-1\b|\buncertain|\bunsure|\bequivocal", re.IGNORECASE)
_CONTINUOUS = re.compile(
    r"\bcontinuous\b|\bfloat|\bpercent(?:age)?\b|\bnumeric|\breal\b|\bregression\b|\bscalar\b|\bmeasured\b|\bvalue in\b|\bscore 0-1\b",
    re.IGNORECASE,
)
_RANGE = re.compile(r"(?<![\d.])(\d{1,4})\s*(?:-|\u2013|\.\.+|to)\s*(\d{1,4})(?![\d.]*\d)")
_MOST_GRADES = 12
_ABSENT = re.compile(r"\s*(?:absent|none|missing|unavailable|no|not (?:available|recorded|present|given|in the data).*|n/?a|unlabell?ed|-|)\s*", re.IGNORECASE)  # fmt: skip
_POSITIVES = re.compile(r"(\d[\d, ]*)\s*(?:positives?|pos\b|cases|events|present)", re.IGNORECASE)
_PERCENT_POSITIVE = re.compile(
    r"(\d+(?:\.\d+)?)\s*%\s*(?:are\s+)?(?:positives?|pos\b|prevalence|of)|prevalence\D{0,12}?(\d+(?:\.\d+)?)\s*%|"
    r"prevalence\D{0,12}?(0?\.\d+)",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_MISSING = re.compile(
    r"(\d+(?:\.\d+)?)\s*%\s*(?:are\s+|is\s+)?(?:missing|unknown|absent|blank|empty|not \w+|unrecorded)|"
    r"(?:missing|unknown|absent|blank|not recorded)\s*(?:in|for|:|=|at)?\s*(?:about\s+)?(\d+(?:\.\d+)?)\s*%|"
    r"(?:recorded|known|available|annotated|present)\s+(?:in|for|on)\s+(?:only\s+)?(\d+(?:\.\d+)?)\s*%|"
    r"(?:only\s+)?(\d+(?:\.\d+)?)\s*%\s+(?:recorded|known|available|annotated|present|filled)",
    re.IGNORECASE,
)
_PARTLY = re.compile(r"\bmissing\b|\bincomplete\b|\bpartly\b|\bpartial\b|\bmostly unknown\b", re.IGNORECASE)
_EXTRA_GRADE = re.compile(r"(?:\+|,|;|\bor\b|\band\b|\bplus\b)\s*'?\"?([A-Za-z][A-Za-z_ -]{2,30})", re.IGNORECASE)

BINARY, CLASSES, READERS, NUMBER, NOTHING, UNKNOWN = "binary", "classes", "readers", "number", "nothing", "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One entry of a manifest's `labels`, understood."""

    name: str
    kind: str
    """`binary`, `classes`, `readers`, `number`, `nothing` or `unknown`."""
    classes: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    """Images by class, where the manifest states them."""
    share: float = math.nan
    """Share of positives, 0 to 1; nan if not stated."""
    positives: int = -1
    """Number of positives; -1 if not stated."""
    uncertain: bool = False
    readers: int = 0


def read_column(name: str, value: object) -> Column:
    """Return what an entry of `labels` describes; the value may be anything that JSON can hold."""
    if isinstance(value, dict):
        return _of_mapping(name, value)
    if isinstance(value, list | tuple):
        classes = tuple(dict.fromkeys(str(item) for item in value if item is not None))
        return Column(name=name, kind=CLASSES if classes else NOTHING, classes=classes)
    if value is None or value is False:
        return Column(name=name, kind=NOTHING)
    if value is True:
        return Column(name=name, kind=BINARY)
    if isinstance(value, int | float):
        return Column(name=name, kind=BINARY, positives=max(0, whole_number(value) or 0))
    return _of_text(name, str(value))


def _of_mapping(name: str, value: dict[object, object]) -> Column:
    """Read `{"mel": 1113, "nv": 6705}` as classes with counts, and `{"type": "binary", "positives": 60}` as words."""
    listed = next(
        (item for key, item in value.items() if key in {"values", "classes"} and isinstance(item, list)), None
    )
    if listed is not None:
        return read_column(name, listed)
    if value and all(isinstance(count, int) and not isinstance(count, bool) and count >= 0 for count in value.values()):
        counts = tuple(int(str(count)) for count in value.values())
        return Column(name=name, kind=CLASSES, classes=tuple(str(key) for key in value), counts=counts)
    return _of_text(name, ", ".join(f"{item} {key}" for key, item in value.items()))


def _of_text(name: str, text: str) -> Column:
    if _ABSENT.fullmatch(text):
        return Column(name=name, kind=NOTHING)
    if readers := _READERS.search(text):
        word = readers[1].lower()
        return Column(name=name, kind=READERS, readers=max(2, _COUNT_WORDS.get(word) or int(word)))
    uncertain = bool(_UNCERTAIN.search(text))
    if _BINARY.search(text) or uncertain or _POSITIVES.search(text):
        return Column(
            name=name, kind=BINARY, share=positive_share(text), positives=positives(text), uncertain=uncertain
        )
    return _of_values(name, text)


def _of_values(name: str, text: str) -> Column:
    measured = _CONTINUOUS.search(text) is not None
    classes = () if measured else _grades(text)
    if not classes and (measured or _RANGE.search(text) or "%" in text):
        return Column(name=name, kind=NUMBER)
    classes = classes or split_words(text)
    return Column(name=name, kind=CLASSES, classes=classes) if len(classes) > 1 else Column(name=name, kind=UNKNOWN)


def _grades(text: str) -> tuple[str, ...]:
    """Return the grades of `ICDR 0-4`, `0..4 or ungradable`; empty for wide ranges such as 0-100."""
    found = _RANGE.search(text)
    if not found or not 0 < int(found[2]) - int(found[1]) < _MOST_GRADES:
        return ()
    grades = tuple(str(grade) for grade in range(int(found[1]), int(found[2]) + 1))
    extra = _EXTRA_GRADE.search(text, found.end())
    return (*grades, extra[1].strip()) if extra else grades


def split_words(text: str) -> tuple[str, ...]:
    """Return the names of a list that was written as text: `normal/abnormal`, `mitosis, look-alike`."""
    plain = re.sub(r"\([^)]*\)", "", text)
    parts = [part.strip(" '\"") for part in re.split(r"\s*[,/|;]\s*|\s+(?:and|or|vs\.?|versus)\s+", plain)]
    return tuple(dict.fromkeys(part for part in parts if part))


def whole_number(value: object) -> int | None:
    """Return a count written as a number or as text (`12,000`, `about 300`), else None."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return round(value) if math.isfinite(value) else None
    found = re.search(r"\d[\d,_]*(?:\.\d+)?", str(value))
    return round(float(found[0].replace(",", "").replace("_", ""))) if found else None


def fraction(value: object) -> float:
    """Return a share written as 0.05, 5 (percent) or `5%`; nan if it is none."""
    if isinstance(value, bool) or value is None:
        return math.nan
    if isinstance(value, int | float):
        return float(value) if 0 <= value <= 1 else float(value) / 100 if 1 < value <= 100 else math.nan
    found = _PERCENT.search(str(value))
    if found:
        return min(1.0, float(found[1]) / 100)
    plain = re.search(r"(?<!\d)0?\.\d+", str(value))
    return float(plain[0]) if plain else math.nan


def positive_share(text: str) -> float:
    """Return the share of positives that a description states; nan if none."""
    found = _PERCENT_POSITIVE.search(text)
    if not found:
        return math.nan
    percent = found[1] or found[2]
    return min(1.0, float(percent) / 100) if percent else min(1.0, float(found[3]))


def positives(text: str) -> int:
    """Return the number of positives that a description states; -1 if none."""
    found = _POSITIVES.search(text)
    return int(re.sub(r"\D", "", found[1])) if found else -1


def missing_share(text: str) -> float:
    """Return the share of images without a value: 0.62 for `62% missing`, `recorded in 38%`; half if only `missing`; else 0."""
    found = _MISSING.search(text)
    if found:
        absent = found[1] or found[2]
        share = float(absent) / 100 if absent else 1 - float(found[3] or found[4]) / 100
        return min(1.0, max(0.0, share))
    return 0.5 if _PARTLY.search(text) else 0.0


def percent_of(text: str) -> float:
    """Return the first percentage of a text as a fraction; nan if there is none."""
    found = _PERCENT.search(text)
    return min(1.0, float(found[1]) / 100) if found else math.nan
