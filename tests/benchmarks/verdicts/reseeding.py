"""Train one code with many seeds: rounds that change nothing, for real. Nothing can truly improve, so every accept is a false one.

Predictions on validation and on a test set are kept in the given folder, so that an interrupted drill goes on where it stopped.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from replaying import Candidate, replay
from rules import RULES
from simulating import protocol_of

from tasks import codebase, runs
from tasks.development_set import load_validation, materialise
from tasks.domain.errors import RoundError
from tasks.domain.manifest import SPLIT, TEST, TRAIN, VALIDATION
from tasks.domain.request import Request
from tasks.domain.spec import OperatingPoint, Spec, SpecClass
from tasks.investigation import investigate
from tasks.machine import find_machine
from tasks.phantoms import draw_phantoms
from tasks.readers.discovery import read_manifest
from tasks.sandbox.local import LocalSandbox
from tasks.scoring.classification import compute
from tasks.selection import noise_yardstick
from tasks.splitting import split
from tasks.uncertainty import paired_difference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replaying import Replay

    from tasks.development_set import Validation

TEMPLATE = Path(__file__).resolve().parents[3] / "model_templates" / "classification"
CLASSES = ("harmless", "melanoma")
PHANTOMS, HAM10000 = ("nevus", "melanoma"), ("nv", "mel")
"""Labels of the two classes in each set of images."""


def drill(folder: Path, *, ham10000: Path | None, seconds: float, rounds: int) -> dict[str, object]:
    """Train `rounds + 1` times with different seeds, unless that is done, and return what each rule makes of it.

    Args:
        folder: For all that is made.
        ham10000: Folder with `images/` and `metadata.csv`; None for phantoms.
        seconds: Of each training.
        rounds: After the first training.
    """
    settings = {"data": "ham10000" if ham10000 else "phantoms", "seconds": seconds}
    folder.mkdir(parents=True, exist_ok=True)
    noted = folder / "settings.json"
    if noted.exists() and json.loads(noted.read_text("utf-8")) != settings:
        sys.exit(f"{folder} holds a drill with other settings: {noted.read_text('utf-8')}")
    noted.write_text(json.dumps(settings), encoding="utf-8")
    validation, test = prepare(folder, ham10000)
    started = time.monotonic()
    for number in range(rounds + 1):
        if not (folder / f"scores-{number:02d}.npz").exists():
            train_one(folder, number, seconds=seconds, sets={VALIDATION: validation, TEST: test})
            print(f"round {number} of {rounds} after {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    found = {number: np.load(folder / f"scores-{number:02d}.npz") for number in range(rounds + 1)}
    scored = [number for number, item in found.items() if len(item[VALIDATION])]
    if not scored:
        sys.exit(f"no training came to anything; see {folder}/round-00/run.log, and give more --seconds")
    candidates = [
        Candidate(
            number=number,
            scores=found[number][VALIDATION],
            metrics={"auroc": auc(validation, found[number][VALIDATION])},
        )
        for number in scored
    ]
    test_scores = {number: found[number][TEST] for number in scored}
    protocol = protocol_of(resamples=2_000)
    return {
        **settings,
        "rounds": rounds,
        "failed_rounds": rounds + 1 - len(scored),
        "validation_images": len(validation.labels),
        "test_images": len(test.labels),
        "auc_validation_by_seed": [round(item.metrics["auroc"], 4) for item in candidates],
        "auc_test_by_seed": [round(auc(test, test_scores[number]), 4) for number in scored],
        **{
            rule: outcome(replay(rule, candidates, validation, protocol, CLASSES), scored[0], test_scores, test)
            for rule in RULES
        },
    }


def outcome(
    found: Replay, first: int, test_scores: Mapping[int, np.ndarray], test: Validation
) -> dict[str, float | int]:
    """Return what a rule booked in validation, and what of it the test set confirms."""
    final = found.kept[-1] if found.kept else first
    difference, error, p = paired_difference(
        "auroc",
        test.labels,
        test_scores[first],
        test_scores[final],
        test.groups,
        classes=CLASSES,
        incumbent_thresholds={},
        candidate_thresholds={},
        resamples=10_000,
        seed=0,
    )
    return {
        "accepts": found.accepts,
        "called_supported": found.supported,
        "final_is_round": final,
        "booked_in_validation": round(found.booked, 4),
        "yardstick": round(noise_yardstick(found.first_error), 4),
        "difference_on_test": round(difference, 4),
        "difference_on_test_standard_error": round(error, 4),
        "difference_on_test_p_one_sided": round(p, 4),
    }


def auc(images: Validation, scores: np.ndarray) -> float:
    """Return the AUC of probabilities, shape (n, 2)."""
    return compute(["auroc"], images.labels, scores, classes=CLASSES, thresholds={})["auroc"]


def prepare(folder: Path, ham10000: Path | None) -> tuple[Validation, Validation]:
    """Lay out train, validation and test images, and the codebase; return the two sets that are scored."""
    spec = _spec(HAM10000 if ham10000 else PHANTOMS)
    done = folder / "prepared"
    if not done.exists():
        table = ham10000 / "metadata.csv" if ham10000 else draw_phantoms(folder / "phantoms")
        request = Request(text="", images=table.parent / "images", table=table)
        manifest = split(investigate(read_manifest(request))[0], seed=0)
        materialise(folder / VALIDATION, manifest, spec)
        # The test images take the place of validation in a second layout: this is a drill, not a study with a holdout.
        swapped = manifest.rows[SPLIT].replace({TEST: VALIDATION, VALIDATION: TEST})
        rows = manifest.rows.assign(**{SPLIT: swapped})
        materialise(folder / TEST, replace(manifest, rows=rows), spec)
        made = codebase.create(folder / "codebase", TEMPLATE, recipe={}, locks=folder / "locks.json")
        made.export(made.baseline, folder / "code")
        done.touch()
    return load_validation(folder / VALIDATION, spec), load_validation(folder / TEST, spec)


def _spec(labels: tuple[str, str]) -> Spec:
    classes = tuple(
        SpecClass(name=name, labels=(label,), description=name) for name, label in zip(CLASSES, labels, strict=True)
    )
    return Spec(
        task="binary_classification",
        classes=classes,
        positive=CLASSES[1],
        priorities=(CLASSES[1],),
        primary="auroc",
        secondary=(),
        operating_point=OperatingPoint(fixed="youden", at_least=float("nan"), positive=CLASSES[1]),
    )


def train_one(folder: Path, number: int, *, seconds: float, sets: Mapping[str, Validation]) -> None:
    """Train with the round's number as seed, predict both sets with the last checkpoint, keep the scores."""
    machine = find_machine(
        device="auto",
        cpus=os.cpu_count() or 1,
        memory_bytes=12 * 2**30,
        disk_bytes=8 * 2**30,
        grace_seconds=60,
        predict_seconds=600,
        weights=folder / "no-weights",
    )
    work = folder / f"round-{number:02d}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    labels = {"study": "reseeding", "round": f"{number:02d}"}
    scores = {name: np.empty((0, len(CLASSES))) for name in sets}
    try:
        training = runs.train(
            LocalSandbox(),
            code=folder / "code",
            data=folder / VALIDATION / TRAIN,
            out=work / "out",
            cache=folder / "cache",
            log=work / "run.log",
            machine=machine,
            budget_seconds=seconds,
            max_checkpoints=1,
            seed=number,
            labels=labels,
        )
        scores = {
            name: runs.predict(
                LocalSandbox(),
                code=folder / "code",
                data=folder / name / VALIDATION,
                checkpoint=training.checkpoints[-1],
                out=work / name,
                log=work / f"predict-{name}.log",
                machine=machine,
                images=images.images,
                classes=CLASSES,
                labels=labels,
            )
            for name, images in sets.items()
        }
    except RoundError as error:
        print(f"round {number} failed: {error}", file=sys.stderr)
    partial = folder / "scores.partial.npz"
    np.savez(partial, **scores)
    partial.replace(folder / f"scores-{number:02d}.npz")
    shutil.rmtree(work / "out", ignore_errors=True)
