from __future__ import annotations

from dataclasses import replace

import pytest

from flows.improve_model import run_rounds
from tasks.domain.errors import RequestError
from tasks.domain.round import Verdict
from tasks.machine import Machine

WAIT = """
import time
from contract import OUT

while not (OUT.parents[1] / ".02.underway" / "run.log").exists():
    time.sleep(0.02)

"""
"""Before it learns: until the run of the next round has begun."""
CRASH = 'raise RuntimeError("no such layer")\n'


@pytest.fixture
def divided(workshop, study):
    """Return what makes the workshop of a machine that is divided in two."""

    def make(proposals, **options):
        work = workshop(proposals, **options)
        return replace(work, beside=(replace(work.bench, cache=study.path("cache-1")),))

    return make


def test_two_edits_are_tried_at_the_same_time_and_recorded_in_their_order(divided, edit) -> None:
    train = divided([]).codebase.source()["train.py"]
    work = divided([edit("one that waits", train__py=WAIT + train), edit("less noise", 2.0)])
    rounds = run_rounds(work)
    assert [item.hypothesis.title for item in rounds] == ["baseline", "one that waits", "less noise"]
    assert [item.number for item in rounds] == [0, 1, 2]
    assert [item.judgement.verdict for item in rounds] == [Verdict.BASELINE, Verdict.REJECTED, Verdict.KEPT]
    assert [item.incumbent for item in rounds] == [-1, 0, 0], "both edit the baseline"
    assert "noise: float = 2.0" in work.codebase.source()["recipe.py"]


def test_of_two_that_are_better_only_the_best_is_kept_and_the_other_says_why(divided, edit) -> None:
    work = divided([edit("a little less", 40.0), edit("much less", 15.0)])
    rounds = run_rounds(work)
    assert [item.judgement.verdict for item in rounds] == [Verdict.BASELINE, Verdict.REJECTED, Verdict.KEPT]
    assert rounds[1].judgement.difference > rounds[1].judgement.standard_error
    assert "Round 2, tried at the same time, was kept" in rounds[1].judgement.reason
    assert "noise: float = 15.0" in work.codebase.source()["recipe.py"]
    left = [[item.name for item in work.study.path("rounds", f"0{n}", "checkpoints").iterdir()] for n in (1, 2)]
    assert left == [[], ["last.safetensors"]]


def test_a_later_edit_that_is_no_better_leaves_the_earlier_one_kept(divided, edit) -> None:
    rounds = run_rounds(divided([edit("much less", 15.0), edit("a little less", 40.0)]))
    assert [item.judgement.verdict for item in rounds] == [Verdict.BASELINE, Verdict.KEPT, Verdict.REJECTED]
    assert "Round 1, tried at the same time, was kept" in rounds[2].judgement.reason


def test_a_crash_of_one_leaves_the_other_alone(divided, edit) -> None:
    rounds = run_rounds(divided([edit("a crash", train__py=CRASH), edit("less noise", 2.0)]))
    assert [item.judgement.verdict for item in rounds] == [Verdict.BASELINE, Verdict.FAILED, Verdict.KEPT]


def test_the_developer_is_told_what_is_under_way(divided, edit) -> None:
    work = divided([edit("less noise", 2.0), edit("more noise", 400.0), edit("still less", 1.0)])
    run_rounds(work)
    told = [[item.title for item in briefing.under_way] for briefing in work.developer.briefings]
    assert told == [[], ["less noise"], [], ["still less"], []]
    first, second, *_ = work.developer.briefings
    assert len(second.tried - first.tried) == 1
    assert second.history == first.history


def test_no_more_rounds_are_begun_than_the_budget_has(divided, edit) -> None:
    work = divided([edit(f"noise {noise}", noise) for noise in (125.0, 126.0, 127.0)])
    work = replace(work, bench=replace(work.bench, protocol=replace(work.bench.protocol, max_rounds=3)))
    assert len(run_rounds(work)) == 4
    assert len(work.developer.briefings) == 3


def test_a_kill_loses_at_most_the_rounds_under_way(divided, edit) -> None:
    script = [edit("a little less", 40.0), edit("much less", 15.0)]
    work = divided([])
    run_rounds(work)
    work.study.path("ended.txt").unlink()
    begun = [work.study.begin_round(number) for number in (1, 2)]
    (begun[1] / "round.json").write_text(
        work.study.text("rounds", "00", "round.json").replace('"number": 0', '"number": 2')
    )
    for number, proposal in enumerate(reversed(script), start=1):
        work.codebase.attempt(number, proposal, "an attempt that was killed")
    rounds = run_rounds(divided(script))
    assert [item.hypothesis.title for item in rounds] == ["baseline", "a little less", "much less"]
    assert [item.judgement.verdict for item in rounds[1:]] == [Verdict.REJECTED, Verdict.KEPT]
    assert not list(work.study.root.glob("rounds/.[0-9]*"))


@pytest.mark.parametrize("renamed", [0, 1])
def test_rounds_that_were_recorded_but_not_yet_named_are_finished_and_not_run_again(divided, edit, renamed) -> None:
    rounds = run_rounds(divided([edit("a little less", 40.0), edit("much less", 15.0)]))
    study = divided([]).study
    study.path("ended.txt").unlink()
    for number in (1, 2)[renamed:]:
        study.round_path(number).rename(study.path("rounds", f".{number:02d}.underway"))
    divided([]).codebase.keep(0)
    work = divided([])
    assert [(item.number, item.commit, item.judgement.verdict) for item in run_rounds(work)] == [
        (item.number, item.commit, item.judgement.verdict) for item in rounds
    ]
    assert work.codebase.incumbent == rounds[2].commit


def test_a_machine_is_divided_into_equal_parts() -> None:
    machine = Machine(
        device="cuda", cpus=16, memory_bytes=2**34, disk_bytes=2**28, gpu_memory_bytes=2**35, grace_seconds=4.0,
        predict_seconds=20.0, weights=None, gpus=("0", "1", "3", "4"),
    )  # fmt: skip
    assert machine.parts(1) == (machine,)
    assert [part.gpus for part in machine.parts(2)] == [("0", "1"), ("3", "4")]
    assert [part.gpus for part in machine.parts(4)] == [("0",), ("1",), ("3",), ("4",)]
    assert {(part.cpus, part.memory_bytes) for part in machine.parts(4)} == {(4, 2**32)}
    with pytest.raises(RequestError, match="too few"):
        machine.parts(5)
    with pytest.raises(RequestError, match="too few"):
        replace(machine, device="cpu", gpus=(), cpus=2).parts(3)
