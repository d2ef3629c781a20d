import dataclasses
import math
import re
from html.parser import HTMLParser

import pytest

from tasks.domain.evaluation import Comparison, Difference, Estimate
from tasks.domain.profile import LabelCount
from tasks.domain.spec import SpecClass
from tasks.report.intake import FIELDS, NOT_PROVIDED
from tasks.report.report import render_report

FORBIDDEN = (
    "ground truth",
    "ground-truth",
    "gold standard",
    "external validation",
    "internal validation",
    "validation set",
)
"""CLAIM 2024: reference standard, and internal or external testing; validation is the tuning set's word alone."""
NASTY = "<script>alert('x')</script>"


class Tags(HTMLParser):
    """Collects the elements of a page with their attributes, its text, and whether every element is closed."""

    VOID = frozenset({"meta", "br", "link", "img", "input", "hr"})

    def __init__(self, page):
        super().__init__()
        self.open, self.found, self.text = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)


def text_of(page):
    return re.sub(r"\s+", " ", " ".join(Tags(page).text))


def with_primary(record, *, gain=0.065, p=0.0002, p_delong=math.nan, **changes):
    evaluation = record.evaluation
    old = evaluation.metrics[evaluation.primary]
    difference = Difference(value=gain, low=gain - 0.02, high=gain + 0.02, p=p, p_delong=p_delong)
    final = Estimate(value=old.initial.value + gain, low=old.initial.value, high=0.99)
    metrics = {
        **evaluation.metrics,
        evaluation.primary: Comparison(initial=old.initial, final=final, difference=difference),
    }
    return dataclasses.replace(record, evaluation=dataclasses.replace(evaluation, metrics=metrics, **changes))


def test_a_report_is_one_file_that_loads_nothing(study_record):
    page = render_report(study_record)
    tags = Tags(page)
    assert tags.open == []
    names = {tag for tag, _ in tags.found}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "form"}
    assert not [attributes for _, attributes in tags.found if {"src", "href"} & attributes.keys()]
    assert "url(" not in page
    assert "@import" not in page
    assert len(page) < 200_000


def test_a_report_is_the_same_when_made_again(study_record):
    assert render_report(study_record) == render_report(study_record)


def test_the_parts_stand_in_the_order_that_a_clinician_reads(study_record):
    text = text_of(render_report(study_record))
    parts = (
        "The final model reached AUC",
        "The request, and how it was understood",
        "The data",
        "Hazards found in the data",
        "The rounds",
        "Initial against final model, on the test set",
        "ROC and calibration",
        "At the threshold that a user meets",
        "Confusion matrices",
        "Shown by the held-out test",
        "Seen only in validation",
        "Cannot be guaranteed",
        "What only a person can tell",
        "Methods and provenance",
    )
    # The title of the page says the first of them too.
    places = [text.rindex(part) for part in parts]
    assert places == sorted(places)


@pytest.mark.parametrize("sealed", [False, True])
def test_the_words_are_those_of_claim_2024(study_record, sealed):
    record = dataclasses.replace(study_record, evaluation=None) if sealed else study_record
    text = text_of(render_report(record)).lower()
    assert not [words for words in FORBIDDEN if words in text]
    assert sealed or "reference standard" in text


