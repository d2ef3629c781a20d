"""A test set from a place that training never sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tasks.domain.errors import StudyBlocked
from tasks.domain.manifest import FILE, GROUP, LABEL, ROW, SPLIT, TEST, TRAIN, VALIDATION, Manifest
from tasks.domain.request import ColumnRoles
from tasks.held_out_place import hold_out
from tasks.splitting import split

SITE = "attribute.hospital"


def manifest_of(sizes: dict[str, int], *, shared: int = 0) -> Manifest:
    """Return a manifest of hospitals with so many patients each, two images a patient; `shared` patients were in two of them."""
    sites = np.repeat(list(sizes), [2 * size for size in sizes.values()]).astype(object)
    n = len(sites)
    groups = np.arange(n) // 2
    labels = np.where(groups % 3 == 0, "tumour", "normal")
    first, last = next(iter(sizes)), list(sizes)[-1]
    moved = np.flatnonzero(sites == first)[: 2 * shared : 2]
    sites[moved] = last
    rows = pd.DataFrame({LABEL: labels, GROUP: groups.astype(str), SITE: sites, SPLIT: ""})
    rows[FILE], rows[ROW] = [f"{number}.png" for number in range(n)], np.arange(n) + 2
    return Manifest(rows=rows, images=Path(), kind="table", roles=ColumnRoles(group="patient"))


def test_the_place_nearest_to_the_wanted_share_is_the_test_set_as_a_whole() -> None:
    held = hold_out(manifest_of({"north": 120, "south": 30, "east": 60}), "hospital")
    rows = split(held, seed=0).rows
    assert set(rows.loc[rows[SPLIT] == TEST, SITE]) == {"south"}
    assert "south" not in set(rows.loc[rows[SPLIT] != TEST, SITE])
    assert set(rows[SPLIT]) == {TRAIN, VALIDATION, TEST}
    assert rows.groupby(GROUP)[SPLIT].nunique().max() == 1
    assert "hospital 'south' (60 images)" in held.notes[0]


def test_patients_of_both_places_are_tested_and_their_other_images_left_out() -> None:
    held = hold_out(manifest_of({"north": 120, "south": 25}, shared=5), "hospital")
    rows = split(held, seed=0).rows
    assert rows.groupby(GROUP)[SPLIT].nunique().max() == 1
    assert len(rows) == 2 * 145 - 5
    assert held.notes[1].startswith("5 images from elsewhere are left out")


def test_images_of_no_known_place_are_trained_on_and_never_tested() -> None:
    data = manifest_of({"north": 120, "south": 30})
    data.rows.loc[:19, SITE] = None
    rows = hold_out(data, "hospital").rows
    assert (rows.loc[:19, SPLIT] == TRAIN).all()


def test_a_place_without_enough_of_a_needed_label_is_not_taken() -> None:
    data = manifest_of({"north": 120, "south": 30, "east": 60})
    data.rows.loc[data.rows[SITE] == "south", LABEL] = "normal"
    assert "'east'" in hold_out(data, "hospital").notes[0]
    assert "'south'" in hold_out(data, "hospital", needed=("normal",)).notes[0]


def test_a_test_at_another_place_that_is_not_possible_blocks() -> None:
    with pytest.raises(StudyBlocked, match="no value of hospital has 3 separate cases"):
        hold_out(manifest_of({"north": 120, "south": 2}), "hospital")
    with pytest.raises(StudyBlocked, match="no value of hospital"):
        hold_out(manifest_of({"north": 120}), "hospital")


def test_a_given_test_set_is_kept_if_it_comes_from_elsewhere_and_blocks_if_not() -> None:
    data = manifest_of({"north": 120, "south": 30})
    data.rows[SPLIT] = np.where(data.rows[SITE] == "south", TEST, TRAIN)
    assert hold_out(data, "hospital") is data
    data.rows.loc[:9, SPLIT] = TEST
    with pytest.raises(StudyBlocked, match=r"hospital: north"):
        hold_out(data, "hospital")
