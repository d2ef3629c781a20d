"""A whole study in a second: bright and dark pictures, and a learner of their mean brightness."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from agents.developer import ScriptedDeveloper
from flows.attempt import Workshop
from flows.evaluate_model import Gate
from flows.run_round import Bench
from flows.steps import plain
from tasks import codebase, holdout
from tasks.development_set import load_validation, materialise
from tasks.domain import manifest as columns
from tasks.domain.manifest import Manifest
from tasks.domain.profile import Profile
from tasks.domain.request import Budget, ColumnRoles, Request
from tasks.domain.round import Hypothesis, Proposal
from tasks.domain.spec import OperatingPoint, Protocol, Spec, SpecClass
from tasks.input_columns import inputs_of
from tasks.machine import Machine
from tasks.sandbox.local import LocalSandbox
from tasks.storage import StudyFolder, fingerprint

TEMPLATES = Path(__file__).parent / "tiny_template"
CLASSES = ("dark", "bright")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Return a folder of 160 pictures of 80 patients, with its table."""
    folder = tmp_path / "pictures"
    (folder / "images").mkdir(parents=True)
    chance = random.Random(0)
    rows = []
    for number in range(160):
        label = CLASSES[number % 2]
        grey = int(min(255, max(0, chance.gauss(110 if label == "dark" else 140, 18))))
        image = Image.new("RGB", (16, 16), (grey, grey, grey))
        image.putpixel((number % 16, number // 16), (chance.randrange(256), number, 0))
        image.save(folder / "images" / f"p{number:03d}.png")
        rows.append(
            {"image": f"p{number:03d}", "patient": f"patient {number // 2 // 2 * 2 + number % 2}", "label": label}
        )
    pd.DataFrame(rows).to_csv(folder / "table.csv", index=False)
    return folder


@pytest.fixture
def manifest(pictures: Path) -> Manifest:
    """Return the pictures as a manifest with splits."""
    table = pd.read_csv(pictures / "table.csv")
    number = range(len(table))
    rows = pd.DataFrame(
        {
            columns.IMAGE_ID: [f"{item:016x}" for item in number],
            columns.FILE: [f"images/{name}.png" for name in table["image"]],
            columns.ROW: [item + 2 for item in number],
            columns.LABEL: table["label"],
            columns.GROUP: table["patient"],
            columns.SPLIT: [("train", "train", "validation", "test")[item // 4 % 4] for item in number],
        }
    )
    return Manifest(
        rows=rows, images=pictures, kind="table", roles=ColumnRoles(image="image", label="label", group="patient")
    )


@pytest.fixture
def spec() -> Spec:
    """Return the spec of telling bright from dark."""
    return Spec(
        task="binary_classification",
        classes=tuple(SpecClass(name=name, labels=(name,), description=name) for name in CLASSES),
        positive="bright",
        priorities=("bright",),
        primary="auroc",
        secondary=("sensitivity[bright]", "specificity[bright]"),
        operating_point=OperatingPoint(fixed="specificity", at_least=0.8, positive="bright"),
    )


@pytest.fixture
def study(tmp_path: Path, manifest: Manifest, spec: Spec) -> StudyFolder:
    """Return a prepared study of at most four rounds."""
    folder = StudyFolder(tmp_path / "studies" / "bright")
    folder.write("5eed\n", "study_id")
    folder.write(
        Request(text="Tell bright from dark.", images=manifest.images, budget=Budget(rounds=4, minutes_per_round=0.1)),
        "request.json",
    )
    folder.write(_profile(manifest), "profile.json")
    folder.write("# How your request was understood\n\nBright is told from dark.\n", "readback.md")
    folder.write(manifest.rows, "manifest.parquet")
    holdout.seal(
        folder.path("holdout"),
        manifest,
        ledger=folder.path("ledger.jsonl"),
        anchors=tmp_path / "anchors",
        inputs=inputs_of(manifest, spec),
    )
    materialise(folder.path("data"), manifest, spec)
    codebase.create(folder.path("codebase"), TEMPLATES / "classification", recipe={}, locks=folder.path("locks.json"))
    folder.write(spec, "spec.json")
    protocol = Protocol(
        spec_sha256=fingerprint(spec),
        primary=spec.primary,
        higher_is_better=True,
        metrics=(spec.primary, *spec.secondary),
        constraints=(),
        guardrails=(),
        operating_point=spec.operating_point,
        verdict_rule="one_standard_error",
        max_rounds=4,
        train_seconds=3.0,
        max_checkpoints=2,
        resamples_validation=200,
        resamples_test=500,
        seed=0,
    )
    folder.write(protocol, "protocol.json")
    return folder


def _profile(manifest: Manifest) -> Profile:
    return Profile(
        kind=manifest.kind, roles=manifest.roles, n_images=160, n_groups=80, has_groups=True, labels=(), attributes=(),
        quarantined=(), width_median=16, height_median=16, exact_duplicate_sets=0, exact_duplicate_images=0,
        near_duplicate_pairs=0, conflicting_duplicate_sets=0, conflicting_groups=0, given_splits=(), hazards=(),
        forecasts=(), seconds=0.0,
    )  # fmt: skip


@pytest.fixture
def machine() -> Machine:
    """Return a machine that gives a run four seconds beyond its budget."""
    return Machine(
        device="cpu", cpus=1, memory_bytes=2**31, disk_bytes=2**28, gpu_memory_bytes=0, grace_seconds=4.0,
        predict_seconds=20.0, weights=None,
    )  # fmt: skip


@pytest.fixture
def workshop(study: StudyFolder, machine: Machine) -> Callable[..., Workshop]:
    """Return what makes the workshop of the study for a script of proposals."""

    def make(proposals: Iterable[Proposal], publish: Callable[[], None] = lambda: None) -> Workshop:
        spec = study.spec()
        validation = load_validation(study.path("data"), spec)
        return Workshop(
            study=study,
            codebase=codebase.Codebase(study.path("codebase"), locks=study.path("locks.json")),
            bench=Bench(
                sandbox=LocalSandbox(),
                machine=machine,
                data=study.path("data"),
                cache=study.path("cache"),
                images=tuple(validation.images),
                classes=spec.class_names,
                protocol=study.protocol(),
                study_id=study.id,
            ),
            developer=ScriptedDeveloper(proposals),
            validation=validation,
            step=plain,
            publish=publish,
        )

    return make


@pytest.fixture
def gate(study: StudyFolder, machine: Machine, tmp_path: Path) -> Gate:
    """Return the gate of the study."""
    return Gate(
        study=study,
        codebase=codebase.Codebase(study.path("codebase"), locks=study.path("locks.json")),
        sandbox=LocalSandbox(),
        machine=machine,
        anchors=tmp_path / "anchors",
        step=plain,
    )


@pytest.fixture
def edit() -> Callable[..., Proposal]:
    """Return what makes a proposal of new files, with a noise of the recipe as the usual one."""

    def make(title: str = "less noise", noise: float | None = None, **files: str) -> Proposal:
        changed = {name.replace("__", "."): text for name, text in files.items()}
        if noise is not None:
            recipe = (TEMPLATES / "classification" / "recipe.py").read_text()
            changed["recipe.py"] = recipe.replace("noise: float = 120.0", f"noise: float = {noise}")
        return Proposal(hypothesis=Hypothesis(title=title, technique=title), files=changed)

    return make
