"""Cues that a model must not lean on, groups that it must serve alike, and other hospitals: with and without a column."""

from __future__ import annotations

import math

import pytest

from agents.playbook.semantic_parser import PlaybookSemanticParser
from tasks.domain.profile import Attribute, Forecast, LabelCount, Profile
from tasks.domain.request import ColumnRoles


def data(column, labels, attributes=(), group="patient_id", missing=()):
    total = sum(labels.values())
    return Profile(
        kind="table", roles=ColumnRoles(image="image", label=column, group=group), n_images=total, n_groups=total // 2, has_groups=bool(group),
        labels=tuple(LabelCount(label=k, images=v, groups=v // 2) for k, v in labels.items()),
        attributes=tuple(
            Attribute(name=name, kind="categorical", missing=round(dict(missing).get(name, 0) * total), values=(), cramers_v=0.1, auc=0.6, auc_label="")
            for name in attributes
        ),
        quarantined=(), width_median=64, height_median=64, exact_duplicate_sets=0, exact_duplicate_images=0, near_duplicate_pairs=0,
        conflicting_duplicate_sets=0, conflicting_groups=0, given_splits=(), hazards=(),
        forecasts=tuple(
            Forecast(label=k, test_images=round(v * 0.15), test_groups=round(v * 0.15), auc_half_width=0.03, detectable_difference=0.02) for k, v in labels.items()
        ),
        seconds=1.0,
    )  # fmt: skip


def parse(text, profile):
    return PlaybookSemanticParser().parse(text, profile)


def kinds(parsed):
    return {question.kind for question in parsed.questions}


def cited(spec, field):
    return [ground.words for ground in spec.grounding if ground.field == field and ground.source == "request"]


CHEST = data("pneumothorax", {"0": 6000, "1": 2200}, ("age", "sex", "view", "chest_drain"))
BARE = data("pneumothorax", {"0": 6000, "1": 2200}, ())
SITES = data("pneumothorax", {"0": 6000, "1": 2200}, ("hospital", "age"))
LESIONS = data("melanoma", {"0": 10_000, "1": 2_000}, ("site", "skin_type", "ruler"), missing={"skin_type": 0.62})
TEXTS = data("effusion", {"0": 9000, "1": 900}, ("ward", "burned_in_text"))
REDUCE = "reduce_reliance_and_report_by_subgroup"


def cues(spec):
    return {item.name: (item.column, item.handling) for item in spec.confounders}


def drafted(text, profile):
    parsed = parse(text, profile)
    assert parsed.draft is not None, [question.text for question in parsed.questions]
    return parsed, parsed.draft


@pytest.mark.parametrize(
    "words",
    [
        "Make sure it looks at the lung edge and not just at chest drains.",
        "Do not let the model cheat by looking at chest drains.",
        "It must not rely on chest tubes.",
        "The model should ignore chest drains.",
        "Chest drains must not be used.",
        "I'm worried it will learn the chest drain and not the disease.",
        "Half of the positives have a chest drain; please make the model ignore those.",
    ],
)
def test_a_cue_with_a_column_is_a_confounder_and_needs_no_question(words):
    parsed, spec = drafted(f"Find pneumothorax. {words}", CHEST)
    assert cues(spec) == {"chest_drain": ("chest_drain", REDUCE)}
    assert parsed.level == "none"
    assert cited(spec, "confounders.chest_drain")


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("Do not let it look at rulers.", "ruler"),
        ("Ignore the flux capacitor.", "flux_capacitor"),
        ("It must not rely on chest drains.", "chest_drain"),
    ],
)
def test_a_cue_without_a_column_stays_and_its_annotation_is_asked_for(words, name):
    parsed, spec = drafted(f"Find pneumothorax. {words}", BARE)
    assert cues(spec) == {name: ("", REDUCE)}
    assert (parsed.level, kinds(parsed)) == ("confirm_default", {"missing_annotation"})
    assert any("not tested" in caveat for caveat in spec.caveats)


def test_two_cues_without_a_column_make_one_question():
    parsed, spec = drafted("Find pneumothorax. It must not look at rulers or ink markings.", BARE)
    assert len(spec.confounders) == 2
    assert len(parsed.questions) == 1


def test_a_cue_that_is_allowed_is_no_confounder_and_is_asked_about():
    parsed, spec = drafted("Find pneumothorax. Please look at the lung edge and also at chest drains.", CHEST)
    assert cues(spec) == {}
    assert kinds(parsed) == {"allowed_cue"}


def test_text_burned_in_is_masked_and_where_it_comes_from_is_reported():
    parsed, spec = drafted(
        "Find effusion. The films from ICU have a burned-in 'ICU' text - that must not be used.", TEXTS
    )
    assert cues(spec) == {"burned_in_text": ("burned_in_text", "mask_and_test"), "ward": ("ward", "report_by_subgroup")}
    assert parsed.level == "none"
    assert any("ward" in caveat for caveat in spec.caveats)