@pytest.mark.parametrize(
    "place", ["label", "description", "request", "read_back", "round", "hazard", "study", "intake", "version"]
)
def test_text_from_outside_cannot_become_markup(study_record, place):
    record, profile, first = study_record, study_record.profile, study_record.rounds[0]
    changes = {
        "label": {"profile": dataclasses.replace(profile, labels=(LabelCount(label=NASTY, images=1, groups=1),))},
        "description": {
            "spec": dataclasses.replace(
                record.spec,
                classes=(record.spec.classes[0], SpecClass(name="mel", labels=("mel",), description=NASTY)),
            )
        },
        "request": {"request": dataclasses.replace(record.request, text=NASTY)},
        "read_back": {"read_back": f"# {NASTY}\n\n- **{NASTY}**\n- `{NASTY}`\n\n> {NASTY}\n\n{NASTY}"},
        "round": {
            "rounds": (
                dataclasses.replace(
                    first, hypothesis=dataclasses.replace(first.hypothesis, title=NASTY, rationale=NASTY)
                ),
                *record.rounds[1:],
            )
        },
        "hazard": {
            "profile": dataclasses.replace(profile, hazards=(dataclasses.replace(profile.hazards[0], summary=NASTY),))
        },
        "study": {"study_id": NASTY},
        "intake": {"intake": {"ethics": NASTY}},
        "version": {"environment": dataclasses.replace(record.environment, versions={NASTY: NASTY})},
    }
    page = render_report(dataclasses.replace(record, **changes[place]))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert Tags(page).open == []


@pytest.mark.parametrize(
    ("p", "p_delong", "said"),
    [
        (0.0002, math.nan, True),
        (0.049, 0.04, True),
        (0.05, math.nan, False),
        (0.03, 0.2, False),
        (math.nan, math.nan, False),
    ],
)
def test_improved_is_said_only_if_the_primary_metric_is_better_beyond_chance(study_record, p, p_delong, said):
    text = text_of(render_report(with_primary(study_record, p=p, p_delong=p_delong)))
    assert ("improved" in text) is said


def test_a_worse_final_model_is_called_worse(study_record):
    text = text_of(render_report(with_primary(study_record, gain=-0.05, p=0.001)))
    assert "improved" not in text
    assert "it is worse than the initial model" in text


def test_a_lower_primary_metric_is_better_where_the_protocol_says_so(study_record):
    record = dataclasses.replace(
        study_record,
        evaluation=dataclasses.replace(study_record.evaluation, primary="brier"),
        protocol=dataclasses.replace(study_record.protocol, primary="brier", higher_is_better=False),
    )
    assert "improved on the initial model" in text_of(render_report(record))


def test_before_the_opening_the_report_says_that_the_test_set_is_sealed(study_record):
    text = text_of(render_report(dataclasses.replace(study_record, evaluation=None)))
    assert "The test set is still sealed" in text
    assert "nothing is known yet about patients that the model never saw" in text
    assert "Initial against final" not in text
    assert "improved" not in text


def test_a_report_may_be_made_before_any_round(study_record):
    text = text_of(render_report(dataclasses.replace(study_record, evaluation=None, rounds=())))
    assert "No round is finished yet" in text


def test_a_failed_baseline_is_drawn_without_a_scale_of_its_own(study_record):
    failed = dataclasses.replace(study_record.rounds[4], number=0)
    page = render_report(dataclasses.replace(study_record, evaluation=None, rounds=(failed,)))
    assert not re.search(r"\bnan\b", page)


def test_a_study_that_kept_no_round_says_so(study_record):
    record = dataclasses.replace(study_record, rounds=study_record.rounds[:1])
    text = text_of(render_report(with_primary(record, gain=0.0, p=1.0)))
    assert "it is still the initial one" in text
    assert "improved" not in text


def test_p_is_never_printed_as_zero(study_record):
    text = text_of(render_report(with_primary(study_record, p=0.0)))
    assert "p < 0.001" in text
    assert "p = 0.000" not in text
    assert "p 0" not in text


def test_what_is_undefined_is_printed_with_its_reason(study_record):
    nan = Estimate(value=math.nan, low=math.nan, high=math.nan)
    gone = Comparison(
        initial=nan,
        final=nan,
        difference=Difference(value=math.nan, low=math.nan, high=math.nan, p=math.nan),
        warnings=("no case of melanoma in any resample",),
    )
    evaluation = study_record.evaluation
    metrics = dict.fromkeys(evaluation.metrics, gone)
    page = render_report(
        dataclasses.replace(study_record, evaluation=dataclasses.replace(evaluation, metrics=metrics, figures={}))
    )
    text = text_of(page)
    assert not re.search(r"\bnan\b", text)
    assert "undefined (no case of melanoma in any resample)" in text
    assert "improved" not in text


