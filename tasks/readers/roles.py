"""Which column of a table plays which part: found where it is plain, asked for where it is not."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks.domain.errors import AmbiguousRequest, DataUnusable
from tasks.domain.manifest import TRAIN
from tasks.domain.request import ColumnRoles
from tasks.domain.spec import BLOCKING, Question
from tasks.readers import column_names
from tasks.readers.annotators import annotator_column
from tasks.readers.given_splits import split_of_word
from tasks.readers.label_columns import LabelColumns, find_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.readers.named_images import NamedImages
    from tasks.readers.table import Table

_CLOSE_TO_BEST = 0.9
_MOST_IMAGES_OF_ONE = 200


def find_roles(table: Table, images: NamedImages, given: ColumnRoles, *, kind: str | None = None) -> ColumnRoles:
    """Return the part of every column; those given are taken as they are.

    Args:
        table: The table.
        images: The images that it is about.
        given: Parts that the request gives.
        kind: `table`, `one_hot` or `multi_label` where the request says how to read it; None means: look.

    Raises:
        AmbiguousRequest: More than one reading is possible; the questions list the columns.
        DataUnusable: A given column does not exist or is given two parts, or no column names the images.
    """
    _check_given(table, given)
    questions: list[Question] = []

    def settle(finding: str | Question | None) -> str | None:
        if isinstance(finding, Question):
            questions.append(finding)
            return None
        return finding

    rest = [name for name in table.cells.columns if name not in _named(given)]
    image = given.image or settle(_image(table, images, rest))
    rest = [name for name in rest if name != image]
    group = given.group or settle(_group(table, rest))
    rest = [name for name in rest if name != group]
    split = given.split or _split(table, rest)
    rest = [name for name in rest if name != split]
    annotator = given.annotator or (annotator_column(table, image, rest) if image else None)
    rest = [name for name in rest if name != annotator]
    try:
        labels = find_labels(table, rest, given, kind)
    except AmbiguousRequest as error:
        labels = LabelColumns()
        questions += error.questions
    if questions:
        raise AmbiguousRequest(questions)
    attributes = given.attributes or tuple(
        name for name in rest if name not in labels.all() and _says_something(table, name)
    )
    return dataclasses.replace(
        given,
        image=image,
        label=labels.label,
        one_hot=labels.one_hot,
        group=group,
        split=split,
        attributes=attributes,
        findings=labels.findings,
        annotators=labels.annotators,
        annotator=annotator,
    )


def _named(roles: ColumnRoles) -> list[str]:
    single = [name for name in (roles.image, roles.label, roles.group, roles.split, roles.annotator) if name]
    return [*single, *roles.one_hot, *roles.findings, *roles.annotators, *roles.attributes]


def _check_given(table: Table, given: ColumnRoles) -> None:
    named = _named(given)
    for name in named:
        table.column(name)
        if named.count(name) > 1:
            raise DataUnusable("this column is given two parts; give it one", file=table.path, field=name)
    if bool(given.label) + bool(given.one_hot) + bool(given.findings) > 1:
        problem = "give either one column of labels, or one column a class, or one column a finding, not both"
        raise DataUnusable(problem, file=table.path, field=given.label or given.findings[0])
    if given.annotator and given.annotators:
        problem = "give either the column that names the annotator, or one column an annotator, not both"
        raise DataUnusable(problem, file=table.path, field=given.annotator)
    if len(given.one_hot) == 1:
        raise DataUnusable("one column a class needs two columns or more", file=table.path, field=given.one_hot[0])


def _image(table: Table, images: NamedImages, columns: Sequence[str]) -> str | Question:
    hits = {name: images.hits(table.column(name)) for name in columns}
    best = max(hits.values(), default=0)
    if best == 0:
        raise DataUnusable(nothing_matches(table, images, columns), file=table.path)
    good = [name for name in columns if hits[name] >= _CLOSE_TO_BEST * best]
    if len(good) == 1 or len({tuple(images.meant(table.column(name).dropna())) for name in good}) == 1:
        return good[0]
    for fit in (column_names.is_image, lambda name: not column_names.is_attribute(name)):
        named = [name for name in good if fit(name)]
        if len(named) == 1:
            return named[0]
    text = (
        f"Several columns name image files: {', '.join(good)}. Which one names the image that the row is about? If a row is about all "
        "of them, write a table with a row for each image, with the patient in a column of its own and in another what tells "
        "the images of a row apart (the side, for one)."
    )
    return Question(field="image", text=text, options=tuple(good), level=BLOCKING)


def nothing_matches(table: Table, images: NamedImages, columns: Sequence[str]) -> str:
    """Return what to tell someone whose table and image folder do not go together."""
    cells = table.cells[list(columns)].iloc[0].dropna().astype(str)
    seen = ", ".join(f"{name}={cell[:40]!r}" for name, cell in cells.items())
    return (
        f"no row names a file in {images.folder}; its first row has {seen}; the folder holds {len(images.files)} images "
        f"such as {images.files[0]!r}. Check the image folder, or name the image column"
    )


def _group(table: Table, columns: Sequence[str]) -> str | Question | None:
    there = [
        name for name in columns if len(table.column(name).dropna().unique()) > 1
    ]  # "removed" in every row names nobody
    named = [name for name in there if column_names.is_group(name)]
    if not named:
        named = [name for name in there if column_names.is_loose_group(name) and _is_id(table, name)]
    widest = [name for name in named if all(_lies_within(table, other, name) for other in named if other != name)]
    if widest or not named:
        return widest[0] if widest else None
    text = "Several columns could say which images belong together. Which one names the patient (or the lesion)?"
    return Question(field="group", text=text, options=tuple(named), level=BLOCKING)


def _is_id(table: Table, name: str) -> bool:
    """Return whether a column has too many values to be a side, a visit number or the name of a trial."""
    cells = table.column(name).dropna()
    return cells.nunique() >= max(3, len(cells) // _MOST_IMAGES_OF_ONE)


def _lies_within(table: Table, inner: str, outer: str) -> bool:
    """Return whether every value of one column occurs with one value of the other only, as lesions do with patients."""
    pairs = table.cells[[inner, outer]].dropna().drop_duplicates()
    return not bool(pairs[inner].duplicated().any())


def _split(table: Table, columns: Sequence[str]) -> str | None:
    def is_split(name: str) -> bool:
        cells = table.column(name).dropna()
        known = cells.isin([cell for cell in cells.unique() if split_of_word(cell) is not None])
        return len(cells) > 0 and float(known.mean()) > 0.5

    def is_plainly_split(name: str) -> bool:
        splits = {split_of_word(cell) for cell in table.column(name).dropna().unique()}
        return TRAIN in splits and len(splits) > 1 and None not in splits

    called = next((name for name in columns if column_names.is_split(name) and is_split(name)), None)
    return called or next((name for name in columns if is_plainly_split(name)), None)


def _says_something(table: Table, name: str) -> bool:
    """Return whether a column is no empty one, and none that a program adds to count the rows."""
    cells = table.column(name)
    if not cells.notna().any():
        return False
    if not column_names.is_unnamed(name):
        return True
    numbers = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float)
    return not bool((np.diff(numbers) == 1).all())