def test_signs_and_a_bare_site_that_the_data_marks_are_watched_without_a_word():
    _, marked = drafted("Find effusion.", TEXTS)
    assert cues(marked) == {"burned_in_text": ("burned_in_text", "check_not_used_as_disease_cue")}
    _, places = drafted("Find pneumothorax.", data("pneumothorax", {"0": 900, "1": 100}, ("site",)))
    assert cues(places) == {"site": ("site", "check_association_with_label")}
    assert {ground.source for ground in places.grounding if ground.field == "confounders.site"} == {"profile"}
    _, named = drafted("Find pneumothorax.", SITES)
    assert cues(named) == {}  # the investigation reports hospitals; the spec holds what the words want of them
    _, skin = drafted("Find melanoma.", LESIONS)
    assert cues(skin) == {}


@pytest.mark.parametrize(
    "words",
    ["", "Half of our patients had a chest drain.", "We use a ruler in our clinic.", "Report the chest drains."],
)
def test_what_is_only_mentioned_is_no_confounder(words):
    _, spec = drafted(f"Find pneumothorax. {words}", CHEST)
    assert cues(spec) == {}


@pytest.mark.parametrize(
    ("words", "criterion", "level", "expected"),
    [
        ("It must be equally good in children and adults.", "equal", "confirm_default", {"missing_max_gap"}),
        ("It has to work as well in children as in adults.", "equal", "confirm_default", {"missing_max_gap"}),
        ("It must not be worse in children.", "not_worse", "none", set()),
        ("Show children and adults separately.", "report", "none", set()),
        ("Report results by age.", "report", "none", set()),
        ("Show me the elderly separately as well.", "report", "confirm_default", {"rule_detail"}),
    ],
)
def test_groups_are_held_equal_or_not_worse_or_only_shown(words, criterion, level, expected):
    parsed, spec = drafted(f"Find pneumothorax. {words}", CHEST)
    assert [(item.attribute, item.column, item.criterion) for item in spec.subgroups] == [("age", "age", criterion)]
    assert math.isnan(spec.subgroups[0].max_gap)
    assert (parsed.level, kinds(parsed)) == (level, expected)


@pytest.mark.parametrize(
    "words",
    [
        "A difference of 0.02 in AUROC is fine.",
        "They must not be more than 0.02 apart.",
        "Up to 2 points of AUC apart is all right.",
    ],
)
def test_a_gap_that_is_named_is_held_and_not_asked_about(words):
    parsed, spec = drafted(f"Find pneumothorax. It must be equally good in women and men. {words}", CHEST)
    assert spec.subgroups[0].max_gap == pytest.approx(0.02)
    assert parsed.level == "none"


def test_a_group_that_the_data_hardly_records_is_asked_about():
    parsed, spec = drafted("Find melanoma. It must not be worse in dark skin.", LESIONS)
    assert [(item.attribute, item.criterion) for item in spec.subgroups] == [("skin_type", "not_worse")]
    assert kinds(parsed) == {"missing_attribute"}
    assert "38%" in parsed.questions[0].text
    gone, without = drafted("Find pneumothorax. It must not be worse in dark skin.", BARE)
    assert [(item.attribute, item.column) for item in without.subgroups] == [("skin_tone", "")]
    assert kinds(gone) == {"missing_attribute"}


@pytest.mark.parametrize(
    "words", ["It must also work at the other hospital.", "It has to hold up at hospitals it has never seen."]
)
def test_a_model_that_must_work_at_another_hospital_may_not_lean_on_which_one_it_is(words):
    parsed, spec = drafted(f"Find pneumothorax. {words}", SITES)
    assert (parsed.level, kinds(parsed)) == ("resolve_from_data", {"external_site"})
    assert "hospital" in parsed.questions[0].text
    assert cues(spec) == {"hospital": ("hospital", "hold_out_site_and_report")}
    assert spec.held_out == "hospital"
    without, unmarked = drafted(f"Find pneumothorax. {words}", BARE)
    assert (without.level, kinds(without)) == ("confirm_default", {"missing_annotation"})
    assert (cues(unmarked), unmarked.held_out) == ({"hospital": ("", "hold_out_site_and_report")}, "")


@pytest.mark.parametrize(
    "words",
    [
        "The films come from two hospitals and I want to know whether a model that has only seen the one works at the other.",
        "We want external validation.",
    ],
)
def test_whether_it_works_at_another_hospital_is_answered_by_the_data_where_it_can_be(words):
    parsed, spec = drafted(f"Find pneumothorax. {words}", SITES)
    assert (parsed.level, kinds(parsed)) == ("resolve_from_data", {"external_site"})
    assert (cues(spec), spec.held_out) == ({}, "hospital")
    without, _ = drafted(f"Find pneumothorax. {words}", BARE)
    assert (without.level, kinds(without)) == ("confirm_default", {"missing_attribute"})


@pytest.mark.parametrize("words", ["The films come from our hospital.", "We collected them at two hospitals."])
def test_a_hospital_that_is_only_named_asks_for_nothing(words):
    parsed, _ = drafted(f"Find pneumothorax. {words}", SITES)
    assert "external_site" not in kinds(parsed)


@pytest.mark.parametrize(
    "words",
    ["Leave out the women.", "I don't trust the films of women, so leave those out.", "Do not use films of women."],
)
def test_a_group_that_is_to_be_left_out_is_asked_about_and_never_passed_over(words):
    parsed, spec = drafted(f"Find pneumothorax. {words}", CHEST)
    assert (parsed.level, kinds(parsed)) == ("confirm_default", {"rule_detail"})
    assert spec.confounders == ()
    assert any("left out" in caveat for caveat in spec.caveats)
