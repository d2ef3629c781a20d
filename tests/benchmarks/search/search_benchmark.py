"""Run the cells that are asked for, and report."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from cells import Cell, run_baseline, run_cell
from ground import HAM10000, TASKS, check_settings, prepare
from search_figure import curve_figure
from search_report import report_of, table_of
from searches import BASELINE, METHODS

MOST_TRIALS = 10


def main() -> int:
    """Run the benchmark or print what is finished of it."""
    parser = argparse.ArgumentParser(description="Compare ways to spend the same seconds of training.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tasks", nargs="+", choices=sorted(TASKS), default=list(TASKS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--seconds", type=float, default=360, help="training of one method with one seed, CPU seconds")
    parser.add_argument("--trial", type=float, default=60, help="training of one trial, CPU seconds")
    parser.add_argument("--weights", type=Path, help="folder of pretrained weights; none by default")
    parser.add_argument("--data", type=Path, default=HAM10000, help="HAM10000: images/ and metadata.csv")
    parser.add_argument("--report", action="store_true", help="train nothing, report what is finished")
    parser.add_argument("--figure", type=Path, help="where to write the curves (SVG)")
    given = parser.parse_args()
    if given.report:
        noted = json.loads((given.folder / "settings.json").read_text("utf-8"))
        given.seconds, given.trial = noted["seconds"], noted["trial"]
    if not 2 <= round(given.seconds / given.trial) <= MOST_TRIALS:
        # From eleven trials on, a study would train its baseline with other seeds too, in time that no other method gets.
        parser.error(f"--seconds must hold 2 to {MOST_TRIALS} trials of --trial seconds")
    given.folder.mkdir(parents=True, exist_ok=True)
    if not given.report:
        weights = str(given.weights.resolve()) if given.weights else ""
        check_settings(given.folder, {"seconds": given.seconds, "trial": given.trial, "weights": weights})
    grounds = {
        task: prepare(
            given.folder, task, seconds=given.seconds, trial_seconds=given.trial, weights=given.weights, data=given.data
        )
        for task in given.tasks
        if not given.report or (given.folder / task / "profile.json").exists()
    }
    cells = [
        Cell(task=task, method=method, seed=seed)
        for seed in given.seeds
        for task in grounds
        for method in given.methods
    ]
    for cell in cells if not given.report else []:
        ground = grounds[cell.task]
        run_baseline(given.folder, ground, Cell(task=cell.task, method=BASELINE, seed=cell.seed))
        if not run_cell(given.folder, ground, cell):
            print(f"{cell.name} is left to another process", file=sys.stderr)
    reports = {
        task: report_of(given.folder, ground, task=task, methods=given.methods, seeds=given.seeds)
        for task, ground in grounds.items()
    }
    for task, report in reports.items():
        print(table_of(task, report), end="\n\n")
    if given.figure:
        given.figure.write_text(curve_figure(reports, seconds=given.seconds), encoding="utf-8")
    print(json.dumps({"seconds": given.seconds, "trial": given.trial, **reports}))
    return 0
