"""Small clean data of each kind, in which a test plants one defect."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tasks.domain.manifest import (
    BOX_COLUMNS,
    FILE,
    FINDING,
    FRAME,
    GROUP,
    IMAGE_ID,
    LABEL,
    ROW,
    SPLIT,
    SUPERVISION,
    Manifest,
    label_of_findings,
)
from tasks.domain.request import ColumnRoles
from tasks.investigation import investigate

SIDE = 24
IMAGES = 600
PER_PATIENT = 2


@dataclass(frozen=True)
class Planted:
    """What an investigation of planted data found."""

    profile: object
    manifest: Manifest

    def of(self, kind):
        return [hazard for hazard in self.profile.hazards if hazard.kind == kind]

    def one(self, kind):
        found = self.of(kind)
        assert len(found) == 1, (kind, [(hazard.kind, hazard.summary) for hazard in self.profile.hazards])
        return found[0]

    @property
    def alarms(self):
        return {hazard.kind for hazard in self.profile.hazards if hazard.severity != "report"}

    @property
    def kinds(self):
        return {hazard.kind for hazard in self.profile.hazards}


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """Six hundred pictures of noise, all different; what they show has nothing to do with any label."""
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for number in range(IMAGES):
        Image.fromarray(random.integers(40, 216, (SIDE, SIDE, 3), dtype=np.uint8)).save(folder / f"{number:04d}.png")
    return folder


@pytest.fixture(scope="session")
def clean(pictures) -> Callable[..., Manifest]:
    """Return a manifest of clean data, without any hazard: two labels by chance, three hundred patients, sex and age."""

    def make(**attributes) -> Manifest:
        random = np.random.default_rng(1)
        patient = np.arange(IMAGES) // PER_PATIENT
        sick = random.permutation(patient.max() + 1) % 2
        rows = pd.DataFrame(
            {
                IMAGE_ID: [f"{number:016x}" for number in range(IMAGES)],
                FILE: [f"{number:04d}.png" for number in range(IMAGES)],
                ROW: np.arange(2, IMAGES + 2),
                LABEL: pd.Series(np.where(sick[patient], "mel", "nv"), dtype="str"),
                GROUP: pd.Series([f"p{number}" for number in patient], dtype="str"),
                SPLIT: pd.Series([""] * IMAGES, dtype="str"),
                SUPERVISION: pd.Series(["label"] * IMAGES, dtype="str"),
                FRAME: -1,
                "attribute.age": random.integers(20, 90, patient.max() + 1)[patient].astype(float),
            }
        )
        for name, values in attributes.items():
            rows[f"attribute.{name}"] = pd.Series(values)
        roles = ColumnRoles(image="image", label="dx", group="patient")
        return Manifest(rows=rows, images=pictures, kind="table", roles=roles)

    return make


@pytest.fixture(scope="session")
def with_findings(clean) -> Callable[..., Manifest]:
    """Return clean data with two findings that occur together."""

    def make(**attributes) -> Manifest:
        manifest = clean(**attributes)
        random = np.random.default_rng(2)
        findings = {name: (random.random(IMAGES) < 0.4).astype(float) for name in ("effusion", "nodule")}
        return labelled(replace(manifest, kind="multi_label"), findings)

    return make


@pytest.fixture(scope="session")
def with_boxes(clean) -> Callable[..., Manifest]:
    """Return clean data of one finding with boxes: all images were looked at, half of them have a box."""

    def make(**attributes) -> Manifest:
        manifest = clean(**attributes)
        manifest.rows[SUPERVISION] = "boxes"
        present = np.random.default_rng(3).permutation(IMAGES) % 2
        ids = manifest.rows.loc[present == 1, IMAGE_ID]
        boxes = pd.DataFrame(
            [(image, "nodule", 3.0, 4.0, 12.0, 15.0, "", row, "") for row, image in enumerate(ids, start=2)],
            columns=list(BOX_COLUMNS),
        )
        return labelled(replace(manifest, kind="coco", boxes=boxes), {"nodule": present.astype(float)})

    return make


@pytest.fixture(scope="session")
def look() -> Callable[[Manifest], Planted]:
    def make(manifest: Manifest) -> Planted:
        investigated, profile = investigate(manifest, workers=1)
        return Planted(profile=profile, manifest=investigated)

    return make


def labelled(manifest, findings):
    """Return a manifest with findings, and the label made of them."""
    rows = manifest.rows.copy()
    for name, values in findings.items():
        rows[FINDING + name] = values
    rows[LABEL] = pd.Series(
        [label_of_findings(dict(zip(findings, row, strict=True))) for row in zip(*findings.values(), strict=True)],
        dtype="str",
    )
    return replace(manifest, rows=rows, findings=tuple(findings))


@pytest.fixture(scope="session")
def label_with():
    return labelled


@pytest.fixture(scope="session")
def few():
    """Return a manifest cut down to its first images, for what needs no statistics."""

    def make(manifest, n=120):
        return replace(manifest, rows=manifest.rows.head(n).copy())

    return make


@pytest.fixture(scope="session")
def fairly_divided():
    """Return a manifest with given splits that are fair, by patient, with a test large enough for subgroups."""

    def make(manifest):
        rows = manifest.rows.assign(split=["train"] * 240 + ["validation"] * 60 + ["test"] * 300)
        return replace(manifest, rows=rows)

    return make


@pytest.fixture
def repainted(tmp_path):
    """Return a manifest whose pictures were painted over: `paint` gets the number and the pixels of each."""

    def make(manifest, paint):
        for number, file in enumerate(manifest.rows[FILE]):
            pixels = np.array(Image.open(manifest.images / file))
            Image.fromarray(paint(number, pixels)).save(tmp_path / file)
        return replace(manifest, images=tmp_path)

    return make
