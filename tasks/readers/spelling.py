"""Tables that call their images otherwise than the folder does: cells rewritten as the files that they plainly mean.

Rewritten is only where as many images as make a table one of the folder are meant, each by itself, and the way is told:

- a table that lies in a sub-folder means the images beside and below it;
- a name that recurs in several folders has its folder in another column (patient and file, site and file);
- a path begins with folders of the machine that it was written on;
- a spreadsheet took the zeros off the front of a number;
- a name is the beginning of that of the file, up to a `_` or `-`.
"""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from tasks.readers import column_names
from tasks.readers.given_splits import split_of_word
from tasks.readers.image_files import among
from tasks.readers.named_images import NamedImages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pandas as pd

    from tasks.readers.image_files import ImageFiles
    from tasks.readers.table import Table

_ENOUGH = 0.5
_SHORTEST_BEGINNING = 3
_ABSOLUTE = re.compile(r"^(?:/|[A-Za-z]:|~)")
_NUMBER = re.compile(r"\d{1,18}")


def spelled_as_files(table: Table, files: ImageFiles, image: str | None = None) -> Table:
    """Return a table that names its images as the folder does, as far as it can be told what it means.

    Args:
        table: The table.
        files: The images.
        image: Column that the request names for the image; None means: look.
    """
    columns = [image] if image and image in table.cells.columns else [str(name) for name in table.cells.columns]
    table = _of_own_folder(table, files, columns)
    named = NamedImages(files)
    if any(_is_enough(named, table, name, files) for name in columns):
        return table
    for way in (_with_folder_column, _without_folders_above, _with_zeros, _by_beginning):
        found = way(table, files, columns)
        if found is not None:
            return found
    return table


def _of_own_folder(table: Table, files: ImageFiles, columns: Sequence[str]) -> Table:
    if not table.path.resolve().is_relative_to(files.folder.resolve()):
        return table
    place = table.path.resolve().parent.relative_to(files.folder.resolve()).as_posix()
    own = among(files, [file for file in files.files if file.startswith(f"{place}/")]) if place != "." else files
    if own is files or not own.files:
        return table
    everywhere, near = NamedImages(files), NamedImages(own)
    cells = table.cells.copy()
    for name in columns:
        distinct = cells[name].dropna().unique().tolist()
        unclear = [cell for cell in distinct if len(everywhere.meant_by(cell)) > 1 and len(near.meant_by(cell)) == 1]
        meant = {cell: near.meant_by(cell)[0] for cell in unclear}
        cells[name] = cells[name].map(lambda cell, meant=meant: meant.get(cell, cell))
    return dataclasses.replace(table, cells=cells)


def _is_enough(named: NamedImages, table: Table, name: str, files: ImageFiles) -> bool:
    """Return whether a column names so many images, or so many of its cells do, that it needs no rewriting."""
    distinct = table.column(name).dropna().unique().tolist()
    images = {found[0] for cell in distinct if len(found := named.meant_by(cell)) == 1}
    return bool(images) and len(images) >= _ENOUGH * min(len(distinct), len(files.files))


def _with_folder_column(table: Table, files: ImageFiles, columns: Sequence[str]) -> Table | None:
    named = NamedImages(files)
    for name in columns:
        cells = table.column(name).dropna()
        unclear = {cell for cell in cells.unique() if len(named.meant_by(cell)) > 1}
        if not unclear or cells.isin(unclear).mean() < _ENOUGH:
            continue
        for other in map(str, table.cells.columns):
            if other == name or table.column(other).nunique() < 2:
                continue
            paths = table.column(other) + "/" + table.column(name)
            meant = {path: found[0] for path in paths.dropna().unique() if len(found := named.meant_by(path)) == 1}
            if paths.isin(list(meant)).mean() >= _ENOUGH:
                note = f"{name} names files of several folders; {other} says in which of them each lies."
                return _rewritten(table, name, paths.map(meant).fillna(table.column(name)), note)
    return None


