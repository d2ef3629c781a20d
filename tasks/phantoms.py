"""Synthetic dermoscopy with the flaws of real data, for the demo and the tests; no real patient is shown.

A lesion has a hidden degree of malignancy that overlaps between the classes, so no model can be perfect. It shows in
signs that do not depend on how the camera was held: an asymmetric outline, an irregular border, several colours.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

COLUMNS = ("image", "patient", "diagnosis", "confirmed_by", "age", "sex", "site", "scanner")

_DIAGNOSES = ("nevus", "keratosis", "melanoma")
_SHARES = (0.62, 0.20, 0.18)
_CONFIRMED_BY = {  # shares of histology, follow-up, consensus: only what was cut out is proven
    "nevus": (0.25, 0.55, 0.20),
    "keratosis": (0.40, 0.10, 0.50),
    "melanoma": (1.0, 0.0, 0.0),
}
_SHARE_OF_SCANNER_B = {"nevus": 0.3, "keratosis": 0.35, "melanoma": 0.5}
_SITES = ("back", "leg", "arm", "face", "abdomen")
_COLOURS = np.array([[52, 36, 36], [96, 104, 128], [158, 72, 66], [222, 206, 200]]) / 255
"""Dark brown, blue-grey, red and white: the colours that a harmless mole seldom has."""
_CYST = np.array([0.90, 0.84, 0.70])
"""The white-yellow dots of a keratosis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lesion:
    diagnosis: str
    malignancy: float
    """About 1.3 in melanoma, -1.1 in nevus, each with standard deviation 0.7; never written down."""
    radius: float
    """Share of half the image."""
    waves: NDArray[np.float64]
    """Amplitude and phase of the outline's waves 1 to 9, shape (9, 2)."""
    seed: int


def draw_phantoms(folder: Path, *, patients: int = 260, seed: int = 0, image_size: int = 64) -> Path:
    """Draw a set of about 4.6 images a patient into `folder/images`, and return the path of its table.

    Among them are exact and near copies (most of the same patient, some under another one), one file cut short, one
    row without a file, and two shortcuts: `confirmed_by` is histology for each melanoma, and scanner B, which tints
    its pictures, saw more melanomas.

    Args:
        folder: Made if it does not exist.
        patients: Number of patients, at least 20.
        seed: Fixes every picture.
        image_size: Side of the images, in pixels.
    """
    if patients < 20:
        raise ValueError("fewer than 20 patients cannot hold all the flaws")
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    rows = [row for number in range(patients) for row in _draw_patient(images, number, random, image_size)]
    rows += _copies(images, rows, random)
    rows.append({**rows[3], "image": "missing_0001"})
    broken = images / f"{rows[7]['image']}.jpg"
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
    path = folder / "table.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def _draw_patient(images: Path, number: int, random: np.random.Generator, size: int) -> list[dict[str, str]]:
    lesions = [_lesion(random) for _ in range(random.integers(1, 5))]
    skin = np.array([0.80, 0.62, 0.52]) * random.uniform(0.75, 1.12) + random.normal(0, 0.02, 3)
    hairiness = random.gamma(0.7, 1.2)
    older = max(lesion.malignancy for lesion in lesions)
    age = int(np.clip(random.normal(50 + 7 * older, 15), 18, 92)) // 5 * 5
    sex = str(random.choice(["female", "male"]))
    rows = []
    for index, lesion in enumerate(lesions):
        scanner = "B" if random.random() < _SHARE_OF_SCANNER_B[lesion.diagnosis] else "A"
        facts = {
            "patient": f"P{number + 1:04d}",
            "diagnosis": lesion.diagnosis,
            "confirmed_by": str(
                random.choice(["histology", "follow_up", "consensus"], p=_CONFIRMED_BY[lesion.diagnosis])
            ),
            "age": "" if random.random() < 0.03 else str(age),
            "sex": sex,
            "site": str(random.choice(_SITES)),
            "scanner": scanner,
        }
        for view in range(random.integers(1, 4)):
            name = f"IMG_{number + 1:04d}_{index + 1}{'abc'[view]}"
            picture = _picture(lesion, skin, hairiness, random, size, tinted=scanner == "B")
            _save(picture, images / f"{name}.jpg", quality=88)
            rows.append({"image": name, **facts})
    return rows


def _lesion(random: np.random.Generator) -> _Lesion:
    diagnosis = str(random.choice(_DIAGNOSES, p=_SHARES))
    malignancy = random.normal({"nevus": -1.1, "keratosis": -0.4, "melanoma": 1.3}[diagnosis], 0.7)
    strength = _visible(malignancy)
    wave = np.arange(1, 10)
    slow, fast = 0.05 + 0.16 * strength, 0.014 + 0.042 * strength
    amplitude = np.where(wave <= 3, slow, fast) * random.uniform(0.4, 1.0, 9) / np.where(wave <= 3, wave, 1)
    waves = np.stack([amplitude, random.uniform(0, 2 * np.pi, 9)], axis=1)
    radius = float(np.clip(random.normal(0.56 + 0.03 * malignancy, 0.08), 0.36, 0.76))
    return _Lesion(
        diagnosis=diagnosis, malignancy=malignancy, radius=radius, waves=waves, seed=int(random.integers(2**31))
    )


