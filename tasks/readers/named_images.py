"""Which image each cell of a large table means, each distinct cell looked up once."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks.readers.image_files import composed

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.readers.image_files import ImageFiles


_FEW = 8

_Places = dict[tuple[str, ...], list[str]]


class NamedImages:
    """The images of a folder, asked for by the cells of a table."""

    def __init__(self, files: ImageFiles) -> None:
        self._files = files
        self._known: dict[str, tuple[str, ...]] = {}
        self._by_folder: dict[str, tuple[_Places, _Places]] = {}

    @property
    def folder(self) -> Path:
        """Folder of the images."""
        return self._files.folder

    @property
    def files(self) -> tuple[str, ...]:
        """All images, relative to the folder, sorted."""
        return self._files.files

    def meant_by(self, cell: str) -> tuple[str, ...]:
        """Return the images that a cell can mean; see `ImageFiles.meant_by`."""
        if cell not in self._known:
            self._known[cell] = self._look_up(cell)
        return self._known[cell]

    def meant(self, cells: pd.Series[str]) -> list[tuple[str, ...]]:
        """Return for each cell the images that it can mean, none for a missing one."""
        codes, distinct = pd.factorize(cells)
        found = [self.meant_by(cell) for cell in distinct.tolist()]
        found.append(())  # of missing cells, whose code is -1
        return [found[code] for code in codes.tolist()]

    def hits(self, cells: pd.Series[str]) -> int:
        """Return how many cells mean an image or several."""
        codes, distinct = pd.factorize(cells)
        return int(np.array([*(bool(self.meant_by(cell)) for cell in distinct.tolist()), False])[codes].sum())

    def is_one(self, cell: str) -> bool:
        """Return whether a cell names an image."""
        return bool(self.meant_by(cell))

    def _look_up(self, cell: str) -> tuple[str, ...]:
        """Return what a cell can mean, looking only at files of its name, and among many of one name at those in its folder."""
        stems = self._files.by_stem
        folder, _, name = composed(cell).strip().replace("\\", "/").rstrip("/").lower().rpartition("/")
        while name not in stems:
            name, dot, _ = name.rpartition(".")
            if not dot:
                return ()
        if len(stems[name]) == 1 and _is_plainly(cell, stems[name][0]):
            return stems[name]
        if len(stems[name]) <= _FEW or not folder:
            return self._files.meant_by(cell)
        near = self._near(name, folder)
        return dataclasses.replace(self._files, by_stem={name: near}).meant_by(cell) if near else ()

    def _near(self, stem: str, folder: str) -> tuple[str, ...]:
        """Return the files of a name whose folders may agree with a folder of the table, as far as both name them."""
        if stem not in self._by_folder:
            inside: dict[tuple[str, ...], list[str]] = defaultdict(list)
            exactly: dict[tuple[str, ...], list[str]] = defaultdict(list)
            for file in self._files.by_stem[stem]:
                parts = tuple(reversed(composed(file).lower().split("/")[:-1]))
                exactly[parts].append(file)
                for depth in range(1, len(parts) + 1):
                    inside[parts[:depth]].append(file)
            self._by_folder[stem] = inside, exactly
        inside, exactly = self._by_folder[stem]
        wanted = tuple(part for part in reversed(folder.split("/")) if part)
        fewer = [file for depth in range(len(wanted)) for file in exactly.get(wanted[:depth], ())]
        return (*inside.get(wanted, ()), *fewer)


def _is_plainly(cell: str, file: str) -> bool:
    """Return whether a cell is the name of a file, or the end of its path; most are, and need no path parsed."""
    wanted = cell.lower()
    return file.lower() == wanted or file.lower().endswith("/" + wanted)
