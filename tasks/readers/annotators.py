"""Several people, or programs, who read the same images: who they are, and what each of them said.

Their readings stand either in a column each (`grader_1`, `drain_a2`), or in a row each beside a column that names the reader.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from tasks.domain.spec import BLOCKING, Question
from tasks.readers import column_names
from tasks.readers.agreement import agreement
from tasks.readers.uncertain import as_marks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tasks.readers.table import Table

__all__ = [
    "ReadBy",
    "agreement",
    "annotator_column",
    "annotator_columns",
    "opaque_names",
    "questions_of",
    "readers_of",
    "readings_of_columns",
]

_ROLE = (
    r"annotators?|graders?|readers?|raters?|radiologists?|rad|experts?|observers?|physicians?|doctors?|clinicians?|pathologists?"
    r"|dermatologists?|ophthalmologists?|reviewers?|labell?ers?"
)
_MARK = re.compile(
    rf"(?:^|(?<=[\s_.-]))(?P<role>(?:{_ROLE})[\s_.-]?(?:\d{{1,3}}|[a-z]))(?=$|[\s_.-])|(?<=[^\s_.-][\s_.-])(?P<short>[arg]\d{{1,2}})$",
    re.IGNORECASE,
)
_OPAQUE = re.compile(
    rf"(?:(?:{_ROLE}|senior|junior|consensus|adjudicat(?:ed|or)|ai|model|algorithm|nlp|human|computer|cad)?[\s_.-]?)+"
    r"(?:[a-z]{0,2}[\s_.-]?\d{0,6}|[0-9a-f-]{8,})",
    re.IGNORECASE,
)
_MOST_LABELS = 50
_UNNAMED_FINDING = "positive"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBy:
    """A column of readings."""

    column: str
    finding: str
    """What was asked; the empty string where the cells hold one of several labels."""
    annotator: str


def annotator_columns(table: Table, candidates: Sequence[str]) -> tuple[str, ...] | Question:
    """Return the columns that hold one annotator's readings each, found by their names and their shared words.

    Where they answer several questions with labels, which is the label has to be asked.
    """
    asked: dict[str, list[str]] = {}
    for name in candidates:
        if _MARK.search(name) and not column_names.is_aside(name) and table.column(name).notna().any():
            asked.setdefault(_split_name(name)[0], []).append(name)
    asked = {stem: names for stem, names in asked.items() if len(names) > 1 and _share_words(table, names)}
    marked = {stem: names for stem, names in asked.items() if _hold_marks(table, names)}
    chosen = marked or asked
    if len(chosen) > 1 and not marked:
        about_label = {stem: names for stem, names in chosen.items() if column_names.speaks_of_label(stem)}
        if len(about_label) != 1:
            text = "Several people read the images and answered several questions. Which columns hold the label?"
            options = tuple(", ".join(names) for names in chosen.values())
            return Question(field="annotators", text=text, options=options, level=BLOCKING)
        chosen = about_label
    return tuple(name for name in candidates if any(name in names for names in chosen.values()))


def annotator_column(table: Table, image: str, candidates: Sequence[str]) -> str | None:
    """Return the column that names the annotator of a row, if images have rows of several annotators; else None."""
    for name in candidates:
        if not column_names.is_annotator(name):
            continue
        pairs = table.cells[[image, name]].dropna().drop_duplicates()
        if bool(pairs[image].duplicated().any()):
            return name
    return None


def questions_of(table: Table, columns: Sequence[str]) -> frozenset[str]:
    """Return the findings that annotators' columns ask for; the empty string for one of several labels."""
    return frozenset(item.finding for item in readers_of(table, columns))


def readers_of(table: Table, columns: Sequence[str]) -> tuple[ReadBy, ...]:
    """Return what each of the annotators' columns asks, and whose it is; names of people are replaced.

    Columns of marks with a name of their own (`drain_a1`) are findings, others one of several labels.
    """
    parts = {name: _split_name(name) for name in columns}
    stems = list(dict.fromkeys(stem for stem, _ in parts.values()))
    marked = _hold_marks(table, columns)
    named = len(stems) > 1 or (bool(stems[0]) and not column_names.is_label(stems[0]))
    if not marked or not (named or _is_more_than_labels(table, columns)):
        parts = {name: ("", annotator) for name, (_, annotator) in parts.items()}
    elif not named:
        parts = {name: (_UNNAMED_FINDING, annotator) for name, (_, annotator) in parts.items()}
    shown = opaque_names(annotator for _, annotator in parts.values())
    return tuple(ReadBy(column=name, finding=parts[name][0], annotator=shown[parts[name][1]]) for name in columns)


def readings_of_columns(table: Table, asked: Sequence[ReadBy]) -> tuple[pd.DataFrame, dict[int, str]]:
    """Return all readings, columns `row`, `finding`, `annotator`, `value`, and which rows hold one that cannot be read."""
    parts: list[pd.DataFrame] = []
    reasons: dict[int, str] = {}
    for item in asked:
        cells = table.column(item.column)
        values: pd.Series[float] | pd.Series[str] = cells
        if item.finding:
            values, strange = as_marks(cells)
            reasons |= {int(row): f"field {item.column!r} holds no mark of a finding" for row in cells.index[strange]}
        said = values.dropna()
        one = pd.DataFrame({"row": said.index, "finding": item.finding, "annotator": item.annotator})
        parts.append(one.assign(value=said.to_numpy()))
    return pd.concat(parts, ignore_index=True), reasons


def opaque_names(names: Iterable[str]) -> dict[str, str]:
    """Return a name to show for each annotator: as it is if it plainly names no person, `reader 1` and so on if it may."""
    distinct = list(dict.fromkeys(names))
    shown = {name: name for name in distinct if _OPAQUE.fullmatch(name)}
    numbers = (number for number in range(1, len(distinct) * 2 + 1) if f"reader {number}" not in shown)
    return shown | {name: f"reader {next(numbers)}" for name in distinct if name not in shown}


def _split_name(name: str) -> tuple[str, str]:
    """Return what a column asks and who answers: `drain_a1` is drain and a1; a name without a mark is a person's."""
    found = _MARK.search(name)
    if not found:
        return "", name
    stem = re.sub(r"[\s_.-]+$|^[\s_.-]+", "", name[: found.start()] + name[found.end() :])
    return stem, found.group().strip()


def _hold_marks(table: Table, names: Sequence[str]) -> bool:
    """Return whether columns hold marks only, some of them for and some against."""
    read = [as_marks(table.column(name)) for name in names]
    values = pd.concat([marks for marks, _ in read])
    return not any(bool(strange.any()) for _, strange in read) and bool((values > 0.5).any() and (values == 0).any())


def _is_more_than_labels(table: Table, columns: Sequence[str]) -> bool:
    """Return whether marks need a finding, for some are uncertain or confidences."""
    return any(bool((~as_marks(table.column(name))[0].dropna().isin([0.0, 1.0])).any()) for name in columns)


def _share_words(table: Table, names: Sequence[str]) -> bool:
    """Return whether columns hold few different cells, and largely the same ones."""
    words = [set(table.column(name).dropna().str.lower().unique()) for name in names]
    together = set().union(*words)
    return 2 <= len(together) <= _MOST_LABELS and sum(map(len, words)) > len(together)
