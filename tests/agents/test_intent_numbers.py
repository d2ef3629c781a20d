"""Numbers and wishes in many wordings: what is held, what is a floor, what is only a fact, and what no data can show."""

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


LESIONS = data("melanoma", {"0": 10_000, "1": 2_000}, ("age", "site"))
SEVEN = data("dx", {"nv": 6705, "mel": 1113, "bkl": 1099, "bcc": 514, "akiec": 327, "vasc": 142, "df": 115})
SCREENING = data("cancer", {"0": 5940, "1": 60}, ("vendor",))


def understood(text, profile=LESIONS):
    parsed = parse(text, profile)
    spec = parsed.draft
    assert spec is not None, [question.text for question in parsed.questions]
    return parsed, spec, {(item.metric, item.op): item.bound for item in spec.constraints}


@pytest.mark.parametrize(
    ("words", "floor"),
    [
        ("Miss no more than 1 in 20.", 0.95),
        ("At least 19 of 20 must be found.", 0.95),
        ("At least 19 of 20 positives found.", 0.95),
        ("No more than 5 percent of positives missed.", 0.95),
        ("We can accept missing at most 1 in 10.", 0.9),
        ("Missing 1 in 10 is acceptable, not more.", 0.9),
        ("You may miss 1 in 10.", 0.9),
        ("We can live with missing one in ten.", 0.9),
        ("Sensitivity has to be 97%.", 0.97),
        ("Sensitivity must be at least 90 %.", 0.9),
        ("It has to be found in 95 of 100.", 0.95),
        ("95% sensitivity or better.", 0.95),
        ("The miss rate must stay under 5%.", 0.95),
        ("At least 9 out of 10 must be found.", 0.9),
        ("Out of 50 melanomas you may overlook one at most.", 0.98),
        ("Out of 100 melanomas at least 97 should be found.", 0.97),
        ("Catch nearly all of them, say 98 %.", 0.98),
        ("Fewer than 5% misses.", 0.95),
        ("Sens >= 90.", 0.9),
    ],
)
def test_however_a_floor_on_misses_is_worded_it_is_the_same_constraint(words, floor):
    parsed, spec, bounds = understood(f"Melanoma or not. {words}")
    assert bounds == {("sensitivity[melanoma]", ">="): floor}
    assert spec.constraints[0].hard
    assert (spec.operating_point.fixed, spec.operating_point.at_least) == ("sensitivity", floor)
    assert parsed.level == "none"
    assert cited(spec, "constraints.sensitivity[melanoma]")[0] in f"Melanoma or not. {words}"


@pytest.mark.parametrize(
    ("words", "floor"),
    [
        ("15 of 100 healthy people may be referred.", 0.85),
        ("No more than 15 of 100 healthy people should be referred.", 0.85),
        ("We could live with 3 in 10 harmless spots being sent on.", 0.7),
        ("No more than one false alarm for every ten clean people.", 0.9),
        ("We can accept 20% false alarms.", 0.8),
        ("At least 90% of the healthy must be left alone.", 0.9),
        ("I can accept that 15 in 100 healthy patients get referred.", 0.85),
        ("Up to 15 out of 100 healthy people may be sent to the clinic, not more.", 0.85),
        ("Not more than one healthy person in five may be called broken.", 0.8),
        ("Specificity should not drop below 0.8, sensitivity as high as you can get it.", 0.8),
        ("Keep biopsies under 20% of benign lesions and catch as many melanomas as you can.", 0.8),
    ],
)
def test_however_a_limit_on_false_alarms_is_worded_it_is_a_specificity(words, floor):
    _, spec, bounds = understood(f"Melanoma or not. {words}")
    assert bounds == {("specificity[melanoma]", ">="): pytest.approx(floor)}
    assert spec.primary == f"sensitivity_at_specificity_{floor * 100:.0f}[melanoma]"


