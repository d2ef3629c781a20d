"""A test set from a place that training never sees: one hospital, scanner or stain, held out as a whole."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from tasks.domain.errors import StudyBlocked
from tasks.domain.manifest import ATTRIBUTE, LABEL, SPLIT, TEST, TRAIN
from tasks.splitting import FEWEST_UNITS, units

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd
    from numpy.typing import NDArray

    from tasks.domain.manifest import Manifest


def hold_out(
    manifest: Manifest, attribute: str, *, needed: Collection[str] | None = None, test_fraction: float = 0.15
) -> Manifest:
    """Return the manifest with one value of an attribute as the test set, and all other images given to training.

    Of the values with enough cases the one nearest to the wanted share is taken. Images that share a patient, lesion or
    copy with the test set, but come from elsewhere, are left out; the manifest's notes say how many. A test set that the
    data bring is kept if it comes from elsewhere already.

    Args:
        manifest: Images with label, group and the attribute.
        attribute: Name of the attribute that says where an image comes from.
        needed: Labels that test and training must hold; None means all.
        test_fraction: Wanted share of the test.

    Raises:
        StudyBlocked: No value has enough cases, or the data bring a test set from the same places.
    """
    rows = manifest.rows
    places = rows[ATTRIBUTE + attribute].astype("str").where(rows[ATTRIBUTE + attribute].notna(), "")
    if (rows[SPLIT] == TEST).any():
        _check_given(rows, places, attribute)
        return manifest
    labels = sorted(set(rows[LABEL]) if needed is None else set(needed))
    unit = units(rows)
    chosen = _nearest(rows, places, unit, labels, test_fraction)
    if not chosen:
        problem = (
            f"no value of {attribute} has {FEWEST_UNITS} separate cases of each of {', '.join(labels)} while the others keep as many, so a test at "
            "another place is not possible; leave that wish out, or add cases"
        )
        raise StudyBlocked(problem)
    is_test = (places == chosen).to_numpy()
    shared = ~is_test & _in(unit, unit[is_test])
    # Given parts other than a test set stay what they are.
    split = rows[SPLIT].where(rows[SPLIT] != "", TRAIN).mask(is_test, TEST)
    kept = rows.assign(**{SPLIT: split})[~shared].reset_index(drop=True)
    notes = [
        f"The test set is everything from {attribute} {chosen!r} ({int(is_test.sum()):,} images); training sees none of it."
    ]
    if shared.any():
        notes.append(
            f"{int(shared.sum()):,} images from elsewhere are left out: the same patients or pictures are in the test set."
        )
    return dataclasses.replace(manifest, rows=kept, notes=(*manifest.notes, *notes))


def _nearest(
    rows: pd.DataFrame, places: pd.Series[str], unit: NDArray[np.int64], labels: list[str], wanted: float
) -> str:
    """Return the value nearest to the wanted share with enough units of each label in it and beside it; empty if none."""
    possible = {}
    for place, images in places[places != ""].value_counts().items():
        inside = (places == place).to_numpy()
        outside = ~inside & ~_in(unit, unit[inside])
        # Beside the test set there must be a unit for training and one for validation.
        enough = all(
            len(set(unit[inside & is_label])) >= FEWEST_UNITS and len(set(unit[outside & is_label])) >= FEWEST_UNITS - 1
            for is_label in ((rows[LABEL] == label).to_numpy() for label in labels)
        )
        if enough:
            possible[str(place)] = abs(int(images) / len(rows) - wanted)
    return min(possible, key=lambda place: (possible[place], place), default="")


def _in(values: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.isin(values, np.unique(wanted))


def _check_given(rows: pd.DataFrame, places: pd.Series[str], attribute: str) -> None:
    tested = set(places[rows[SPLIT] == TEST])
    common = sorted((tested & set(places[rows[SPLIT] != TEST])) - {""})
    if common:
        problem = (
            f"the test set that came with the data has images from places that training sees too ({attribute}: {', '.join(common[:5])}), so it "
            "cannot show how the model does elsewhere; leave its column out of the table, or leave out the wish"
        )
        raise StudyBlocked(problem)
