"""What a model could be asked to tell: each label against the rest, or each finding against its absence.

The only place where exclusive labels and findings that occur together are made alike, so that all that is counted,
forecast or probed is done once for both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tasks.domain.manifest import FINDING, LABEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from tasks.domain.manifest import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One label or finding."""

    name: str
    truth: NDArray[np.float64]
    """1 where it is present, 0 where it is absent, nan where nobody knows; shape (n_images,)."""

    @property
    def present(self) -> NDArray[np.bool_]:
        """Return where it is present, shape (n_images,)."""
        return np.asarray(self.truth == 1)

    @property
    def absent(self) -> NDArray[np.bool_]:
        """Return where it is known to be absent, shape (n_images,)."""
        return np.asarray(self.truth == 0)

    def of(self, images: NDArray[np.bool_] | NDArray[np.int64]) -> Target:
        """Return the same for some of the images, by mask or by number."""
        return Target(name=self.name, truth=self.truth[images])


def targets_of(manifest: Manifest) -> tuple[Target, ...]:
    """Return the labels or findings of a manifest, most frequent first; none if no image has a label."""
    rows = manifest.rows
    if not manifest.findings:
        return targets_of_labels(rows[LABEL])
    targets = []
    for name in manifest.findings:
        values = rows[FINDING + name].to_numpy(dtype=np.float64, copy=True)
        values[~np.isin(values, (0.0, 1.0))] = np.nan
        targets.append(Target(name=name, truth=values))
    return tuple(sorted(targets, key=lambda target: -int(target.present.sum())))


def targets_of_labels(labels: pd.Series[str]) -> tuple[Target, ...]:
    """Return each of several labels that exclude each other; an image without a label is not known to be free of any."""
    known = (labels != "").to_numpy()
    return tuple(
        Target(name=str(name), truth=np.where(known, (labels == name).to_numpy(), np.nan).astype(np.float64))
        for name in labels[known].value_counts().index
    )


def partition(targets: Sequence[Target]) -> NDArray[np.int64] | None:
    """Return which target each image shows, -1 if none, shape (n_images,); None if targets can occur together."""
    if not targets:
        return None
    shown = np.stack([target.present for target in targets])
    known = ~np.stack([np.isnan(target.truth) for target in targets])
    if (shown.sum(axis=0) > 1).any() or (known.any(axis=0) & ~shown.any(axis=0)).any():
        return None
    return np.where(shown.any(axis=0), shown.argmax(axis=0), -1).astype(np.int64)
