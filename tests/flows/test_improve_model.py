from __future__ import annotations

import json
import math
import shutil

import pytest

from flows.improve_model import run_rounds
from tasks.domain.errors import LockedFileChanged, TrainingFailed
from tasks.domain.round import Verdict

CRASH = 'print("metric loss=0.1 auroc=1.0")\nraise RuntimeError("no such layer")\n'


def test_a_better_edit_is_kept_and_a_worse_one_is_rejected(workshop, edit) -> None:
    work = workshop([edit("less noise", 2.0), edit("more noise", 400.0)])
    rounds = run_rounds(work)
    assert [item.judgement.verdict for item in rounds] == [Verdict.BASELINE, Verdict.KEPT, Verdict.REJECTED]
    assert rounds[1].score > rounds[0].score
    assert [item.incumbent for item in rounds] == [-1, 0, 1]
    assert "noise: float = 2.0" in work.codebase.source()["recipe.py"]
    assert "-    noise: float = 120.0" in (work.study.round_path(1) / "patch.diff").read_text()


def test_only_kept_rounds_keep_their_checkpoint(workshop, edit) -> None:
    work = workshop([edit("less noise", 2.0), edit("more noise", 400.0)])
    run_rounds(work)
    kept = [sorted(item.name for item in work.study.path("rounds", f"0{n}", "checkpoints").iterdir()) for n in range(3)]
    assert kept == [["last.safetensors"], ["last.safetensors"], []]


def test_a_crash_fails_the_round_with_its_traceback_and_the_study_goes_on(workshop, edit) -> None:
    work = workshop([edit("a crash", train__py=CRASH), edit("less noise", 2.0)])
    rounds = run_rounds(work)
    assert [item.judgement.verdict for item in rounds] == [Verdict.BASELINE, Verdict.FAILED, Verdict.KEPT]
    assert "exit code 1" in rounds[1].judgement.reason
    assert math.isnan(rounds[1].score)
    assert "no such layer" in (work.study.round_path(1) / "failure.txt").read_text()
    assert work.developer.briefings[1].last_log.count("RuntimeError: no such layer") == 1


def test_a_metric_printed_by_the_code_is_ignored(workshop, edit) -> None:
    train = workshop([]).codebase.source()["train.py"] + '\nprint("metric auroc=1.0 score=1.0 validation=1.0")\n'
    rounds = run_rounds(workshop([edit("a boast", train__py=train)]))
    assert rounds[1].score == pytest.approx(rounds[0].score)
    assert rounds[1].judgement.verdict is Verdict.REJECTED


