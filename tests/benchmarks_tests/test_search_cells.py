"""Cells of the search benchmark: done once, by one process, with an account that a kill does not upset."""

from __future__ import annotations

import fcntl
from pathlib import Path

import numpy as np
import pytest
from cells import Cell, run_cell
from cpu_clock import Account, CpuClock
from ground import Ground, copy_template, spec_of

from tasks.development_set import Validation
from tasks.domain.profile import Profile
from tasks.domain.sandboxing import Bind, Job, Limits
from tasks.sandbox.local import LocalSandbox

CELL = Cell(task="melanoma", method="tpe", seed=0)


@pytest.fixture
def nowhere(tmp_path: Path) -> Ground:
    """Return a ground on which nothing could be trained."""
    profile = Profile(
        kind="table", roles=None, n_images=0, n_groups=0, has_groups=True, labels=(), attributes=(), quarantined=(),
        width_median=0, height_median=0, exact_duplicate_sets=0, exact_duplicate_images=0, near_duplicate_pairs=0,
        conflicting_duplicate_sets=0, conflicting_groups=0, given_splits=(), hazards=(), forecasts=(), seconds=0.0,
    )  # fmt: skip
    nothing = Validation([], np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    return Ground(
        folder=tmp_path / "missing", template=tmp_path / "missing", spec=spec_of("melanoma"), profile=profile,
        validation=nothing, seconds=20, trial_seconds=5, weights=None,
    )  # fmt: skip


def test_a_finished_cell_is_not_run_again(tmp_path: Path, nowhere: Ground) -> None:
    CELL.result(tmp_path).parent.mkdir()
    CELL.result(tmp_path).write_text("{}")
    assert run_cell(tmp_path, nowhere, CELL)
    assert CELL.result(tmp_path).read_text() == "{}"
    assert not CELL.work(tmp_path).exists()


def test_an_unfinished_cell_is_run(tmp_path: Path, nowhere: Ground) -> None:
    with pytest.raises(FileNotFoundError):
        run_cell(tmp_path, nowhere, CELL)


def test_a_cell_that_another_process_is_at_is_left_to_it(tmp_path: Path, nowhere: Ground) -> None:
    lock = tmp_path / "cells" / f"{CELL.name}.lock"
    lock.parent.mkdir()
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert not run_cell(tmp_path, nowhere, CELL)


def test_the_seconds_of_a_trial_that_was_cut_short_are_not_counted_twice(tmp_path: Path) -> None:
    account = Account(tmp_path / "seconds.jsonl")
    for trial, seconds in ((0, 5.0), (1, 4.0), (1, 1.5), (2, 3.0)):
        account.add(trial, seconds, 9.0)
    assert [account.seconds(trial) for trial in (0, 1, 2)] == [5.0, 10.5, 13.5]
    account.forget_from(2)
    account.add(2, 5.0, 9.0)
    assert account.seconds(2) == 15.5


def test_a_run_is_charged_what_the_processor_worked_and_not_what_it_waited(tmp_path: Path) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "train.py").write_text("import time\ntime.sleep(1.5)\nwhile time.process_time() < 0.5: pass\n")
    account = Account(tmp_path / "seconds.jsonl")
    job = Job(
        command=("python", "train.py"), binds=(Bind(name="CODE", source=code),), limits=Limits(wall_seconds=60),
        log=tmp_path / "log", environment={"ROUNDS_BUDGET_SECONDS": "1"}, labels={"round": "03"},
    )  # fmt: skip
    completed = CpuClock(LocalSandbox(), account).run(job)
    assert 0.5 <= completed.seconds < 1.4
    assert account.seconds(2) == 0
    assert account.seconds(3) == pytest.approx(completed.seconds, abs=0.01)


def test_the_copied_template_keeps_the_time_of_the_processor(tmp_path: Path) -> None:
    copy_template(tmp_path / "template")
    texts = {file.name: file.read_text() for file in (tmp_path / "template").iterdir()}
    assert "STARTED = time.process_time()" in texts["contract.py"]
    assert not [name for name, text in texts.items() if "time.monotonic" in text]
