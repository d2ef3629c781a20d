"""What the labels are taken for: boxes on a share of the images, several readers, uncertain labels."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from agents.playbook.semantic_parser import PlaybookSemanticParser
from tasks.domain.profile import Annotator, BoxFacts, Finding, LabelCount, Profile, SupervisionCount
from tasks.domain.request import ColumnRoles
from tasks.domain.spec import Supervision

EMPTY = Profile(
    kind="table", roles=ColumnRoles(image="image", label="plus"), n_images=1000, n_groups=500, has_groups=True, labels=(), attributes=(), quarantined=(),
    width_median=64, height_median=64, exact_duplicate_sets=0, exact_duplicate_images=0, near_duplicate_pairs=0, conflicting_duplicate_sets=0,
    conflicting_groups=0, given_splits=(), hazards=(), forecasts=(), seconds=1.0,
)  # fmt: skip
YES_NO = replace(
    EMPTY, labels=(LabelCount(label="0", images=800, groups=400), LabelCount(label="1", images=200, groups=100))
)
READ = replace(
    YES_NO,
    annotators=tuple(Annotator(name=f"grader_{k}", images=1000, kappa=0.6) for k in (1, 2, 3)),
    disagreement=0.2,
)
POLYPS = replace(
    EMPTY,
    roles=ColumnRoles(image="image"),
    labels=(LabelCount(label="no polyp", images=800, groups=400), LabelCount(label="polyp", images=200, groups=100)),
    findings=(Finding(name="polyp", present=200, absent=800),),
    boxes=BoxFacts(boxes=30, images=20),
    supervision=(SupervisionCount(kind="boxes", images=50), SupervisionCount(kind="label", images=950)),
)
UNSURE = replace(
    EMPTY,
    roles=ColumnRoles(image="image"),
    findings=(
        Finding(name="effusion", present=200, absent=700, uncertain=100),
        Finding(name="edema", present=100, absent=900),
        Finding(name="cardiomegaly", present=100, absent=800, uncertain=100),
    ),
    supervision=(SupervisionCount(kind="label", images=1000),),
)


def parse(text, data):
    return PlaybookSemanticParser().parse(text, data)


def kinds(parsed):
    return [question.kind for question in parsed.questions]


def test_boxes_on_a_share_of_the_images_are_mixed_supervision_and_never_negatives():
    parsed = parse("Find polyps and draw a box around them.", POLYPS)
    assert parsed.spec.supervision == Supervision(kind="mixed", box_fraction=0.05)
    assert parsed.questions == ()
    assert "no negatives" in parsed.read_back
    assert any(ground.field == "supervision" and ground.source == "profile" for ground in parsed.spec.grounding)


@pytest.mark.parametrize(
    ("words", "kind", "share"),
    [
        ("About 5% of our frames have boxes.", "mixed", 0.05),
        ("All of our frames have boxes.", "full", 1.0),
        ("Every frame has been boxed by a nurse.", "full", 1.0),
        ("4 in 100 frames carry boxes drawn by a fellow.", "mixed", 0.04),
    ],
)
def test_the_words_say_how_many_images_have_boxes_and_a_difference_to_the_data_is_told(words, kind, share):
    parsed = parse(f"Find polyps and draw a box around them. {words}", POLYPS)
    assert (parsed.spec.supervision.kind, parsed.spec.supervision.box_fraction) == (kind, pytest.approx(share))
    assert any("as read" in caveat for caveat in parsed.spec.caveats) == (abs(share - 0.05) > 0.02)


def test_boxes_play_no_part_where_the_answer_is_about_the_whole_image():
    how = parse("Find polyps.", POLYPS).spec.supervision
    assert how.kind == "full"
    assert math.isnan(how.box_fraction)


def test_several_readers_without_a_rule_are_asked_about():
    parsed = parse("Plus disease, yes or no.", READ)
    assert (parsed.spec.supervision.kind, parsed.spec.supervision.aggregation) == ("multi_rater", "majority")
    assert kinds(parsed) == ["reference_standard"]
    assert parsed.questions[0].options == ("majority", "consensus", "grader_1", "grader_2", "grader_3")


@pytest.mark.parametrize(
    ("words", "aggregation"),
    [
        ("Take the majority vote of the graders.", "majority"),
        ("What counts is the consensus of the readers.", "consensus"),
        ("Only where all graders agree is it plus.", "all"),
        ("It is plus if at least one grader says so.", "any"),
        ("Three graders read each image, and it counts if either of them says so.", "any"),
        ("Take grader_2 as the truth.", "grader_2"),
        ("What two out of three graders say is what counts.", "majority"),
    ],
)
def test_a_rule_for_several_readers_is_taken_and_nothing_is_asked(words, aggregation):
    parsed = parse(f"Plus disease, yes or no. {words}", READ)
    assert parsed.spec.supervision.aggregation == aggregation
    assert "reference_standard" not in kinds(parsed)
    ground = next(ground for ground in parsed.spec.grounding if ground.field == "supervision.aggregation")
    assert ground.source == "request"


def test_readers_that_the_data_does_not_tell_apart_are_confirmed():
    parsed = parse("Plus disease, yes or no. Three graders disagree a lot.", YES_NO)
    assert parsed.spec.supervision == Supervision()
    assert kinds(parsed) == ["reference_standard"]


def test_readers_that_are_only_mentioned_raise_no_question():
    assert parse("Plus disease, yes or no. Two readers looked at all images.", YES_NO).questions == ()


@pytest.mark.parametrize(
    ("words", "policy"),
    [
        ("Treat 'uncertain' labels as unknown.", "unknown"),
        ("Ignore the uncertain labels.", "unknown"),
        ("Uncertain labels count as positive.", "positive"),
        ("Please treat uncertain labels as negative.", "negative"),
    ],
)
def test_what_uncertain_labels_count_as_is_taken_from_the_words(words, policy):
    parsed = parse(f"Effusion, yes or no. {words}", UNSURE)
    assert parsed.spec.supervision.uncertain == policy
    assert parsed.questions == ()


def test_uncertain_labels_without_a_rule_are_asked_about_only_for_findings_that_are_looked_for():
    parsed = parse("Effusion, yes or no.", UNSURE)
    assert (parsed.spec.supervision.uncertain, kinds(parsed)) == ("unknown", ["label_policy"])
    assert "100 labels" in parsed.questions[0].text
    assert parse("Oedema, yes or no.", UNSURE).questions == ()
