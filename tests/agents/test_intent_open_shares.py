"""Shares that no wording list holds, read by who is counted, what becomes of them and whether it is wished for."""

from __future__ import annotations

import pytest

from agents.playbook.semantic_parser import PlaybookSemanticParser
from tests.agents.test_intent_numbers import data

TUBERCULOSIS = data("tuberculosis", {"0": 9_000, "1": 3_000}, ("age", "site"))


def read(words, opening="Tuberculosis or not on chest films."):
    parsed = PlaybookSemanticParser().parse(f"{opening} {words}", TUBERCULOSIS)
    assert parsed.draft is not None, [question.text for question in parsed.questions]
    return parsed, parsed.draft, {item.metric: item.bound for item in parsed.draft.constraints}


@pytest.mark.parametrize(
    ("words", "floor"),
    [
        ("Losing one case in twenty is as much as I could bear; beyond that, as few false alarms as possible.", 0.95),
        ("I can live with 5 percent being overlooked.", 0.95),
        ("Of twenty patients with tuberculosis at least nineteen have to be found.", 0.95),
        ("Nine out of every ten positives have to be picked up.", 0.9),
        ("Overlooking one in ten would be the limit.", 0.9),
        ("It is acceptable that 1 in 10 cases goes undetected.", 0.9),
        ("Out of a hundred sick people it should find ninety-five.", 0.95),
        ("Ninety per hundred of the diseased ones should be sent on at the very least.", 0.9),
        ("Two missed cases in a hundred, no more.", 0.98),
        ("A miss in one of twenty cases can be tolerated, not more.", 0.95),
        ("I could accept that up to 10% of the real cases are lost.", 0.9),
        ("Please let no more than 5 per 100 slip through.", 0.95),
        ("We do not want to overlook tuberculosis. One in twenty at most.", 0.95),
        ("We want nineteen in twenty of the diseased recognised.", 0.95),
        ("Recall of 0.95 and upwards is what we need.", 0.95),
    ],
)
def test_a_cap_on_misses_or_a_share_to_be_found_is_a_floor_on_sensitivity(words, floor):
    parsed, spec, bounds = read(words)
    assert bounds == {"sensitivity[tuberculosis]": pytest.approx(floor)}
    assert spec.operating_point.fixed == "sensitivity"
    assert parsed.level == "none", [question.text for question in parsed.questions]


@pytest.mark.parametrize(
    ("words", "floor"),
    [
        ("You may send me 20 healthy ones in a hundred for nothing.", 0.8),
        ("One false alarm per twenty normals is what we can put up with.", 0.95),
        ("Of the healthy, at most 12% may be called in.", 0.88),
        ("Sending in 10 of every 100 people without tuberculosis is fine, not more.", 0.9),
        ("Nine in ten of those who are well should be left in peace.", 0.9),
        ("We can live with one healthy one in five going to the clinic.", 0.8),
        ("Please don't bother more than 5 in 100 people who do not have it.", 0.95),
        ("Out of fifty normal films no more than five should set off an alarm.", 0.9),
        ("At most one needless recall for ten healthy people, please.", 0.9),
        ("False positives: 15% at most.", 0.85),
        ("Up to a fifth of the negatives can be flagged wrongly.", 0.8),
    ],
)
def test_a_cap_on_what_happens_to_the_healthy_is_a_floor_on_specificity(words, floor):
    parsed, spec, bounds = read(words)
    assert bounds == {"specificity[tuberculosis]": pytest.approx(floor)}
    assert spec.primary == f"sensitivity_at_specificity_{floor * 100:.0f}[tuberculosis]"
    assert parsed.level == "none", [question.text for question in parsed.questions]


@pytest.mark.parametrize(
    "words",
    [
        "About one in twenty of them has it.",
        "Our radiologists currently miss 10% of the cases.",
        "In our clinic 5 in 100 will turn out to have it.",
        "The films were read by two of five readers.",
        "Only 5% of the films have boxes.",
        "We used 80% for training.",
        "Two in ten patients are older than 60.",
        "Last year one in ten was overlooked by the night shift.",
        "A published system finds 95% of the cases.",
        "The age is missing in 12% of the cases.",
        "We see 30 cases in 100 days.",
        "One in five films was taken in bed.",
        "The healthy make up 75% of the films.",
    ],
)
def test_a_share_that_only_describes_sets_no_limit(words):
    parsed, spec, bounds = read(words)
    assert not bounds
    assert spec.primary == "auroc"
    assert parsed.level == "none", [question.text for question in parsed.questions]


@pytest.mark.parametrize(
    "words",
    [
        "Catch nine in ten cases and refer at most one healthy person in five.",
        "At most 10% may be missed, and of the healthy no more than 20% may be called in.",
        "Of the normals 20 in a hundred can be recalled at most; nine in ten positives must be found.",
        "I accept one miss in ten and two false alarms in ten.",
    ],
)
def test_two_shares_in_one_sentence_keep_to_their_sides(words):
    _, _, bounds = read(words)
    assert bounds == {
        "sensitivity[tuberculosis]": pytest.approx(0.9),
        "specificity[tuberculosis]": pytest.approx(0.8),
    }


@pytest.mark.parametrize(
    "words", ["Please miss at least 10% of the cases.", "At most 95% of the cases should be found."]
)
def test_a_share_bounded_from_the_wrong_side_is_asked_about_and_not_turned_round(words):
    parsed, _, bounds = read(words)
    assert not bounds
    assert parsed.level == "blocking"


@pytest.mark.parametrize(
    ("words", "metric", "bound"),
    [
        ("I'd want the F1 score for those to be better than 0.7.", "f1[tuberculosis]", 0.7),
        ("For the sick ones the F1 should come out at 0.7 or better.", "f1[tuberculosis]", 0.7),
        ("0.85 is the least that the AUC has to reach.", "auroc", 0.85),
        ("We need to get to 85% or more, in terms of AUROC.", "auroc", 0.85),
    ],
)
def test_a_number_beside_a_metric_by_name_is_its_floor_in_any_order(words, metric, bound):
    _, _, bounds = read(words)
    assert bounds == {metric: bound}
