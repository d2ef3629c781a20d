"""Tables with a row for everything that was drawn: which image, which kind, and what is said of the image itself."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from tasks.domain.errors import AmbiguousRequest
from tasks.domain.spec import BLOCKING, Question
from tasks.readers import column_names
from tasks.readers.given_splits import split_of_word
from tasks.readers.named_images import NamedImages
from tasks.readers.roles import find_roles

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from tasks.domain.request import ColumnRoles
    from tasks.readers.annotated_images import Annotated
    from tasks.readers.image_files import ImageFiles
    from tasks.readers.table import Table


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


NEGATIVE_WORDS = _set_of(
    "0 0.0 no none normal negative neg healthy background false nofinding nofindings noabnormality empty"
)
POSITIVE_WORDS = _set_of("1 1.0 yes true positive pos")
_KIND_WORDS = ("type", "kind", "name", "object", "structure", "class")
_MOST_KINDS = 100
_UNNAMED = "(drawn)"


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnRows:
    """The rows of such a table that go with an image."""

    files: pd.Series[str]
    """Image by line."""
    kinds: pd.Series[str] | None
    """Cell of the label column by line, "" where blank; None if the table has no such column."""
    annotators: pd.Series[str]
    """Who drew it, by line, "" where nobody is named."""
    roles: ColumnRoles


@cache
def plain_word(cell: str) -> str:
    """Return a cell as the word sets of this module write it."""
    return "".join(letter for letter in cell.lower() if letter.isalnum() or letter == ".")


def read_drawn_rows(
    table: Table, drawn: Sequence[str], files: ImageFiles, given: ColumnRoles, found: Annotated
) -> DrawnRows:
    """Return the rows of images that are there; the others are set aside.

    Args:
        table: The table.
        drawn: The columns that hold what was drawn.
        files: All images.
        given: Parts of columns that the request gives.
        found: Filled with the images looked at, and what the table says of them.

    Raises:
        AmbiguousRequest: Several columns could hold the image, the kind or the patient.
        DataUnusable: No column names images, or a given column does not exist.
    """
    rest = dataclasses.replace(table, cells=table.cells.drop(columns=list(drawn)))
    label = given.label or _label_column(rest, NamedImages(files), given)
    return read_rows_of_images(table, drawn, files, given, found, label=label)


def read_rows_of_images(
    table: Table,
    drawn: Sequence[str],
    files: ImageFiles,
    given: ColumnRoles,
    found: Annotated,
    *,
    label: str | None,
) -> DrawnRows:
    """Return the rows of images that are there, by a label column that is known, or without one; see `read_drawn_rows`.

    Raises:
        AmbiguousRequest: Several columns could hold the image or the patient.
        DataUnusable: No column names images, or a given column does not exist.
    """
    images = NamedImages(files)
    rest = dataclasses.replace(table, cells=table.cells.drop(columns=list(drawn)))
    if label is None:
        rest = dataclasses.replace(rest, cells=rest.cells.assign(**{_UNNAMED: "drawn"}))
    roles = find_roles(rest, images, dataclasses.replace(given, label=label or _UNNAMED, boxes=(), rle=None))
    named = rest.column(str(roles.image))
    kept: dict[int, str] = {}
    for line, cell, meant in zip(named.index, named, images.meant(named), strict=True):
        if len(meant) == 1:
            kept[int(line)] = meant[0]
            continue
        several = f"several files could be meant: {', '.join(meant[:3])}"
        reason = several if meant else "no such image file" if isinstance(cell, str) else "no image named"
        found.set_aside(str(cell) if isinstance(cell, str) else "", int(line), reason)
    found.quarantined += table.broken
    found.notes += table.notes
    for line, file in kept.items():
        found.looked_at.setdefault(file, line)
    cells = rest.cells.loc[list(kept)]
    by_line = named.loc[list(kept)].index.map(kept).to_series(index=cells.index).astype("str")
    roles = _take_facts_of_images(dataclasses.replace(rest, cells=cells), by_line, roles, found)
    annotators = cells[roles.annotator].fillna("") if roles.annotator else by_line.map(lambda _: "")
    for file, who in zip(by_line, annotators, strict=True):
        if who:
            found.readers.setdefault(file, set()).add(who)
    return DrawnRows(
        files=by_line,
        kinds=None if label is None else cells[label].fillna(""),
        annotators=annotators,
        roles=dataclasses.replace(roles, label=label),
    )


def _label_column(table: Table, images: NamedImages, given: ColumnRoles) -> str | None:
    """Return the column that says what was drawn; None if there is none.

    Raises:
        AmbiguousRequest: There are several that say different things.
    """
    taken = {given.image, given.group, given.split, given.annotator, *given.attributes}
    possible = [
        name
        for name in map(str, table.cells.columns)
        if name not in taken
        and not (column_names.is_group(name) or column_names.is_split(name) or column_names.is_annotator(name))
        and 1 <= table.column(name).nunique() <= _MOST_KINDS
        and not any(map(images.is_one, table.column(name).dropna().unique()))
    ]
    ways = (
        column_names.is_label,
        column_names.speaks_of_label,
        lambda name: any(name.lower().endswith(word) for word in _KIND_WORDS),
        lambda name: not column_names.is_attribute(name),
    )
    for is_it in ways:
        fit = [name for name in possible if is_it(name)]
        words = [name for name in fit if not _holds_numbers(table, name)] or fit
        if len(words) > 1:
            words = [name for name in words if _says_several_things(table, name)] or words
        if len(words) == 1:
            return words[0]
        if words:
            text = "Which column says what the boxes (or masks) show?"
            raise AmbiguousRequest([Question(field="label", text=text, options=tuple(words), level=BLOCKING)])
    return None


def _holds_numbers(table: Table, name: str) -> bool:
    cells = table.column(name).dropna()
    return bool(cells.str.fullmatch(r"\d+(\.0)?").all()) and not set(cells.unique()) <= POSITIVE_WORDS | NEGATIVE_WORDS


def _says_several_things(table: Table, name: str) -> bool:
    return len(table.column(name).dropna().unique()) > 1


def _take_facts_of_images(table: Table, files: pd.Series[str], roles: ColumnRoles, found: Annotated) -> ColumnRoles:
    """Take patient, split and attributes from the first row of an image; what differs within images is none of theirs."""
    by_file = table.cells.groupby(files, sort=False)
    first = by_file.head(1)
    lines = first.index
    names = files.loc[lines]
    of_images = tuple(name for name in roles.attributes if int(by_file[name].nunique().max()) <= 1)
    for name in of_images:
        found.attributes[name] = dict(zip(names, table.typed(name).loc[lines], strict=True))
    if not roles.group and column_names.is_group(str(roles.image)):
        roles = dataclasses.replace(roles, group=roles.image)  # one image a patient, called by the patient
    if roles.group:
        groups = first[roles.group].fillna("")
        found.groups = {file: group for file, group in zip(names, groups, strict=True) if group}
    if roles.split:
        words = table.column(roles.split).dropna()
        splits = words.map({word: split_of_word(word) or "" for word in words.unique()})
        told = splits.groupby(files.loc[words.index]).agg(lambda cells: "|".join(sorted(set(cells))))
        for file, split in told.items():
            if "|" in split:
                found.set_aside(str(file), found.looked_at[str(file)], f"its rows name several splits: {split}")
                found.excluded.add(str(file))
            else:
                found.splits[str(file)] = split
    return dataclasses.replace(roles, attributes=of_images)
