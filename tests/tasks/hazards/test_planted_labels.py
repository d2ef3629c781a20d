"""Labels that are too few, uncertain, missing, of different strength, or contradicted, planted one by one."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import MASK_COLUMNS, READING_COLUMNS

IMAGES = 600


def findings_of(manifest):
    return {name: manifest.rows[f"finding.{name}"].to_numpy(dtype=float, copy=True) for name in manifest.findings}


def test_a_finding_of_two_patients_is_warned_of_and_no_combination_is(with_findings, look, label_with):
    manifest = with_findings()
    rare = np.zeros(IMAGES)
    rare[:4] = 1
    found = look(label_with(manifest, {**findings_of(manifest), "hernia": rare}))
    hazard = found.one("tiny_class")
    assert hazard.severity == "warn"
    assert "hernia has only 4 images of 2 patients" in hazard.summary
    assert "|" not in "".join(item.summary for item in found.profile.hazards)


def test_a_rare_finding_is_warned_of(with_findings, look, label_with):
    manifest = with_findings()
    rare = (np.random.default_rng(0).random(IMAGES) < 0.1).astype(float)
    assert (
        "exploratory" in look(label_with(manifest, {**findings_of(manifest), "mass": rare})).one("tiny_class").summary
    )


def test_a_finding_that_nobody_is_free_of_is_warned_of(with_findings, look, label_with):
    manifest = with_findings()
    always = np.ones(IMAGES)
    assert look(label_with(manifest, {**findings_of(manifest), "lung": always})).one("few_negatives").severity == "warn"


def test_a_small_subgroup_is_warned_of(clean, look):
    manifest = clean(skin_type=np.random.default_rng(0).choice(["II", "VI"], IMAGES, p=[0.85, 0.15]))
    hazard = look(manifest).one("tiny_cell")
    assert hazard.severity == "warn"
    assert "with skin_type = vi" in hazard.summary.lower()


def test_what_a_given_test_does_not_hold_is_warned_of(clean, look):
    manifest = clean(drain=np.random.default_rng(0).choice(["yes", "no"], IMAGES))
    rows = manifest.rows
    patient = np.arange(IMAGES) // 2
    lacking = (rows["label"] == "nv") & (rows["attribute.drain"] == "yes")
    whole = ~lacking.groupby(patient).transform("any")
    rows["split"] = np.where(whole & (patient % 2 == 0), "test", "train")
    hazard = look(manifest).one("empty_cell")
    assert hazard.severity == "warn"
    assert "with nv where drain = yes" in hazard.summary


def test_uncertain_findings_are_asked_about(with_findings, look, label_with):
    manifest = with_findings()
    findings = findings_of(manifest)
    findings["nodule"][:50] = -1
    found = look(label_with(manifest, findings))
    hazard = found.one("uncertain_labels")
    assert hazard.severity == "ask"
    assert "nodule (50)" in hazard.summary
    assert {item.name: item.uncertain for item in found.profile.findings} == {"effusion": 0, "nodule": 50}


def test_a_label_that_says_that_nobody_was_sure_is_asked_about(clean, look):
    manifest = clean()
    manifest.rows.loc[::3, "label"] = "Indeterminate"
    assert "Indeterminate (200)" in look(manifest).one("uncertain_labels").summary


def test_images_without_label_are_reported(clean, look):
    manifest = clean()
    manifest.rows.loc[:99, ["label", "supervision"]] = ["", "none"]
    found = look(manifest)
    assert found.one("missing_labels").severity == "report"
    assert sum(label.images for label in found.profile.labels) == 500


def test_findings_known_for_some_images_only_are_reported(with_findings, look, label_with):
    manifest = with_findings()
    findings = findings_of(manifest)
    findings["nodule"][:50] = np.nan
    assert "nodule (50)" in look(label_with(manifest, findings)).one("missing_labels").summary


def test_one_label_alone_is_refused_but_one_finding_with_boxes_is_not(clean, with_boxes, look, label_with):
    manifest = clean()
    manifest.rows["label"] = "mel"
    with pytest.raises(DataUnusable, match="have the label 'mel'"):
        look(manifest)
    boxed = with_boxes()
    ids = set(boxed.boxes["image_id"])
    rows = boxed.rows[boxed.rows["image_id"].isin(ids)].reset_index(drop=True)
    found = look(label_with(replace(boxed, rows=rows), {"nodule": np.ones(len(rows))}))
    assert found.one("few_negatives").severity == "warn"


def test_partly_boxed_images_without_negatives_stop_the_study(with_boxes, look, label_with):
    manifest = with_boxes()
    boxed = manifest.rows["image_id"].isin(manifest.boxes["image_id"])
    manifest.rows["supervision"] = np.where(boxed, "boxes", "none")
    hazard = look(label_with(manifest, {"nodule": np.where(boxed, 1.0, np.nan)})).one("mixed_supervision")
    assert hazard.severity == "block"
    assert "Images without boxes are not negatives" in hazard.summary


def test_negatives_that_nobody_saw_stop_the_study(with_boxes, look):
    manifest = with_boxes()
    unseen = ~manifest.rows["image_id"].isin(manifest.boxes["image_id"]) & (manifest.rows.index % 4 == 0)
    manifest.rows["supervision"] = np.where(unseen, "none", "boxes")
    hazard = look(manifest).one("mixed_supervision")
    assert hazard.severity == "block"
    assert f"{unseen.sum()} images that nobody looked at for boxes are called free" in hazard.summary
    assert hazard.examples


def test_few_boxes_beside_many_labels_are_reported_as_no_negatives(with_boxes, look):
    manifest = with_boxes()
    kept = manifest.boxes.head(30)
    boxed = manifest.rows["image_id"].isin(kept["image_id"])
    manifest.rows["supervision"] = np.where(boxed, "boxes", "label")
    found = look(replace(manifest, boxes=kept))
    assert found.one("mixed_supervision").severity == "report"
    assert "270 images with the finding have no box because nobody drew any" in found.one("unboxed_positives").summary
    assert found.alarms == set()
    assert found.profile.boxes.unboxed_present == 270


def test_boxes_that_contradict_the_labels_are_asked_about(with_boxes, look):
    manifest = with_boxes()
    free = manifest.rows.loc[manifest.rows["finding.nodule"] == 0, "image_id"].iloc[:3]
    boxes = manifest.boxes.copy()
    boxes.loc[:2, "image_id"] = free.to_numpy()
    hazard = look(replace(manifest, boxes=boxes)).one("box_label_disagreement")
    assert hazard.severity == "ask"
    assert "3 images called free of it have a box" in hazard.summary
    assert "3 images that have the label have no box" in hazard.summary
    assert len(hazard.examples) == 6


def test_boxes_of_a_picture_that_cannot_be_read_are_left_out_with_it(with_boxes, look, tmp_path):
    manifest = with_boxes()
    boxed = manifest.rows["image_id"].isin(manifest.boxes["image_id"]).to_numpy()
    broken = int(np.flatnonzero(boxed)[0])
    shutil.copytree(manifest.images, tmp_path / "own")
    (tmp_path / "own" / f"{broken:04d}.png").write_bytes(b"no picture")
    found = look(replace(manifest, images=tmp_path / "own"))
    assert (found.profile.n_images, found.profile.boxes.boxes) == (IMAGES - 1, 299)
    assert [item.row for item in found.profile.quarantined] == [broken + 2]
    assert found.profile.boxes.unusable == 1


def test_boxes_that_cannot_be_used_are_counted(with_boxes, look):
    manifest = with_boxes()
    boxes = manifest.boxes.copy()
    boxes.loc[0, "x_max"] = boxes.loc[0, "x_min"]
    boxes.loc[1, ["x_min", "x_max"]] = [100.0, 120.0]
    boxes = pd.concat([boxes, boxes.iloc[[5]]], ignore_index=True)
    found = look(replace(manifest, boxes=boxes))
    assert found.profile.boxes.unusable == 3
    assert found.one("unusable_boxes").severity == "report"


@pytest.mark.parametrize(("wrong", "severity"), [(0.3, "ask"), (0.02, "report")])
def test_readers_who_differ_are_asked_about(clean, look, wrong, severity):
    manifest = clean()
    random = np.random.default_rng(0)
    truth = manifest.rows["label"]
    readings = []
    for reader in ("reader 1", "reader 2"):
        flipped = np.where(truth == "mel", "nv", "mel")
        said = np.where(random.random(IMAGES) < wrong / 2, flipped, truth)
        readings += [(image, "", reader, value) for image, value in zip(manifest.rows["image_id"], said, strict=True)]
    found = look(replace(manifest, readings=pd.DataFrame(readings, columns=list(READING_COLUMNS))))
    assert found.one("rater_disagreement").severity == severity
    assert found.profile.disagreement == pytest.approx(wrong, abs=0.06)
    assert {annotator.name for annotator in found.profile.annotators} == {"reader 1", "reader 2"}


def test_a_label_that_one_hospital_seldom_gives_is_reported(clean, look):
    random = np.random.default_rng(0)
    hospital = random.choice(["A", "B"], IMAGES)
    manifest = clean(hospital=hospital)
    without = (hospital == "A") & (random.random(IMAGES) < 0.3)
    manifest.rows.loc[without, ["label", "supervision"]] = ["", "none"]
    assert "The label is missing in" in look(manifest).one("missing_values").summary


def test_masks_that_can_be_used_are_counted_beside_the_boxes(with_boxes, few, look):
    manifest = few(with_boxes())
    ids = manifest.rows["image_id"].iloc[:7]
    masks = pd.DataFrame(
        [(image, "nodule", "", "1 5", "", 0, "is empty" if number == 0 else "") for number, image in enumerate(ids)],
        columns=list(MASK_COLUMNS),
    )
    assert look(replace(manifest, masks=masks)).profile.masked_images == 6
