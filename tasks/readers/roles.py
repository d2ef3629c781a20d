"""Which column of a table plays which part: found where it is plain, asked for where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.domain.errors import AmbiguousRequest, DataUnusable
from tasks.domain.request import ColumnRoles
from tasks.domain.spec import BLOCKING, Question
from tasks.readers import column_names
from tasks.readers.given_splits import split_of_word
from tasks.readers.one_hot import one_hot_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tasks.readers.image_files import ImageFiles
    from tasks.readers.table import Table

_MOST_LABELS = 50
_CLOSE_TO_BEST = 0.9


def find_roles(table: Table, files: ImageFiles, given: ColumnRoles) -> ColumnRoles:
    """Return the part of every column; those given are taken as they are.

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
    image = given.image or settle(_image(table, files, rest))
    rest = [name for name in rest if name != image]
    group = given.group or settle(_group(table, rest))
    rest = [name for name in rest if name != group]
    split = given.split or _split(table, rest)
    rest = [name for name in rest if name != split]
    label, one_hot = given.label, given.one_hot
    if not label and not one_hot:
        named = [name for name in rest if column_names.is_label(name) and _may_be_label(table, name)]
        one_hot = () if named else one_hot_columns(table, rest)
        label = None if one_hot else settle(_label(table, rest, named))
    if questions:
        raise AmbiguousRequest(questions)
    attributes = given.attributes or tuple(name for name in rest if name != label and name not in one_hot)
    return ColumnRoles(image=image, label=label, one_hot=one_hot, group=group, split=split, attributes=attributes)


def _named(roles: ColumnRoles) -> list[str]:
    single = [name for name in (roles.image, roles.label, roles.group, roles.split) if name]
    return [*single, *roles.one_hot, *roles.attributes]


def _check_given(table: Table, given: ColumnRoles) -> None:
    named = _named(given)
    for name in named:
        table.column(name)
        if named.count(name) > 1:
            raise DataUnusable("this column is given two parts; give it one", file=table.path, field=name)
    if given.label and given.one_hot:
        problem = "give either one column of labels or one column a class, not both"
        raise DataUnusable(problem, file=table.path, field=given.label)
    if len(given.one_hot) == 1:
        raise DataUnusable("one column a class needs two columns or more", file=table.path, field=given.one_hot[0])


def _image(table: Table, files: ImageFiles, columns: Sequence[str]) -> str | Question:
    meant = {name: tuple(files.meant_by(cell) for cell in table.column(name).dropna()) for name in columns}
    hits = {name: sum(len(found) > 0 for found in cells) for name, cells in meant.items()}
    best = max(hits.values(), default=0)
    if best == 0:
        raise DataUnusable(nothing_matches(table, files, columns), file=table.path)
    good = [name for name in columns if hits[name] >= _CLOSE_TO_BEST * best]
    if len({meant[name] for name in good}) == 1:
        return good[0]
    named = [name for name in good if column_names.is_image(name)]
    if len(named) == 1:
        return named[0]
    text = "Several columns name image files. Which one names the image that the row is about?"
    return Question(field="image", text=text, options=tuple(good), level=BLOCKING)


def nothing_matches(table: Table, files: ImageFiles, columns: Sequence[str]) -> str:
    """Return what to tell someone whose table and image folder do not go together."""
    cells = table.cells[list(columns)].iloc[0].dropna().astype(str)
    seen = ", ".join(f"{name}={cell[:40]!r}" for name, cell in cells.items())
    return (
        f"no row names a file in {files.folder}; its first row has {seen}; the folder holds {len(files.files)} images "
        f"such as {files.files[0]!r}. Check the image folder, or name the image column"
    )


def _group(table: Table, columns: Sequence[str]) -> str | Question | None:
    named = [name for name in columns if column_names.is_group(name) and table.column(name).notna().any()]
    widest = [name for name in named if all(_lies_within(table, other, name) for other in named if other != name)]
    if widest or not named:
        return widest[0] if widest else None
    text = "Several columns could say which images belong together. Which one names the patient (or the lesion)?"
    return Question(field="group", text=text, options=tuple(named), level=BLOCKING)


def _lies_within(table: Table, inner: str, outer: str) -> bool:
    """Return whether every value of one column occurs with one value of the other only, as lesions do with patients."""
    pairs = table.cells[[inner, outer]].dropna().drop_duplicates()
    return not bool(pairs[inner].duplicated().any())


def _split(table: Table, columns: Sequence[str]) -> str | None:
    def is_split(name: str) -> bool:
        cells = table.column(name).dropna()
        known = cells.map(lambda cell: split_of_word(cell) is not None)
        return column_names.is_split(name) and len(cells) > 0 and float(known.mean()) > 0.5

    return next((name for name in columns if is_split(name)), None)


def _may_be_label(table: Table, name: str) -> bool:
    cells = table.column(name).dropna()
    return 2 <= cells.nunique() <= len(cells) / 2


def _label(table: Table, columns: Sequence[str], named: Sequence[str]) -> str | Question:
    possible = [name for name in columns if _may_be_label(table, name) and table.column(name).nunique() <= _MOST_LABELS]
    ways: tuple[Callable[[str], bool], ...] = (
        column_names.speaks_of_label,
        lambda name: not column_names.is_attribute(name),
    )
    for found in (named, *([name for name in possible if is_it(name)] for is_it in ways)):
        if len(found) == 1:
            return found[0]
        if found:
            break
    if not columns:
        raise DataUnusable("the table has no column left that could hold the label", file=table.path)
    text = "Which column holds the label that the model is to learn?"
    return Question(field="label", text=text, options=tuple(found or possible or columns), level=BLOCKING)
