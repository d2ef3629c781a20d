"""Failed tries and what is mended of them, with the tiny template."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from agents.developer import ScriptedDeveloper
from flows.attempt import attempt_round
from flows.improve_model import BASELINE, run_rounds
from tasks.domain.errors import TrainingFailed
from tasks.domain.failure import FailureKind, Frame
from tasks.domain.round import Proposal, Verdict
from tasks.storage import as_json

CRASH = 'print("hello")\nraise RuntimeError("no such layer")\n'
ANOTHER = 'raise KeyError("another slip")\n'


@pytest.fixture
def rounds_of(workshop, edit):
    """Return what runs baseline and one round of a script with mends, and its workshop."""

    def run(proposals, mends, **protocol):
        work = workshop([])
        bench = replace(work.bench, protocol=replace(work.bench.protocol, max_rounds=1, **protocol))
        work = replace(work, bench=bench, developer=ScriptedDeveloper(proposals, mends))
        return work, run_rounds(work)

    return run


def mend(proposal, words="less of it"):
    return replace(proposal, mended=words, tokens=5)


def test_a_crash_that_is_mended_is_judged_as_any_edit_and_kept(rounds_of, edit) -> None:
    work, rounds = rounds_of([edit("less noise", train__py=CRASH)], [mend(edit("less noise, mended", 2.0))])
    assert rounds[1].judgement.verdict is Verdict.KEPT
    assert rounds[1].hypothesis.title == "less noise, mended"
    assert rounds[1].mends == (
        "A try failed because it crashed with exit code 1 in train.py, line 2: RuntimeError: no such layer; mended: less of it.",
    )
    assert rounds[1].tokens == 5
    failure = work.developer.failures[0]
    assert (failure.kind, failure.frames) == (FailureKind.CODE_ERROR, (Frame("train.py", 2),))
    assert "no such layer" in failure.log_tail
    assert work.codebase.source(work.codebase.incumbent)["recipe.py"].count("noise: float = 2.0") == 1
    assert "no such layer" not in work.codebase.source()["train.py"]


def test_log_and_diff_of_each_try_are_kept_beside_those_that_count(rounds_of, edit) -> None:
    work, _ = rounds_of([edit("a", train__py=CRASH)], [mend(edit("a", 2.0))])
    folder = work.study.round_path(1)
    assert "no such layer" in (folder / "run-try-1.log").read_text()
    assert "+raise RuntimeError" in (folder / "patch-try-1.diff").read_text()
    assert "metric epoch=1" in (folder / "run.log").read_text()
    assert "raise" not in (folder / "patch.diff").read_text()
    assert not (folder / "failure.txt").exists()


def test_a_mend_that_fails_again_fails_the_round_with_the_reasons_of_all_tries(rounds_of, edit) -> None:
    work, rounds = rounds_of([edit("a", train__py=CRASH)], [mend(edit("b", train__py=ANOTHER))])
    assert rounds[1].judgement.verdict is Verdict.FAILED
    assert rounds[1].judgement.reason == (
        "The run failed: it crashed with exit code 1 in train.py, line 2: RuntimeError: no such layer; mended (less of it): "
        "The run failed: it crashed with exit code 1 in train.py, line 1: KeyError: 'another slip'"
    )
    assert "another slip" in (work.study.round_path(1) / "failure.txt").read_text()
    assert work.codebase.commit_of(1) == rounds[1].commit
    assert rounds[1].hypothesis.title == "b"


def test_tries_are_bounded(rounds_of, edit) -> None:
    mends = [mend(edit(str(number), train__py=f"raise KeyError({number})\n")) for number in range(9)]
    work, rounds = rounds_of([edit("a", train__py=CRASH)], mends, train_seconds=60.0)
    assert len(work.developer.failures) == 2
    assert rounds[1].judgement.reason.count("it crashed") == 3
    assert len(rounds[1].mends) == 2


def test_a_try_gets_what_is_left_of_the_time_and_none_follows_when_little_is_left(rounds_of, edit) -> None:
    tell = "import os\nprint('budget', os.environ['ROUNDS_BUDGET_SECONDS'])\n"
    slow = f"{tell}import time\ntime.sleep(3.2)\nraise KeyError(1)\n"
    work, rounds = rounds_of(
        [edit("a", train__py=slow)], [mend(edit("b", train__py=f"{slow}#\n"))] * 2, train_seconds=8.0
    )
    assert rounds[1].judgement.verdict is Verdict.FAILED
    folder = work.study.round_path(1)
    budgets = [float((folder / name).read_text().split()[1]) for name in ("run-try-1.log", "run.log")]
    assert budgets[0] == 8.0
    assert 2.0 < budgets[1] < 4.8
    assert len(work.developer.failures) == 1, "after the second try less than a quarter was left"


def test_a_run_that_used_all_of_its_time_is_not_mended(rounds_of, edit, workshop) -> None:
    started = time.monotonic()
    dream = "import time\nwhile True:\n    time.sleep(1)\n"
    work, rounds = rounds_of([edit("a", train__py=dream)], [mend(edit("b", 2.0))], train_seconds=1.0)
    assert rounds[1].judgement.verdict is Verdict.FAILED
    assert "time limit before it had saved" in rounds[1].judgement.reason
    assert work.developer.failures == []
    assert time.monotonic() - started < 30


def test_a_checkpoint_of_a_failed_try_is_not_scored_as_one_of_the_next(rounds_of, edit, workshop) -> None:
    good = workshop([]).codebase.source()["train.py"].replace("recipe.noise]", "1.0]")
    saves_and_dies, saves_nothing = good + "raise KeyError(1)\n", "print('nothing')\n"
    _, rounds = rounds_of([edit("a", train__py=saves_and_dies)], [mend(edit("b", train__py=saves_nothing))])
    assert rounds[1].judgement.verdict is Verdict.FAILED
    assert "without saving a checkpoint" in rounds[1].judgement.reason


def test_predictions_that_were_refused_may_be_mended_too_and_the_training_before_them_counts(rounds_of, edit) -> None:
    work, rounds = rounds_of([edit("a", predict__py="pass\n")], [mend(edit("b", 2.0))])
    assert rounds[1].judgement.verdict is Verdict.KEPT
    (failure,) = work.developer.failures
    assert failure.kind is FailureKind.PREDICTIONS_REFUSED
    assert failure.train_seconds > 0
    assert (work.study.round_path(1) / "predict-try-1.log").exists()


def test_a_refused_mend_leaves_the_try_before_it_as_the_attempt(rounds_of, edit) -> None:
    work, rounds = rounds_of([edit("a", train__py=CRASH)], [mend(edit("b", contract__py="x = 1\n"))])
    assert rounds[1].judgement.verdict is Verdict.FAILED
    assert (
        "no such layer; mended (less of it): The edit was refused: contract.py is locked" in rounds[1].judgement.reason
    )
    assert rounds[1].hypothesis.title == "a"
    assert work.codebase.commit_of(1) == rounds[1].commit
    assert "+raise RuntimeError" in (work.study.round_path(1) / "patch.diff").read_text()


def test_an_edit_that_only_takes_away_is_not_mended_into_another_question(rounds_of, edit) -> None:
    proposal = edit("a", train__py=CRASH)
    proposal = replace(proposal, hypothesis=replace(proposal.hypothesis, simplification=True))
    work, rounds = rounds_of([proposal], [mend(edit("b", 2.0))])
    assert rounds[1].judgement.verdict is Verdict.FAILED
    assert work.developer.failures == []


class KilledError(BaseException):
    """Stands for a kill: nothing of ours may catch it."""


class KilledSandbox:
    """Runs jobs in another sandbox until the given one, in which the process is killed."""

    name, isolates = "killed", False

    def __init__(self, sandbox, at: int) -> None:
        self._sandbox, self._at, self._jobs = sandbox, at, 0

    def run(self, job, on_line=lambda _: None):
        self._jobs += 1
        if self._jobs == self._at:
            raise KilledError
        return self._sandbox.run(job, on_line)


def test_a_kill_within_a_mended_try_leaves_the_study_as_before_the_round(workshop, edit) -> None:
    script, mends = [edit("a", train__py=CRASH)], [mend(edit("b", 2.0))]
    work = workshop([])
    attempt_round(work, (), Proposal(hypothesis=BASELINE, files={}))
    before, incumbent = as_json(work.study.rounds()), work.codebase.incumbent
    dying = replace(work.bench, sandbox=KilledSandbox(work.bench.sandbox, at=2))
    with pytest.raises(KilledError):
        run_rounds(replace(work, bench=dying, developer=ScriptedDeveloper(script, mends)))
    assert (as_json(work.study.rounds()), work.codebase.incumbent) == (before, incumbent)
    rounds = run_rounds(replace(work, developer=ScriptedDeveloper(script, mends)))
    assert [item.judgement.verdict for item in rounds] == [Verdict.BASELINE, Verdict.KEPT]
    assert [len(item.mends) for item in rounds] == [0, 1]


def test_a_baseline_that_fails_is_never_mended_and_says_which_field_to_set(workshop) -> None:
    work = workshop([])
    starving = replace(work.bench.machine, memory_bytes=2**20)
    work = replace(work, bench=replace(work.bench, machine=starving), developer=ScriptedDeveloper([], []))
    with pytest.raises(TrainingFailed, match=r"ran out of memory.*batch_size or image_size"):
        run_rounds(work)
    assert work.study.rounds() == ()
    assert work.developer.failures == []
