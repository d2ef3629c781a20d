from __future__ import annotations

import json
import math
import shutil
import statistics
from dataclasses import replace
from pathlib import Path

import pytest

from flows.baseline_repeats import repeats_within
from flows.improve_model import run_rounds
from tasks import codebase
from tasks.domain.repeats import BaselineRepeat, BaselineRepeats

TINY = Path(__file__).parent / "tiny_template" / "classification"
LUCK = "np.array([recipe.noise * (1 + int(os.environ['ROUNDS_SEED']))])"
"""Noise of a learner whose score hangs on the seed: the baseline's seed is 0."""


@pytest.fixture
def lucky(study, tmp_path):
    """Return what gives the study 20 rounds and a learner of luck, with further code to run first."""

    def make(rounds: int = 20, first: str = ""):
        template = tmp_path / "lucky"
        shutil.copytree(TINY, template, dirs_exist_ok=True)
        text = (TINY / "train.py").read_text().replace("np.array([recipe.noise])", LUCK)
        (template / "train.py").write_text(text.replace("recipe = Recipe()\n", f"recipe = Recipe()\n{first}"))
        codebase.create(study.path("codebase"), template, recipe={}, locks=study.path("locks.json"))
        study.write(replace(study.protocol(), max_rounds=rounds), "protocol.json")
        return study

    return make


def test_repeats_cost_at_most_a_tenth_of_the_rounds() -> None:
    assert [repeats_within(rounds) for rounds in (0, 4, 9, 10, 19, 20, 30, 100)] == [0, 0, 0, 1, 1, 2, 2, 2]


def test_a_small_study_repeats_nothing(workshop) -> None:
    work = workshop([])
    run_rounds(work)
    assert not work.study.has("baseline_repeats.json")
    assert math.isnan(work.developer.briefings[0].seed_deviation)


def test_the_baseline_is_trained_again_with_other_seeds_and_stays_the_incumbent(lucky, workshop) -> None:
    lucky()
    work = workshop([])
    (baseline,) = run_rounds(work)
    found = work.study.baseline_repeats()
    assert [item.seed for item in found.repeats] == [1, 2]
    assert len({baseline.score, *found.scores}) == 3
    for item in found.repeats:
        assert item.difference == pytest.approx(item.score - baseline.score)
        assert item.standard_error > 0
        assert item.metrics["auroc"] == item.score
        assert item.train_seconds > 0
    assert found.looks == 2
    assert work.codebase.incumbent == baseline.commit
    assert sorted(item.name for item in work.study.path("rounds").iterdir()) == ["00"]


def test_the_developer_is_told_how_far_luck_moves_the_score(lucky, workshop) -> None:
    lucky()
    work = workshop([])
    (baseline,) = run_rounds(work)
    scores = [baseline.score, *work.study.baseline_repeats().scores]
    assert work.developer.briefings[0].seed_deviation == pytest.approx(statistics.stdev(scores))


def test_a_repeat_that_fails_is_noted_and_the_study_goes_on(lucky, workshop, edit) -> None:
    lucky(first="if os.environ['ROUNDS_SEED'] == '1':\n    raise RuntimeError('bad luck')\n")
    work = workshop([edit("more noise", 400.0)])
    assert len(run_rounds(work)) == 2
    failed, scored = work.study.baseline_repeats().repeats
    assert "exit code 1" in failed.failure
    assert failed.looks == 0
    assert not scored.failure
    assert json.loads(work.study.text("baseline_repeats.json"))["repeats"][0]["score"] is None


class KilledError(BaseException):
    """Stands for a kill: nothing of ours may catch it."""


def test_a_kill_loses_at_most_the_repeat_under_way(lucky, workshop) -> None:
    study = lucky()

    def die_in_the_second(function, name):
        if name == "baseline once more, seed 2":
            raise KilledError
        return function

    with pytest.raises(KilledError):
        run_rounds(replace(workshop([]), step=die_in_the_second))
    first = study.baseline_repeats().repeats
    assert [item.seed for item in first] == [1]
    run_rounds(workshop([]))
    done = study.baseline_repeats().repeats
    assert [item.seed for item in done] == [1, 2]
    assert done[0] == first[0]
    run_rounds(workshop([]))
    assert study.baseline_repeats().repeats == done


def test_a_study_that_is_past_its_first_round_is_not_sent_back(workshop, edit) -> None:
    work = workshop([edit("less noise", 2.0)])
    run_rounds(work)
    work.study.write(replace(work.study.protocol(), max_rounds=10), "protocol.json")
    run_rounds(workshop([]))
    assert not work.study.has("baseline_repeats.json")


def test_the_deviation_is_that_of_all_trainings_of_the_baseline() -> None:
    repeats = BaselineRepeats(
        repeats=(
            BaselineRepeat(seed=1, score=0.82),
            BaselineRepeat(seed=2, failure="x"),
            BaselineRepeat(seed=3, score=0.78),
        )
    )
    assert repeats.deviation(0.80) == pytest.approx(0.02)
    assert math.isnan(BaselineRepeats().deviation(0.80))
