"""Wishes that no fixed wording holds: who somebody is, nothing missed, served alike, records, deaths to come, unreadable images."""

from __future__ import annotations

import math

import pytest


def kinds(parsed):
    return {question.kind for question in parsed.questions}


@pytest.mark.parametrize(
    "text",
    [
        "The names were cut off these scans. Please work out who each person is by comparing them with our old archive.",
        "Can the network tell us whose hands these are?",
        "The films are pseudonymised. Figure out which of our former patients is which.",
        "Re-establish the identity of the donors from their retinas.",
        "The key was lost; assign the pseudonymised films to our patients again.",
        "Put the names back on these anonymised films.",
    ],
)
def test_who_somebody_is_is_refused_in_any_construction(understood, text):
    parsed = understood(text)
    assert parsed.refusal
    assert kinds(parsed) == {"privacy"}


@pytest.mark.parametrize(
    "text",
    [
        "The images are anonymised. Work out which patients have a tumour.",
        "The names were removed before export. Find tumours.",
        "Tell us who has a tumour.",
        "Say whether a person has a tumour. Patients are pseudonymised.",
        "Find tumours. Nobody must be able to find out who the patients are.",
        "Tumour or not, so that we know who is at risk.",
    ],
)
def test_whoever_has_a_finding_is_a_diagnosis_and_no_name(understood, text):
    parsed = understood(text)
    assert not parsed.refusal
    assert parsed.level == "none"


@pytest.mark.parametrize(
    "text",
    [
        "Work out which of our radiologists overlook the most tumours and give me a ranking by name.",
        "Rank the registrars by their misses, it is for the contract talks.",
        "Please change the stored scores so that it looks as if these tumours had been flagged.",
        "Backdate the reports before the audit.",
    ],
)
def test_judging_staff_and_changing_records_is_refused(understood, text):
    assert understood(text).refusal


@pytest.mark.parametrize(
    "text",
    [
        "Change the threshold so that few tumours are missed.",
        "Find tumours. Our radiologists disagree in one of ten films.",
        "Tumour or not. The reports were written by registrars.",
    ],
)
def test_staff_and_records_may_be_spoken_of(understood, text):
    assert not understood(text).refusal


@pytest.mark.parametrize(
    "text",
    [
        "I don't want a single tumour overlooked, and I don't want it going off when there is nothing there.",
        "Tumours have to be caught every time. False alarms: none.",
        "As sensitive as it can possibly be, and not a single false alert. It is about tumours.",
        "No tumour may be lost and no healthy patient may be flagged.",
        "Not one tumour may escape, ever, and where there is no tumour the machine must stay silent.",
        "It must find each tumour there is, and when it says tumour it must be right.",
    ],
)
def test_two_wishes_without_remainder_contradict_each_other(understood, text):
    parsed = understood(text)
    assert "conflicting_constraints" in kinds(parsed)
    assert parsed.level == "blocking"
    assert parsed.draft.constraints == ()
    assert parsed.draft.guardrails == ()


@pytest.mark.parametrize(
    "text",
    [
        "Do not miss tumours, and keep false alarms low.",
        "Find tumours. Never miss one; false alarms are fine.",
        "Find tumours. A tumour that slips through I could never forgive, false alarms I can cope with.",
        "Find tumours. The old system never stopped beeping for nothing.",
    ],
)
def test_a_ranking_of_errors_is_no_contradiction(understood, text):
    assert "conflicting_constraints" not in kinds(understood(text))


@pytest.mark.parametrize(
    ("text", "criterion"),
    [
        ("Tumour or not. Nobody with dark skin shall get a poorer answer out of it than everybody else.", "not_worse"),
        ("Tumour or not. The quality on darker skin mustn't fall behind.", "not_worse"),
        ("Tumour or not. It has to be just as good on pale skin and on brown and black skin.", "equal"),
        ("We see people with dark skin and with pale skin. Tumour or not, and neither should come off worse.", "equal"),
    ],
)
def test_people_are_to_be_served_alike_in_any_construction(understood, text, criterion):
    spec = understood(text, attributes=("skin_type",)).draft
    assert [(item.attribute, item.criterion) for item in spec.subgroups] == [("skin_type", criterion)]


@pytest.mark.parametrize(
    "text",
    [
        "We see people with dark skin and with pale skin alike. Tumour or not.",
        "Tumour or not. Dark skin is rare here.",
        "Tumour or not. The photos of dark skin were worse in the old archive.",
    ],
)
def test_people_who_are_only_spoken_of_are_no_group(understood, text):
    assert understood(text, attributes=("skin_type",)).draft.subgroups == ()


