"""What a person gives a delivered model beside its images: a table with a row an image, read for the inputs that it knows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from tasks.domain.errors import DataUnusable
from tasks.domain.model_input import COLUMN, NUMBER
from tasks.input_columns import as_numbers
from tasks.readers.table import read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tasks.domain.model_input import ModelInput
    from tasks.readers.table import Table

_IMAGE_COLUMNS = ("image", "file")
_WAYS: tuple[Callable[[Path], str], ...] = (str, lambda image: image.name, lambda image: image.stem)
"""How a table may name an image, the surest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenInputs:
    """The inputs of some images, as images.csv holds them."""

    columns: pd.DataFrame
    """One column of text an input, a row an image, in the order of the images; empty where nothing is known."""
    notes: tuple[str, ...]
    """What is missing, in sentences for the person who asks."""


def given_inputs(table: Path | None, images: Sequence[Path], inputs: Sequence[ModelInput]) -> GivenInputs:
    """Return the inputs of images; what is missing is told and stops nothing.

    Args:
        table: With a column `image` (or `file`: path or name of the file, with or without its ending) and one an input; None
            if none was given.
        images: The images that are asked for.
        inputs: What the model sees beside them.

    Raises:
        DataUnusable: The table names no image or no input, names an image twice, or by a name that several have.
    """
    if table is None:
        unknown = pd.DataFrame({COLUMN + item.name: [""] * len(images) for item in inputs})
        return GivenInputs(columns=unknown, notes=(needed(inputs),))
    read = read_table(table)
    cells, rows = _cells(read, inputs), _Rows(read, images)
    positions = [rows.position_of(image) for image in images]
    notes = []
    if -1 in positions:
        notes.append(f"{positions.count(-1)} of {len(images)} images are not in {table.name}.")
    columns = {}
    for item in inputs:
        found = cells[item.name] if item.name in cells else pd.Series(index=cells.index, dtype=object)
        understood, odd = _understood(found, item)
        values = ["" if at < 0 else understood.iloc[at] for at in positions]
        columns[COLUMN + item.name] = values
        notes += list(_missing(item, values, odd))
    return GivenInputs(columns=pd.DataFrame(columns), notes=tuple(notes))


def needed(inputs: Sequence[ModelInput]) -> str:
    """Return the sentence that says what a model needs beside its images, and how it is given."""
    names = ", ".join(item.name for item in inputs)
    return (
        f"This model was built to see {names} beside the image, and was given none: its answers are worse than in the test. Give them with "
        f"--inputs TABLE, a table with the columns image, {names}."
    )


class _Rows:
    """Finds the row of a table that speaks of an image."""

    def __init__(self, read: Table, images: Sequence[Path]) -> None:
        table, cells = read.path, read.cells
        column = next((name for name in _IMAGE_COLUMNS if name in cells), None)
        if column is None:
            raise DataUnusable("there is no column `image` that says which image a row is about", file=table)
        named = cells[column].fillna("").tolist()
        twice = [name for name, count in Counter(named).items() if name and count > 1]
        if twice:
            raise DataUnusable(f"there is more than one row about {twice[0]}", file=table)
        self.table, self.at = table, {name: position for position, name in enumerate(named) if name}
        different = set(images)
        self.shared = [Counter(way(image) for image in different) for way in _WAYS]
        if not any(way(image) in self.at for image in images for way in _WAYS):
            raise DataUnusable("no row is about one of these images; its column `image` should name them", file=table)

    def position_of(self, image: Path) -> int:
        """Return the position of the row about an image; -1 if there is none."""
        for way, shared in zip(_WAYS, self.shared, strict=True):
            if way(image) in self.at:
                if shared[way(image)] > 1:
                    problem = f"several images are called {way(image)}; name each by its path, as it is given to `rounds predict`"
                    raise DataUnusable(problem, file=self.table)
                return self.at[way(image)]
        return -1


def _cells(read: Table, inputs: Sequence[ModelInput]) -> pd.DataFrame:
    names = [item.name for item in inputs if item.name in read.cells]
    if not names:
        wanted, there = ", ".join(item.name for item in inputs), ", ".join(map(str, read.cells))
        raise DataUnusable(
            f"none of the model's inputs is a column; it sees {wanted}; the table has: {there}", file=read.path
        )
    for item in inputs:
        if item.name in names and item.kind == NUMBER and not pd.api.types.is_numeric_dtype(read.typed(item.name)):
            raise DataUnusable(
                "must hold numbers alone; leave a cell empty where it is not known", file=read.path, field=item.name
            )
    return pd.DataFrame({name: read.typed(name) for name in names})


def _understood(cells: pd.Series, item: ModelInput) -> tuple[pd.Series, set[str]]:
    """Return what images.csv says for each cell, and the values that the model has never seen."""
    if item.kind == NUMBER:
        return as_numbers(cells.astype(float)), set()
    known = {value.casefold(): value for value in item.values}  # noqa: PD011  no table
    is_number = pd.api.types.is_numeric_dtype(cells)
    texts = (as_numbers(cells) if is_number else cells.fillna("").astype(object)).map(lambda text: str(text).strip())
    values = texts.map(lambda text: known.get(text.casefold(), ""))
    return values, set(texts[(texts != "") & (values == "")])


def _missing(item: ModelInput, values: Sequence[str], odd: set[str]) -> Iterator[str]:
    empty = sum(not value for value in values)
    if odd:
        known = ", ".join(item.values)
        yield f"Of {item.name} the model knows {known}; another value counts as not known: {', '.join(sorted(odd)[:5])}."
    if empty:
        yield f"{item.name} is not known for {empty} of {len(values)} images; they are predicted without it."
