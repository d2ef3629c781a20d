"""What a report says of changes taken back, and of the baseline trained again."""

import dataclasses
import re

import pytest

from tasks.domain.repeats import BaselineRepeat, BaselineRepeats
from tasks.domain.round import Hypothesis, Judgement, Round, Verdict
from tasks.report.ablation import ablation_rows
from tasks.report.findings import seen_in_validation
from tasks.report.limits import cannot_be_guaranteed
from tasks.report.report import render_report
from tasks.report.yardstick import seeds_sentence

REPEATS = BaselineRepeats(
    repeats=(
        BaselineRepeat(seed=1, score=0.871, looks=3, train_seconds=88.0),
        BaselineRepeat(seed=2, score=0.851, looks=2, train_seconds=88.0),
    )
)


def without(record, change, verdict, score, difference, *, error=0.004):
    """Return the record with one more round, which takes back the change of an earlier one."""
    trial = Round(
        number=len(record.rounds),
        hypothesis=Hypothesis(title="without it", technique="without_x", simplification=True, removes=change),
        judgement=Judgement(verdict=verdict, reason="why", difference=difference, standard_error=error),
        incumbent=record.final.number,
        commit="d" * 40,
        score=score,
        looks=3,
        train_seconds=88.0,
    )
    return dataclasses.replace(record, rounds=(*record.rounds, trial))


@pytest.fixture(scope="module")
def ablated(study_record):
    record = without(study_record, 1, Verdict.REJECTED, 0.911, -0.015)
    record = without(record, 3, Verdict.KEPT, 0.927, 0.001)
    return dataclasses.replace(record, not_taken_back={5: "later changes build on it"})


def test_each_kept_change_is_shown_with_and_without_it(ablated):
    rows = ablation_rows(ablated)
    assert [row.change for row in rows] == [
        "class-balanced sampling (round 1)",
        "64 to 96 pixels (round 3)",
        "flips, turns and colour (round 5)",
        "test-time flips (round 8)",
    ]
    assert (rows[0].with_it, rows[0].without_it, rows[0].difference) == ("0.926", "0.911", "−0.015 ± 0.004")  # noqa: RUF001
    assert rows[0].outcome == "stays: round 9 without it was rejected"
    assert rows[1].outcome.startswith("taken out in round 10")
    assert rows[2].outcome == "not run: later changes build on it"
    assert rows[3].outcome == "not run: the rounds were used up"


def test_the_change_kept_last_is_shown_by_its_own_round(study_record):
    last = ablation_rows(without(study_record, 1, Verdict.REJECTED, 0.911, -0.015))[-1]
    assert (last.with_it, last.without_it, last.difference) == ("0.926", "0.918", "−0.008 ± 0.004")  # noqa: RUF001
    assert "its own round" in last.outcome


def test_a_trial_that_failed_leaves_its_change_in(study_record):
    record = without(study_record, 1, Verdict.FAILED, float("nan"), float("nan"), error=float("nan"))
    first = ablation_rows(record)[0]
    assert (first.without_it, first.difference, first.outcome) == ("", "", "stays: round 9 without it failed")


def test_a_study_that_took_nothing_back_has_no_such_table(study_record, ablated):
    assert ablation_rows(study_record) == ()
    assert "still needed" not in render_report(study_record)
    assert "Is each kept change still needed?" in render_report(ablated)


def test_other_seeds_stand_beside_the_noise_yardstick(study_record):
    record = dataclasses.replace(study_record, repeats=REPEATS)
    said = seeds_sentence(record)
    assert said == (
        "The same code with another seed scored 0.861, 0.871 and 0.851 in validation: standard deviation 0.010."
    )
    assert said in " ".join(item.text for item in seen_in_validation(record))
    assert said in " ".join(item.text for item in cannot_be_guaranteed(record))
    assert said in re.sub(r"\s+", " ", render_report(record))


def test_every_look_and_every_second_of_the_repeats_is_counted(study_record):
    record = dataclasses.replace(study_record, repeats=REPEATS)
    assert record.looks == study_record.looks + 5
    assert record.train_seconds == study_record.train_seconds + 176
    assert "Validation was scored 32 times in all." in [item.text for item in seen_in_validation(record)]


def test_failed_repeats_are_told(study_record):
    failed = BaselineRepeat(seed=3, failure="TrainingFailed: it crashed")
    some = dataclasses.replace(study_record, repeats=BaselineRepeats(repeats=(*REPEATS.repeats, failed)))
    none = dataclasses.replace(study_record, repeats=BaselineRepeats(repeats=(failed,)))
    assert seeds_sentence(some).endswith("0.010; 1 further training failed.")
    assert "is not known: 1 further training of the baseline failed" in seeds_sentence(none)
    assert seeds_sentence(study_record) == ""
