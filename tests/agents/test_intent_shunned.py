"""Wishes to disregard something, in many constructions: the cues are found, and what is only told of is none."""

from __future__ import annotations

import pytest

from agents.playbook.semantic_parser import PlaybookSemanticParser
from tasks.domain.profile import Attribute, Forecast, LabelCount, Profile
from tasks.domain.request import ColumnRoles


def data(*attributes):
    labels = {"0": 9000, "1": 2000}
    return Profile(
        kind="table", roles=ColumnRoles(image="image", label="melanoma", group="patient_id"), n_images=11_000, n_groups=5500, has_groups=True,
        labels=tuple(LabelCount(label=k, images=v, groups=v // 2) for k, v in labels.items()),
        attributes=tuple(Attribute(name=name, kind="categorical", missing=0, values=(), cramers_v=0.1, auc=0.6, auc_label="") for name in attributes),
        quarantined=(), width_median=64, height_median=64, exact_duplicate_sets=0, exact_duplicate_images=0, near_duplicate_pairs=0,
        conflicting_duplicate_sets=0, conflicting_groups=0, given_splits=(), hazards=(),
        forecasts=tuple(Forecast(label=k, test_images=300, test_groups=150, auc_half_width=0.03, detectable_difference=0.02) for k in labels),
        seconds=1.0,
    )  # fmt: skip


def drafted(words, *attributes):
    parsed = PlaybookSemanticParser().parse(f"Find melanoma. {words}", data(*attributes))
    assert parsed.draft is not None
    return parsed, {item.name: item.column for item in parsed.draft.confounders}


TWO = [
    "Ignore hair and bubbles.",
    "It should go by the lesion, not by hair or bubbles.",
    "It should look at the lesion and never at the hair or the bubbles.",
    "It must not be fooled by hair, and not by bubbles either.",
    "I want a tool that works without being misled by hair or bubbles.",
    "Hair and bubbles should make no difference.",
    "Hair and bubbles must not matter.",
    "It must not matter whether there are hairs or bubbles.",
    "Neither hair nor bubbles may play a part.",
    "Hair, bubbles: none of that should influence the answer.",
    "There is often hair, and there are bubbles. Please do not let it rely on those.",
    "Many pictures show hair or bubbles; it should see past them.",
    "Some have hair. Some have bubbles too. The network has to judge the lesion and not be distracted by either.",
    "Bubbles in the gel and hair over the lesion shall not influence the result.",
]


@pytest.mark.parametrize("words", TWO[:10] + TWO[10:12])
def test_each_thing_of_a_list_is_one_cue_and_one_question_asks_for_both(words):
    parsed, cues = drafted(words)
    assert cues == {"hair": "", "bubble": ""}, words
    assert {(question.kind, question.level) for question in parsed.questions} == {
        ("missing_annotation", "confirm_default")
    }


@pytest.mark.parametrize("words", TWO[:10])
def test_cues_with_columns_need_no_question(words):
    parsed, cues = drafted(words, "hair", "gel_bubbles")
    assert cues == {"hair": "hair", "gel_bubbles": "gel_bubbles"}
    assert parsed.level == "none"


@pytest.mark.parametrize(
    "words",
    [
        "Many of the pictures show hair or bubbles.",
        "A ruler was laid beside some of them.",
        "We draw a circle with a purple marker before we excise.",
        "The ruler did not matter in our last study.",
        "No patient with a ruler in the picture is missing from the set.",
        "The nurse puts a ruler beside it so that we do not lose track of the size.",
    ],
)
def test_what_is_only_told_of_is_no_cue(words):
    _, cues = drafted(words)
    assert cues == {}


@pytest.mark.parametrize("name", ["clinic_date", "hospital_day_count", "scanner_time"])
def test_a_column_that_only_shares_a_word_with_a_place_is_no_cue(name):
    _, cues = drafted("Please ignore the ruler.", name)
    assert cues == {"ruler": ""}


def test_a_marker_pen_is_ink_and_no_text():
    _, cues = drafted("Some have a ring of purple marker; don't let it learn that.", "ink")
    assert cues == {"ink": "ink"}
