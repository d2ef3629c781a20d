import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tasks.domain.request import Request
from tasks.investigation import investigate
from tasks.phantoms import COLUMNS, draw_phantoms
from tasks.readers.discovery import read_manifest
from tasks.splitting import split


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return draw_phantoms(tmp_path_factory.mktemp("phantoms"), patients=60, seed=4, image_size=32)


@pytest.fixture(scope="module")
def investigated(table):
    return investigate(read_manifest(Request(text="", images=table.parent / "images", table=table)), workers=1)


def test_the_table_has_its_columns_and_melanoma_is_the_rarest(table):
    cells = pd.read_csv(table)
    assert tuple(cells.columns) == COLUMNS
    assert cells["diagnosis"].value_counts().index[0] == "nevus"
    assert set(cells["diagnosis"]) == {"nevus", "keratosis", "melanoma"}
    assert set(cells.loc[cells["diagnosis"] == "melanoma", "confirmed_by"]) == {"histology"}


def test_every_planted_flaw_is_found(investigated):
    manifest, profile = investigated
    assert sorted(item.reason.split(":")[0] for item in profile.quarantined) == ["cannot be read", "no such image file"]
    assert profile.exact_duplicate_sets >= 5
    assert profile.near_duplicate_pairs >= 4
    shortcuts = [hazard.summary for hazard in profile.hazards if hazard.kind == "shortcut"]
    assert any("melanoma" in summary and "confirmed_by = histology" in summary for summary in shortcuts)
    assert (manifest.roles.image, manifest.roles.label, manifest.roles.group) == ("image", "diagnosis", "patient")


def test_the_phantoms_can_be_split(investigated):
    rows = split(investigated[0], seed=0).rows
    assert set(rows["split"]) == {"train", "validation", "test"}


def test_a_seed_draws_the_same_pictures(table, tmp_path):
    again = draw_phantoms(tmp_path, patients=60, seed=4, image_size=32)
    assert again.read_bytes() == table.read_bytes()
    for name in pd.read_csv(table)["image"][20:24]:
        one, other = (Image.open(path.parent / "images" / f"{name}.jpg") for path in (table, again))
        assert np.array_equal(np.asarray(one), np.asarray(other))
        assert one.size == (32, 32)


def test_too_few_patients_are_refused(tmp_path):
    with pytest.raises(ValueError, match="fewer than 20"):
        draw_phantoms(tmp_path, patients=3)
