"""Trials of code on the bench, with the tiny template of the flows' tests and the local sandbox."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from tasks import codebase
from tasks.domain.errors import EditRejected
from tasks.machine import Machine
from tasks.sandbox.local import LocalSandbox
from tasks.storage import StudyFolder
from tasks.withholding import Withholder
from tasks.workbench import SandboxWorkbench

TEMPLATE = Path(__file__).parents[1] / "flows" / "tiny_template" / "classification"


@pytest.fixture
def bench(tmp_path: Path) -> SandboxWorkbench:
    study = StudyFolder(tmp_path / "study")
    train = study.path("data", "train", "images")
    train.mkdir(parents=True)
    base = codebase.create(study.path("codebase"), TEMPLATE, recipe={}, locks=study.path("locks.json"))
    rows = pd.DataFrame({"file": ["ada_lovelace.png"], "group": ["Ada Lovelace"], "label": ["dark"]})
    machine = Machine(
        device="cpu", cpus=1, memory_bytes=2**31, disk_bytes=2**24, gpu_memory_bytes=0, grace_seconds=5.0,
        predict_seconds=20.0, weights=None,
    )  # fmt: skip
    return SandboxWorkbench(
        study=study, codebase=base, sandbox=LocalSandbox(), machine=machine, folder=study.path("trial"), cache=study.path("trial-cache"),
        seed=0, withholder=Withholder(rows),
    )  # fmt: skip


def test_a_command_runs_in_the_edited_codebase_and_cannot_change_it(bench: SandboxWorkbench) -> None:
    files = {**bench.codebase.source(), "extra.py": "word = 'edited'\n"}
    trial = bench.run(files, "python -c 'import extra; print(extra.word)'", seconds=20)
    assert (trial.ended, trial.exit_code) == ("ok", 0)
    assert "edited" in trial.output
    assert "extra.py" not in bench.codebase.source()


def test_a_command_has_the_data_only_where_their_owner_lets_a_language_model_see_them(bench: SandboxWorkbench) -> None:
    look = 'echo "data: ${ROUNDS_DATA:-none}"; test -z "$ROUNDS_DATA" || ls "$ROUNDS_DATA"'
    assert "data: none" in bench.run(bench.codebase.source(), look, seconds=20).output
    shown = replace(bench, allow_images=True).run(bench.codebase.source(), look, seconds=20).output
    assert "images" in shown
    assert "none" not in shown


PIXELS = "for row in range(16): print([row * 16 + column for column in range(32)])\n"


def test_a_picture_that_a_training_prints_comes_back_only_where_images_are_allowed(bench: SandboxWorkbench) -> None:
    files = {
        **bench.codebase.source(),
        "train.py": f"print('mean 17.5')\n{PIXELS}raise ValueError('of Ada Lovelace')\n",
    }
    told = bench.train(files, seconds=5).output
    assert "mean 17.5" in told
    assert "ValueError" in told
    assert "[... 16 lines of data taken out ...]" in told
    assert "240, 241, 242" not in told
    allowed = replace(bench, allow_images=True).train(files, seconds=5).output
    assert "240, 241, 242" in allowed
    assert "Lovelace" not in allowed


def test_a_name_that_shortening_would_cut_in_two_is_withheld(bench: SandboxWorkbench) -> None:
    line = "x " * 174 + "ada_lovelace.png is corrupt " + "y " * 100
    code = f"for number in range(40): print(f'{{number:02d}} {line}')\nraise ValueError\n"
    told = bench.train({**bench.codebase.source(), "train.py": code}, seconds=5).output
    assert "ada_" not in told.lower()


def test_what_a_trial_leaves_in_its_cache_is_there_for_the_next_trial_and_no_round(bench: SandboxWorkbench) -> None:
    leave = "import os, pathlib; pathlib.Path(os.environ['ROUNDS_CACHE'], 'my_checkpoint').touch()\n"
    bench.train({**bench.codebase.source(), "train.py": leave}, seconds=5)
    look = "import os; print(os.listdir(os.environ['ROUNDS_CACHE']))\n"
    assert "my_checkpoint" in bench.train({**bench.codebase.source(), "train.py": look}, seconds=5).output
    assert bench.cache.name == "trial-cache"


def test_trials_run_one_at_a_time(bench: SandboxWorkbench) -> None:
    with ThreadPoolExecutor(2) as threads:
        source = bench.codebase.source()
        trials = list(
            threads.map(
                lambda word: bench.run(
                    source, f"echo {word} > $ROUNDS_OUT/word; sleep 0.5; cat $ROUNDS_OUT/*", seconds=20
                ),
                ("first", "second"),
            )
        )
    assert [trial.output.strip() for trial in trials] == ["first", "second"]


def test_a_command_that_fails_is_a_result(bench: SandboxWorkbench) -> None:
    trial = bench.run(bench.codebase.source(), "echo before; exit 3", seconds=20)
    assert (trial.ended, trial.exit_code) == ("exit", 3)
    assert "before" in trial.output


def test_a_command_that_does_not_end_is_stopped(bench: SandboxWorkbench) -> None:
    trial = bench.run(bench.codebase.source(), "sleep 60", seconds=0.5)
    assert trial.ended == "timeout"
    assert trial.seconds < 10


def test_a_training_that_crashes_comes_back_with_its_traceback(bench: SandboxWorkbench) -> None:
    files = {**bench.codebase.source(), "train.py": "raise RuntimeError('no such layer of Ada Lovelace')\n"}
    trial = bench.train(files, seconds=5)
    assert trial.ended == "exit"
    assert "RuntimeError" in trial.output
    assert "crashed with exit code 1" in trial.output
    assert "Lovelace" not in trial.output
    assert "[withheld]" in trial.output


def test_a_training_without_a_checkpoint_says_so(bench: SandboxWorkbench) -> None:
    trial = bench.train({**bench.codebase.source(), "train.py": "print('hello')\n"}, seconds=5)
    assert (trial.ended, trial.exit_code) == ("exit", 0)
    assert "without saving a checkpoint" in trial.output


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("contract.py", "x = 1\n", "contract.py is locked"),
        ("train.py", "def (\n", "not valid Python"),
        ("json.py", "x = 1\n", "shadow"),
        ("../evil.py", "x = 1\n", "no file name"),
    ],
)
def test_what_is_no_codebase_is_not_run(bench: SandboxWorkbench, name: str, text: str, words: str) -> None:
    with pytest.raises(EditRejected, match=words):
        bench.run({**bench.codebase.source(), name: text}, "true", seconds=5)


def test_a_locked_file_cannot_be_left_out(bench: SandboxWorkbench) -> None:
    files = bench.codebase.source()
    del files["contract.py"]
    with pytest.raises(EditRejected, match=r"contract\.py must stay"):
        bench.run(files, "true", seconds=5)


def test_each_trial_begins_in_an_empty_folder(bench: SandboxWorkbench) -> None:
    bench.run(bench.codebase.source(), "touch $ROUNDS_OUT/left", seconds=5)
    assert (bench.folder / "out" / "left").exists()
    trial = bench.run(bench.codebase.source(), "ls $ROUNDS_OUT", seconds=5)
    assert "left" not in trial.output


def test_the_past_of_a_round_that_left_nothing_is_empty(bench: SandboxWorkbench) -> None:
    assert bench.log_of(7) == ""
    assert bench.diff_of(7) == ""
