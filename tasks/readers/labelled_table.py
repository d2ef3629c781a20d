"""A table and a folder of images, made into a manifest; what does not fit together is listed row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from tasks.domain import manifest as columns
from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import IMAGE_LABEL, UNLABELLED, Manifest, Quarantined
from tasks.domain.request import ReadingRules
from tasks.readers import column_names
from tasks.readers.agreement import votes
from tasks.readers.annotators import opaque_names
from tasks.readers.given_splits import split_of_word
from tasks.readers.image_files import find_images, image_id
from tasks.readers.multi_label import labels_of
from tasks.readers.named_images import NamedImages
from tasks.readers.roles import find_roles, nothing_matches
from tasks.readers.row_labels import note_on_readings, put_together, read_labels
from tasks.readers.schema import checked
from tasks.readers.table import read_table
from tasks.readers.uncertain import ABSENT, PRESENT, counted, note_on_doubtful, note_on_uncertain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tasks.domain.request import ColumnRoles
    from tasks.readers.image_files import ImageFiles
    from tasks.readers.row_labels import RowLabels
    from tasks.readers.table import Table

_DEFAULT_RULES = ReadingRules()
_KINDS = ("table", "one_hot", "multi_label")
_ROWS_NAMED = 5


def read_labelled_table(
    path: Path,
    images: Path,
    given: ColumnRoles,
    rules: ReadingRules = _DEFAULT_RULES,
    *,
    files: ImageFiles | None = None,
    table: Table | None = None,
) -> Manifest:
    """Return the manifest of a table of labels and a folder of images.

    Args:
        path: The table.
        images: The folder.
        given: Parts of columns that the request gives.
        rules: What uncertain labels count as, how readings become one, and, if `format` says, how the labels are written.
        files: The images among the pictures of the folder; None means all of them.
        table: What the file holds, where it was read before.

    Raises:
        AmbiguousRequest: The part of a column is unclear.
        DataUnusable: Table or folder cannot be used, or they do not go together.
    """
    named = NamedImages(files or find_images(images))
    table = table or read_table(path, names_image=named.is_one)
    roles = find_roles(table, named, given, kind=rules.format if rules.format in _KINDS else None)
    said = read_labels(table, roles, rules)
    file_of, unmatched = _files(table, named, str(roles.image))
    rows, without_split = _rows(table, file_of, roles)
    reasons = {row: why for row, why in (without_split | said.reasons).items() if row in file_of.index}
    usable = rows.drop(index=list(reasons))
    if roles.annotator:
        reasons |= _repeats(table, usable, (columns.SPLIT, columns.GROUP), are_readings=True)
        usable = usable.drop(index=[row for row in reasons if row in usable.index])
        said, no_reading = put_together(said, table.column(roles.annotator), usable[columns.FILE], rules.aggregation)
        reasons |= no_reading
        kept = _with_labels(usable.drop_duplicates(columns.FILE), said, rules)
    else:
        labelled = _with_labels(usable, said, rules)
        reasons |= _blank_beside_a_label(labelled, roles)
        labelled = labelled.drop(index=[row for row in reasons if row in labelled.index])
        said_by = [name for name in labelled.columns if name.startswith(columns.FINDING)] or [columns.LABEL]
        reasons |= _repeats(table, labelled, (*said_by, columns.SPLIT, columns.GROUP), are_readings=False)
        kept = labelled.drop(index=[row for row in reasons if row in labelled.index])
    quarantined = [
        *table.broken,
        *unmatched,
        *(Quarantined(file=file_of[row], row=row, reason=why) for row, why in reasons.items()),
        *(_without_row(named, set(file_of))),
    ]
    readings = _readings(said, kept)
    kept = kept.reset_index(drop=True)
    return checked(
        Manifest(
            rows=kept,
            images=images,
            kind="one_hot" if roles.one_hot else "multi_label" if said.findings is not None else "table",
            roles=roles,
            quarantined=tuple(sorted(quarantined, key=lambda item: (item.row, item.file))),
            findings=tuple(said.findings.columns) if said.findings is not None else (),
            readings=readings,
            notes=(*table.notes, *said.notes, *_notes(kept, readings, roles, rules)),
        )
    )


def _files(table: Table, named: NamedImages, column: str) -> tuple[pd.Series[str], list[Quarantined]]:
    """Return the file of each row that names one, by line, and the other rows with the reason."""
    cells = table.column(column)
    meant = named.meant(cells)
    if not any(meant):
        raise DataUnusable(nothing_matches(table, named, [column]), file=table.path, field=column)
    files, unmatched = {}, []
    for row, cell, found in zip(cells.index.tolist(), cells.tolist(), meant, strict=True):
        if len(found) == 1:
            files[row] = found[0]
        elif found:
            reason = f"several files could be meant: {', '.join(found[:3])}"
            unmatched.append(Quarantined(file=cell, row=row, reason=reason))
        elif isinstance(cell, str):
            unmatched.append(Quarantined(file=cell, row=row, reason="no such image file"))
        else:
            unmatched.append(Quarantined(file="", row=row, reason="no image named"))
    return pd.Series(files, dtype="str"), unmatched


def _rows(table: Table, files: pd.Series[str], roles: ColumnRoles) -> tuple[pd.DataFrame, dict[int, str]]:
    """Return a row of the manifest for each row of the table that names an image, without its labels, by line."""
    lines = files.index
    rows = pd.DataFrame({columns.IMAGE_ID: files.map(image_id), columns.FILE: files, columns.ROW: lines}, index=lines)
    rows[columns.LABEL] = ""
    rows[columns.GROUP] = rows[columns.IMAGE_ID]
    if roles.group:
        rows[columns.GROUP] = table.column(roles.group).loc[lines].fillna(rows[columns.IMAGE_ID])
    splits, reasons = _splits(table, roles)
    rows[columns.SPLIT] = splits.loc[lines]
    rows[columns.SUPERVISION] = UNLABELLED
    rows[columns.FRAME] = -1
    attributes = {columns.ATTRIBUTE + name: _attribute(table, name).loc[lines] for name in roles.attributes}
    return pd.concat([rows, pd.DataFrame(attributes, index=lines)], axis=1), reasons


def _attribute(table: Table, name: str) -> pd.Series[float] | pd.Series[str]:
    """Return a column as an attribute; who read the images, each by one person, is told without names of people."""
    cells = table.typed(name)
    if not column_names.is_annotator(name) or pd.api.types.is_numeric_dtype(cells):
        return cells
    return cells.map(opaque_names(cells.dropna().unique())).astype("str")


def _with_labels(rows: pd.DataFrame, said: RowLabels, rules: ReadingRules) -> pd.DataFrame:
    if said.findings is None:
        labels = said.labels.loc[rows.index] if said.labels is not None else rows[columns.LABEL]
        is_known = labels != ""
        found = pd.DataFrame(index=rows.index)
    else:
        found = said.findings.loc[rows.index].apply(votes)
        labels = labels_of(found, rules.uncertain)
        is_known = (
            pd.DataFrame(counted(found.to_numpy(), rules.uncertain), index=rows.index)
            .isin([PRESENT, ABSENT])
            .any(axis=1)
        )
    supervision = is_known.map({True: IMAGE_LABEL, False: UNLABELLED}).astype("str")
    rows = rows.assign(**{columns.LABEL: labels, columns.SUPERVISION: supervision})
    return pd.concat([rows, found.add_prefix(columns.FINDING)], axis=1)


def _splits(table: Table, roles: ColumnRoles) -> tuple[pd.Series[str], dict[int, str]]:
    if not roles.split:
        return pd.Series("", index=table.cells.index, dtype="str"), {}
    cells = table.column(roles.split)
    splits = cells.map({cell: split_of_word(cell) or "" for cell in cells.dropna().unique()}).fillna("").astype("str")
    reason = f"field {roles.split!r} names neither train, validation nor test"
    reasons = dict.fromkeys(cells.index[splits == ""].tolist(), reason)
    if len(reasons) > len(cells) / 2:
        raise DataUnusable(f"{reason}, in most rows", file=table.path, row=next(iter(reasons)), field=roles.split)
    return splits, reasons


def _repeats(table: Table, usable: pd.DataFrame, names: Sequence[str], *, are_readings: bool) -> dict[int, str]:
    """Return which of several rows of an image cannot be kept: none of those that contradict each other in a column.

    Of rows that say the same the first is kept; if they are readings of several annotators all are.
    """
    repeated = usable[usable[columns.FILE].duplicated(keep=False)]
    by_file = repeated.groupby(columns.FILE, sort=False)
    differ_in = pd.Series("", index=repeated.index)
    for name in reversed(names):
        differ_in = differ_in.mask(repeated[columns.FILE].map(by_file[name].nunique(dropna=False)) > 1, name)
    contradicted = repeated.loc[differ_in != "", columns.FILE].nunique()
    if contradicted > usable[columns.FILE].nunique() / 2:
        problem = "most images have several rows that contradict each other; one row an image is needed"
        advice = "or a column that names the annotator, if these are several people's readings"
        raise DataUnusable(f"{problem}, {advice}", file=table.path, row=int(repeated.index[0]))
    reasons = {}
    for lines in by_file.groups.values():
        for line in lines:
            column = differ_in[line].removeprefix(columns.FINDING)
            if column:
                others = [str(other) for other in lines if other != line]
                more = ", …" if len(others) > _ROWS_NAMED else ""
                named = ", ".join(others[:_ROWS_NAMED])
                reasons[int(line)] = f"rows for the same image differ in {column}: also row {named}{more}"
            elif line != lines[0] and not are_readings:
                reasons[int(line)] = f"repeats row {lines[0]}"
    return reasons


def _blank_beside_a_label(labelled: pd.DataFrame, roles: ColumnRoles) -> dict[int, str]:
    """Return rows whose label is blank although another row of their image has one: they contradict nothing."""
    if not roles.label:
        return {}
    is_blank = labelled[columns.LABEL] == ""
    told = is_blank & labelled[columns.FILE].isin(set(labelled.loc[~is_blank, columns.FILE]))
    reason = f"field {roles.label!r} is blank, and another row of the image has a label"
    return {int(row): reason for row in labelled.index[told]}


def _readings(said: RowLabels, kept: pd.DataFrame) -> pd.DataFrame | None:
    """Return the readings of the images that are kept, with the columns of `READING_COLUMNS`."""
    if said.readings is None:
        return None
    there = said.readings[said.readings["row"].isin(kept.index)]
    readings = there.assign(image_id=kept[columns.IMAGE_ID].loc[there["row"]].to_numpy())
    return readings[list(columns.READING_COLUMNS)].reset_index(drop=True)


def _notes(kept: pd.DataFrame, readings: pd.DataFrame | None, roles: ColumnRoles, rules: ReadingRules) -> Iterator[str]:
    findings = [name for name in kept.columns if name.startswith(columns.FINDING)]
    if findings:
        yield from note_on_uncertain(kept[findings].to_numpy(dtype=float), rules.uncertain)
        several = float((kept[findings] == PRESENT).sum(axis=1).gt(1).mean())
        yield f"{several:.1%} of the images show more than one finding."
    else:
        yield from note_on_doubtful(kept[columns.LABEL])
    if readings is not None and len(readings):
        has_own = bool(roles.annotators) and bool(roles.label or roles.findings or roles.one_hot)
        yield note_on_readings(readings, rules.aggregation, is_used=not has_own)
    n_open = int((kept[columns.SUPERVISION] == UNLABELLED).sum())
    if n_open:
        why = f": {roles.label} is blank" if roles.label and not findings else ""
        yield f"{n_open:,} of {len(kept):,} images carry no label{why}; nothing is assumed of them."


def _without_row(named: NamedImages, there: set[str]) -> Iterator[Quarantined]:
    reason = "the table has no row for this image"
    return (Quarantined(file=file, row=0, reason=reason) for file in named.files if file not in there)