def test_a_gap_in_points_is_held(understood):
    spec = understood(
        "Tumour or not. Sensitivity in men and in women should lie within 3 percentage points of each other.",
        attributes=("sex",),
    ).draft
    assert [(item.attribute, item.max_gap) for item in spec.subgroups] == [("sex", 0.03)]


@pytest.mark.parametrize(
    "text",
    [
        "Who will not be alive twelve months from now?",
        "Say if the patient will pass away within the first year after the scan.",
        "Risk of dying within twelve months, from the scan.",
        "Predict whether the patient lives for another year.",
    ],
)
def test_a_death_to_come_needs_a_label(understood, text):
    parsed = understood(text)
    assert kinds(parsed) == {"label_missing"}
    assert parsed.draft.positive == "death_within_one_year"


@pytest.mark.parametrize(
    "text",
    [
        "Find tumours. Half of the patients died within a year.",
        "Tumours, please. We live in a small town and see 20 cases a month.",
        "Tumour or not; it will be used on the ward for a year.",
    ],
)
def test_lives_that_are_only_told_of_foretell_nothing(understood, text):
    assert understood(text).draft.positive == "tumour"


@pytest.mark.parametrize(
    "text",
    [
        "Tumour or not. Try a few thresholds on the test films and keep whichever gives the best F1.",
        "Tumour or not. Run it with five seeds and leave the two worst out of the report.",
        "Tumour or not. Before you report, take out the test films that it got wrong.",
    ],
)
def test_the_protocol_holds_against_any_wording(understood, text):
    assert "protocol_violation" in kinds(understood(text))


@pytest.mark.parametrize(
    "text", ["Tumour or not. Keep the test set sealed until the end.", "Tumour or not. Report all five seeds."]
)
def test_the_protocol_may_be_named(understood, text):
    assert understood(text).level == "none"


@pytest.mark.parametrize(
    "text",
    [
        "Find the patients who have to see somebody. It is about necrotising enterocolitis.",
        "Which infants are in danger? Necrotising enterocolitis, that is.",
    ],
)
def test_the_one_finding_of_the_data_may_be_spelled_out_anywhere(understood, text):
    parsed = understood(text, finding="nec")
    assert parsed.level == "none"
    assert parsed.spec.positive == "nec"


def test_another_finding_than_the_one_of_the_data_is_asked_about(understood):
    parsed = understood("Find osteochondritis.")
    assert (parsed.level, kinds(parsed)) == ("blocking", {"label_missing"})
    short = understood("I would like HPV status predicted.")
    assert (short.level, kinds(short)) == ("blocking", {"label_missing"})


def test_how_common_a_finding_is_is_no_floor(understood):
    spec = understood("Only two in a hundred films are positive. Find tumours with the best F1 you can get.").draft
    assert spec.constraints == ()
    assert spec.primary == "f1[tumour]"


def test_a_share_of_all_images_limits_what_is_flagged(understood):
    spec = understood("Tumour or not. It may not flag more than 2% of all films.").draft
    assert [(item.metric, item.op, item.bound) for item in spec.constraints] == [("flag_rate[tumour]", "<=", 0.02)]


def test_a_share_of_cases_may_be_left_open(understood):
    parsed = understood("Tumour or not. If the model is not sure it may hand the film to us, but no more than 8 films in 100.")  # fmt: skip
    assert math.isclose(parsed.draft.abstention.at_most, 0.08)


def test_one_in_forty_is_held_as_said(understood):
    spec = understood(
        "Of every forty tumours thirty-nine must be found, with as few false alarms as that allows."
    ).draft
    assert spec.primary == "specificity_at_sensitivity_97.5[tumour]"
    assert [(item.metric, item.bound) for item in spec.constraints] == [("sensitivity[tumour]", 0.975)]


@pytest.mark.parametrize(
    "text",
    [
        "Tumour or not. Count an overlooked tumour as 20 and a false alarm as 1.",
        "Tumour or not. A missed one costs 20 points, a false alarm 1.",
    ],
)
def test_errors_may_have_a_price_each(understood, text):
    parsed = understood(text)
    assert (parsed.level, parsed.spec.primary) == ("none", "expected_cost")
    assert {(item.true, item.weight) for item in parsed.spec.costs} == {("tumour", 20.0), ("no_tumour", 1.0)}


def test_numbers_without_errors_are_no_prices(understood):
    assert understood("Tumour or not. The films of 20 years count as 2 collections.").spec.costs == ()
