"""All that the hazards are judged by, gathered once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks.association import as_text
from tasks.domain.manifest import FILE, GROUP, ROW, SPLIT, TEST
from tasks.hazards.columns import sites
from tasks.hazards.trial import Trial, trial_of
from tasks.probes import Probe, flat, probe, sample

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from tasks.domain.manifest import Manifest
    from tasks.domain.profile import Attribute
    from tasks.duplicates import Duplicates
    from tasks.targets import Target


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the investigation has seen; images are numbered by their row in the manifest."""

    manifest: Manifest
    """Readable images only, with what decoding showed."""
    targets: tuple[Target, ...]
    """Most frequent first."""
    duplicates: Duplicates
    columns: dict[str, pd.Series]
    """Attribute columns by name as in the data, without those that seem to name people."""
    attributes: tuple[Attribute, ...]
    """Columns that were compared with the label."""
    thumbnails: NDArray[np.uint8]
    """Shape (n_images, 8, 8, 3)."""
    borders: NDArray[np.uint8]
    """Shape (n_images, 144, 3)."""
    test_fraction: float
    """Share of the test where the data bring none."""

    @property
    def rows(self) -> pd.DataFrame:
        """Return the table of images."""
        return self.manifest.rows

    @property
    def has_groups(self) -> bool:
        """Return whether the data say which images belong together."""
        return self.manifest.roles.group is not None

    @property
    def unit(self) -> str:
        """Return what to call a group to a clinician."""
        return self.manifest.roles.unit

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """Return the number of the patient or lesion of each image."""
        return pd.factorize(self.rows[GROUP])[0].astype(np.int64)

    @cached_property
    def sites(self) -> dict[str, pd.Series[str]]:
        """Return the columns that say where or with what a picture was taken, as text, missing as NaN."""
        return {name: as_text(self.columns[name]) for name in sites(self.columns)}

    @cached_property
    def sample(self) -> NDArray[np.int64]:
        """Return the numbers of the images on which models are tried."""
        return sample(len(self.rows), self.targets)

    @cached_property
    def probes(self) -> dict[str, tuple[Probe, ...]]:
        """Return how well labels are told by parts of the pictures: `border`, `inside`, `coarse` and `colours`.

        Coarse is the picture in 8 x 8 patches, inside those but for the outermost, colours the same patches in any order.
        """
        thumbnails, borders = self.thumbnails[self.sample], self.borders[self.sample]
        patches = np.sort(thumbnails.reshape(len(thumbnails), -1, 3), axis=1)
        seen = {"border": borders, "inside": thumbnails[:, 1:-1, 1:-1], "coarse": thumbnails, "colours": patches}
        targets = [target.of(self.sample) for target in self.targets]
        return {name: probe(flat(pixels), targets, self.groups[self.sample]) for name, pixels in seen.items()}

    @cached_property
    def trial(self) -> Trial | None:
        """Return how well coarse pictures tell each image's label; None where there are too few."""
        return trial_of(self.thumbnails, self.targets, self.groups, self.sample)

    @cached_property
    def share_in_test(self) -> NDArray[np.float64]:
        """Return with which probability each image comes into the test: 1 or 0 where the data say so."""
        splits = self.rows[SPLIT].to_numpy()
        if (splits == TEST).any():
            return np.where(splits == TEST, 1.0, 0.0)
        return np.full(len(splits), self.test_fraction)

    def places(self, images: Iterable[int], most: int = 20) -> tuple[str, ...]:
        """Return files with the row that they stand in, for the eyes of the data's owner."""
        chosen = self.rows.iloc[list(images)[:most]]
        pairs = zip(chosen[FILE], chosen[ROW], strict=True)
        return tuple(f"{file}{f' (row {row})' if row else ''}" for file, row in pairs)
