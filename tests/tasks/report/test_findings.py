import dataclasses
import math

import pytest
from scipy.stats import binomtest

from tasks.domain.evaluation import Comparison, Difference, Estimate
from tasks.domain.spec import Confounder, Constraint, Guardrail, Subgroup
from tasks.report.findings import seen_in_validation, shown_by_the_test
from tasks.report.limits import cannot_be_guaranteed
from tasks.report.requirement import Status, best_lower_bound, requirement_statuses
from tasks.report.statement import Statement


def comparison(value, low, high, *, exact=(math.nan, math.nan), p_holm=math.nan):
    estimate = Estimate(value=value, low=low, high=high, exact_low=exact[0], exact_high=exact[1])
    return Comparison(
        initial=estimate, final=estimate, difference=Difference(value=0.1, low=0.05, high=0.15, p=0.001, p_holm=p_holm)
    )


def status_of(record, floor, result, *, cases=160):
    spec = dataclasses.replace(
        record.spec,
        constraints=(floor,),
        guardrails=(),
        operating_point=dataclasses.replace(record.spec.operating_point, fixed="youden", at_least=math.nan),
    )
    metrics = {floor.metric: result} if result else {}
    evaluation = dataclasses.replace(record.evaluation, metrics=metrics, class_counts={"nv": 1000, "mel": cases})
    (found,) = requirement_statuses(spec, evaluation)
    return found.status


FLOOR = Constraint(metric="sensitivity[mel]", bound=0.9)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (comparison(0.95, 0.91, 0.98), Status.MET),
        (comparison(0.95, 0.91, 0.98, exact=(0.89, 0.98)), Status.POINT_ONLY),
        (comparison(0.95, 0.88, 0.98), Status.POINT_ONLY),
        (comparison(0.89, 0.85, 0.93), Status.NOT_MET),
        (comparison(math.nan, math.nan, math.nan), Status.UNVERIFIABLE),
        (None, Status.UNVERIFIABLE),
    ],
)
def test_a_floor_has_one_of_four_statuses(study_record, result, expected):
    assert status_of(study_record, FLOOR, result) is expected


def test_a_floor_that_no_result_could_reach_on_so_few_cases_is_not_verifiable(study_record):
    assert status_of(study_record, FLOOR, comparison(1.0, 0.8, 1.0), cases=20) is Status.UNVERIFIABLE
    assert status_of(study_record, FLOOR, comparison(0.95, 0.8, 1.0), cases=40) is Status.POINT_ONLY


def test_the_best_lower_bound_is_that_of_clopper_and_pearson():
    for cases in (1, 20, 36, 300):
        exact = binomtest(cases, cases).proportion_ci(method="exact").low
        assert best_lower_bound(cases) == pytest.approx(exact)
    assert best_lower_bound(0) == 0


def test_the_operating_point_is_a_requirement_once(study_record):
    asked = Constraint(metric="sensitivity[mel]", bound=0.85)
    for constraints in ((), (asked,)):
        spec = dataclasses.replace(study_record.spec, constraints=constraints, guardrails=())
        assert [item.metric for item in requirement_statuses(spec, study_record.evaluation)] == ["sensitivity[mel]"]


@pytest.mark.parametrize(
    ("metric", "margin", "expected"),
    [
        ("specificity[mel]", 0.1, Status.MET),
        ("specificity[mel]", 0.08, Status.POINT_ONLY),
        ("specificity[mel]", 0.05, Status.NOT_MET),
        ("brier", 0.0, Status.MET),
    ],
)
def test_a_guardrail_is_judged_by_the_loss_in_its_own_direction(study_record, metric, margin, expected):
    spec = dataclasses.replace(study_record.spec, guardrails=(Guardrail(metric=metric, margin=margin),))
    assert requirement_statuses(spec, study_record.evaluation)[-1].status is expected


def test_only_what_is_significant_after_holm_is_shown_by_the_test(study_record):
    said = " ".join(item.text for item in shown_by_the_test(study_record))
    assert "Sensitivity for melanoma is better by" in said
    assert "Specificity for melanoma is worse" not in said  # p 0.031, but 0.062 after Holm


def test_a_sealed_test_set_shows_nothing(study_record):
    (only,) = shown_by_the_test(dataclasses.replace(study_record, evaluation=None))
    assert "sealed" in only.text


def test_validation_says_what_it_costs_to_look_often(study_record):
    said = " ".join(item.text for item in seen_in_validation(study_record))
    assert "AUC went from 0.861 to 0.926 (+0.065) in validation" in said
    assert "Of 8 rounds, 4 were kept: 2 supported by a strict test, 2 provisional" in said
    assert "Validation was scored 27 times" in said
    assert "noise yardstick" in said


