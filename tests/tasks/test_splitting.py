from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tasks.domain.errors import StudyBlocked
from tasks.domain.manifest import DUPLICATES, FILE, GROUP, LABEL, PIXELS, ROW, SPLIT, Manifest
from tasks.domain.request import ColumnRoles
from tasks.splitting import split, units


def manifest_of(labels, groups, **columns):
    rows = pd.DataFrame({LABEL: labels, GROUP: groups}, dtype="str")
    rows[FILE] = [f"{number}.png" for number in range(len(rows))]
    rows[ROW] = np.arange(len(rows)) + 2
    rows[SPLIT] = ""
    for name, values in columns.items():
        rows[name] = values
    return Manifest(rows=rows, images=Path(), kind="table", roles=ColumnRoles())


@pytest.fixture
def patients():
    random = np.random.default_rng(5)
    groups = np.sort(random.integers(0, 400, 1500))
    rare = random.random(400) < 0.15
    labels = np.where(
        rare[groups] & (random.random(1500) < 0.8), "mel", np.where(random.random(1500) < 0.3, "bkl", "nv")
    )
    return manifest_of(labels, groups.astype(str))


def test_patients_stay_whole_and_labels_in_proportion(patients):
    rows = split(patients, seed=1).rows
    assert rows.groupby(GROUP)[SPLIT].nunique().max() == 1
    shares = pd.crosstab(rows[LABEL], rows[SPLIT], normalize="index")
    assert np.allclose(shares["test"], 0.15, atol=0.02)
    assert np.allclose(shares["validation"], 0.15, atol=0.02)
    assert set(patients.rows[SPLIT]) == {""}


def test_the_seed_decides(patients):
    one, again, other = (split(patients, seed=seed).rows[SPLIT] for seed in (1, 1, 2))
    assert one.equals(again)
    assert not one.equals(other)


def test_duplicates_join_patients_through_one_another(patients):
    sets = np.full(len(patients.rows), -1)
    sets[[0, 700]], sets[[701, 1400]] = 0, 1
    patients.rows[GROUP] = patients.rows[GROUP].where(~patients.rows.index.isin([700, 701]), "shared")
    patients.rows[DUPLICATES] = sets
    rows = split(patients, seed=3).rows
    assert len(set(rows.loc[[0, 700, 701, 1400], SPLIT])) == 1
    assert rows.groupby(units(patients.rows))[SPLIT].nunique().max() == 1


def test_three_cases_of_a_label_reach_all_splits(patients):
    patients.rows.loc[[3, 500, 900], LABEL] = "df"
    patients.rows.loc[[3, 500, 900], GROUP] = ["x", "y", "z"]
    for seed in range(5):
        rows = split(patients, seed=seed).rows
        assert set(rows.loc[rows[LABEL] == "df", SPLIT]) == {"train", "validation", "test"}


def test_a_label_of_two_patients_blocks_unless_it_is_not_needed(patients):
    patients.rows.loc[[3, 500], LABEL] = "df"
    with pytest.raises(StudyBlocked, match=r"label 'df' has images of 2 separate patients"):
        split(patients, seed=0)
    assert "" not in set(split(patients, seed=0, needed={"mel", "nv"}).rows[SPLIT])


def given(patients, test=True, validation=True):
    number = patients.rows[GROUP].astype(int)
    names = np.where((number % 7 == 0) & test, "test", np.where((number % 7 == 1) & validation, "validation", "train"))
    patients.rows[SPLIT] = names
    return patients


def test_given_splits_are_kept(patients):
    assert split(given(patients), seed=0).rows[SPLIT].equals(patients.rows[SPLIT])


def test_a_missing_validation_is_carved_from_training_by_patient(patients):
    rows = split(given(patients, validation=False), seed=0).rows
    assert (rows[SPLIT] == "test").equals(patients.rows[SPLIT] == "test")
    assert rows.groupby(GROUP)[SPLIT].nunique().max() == 1
    assert (rows[SPLIT] == "validation").mean() == pytest.approx(0.15, abs=0.02)


def test_a_missing_test_is_carved_from_training(patients):
    rows = split(given(patients, test=False), seed=0).rows
    assert (rows[SPLIT] == "validation").equals(patients.rows[SPLIT] == "validation")
    assert (rows[SPLIT] == "test").mean() == pytest.approx(0.15, abs=0.02)


def test_a_patient_in_two_given_splits_blocks_and_is_named(patients):
    patients = given(patients)
    patients.rows.loc[0, SPLIT] = "test" if patients.rows.loc[0, SPLIT] == "train" else "train"
    with pytest.raises(
        StudyBlocked, match=r"share cases.*1 patient or lesion .*1\.png \(row 3, test\) and 0\.png \(row 2, train\)"
    ):
        split(patients, seed=0)


def test_a_picture_in_two_given_splits_blocks(patients):
    patients = given(patients)
    patients.rows[PIXELS] = [f"{number}" for number in range(len(patients.rows))]
    train, test = (patients.rows.index[patients.rows[SPLIT] == name][0] for name in ("train", "test"))
    patients.rows.loc[train, PIXELS] = patients.rows.loc[test, PIXELS]
    with pytest.raises(StudyBlocked, match="1 picture, pixel for pixel"):
        split(patients, seed=0)


def test_given_splits_without_training_or_without_a_label_block(patients):
    patients.rows[SPLIT] = "test"
    with pytest.raises(StudyBlocked, match="no images for training"):
        split(patients, seed=0)
    patients = given(patients)
    patients.rows.loc[(patients.rows[SPLIT] == "test") & (patients.rows[LABEL] == "mel"), LABEL] = "nv"
    with pytest.raises(StudyBlocked, match="'mel' has no images in the split 'test'"):
        split(patients, seed=0)
