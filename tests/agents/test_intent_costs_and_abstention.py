"""Errors weighed one against another, answers left open, floors without a number, and classes that are guarded."""

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


OCT = data("dx", {"NORMAL": 50_000, "DRUSEN": 8_000, "CNV": 20_000, "DME": 6_000})
LESIONS = data("melanoma", {"0": 10_000, "1": 2_000}, ("age",))
SEVEN = data("dx", {"nv": 6705, "mel": 1113, "bkl": 1099, "bcc": 514, "akiec": 327, "vasc": 142, "df": 115})
FOUR = data("dx", {"SCC": 900, "AK": 1200, "SK": 2000, "wart": 1100})
URGENT = (
    "Classify OCT scans into normal, drusen, CNV and DME. CNV and DME are urgent, drusen is not, so confusing CNV with DME matters less than calling either of "
    "them normal."
)
HARM = (
    "Four classes here: SCC, actinic keratosis, seborrhoeic keratosis, wart. Calling an SCC an actinic keratosis is annoying. Calling it a wart or a seb K is what "
    "gets people hurt. Mixing up warts and seb Ks, who cares."
)


def weights(spec):
    return {(item.true, item.called): item.weight for item in spec.costs}


def test_an_order_of_errors_becomes_weights_that_are_asked_about():
    parsed = parse(URGENT, OCT)
    spec = parsed.spec
    assert spec is not None
    assert (spec.primary, spec.priorities) == ("expected_cost", ("cnv", "dme"))
    of = weights(spec)
    assert len(of) == 12
    assert of["cnv", "normal"] == of["dme", "normal"] == 10
    assert of["cnv", "drusen"] == 5
    assert of["normal", "cnv"] == of["drusen", "dme"] == 2
    assert of["cnv", "dme"] == of["dme", "cnv"] == 1
    assert (parsed.level, kinds(parsed)) == ("confirm_default", {"missing_cost_values"})
    assert cited(spec, "costs") == ["confusing CNV with DME matters less than calling either of them normal"]
    assert not spec.guardrails


def test_without_the_comparison_no_error_weighs_more():
    spec = parse(URGENT.split(". ", maxsplit=1)[0] + ".", OCT).spec
    assert spec is not None
    assert (spec.primary, spec.costs) == ("auroc", ())


def test_errors_are_ranked_by_the_words_for_their_harm():
    parsed = parse(HARM, FOUR)
    spec = parsed.spec
    assert spec is not None
    of = weights(spec)
    assert of["scc", "wart"] == of["scc", "sk"] == 10
    assert of["scc", "ak"] == 2
    assert of["wart", "sk"] == of["sk", "wart"] == 1
    assert spec.priorities == ("scc",)
    assert kinds(parsed) == {"missing_cost_values"}
    said = parse(HARM + " Say ten, two and one.", FOUR)
    assert said.spec is not None
    assert (said.level, weights(said.spec)["scc", "wart"]) == ("none", 10)
    other = parse(HARM + " Say twenty, four and one.", FOUR)
    assert other.spec is not None
    assert weights(other.spec)["scc", "ak"] == 4


@pytest.mark.parametrize(
    ("words", "missed"),
    [
        ("A missed melanoma is twenty times as bad as a false alarm.", 20),
        ("A miss costs us 10 times more than a false alarm.", 10),
        ("A false alarm is half as bad as a missed melanoma.", 2),
        ("Calling a melanoma harmless is 5x as bad as calling a mole a melanoma.", 5),
    ],
)
def test_a_number_that_is_named_is_the_weight_and_needs_no_question(words, missed):
    parsed = parse(f"Melanoma or not. {words}", LESIONS)
    assert parsed.spec is not None
    assert weights(parsed.spec) == {("melanoma", "no_melanoma"): missed, ("no_melanoma", "melanoma"): 1}
    assert parsed.level == "none"


@pytest.mark.parametrize(
    ("words", "worst", "mild"),
    [
        ("Mixing up melanoma and bcc is less serious than calling either one a nevus.", ("mel", "nv"), ("mel", "bcc")),
        (
            "Taking a melanoma for a nevus is far worse than taking a nevus for a melanoma.",
            ("mel", "nv"),
            ("nv", "mel"),
        ),
        (
            "Confusing a nevus with a dermatofibroma is not as bad as calling a melanoma a nevus.",
            ("mel", "nv"),
            ("nv", "df"),
        ),
    ],
)
def test_comparisons_of_two_errors_are_read_in_either_direction(words, worst, mild):
    spec = parse(f"Sort into our seven diagnoses. {words}", SEVEN).spec
    assert spec is not None
    of = weights(spec)
    assert of[worst] == 10
    assert of[mild] == 1