FORGERIES = {
    "images are missing": "write_predictions(images[1:], probabilities[1:].tolist())",
    "a value is not a number": "probabilities[0] = float('nan')\nwrite_predictions(images, probabilities.tolist())",
    "all are the same": "probabilities[:] = 0.5\nwrite_predictions(images, probabilities.tolist())",
    "an image is there twice": "write_predictions(images + images[:1], probabilities.tolist() + probabilities[:1].tolist())",
    "nothing is written": "",
    "the file is a link": "(OUT := __import__('contract').OUT).joinpath('predictions.csv').symlink_to('/etc/passwd')",
    "the file is a pipe": "os.mkfifo(__import__('contract').OUT / 'predictions.csv')",
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_forged_predictions_fail_the_round_and_never_the_study(workshop, edit, forgery) -> None:
    honest = "write_predictions(images, probabilities.tolist())"
    predict = workshop([]).codebase.source()["predict.py"]
    assert honest in predict
    rounds = run_rounds(workshop([edit(forgery, predict__py=predict.replace(honest, FORGERIES[forgery]))]))
    assert rounds[1].judgement.verdict is Verdict.FAILED, rounds[1].judgement
    assert rounds[1].judgement.reason.startswith("The predictions were refused")


def test_a_pickle_for_a_checkpoint_is_never_loaded_by_the_host(workshop, edit, tmp_path) -> None:
    train = (
        "import os, pickle\nfrom contract import OUT\n\n\nclass Trap:\n    def __reduce__(self):\n"
        f"        return (os.mkdir, ({str(tmp_path / 'sprung')!r},))\n\n\n"
        "(OUT / 'checkpoints').mkdir()\n(OUT / 'checkpoints' / 'last.safetensors').write_bytes(pickle.dumps(Trap()))\n"
    )
    rounds = run_rounds(workshop([edit("a trap", train__py=train)]))
    assert rounds[1].judgement.verdict is Verdict.FAILED
    assert "predict" in rounds[1].judgement.reason
    assert not (tmp_path / "sprung").exists()


def test_an_endless_run_that_saved_nothing_fails_at_the_limit(workshop, edit) -> None:
    rounds = run_rounds(workshop([edit("a dream", train__py="import time\nwhile True:\n    time.sleep(1)\n")]))
    assert rounds[1].judgement.verdict is Verdict.FAILED
    assert "time limit before it had saved" in rounds[1].judgement.reason


def test_an_edit_of_a_locked_file_is_refused(workshop, edit) -> None:
    rounds = run_rounds(workshop([edit("a trick", contract__py="OUT = 1\n"), edit("an escape", **{"../x__py": "1\n"})]))
    assert [item.judgement.verdict for item in rounds[1:]] == [Verdict.FAILED, Verdict.FAILED]
    assert "contract.py" in rounds[1].judgement.reason


def test_a_locked_file_that_was_rewritten_on_disk_stops_the_study(workshop, edit) -> None:
    work = workshop([edit("less noise", 2.0)])
    file = work.study.path("codebase", "contract.py")
    file.chmod(0o644)
    file.write_text("OUT = 1\n")
    with pytest.raises(LockedFileChanged, match=r"contract\.py"):
        run_rounds(work)


def test_a_baseline_that_does_not_train_is_told_and_not_counted(workshop) -> None:
    work = workshop([])
    shutil.rmtree(work.study.path("data", "train", "images"))
    with pytest.raises(TrainingFailed) as caught:
        run_rounds(work)
    assert "Traceback" in caught.value.log_tail
    assert work.study.rounds() == ()


def test_rounds_end_when_the_budget_is_used(workshop, edit) -> None:
    work = workshop([edit(f"noise {noise}", noise) for noise in (125.0, 126.0, 127.0, 128.0, 1.0)])
    assert len(run_rounds(work)) == 5
    assert not work.study.has("ended.txt")
    assert len(run_rounds(work)) == 5


def test_rounds_end_when_the_developer_has_nothing_left(workshop) -> None:
    work = workshop([])
    assert len(run_rounds(work)) == 1
    assert "nothing left" in work.study.text("ended.txt")


class KilledError(BaseException):
    """Stands for a kill: nothing of ours may catch it."""


def test_a_study_that_is_killed_after_every_round_comes_to_the_same_end(workshop, edit) -> None:
    script = [edit("less noise", 40.0), edit("more noise", 400.0), edit("still less", 2.0)]
    for finished in range(4):
        calls = []

        def die_at_the_second_call(calls=calls) -> None:
            calls.append(1)
            if len(calls) == (1 if not finished else 2):  # noqa: B023
                raise KilledError

        with pytest.raises(KilledError):
            run_rounds(workshop(script[max(0, finished - 1) :], publish=die_at_the_second_call))
        assert [item.number for item in workshop([]).study.rounds()] == list(range(finished + 1))
    rounds = run_rounds(workshop([]))
    assert [item.hypothesis.title for item in rounds] == ["baseline", "less noise", "more noise", "still less"]
    assert len({item.commit for item in rounds}) == 4


def test_what_a_kill_left_of_a_round_is_done_again(workshop, edit) -> None:
    work = workshop([edit("less noise", 2.0)])
    run_rounds(workshop([]))
    work.study.path("ended.txt").unlink()
    half = work.study.begin_round(1)
    (half / "checkpoints").mkdir()
    work.codebase.attempt(1, edit("a dead end", 77.0), "an attempt that was killed")
    rounds = run_rounds(work)
    assert [item.hypothesis.title for item in rounds] == ["baseline", "less noise"]
    assert "noise: float = 2.0" in work.codebase.source(rounds[1].commit)["recipe.py"]


def test_a_kept_round_whose_merge_was_killed_is_merged_on_resume(workshop, edit) -> None:
    work = workshop([edit("less noise", 2.0)])
    rounds = run_rounds(work)
    work.codebase.keep(0)
    run_rounds(workshop([]))
    assert work.codebase.incumbent == rounds[1].commit


def test_the_record_of_a_round_says_what_it_cost(workshop, edit) -> None:
    rounds = run_rounds(workshop([edit("less noise", 2.0)]))
    record = json.loads((workshop([]).study.round_path(1) / "round.json").read_text())
    assert record["looks"] == 1
    assert 0 < rounds[1].train_seconds < rounds[1].total_seconds
    assert rounds[1].diagnostics["loss"] == 2.0
