"""What the playbook reads out of a spec and a run."""

import math
import random

import pytest

from agents.playbook.belief import Belief, Observation, expected_gain
from agents.playbook.orientation import orientation_of
from agents.playbook.reading import metric_kind, techniques_held
from agents.playbook.record import CONTEXT, attempts_of, observations_of
from agents.playbook.technique import Gain
from tasks.domain.profile import Hazard
from tasks.domain.round import Hypothesis, Judgement, Round, Verdict
from tasks.domain.spec import Grounding, OperatingPoint, Spec, SpecClass

POINT = OperatingPoint(fixed="youden", at_least=math.nan, positive="b")


def new_spec(words, classes=("a", "b"), source="request"):
    return Spec(
        task="binary_classification",
        classes=tuple(SpecClass(name=name, labels=(name,), description=name) for name in classes),
        positive=classes[-1],
        priorities=(),
        primary="auroc",
        secondary=(),
        operating_point=POINT,
        grounding=(Grounding(field="task", source=source, words=words),),
    )


@pytest.mark.parametrize(
    ("words", "classes", "orientation"),
    [
        ("tell melanoma from an ordinary mole", ("nv", "mel"), "any"),
        ("get it right: which dermoscopy pictures need a biopsy", ("a", "b"), "any"),
        ("polyps on colonoscopy", ("a", "b"), "any"),
        ("tumour on histology slides", ("a", "b"), "any"),
        ("does this chest film show a drain", ("a", "b"), "fixed"),
        ("pneumothorax or not", ("a", "b"), "fixed"),
        ("which side of the skin is it", ("left", "right"), "fixed"),
        ("read the letters", ("a", "b"), "fixed"),
        ("sort photographs of wounds and fruit", ("a", "b"), "upright"),
    ],
)
def test_pictures_are_turned_only_where_that_keeps_their_meaning(words, classes, orientation):
    assert orientation_of(new_spec(words, classes))[0] == orientation


def test_only_the_words_of_the_request_decide_on_turning():
    assert orientation_of(new_spec("chest", source="default"))[0] == "upright"


def test_data_in_which_the_side_matters_are_never_mirrored():
    sided = Hazard(kind="laterality", severity="warn", summary="The labels name a side.")
    other = Hazard(kind="tiny_class", severity="warn", summary="Few.")
    assert orientation_of(new_spec("tell melanoma from a mole"), [other])[0] == "any"
    assert orientation_of(new_spec("tell melanoma from a mole"), [other, sided]) == ("fixed", "laterality")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("auroc", "ranking"), ("auroc[mel]", "ranking"), ("average_precision[mel]", "ranking"),
        ("sensitivity_at_specificity_80[mel]", "ranking"), ("f1_macro", "decision"), ("balanced_accuracy", "decision"),
        ("sensitivity[mel]", "decision"), ("brier", "calibration"), ("ece", "calibration"),
    ],
)  # fmt: skip
def test_a_metric_looks_at_order_decisions_or_probabilities(name, kind):
    assert metric_kind(name) == kind


def test_a_round_teaches_about_its_steps_and_their_relatives():
    belief = Belief(
        {"a": Gain(0.0, 1.0), "b": Gain(0.0, 1.0), "c": Gain(0.0, 1.0)}, lambda *pair: 0.5 if "c" not in pair else 0.0
    )
    belief.observe(Observation(steps=("a",), gain=1.0, error=1.0))
    assert belief.gain(["a"]) == pytest.approx((0.5, math.sqrt(0.5)))
    assert belief.gain(["b"]) == pytest.approx((0.25, math.sqrt(0.875)))
    assert belief.gain(["c"]) == pytest.approx((0.0, 1.0))
    assert belief.gain(["a", "b"])[0] == pytest.approx(0.75)


def test_the_worth_of_a_round_is_the_mean_of_many_drawn_ones():
    chance, kept = random.Random(0), 0.0
    for _ in range(200_000):
        gain = chance.gauss(0.02, 0.05)
        kept += gain if gain + chance.gauss(0, 0.07) > 0.07 else 0.0
    assert expected_gain(0.02, 0.05, 0.07) == pytest.approx(kept / 200_000, abs=3e-4)


def kept_round(number, technique, removes=-1, verdict=Verdict.KEPT):
    return Round(
        number=number,
        hypothesis=Hypothesis(title=technique, technique=technique, removes=removes),
        judgement=Judgement(verdict=verdict, reason="", difference=0.01, standard_error=0.004),
        incumbent=number - 1,
        commit=str(number),
        score=0.8 + 0.01 * number,
    )


def test_a_technique_that_was_taken_back_is_not_held_any_more():
    history = (
        kept_round(0, "baseline", verdict=Verdict.BASELINE),
        kept_round(1, "mixup+dropout"),
        kept_round(2, "focal_loss"),
        kept_round(3, "without_focal_loss", removes=2, verdict=Verdict.REJECTED),
        kept_round(4, "without_mixup+without_dropout", removes=1),
    )
    assert techniques_held(history[:4]) == {"baseline", "mixup", "dropout", "focal_loss"}
    assert techniques_held(history) == {"baseline", "focal_loss"}


def test_rounds_that_take_something_back_are_no_attempts_of_a_technique():
    history = (
        kept_round(0, "baseline", verdict=Verdict.BASELINE),
        kept_round(1, "mixup+dropout"),
        kept_round(2, "without_mixup+without_dropout", removes=1),
    )
    found = attempts_of(history, {"mixup", "dropout"}, higher_is_better=True)
    assert [item.number for item in found] == [1]


def test_what_other_seeds_showed_is_the_least_error_of_a_round():
    history = (kept_round(0, "baseline", verdict=Verdict.BASELINE), kept_round(1, "mixup"))
    errors = [
        observations_of(attempts_of(history, {"mixup"}, higher_is_better=True, seed_deviation=deviation))[0].error
        for deviation in (math.nan, 0.001, 0.01)
    ]
    assert errors[0] == errors[1] == pytest.approx(math.hypot(0.004 / 0.2, CONTEXT))
    assert errors[2] == pytest.approx(math.hypot(math.sqrt(2) * 0.01 / 0.2, CONTEXT))
