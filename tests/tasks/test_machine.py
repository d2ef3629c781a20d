from __future__ import annotations

import os
from pathlib import Path

import pytest

from tasks import runs
from tasks.domain.errors import RequestError
from tasks.domain.sandboxing import Completed, Job
from tasks.machine import Machine, find_machine, has_bfloat16_units

FOUR_GPUS = "0, 81559\n1, 81559\n2, 40960\n3, 81559\n"


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return what puts a program of the driver's name, with a given answer, where programs are looked for."""

    def install(answer: str, exit_code: int = 0) -> None:
        program = tmp_path / "bin" / "nvidia-smi"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\ncat <<'END'\n{answer}END\nexit {exit_code}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")

    return install


def found(device: str = "auto", gpus: str = "all") -> Machine:
    return find_machine(
        device=device, cpus=2, memory_bytes=2**31, disk_bytes=2**30, grace_seconds=5.0, predict_seconds=9.0,
        weights=Path("/nowhere"), gpus=gpus,
    )  # fmt: skip


def test_all_gpus_are_given_to_a_run_and_the_smallest_says_what_fits(driver) -> None:
    driver(FOUR_GPUS)
    machine = found()
    assert (machine.device, machine.gpus, machine.devices) == ("cuda", ("0", "1", "2", "3"), 4)
    assert machine.gpu_memory_bytes == 40960 * 2**20


def test_only_the_gpus_that_may_be_used_are_used(driver) -> None:
    driver(FOUR_GPUS)
    machine = found(gpus="0, 3")
    assert machine.gpus == ("0", "3")
    assert machine.gpu_memory_bytes == 81559 * 2**20
    with pytest.raises(RequestError, match="no GPU 7; there are: 0, 1, 2, 3"):
        found(gpus="1,7")


def test_a_machine_that_trains_on_its_cpu_gives_no_gpu(driver) -> None:
    driver(FOUR_GPUS)
    assert (found(device="cpu").gpus, found(device="cpu").devices) == ((), 1)


def test_a_driver_that_fails_is_no_gpu(driver) -> None:
    driver("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n", exit_code=9)
    machine = found()
    assert machine.device != "cuda"
    assert (machine.gpus, machine.gpu_memory_bytes) == ((), 0)


class NotingSandbox:
    """Runs nothing, notes what it was asked to run, and leaves what a run would have left."""

    name, isolates = "noting", False

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def run(self, job: Job, on_line=lambda _: None) -> Completed:
        self.jobs.append(job)
        (out,) = [bind.source for bind in job.binds if bind.name == "OUT"]
        (out / "checkpoints").mkdir(exist_ok=True)
        (out / "checkpoints" / "last.safetensors").write_bytes(b"weights")
        (out / "predictions.csv").write_text("image,dark,bright\na.png,0.2,0.8\nb.png,0.6,0.4\n")
        job.log.write_text("")
        return Completed(reason="ok", exit_code=0, seconds=1.0)


def test_training_gets_every_gpu_with_processes_for_each_and_predicting_gets_one(driver, tmp_path) -> None:
    driver(FOUR_GPUS)
    machine, sandbox, code = found(), NotingSandbox(), tmp_path / "code"
    code.mkdir()
    (code / "template.toml").write_text('train = ["python", "train.py"]\npredict = ["python", "predict.py"]\n')
    settings = {"code": code, "data": code, "out": tmp_path / "out", "log": tmp_path / "log", "machine": machine}
    training = runs.train(
        sandbox, **settings, cache=tmp_path / "cache", budget_seconds=9.0, max_checkpoints=1, seed=0, labels={}
    )
    runs.predict(
        sandbox, **settings, checkpoint=training.checkpoints[0], images=("a.png", "b.png"), classes=("dark", "bright"),
        labels={},
    )  # fmt: skip
    train, predict = sandbox.jobs
    assert train.limits.gpus == ("0", "1", "2", "3")
    assert train.environment["ROUNDS_DEVICES"] == "4"
    assert train.limits.processes == 4 * predict.limits.processes
    assert predict.limits.gpus == ("0",)
    assert "ROUNDS_DEVICES" not in predict.environment


@pytest.mark.parametrize(("flags", "fast"), [("fpu amx_bf16 amx_tile", True), ("fpu avx512_bf16", False), ("", False)])
def test_only_matrix_units_make_bfloat16_fast(tmp_path, flags, fast) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor : 0\nflags : {flags}\n")
    assert has_bfloat16_units(cpuinfo) is fast
    assert has_bfloat16_units(tmp_path / "none") is False