@pytest.mark.parametrize(
    "words",
    [
        "Missing a melanoma is worse than a false alarm.",
        "Melanoma is a more serious disease than a mole.",
        "Call me if anything is unclear.",
        "Reading this took ten times longer than writing it.",
    ],
)
def test_what_compares_no_two_confusions_gives_no_weights(words):
    spec = parse(f"Melanoma or not. {words}", LESIONS).draft
    assert spec is not None
    assert spec.costs == ()


@pytest.mark.parametrize(
    "words",
    [
        "I would rather the model says 'not sure' than guess.",
        "It is perfectly all right for it to say it does not know.",
        "Better that it abstains than that it is wrong.",
        'Some images may be handed back as "can\'t tell".',
        "If it is unsure it should say so.",
        "Uncertain cases should go to a human.",
        "I'd like it to abstain on hard cases.",
    ],
)
def test_an_answer_may_be_left_open_and_how_often_is_asked(words):
    parsed = parse(f"Melanoma or not. {words}", LESIONS)
    spec = parsed.spec
    assert spec is not None, parsed.questions
    assert spec.abstention.allowed
    assert spec.abstention.at_most == pytest.approx(0.1)
    assert spec.primary == "sensitivity_at_coverage_90[melanoma]"
    assert kinds(parsed) == {"abstention_budget"}
    assert not spec.constraints
    assert cited(spec, "abstention")


@pytest.mark.parametrize(
    ("words", "share"),
    [
        ('The model may hand back up to 8 of 100 scans as "can\'t tell".', 0.08),
        ("It may say 'not sure' in up to 15% of cases.", 0.15),
        ("It may say that it does not know. Ten percent may stay undecided.", 0.1),
        ("It should defer to us in at most 5 % of images.", 0.05),
        ("If in doubt, let it pass the image to a human, but not more than one in ten.", 0.1),
    ],
)
def test_a_share_that_is_said_is_the_budget_and_a_constraint(words, share):
    parsed = parse(f"Melanoma or not. {words}", LESIONS)
    assert parsed.spec is not None
    assert parsed.spec.abstention.at_most == pytest.approx(share)
    assert [(item.metric, item.op, item.bound) for item in parsed.spec.constraints] == [
        ("abstention_rate", "<=", pytest.approx(share))
    ]
    assert parsed.spec.primary == f"sensitivity_at_coverage_{100 * (1 - share):02.0f}[melanoma]"
    assert parsed.level == "none"


@pytest.mark.parametrize(
    "words",
    [
        "It must always give an answer, no 'not sure'.",
        "Our readers were not sure about many cases.",
        "We are not sure whether the dates are right.",
        "Images that were ungradable count as melanoma.",
        "",
    ],
)
def test_doubts_of_people_and_labels_let_no_answer_open(words):
    spec = parse(f"Melanoma or not. {words}", LESIONS).draft
    assert spec is not None
    assert not spec.abstention.allowed
    assert math.isnan(spec.abstention.at_most)
    assert spec.primary == "auroc"


def test_the_others_must_not_get_worse_has_no_margin():
    spec = parse(
        "Sort into our seven diagnoses. Melanoma matters most, and the others must not get worse than your first model.",
        SEVEN,
    ).spec
    assert spec is not None
    assert {item.metric: item.margin for item in spec.guardrails if item.metric.startswith("auroc")} == {
        f"auroc[{name}]": 0.0 for name in ("nv", "bkl", "bcc", "akiec", "vasc", "df")
    }


def test_a_floor_without_a_number_is_asked_about_and_holds_the_first_model_until_then():
    parsed = parse("Sort into our seven diagnoses. Melanoma matters most; the others should be decent.", SEVEN)
    assert parsed.spec is not None
    assert (parsed.level, kinds(parsed)) == ("confirm_default", {"undefined_floor"})
    assert "auroc[nv]" in {item.metric for item in parsed.spec.guardrails}
    suffer = parse("Sort into our seven diagnoses. Melanoma matters most; the others may suffer.", SEVEN)
    assert suffer.spec is not None
    assert "auroc[nv]" not in {item.metric for item in suffer.spec.guardrails}