def limits_of(record, **changes):
    return " ".join(item.text for item in cannot_be_guaranteed(dataclasses.replace(record, **changes)))


def test_what_the_model_sees_beside_the_image_is_a_limit(study_record):
    spec = dataclasses.replace(study_record.spec, inputs=("age", "sex"))
    assert "uses age, sex, the figures hold for images that come with these" in limits_of(study_record, spec=spec)
    assert "come with these" not in limits_of(study_record)


def test_the_limits_follow_from_the_record(study_record):
    said = limits_of(study_record)
    for words in (
        "No external data",
        "One split and one training",
        "An image of anything but ordinary mole or melanoma",
        "In the test set 14% of the images show melanoma",
        "Sensitivity for melanoma of at least 0.85: met on the point estimate only",
        "leans on ruler cannot be checked",
        "Performance by sex was asked for and is not part of this evaluation",
        "All 1,113 images of mel have dx_type 'histo'",
        "2 images could not be read",
        "kept provisionally (round 3 and 8)",
    ):
        assert words in said
    assert "sandbox" not in said
    assert "ledger" not in said


def test_external_data_that_a_person_names_ends_its_limit(study_record):
    assert "No external data" not in limits_of(study_record, intake={"external_data": "PH2, 200 images"})


def test_a_study_without_patients_without_isolation_or_anchor_says_so(study_record):
    said = limits_of(
        study_record,
        profile=dataclasses.replace(study_record.profile, has_groups=False),
        environment=dataclasses.replace(study_record.environment, isolates=False, sandbox="local"),
        ledger=dataclasses.replace(study_record.ledger, anchored=False),
    )
    assert "The data names no patients" in said
    assert "not in an isolating sandbox" in said
    assert "head of the ledger is kept only inside the study" in said


def test_a_study_that_did_not_note_where_its_rounds_ran_says_so(study_record):
    unknown = dataclasses.replace(study_record.environment, isolates=None, sandbox="unknown")
    said = limits_of(study_record, environment=unknown)
    assert "isolating sandbox was not noted" in said
    assert "with the rights of its caller" not in said


def test_annotated_confounders_and_missing_subgroups_are_named(study_record):
    said = limits_of(
        study_record,
        spec=dataclasses.replace(
            study_record.spec,
            confounders=(Confounder(name="dx_type", column="dx_type"),),
            subgroups=(Subgroup(attribute="skin type"),),
        ),
    )
    assert "leans on dx_type was not measured" in said
    assert "Performance by skin type was asked for, but the data does not record it" in said


def test_what_the_spec_promised_to_say_is_said(study_record):
    caveat = "Other devices than chest drains were not tested for."
    assert caveat in limits_of(study_record, spec=dataclasses.replace(study_record.spec, caveats=(caveat,)))


def test_small_test_sets_are_told(study_record):
    evaluation = dataclasses.replace(study_record.evaluation, n_groups=40, class_counts={"nv": 90, "mel": 20})
    said = limits_of(study_record, evaluation=evaluation)
    assert "Only 20 test images of melanoma: what is said of this class is exploratory" in said
    assert "Only 90 test images of ordinary mole: what is said of this class is imprecise" in said
    assert "Only 40 lesions in the test set" in said


@pytest.mark.parametrize(("text", "rests_on"), [("The model is good.", " "), ("", "evaluation.json")])
def test_a_sentence_that_rests_on_nothing_is_no_statement(text, rests_on):
    with pytest.raises(ValueError, match="rest on something"):
        Statement(text, rests_on)


def test_a_model_whose_weights_grew_over_rounds_says_so_with_its_seconds(study_record):
    def grown(item):
        return dataclasses.replace(item, diagnostics={"incumbent_tensors": 62.0}) if item.kept and item.number else item

    rounds = tuple(grown(item) for item in study_record.rounds)
    kept = [item.number for item in rounds if item.kept]
    assert len(kept) >= 2
    said = limits_of(study_record, rounds=rounds)
    listed = ", ".join(str(number) for number in kept)
    assert (
        f"weights grew over {len(kept)} rounds ({listed}), {88 * len(kept)} s of training in all, against 88 s" in said
    )
    assert "weights grew" not in limits_of(study_record)
    without = tuple(dataclasses.replace(item, diagnostics={"incumbent_tensors": 0.0}) for item in study_record.rounds)
    assert "weights grew" not in limits_of(study_record, rounds=without), "nothing of the incumbent fitted"
