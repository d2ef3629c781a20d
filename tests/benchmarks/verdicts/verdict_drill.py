"""Run the simulation, a replay or a drill, and print what came of it."""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

from replaying import replay_study
from reseeding import drill
from rules import RULES
from simulating import simulate
from streams import STREAMS, draw_stream

if TYPE_CHECKING:
    from replaying import Replay

COLUMNS = {
    "accepts": ("accepts", 2),
    "false_accepts": ("false accepts", 2),
    "true_gain": ("true gain", 4),
    "booked_gain": ("booked", 4),
    "gap": ("gap", 4),
    "truly_worse": ("truly worse", 3),
    "share_of_best": ("share of best", 3),
    "false_supported": ("false supported", 3),
}


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description="False accepts, true gain and gap of five rules for keeping an edit.")
    parser.add_argument("--studies", type=int, default=200, help="simulated studies of each kind")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--images", type=int, nargs="+", default=[300, 1000, 5000], help="of validation")
    parser.add_argument("--streams", nargs="+", choices=STREAMS, default=STREAMS)
    parser.add_argument("--auc", type=float, default=0.85, help="true AUC of the baselines")
    parser.add_argument("--correlation", type=float, nargs=2, default=[0.8, 0.95], metavar=("LOW", "HIGH"))
    parser.add_argument("--resamples", type=int, default=200, help="of Rounds' own paired bootstrap")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--replay", type=Path, metavar="STUDY", help="judge the rounds of this study folder anew")
    parser.add_argument("--train", type=Path, metavar="FOLDER", help="train for real; results are kept in this folder")
    parser.add_argument("--ham10000", type=Path, help="folder with images/ and metadata.csv; without it, phantoms")
    parser.add_argument("--seconds", type=float, default=45, help="of each real training")
    given = parser.parse_args()
    if given.replay:
        print(json.dumps(told(replay_study(given.replay))))
    elif given.train:
        print(json.dumps(drill(given.train, ham10000=given.ham10000, seconds=given.seconds, rounds=given.rounds)))
    else:
        print(json.dumps(simulated(given)))


def simulated(given: argparse.Namespace) -> dict[str, object]:
    """Run all cells, print each as it is done, and return all figures as [mean, standard error]."""
    start = time.perf_counter()
    facts: dict[str, object] = {"studies": given.studies, "rounds": given.rounds}
    print(f"{'':36}" + "".join(f"{title:>18}" for title, _ in COLUMNS.values()))
    for kind in given.streams:
        for images in given.images:
            stream = draw_stream(
                kind,
                studies=given.studies,
                rounds=given.rounds,
                images=images,
                seed=given.seed,
                correlation=tuple(given.correlation),
            )
            cell = {}
            print(f"\n{kind}, {images:,} images")
            for rule in RULES:
                found = simulate(stream, rule, auc=given.auc, resamples=given.resamples).summary()
                cell[rule] = {name: [_rounded(value), _rounded(error)] for name, (value, error) in found.items()}
                shown = (_shown(*found[name], digits) for name, (_, digits) in COLUMNS.items())
                print(f"  {rule:34}" + "".join(f"{text:>18}" for text in shown), flush=True)
            facts[f"{kind} {images}"] = cell
    return {**facts, "seconds": round(time.perf_counter() - start)}


def told(replays: dict[str, Replay]) -> dict[str, object]:
    """Print what each rule makes of a study, and return it."""
    print(f"{'rule':34}{'booked':>9}  rounds kept")
    for rule, found in replays.items():
        print(f"{rule:34}{found.booked:>+9.4f}  {', '.join(map(str, found.kept)) or 'none'}")
    return {
        rule: {"kept": found.kept, "supported": found.supported, "booked": round(found.booked, 4)}
        for rule, found in replays.items()
    }


def _shown(value: float, error: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f} ± {error:.{digits}f}"


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 5)
