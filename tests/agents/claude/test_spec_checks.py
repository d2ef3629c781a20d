"""Each thing that can be wrong with a form is said in a sentence."""

import pytest
from facts import profile_of

from agents.claude.seen import names_of
from agents.claude.spec_checks import problems
from agents.claude.spec_form import RequestForm
from agents.claude.spec_writing import form_of_parsed
from agents.playbook.semantic_parser import PlaybookSemanticParser

TEXT = "Tell melanoma from nevus. At least 90% of melanomas must be found. Do not let it lean on the ruler. Show results by sex."
PROFILE = profile_of(
    {
        "images": 4000,
        "labels": {"dx": ["nevus", "melanoma", "keratosis"]},
        "metadata": ["patient_id", "sex", "ruler"],
        "split": "none",
    }
)
NAMES = names_of(PROFILE)


@pytest.fixture
def form():
    """Return a form in which nothing is wrong, as plain JSON."""
    parsed = PlaybookSemanticParser().parse(TEXT, PROFILE)
    assert parsed.spec is not None
    assert parsed.spec.constraints
    assert parsed.spec.confounders
    assert parsed.spec.subgroups
    return form_of_parsed(parsed, TEXT, NAMES).model_dump()


def told(form):
    return problems(RequestForm.model_validate(form), TEXT, NAMES)


def test_nothing_is_said_of_a_form_in_which_nothing_is_wrong(form):
    assert told(form) == []


def put(form, path, value):
    *way, last = path.split(".")
    for step in way:
        form = form[int(step) if step.isdigit() else step]
    form[int(last) if last.isdigit() else last] = value


METRIC = {"family": "auroc", "of": "", "held": None}


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("spec.classes.0.labels", ["naevus"], "the data have no label 'naevus'; they have"),
        ("spec.classes.0.labels", ["melanoma"], "label 'melanoma' counts as more than one class"),
        ("spec.classes.0.labels", [], "has no label of the data; without one a blocking question"),
        ("spec.classes.0.name", "Some Name", "a name is lower-case letters"),
        ("spec.classes.0.name", "melanoma", "class 'melanoma' is defined twice"),
        ("spec.classes.0.description", " ", "its description is a few plain words"),
        ("spec.positive", "nevus", "the positive class of a binary task is the last one"),
        ("spec.task", "multiclass_classification", "has no positive class"),
        ("spec.task", "regression", "a number has no classes"),
        ("spec.priorities", ["mole"], "priorities: 'mole' is no class"),
        ("spec.primary", {**METRIC, "of": "mole"}, "is of 'mole', which is no class"),
        ("spec.primary", {**METRIC, "family": "f1"}, "f1 is of one class"),
        ("spec.primary", {**METRIC, "family": "ece", "of": "melanoma"}, "ece is of the whole task"),
        ("spec.primary", {**METRIC, "family": "sensitivity_at_specificity", "of": "melanoma"}, "needs a class in `of`"),
        ("spec.primary", {"family": "sensitivity_at_specificity", "of": "melanoma", "held": 800}, "it cannot be 800"),
        ("spec.primary", {**METRIC, "held": 80}, "auroc holds nothing"),
        ("spec.primary", {**METRIC, "family": "map50"}, "map50 does not measure binary_classification"),
        ("spec.constraints.0.bound", 90, "a bound of 90 is not between 0 and 1; write 90% as 0.9"),
        ("spec.guardrails", [{"metric": METRIC, "margin": 2}], "a margin of 2 is not between 0 and 1"),
        ("spec.operating_point.positive", "mole", "operating_point: 'mole' is no class"),
        ("spec.operating_point.at_least", None, "sensitivity is held at a value between 0 and 1"),
        ("spec.operating_point.fixed", "youden", "youden holds nothing"),
        ("spec.confounders.0.name", "a <b>ruler</b>", "its name is that of a column, or words of the request"),
        ("spec.confounders.0.column", "rulers", "the data have no column 'rulers'"),
        ("spec.subgroups.0.column", "gender", "the data have no column 'gender'"),
        ("spec.subgroups.0.max_gap", 3, "a gap of 3 is not between 0 and 1"),
        ("spec.held_out", "hospital", "held_out: the data have no column 'hospital'"),
        ("spec.costs", [{"true": "melanoma", "called": "mole", "weight": 1}], "two different classes of"),
        ("spec.costs", [{"true": "melanoma", "called": "nevus", "weight": 0}], "a weight above 0"),
        ("spec.abstention.at_most", 0.1, "only where abstention is allowed"),
        ("spec.supervision.aggregation", "the loudest", "is no way to join readings"),
        ("spec.caveats", [""], "caveat 1 is one sentence"),
        ("spec.grounding", [], "grounding: task rests on nothing"),
        ("spec.grounding.0.words", "", "it cites no words"),
        ("refusal", "no", "a request that is refused has no spec"),
        ("spec", None, "either a refusal or a blocking question"),
        ("changes_nothing", ["Dear all"], "'Dear all' does not stand in the request"),
    ],
)  # fmt: skip
def test_each_violation_is_said_in_a_sentence(form, path, value, sentence):
    put(form, path, value)
    assert sentence in "\n".join(told(form))


def ground(**changes):
    return {"field": "priorities", "item": "", "source": "request", "words": "melanoma", "occurrence": 1, **changes}


@pytest.mark.parametrize(
    ("cited", "sentence"),
    [
        (ground(words="no melanoma may be missed"), "does not stand in the request"),
        (ground(words="elanom"), "does not stand in the request"),
        (ground(occurrence=2), "stands in the request 1 times, so there is no occurrence 2"),
        (ground(field="classes", item="mole"), "grounding of classes.mole: the spec has no such item; it has"),
        (ground(source="profile", words="as everybody knows"), "names no number, label or column"),
    ],
)
def test_what_a_field_rests_on_must_be_there(form, cited, sentence):
    form["spec"]["grounding"].append(cited)
    assert [line for line in told(form) if sentence in line]


QUESTION = {
    "field": "classes",
    "text": "Which?",
    "options": [],
    "default": "",
    "level": "confirm_default",
    "kind": "finding",
}


def test_a_question_that_does_not_block_has_a_default(form):
    form["questions"] = [QUESTION]
    assert told(form) == ["question 1: what does not block has a default that holds if nobody answers"]


def test_more_than_three_questions_are_too_many(form):
    form["questions"] = [{**QUESTION, "default": "both"}] * 4
    assert told(form) == ["questions: 4 are too many; put the 3 that change most, and ground the others as defaults"]


def test_a_class_may_lack_a_label_while_a_blocking_question_is_open(form):
    form["questions"] = [{**QUESTION, "level": "blocking"}]
    form["spec"]["classes"][0]["labels"] = []
    assert told(form) == []


def test_every_filled_field_must_rest_on_something(form):
    grounds = form["spec"]["grounding"]
    for field in (
        "task",
        "primary",
        "unit",
        "positive",
        "operating_point",
        "classes",
        "constraints",
        "confounders",
        "subgroups",
    ):
        form["spec"]["grounding"] = [item for item in grounds if item["field"] != field]
        assert any(line.startswith(f"grounding: {field}") and "rests on nothing" in line for line in told(form)), field
