"""The ground that all methods share: data and split, template with the processor's clock, machine and protocol."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from agents.task_initializer import build_protocol
from flows.run_round import Bench
from tasks.development_set import Validation, load_validation, materialise
from tasks.domain.manifest import LABEL, SPLIT, TEST, TRAIN, VALIDATION
from tasks.domain.profile import Profile
from tasks.domain.request import Budget, Request
from tasks.domain.spec import OperatingPoint, Protocol, Spec, SpecClass
from tasks.investigation import investigate
from tasks.machine import find_machine
from tasks.readers.discovery import read_manifest
from tasks.splitting import split
from tasks.storage import as_json, from_json, write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.domain.manifest import Manifest
    from tasks.domain.sandboxing import Sandbox

ROOT = Path(__file__).resolve().parents[3]
HAM10000 = ROOT.parent / "shared/data/ham10000"
DIAGNOSES = {
    "akiec": "actinic keratosis or Bowen's disease",
    "bcc": "basal cell carcinoma",
    "bkl": "benign keratosis",
    "df": "dermatofibroma",
    "nv": "melanocytic nevus",
    "vasc": "vascular lesion",
    "mel": "melanoma",
}
TASKS = {"melanoma": ("nv", "mel"), "seven": tuple(DIAGNOSES)}
"""Labels of each task; of two classes the positive one is last."""
SIZES = (32, 40, 48, 64, 80, 96, 112, 128)
"""Sides at which the training images are decoded beforehand, in pixels."""
_DECODE = """
import sys
from pathlib import Path
from data import decode_once
folder, cache, *sizes = sys.argv[1:]
import csv
with (Path(folder) / "train.csv").open(newline="") as file:
    files = [Path(folder) / "images" / row["image"] for row in csv.DictReader(file)]
for size in sizes:
    decode_once(files, int(size), Path(cache), 1)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """One task, ready for any method."""

    folder: Path
    """Of the task."""
    template: Path
    spec: Spec
    profile: Profile
    validation: Validation
    seconds: float
    """Training time of a method, in CPU seconds."""
    trial_seconds: float
    weights: Path | None

    @property
    def trials(self) -> int:
        """Return how many trials the budget holds."""
        return round(self.seconds / self.trial_seconds)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Return what is told of a model: the primary metric first."""
        return ("auroc",) if self.spec.positive else ("auroc", "auroc[mel]")

    def source(self) -> dict[str, str]:
        """Return the text of the template's files."""
        return {file.name: file.read_text("utf-8") for file in sorted(self.template.iterdir())}

    def protocol(self, seed: int) -> Protocol:
        """Return the protocol that a study of this task would have, with a seed for training."""
        budget = Budget(rounds=self.trials - 1, minutes_per_round=self.trial_seconds / 60)
        request = Request(text="", images=self.folder, budget=budget, seed=seed)
        return build_protocol(self.spec, request=request, train_seconds=self.trial_seconds)

    def bench(self, sandbox: Sandbox, protocol: Protocol, *, cache: Path) -> Bench:
        """Return the bench: one thread, and wall-clock limits that only a hanging run meets.

        Args:
            sandbox: What runs the codebases.
            protocol: Of the study.
            cache: Of the cell alone, so that a method which decodes in its own way pays for it in every cell.
        """
        gib = 2**30
        machine = find_machine(
            device="cpu", cpus=1, memory_bytes=12 * gib, disk_bytes=16 * gib, grace_seconds=10 * self.seconds + 600,
            predict_seconds=3600, weights=self.weights or self.folder / "no-weights",
        )  # fmt: skip
        return Bench(
            sandbox=sandbox, machine=machine, data=self.folder / "data", cache=cache,
            images=tuple(self.validation.images), classes=self.spec.class_names, protocol=protocol, study_id="search",
        )  # fmt: skip

    def link_cache(self, cache: Path) -> None:
        """Fill a cell's cache with the images that were decoded beforehand; nobody writes to them."""
        cache.mkdir(exist_ok=True)
        for file in (self.folder / "cache").glob("*.npy"):
            if not (cache / file.name).exists():
                (cache / file.name).hardlink_to(file)

    def holdout(self) -> tuple[Path, Validation]:
        """Return the folder of the test images, and what is known of them: for finished cells and the report alone."""
        return self.folder / "holdout" / VALIDATION, load_validation(self.folder / "holdout", self.spec)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold a lock that ends with this process, waiting for it if another one holds it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield


