"""Clean data: pictures and columns that know nothing of the labels, written as a folder."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from PIL import Image
from scipy.ndimage import gaussian_filter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

SIDE = 64
"""Pixels; smaller pictures do not survive recompression as real ones do."""
PATIENT, SPLIT, LABEL, SITE = "patient_id", "split", "dx", "hospital"
_NAMES = ("mel", "nv", "bkl", "bcc")
_FINDINGS = ("effusion", "nodule", "edema")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What clean data look like."""

    kind: str
    """`classes`, `findings` or `boxes`."""
    n: int
    labels: int = 2
    per_patient: int = 0
    """Images of each patient; 0 where the data name none."""
    has_columns: bool = True
    has_sites: bool = False
    has_dates: bool = False
    has_splits: bool = False
    style: str = "skin"
    """`skin`, `chest` or `noise`."""
    shown: float = 0.0
    """Share by which pictures of the second label are darker: they show it honestly."""


@dataclass
class Data:
    """A folder before it is written."""

    table: pd.DataFrame
    """One row an image; the first column is its file."""
    pictures: dict[str, NDArray[np.uint8]]
    """By file, shape (height, width, 3) or (height, width)."""
    boxes: dict[str, list[list[float]]] | None = None
    """Left, top, width and height, by file; None where the data have no boxes."""
    looked_at: set[str] | None = None
    """Files that somebody looked at for boxes; None means all."""
    spoilt: dict[str, Callable[[bytes], bytes]] = field(default_factory=dict)
    """What is done to the bytes of a file after it was written."""
    exif: dict[str, Image.Exif] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write pictures, and a table or a COCO file."""
        for file, pixels in self.pictures.items():
            tags = {"exif": self.exif[file]} if file in self.exif else {}
            Image.fromarray(pixels).save(folder / file, **({"quality": 95} if file.endswith("jpg") else {}), **tags)
            if file in self.spoilt:
                (folder / file).write_bytes(self.spoilt[file]((folder / file).read_bytes()))
        if self.boxes is None:
            self.table.to_csv(folder / "labels.csv", index=False)
            return
        seen = [file for file in self.table["image"] if self.looked_at is None or file in self.looked_at]
        numbers = {file: number for number, file in enumerate(seen, start=1)}
        drawn = [(file, box) for file, boxes in self.boxes.items() for box in boxes]
        content = {
            "images": [{"id": numbers[file], "file_name": file, "width": SIDE, "height": SIDE} for file in seen],
            "annotations": [
                {"id": row, "image_id": numbers[file], "category_id": 1, "bbox": box, "area": box[2] * box[3]}
                for row, (file, box) in enumerate(drawn, start=1)
            ],
            "categories": [{"id": 1, "name": "nodule"}],
        }
        (folder / "annotations.json").write_text(json.dumps(content))
        if set(self.table.columns) - {"image"}:
            self.table.to_csv(folder / "labels.csv", index=False)


def shapes() -> list[Shape]:
    """Return all shapes of clean data."""
    found = [
        Shape(
            kind="classes",
            n=n,
            labels=labels,
            per_patient=per_patient,
            has_sites=has_all,
            has_dates=has_all,
            has_splits=has_all and n >= 200,
            style=style,
        )
        for (n, labels, style), per_patient, has_all in product(
            [(60, 2, "skin"), (150, 4, "noise"), (400, 2, "chest"), (1000, 4, "skin"), (2000, 2, "noise")],
            (0, 3),
            (False, True),
        )
    ]
    found += [
        Shape(kind="findings", n=n, labels=3, per_patient=per_patient, has_sites=True, has_dates=True, style="chest")
        for n, per_patient in product((60, 300, 1200), (0, 2))
    ]
    found += [
        Shape(kind="classes", n=n, per_patient=2, style=style, shown=shown)
        for n, style, shown in product((200, 800), ("skin", "noise"), (0.04, 0.1, 0.3))
    ]
    return found + [Shape(kind="boxes", n=n, has_columns=False, style="noise") for n in (60, 300, 1200)]


def clean(shape: Shape, seed: int) -> Data:
    """Return data of a shape in which no column goes with the labels."""
    random = np.random.default_rng(seed)
    n, patient = shape.n, np.arange(shape.n) // max(1, shape.per_patient)
    table = pd.DataFrame({"image": [f"img{number:05d}.png" for number in random.permutation(n)]})
    if shape.kind == "classes":
        table[LABEL] = np.array(_NAMES)[random.permutation(patient.max() + 1) % shape.labels][patient]
    if shape.kind == "findings":
        for name in _FINDINGS[: shape.labels]:
            table[name] = (random.random(n) < 0.35).astype(int)
    if shape.per_patient:
        table[PATIENT] = [f"p{number:04d}" for number in patient]
    _add_columns(table, shape, patient, random)
    drawn = dict(zip(table["image"], pictures(shape.style, n, random), strict=True))
    if shape.shown:
        for file in table.loc[table[LABEL] == _NAMES[1], "image"]:
            drawn[file] = _bytes(drawn[file] * (1 - shape.shown))
    if shape.kind != "boxes":
        return Data(table=table, pictures=drawn)
    boxed = table["image"][random.random(n) < 0.5]
    return Data(table=table, pictures=drawn, boxes={file: [[5.0, 6.0, 22.0, 24.0]] for file in boxed})


def _add_columns(table: pd.DataFrame, shape: Shape, patient: NDArray[np.int64], random: np.random.Generator) -> None:
    """Add columns that know nothing of the labels; most are the same for all images of a patient."""
    n, people = len(table), patient.max() + 1
    if shape.has_columns:
        table["sex"] = random.choice(["m", "f"], people)[patient]
        age = random.normal(55, 15, people).clip(18, 95).round()
        table["age"] = pd.Series(age[patient]).mask(random.random(n) < 0.12)
        table["localization"] = random.choice(["back", "face", "lower leg", "trunk"], n)
    if shape.has_sites:
        table[SITE] = random.choice(["A", "B", "C"], people)[patient]
        table["scanner"] = random.choice(["Alpha", "Beta"], people)[patient]
        table["confirmed_by"] = random.choice(["histo", "follow_up", "consensus"], people)[patient]
    if shape.has_dates:
        days = pd.Timestamp("2016-01-01") + pd.to_timedelta(random.integers(0, 1500, people), unit="D")
        table["study_date"] = days.strftime("%Y-%m-%d").to_numpy()[patient]
    if shape.has_splits:
        table[SPLIT] = random.choice(["train", "val", "test"], people, p=[0.6, 0.15, 0.25])[patient]


def pictures(style: str, n: int, random: np.random.Generator) -> list[NDArray[np.uint8]]:
    """Return n different pictures of a style."""
    if style == "noise":
        return list(random.integers(30, 226, (n, SIDE, SIDE, 3), dtype=np.uint8))
    return [(_chest if style == "chest" else _skin)(random) for _ in range(n)]


def _skin(random: np.random.Generator) -> NDArray[np.uint8]:
    """Return a dark blot anywhere on tinted skin."""
    down, right = np.mgrid[:SIDE, :SIDE]
    centre, size = random.uniform(0.3, 0.7, 2) * SIDE, random.uniform(0.1, 0.22, 2) * SIDE
    blot = np.exp(-((((down - centre[0]) / size[0]) ** 2 + ((right - centre[1]) / size[1]) ** 2) ** 2))
    tint = np.array([215, 165, 140]) + random.normal(0, 12, 3)
    texture = gaussian_filter(random.normal(0, 60, (SIDE, SIDE)), 1.5)
    return _bytes(tint - blot[..., None] * random.uniform(60, 110) + texture[..., None])


def _chest(random: np.random.Generator) -> NDArray[np.uint8]:
    """Return two dark lungs around a bright middle, in grey; all are laid out alike, as such films are."""
    down, right = np.mgrid[:SIDE, :SIDE] / SIDE
    lungs = sum(
        np.exp(-(((right - x) / 0.12) ** 2 + ((down - 0.5) / 0.3) ** 2)) for x in random.normal([0.3, 0.7], 0.02)
    )
    texture = gaussian_filter(random.normal(0, 90, (SIDE, SIDE)), 1.2)
    return _bytes(np.repeat((190 - 110 * lungs + texture + random.normal(0, 8))[..., None], 3, axis=2))


def _bytes(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    return values.clip(0, 255).astype(np.uint8)
