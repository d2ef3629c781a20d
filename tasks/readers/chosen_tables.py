"""Of the tables that name the images of a folder: which one says what they show, and what the others add."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from tasks.domain.errors import AmbiguousRequest, DataUnusable
from tasks.domain.manifest import TRAIN, with_notes
from tasks.domain.spec import BLOCKING, Question
from tasks.readers import column_names
from tasks.readers.boxes_table import read_boxes_table, with_boxes_of_rows
from tasks.readers.combining import roles_as_drawn, with_drawn
from tasks.readers.folder_tables import BOXES, LABELS, RUNS, fit_best
from tasks.readers.image_facts import read_facts, with_facts
from tasks.readers.labelled_table import read_labelled_table
from tasks.readers.named_images import NamedImages
from tasks.readers.roles import find_roles
from tasks.readers.run_length_table import read_run_length_table
from tasks.readers.split_tables import joined, tables_by_folder, tables_by_split

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tasks.domain.manifest import Manifest
    from tasks.domain.request import ColumnRoles
    from tasks.readers.folder import Folder
    from tasks.readers.folder_tables import TableOfImages

_NEARLY_ALL = 0.9
_FOR_SUBMISSION = re.compile(r"submi(?:t|ssion)", re.IGNORECASE)
"""What challenges hand out to be filled in; the labels in it are made up."""
_PLAIN, _SPEAKING, _ANY, _NONE = 3, 2, 1, 0
"""How plainly a table says that it holds labels: a column is called so; a word of its name is; one could be; none."""


def of_tables(tables: Sequence[TableOfImages], folder: Folder) -> Manifest:
    """Return the manifest of the table that says what the images show, with what others have drawn or tell of patients.

    Raises:
        AmbiguousRequest: Several could be that table, or the part of a column is unclear.
        DataUnusable: The table cannot be used.
    """
    tables = [seen for seen in tables if not _FOR_SUBMISSION.search(seen.table.path.name)] or tables
    all_labels = [seen for seen in tables if seen.holds == LABELS]
    if by_split := tables_by_split(all_labels or tables):
        train = of_table(by_split[TRAIN], folder)
        alike = _with_roles(folder, train)
        parts = {split: of_table(seen, alike) for split, seen in by_split.items() if split != TRAIN}
        return with_notes(joined({TRAIN: train, **parts}), *_left(tables, by_split.values()))
    if by_folder := tables_by_folder(all_labels or tables):
        (name, seen), *rest = by_folder.items()
        first = of_table(seen, folder)
        parts = {name: first, **{name: of_table(seen, _with_roles(folder, first)) for name, seen in rest}}
        return with_notes(joined(parts, are_splits=False), *_left(tables, by_folder.values()))
    labels, facts = _told_apart(fit_best(all_labels or list(tables)), folder.roles)
    if len(labels) > 1:
        names = tuple(seen.table.path.relative_to(folder.images).as_posix() for seen in labels)
        text = "Several tables name the images. Which one holds the labels?"
        raise AmbiguousRequest([Question(field="table", text=text, options=names, level=BLOCKING)])
    first_table = labels[0]
    found = f"Found the table {first_table.table.path.name}, which names {first_table.images} images."
    manifest = with_notes(of_table(first_table, folder), found)
    used = [first_table]
    drawn = [seen for seen in tables if seen.holds in {BOXES, RUNS} and seen is not first_table]
    if drawn and first_table.holds == LABELS and manifest.boxes is None:
        manifest = with_drawn(manifest, of_table(drawn[0], folder))
        used.append(drawn[0])
    for seen in facts:
        manifest = with_facts(
            manifest, read_facts(seen.table, folder.files, dataclasses.replace(folder.roles, label=None))
        )
        used.append(seen)
    return with_notes(manifest, *_left(tables, used))


def with_tables(drawn: Manifest, tables: Sequence[TableOfImages], folder: Folder) -> Manifest:
    """Return annotated images with what a table of images says beside: labels, or patients, splits and attributes."""
    about = fit_best([seen for seen in tables if seen.holds == LABELS])
    manifest = drawn
    if len(about) == 1:
        labelled = _plainly_labelled(about[0], folder, len(drawn.rows)) or _labelled_as_drawn(about[0], folder, drawn)
        manifest = with_drawn(labelled, drawn) if labelled is not None else _with_facts_of(about[0], folder, drawn)
    return with_notes(manifest, *_left(tables, about if len(about) == 1 else ()))


def say_nothing_of_labels(tables: Sequence[TableOfImages], given: ColumnRoles) -> bool:
    """Return whether no column of any table is called like a label, and nothing was drawn: they tell of files or patients."""
    return all(seen.holds == LABELS and _plainness(seen, given) <= _ANY for seen in tables)


def of_table(seen: TableOfImages, folder: Folder) -> Manifest:
    """Return the manifest of a table by what it holds.

    Raises:
        AmbiguousRequest: The part of a column is unclear.
        DataUnusable: The table cannot be used.
    """
    if seen.holds == RUNS:
        return read_run_length_table(seen.table, seen.runs, folder.files, folder.roles, folder.reading.aggregation)
    if seen.holds == BOXES and seen.boxes is not None:
        return read_boxes_table(seen.table, seen.boxes, folder.files, folder.roles, folder.reading.aggregation)
    try:
        manifest = _labelled(seen, folder)
    except AmbiguousRequest as error:
        if seen.boxes is not None and (boxed := _boxed(seen, folder)) is not None:
            return boxed
        if folder.needs_labels or any(question.field != "label" for question in error.questions):
            raise
        options = ", ".join(error.questions[0].options)
        manifest = read_facts(seen.table, folder.files, folder.roles)
        return with_notes(
            manifest, f"Which column holds a label is not clear, so none is taken; it may be one of {options}."
        )
    return manifest if seen.boxes is None else with_boxes_of_rows(manifest, seen.table, seen.boxes)


def _boxed(seen: TableOfImages, folder: Folder) -> Manifest | None:
    """Return a table with a box beside each image and no label as one of boxes, None if what they show is not clear either."""
    boxes = seen.boxes
    try:
        return None if boxes is None else read_boxes_table(seen.table, boxes, folder.files, folder.roles)
    except (AmbiguousRequest, DataUnusable):
        return None


def _labelled(seen: TableOfImages, folder: Folder) -> Manifest:
    path, rules = seen.table.path, folder.reading
    return read_labelled_table(path, folder.images, folder.roles, rules, files=folder.files, table=seen.table)


def _plainly_labelled(seen: TableOfImages, folder: Folder, images: int) -> Manifest | None:
    """Return the labels of a table that nobody named: only if its columns say plainly that they are some, of nearly all."""
    try:
        found = _labelled(seen, folder)
    except (AmbiguousRequest, DataUnusable):
        return None
    label = found.roles.label
    is_plain = (
        column_names.speaks_of_label(label) and not column_names.says_how(label)
        if label
        else bool(found.findings or found.roles.one_hot)
    )
    return found if is_plain and len(found.rows) >= _NEARLY_ALL * images else None


def _labelled_as_drawn(seen: TableOfImages, folder: Folder, drawn: Manifest) -> Manifest | None:
    """Return the labels of a table whose one column of marks is called as what was drawn, None if it has none."""
    roles = roles_as_drawn(seen.table, folder.roles, drawn)
    try:
        return None if roles is None else _labelled(seen, dataclasses.replace(folder, roles=roles))
    except (AmbiguousRequest, DataUnusable):
        return None


def _with_facts_of(seen: TableOfImages, folder: Folder, drawn: Manifest) -> Manifest:
    try:
        return with_facts(drawn, read_facts(seen.table, folder.files, folder.roles))
    except AmbiguousRequest as error:
        if folder.needs_labels or any(question.field != "image" for question in error.questions):
            raise
        return with_notes(drawn, *(question.text for question in error.questions))


def _told_apart(labels: list[TableOfImages], given: ColumnRoles) -> tuple[list[TableOfImages], list[TableOfImages]]:
    """Return the tables that say most plainly what the images show, and those that say nothing of it."""
    if len(labels) < 2:
        return labels, []
    plain = {id(seen): _plainness(seen, given) for seen in labels}
    best = max(plain.values())
    if best < _SPEAKING:
        return labels, []
    return [seen for seen in labels if plain[id(seen)] == best], [seen for seen in labels if plain[id(seen)] < best]


def _plainness(seen: TableOfImages, given: ColumnRoles) -> int:
    try:
        roles = find_roles(seen.table, NamedImages(seen.files), given)
    except AmbiguousRequest as error:
        possible = [name for question in error.questions if question.field == "label" for name in question.options]
    except DataUnusable:
        return _NONE
    else:
        if roles.one_hot or roles.findings or roles.annotators:
            return _PLAIN
        possible = [roles.label] if roles.label else []
    if any(column_names.is_label(name) for name in possible):
        return _PLAIN
    return _SPEAKING if any(column_names.speaks_of_label(name) for name in possible) else _ANY


def _with_roles(folder: Folder, first: Manifest) -> Folder:
    """Return the folder with the parts of columns that were found in the first of several tables of one form."""
    roles = dataclasses.replace(first.roles, boxes=folder.roles.boxes)
    return dataclasses.replace(folder, roles=roles)


def _left(tables: Sequence[TableOfImages], used: Iterable[TableOfImages]) -> list[str]:
    taken = {id(seen) for seen in used}
    left = [seen.table.path.name for seen in tables if id(seen) not in taken]
    return [f"Not read: {', '.join(left)}; name one in the request to use it."] if left else []
