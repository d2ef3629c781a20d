"""Train, validation and test: by patient or lesion, each label in proportion, duplicates never parted.

The only place that decides which image lies in which split. Splits that come with the data are respected, and audited.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tasks.domain.errors import StudyBlocked
from tasks.domain.manifest import DUPLICATES, FILE, GROUP, LABEL, PIXELS, ROW, SPLIT, TEST, TRAIN, VALIDATION

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Mapping

    from numpy.typing import NDArray

    from tasks.domain.manifest import Manifest

FEWEST_UNITS = 3
"""A label needs this many units (patients, lesions), for each of the three splits must hold one."""

_EXAMPLES = 3


def split(
    manifest: Manifest,
    *,
    seed: int,
    validation_fraction: float = 0.15,
    test_fraction: float = 0.15,
    needed: Collection[str] | None = None,
) -> Manifest:
    """Return the manifest with the split of every image filled in.

    Args:
        manifest: Images with label and group; duplicates are kept together if the investigation has found them.
        seed: Fixes the result.
        validation_fraction: Share of all images for validation, where the data bring none.
        test_fraction: Share of all images for the test, where the data bring none.
        needed: Labels that each split must hold; None means all.

    Raises:
        StudyBlocked: Splits that came with the data share patients or images, or a needed label cannot be split.
    """
    rows = manifest.rows.copy()
    needed = frozenset(rows[LABEL]) if needed is None else frozenset(needed)
    given = set(rows[SPLIT]) - {""}
    if given and TRAIN not in given:
        raise StudyBlocked("the splits that came with the data have no images for training")
    leaked = leaks(rows)
    if leaked:
        raise StudyBlocked(
            f"the splits that came with the data share cases, so a test would flatter: {'; '.join(leaked)}"
        )
    fractions = {VALIDATION: validation_fraction, TEST: test_fraction}
    carved = {name: fraction for name, fraction in fractions.items() if name not in given}
    if carved:
        free = rows[SPLIT].isin(["", TRAIN]).to_numpy()
        # Fractions are of all images, also where they are carved from the training images alone.
        shares = {name: fraction * len(rows) / free.sum() for name, fraction in carved.items()}
        rows.loc[free, SPLIT] = _carve(rows[free], shares, needed, seed=seed)
    _check_presence(rows, needed)
    return dataclasses.replace(manifest, rows=rows)


def leaks(rows: pd.DataFrame) -> tuple[str, ...]:
    """Return a sentence for each way in which the splits in a table share patients or exact images; none if clean."""
    found = []
    ways = {
        GROUP: ("patient or lesion", "patients or lesions"),
        PIXELS: ("picture, pixel for pixel", "pictures, pixel for pixel"),
    }
    named = rows[rows[SPLIT] != ""]
    for column, (one, many) in ways.items():
        if column not in rows:
            continue
        crossing = named.groupby(column)[SPLIT].transform("nunique") > 1
        if crossing.any():
            shared = named[crossing].sort_values([column, SPLIT])
            first = [same.drop_duplicates(SPLIT) for _, same in shared.groupby(column, sort=False)][:_EXAMPLES]
            examples = "; ".join(" and ".join(_place(row) for row in same.to_dict("records")) for same in first)
            count = shared[column].nunique()
            in_test = int((shared[SPLIT] == TEST).sum())
            found.append(
                f"{count:,} {one if count == 1 else many} ({len(shared):,} images, {in_test:,} of them in the test), such as {examples}"
            )
    return tuple(found)


def units(rows: pd.DataFrame) -> NDArray[np.int64]:
    """Return the number of the unit of each image, shape (n_images,): images of a unit never part company.

    A unit is a patient or lesion, joined with all others of which it shares a duplicate.
    """
    groups = pd.factorize(rows[GROUP])[0].astype(np.int64)
    if DUPLICATES not in rows:
        return groups
    duplicates = rows[DUPLICATES].to_numpy()
    has = duplicates >= 0
    sets = pd.factorize(duplicates[has])[0] + groups.max(initial=-1) + 1
    size = int(max(groups.max(initial=-1), sets.max(initial=-1))) + 1
    links = coo_array((np.ones(has.sum()), (groups[has], sets)), shape=(size, size))
    return connected_components(links, directed=False)[1][groups].astype(np.int64)


def _place(row: Mapping[Hashable, object]) -> str:
    return f"{row[FILE]} ({f'row {row[ROW]}, ' if row[ROW] else ''}{row[SPLIT]})"


def _carve(
    rows: pd.DataFrame, shares: Mapping[str, float], needed: Collection[str], *, seed: int
) -> NDArray[np.object_]:
    """Return the split of each image, shape (n_images,), with every label in about the same proportion."""
    unit = pd.factorize(units(rows))[0]
    label, names = pd.factorize(rows[LABEL], sort=True)
    counts = np.zeros((unit.max() + 1, len(names)))
    np.add.at(counts, (unit, label), 1)
    splits = (TRAIN, *shares)
    units_of_label = (counts > 0).sum(axis=0)
    for name, number in zip(names, units_of_label, strict=True):
        if name in needed and number < len(splits):
            raise StudyBlocked(
                f"label {name!r} has images of {number} separate patients, lesions or sets of copies; at least "
                f"{len(splits)} are needed to have one in each of {', '.join(splits)}. Add cases, or leave the label out"
            )
    fractions = np.array([1 - sum(shares.values()), *shares.values()])
    chosen = _fill(counts, fractions, np.random.default_rng(seed))
    return np.array(splits, dtype=object)[chosen[unit]]


def _fill(
    counts: NDArray[np.float64], fractions: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.int64]:
    """Return the split of each unit: the largest first, each to where it brings the counts nearest to their targets.

    Args:
        counts: Images of each label in each unit, shape (n_units, n_labels).
        fractions: Wanted share of each split, shape (n_splits,), summing to 1.
        random: Orders units that are alike.
    """
    total = counts.sum(axis=0)
    target = fractions[:, None] * total
    filled = np.zeros_like(target)
    waiting = (counts > 0).sum(axis=0)
    has = counts > 0
    rarest = np.where(has, waiting, np.inf).min(axis=1)
    order = np.lexsort((random.random(len(counts)), -counts.sum(axis=1), rarest))
    chosen = np.zeros(len(counts), dtype=np.int64)
    for unit in order:
        present = np.flatnonzero(has[unit])
        added, before, wanted = counts[unit, present], filled[:, present], target[:, present]
        # Growth of the squared distance from the target, in units of the target (chi-squared).
        cost = (added * (added + 2 * (before - wanted)) / wanted).sum(axis=1)
        lacking = before == 0
        must = present[lacking.sum(axis=0) >= waiting[present]]
        if len(must):
            column = int(np.flatnonzero(present == must[np.argmin(waiting[must])])[0])
            cost = np.where(lacking[:, column] | ~lacking[:, column].any(), cost, np.inf)
        chosen[unit] = int(np.argmin(cost))
        filled[chosen[unit], present] += added
        waiting[present] -= 1
    return chosen


def _check_presence(rows: pd.DataFrame, needed: Collection[str]) -> None:
    table = pd.crosstab(rows[LABEL], rows[SPLIT])
    for label in sorted(needed):
        for name in (TRAIN, VALIDATION, TEST):
            if label not in table.index or name not in table.columns or table.loc[label, name] == 0:
                raise StudyBlocked(
                    f"label {label!r} has no images in the split {name!r}, so it cannot be learned and tested"
                )
