"""Investigate clean and planted data, and count what was found."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from clean_data import Data, clean, shapes
from planting import PLANTS, base_of

from tasks.investigation import investigate
from tasks.readers.discovery import read_folder

if TYPE_CHECKING:
    from planting import Plant

    from tasks.domain.profile import Profile

TRUE_OF_SMALL_DATA = {"tiny_class", "tiny_cell", "class_imbalance", "few_negatives", "no_groups", "empty_cell"}
"""What is true of clean data as well: few images of a label or a subgroup, and no column of patients."""
TOLD_ALWAYS = {"skipped_attribute"}
TOLD_BY_THE_FINDING = {"coarse_picture", "border_shortcut"}
"""What is true where the pictures show the label honestly, all over."""
SIZES = (200, 600)
"""Images of the data that hazards are planted in."""


def main() -> None:
    """Run the drill and print its table."""
    parser = argparse.ArgumentParser(description="Plant hazards, and count those found and those that are not there.")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--only", default="", help="plant this kind of hazard alone")
    parser.add_argument("--clean-only", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    given = parser.parse_args()
    start = time.perf_counter()
    n_clean, alarms = (0, Counter[str]()) if given.only else on_clean_data(given.seeds, verbose=given.verbose)
    chosen = [plant for plant in PLANTS if given.only in {"", plant.kind} and not given.clean_only]
    found = {plant: recall(plant, given.seeds, verbose=given.verbose) for plant in chosen}
    by_kind = defaultdict[str, list[int]](lambda: [0, 0])
    print(f"\n{'hazard':24} {'planted':42} {'found':>9}  by strength")
    for plant, results in found.items():
        hits, total = sum(sum(hit) for hit in results.values()), sum(len(hit) for hit in results.values())
        by_kind[plant.kind][0] += hits
        by_kind[plant.kind][1] += total
        told = ", ".join(f"{strength:g}: {sum(hit)}/{len(hit)}" for strength, hit in results.items())
        print(f"{plant.kind:24} {plant.what:42} {hits:>4}/{total:<4}  {told}")
    print(f"\n{'hazard':24} {'planted and found':>18} {'false alarms on clean data':>28}")
    for kind in sorted({*by_kind, *alarms}):
        print(f"{kind:24} {'{}/{}'.format(*by_kind[kind]):>18} {f'{alarms[kind]}/{n_clean}':>28}")
    facts = {
        "planted": sum(total for _, total in by_kind.values()),
        "found": sum(hits for hits, _ in by_kind.values()),
        "clean": n_clean,
        "false_alarms": sum(alarms.values()),
        "seconds": round(time.perf_counter() - start),
    }
    print(json.dumps(facts))


def on_clean_data(seeds: int, *, verbose: bool) -> tuple[int, Counter[str]]:
    """Return the number of clean data sets, and in how many of them each kind of hazard was told."""
    alarms, number = Counter[str](), 0
    for shape in shapes():
        for seed in range(seeds):
            profile, number = look(clean(shape, seed)), number + 1
            kinds = {hazard.kind for hazard in profile.hazards} - TRUE_OF_SMALL_DATA - TOLD_ALWAYS
            kinds -= TOLD_BY_THE_FINDING if shape.shown else set()
            alarms.update(kinds)
            if verbose and kinds:
                told = [f"  {hazard.kind}: {hazard.summary}" for hazard in profile.hazards if hazard.kind in kinds]
                print(shape, f"seed {seed}", *told, sep="\n")
    return number, alarms


def recall(plant: Plant, seeds: int, *, verbose: bool) -> dict[float, list[bool]]:
    """Return by strength whether a planted hazard was found, with its gate, in each of the data sets."""
    results: dict[float, list[bool]] = {}
    for strength in plant.strengths:
        results[strength] = []
        for n in SIZES:
            for seed in range(seeds):
                data = clean(base_of(plant, n), seed)
                plant.plant(data, strength, np.random.default_rng(1000 + seed))
                told = {hazard.kind: hazard for hazard in look(data).hazards if _fits(hazard.severity, plant)}
                results[strength].append(plant.kind in told)
                if verbose and plant.kind not in told:
                    print(f"missed: {plant.kind}, {plant.what}, strength {strength}, {n} images, seed {seed}")
    return results


def look(data: Data) -> Profile:
    """Return the profile of data, written and read as a folder."""
    with tempfile.TemporaryDirectory() as folder:
        data.write(Path(folder))
        return investigate(read_folder(Path(folder)), workers=1)[1]


def _fits(severity: str, plant: Plant) -> bool:
    return plant.severity in {"", severity}
