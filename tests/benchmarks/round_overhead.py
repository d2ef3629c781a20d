"""Seconds of harness per round beyond the bare train and predict processes, for each sandbox.

    python tests/benchmarks/round_overhead.py [--rounds 5] [--sandboxes local bubblewrap docker]

A study of phantoms with a learner that takes a tenth of a second, so that what is left is ours: edit and commit, export and hash
checks, sandbox, reading of predictions, metrics, paired bootstrap (B = 2,000), verdict, records, Prefect's task runs and MLflow.
The bare processes are the same two programs on the same data, started directly. Prints a table and one JSON line.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from prefect import flow

import flows.settings  # noqa: F401 - before Prefect
from agents.developer import ScriptedDeveloper
from flows.attempt import Workshop
from flows.composition import bench_of, machine_of, publisher_of, semantic_parser_of, task_initializer_of
from flows.improve_model import run_rounds
from flows.prepare_study import Office, prepare
from flows.settings import Settings
from flows.steps import plain, shown
from tasks.codebase import Codebase
from tasks.development_set import load_validation
from tasks.domain.errors import SandboxMissing
from tasks.domain.request import Budget
from tasks.domain.round import Hypothesis, Proposal
from tasks.phantoms import draw_phantoms
from tasks.readers.request_file import read_request
from tasks.storage import StudyFolder

TINY = Path(__file__).resolve().parents[1] / "flows" / "tiny_template"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sandboxes", nargs="+", default=["local", "bubblewrap", "docker"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rounds-overhead-") as folder:
        root = Path(folder)
        table = draw_phantoms(root / "data")
        result = {}
        for name in options.sandboxes:
            study = prepared(root / "studies" / name, root, table, options.rounds)
            bare = statistics.median(bare_seconds(study, root / "bare") for _ in range(5))
            try:
                per_round = measured(study, name, options.rounds)
            except SandboxMissing as error:
                print(f"{name}: {error}")
                continue
            result[name] = {"round": round(per_round, 2), "bare": round(bare, 2), "harness": round(per_round - bare, 2)}
            print(
                f"{name:12s} round {per_round:6.2f} s   bare {bare:6.2f} s   harness {per_round - bare:6.2f} s",
                flush=True,
            )
        print(json.dumps(result))


def prepared(folder: Path, root: Path, table: Path, rounds: int) -> StudyFolder:
    study = StudyFolder(folder)
    text = "Tell melanoma from an ordinary mole. Missing a melanoma is the worst that can happen."
    request = read_request(None, {"text": text, "images": str(root / "data" / "images"), "table": str(table)})
    study.write(replace(request, budget=Budget(rounds=rounds, minutes_per_round=0.5)), "request.json")
    prepare(
        Office(
            study=study,
            semantic_parser=semantic_parser_of("playbook"),
            task_initializer=task_initializer_of(study),
            machine=machine_of(Settings()),
            templates=TINY,
            anchors=root / "state",
            step=plain,
        )
    )
    return study


def bare_seconds(study: StudyFolder, out: Path) -> float:
    """Return the seconds of the two programs of the baseline, started one after the other without any harness."""
    (out / "checkpoints").mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "ROUNDS_OUT": str(out), "ROUNDS_SEED": "0"}
    started = time.monotonic()
    for program, data, more in (
        ("train.py", "train", {}),
        ("predict.py", "validation", {"ROUNDS_CHECKPOINT": str(out / "checkpoints" / "last.safetensors")}),
    ):
        subprocess.run(
            [sys.executable, program],
            cwd=study.path("codebase"),
            env={**environment, "ROUNDS_DATA": str(study.path("data", data)), **more},
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return time.monotonic() - started


def measured(study: StudyFolder, sandbox: str, rounds: int) -> float:
    """Return the mean seconds of a round in the flow as it is used, the baseline (which starts Prefect's tasks) apart."""
    recipe = study.path("codebase", "recipe.py").read_text()
    proposals = [
        Proposal(
            hypothesis=Hypothesis(title=f"noise {110 - number}", technique="noise"),
            files={"recipe.py": recipe.replace("noise: float = 120.0", f"noise: float = {110 - number}.0")},
        )
        for number in range(rounds)
    ]
    marks: list[float] = []
    publish = publisher_of(study)

    def publish_and_mark() -> None:
        publish()
        marks.append(time.monotonic())

    @flow(name="overhead")
    def overhead() -> None:
        run_rounds(
            Workshop(
                study=study,
                codebase=Codebase(study.path("codebase"), locks=study.path("locks.json")),
                bench=bench_of(study, sandbox=sandbox),
                developer=ScriptedDeveloper(proposals),
                validation=load_validation(study.path("data"), study.spec()),
                step=shown,
                publish=publish_and_mark,
            )
        )

    overhead()
    return (marks[rounds] - marks[0]) / rounds


if __name__ == "__main__":
    main()