def _without_folders_above(table: Table, files: ImageFiles, columns: Sequence[str]) -> Table | None:
    def shortened(table: Table, name: str) -> dict[str, tuple[str, ...]]:
        paths = {cell: tuple(cell.replace("\\", "/").split("/")) for cell in table.column(name).dropna().unique()}
        paths = {cell: parts for cell, parts in paths.items() if len(parts) > 1}
        shared = _shared(parts[:-1] for parts in paths.values())
        is_absolute = all(_ABSOLUTE.match(cell) for cell in paths)
        named = NamedImages(files)
        return {
            cell: named.meant_by("/".join(parts[shared:]))
            for cell, parts in paths.items()
            if shared and (is_absolute or len(parts) > shared + 1)
        }

    return _by(table, files, columns, shortened, "{} begins with folders that are not here, which were left out.")


def _shared(folders: Iterable[tuple[str, ...]]) -> int:
    """Return how many outermost folders all share, up to the first that names a split."""
    first, *others = list(folders) or [()]
    shared = 0
    for number, name in enumerate(first):
        if split_of_word(name) or any(other[number : number + 1] != (name,) for other in others):
            break
        shared += 1
    return shared


def _with_zeros(table: Table, files: ImageFiles, columns: Sequence[str]) -> Table | None:
    numbers: dict[int, list[str]] = defaultdict(list)
    for stem, found in files.by_stem.items():
        if _NUMBER.fullmatch(stem):
            numbers[int(stem)] += found

    def numbered(table: Table, name: str) -> dict[str, tuple[str, ...]]:
        stems = {cell: cell.partition(".")[0] for cell in table.column(name).dropna().unique()}
        return {cell: tuple(numbers.get(int(stem), ())) for cell, stem in stems.items() if _NUMBER.fullmatch(stem)}

    note = "{} holds numbers without the zeros that the names of the files begin with."
    return _by(table, files, columns, numbered, note) if numbers else None


def _by_beginning(table: Table, files: ImageFiles, columns: Sequence[str]) -> Table | None:
    beginnings: dict[str, list[str]] = defaultdict(list)
    for stem, found in files.by_stem.items():
        for mark in re.finditer(r"[_-]", stem):
            beginnings[stem[: mark.start()]] += found

    def begun(table: Table, name: str) -> dict[str, tuple[str, ...]]:
        cells = table.column(name).dropna().unique()
        return {cell: tuple(beginnings.get(cell.lower(), ())) for cell in cells if len(cell) >= _SHORTEST_BEGINNING}

    return _by(table, files, columns, begun, "{} holds the beginnings of the names of files.")


def _by(
    table: Table,
    files: ImageFiles,
    columns: Sequence[str],
    way: Callable[[Table, str], dict[str, tuple[str, ...]]],
    note: str,
) -> Table | None:
    """Return the table with the one column rewritten in which a way finds enough images, None if none or several do."""
    found: dict[str, dict[str, str]] = {}
    for name in columns:
        if column_names.is_attribute(name) and not column_names.is_image(name):
            continue
        meant = {cell: files[0] for cell, files in way(table, name).items() if len(files) == 1}
        distinct = table.column(name).nunique()
        if len(set(meant.values())) >= max(1, _ENOUGH * min(distinct, len(files.files))) and distinct > 1:
            found[name] = meant
    called = [name for name in found if column_names.is_image(name)] or list(found)
    if len(called) != 1:
        return None
    meant, cells = found[called[0]], table.column(called[0])
    return _rewritten(table, called[0], cells.map(lambda cell: meant.get(cell, cell)), note.format(called[0]))


def _rewritten(table: Table, name: str, cells: pd.Series[str], note: str) -> Table:
    return dataclasses.replace(table, cells=table.cells.assign(**{name: cells}), notes=(*table.notes, note))
