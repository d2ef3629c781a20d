import math

import pytest

from tasks.domain.evaluation import Estimate
from tasks.report.drawing import round_ticks, tick_words
from tasks.report.prose import prose
from tasks.report.wording import (
    count,
    interval,
    metric_words,
    p_equation,
    p_words,
    percent,
    seconds_words,
    signed,
    why_undefined,
)


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (0.0, "< 0.001"),
        (0.0002, "< 0.001"),
        (0.001, "0.001"),
        (0.0496, "0.0496"),
        (0.0504, "0.0504"),
        (0.05, "0.050"),
        (0.4, "0.400"),
        (1.0, "1.000"),
        (math.nan, "undefined"),
    ],
)
def test_p_is_printed_to_three_places_and_never_as_zero(p, words):
    assert p_words(p) == words


def test_p_reads_as_an_equation():
    assert [p_equation(p) for p in (0.0, 0.012, math.nan)] == ["p < 0.001", "p = 0.012", "p undefined"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("auroc", "AUC"),
        ("auroc[mel]", "AUC for melanoma"),
        ("sensitivity_at_specificity_80[mel]", "Sensitivity at 80% specificity for melanoma"),
        ("specificity_at_sensitivity_95[mel]", "Specificity at 95% sensitivity for melanoma"),
        ("f1_macro", "Mean F1"),
        ("brier", "Brier score"),
    ],
)
def test_metrics_are_printed_in_words(study_record, name, words):
    assert metric_words(name, study_record.spec) == words


def test_an_unknown_metric_is_an_error(study_record):
    with pytest.raises(ValueError, match="unknown metric"):
        metric_words("vibes", study_record.spec)


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.5, "50%"), (0.9951, "99.5%"), (0.01, "1.0%"), (1.0, "100%"), (0.0, "0%"), (math.nan, "undefined")],
)
def test_shares_are_printed_with_the_digits_that_matter(value, words):
    assert percent(value) == words


def test_differences_carry_a_sign_unless_they_are_nothing():
    assert [signed(value) for value in (0.0123, -0.0123, 0.0001, math.nan)] == [
        "+0.012",
        "\N{MINUS SIGN}0.012",
        "0.000",
        "undefined",
    ]


def test_an_interval_with_an_undefined_end_is_undefined():
    assert interval(Estimate(value=0.5, low=math.nan, high=0.7)) == "undefined"


def test_counts_and_durations_are_printed_as_people_say_them():
    assert [count(1, "image"), count(1503, "image"), count(4, "entry", "entries")] == [
        "1 image",
        "1,503 images",
        "4 entries",
    ]
    assert [seconds_words(value) for value in (45, 720, 12600)] == ["45 s", "12 min", "3.5 h"]


def test_the_reason_for_an_undefined_metric_names_the_empty_class():
    assert why_undefined("auroc[mel]", (), {"nv": 5, "mel": 0}) == "no test case of class mel"
    assert why_undefined("auroc", (), {"nv": 5, "mel": 0}) == "no test case of class mel"
    assert why_undefined("auroc", ("all scores are equal",), {"nv": 5, "mel": 5}) == "all scores are equal"
    assert why_undefined("auroc", (), {"nv": 5, "mel": 5}) == "it cannot be computed on this sample"


def test_ticks_are_round_and_inside():
    assert round_ticks(0.843, 0.931) == [0.86, 0.88, 0.9, 0.92]
    assert round_ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert round_ticks(0.5, 0.5) == [0.5]
    assert [tick_words(value, [0, 0.25]) for value in (0, 0.25)] == ["0.0", "0.2"]


def test_read_backs_keep_their_headings_lists_and_emphasis():
    page = prose(
        "# Title\n\nOne **bold** and *soft* line\nwith `a*b*c`.\n\n1. first\n   goes on\n2. second\n\n> quoted\n"
    )
    assert page == (
        "<h3>Title</h3>\n<p>One <strong>bold</strong> and <em>soft</em> line with <code>a*b*c</code>.</p>\n"
        "<ol><li>first goes on</li><li>second</li></ol>\n<blockquote>quoted</blockquote>"
    )


def test_names_with_underscores_are_no_emphasis():
    assert prose("dx_type and lesion_id") == "<p>dx_type and lesion_id</p>"


def test_links_and_html_stay_text():
    assert "<a" not in prose("[here](javascript:alert(1)) <b onclick=x>")
