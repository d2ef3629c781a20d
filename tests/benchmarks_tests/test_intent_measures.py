"""Metrics however a key or a spec writes them, and names that mean one thing."""

from __future__ import annotations

import math

import pytest
from measure import read_bound, read_measure
from same_name import one_begins_with_the_other, same_class, same_thing

NAN = math.nan


@pytest.mark.parametrize(
    ("name", "family", "target", "fixed", "modifiers"),
    [
        ("auroc", "auroc", "", NAN, set()),
        ("AUC", "auroc", "", NAN, set()),
        ("auroc[mel]", "auroc", "mel", NAN, set()),
        ("macro_auroc", "auroc", "", NAN, {"macro"}),
        ("f1_macro", "f1", "", NAN, {"macro"}),
        ("sensitivity_at_specificity_80[mel]", "sensitivity_at_specificity", "mel", 0.8, set()),
        ("sens@spec90", "sensitivity_at_specificity", "", 0.9, set()),
        ("sensitivity_at_90_specificity", "sensitivity_at_specificity", "", 0.9, set()),
        ("sensitivity_at_fixed_fpr_0.15", "sensitivity_at_specificity", "", 0.85, set()),
        ("sensitivity_at_fixed_coverage", "sensitivity_at_coverage", "", NAN, set()),
        ("recall_at_fp_per_image_2", "sensitivity_at_false_positives_per_image", "", 2.0, set()),
        ("map50[polyp]", "map50", "polyp", NAN, set()),
        ("mAP@0.5", "map50", "", NAN, set()),
        ("mAP@0.5:0.95", "map50_95", "", NAN, set()),
        ("recall@iou0.5", "sensitivity", "", NAN, set()),
        ("recall@iou0.75", "sensitivity", "", NAN, {"iou 0.75"}),
        ("quadratic_weighted_kappa", "quadratic_kappa", "", NAN, set()),
        ("auroc_min_over_sites", "auroc", "", NAN, {"worst", "site"}),
        ("worst_site_auroc", "auroc", "", NAN, {"worst", "site"}),
        ("auroc_change_vs_initial", "auroc", "", NAN, {"change"}),
        ("sensitivity gap", "sensitivity", "", NAN, {"gap"}),
        ("balanced_accuracy", "balanced_accuracy", "", NAN, set()),
        ("within_5_points", "within_5_points", "", NAN, set()),
    ],
)
def test_a_metric_is_read_however_it_is_written(name, family, target, fixed, modifiers):
    measure = read_measure(name)
    assert (measure.family, measure.target, measure.modifiers) == (family, target, modifiers)
    assert measure.fixed == fixed or (math.isnan(measure.fixed) and math.isnan(fixed))


def test_words_of_a_metric_that_are_not_understood_stay_in_it():
    assert read_measure("auroc_external_set") != read_measure("auroc")
    assert read_measure("partial_auroc") != read_measure("auroc")


@pytest.mark.parametrize(
    ("name", "op", "value", "family", "direction", "bound"),
    [
        ("sensitivity", ">=", 0.95, "sensitivity", ">=", 0.95),
        ("sensitivity", "at least", 95, "sensitivity", ">=", 0.95),
        ("f1", ">", 0.9, "f1", ">=", 0.9),
        ("false_positive_rate", "<=", 0.2, "specificity", ">=", 0.8),
        ("miss_rate", "<", 0.1, "sensitivity", ">=", 0.9),
        ("abstention_rate", "<=", 0.08, "coverage", ">=", 0.92),
        ("mae", "<=", 5, "mae", "<=", 5),
    ],
)
def test_a_limit_is_read_in_one_form(name, op, value, *, family, direction, bound):
    read = read_bound(read_measure(name), op, value)
    assert (read.measure.family, read.op) == (family, direction)
    assert read.value == pytest.approx(bound)


@pytest.mark.parametrize(
    ("one", "other"),
    [("mel", "Melanoma"), ("polyps", "polyp"), ("oedema", "edema"), ("no_PTX", "no ptx"), ("death_1y", "death within one year")],
)  # fmt: skip
def test_names_of_one_class(one, other):
    assert same_class(one, other)


@pytest.mark.parametrize(("one", "other"), [("mel", "nv"), ("plus", "no_plus"), ("", ""), ("grade 2", "grade 3")])
def test_names_of_two_classes(one, other):
    assert not same_class(one, other)


def test_a_name_said_in_full_is_the_same_and_a_narrower_or_denied_one_is_not():
    assert one_begins_with_the_other("referable", "referable_dr")
    assert one_begins_with_the_other("one_year_mortality", "death_1y")
    assert not one_begins_with_the_other("pneumonia", "bacterial_pneumonia")
    assert not one_begins_with_the_other("referable", "non_referable")
    assert not one_begins_with_the_other("", "referable")


def test_shortcuts_are_one_by_their_column_or_a_telling_word():
    assert same_thing("burned_in_ICU_text", "burned_in_text", "icu_text", "burned_in_text")
    assert same_thing("burned_in_side_marker", "", "side_markers", "")
    assert same_thing("chest_drain", "", "chest tube", "") == same_thing("chest tube", "", "chest_drain", "")
    assert not same_thing("burned_in_text", "", "burned_in_marker", "")
    assert not same_thing("burned_in_ICU_text", "", "ward", "")
    assert not same_thing("ward", "ward", "ward", "burned_in_text")
