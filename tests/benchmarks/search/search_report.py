"""What the finished cells come to: mean test AUC, gains and differences with paired intervals, and best-so-far curves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from cells import Cell, load_result
from searches import BASELINE

from tasks.scoring.classification import compute, metric_over_resamples
from tasks.scoring.resampling import resample_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ground import Ground
    from numpy import float64
    from numpy.typing import NDArray

RESAMPLES = 10_000
OURS = "ours"


def report_of(
    folder: Path, ground: Ground, *, task: str, methods: Sequence[str], seeds: Sequence[int]
) -> dict[str, object]:
    """Return all figures of a task over the seeds for which every method is finished.

    Intervals hold 95 % of the resamples of the holdout's lesions; within each, the seeds are averaged.
    """
    results = {
        (method, seed): found
        for method in (BASELINE, *methods)
        for seed in seeds
        if (found := load_result(folder, Cell(task=task, method=method, seed=seed))) and found["models"]
    }
    whole = [seed for seed in seeds if all((method, seed) in results for method in (BASELINE, *methods))]
    if not whole:
        return {"seeds": [], "finished": len(results)}
    _, holdout = ground.holdout()
    weights = resample_weights(holdout.groups, resamples=RESAMPLES, seed=0)
    report: dict[str, object] = {"seeds": whole, "test_images": len(holdout.labels)}
    for metric in ground.metrics:
        values, drawn = {}, {}
        for method in (BASELINE, *methods):
            scores = [
                _scores(folder, Cell(task=task, method=method, seed=seed), results[method, seed]) for seed in whole
            ]
            arguments = {"classes": ground.spec.class_names, "thresholds": {}}
            values[method] = [compute([metric], holdout.labels, item, **arguments)[metric] for item in scores]
            drawn[method] = np.stack(
                [metric_over_resamples(metric, holdout.labels, item, weights, **arguments) for item in scores]
            )
        report[metric] = {
            method: _figures(metric, method, values, drawn, [results[method, seed] for seed in whole])
            for method in (BASELINE, *methods)
        }
    report["curves"] = {
        method: {
            split: _curve([results[method, seed] for seed in whole], split, ground.metrics[0], ground.seconds)
            for split in ("validation", "test")
        }
        for method in methods
    }
    return report


def interval_of_mean_difference(one: NDArray[float64], other: NDArray[float64]) -> tuple[float, float]:
    """Return the 95 % interval of one minus other, averaged over seeds within each resample.

    Args:
        one: A metric by seed and resample, shape (n_seeds, B).
        other: The same of another method, over the same resamples.
    """
    low, high = np.nanquantile((one - other).mean(axis=0), [0.025, 0.975])
    return float(low), float(high)


def _figures(
    metric: str,
    method: str,
    values: dict[str, list[float]],
    drawn: dict[str, NDArray[float64]],
    results: Sequence[dict[str, object]],
) -> dict[str, object]:
    validation = [item["models"][-1]["validation"][metric] for item in results]
    figures: dict[str, object] = {
        "test": round(float(np.mean(values[method])), 4),
        "test_by_seed": [round(value, 4) for value in values[method]],
        "cpu_seconds_used": round(float(np.mean([item["seconds_used"] for item in results])), 1),
        "validation_minus_test": round(float(np.mean(validation) - np.mean(values[method])), 4),
    }
    if method != BASELINE:
        figures["gain"] = _difference(method, BASELINE, values, drawn)
    if method not in (BASELINE, OURS) and OURS in values:
        figures["ours_minus_this"] = _difference(OURS, method, values, drawn)
    return figures


def _difference(
    one: str, other: str, values: dict[str, list[float]], drawn: dict[str, NDArray[float64]]
) -> dict[str, object]:
    low, high = interval_of_mean_difference(drawn[one], drawn[other])
    by_seed = np.subtract(values[one], values[other])
    return {
        "mean": round(float(by_seed.mean()), 4),
        "interval": [round(low, 4), round(high, 4)],
        "by_seed": [round(float(value), 4) for value in by_seed],
    }


def _scores(folder: Path, cell: Cell, result: dict[str, object]) -> NDArray[float64]:
    with np.load(cell.result(folder).with_suffix(".npz")) as arrays:
        return arrays[f"test_{len(result['models']) - 1}"]


def _curve(results: Sequence[dict[str, object]], split: str, metric: str, seconds: float) -> list[list[float]]:
    """Return (seconds, mean over seeds of the best so far) at each change, from the moment that every seed has a model."""
    times = sorted({model["seconds"] for item in results for model in item["models"]})
    points = []
    for time in times:
        found = [
            [model[split][metric] for model in item["models"] if model["seconds"] <= time][-1:] for item in results
        ]
        if all(found):
            points.append([time, round(float(np.mean(found)), 4)])
    return [*points, [seconds, points[-1][1]]] if points[-1][0] < seconds else points


def table_of(task: str, report: dict[str, object]) -> str:
    """Return the figures of a task as Markdown tables, one a metric."""
    if not report["seeds"]:
        return f"{task}: no seed is finished for every method yet ({report['finished']} cells are)"
    lines = [f"{task}: {report['test_images']} test images, seeds {', '.join(map(str, report['seeds']))}"]
    for metric in (name for name in report if name.startswith("auroc")):
        lines += [
            "",
            f"| method | test {metric} | gain over the baseline | ours minus this | validation - test | CPU s used | test by seed |",
        ]
        lines.append("|---|---|---|---|---|---|---|")
        lines += [_row(method, figures) for method, figures in report[metric].items()]
    return "\n".join(lines)


def _row(method: str, figures: dict[str, object]) -> str:
    by_seed = " ".join(f"{value:.3f}" for value in figures["test_by_seed"])
    cells = [method, f"{figures['test']:.4f}", *(_told(figures.get(name)) for name in ("gain", "ours_minus_this"))]
    return f"| {' | '.join(cells)} | {figures['validation_minus_test']:+.4f} | {figures['cpu_seconds_used']:.0f} | {by_seed} |"


def _told(difference: dict[str, object] | None) -> str:
    if difference is None:
        return ""
    low, high = difference["interval"]
    return f"{difference['mean']:+.4f} ({low:+.4f} to {high:+.4f})"