def test_what_only_a_person_can_tell_is_not_invented(study_record):
    text = text_of(render_report(study_record))
    assert text.count(NOT_PROVIDED) == len(FIELDS)
    answered = text_of(render_report(dataclasses.replace(study_record, intake={"ethics": "Approved, 2026-17."})))
    assert "Approved, 2026-17." in answered
    assert answered.count(NOT_PROVIDED) == len(FIELDS) - 1


def test_an_answer_to_an_unknown_question_is_refused(study_record):
    with pytest.raises(ValueError, match="unknown intake fields: etics"):
        render_report(dataclasses.replace(study_record, intake={"etics": "yes"}))


def test_every_round_has_its_line_and_every_mark_its_words(study_record):
    page = render_report(study_record)
    for item in study_record.rounds:
        assert text_of(page).count(f"Round {item.number}, {item.hypothesis.title}") >= 2


def test_realised_and_roc_read_values_stand_side_by_side(study_record):
    text = text_of(render_report(study_record))
    assert "realised at the frozen threshold" in text
    assert "read from the test ROC" in text
    assert "found 137 of 160 images of melanoma" in text


def test_the_hashes_that_the_figures_rest_on_are_printed(study_record):
    page = render_report(study_record)
    for value in ("a" * 64, "b" * 64, "5" * 64, "f" * 64, "c" * 40):
        assert value in page


def test_seven_classes_are_reported_with_the_one_that_matters_first(study_record):
    names = ("nv", "bkl", "bcc", "akiec", "vasc", "df", "mel")
    spec = dataclasses.replace(
        study_record.spec,
        classes=tuple(SpecClass(name=name, labels=(name,), description=f"the {name} kind") for name in names),
        positive="",
    )
    curves = {
        "roc": {name: [[0, 0], [0.2, 0.8], [1, 1]] for name in names},
        "operating": {"mel": [0.1, 0.7]},
        "calibration": {name: [[0.1, 0.05, 90], [0.8, 0.9, 10]] for name in names},
        "confusion": {"classes": list(names), "counts": [[3] * 7 for _ in names]},
    }
    evaluation = dataclasses.replace(
        study_record.evaluation,
        class_counts=dict.fromkeys(names, 25),
        figures={"initial": curves, "final": curves},
    )
    page = render_report(dataclasses.replace(study_record, spec=spec, evaluation=evaluation))
    text = text_of(page)
    assert text.index("ROC , the mel kind") < text.index("ROC , the nv kind")
    assert "sorts images into 7 classes" in text
    assert "Only 25 test images of the vasc kind: what is said of this class is exploratory" in text
    assert "times in 100" not in text


def test_curves_in_an_unknown_form_are_refused(study_record):
    broken = dataclasses.replace(study_record.evaluation, figures={"initial": {"roc": "none"}})
    with pytest.raises(ValueError, match="validation error"):
        render_report(dataclasses.replace(study_record, evaluation=broken))


@pytest.mark.parametrize(("low", "guessing"), [(0.48, True), (0.5, True), (0.51, False)])
def test_an_auc_whose_interval_reaches_down_to_a_coin_is_said_to_be_no_better_than_guessing(
    study_record, low, guessing
) -> None:
    evaluation = study_record.evaluation
    old = evaluation.metrics["auroc"]
    metrics = {**evaluation.metrics, "auroc": dataclasses.replace(old, final=dataclasses.replace(old.final, low=low))}
    page = text_of(
        render_report(dataclasses.replace(study_record, evaluation=dataclasses.replace(evaluation, metrics=metrics)))
    )
    assert ("it is not shown to do better than guessing" in page) is guessing
    assert ("Guessing reaches 0.5, and the interval does too" in page) is guessing