@pytest.mark.parametrize(
    ("words", "primary"),
    [
        ("Catch at least 95% of melanomas, and within that keep unnecessary biopsies as low as you can.", "specificity_at_sensitivity_95[melanoma]"),
        ("Sensitivity of at least 95%, then as few false alarms as possible.", "specificity_at_sensitivity_95[melanoma]"),
        ("Miss no more than 1 in 50, and beyond that call in as few as possible.", "specificity_at_sensitivity_98[melanoma]"),
        ("Catch at least 95% of melanomas.", "specificity_at_sensitivity_95[melanoma]"),
        ("I want sensitivity of at least 95%.", "auroc"),
        ("Never miss a melanoma; at least 95 of 100 must be caught.", "sensitivity_at_specificity_80[melanoma]"),
        ("Judge it at 90% specificity.", "sensitivity_at_specificity_90[melanoma]"),
        ("90% specificity is fine.", "sensitivity_at_specificity_90[melanoma]"),
        ("Average precision is what I would like you to optimise.", "average_precision[melanoma]"),
        ("", "auroc"),
    ],
)  # fmt: skip
def test_the_metric_that_is_improved_is_what_the_words_leave_open(words, primary):
    assert understood(f"Melanoma or not. {words}")[1].primary == primary


@pytest.mark.parametrize(
    ("words", "primary", "held"),
    [
        ("Whatever you do, do not miss melanoma.", "sensitivity_at_specificity_80[melanoma]", "specificity"),
        (
            "What keeps me up at night is a melanoma we waved through.",
            "sensitivity_at_specificity_80[melanoma]",
            "specificity",
        ),
        ("We must never overlook a melanoma.", "sensitivity_at_specificity_80[melanoma]", "specificity"),
        ("A missed one would be the worst mistake.", "sensitivity_at_specificity_80[melanoma]", "specificity"),
        ("The thing to avoid above all is a false alarm.", "specificity_at_sensitivity_90[melanoma]", "sensitivity"),
        ("False alarms are worse than misses.", "specificity_at_sensitivity_90[melanoma]", "sensitivity"),
    ],
)
def test_a_wish_without_a_number_gets_a_default_that_is_asked_about(words, primary, held):
    parsed, spec, bounds = understood(f"Melanoma or not. {words}")
    assert (spec.primary, spec.operating_point.fixed) == (primary, held)
    assert (parsed.level, kinds(parsed)) == ("confirm_default", {"missing_threshold"})
    assert not bounds
    assert any(ground.field == "operating_point" and ground.source == "default" for ground in spec.grounding)


@pytest.mark.parametrize(
    "words",
    [
        "Melanoma matters most.",
        "I don't mind missing a melanoma.",
        "Missing a melanoma is not the worst.",
        "It is not melanoma that matters most.",
    ],
)
def test_what_only_matters_or_does_not_sets_no_threshold(words):
    parsed, spec, _ = understood(f"Sort into our seven diagnoses. {words}", SEVEN)
    assert parsed.level == "none"
    assert spec.primary == "auroc"
    assert math.isnan(spec.operating_point.at_least)


@pytest.mark.parametrize(
    "words",
    [
        "The prevalence is 5%.",
        "Prevalence in our clinic is about 3%.",
        "About 5% of them have it.",
        "People over 65 only matter for our clinic's age limit: over 65 years.",
        "Half of our positives came from one clinic.",
        "We have 12,000 images.",
    ],
)
def test_a_fact_with_a_number_is_no_constraint(words):
    _, spec, bounds = understood(f"Melanoma or not. {words}")
    assert not bounds
    assert spec.primary == "auroc"


def test_a_limit_of_age_is_about_people_and_no_metric():
    _, spec, bounds = understood("Melanoma or not in people > 65 years. Miss no more than 1 in 10.")
    assert bounds == {("sensitivity[melanoma]", ">="): 0.9}
    assert any("people > 65" in caveat for caveat in spec.caveats)
    _, apart, _ = understood("Melanoma or not. Show patients of 80 and older separately.")
    assert [(item.attribute, item.criterion) for item in apart.subgroups] == [("age", "report")]


def test_a_share_of_all_images_is_a_flag_rate_and_may_contradict_the_floor():
    parsed, _, bounds = understood(
        "Melanoma or not. 95% sensitivity or better, and no more than 5% of all photos flagged."
    )
    assert bounds == {("sensitivity[melanoma]", ">="): 0.95, ("flag_rate[melanoma]", "<="): 0.05}
    assert (parsed.level, kinds(parsed)) == ("blocking", {"conflicting_constraints"})
    assert "15.8%" in parsed.questions[0].text
    wide, _, _ = understood("Melanoma or not. 95% sensitivity or better, and no more than 30% of all photos flagged.")
    assert wide.level == "none"


