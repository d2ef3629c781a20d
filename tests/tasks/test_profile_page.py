import dataclasses
import math

import pytest

from tasks.domain.manifest import Quarantined
from tasks.domain.profile import (
    Annotator,
    Attribute,
    BoxFacts,
    Check,
    Finding,
    Forecast,
    Hazard,
    LabelCount,
    PictureProbe,
    Profile,
    SupervisionCount,
)
from tasks.domain.request import ColumnRoles
from tasks.report.profile_page import profile_page


@pytest.fixture
def profile():
    return Profile(
        kind="table",
        roles=ColumnRoles(image="file", label="dx", group="lesion_id"),
        n_images=1200,
        n_groups=900,
        has_groups=True,
        labels=(
            LabelCount(label="nv", images=1000, groups=750),
            LabelCount(label="<b>mel</b>", images=200, groups=150),
        ),
        attributes=(
            Attribute(
                name="dx_type",
                kind="categorical",
                missing=0,
                values=(("histo", 700), ("follow_up", 500)),
                cramers_v=0.4,
                auc=0.81,
                auc_label="mel",
                determined=(("mel", "histo"),),
            ),
            Attribute(
                name="age",
                kind="numeric",
                missing=3,
                values=(("0", 0), ("40", 0), ("50", 0), ("65", 0), ("85", 0)),
                cramers_v=math.nan,
                auc=math.nan,
                auc_label="",
            ),
        ),
        quarantined=tuple(Quarantined(file=f"{i}.png", row=i, reason="no such image file") for i in range(60)),
        width_median=200,
        height_median=150,
        exact_duplicate_sets=2,
        exact_duplicate_images=4,
        near_duplicate_pairs=40,
        conflicting_duplicate_sets=0,
        conflicting_groups=1,
        given_splits=(("train", 1000), ("test", 200)),
        hazards=(Hazard(kind="shortcut", severity="ask", summary="All mel are histo."),),
        forecasts=(
            Forecast(label="nv", test_images=150, test_groups=110, auc_half_width=0.06, detectable_difference=0.07),
            Forecast(
                label="mel", test_images=30, test_groups=1, auc_half_width=math.nan, detectable_difference=math.nan
            ),
        ),
        seconds=12.0,
    )


def test_hazards_come_before_all_numbers(profile):
    page = profile_page(profile)
    assert page.index("All mel are histo.") < page.index("what the test will be able to show")
    assert "please answer" in page
    assert "every mel has histo" in page
    assert "0 to 85; half lie between 40 and 65, the middle is 50" in page
    assert "1,200 images of 900 lesions" in page


def test_text_from_the_data_is_escaped_and_nothing_is_loaded(profile):
    page = profile_page(profile)
    assert "<b>mel</b>" not in page
    assert "&lt;b&gt;mel&lt;/b&gt;" in page
    assert "http" not in page
    assert "<script" not in page


def test_what_is_undefined_is_said_and_long_lists_are_cut(profile):
    page = profile_page(profile)
    assert "too few to say" in page
    assert ">nan<" not in page
    assert "and 10 more, in profile.json" in page


def test_a_page_without_findings_does_not_promise_that_there_are_none(profile):
    bare = dataclasses.replace(
        profile,
        kind="class_folders",
        roles=ColumnRoles(),
        has_groups=False,
        hazards=(),
        attributes=(),
        quarantined=(),
        given_splits=(),
    )
    page = profile_page(bare)
    assert "That does not prove there is none" in page
    assert "every image could be read in full" in page
    assert "name of the folder" in page


def test_findings_boxes_readers_and_what_was_understood_are_shown(profile):
    full = dataclasses.replace(
        profile,
        kind="coco",
        findings=(Finding(name="fracture", present=321, absent=654, uncertain=17, unknown=208),),
        supervision=(SupervisionCount(kind="boxes", images=60), SupervisionCount(kind="label", images=1140)),
        boxes=BoxFacts(boxes=77, images=55, labels=(("fracture", 77),), unusable=2, unboxed_present=266),
        annotators=(Annotator(name="reader 1", images=1200, kappa=0.61),),
        disagreement=0.125,
        notes=("Found a COCO file.",),
        hazards=(Hazard(kind="boxes", severity="ask", summary="Two boxes.", examples=("<i>a.png</i>",)),),
    )
    page = profile_page(full)
    for words in (
        "1,200 images",
        "1 finding<",
        ">321<",
        ">654<",
        ">17<",
        ">208<",
        ">5.0%<",
        ">77<",
        ">266<",
        "reader 1",
        ">0.61<",
        "12.5%",
    ):
        assert words in page, words
    assert "Found a COCO file." in page
    assert "boxes in COCO format" in page
    assert "&lt;i&gt;a.png&lt;/i&gt;" in page


def test_images_without_any_label_have_a_page_too(profile):
    bare = dataclasses.replace(profile, kind="unlabelled", roles=ColumnRoles(), labels=(), forecasts=(), attributes=())
    page = profile_page(bare)
    assert "no labels</h1>" in page
    assert "what the test will be able to show" not in page


def test_a_hazard_has_a_title_and_what_is_asked_of_the_reader_is_explained(profile):
    page = profile_page(profile)
    assert "<strong>A column gives the label away</strong>" in page
    assert "Only you can tell." in page
    assert "No model is trained before this is mended." not in page


def test_what_was_looked_for_is_listed_with_its_outcome(profile):
    checks = (
        Check(what="Labels at the edge", outcome="found"),
        Check(what="Effects of hospital", outcome="not possible", reason="no column names a hospital"),
    )
    page = profile_page(dataclasses.replace(profile, checks=checks))
    assert page.index("Labels at the edge") < page.index("found, see above") < page.index("could not be checked")
    assert "no column names a hospital" in page
    assert "Nobody looked for" in page


def test_what_a_picture_gives_away_without_its_details_is_shown(profile):
    probes = (PictureProbe(seen="the outer tenth alone", label="nv", auc=0.97, half_width=0.05),)
    page = profile_page(dataclasses.replace(profile, picture_probes=probes))
    assert "the outer tenth alone" in page
    assert "0.92 to 1.00" in page


def test_values_that_are_each_seldom_are_not_called_other(profile):
    seldom = dataclasses.replace(profile.attributes[0], values=(("other", 11),))
    assert "11, each value seldom" in profile_page(dataclasses.replace(profile, attributes=(seldom,)))


def test_masks_beside_boxes_are_counted_too(profile):
    boxed = (SupervisionCount(kind="boxes", images=1200),)
    page = profile_page(dataclasses.replace(profile, supervision=boxed, masked_images=600))
    assert "a mask as well" in page
    assert ">50.0%<" in page
