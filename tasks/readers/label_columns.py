"""Which columns of a table say what an image shows: one label, one column a class, findings, or several people's readings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from tasks.domain.errors import AmbiguousRequest, DataUnusable
from tasks.domain.spec import BLOCKING, Question
from tasks.readers import column_names
from tasks.readers.annotators import annotator_columns, questions_of
from tasks.readers.multi_label import finding_columns, is_three_valued, separator_of, tokens_of
from tasks.readers.one_hot import one_hot_columns
from tasks.readers.uncertain import is_mark

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tasks.domain.request import ColumnRoles
    from tasks.readers.table import Table

_MOST_LABELS = 50

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelColumns:
    """The columns that say what an image shows."""

    label: str | None = None
    one_hot: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    annotators: tuple[str, ...] = ()

    def all(self) -> tuple[str, ...]:
        """Return all of them."""
        return (*([self.label] if self.label else []), *self.one_hot, *self.findings, *self.annotators)


def find_labels(table: Table, columns: Sequence[str], given: ColumnRoles, kind: str | None) -> LabelColumns:
    """Return where the labels stand; given columns are taken as they are.

    A column named as a label goes before columns of marks, and those before any other column. Columns of several annotators
    are readings of it, or, where it is missing, what it is made of.

    Args:
        table: The table.
        columns: Those that play no other part.
        given: Parts that the request gives.
        kind: `table`, `one_hot` or `multi_label` where the request says how to read it; None means: look.

    Raises:
        AmbiguousRequest: Several columns, or sets of columns, could be the labels.
        DataUnusable: No column is left that could be.
    """
    readings = given.annotators or annotator_columns(table, columns)
    if given.label or given.one_hot or given.findings:
        annotators = () if isinstance(readings, Question) else readings
        return LabelColumns(label=given.label, one_hot=given.one_hot, findings=given.findings, annotators=annotators)
    annotators = _settled(readings)
    rest = [name for name in columns if name not in annotators]
    named = [name for name in rest if column_names.is_label(name) and _may_be_label(table, name)]
    one_hot = one_hot_columns(table, rest) if kind != "multi_label" else ()
    findings = finding_columns(table, rest) if not one_hot else ()
    if named and kind in {None, "table"}:
        listed = [name for name in named if separator_of(table.column(name))]
        if listed and findings and kind is None:
            raise AmbiguousRequest([_which(listed, findings)])
        return LabelColumns(label=_settled(_label(table, rest, named)), annotators=annotators)
    if annotators:
        asked = questions_of(table, annotators)
        return LabelColumns(annotators=annotators, findings=tuple(name for name in findings if name in asked))
    speaking = [name for name in rest if _speaks(name) and name not in findings]
    speaking = [
        name for name in speaking if _may_be_label(table, name) and table.column(name).nunique() <= _MOST_LABELS
    ]
    if findings and speaking and kind is None:
        raise AmbiguousRequest([_which(speaking, findings)])
    if kind != "table" and (one_hot or findings):
        return LabelColumns(one_hot=one_hot, findings=findings)
    label = _settled(_label(table, rest, named))
    if kind in {None, "multi_label"} and is_three_valued(table.column(label)):
        return LabelColumns(findings=(label,))
    return LabelColumns(label=label)


def _which(labels: Sequence[str], findings: Sequence[str]) -> Question:
    text = "Both a column of labels and columns of marks say what the images show. Which are the labels?"
    return Question(field="label", text=text, options=(*labels, ", ".join(findings)), level=BLOCKING)


def _settled(found: _Found | Question) -> _Found:
    if isinstance(found, Question):
        raise AmbiguousRequest([found])
    return found


def _may_be_label(table: Table, name: str) -> bool:
    """Return whether a column has values that recur; in a column of lists it is what they list that recurs."""
    cells = table.column(name).dropna()
    if 2 <= cells.nunique() <= len(cells) / 2:
        return True
    separator = separator_of(cells) if column_names.speaks_of_label(name) else ""
    listed = [token for cell in cells for token in tokens_of(cell, separator)] if separator else []
    return 2 <= len(set(listed)) <= len(listed) / 2


def _speaks(name: str) -> bool:
    return column_names.speaks_of_label(name) and not column_names.says_how(name)


def _label(table: Table, columns: Sequence[str], named: Sequence[str]) -> str | Question:
    possible = [name for name in columns if _may_be_label(table, name) and table.column(name).nunique() <= _MOST_LABELS]
    marked = [name for name in possible if not column_names.is_attribute(name) and is_mark(table.column(name))]
    ways: tuple[Callable[[str], bool], ...] = (
        _speaks,
        lambda name: len(marked) == 1 and name in marked and any(map(column_names.says_how, possible)),
        lambda name: not column_names.is_attribute(name),
        lambda name: name.lower() == "y" and "x" not in map(str.lower, map(str, table.cells.columns)),
    )
    for found in (named, *([name for name in possible if is_it(name)] for is_it in ways)):
        if len(found) == 1:
            return found[0]
        if found:
            break
    if not columns:
        there = ", ".join(map(str, table.cells.columns))
        problem = f"the table has no column left that could hold the label; it has: {there}"
        raise DataUnusable(problem, file=table.path)
    text = "Which column holds the label that the model is to learn?"
    return Question(field="label", text=text, options=tuple(found or possible or columns), level=BLOCKING)
