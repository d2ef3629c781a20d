"""Leaks, copies, contradictions and an unfair order in time, planted one by one."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

IMAGES = 600


@pytest.fixture
def divided(clean):
    manifest = clean()
    manifest.rows["split"] = ["train"] * 360 + ["test"] * 240
    return manifest


def own_pictures(manifest, folder):
    shutil.copytree(manifest.images, folder / "own")
    return replace(manifest, images=folder / "own")


def test_patients_on_both_sides_of_given_splits_stop_the_study(divided, look):
    divided.rows.loc[400:403, "group"] = ["p0", "p1", "p2", "p3"]
    leak = look(divided).one("leakage")
    assert leak.severity == "block"
    assert "share 4 patients (column patient): 12 images, 4 of them in the test" in leak.summary
    assert "0400.png (row 402): test" in leak.examples
    assert ".png" not in leak.summary


def test_eyes_named_in_another_column_are_seen_too(divided, look):
    divided.rows["attribute.eye_id"] = [f"e{number % 300}" for number in range(IMAGES)]
    leak = look(divided).one("leakage")
    assert leak.severity == "block"
    assert "share 240 values of column eye_id" in leak.summary


def test_the_same_picture_in_both_splits_stops_the_study(divided, look, tmp_path):
    planted = own_pictures(divided, tmp_path)
    shutil.copy(planted.images / "0001.png", planted.images / "0500.png")
    leak = look(planted).one("leakage")
    assert "share 1 picture, pixel for pixel" in leak.summary
    assert leak.severity == "block"


def test_a_turned_copy_across_given_splits_stops_the_study(divided, look, tmp_path):
    planted = own_pictures(divided, tmp_path)
    with Image.open(planted.images / "0001.png") as picture:
        picture.rotate(90).save(planted.images / "0500.png")
    leak = look(planted).one("leakage")
    assert leak.severity == "block"
    assert "almost the same" in leak.summary


def test_frames_of_a_video_parted_by_given_splits_are_asked_about(clean, look, tmp_path):
    manifest = clean()
    names = [f"video{number // 4:03d}_{number % 4}.png" for number in range(IMAGES)]
    for old, new in zip(manifest.rows["file"], names, strict=True):
        shutil.copy(manifest.images / old, tmp_path / new)
    manifest.rows["file"] = names
    manifest.rows["split"] = ["train" if number % 4 else "test" for number in range(IMAGES)]
    manifest.rows["group"] = manifest.rows["image_id"]
    planted = replace(manifest, images=tmp_path, roles=replace(manifest.roles, group=None))
    hazard = look(planted).one("no_groups")
    assert hazard.severity == "ask"
    assert "look like 150 series of 600 images" in hazard.summary
    assert "The given splits part 150 of them" in hazard.summary


def test_names_that_only_number_the_images_are_no_series(clean, look):
    manifest = clean()
    manifest.rows["group"] = manifest.rows["image_id"]
    hazard = look(replace(manifest, roles=replace(manifest.roles, group=None))).one("no_groups")
    assert hazard.severity == "warn"


def test_copies_with_different_labels_are_asked_about_and_named_apart(clean, look, tmp_path):
    planted = own_pictures(clean(), tmp_path)
    labels = planted.rows["label"]
    other = int(np.flatnonzero(labels != labels[0])[0])
    shutil.copy(planted.images / "0000.png", planted.images / f"{other:04d}.png")
    hazard = look(planted).one("conflicting_labels")
    assert hazard.severity == "ask"
    assert ".png" not in hazard.summary
    assert hazard.examples[0].startswith("0000.png (row 2): ")


def test_copies_conflict_in_a_finding_only_where_both_know_it(with_findings, look, tmp_path, label_with):
    planted = own_pictures(with_findings(), tmp_path)
    shutil.copy(planted.images / "0000.png", planted.images / "0001.png")
    effusion, nodule = (planted.rows[f"finding.{name}"].to_numpy(copy=True) for name in ("effusion", "nodule"))
    effusion[:2], nodule[:2] = (1, np.nan), (0, 0)
    silent = look(label_with(planted, {"effusion": effusion, "nodule": nodule}))
    assert silent.profile.conflicting_duplicate_sets == 0
    effusion[1] = 0
    assert (
        look(label_with(planted, {"effusion": effusion, "nodule": nodule})).one("conflicting_labels").severity == "ask"
    )


def test_a_test_that_lies_before_the_training_is_reported(divided, look):
    divided.rows["attribute.study_date"] = pd.date_range("2020-01-01", periods=IMAGES)[::-1].strftime("%Y-%m-%d")
    hazard = look(divided).one("temporal_order")
    assert hazard.severity == "report"
    assert "100% of its images are older" in hazard.summary
    assert "2020" not in hazard.summary


def test_pictures_after_the_finding_was_known_are_reported(clean, look):
    manifest = clean()
    manifest.rows["attribute.Follow-up #"] = [float(number % 2) for number in range(IMAGES)]
    hazard = look(manifest).one("follow_up")
    assert hazard.severity == "report"
    assert "mel (150 of 300)" in hazard.summary
