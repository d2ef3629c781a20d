"""Variants of an edit compete in short runs inside the round's budget, each a counted look at validation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from flows.improve_model import run_rounds
from flows.pilots import PILOT_PART, pilot_seconds, stages_of
from tasks.domain.round import Hypothesis, Proposal, Variant, Verdict

RECIPE = (Path(__file__).parent / "tiny_template" / "classification" / "recipe.py").read_text()


def variant(noise: float) -> Variant:
    text = RECIPE.replace("noise: float = 120.0", f"noise: float = {noise}")
    return Variant(title=f"noise {noise:g}", settings={"noise": noise}, files={"recipe.py": text})


def proposal(*variants: Variant) -> Proposal:
    hypothesis = Hypothesis(title=variants[0].title, technique="noise", settings=variants[0].settings)
    return Proposal(hypothesis=hypothesis, files=variants[0].files, variants=variants)


def test_the_best_variant_of_the_pilot_runs_is_what_the_round_trains(workshop) -> None:
    work = workshop([proposal(variant(400.0), variant(60.0), variant(2.0), variant(90.0))])
    rounds = run_rounds(work)
    first = rounds[1]
    assert first.hypothesis.title == "noise 2"
    assert first.hypothesis.settings == {"noise": 2.0}
    assert first.judgement.verdict is Verdict.KEPT
    assert "noise: float = 2.0" in work.codebase.source()["recipe.py"]
    assert [(item.title, item.stage) for item in first.pilots[:4]] == [
        ("noise 400", 1), ("noise 60", 1), ("noise 2", 1), ("noise 90", 1)
    ]  # fmt: skip
    assert {item.title for item in first.pilots[4:]} >= {"noise 2"}
    assert [item.stage for item in first.pilots[4:]] == [2, 2]
    assert "Chosen in short pilot runs of this round: noise 400 0." in first.hypothesis.rationale


def test_every_pilot_run_is_a_counted_look_and_takes_of_the_rounds_time(workshop) -> None:
    rounds = run_rounds(workshop([proposal(variant(60.0), variant(2.0))]))
    assert len(rounds[1].pilots) == 2
    assert rounds[1].looks == 2 + 1
    assert rounds[1].train_seconds > sum(item.train_seconds for item in rounds[1].pilots) > 0
    again = workshop([]).study.rounds()[1]
    assert again.pilots == rounds[1].pilots, "the record is read back as it was written"


def test_a_variant_that_crashes_is_out_and_says_why(workshop) -> None:
    crash = Variant(title="a crash", settings={}, files={"train.py": 'raise RuntimeError("no such layer")\n'})
    work = workshop([replace(proposal(variant(2.0)), variants=(crash, variant(2.0)))])
    rounds = run_rounds(work)
    assert rounds[1].hypothesis.title == "noise 2"
    assert "exit code 1" in rounds[1].pilots[0].reason
    assert rounds[1].judgement.verdict is Verdict.KEPT
    assert "no such layer" in (work.study.round_path(1) / "pilot-1-1.log").read_text()


def test_a_variant_that_was_tried_before_is_out_too(workshop, edit) -> None:
    rounds = run_rounds(workshop([edit("more noise", 400.0), proposal(variant(400.0), variant(2.0))]))
    assert "same code" in rounds[2].pilots[0].reason
    assert rounds[2].hypothesis.title == "noise 2"


def test_a_round_without_variants_has_no_pilot_runs(workshop, edit) -> None:
    rounds = run_rounds(workshop([edit("less noise", 2.0)]))
    assert rounds[1].pilots == ()


@pytest.mark.parametrize("variants", [2, 3, 4, 8])
def test_all_pilot_runs_together_stay_within_their_part_of_the_round(variants) -> None:
    left, spent = variants, 0.0
    for _ in range(stages_of(variants)):
        spent += left * pilot_seconds(2400.0, variants=variants, left=left)
        left = max(1, left // 2)
    assert spent <= PILOT_PART * 2400.0 * 1.0001
