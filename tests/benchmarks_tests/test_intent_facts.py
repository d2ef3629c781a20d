"""The profile that a benchmark row's description of its data stands for."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from facts import profile_of
from hypothesis import given, settings
from hypothesis import strategies as st

ROWS = Path(__file__).resolve().parents[2].parent / "shared" / "clinical" / "requests.jsonl"


def described(labels, metadata=("patient_id",), images=1000, **more):
    return profile_of({"images": images, "labels": labels, "metadata": list(metadata), "split": "none", **more})


def counts(profile):
    return {item.label: item.images for item in profile.labels}


def test_a_list_of_labels_is_one_column_whose_images_are_shared_evenly():
    profile = described({"dx": ["mel", "nv", "bcc"]})
    assert profile.roles.label == "dx"
    assert counts(profile) == {"mel": 334, "nv": 333, "bcc": 333}


def test_labels_with_counts_keep_them():
    assert counts(described({"dx": {"mel": 100, "nv": 900}})) == {"nv": 900, "mel": 100}


@pytest.mark.parametrize("words", ["binary", "0/1", "yes/no", "binary (yes/no)", True])
def test_a_single_yes_or_no_column_holds_0_and_1(words):
    profile = described({"melanoma": words})
    assert (profile.kind, profile.roles.label, profile.findings) == ("table", "melanoma", ())
    assert counts(profile) == {"0": 800, "1": 200}


@pytest.mark.parametrize(
    ("words", "more", "present"),
    [
        ("binary, 60 positives", {}, 60),
        ("binary, 3% positive", {}, 30),
        ("binary, prevalence 5%", {}, 50),
        ("binary", {"prevalence": 0.05}, 50),
        ("binary", {"prevalence": "5%"}, 50),
        ("binary", {"prevalence": {"cancer": 0.03}}, 30),
        ("binary", {"positives": 7}, 7),
    ],
)
def test_stated_positives_are_taken(words, more, present):
    assert counts(described({"cancer": words}, **more)) == {"0": 1000 - present, "1": present}


def test_several_yes_or_no_columns_are_findings_that_can_occur_together():
    profile = described({"effusion": "0/1/-1", "oedema": "0/1/-1(uncertain)", "cardiomegaly": "0/1"})
    assert profile.kind == "multi_label"
    assert [(item.name, item.uncertain > 0) for item in profile.findings] == [
        ("effusion", True), ("oedema", True), ("cardiomegaly", False),
    ]  # fmt: skip
    assert all(item.present + item.absent + item.uncertain == 1000 for item in profile.findings)
    assert "effusion|oedema" in counts(profile)
    assert [item.label for item in profile.forecasts] == ["effusion", "oedema", "cardiomegaly"]


def test_boxes_on_a_share_of_the_images_leave_positives_that_nobody_drew():
    profile = described({"polyp": "binary", "boxes": "5% of frames"}, ("video_id", "patient_id"))
    assert [(item.kind, item.images) for item in profile.supervision] == [("boxes", 50), ("label", 950)]
    assert [item.name for item in profile.findings] == ["polyp"]
    assert profile.boxes.unboxed_present == 190
    assert profile.roles.group == "patient_id"


@pytest.mark.parametrize(
    ("boxes", "names"),
    [
        ("fracture", ["fracture"]),
        (["mitosis", "look_alike"], ["mitosis", "look_alike"]),
        ("mitosis, look-alike", ["mitosis", "look-alike"]),
    ],
)
def test_boxes_of_named_things_are_drawn_on_all_images(boxes, names):
    profile = described({"boxes": boxes})
    assert profile.kind == "coco"
    assert [item.name for item in profile.findings] == names
    assert [(item.kind, item.images) for item in profile.supervision] == [("boxes", 1000)]
    assert {name for name, _ in profile.boxes.labels} == set(names)


def test_graders_are_annotators_and_no_attributes():
    profile = described({"plus": "three graders, per image"}, ("infant_id", "eye", "grader_1", "grader_2", "grader_3"))
    assert [item.name for item in profile.annotators] == ["grader_1", "grader_2", "grader_3"]
    assert [item.name for item in profile.attributes] == ["eye"]
    assert set(counts(profile)) == {"0", "1"}
    assert 0 < profile.disagreement < 1


def test_graders_without_columns_of_their_own_are_numbered():
    profile = described({"plus": "two readers"})
    assert [item.name for item in profile.annotators] == ["reader 1", "reader 2"]


@pytest.mark.parametrize("words", ["grade 0-4", "ICDR 0-4", "0..4", "0 to 4"])
def test_grades_are_labels(words):
    assert set(counts(described({"dr": words}))) == {"0", "1", "2", "3", "4"}


def test_a_grade_may_have_one_more_value():
    assert set(counts(described({"dr": "ICDR 0-4 or ungradable"}))) == {"0", "1", "2", "3", "4", "ungradable"}


@pytest.mark.parametrize("words", ["continuous", "float", "percent", "0-100", "continuous, 5-85 %"])
def test_a_measured_value_is_no_label(words):
    profile = described({"ef": words})
    assert profile.labels == ()
    assert [(item.name, item.kind) for item in profile.attributes] == [("ef", "numeric")]


@pytest.mark.parametrize("labels", [{}, None, {"death_1y": "absent"}, {"death_1y": None}, "none", []])
def test_data_without_labels_is_unlabelled(labels):
    profile = described(labels)
    assert (profile.kind, profile.labels) == ("unlabelled", ())


def test_the_share_that_is_missing_and_the_values_are_read_from_an_aside():
    profile = described({"mel": "binary"}, ("skin_type (62% missing)", "sex (male, female)", "age"))
    about = {item.name: item for item in profile.attributes}
    assert about["skin_type"].missing == 620
    assert [value for value, _ in about["sex"].values] == ["male", "female"]
    assert about["age"].values == ()


@pytest.mark.parametrize(
    ("metadata", "group"),
    [
        (("lesion_id", "patient_id"), "patient_id"),
        (("slide_id", "hospital"), "slide_id"),
        (("video_id", "frame_index"), "video_id"),
        (("image_id", "age"), None),
        (("infant_id", "eye"), "infant_id"),
    ],
)
def test_the_widest_id_is_the_group(metadata, group):
    assert described({"mel": "binary"}, metadata).roles.group == group


def test_given_splits_add_up_to_all_images():
    profile = profile_of({"images": 999, "labels": {"x": "binary"}, "metadata": [], "split": "given"})
    assert [name for name, _ in profile.given_splits] == ["train", "validation", "test"]
    assert sum(count for _, count in profile.given_splits) == 999


def test_what_the_description_says_besides_is_noted():
    assert any("two scanners" in note for note in described({"x": "binary"}, scanners="two scanners").notes)


@pytest.mark.skipif(not ROWS.exists(), reason="the benchmark's requests are not beside this checkout")
def test_every_row_of_the_benchmark_has_a_profile_with_forecasts():
    for line in ROWS.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        profile = profile_of(row["data_manifest"])
        assert profile == profile_of(row["data_manifest"]) or math.isnan(profile.disagreement)
        assert profile.labels, row["id"]
        assert profile.forecasts, row["id"]
        assert profile.n_images == row["data_manifest"]["images"]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["binary", "5% of frames", "0-4", "three graders", "0/1/-1", "absent", "given", "patient_id", "x (62% missing)"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(labels=anything, metadata=anything, images=anything, split=anything, missing=anything, boxes=anything)
def test_no_description_makes_it_fail(*, labels, metadata, images, split, missing, boxes):
    labels = {**labels, "boxes": boxes} if isinstance(labels, dict) else labels
    manifest = {"images": images, "labels": labels, "metadata": metadata, "split": split, "missing": missing}
    profile = profile_of(manifest)
    assert profile.n_images >= 1
    assert all(item.images >= 0 for item in profile.labels)
    assert all(min(item.present, item.absent, item.uncertain) >= 0 for item in profile.findings)