@pytest.mark.parametrize(
    ("words", "level", "expected"),
    [
        ("I want sensitivity of at least 98% and specificity of at least 98%.", "blocking", {"likely_infeasible", "conflicting_constraints", "insufficient_sample"}),
        ("I want sensitivity of at least 98%.", "blocking", {"insufficient_sample"}),
        ("I want sensitivity of at least 85% and specificity of at least 85%.", "confirm_default", {"insufficient_sample"}),
        ("Maximal sensitivity and never a false alarm.", "blocking", {"conflicting_constraints"}),
        ("100% sensitivity.", "blocking", {"likely_infeasible"}),
    ],
)  # fmt: skip
def test_what_sixty_cases_cannot_show_is_said_with_the_arithmetic(words, level, expected):
    parsed = parse(f"Cancer on screening mammograms or not. {words}", SCREENING)
    assert (parsed.level, kinds(parsed)) == (level, expected)
    sample = [question.text for question in parsed.questions if question.kind == "insufficient_sample"]
    assert all("95.1%" in text for text in sample)


def test_a_measure_that_the_prevalence_puts_out_of_reach_is_kept_and_asked_about():
    parsed, spec, _ = understood("Melanoma or not. F1 above 0.9; the prevalence is 3%.")
    assert [item.metric for item in spec.constraints] == ["f1[melanoma]"]
    assert (parsed.level, kinds(parsed)) == ("confirm_default", {"likely_infeasible"})
    assert "how common" in parsed.questions[0].text


@pytest.mark.parametrize(
    ("words", "metric"), [("F1 above 0.6.", "f1[melanoma]"), ("PPV of at least 50%.", "ppv[melanoma]")]
)
def test_a_measure_that_depends_on_prevalence_and_is_in_reach_is_kept_with_a_caveat(words, metric):
    parsed, spec, _ = understood(f"Melanoma or not. {words}")
    assert [item.metric for item in spec.constraints] == [metric]
    assert parsed.level == "none"
    assert any("how common" in caveat for caveat in spec.caveats)


def test_the_rarest_prevalence_asks_for_the_specificity_that_it_needs():
    parsed, _, _ = understood("Melanoma or not. F1 above 0.9; the prevalence is 3%.")
    assert "99.7% specificity" in parsed.questions[0].text


@pytest.mark.parametrize(
    ("words", "sensitivity", "specificity"),
    [
        ("Sensitivity and specificity of at least 90%.", 0.9, 0.9),
        ("Sensitivity and specificity of at least 90% and 80%.", 0.9, 0.8),
        ("Sens/spec 90/80 at least.", 0.9, 0.8),
        ("At least 90% sensitivity and specificity of 80%.", 0.9, 0.8),
        ("90% sensitivity and 80% specificity.", 0.9, 0.8),
        ("Both sensitivity and specificity should be above 85%.", 0.85, 0.85),
        ("A sensitivity of ninety-five percent with no more than twenty percent false alarms.", 0.95, 0.8),
    ],
)
def test_two_floors_in_one_breath_are_two_constraints(words, sensitivity, specificity):
    _, spec, bounds = understood(f"Melanoma or not. {words}")
    assert bounds == {("sensitivity[melanoma]", ">="): sensitivity, ("specificity[melanoma]", ">="): specificity}
    assert spec.primary == "auroc"


@pytest.mark.parametrize(
    ("words", "primary"),
    [
        (
            "We would rather recall ten healthy people than miss one melanoma.",
            "sensitivity_at_specificity_80[melanoma]",
        ),
        (
            "It is more important to avoid unnecessary recalls than to catch every melanoma.",
            "specificity_at_sensitivity_90[melanoma]",
        ),
    ],
)
def test_a_trade_in_numbers_of_people_sets_no_floor_and_keeps_its_direction(words, primary):
    _, spec, bounds = understood(f"Melanoma or not. {words}")
    assert not bounds
    assert spec.primary == primary


@pytest.mark.parametrize("words", ["Optimise the F2 score.", "Best Youden index please."])
def test_a_metric_that_is_not_computed_is_asked_about(words):
    parsed, spec, _ = understood(f"Melanoma or not. {words}")
    assert (parsed.level, kinds(parsed)) == ("confirm_default", {"metric_choice"})
    assert spec.primary == "auroc"
