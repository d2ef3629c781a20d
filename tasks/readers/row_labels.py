"""What each row of a table says its image shows: one label, findings, or the readings of several annotators."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks.readers.agreement import aggregated, agreement
from tasks.readers.annotators import opaque_names, readers_of, readings_of_columns
from tasks.readers.multi_label import findings_of_columns, findings_of_lists, separator_of
from tasks.readers.one_hot import labels_of_one_hot

if TYPE_CHECKING:
    from tasks.domain.request import ColumnRoles, ReadingRules
    from tasks.readers.table import Table

_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RowLabels:
    """What the rows of a table say; either `labels` or `findings` is there."""

    labels: pd.Series[str] | None = None
    """One of several labels that exclude each other, empty where none is known."""
    findings: pd.DataFrame | None = None
    """A column a finding: 1, 0, -1, NaN, or a confidence between 0 and 1."""
    reasons: dict[int, str]
    """Rows that cannot be used, and why."""
    readings: pd.DataFrame | None = None
    """Columns `row`, `finding`, `annotator`, `value`."""
    notes: tuple[str, ...] = ()


def read_labels(table: Table, roles: ColumnRoles, rules: ReadingRules) -> RowLabels:
    """Return what the rows of a table say.

    Raises:
        DataUnusable: A column does not hold what its part asks for.
    """
    readings, rule = None, rules.aggregation
    reasons: dict[int, str] = {}
    if roles.annotators:
        readers = readers_of(table, roles.annotators)
        readings, reasons = readings_of_columns(table, readers)
        rule = next((item.annotator for item in readers if rule == item.column), rule)
    if roles.label or roles.one_hot or roles.findings or readings is None:
        said = _own(table, roles, rules)
        return dataclasses.replace(said, readings=readings, reasons=reasons | said.reasons)
    values = aggregated(readings, rule).reindex(table.cells.index)
    if list(values.columns) == [""]:
        return RowLabels(labels=values[""].fillna("").astype("str"), reasons=reasons, readings=readings)
    return RowLabels(findings=values.astype(float), reasons=reasons, readings=readings)


def put_together(
    said: RowLabels, names: pd.Series[str], files: pd.Series[str], rule: str
) -> tuple[RowLabels, dict[int, str]]:
    """Return what several rows of an image, one an annotator, say together; it is said in the first row of the image.

    Args:
        said: What each row says.
        names: Annotator of each row, missing as NaN.
        files: Image of each row that can be used.
        rule: How readings become one, see `aggregated`.

    Returns:
        Labels or findings, indexed by the first row of each image, with all readings; and why rows are no readings.
    """
    shown = opaque_names(names.dropna().unique())
    rule = shown.get(rule, rule)
    annotators = names.loc[files.index].map(shown)
    reasons = {int(row): "the row names no annotator" for row in files.index[annotators.isna()]}
    values = _values(said).loc[files.index]
    keys = pd.DataFrame({"file": files, "annotator": annotators}).dropna()
    together = pd.concat([keys, values.loc[keys.index]], axis=1)
    repeats = keys.duplicated() & together.duplicated()
    reasons |= {int(row): "repeats what the same annotator said of this image" for row in keys.index[repeats]}
    keys = keys[~repeats]
    unlike = keys.duplicated(keep=False)
    reasons |= {int(row): "the same annotator says different things of this image" for row in keys.index[unlike]}
    keys = keys[~unlike]
    first = files.drop_duplicates().reset_index().set_axis(["row", "file"], axis=1).set_index("file")["row"]
    long = values.loc[keys.index].melt(var_name="finding", value_name="value", ignore_index=False)
    long.insert(0, "annotator", keys["annotator"].loc[long.index].to_numpy())
    long.insert(0, "row", keys["file"].loc[long.index].map(first).to_numpy())
    is_said = long["value"].notna() & (long["value"] != "")
    readings = long.loc[is_said, ["row", "finding", "annotator", "value"]].reset_index(drop=True)
    one = aggregated(readings, rule).reindex(pd.Index(first.to_numpy()))
    if said.findings is None:
        labels = one[""].fillna("").astype("str")
        return dataclasses.replace(said, labels=labels, readings=readings), reasons
    findings = one.reindex(columns=said.findings.columns).astype(float)
    return dataclasses.replace(said, findings=findings, readings=readings), reasons


def note_on_readings(readings: pd.DataFrame, rule: str, *, is_used: bool) -> str:
    """Return a sentence on how often annotators differ, and what was made of it.

    Args:
        readings: Columns as `tasks.domain.manifest.READING_COLUMNS`.
        rule: How readings became one label.
        is_used: Whether the labels were made of the readings; else they stood in a column of their own.
    """
    found = agreement(readings)
    share = (
        "" if np.isnan(found.disagreement) else f"; they differ on {found.disagreement:.1%} of the images read twice"
    )
    made = f"put together by the rule `{rule}`" if is_used else "kept beside the label, which has a column of its own"
    return f"{len(found.annotators)} annotators read the images{share}. Their readings were {made}."


def _own(table: Table, roles: ColumnRoles, rules: ReadingRules) -> RowLabels:
    if roles.one_hot:
        labels, reasons = labels_of_one_hot(table, roles.one_hot)
        return RowLabels(labels=labels, reasons=reasons)
    if roles.findings:
        found = findings_of_columns(table, roles.findings)
        return RowLabels(findings=found.marks, reasons=found.reasons, notes=found.notes)
    cells = table.column(str(roles.label))
    separator = separator_of(cells) if rules.format != "table" else ""
    if separator or rules.format == "multi_label":
        found = findings_of_lists(table, str(roles.label), separator)
        return RowLabels(findings=found.marks, reasons=found.reasons, notes=found.notes)
    labels, notes = _spelled_alike(cells)
    return RowLabels(labels=labels.fillna(""), reasons={}, notes=notes)


def _spelled_alike(cells: pd.Series[str]) -> tuple[pd.Series[str], tuple[str, ...]]:
    """Return labels that differ in case or in blanks only as the most frequent of their spellings, with a note on it."""
    counts = cells.value_counts()
    best: dict[str, str] = {}
    for label in counts.index:
        best.setdefault(_plain(label), label)
    others = {label: best[_plain(label)] for label in counts.index if best[_plain(label)] != label}
    if not others:
        return cells, ()
    listed = ", ".join(f"{label!r} as {spelled!r}" for label, spelled in sorted(others.items())[:_MOST_NAMED])
    return cells.map(lambda label: others.get(label, label)), (
        f"Labels that differ in spelling only are one: {listed}.",
    )


def _plain(label: str) -> str:
    whole = label.removesuffix(".0") if label.removesuffix(".0").isdecimal() else label
    return " ".join(whole.lower().split())


def _values(said: RowLabels) -> pd.DataFrame:
    if said.findings is not None:
        return said.findings
    return pd.DataFrame({"": said.labels})
