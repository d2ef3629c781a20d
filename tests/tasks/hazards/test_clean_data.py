"""Clean data of each kind raise no alarm: nothing is asked, warned of or stopped, and little is reported."""

import numpy as np
import pandas as pd
import pytest

IMAGES = 600
HARMLESS = {"skipped_attribute"}


def shuffled(*values, seed=0, share=None):
    return np.random.default_rng(seed).choice(values, IMAGES, p=share)


def test_one_label_an_image(clean, look, fairly_divided):
    found = look(fairly_divided(clean(sex=shuffled("m", "f"), scanner=shuffled("A", "B", seed=1))))
    assert found.alarms == set()
    assert found.kinds <= HARMLESS
    assert [label.label for label in found.profile.labels] == ["mel", "nv"]


def test_findings_that_occur_together(with_findings, look, fairly_divided):
    found = look(fairly_divided(with_findings(sex=shuffled("m", "f"))))
    assert found.alarms == set()
    assert found.kinds <= HARMLESS
    assert {item.name for item in found.profile.findings} == {"effusion", "nodule"}
    assert {item.label for item in found.profile.forecasts} == {"effusion", "nodule"}


def test_boxes_on_images_that_were_all_looked_at(with_boxes, look):
    found = look(with_boxes())
    assert found.alarms == set()
    assert found.kinds <= HARMLESS
    assert (found.profile.boxes.boxes, found.profile.boxes.images) == (300, 300)


def test_attributes_as_from_dicom(clean, look, fairly_divided):
    attributes = {
        "modality": ["DX"] * IMAGES,
        "photometric_interpretation": ["MONOCHROME2"] * IMAGES,
        "view": ["PA"] * IMAGES,
        "burned_in_annotation": ["NO"] * IMAGES,
        "manufacturer": shuffled("Philips", "Siemens"),
        "sex": shuffled("M", "F", seed=4),
        "study": [f"study {number // 2}" for number in range(IMAGES)],
    }
    found = look(fairly_divided(clean(**attributes)))
    assert found.alarms == set()
    assert found.kinds <= HARMLESS


def test_dates_that_rise_from_training_to_test(clean, look, fairly_divided):
    days = pd.date_range("2015-01-01", periods=IMAGES // 2, freq="D").strftime("%Y-%m-%d")
    found = look(fairly_divided(clean(date=np.repeat(days, 2))))
    assert found.alarms == set()
    assert found.kinds <= HARMLESS


def test_images_without_any_label_are_still_described(clean, look):
    manifest = clean()
    manifest.rows["label"] = ""
    manifest.rows["supervision"] = "none"
    found = look(manifest)
    assert found.one("no_labels").severity == "block"
    assert found.alarms == {"no_labels"}
    assert (found.profile.n_images, found.profile.labels, found.profile.forecasts) == (IMAGES, (), ())
    assert [(item.kind, item.images) for item in found.profile.supervision] == [("none", IMAGES)]


@pytest.mark.parametrize("column", ["frame", "supervision"])
def test_older_manifests_are_completed(clean, look, column):
    manifest = clean()
    del manifest.rows[column]
    found = look(manifest)
    assert found.alarms == set()
    assert set(found.manifest.rows["frame"]) == {-1}
    assert set(found.manifest.rows["supervision"]) == {"label"}