def _picture(
    lesion: _Lesion,
    skin: NDArray[np.float64],
    hairiness: float,
    random: np.random.Generator,
    size: int,
    *,
    tinted: bool,
) -> NDArray[np.float64]:
    """Return one view of a lesion, shape (size, size, 3), 0 to 1; views differ in turn, place, light and hair."""
    axis = np.linspace(-1, 1, size)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    picture = skin * (1 + 0.06 * _clouds(random, size, 0.08)[..., None])
    picture = _paint_lesion(picture, lesion, x - random.normal(0, 0.10), y - random.normal(0, 0.10), random)
    for _ in range(random.poisson(hairiness)):
        picture *= 1 - 0.5 * _hair(x, y, random)[..., None]
    picture *= 1 - random.uniform(0.10, 0.35) * np.clip(x**2 + y**2 - 0.6, 0, 1)[..., None]
    light = random.uniform(0.9, 1.08) * (1 + random.normal(0, 0.02, 3))
    picture *= light * (np.array([0.97, 1.0, 1.07]) if tinted else 1.0)
    return np.clip(picture + random.normal(0, 0.02, picture.shape), 0, 1)


def _paint_lesion(
    picture: NDArray[np.float64],
    lesion: _Lesion,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    random: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the picture with the lesion at the origin of x and y, turned and mirrored at random."""
    distance = np.hypot(x, y)
    angle = (np.arctan2(y, x) + random.uniform(0, 2 * np.pi)) * random.choice([-1, 1])
    outline = np.full_like(x, lesion.radius * random.uniform(0.9, 1.12))
    for number, (amplitude, phase) in enumerate(lesion.waves, start=1):
        outline += lesion.radius * amplitude * np.cos(number * angle + phase)
    edge = 0.035 if lesion.diagnosis == "keratosis" else 0.075
    inside = 1 / (1 + np.exp(-(outline - distance) / edge))
    colour = _lesion_colour(lesion, distance, angle) * (1 + 0.12 * _clouds(random, len(x), 0.05)[..., None])
    return np.asarray(picture + inside[..., None] * (colour - picture))


def _lesion_colour(lesion: _Lesion, distance: NDArray[np.float64], angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the lesion's own colours and marks, the same in each view, shape (size, size, 3)."""
    own = np.random.default_rng(lesion.seed)
    is_keratosis = lesion.diagnosis == "keratosis"
    strength = _visible(lesion.malignancy)
    base = np.array([0.46, 0.29, 0.21]) * (1.06 - 0.20 * strength) * own.uniform(0.85, 1.15) + own.normal(0, 0.012, 3)
    colour = np.ones((*distance.shape, 3)) * base * (np.array([1.12, 1.12, 1.0]) if is_keratosis else 1.0)

    def add(mark: NDArray[np.float64], *, weight: float, farthest: float, width: float) -> None:
        nonlocal colour
        place, turn = own.uniform(0, farthest) * lesion.radius, own.uniform(0, 2 * np.pi)
        gap = distance**2 + place**2 - 2 * distance * place * np.cos(angle - turn)
        colour = colour + weight * np.exp(-gap / width**2)[..., None] * (mark - colour)

    for mark in _COLOURS:
        is_there = own.random() < 0.06 + 0.70 * strength
        add(mark, weight=0.8 * is_there, farthest=0.8, width=own.uniform(0.14, 0.30))
    for _ in range(own.poisson(6 if is_keratosis else 0.5)):
        add(_CYST, weight=0.5, farthest=0.85, width=0.05)
    return colour


def _visible(malignancy: float) -> float:
    """Return how far the signs of malignancy show, 0 to 1."""
    return float(1 / (1 + np.exp(-1.6 * malignancy)))


def _clouds(random: np.random.Generator, size: int, width: float) -> NDArray[np.float64]:
    """Return smooth noise of standard deviation 1, shape (size, size); width is a share of the side."""
    noise = gaussian_filter(random.normal(size=(size, size)), width * size, mode="wrap")
    return np.asarray(noise / noise.std())


def _hair(x: NDArray[np.float64], y: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    turn = random.uniform(0, np.pi)
    along, across = x * np.cos(turn) + y * np.sin(turn), -x * np.sin(turn) + y * np.cos(turn)
    bend = random.normal(0, 0.25) * along**2 + random.uniform(-0.9, 0.9)
    return np.asarray(np.exp(-((across - bend) ** 2) / (2 * 0.018**2)))


def _copies(images: Path, rows: list[dict[str, str]], random: np.random.Generator) -> list[dict[str, str]]:
    """Copy some images, exactly or altered; a third of the copies goes under another patient of the same diagnosis."""
    copies = []
    chosen = random.choice(np.arange(10, len(rows)), size=12, replace=False)
    for number, index in enumerate(chosen, start=1):
        original = rows[int(index)]
        others = [
            row for row in rows if row["diagnosis"] == original["diagnosis"] and row["patient"] != original["patient"]
        ]
        owner = others[int(random.integers(len(others)))] if number % 3 == 0 else original
        name = f"COPY_{number:02d}"
        source, target = images / f"{original['image']}.jpg", images / f"{name}.jpg"
        if number % 2:
            target.write_bytes(source.read_bytes())
        else:
            with Image.open(source) as picture:
                altered = np.asarray(picture.convert("RGB"), dtype=np.float64) / 255
            turned = np.rot90(altered, k=number // 2)
            _save(np.clip(turned * 1.06, 0, 1), target, quality=80)
        copies.append({**owner, "image": name})
    return copies


def _save(picture: NDArray[np.float64], path: Path, *, quality: int) -> None:
    Image.fromarray((picture * 255).astype(np.uint8)).save(path, quality=quality)
