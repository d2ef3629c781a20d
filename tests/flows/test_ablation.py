from __future__ import annotations

from dataclasses import replace

import pytest

from flows.improve_model import run_rounds
from tasks.domain.round import Hypothesis, Proposal, Verdict
from tasks.storage import StudyFolder


@pytest.fixture
def long_study(study: StudyFolder) -> StudyFolder:
    """Let the study have nine rounds."""
    study.write(replace(study.protocol(), max_rounds=9), "protocol.json")
    return study


@pytest.fixture
def script(workshop):
    """Return proposals whose changes lie in different files: each builds on the ones before, if those are kept."""
    source = workshop([]).codebase.source()
    recipe = source["recipe.py"].replace("noise: float = 120.0", "noise: float = 40.0")
    train = source["train.py"].replace("np.array([recipe.noise])", "np.array([recipe.noise / 2])")
    idle = source["predict.py"].replace("\n\ndef seen", "spare = 1\n\n\ndef seen")
    assert "spare" in idle
    return {
        "less noise": Proposal(
            hypothesis=Hypothesis(title="less noise", technique="less+noise"), files={"recipe.py": recipe}
        ),
        "divided": Proposal(hypothesis=Hypothesis(title="divided", technique="divided"), files={"train.py": train}),
        "idle": Proposal(
            hypothesis=Hypothesis(title="idle", technique="idle", simplification=True), files={"predict.py": idle}
        ),
    }


def outcomes(rounds):
    return {item.hypothesis.title: item.judgement.verdict for item in rounds}


def test_rounds_that_nobody_needs_take_back_kept_changes_one_at_a_time(long_study, workshop, script) -> None:
    work = workshop([script["idle"], script["less noise"], script["divided"]])
    rounds = run_rounds(work)
    assert outcomes(rounds) == {
        "baseline": Verdict.BASELINE,
        "idle": Verdict.KEPT,
        "less noise": Verdict.KEPT,
        "divided": Verdict.KEPT,
        "without idle": Verdict.KEPT,
        "without less noise": Verdict.REJECTED,
        "without divided": Verdict.REJECTED,
    }
    idle = rounds[4].hypothesis
    assert (idle.technique, idle.removes, idle.simplification) == ("without_idle", 1, True)
    assert rounds[5].hypothesis.technique == "without_less+without_noise"
    source = work.codebase.source()
    assert "spare" not in source["predict.py"]
    assert "40.0" in source["recipe.py"]
    assert "recipe.noise / 2" in source["train.py"]
    assert all(item.looks == 1 for item in rounds)
    assert "nothing left" in work.study.text("ended.txt")


def test_once_changes_are_taken_back_the_developer_is_not_asked_any_more(long_study, workshop, script) -> None:
    work = workshop([script["idle"], script["less noise"], script["divided"]])
    rounds = run_rounds(work)
    assert len(work.developer.briefings) == 4
    again = workshop([script["divided"]])
    assert [item.commit for item in run_rounds(again)] == [item.commit for item in rounds]
    assert again.developer.briefings == []


def test_the_change_kept_last_needs_no_run_as_its_own_round_shows_it(long_study, workshop, script) -> None:
    work = workshop([script["less noise"], script["divided"]])
    rounds = run_rounds(work)
    assert [item.hypothesis.title for item in rounds][3:] == ["without less noise"]
    assert work.study.ablation_notes() == {2: "without it the code is that of round 1"}


def test_a_single_kept_change_is_left_alone(long_study, workshop, script) -> None:
    work = workshop([script["divided"]])
    assert len(run_rounds(work)) == 2
    assert not work.study.has("ablation.json")


def test_a_change_that_later_ones_build_on_is_passed_over_with_the_reason(long_study, workshop, edit) -> None:
    work = workshop([edit("less noise", 40.0), edit("still less", 20.0)])
    rounds = run_rounds(work)
    assert [item.kept for item in rounds] == [True, True, True]
    assert work.study.ablation_notes() == {
        1: "later changes build on it",
        2: "without it the code is that of round 1",
    }


def test_no_more_rounds_are_run_than_the_protocol_allows(study, workshop, script) -> None:
    rounds = run_rounds(workshop([script["idle"], script["less noise"], script["divided"]]))
    assert [item.hypothesis.title for item in rounds][4:] == ["without idle"]
    assert not study.has("ended.txt")


class KilledError(BaseException):
    """Stands for a kill: nothing of ours may catch it."""


def test_a_killed_ablation_goes_on_where_it_stood(long_study, workshop, script) -> None:
    def die(function, name):
        if name == "round 05: without less noise":
            raise KilledError
        return function

    with pytest.raises(KilledError):
        run_rounds(replace(workshop([script["idle"], script["less noise"], script["divided"]]), step=die))
    assert len(long_study.rounds()) == 5
    rounds = run_rounds(workshop([]))
    assert [item.hypothesis.title for item in rounds][4:] == ["without idle", "without less noise", "without divided"]
