"""Which task a request sets: classes, findings, places, grades, numbers, and what becomes of wishes that the data has no labels for."""

from __future__ import annotations

import dataclasses
import math

import pytest

from agents.playbook.semantic_parser import PlaybookSemanticParser
from tasks.domain.profile import Attribute, BoxFacts, Finding, LabelCount, Profile, SupervisionCount
from tasks.domain.request import ColumnRoles


def profile(labels, *, column="dx", attributes=(), numeric=(), group=None, findings=(), boxes=0, masks=0, images=1000):
    """Return a profile as an investigation leaves it; `boxes` and `masks` count the images that were looked at for them."""
    rows = [
        Attribute(name=name, kind=kind, missing=0, values=(), cramers_v=math.nan, auc=math.nan, auc_label="")
        for kind, names in (("categorical", attributes), ("numeric", numeric))
        for name in names
    ]
    looked = {"boxes": boxes, "mask": masks, "label": images - boxes - masks}
    return Profile(
        kind="table", roles=ColumnRoles(image="image", label=column, group=group), n_images=images, n_groups=images, has_groups=group is not None,
        labels=tuple(LabelCount(label=k, images=v, groups=v) for k, v in labels.items()), attributes=tuple(rows),
        quarantined=(), width_median=64, height_median=64, exact_duplicate_sets=0, exact_duplicate_images=0, near_duplicate_pairs=0,
        conflicting_duplicate_sets=0, conflicting_groups=0, given_splits=(), hazards=(), forecasts=(), seconds=1.0,
        findings=tuple(Finding(name=name, present=200, absent=images - 200) for name in findings),
        boxes=BoxFacts(boxes=boxes, images=boxes // 2) if boxes else BoxFacts(),
        supervision=tuple(SupervisionCount(kind=kind, images=count) for kind, count in looked.items() if count),
    )  # fmt: skip


CHEST = profile({"none": 500}, findings=("cardiomegaly", "effusion", "edema"))
BLEEDS = profile(
    {"none": 500}, findings=("any", "epidural", "subdural"), attributes=("slice_index",), group="patient_id"
)
POLYPS = profile({"no polyp": 800, "polyp": 200}, findings=("polyp",), boxes=50)
NODULES = profile({"none": 600}, findings=("nodule", "mass"), boxes=1000)
MITOSES = profile({"none": 600}, findings=("mitosis", "look_alike"), boxes=1000)
DISC = profile({"no optic disc": 1, "optic disc": 999}, findings=("optic disc",), masks=1000)
GRADES = profile({str(grade): 200 for grade in range(5)}, column="dr_grade")
SEVERITY = profile({"none": 400, "mild": 300, "moderate": 200, "severe": 100}, column="severity")
STENOSIS = profile({"0": 800, "1": 200}, column="stenosis")
EJECTION = profile({}, column=None, numeric=("ef",))
MOLES = profile({"nv": 700, "mel": 300})


def parse(text, data):
    return PlaybookSemanticParser().parse(text, data)


def built(text, data):
    parsed = parse(text, data)
    assert parsed.spec is not None, [question.text for question in parsed.questions] or parsed.refusal
    return parsed.spec


@pytest.mark.parametrize(
    ("text", "data", "task", "classes"),
    [
        ("Find polyps and draw a box around them.", POLYPS, "object_detection", ("polyp",)),
        ("Where are the polyps?", POLYPS, "object_detection", ("polyp",)),
        ("We want to see where the polyps are.", POLYPS, "object_detection", ("polyp",)),
        ("Polyps should be marked with a box.", POLYPS, "object_detection", ("polyp",)),
        ("Find polyps.", POLYPS, "binary_classification", ("no_polyp", "polyp")),
        ("Find polyps. Only about 5% of our frames have boxes.", POLYPS, "binary_classification", ("no_polyp", "polyp")),
        ("Find polyps. The boxes were drawn by two nurses.", POLYPS, "binary_classification", ("no_polyp", "polyp")),
        ("Find polyps. No boxes are needed.", POLYPS, "binary_classification", ("no_polyp", "polyp")),
        ("Polyp or no polyp, per image.", POLYPS, "binary_classification", ("no_polyp", "polyp")),
        ("Find nodules.", NODULES, "object_detection", ("nodule",)),
        ("Localise nodules and masses.", NODULES, "object_detection", ("nodule", "mass")),
        ("Mark everything that you find.", NODULES, "object_detection", ("nodule", "mass")),
        ("Does this film show a nodule, yes or no?", NODULES, "binary_classification", ("no_nodule", "nodule")),
        ("Find the mitoses, and don't mistake the look-alikes for mitoses.", MITOSES, "object_detection", ("mitosis",)),
        ("Count the mitoses; look-alikes were annotated, too.", MITOSES, "object_detection", ("mitosis",)),
        ("Mitoses in breast cancer slides.", MITOSES, "object_detection", ("mitosis",)),
        ("Please outline the optic disc.", DISC, "segmentation", ("optic_disc",)),
        ("Cardiomegaly, effusion and oedema on portable films.", CHEST, "multilabel_classification", ("cardiomegaly", "effusion", "edema")),
        ("Detect cardiomegaly and effusion.", CHEST, "multilabel_classification", ("cardiomegaly", "effusion")),
        ("Flag effusion.", CHEST, "binary_classification", ("no_effusion", "effusion")),
        ("Detect cardiomegaly or effusion, taken together.", CHEST, "binary_classification", ("other", "cardiomegaly_or_effusion")),
        ("Any bleed per scan, that is all.", BLEEDS, "binary_classification", ("no_any", "any")),
        ("Grade diabetic retinopathy on the usual 0 to 4 scale.", GRADES, "ordinal_classification", ("0", "1", "2", "3", "4")),
        ("How severe is it?", SEVERITY, "ordinal_classification", ("none", "mild", "moderate", "severe")),
        ("Estimate the ejection fraction.", EJECTION, "regression", ()),
        ("Is the EF below 40, yes or no?", EJECTION, "binary_classification", ("no_ef_below_40", "ef_below_40")),
        ("Stenosis y/n", STENOSIS, "binary_classification", ("no_stenosis", "stenosis")),
    ],
)  # fmt: skip
def test_words_and_data_together_set_the_task(text, data, task, classes):
    spec = built(text, data)
    assert (spec.task, spec.class_names) == (task, classes)


@pytest.mark.parametrize(
    ("text", "data", "above"),
    [
        ("Tell me whether retinopathy is grade 2 or worse.", GRADES, ("2", "3", "4")),
        ("Retinopathy of at least grade 3, yes or no.", GRADES, ("3", "4")),
        ("Grade 3 and above against the rest.", GRADES, ("3", "4")),
        ("Grade 3 or 4 versus everything else.", GRADES, ("3", "4")),
        ("Refer or not refer, that is all.", GRADES, ("2", "3", "4")),
        ("Anything from moderate upward goes to the clinic: yes or no.", GRADES, ("2", "3", "4")),
        ("Moderate or worse, yes or no.", GRADES, ("2", "3", "4")),
        ("Referable retinopathy, yes or no.", GRADES, ("2", "3", "4")),
        ("Moderate or worse, yes or no.", SEVERITY, ("moderate", "severe")),
        ("Flag everything above mild.", SEVERITY, ("moderate", "severe")),
    ],
)
def test_a_scale_is_cut_where_the_words_cut_it(text, data, above):
    spec = built(text, data)
    assert spec.task == "binary_classification"
    assert spec.classes[-1].labels == above
    assert {label for item in spec.classes for label in item.labels} == {item.label for item in data.labels}


def test_ungradable_images_are_sent_on_where_the_words_say_so_and_asked_about_where_they_do_not():
    data = profile({str(k): 200 for k in range(5)} | {"ungradable": 50}, column="dr_grade")
    assert built("Referable retinopathy or not. If a photo cannot be graded, refer.", data).classes[-1].labels == (
        "2",
        "3",
        "4",
        "ungradable",
    )
    parsed = parse("Referable retinopathy or not.", data)
    assert [question.kind for question in parsed.questions] == ["label_policy"]


def test_a_finding_of_a_column_of_kinds_stands_for_all_of_them():
    kinds = profile({"normal": 500, "bacterial": 300, "viral": 200}, column="pneumonia")
    spec = built("Pneumonia on chest films. I am not asking for bacterial versus viral.", kinds)
    assert [item.labels for item in spec.classes] == [("normal",), ("bacterial", "viral")]
    assert len(built("Pneumonia on chest films. Tell bacterial from viral too.", kinds).classes) == 3


@pytest.mark.parametrize(
    ("text", "data", "kind"),
    [
        ("Please outline the melanoma.", MOLES, "label_missing"),
        ("Where in the picture is the melanoma?", MOLES, "label_missing"),
        ("Find the melanoma and draw a box around it.", MOLES, "label_missing"),
        ("Measure the diameter of the mole.", MOLES, "label_missing"),
        ("Predict from the angiogram who will die within one year.", STENOSIS, "label_missing"),
        ("We want a model for one-year death after angiography.", STENOSIS, "label_missing"),
        ("Which patients are dead a year later?", STENOSIS, "label_missing"),
        ("Predict the risk of a heart attack in the next five years.", STENOSIS, "label_missing"),
        ("Which of these nodules are malignant?", NODULES, "label_missing"),
        ("Which plane is it: abdomen, brain, femur or thorax?", SEVERITY, "label_missing"),
        ("Polyp or no polyp, per image.", EJECTION, "label_missing"),
        ("Is there retinopathy or not?", GRADES, "missing_threshold"),
        ("Something for bleeds.", BLEEDS, "task_type"),
        ("Can your AI do anything useful with our pictures?", MOLES, "task_type"),
    ],
)
def test_what_the_data_cannot_answer_is_asked_and_never_refused(text, data, kind):
    parsed = parse(text, data)
    assert parsed.spec is None
    assert not parsed.refusal
    assert kind in {question.kind for question in parsed.questions if question.blocking}


def test_a_vague_request_is_asked_about_in_three_questions_and_answered_by_one_sentence():
    parsed = parse("Something for bleeds.", BLEEDS)
    assert [question.kind for question in parsed.questions] == ["task_type", "unit_of_analysis", "objective"]
    assert parsed.draft is None
    answered = built("Something for bleeds - just any bleed per scan, 90% specificity is fine.", BLEEDS)
    assert (answered.positive, answered.unit, answered.primary) == (
        "any",
        "study",
        "sensitivity_at_specificity_90[any]",
    )


def test_a_draft_holds_what_is_understood_while_a_question_is_open():
    parsed = parse("Predict from the angiogram who will die within one year.", STENOSIS)
    assert parsed.draft is not None
    assert parsed.draft.positive == "death_within_one_year"
    assert parsed.draft.classes[-1].labels == ()


def test_the_only_finding_of_the_data_is_taken_and_rests_on_the_data():
    spec = built("Judge it by AUC and keep improving on validation.", STENOSIS)
    ground = next(ground for ground in spec.grounding if ground.field == "positive")
    assert (spec.positive, ground.source) == ("stenosis", "profile")


def test_another_finding_than_the_only_one_is_not_taken_for_it():
    assert parse("Detect tumours.", STENOSIS).level == "blocking"


@pytest.mark.parametrize(
    ("words", "unit"),
    [
        ("Stenosis, yes or no, per patient.", "patient"),
        ("Stenosis, yes or no, for each eye.", "eye"),
        ("Stenosis at patient level.", "patient"),
        ("Stenosis, yes or no, per scan.", "study"),
        ("Stenosis on each frame.", "image"),
    ],
)
def test_the_unit_is_the_one_that_the_words_name(words, unit):
    assert built(words, STENOSIS).unit == unit


def test_a_named_group_column_gives_the_unit_where_the_words_do_not():
    by_lesion = dataclasses.replace(MOLES, roles=ColumnRoles(label="dx", group="lesion_id"), has_groups=True)
    assert built("Melanoma or mole?", by_lesion).unit == "lesion"


def test_only_the_side_that_is_asked_for_is_confirmed_and_both_sides_are_not():
    wrist = profile(
        {"no fracture": 500, "fracture": 500}, findings=("fracture",), boxes=1000, attributes=("requested_side",)
    )
    limited = parse(
        "Mark fractures, but only label the side that the request form names; the other wrist is sometimes seen.", wrist
    )
    assert [question.kind for question in limited.questions] == ["rule_detail"]
    assert any("requested_side" in caveat for caveat in limited.spec.caveats)
    assert parse("Mark fractures, but label both sides; the other wrist is sometimes seen.", wrist).questions == ()


def test_the_other_side_is_neither_a_cue_nor_a_choice_of_images():
    wrist = profile(
        {"no fracture": 500, "fracture": 500}, findings=("fracture",), boxes=1000, attributes=("requested_side",)
    )
    parsed = parse(
        "Detect fractures on the requested side only. Ignore the other wrist if it is in the picture.", wrist
    )
    assert [question.kind for question in parsed.questions] == ["rule_detail"]
    assert parsed.spec.confounders == ()


def test_a_limit_on_a_gross_error_is_a_constraint():
    parsed = parse(
        "Estimate the EF. Less than 40 must not be called more than 50. One in a hundred of those is tolerable.",
        EJECTION,
    )
    assert [(item.metric, item.op, item.bound) for item in parsed.spec.constraints] == [
        ("gross_error_rate", "<=", 0.01)
    ]
    assert parsed.questions == ()


def test_a_gross_error_is_asked_about_with_a_limit():
    parsed = parse("Estimate the ejection fraction. A value under 40 must not be read as over 50.", EJECTION)
    assert parsed.spec.task == "regression"
    assert [question.kind for question in parsed.questions] == ["missing_threshold"]


def test_one_class_an_image_beside_boxes_is_a_label_of_the_image():
    boxed = profile({"mel": 300, "nv": 700}, boxes=1000)
    assert built("Tell melanoma from an ordinary mole.", boxed).task == "binary_classification"
    assert built("Sort the moles into all diagnoses.", boxed).task == "binary_classification"
    assert built("Draw a box around each melanoma.", boxed).task == "object_detection"