def prepare(
    folder: Path, task: str, *, seconds: float, trial_seconds: float, weights: Path | None, data: Path
) -> Ground:
    """Lay out the data of a task, the holdout apart, and the template; what is there already stays."""
    place, template, spec = folder / task, folder / "template", spec_of(task)
    with locked(folder / "prepare.lock"):
        copy_template(template)
        if not (place / "profile.json").exists():
            request = Request(text="", images=data / "images", table=data / "metadata.csv")
            manifest, profile = investigate(read_manifest(request))
            divided = split(manifest, seed=0)
            materialise(place / "data", divided, spec)
            materialise(place / "holdout", _test_for_validation(divided, spec), spec)
            (place / "cache").mkdir(exist_ok=True)
            sizes = [str(size) for size in SIZES]
            command = [sys.executable, "-B", "-c", _DECODE, place / "data" / TRAIN, place / "cache", *sizes]
            subprocess.run(command, cwd=template, check=True)
            write_atomically(place / "profile.json", as_json(profile))
    return Ground(
        folder=place,
        template=template,
        spec=spec,
        profile=from_json(Profile, (place / "profile.json").read_text("utf-8")),
        validation=load_validation(place / "data", spec),
        seconds=seconds,
        trial_seconds=trial_seconds,
        weights=weights,
    )


def spec_of(task: str) -> Spec:
    """Return the spec of a task; both are judged by AUC, over seven classes its mean."""
    labels = TASKS[task]
    two = len(labels) == 2
    return Spec(
        task="binary_classification" if two else "multiclass_classification",
        classes=tuple(SpecClass(name=label, labels=(label,), description=DIAGNOSES[label]) for label in labels),
        positive="mel" if two else "",
        priorities=("mel",),
        primary="auroc",
        secondary=(),
        operating_point=OperatingPoint(fixed="youden", at_least=float("nan"), positive="mel"),
    )


def copy_template(template: Path) -> None:
    """Copy the template of classification with the processor's clock in place of the wall's."""
    if template.exists():
        return
    partial = template.with_name("template.partial")
    partial.mkdir(exist_ok=True)
    for file in (ROOT / "model_templates/classification").iterdir():
        if file.is_file():
            text = file.read_text("utf-8").replace("time.monotonic()", "time.process_time()")
            (partial / file.name).write_text(text, encoding="utf-8")
    if "STARTED = time.process_time()" not in (partial / "contract.py").read_text("utf-8"):
        raise ValueError("the template's contract no longer keeps its clock as this benchmark expects")
    partial.replace(template)


def check_settings(folder: Path, settings: dict[str, object]) -> None:
    """Note the settings of a folder, and stop where it holds cells with other ones."""
    noted = folder / "settings.json"
    with locked(folder / "prepare.lock"):
        if noted.exists() and json.loads(noted.read_text("utf-8")) != settings:
            sys.exit(f"{folder} holds a benchmark with other settings: {noted.read_text('utf-8')}")
        write_atomically(noted, json.dumps(settings))


def _test_for_validation(manifest: Manifest, spec: Spec) -> Manifest:
    """Return the test images in the place of validation; of the training images one a class, as a layout needs them."""
    rows = manifest.rows[manifest.rows[LABEL].isin(spec.class_of_label)]
    test = rows[rows[SPLIT] == TEST].assign(**{SPLIT: VALIDATION})
    few = rows[rows[SPLIT] == TRAIN].groupby(LABEL).head(1)
    return replace(manifest, rows=pd.concat([test, few], ignore_index=True))
