"""The read-back, and the small parts that the parser reads with: words, numbers, spelling, quoting."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agents import quoting
from agents.plain_metric import plain_metric
from agents.playbook.intent.lexicon import load_lexicon
from agents.playbook.intent.shares import amount_at
from agents.playbook.intent.spelling import one_slip
from agents.playbook.intent.words import normal_form, phrase, tokenise
from agents.playbook.semantic_parser import PlaybookSemanticParser
from tasks.domain.profile import Attribute, Forecast, LabelCount, Profile
from tasks.domain.request import ColumnRoles


def profile_of(labels):
    return Profile(
        kind="table", roles=ColumnRoles(image="image", label="dx"), n_images=sum(labels.values()), n_groups=9, has_groups=True,
        labels=tuple(LabelCount(label=k, images=v, groups=v) for k, v in labels.items()),
        attributes=(Attribute(name="sex", kind="categorical", missing=0, values=(), cramers_v=0.1, auc=0.6, auc_label=""),),
        quarantined=(), width_median=64, height_median=64, exact_duplicate_sets=0, exact_duplicate_images=0, near_duplicate_pairs=0,
        conflicting_duplicate_sets=0, conflicting_groups=0, given_splits=(), hazards=(),
        forecasts=tuple(
            Forecast(label=k, test_images=round(v * 0.15), test_groups=9, auc_half_width=0.03, detectable_difference=0.04) for k, v in labels.items()
        ),
        seconds=1.0,
    )  # fmt: skip


HAM = profile_of({"nv": 6705, "mel": 400, "bkl": 1099})
TEXT = "Tell melanoma from an ordinary mole. Catch at least 95% of melanomas. It should work equally well in women and men."


def parse(text, profile=HAM):
    return PlaybookSemanticParser().parse(text, profile)


def test_the_read_back_says_what_counts_as_what_and_what_is_left_out():
    shown = parse(TEXT).read_back
    for part in (
        "melanoma (`mel`): 400 images",
        "ordinary mole (nevus) (`nv`): 6,705 images",
        "Left out of the study, 1,099 images: `bkl` 1,099.",
    ):
        assert part in shown


def test_the_read_back_cites_the_words_that_a_floor_and_a_subgroup_rest_on():
    shown = parse(TEXT).read_back
    assert "at least 95% (you wrote “Catch at least 95% of melanomas”)" in shown
    assert "Results are shown apart by `sex`" in shown
    assert "About 60 test images will show `mel`" in shown


def test_what_the_model_sees_beside_the_image_is_said_and_asked_about_where_it_tells_much_alone():
    (sex,) = HAM.attributes
    age = replace(sex, name="age", kind="numeric", auc=0.78, auc_label="mel")
    data = replace(HAM, attributes=(sex, age))
    parsed = PlaybookSemanticParser().parse(TEXT, data, inputs=("age", "sex"))
    assert parsed.spec.inputs == ("age", "sex")
    assert [ground.words for ground in parsed.spec.grounding if ground.field == "inputs"] == ["inputs: age, sex"]
    assert "Beside the image it may also see `age` and `sex` (you wrote “inputs: age, sex”)" in parsed.read_back
    assert "they are needed for each image when it is used" in parsed.read_back
    (asked,) = [question for question in parsed.questions if question.field == "inputs"]
    assert not asked.blocking
    assert "AUC of 0.78 without any picture" in asked.text
    assert any("`age`, which alone tells mel" in caveat for caveat in parsed.spec.caveats)
    plain = PlaybookSemanticParser().parse(TEXT, data)
    assert plain.spec.inputs == ()
    assert "Beside the image" not in plain.read_back
    assert replace(parsed.spec, inputs=(), caveats=(), grounding=()) == replace(plain.spec, caveats=(), grounding=())


def test_the_read_back_fits_one_screen():
    assert len(parse(TEXT).read_back.splitlines()) <= 45


def test_the_read_back_of_a_question_holds_the_labels_of_the_data():
    shown = parse("Find pneumothorax.").read_back
    assert "Nothing is built yet" in shown
    assert "`nv` (6,705)" in shown


def test_the_read_back_of_a_question_says_what_is_understood_so_far():
    shown = parse("Tell melanoma from moles. Catch at least 95% of melanomas. Sensitivity at most 90%.").read_back
    assert "**Understood so far**" in shown
    assert "Floor: the share of melanoma that is caught (sensitivity), at least 95%" in shown


def test_the_read_back_of_a_refusal_says_why_and_what_could_be_built():
    shown = parse("Prescribe a cream.").read_back
    assert "not taken on" in shown
    assert "What can be built" in shown


def test_markdown_and_html_of_a_request_are_shown_as_text():
    shown = parse("Find melanoma. <b>**bold**</b> `x` [link](http://example.org)").read_back
    assert "<b>" not in shown
    assert "\\*\\*bold" in shown
    assert quoting.code("a`b\nc") == "`a'b c`"
    assert len(quoting.plain("x" * 100)) == 60


@pytest.mark.parametrize(
    "name",
    ["auroc", "auroc[mel]", "sensitivity[mel]", "specificity[mel]", "sensitivity_at_specificity_80[mel]", "specificity_at_sensitivity_95[mel]",
     "average_precision[mel]", "f1[mel]", "f1_macro", "accuracy", "balanced_accuracy", "brier"],
)  # fmt: skip
def test_each_metric_has_plain_words(name):
    spec = parse(TEXT).spec
    assert spec is not None
    shown = plain_metric(name, spec)
    assert shown != name
    assert "[" not in shown


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("95%", 0.95), ("95 %", 0.95), ("95 percent", 0.95), ("95 per cent", 0.95), ("ninety-five percent", 0.95), ("97.5%", 0.975), ("0.95", 0.95),
        ("0,95", 0.95), ("19 out of 20", 0.95), ("19 of 20", 0.95), ("nineteen out of twenty", 0.95), ("1 in 20", 0.05), ("one in ten", 0.1),
        ("19/20", 0.95), ("half of", 0.5), ("a quarter of", 0.25), ("three quarters of", 0.75), ("one hundred percent", 1.0), ("95 of every 100", 0.95),
        ("7", None), ("twenty", None), ("10,015", None), ("150%", None), ("a", None), ("20 of 10", None), ("half", None),
    ],
)  # fmt: skip
def test_shares_are_read_in_digits_and_words(text, share):
    amount = amount_at(tokenise(text), 0)
    assert (amount.share if amount is not None else None) == (pytest.approx(share) if share is not None else None)


def test_a_comma_before_three_digits_separates_thousands():
    amount = amount_at(tokenise("10,015 images"), 0)
    assert amount is not None
    assert amount.number == 10015


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("naevi", "nevus"), ("melanomas", "melanoma"), ("keratoses", "keratosis"), ("diagnoses", "diagnosis"), ("haemorrhage", "hemorrhage"),
        ("oedema", "edema"), ("tumours", "tumor"), ("women", "woman"), ("biopsies", "biopsy"), ("biopsied", "biopsy"), ("missing", "miss"),
        ("missed", "miss"), ("classes", "class"), ("images", "imaging"), ("diseases", "disease"), ("optimise", "optimize"), ("don't", "not"),
        ("Melanoma\u2019s", "melanoma"), ("cannot", "not"), ("bleeding", "bleeds"),
    ],
)  # fmt: skip
def test_forms_of_one_word_are_equal(one, other):
    assert normal_form(one) == normal_form(other)


@pytest.mark.parametrize(
    ("one", "other"), [("glass", "gla"), ("mel", "mels?"), ("benign", "malignant"), ("need", "ne")]
)
def test_different_words_stay_different(one, other):
    assert normal_form(one) != normal_form(other)


def test_tokens_keep_their_place_in_the_text():
    text = "Tell mel-anoma vs. “naevus” — 95 % (say)."
    assert all(text[token.start : token.end] == token.text for token in tokenise(text))
    assert "vs." in [token.text for token in tokenise(text)]


def test_one_slip_is_one_letter():
    assert one_slip("melonoma", "melanoma")
    assert one_slip("melanma", "melanoma")
    assert one_slip("mealnoma", "melanoma")
    assert not one_slip("melano", "melanoma")
    assert not one_slip("hypertension", "hypotension")


def test_the_lexicon_is_sound():
    lexicon = load_lexicon()
    for concept in lexicon.concepts.values():
        assert concept.plain
        assert all(concept.words)
        assert set(concept.members + concept.unsure) <= set(lexicon.concepts)
        assert concept.kind in {"finding", "umbrella", "artefact", "attribute", "modality"}
        assert (concept.concern >= 0) == (concept.kind in {"finding", "umbrella"})
    tags = frozenset().union(*lexicon.cues.values()) | {"THING", "THINGS", "SHARE", "NUMBER", "METRIC"}
    used = {
        option
        for patterns in lexicon.patterns.values()
        for pattern in patterns
        for element in pattern
        for option in element.options
        if option.isupper()
    }
    assert used <= tags
    assert phrase("chest_drain") == phrase("Chest drains")
