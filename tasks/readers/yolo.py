"""YOLO: one text file an image, a line a box, in shares of the picture; names and splits in data.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import BOXES
from tasks.readers.annotated_images import Annotated, Box, manifest_of, sizes_of_annotated
from tasks.readers.image_files import find_images
from tasks.readers.yolo_settings import YoloSettings, read_yolo_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tasks.domain.manifest import Manifest
    from tasks.readers.image_files import ImageFiles

_LARGEST_FILE_BYTES = 2**24
_ENOUGH_TO_TELL = 50
_CORNERS_OF_A_BOX = 4
_ROUNDING = 1e-6


def yolo_files(images: Path, files: ImageFiles) -> dict[str, Path]:
    """Return the label file of each image that has one, if they are written as YOLO does; nothing otherwise.

    A label file has the name of the image with the suffix .txt, and lies beside it or where `labels` stands in place of
    `images` in its path.
    """
    found = {file: path for file in files.files if (path := _label_file(images, file)) is not None}
    lines = [line for path in list(found.values())[:_ENOUGH_TO_TELL] for line in _first_lines(path)]
    fit = sum(_is_box(line) for line in lines)
    if not found or (lines and fit < len(lines) / 2):
        return {}
    return found if lines or read_yolo_settings(images) is not None else {}


def read_yolo(images: Path, files: ImageFiles | None = None) -> Manifest:
    """Return the manifest of YOLO label files; an empty file means looked at and nothing found, a missing one nothing.

    Raises:
        DataUnusable: No image has a label file, or data.yaml cannot be used.
    """
    files = files or find_images(images)
    labels = {file: path for file in files.files if (path := _label_file(images, file)) is not None}
    if not labels:
        problem = "no image has a label file; it has the image's name with .txt, in a folder named labels or beside it"
        raise DataUnusable(problem, file=images)
    settings = read_yolo_settings(images) or YoloSettings()
    found = Annotated(kind="yolo", supervision=BOXES, looked_at=dict.fromkeys(labels, 0))
    found.names += settings.names.values()
    source = f", with the names of {settings.source}" if settings.source else "; nothing names their classes"
    found.notes.append(f"Found {len(labels)} YOLO label files{source}.")
    sizes = sizes_of_annotated(found, images)
    polygons = sum(_read_file(path, file, settings, found, sizes) for file, path in labels.items())
    if polygons:
        found.notes.append(f"{polygons} polygons were turned into the boxes around them.")
    found.splits = {file: split for file in files.files if (split := settings.split_of(file))}
    if len(set(found.splits.values())) < 2:
        found.splits = {}
    return manifest_of(found, files, sizes)


def _label_file(images: Path, file: str) -> Path | None:
    path = images / file
    beside = path.with_suffix(".txt")
    parts = beside.relative_to(images.parent).parts
    places = [beside]
    for number, part in enumerate(parts[:-1]):
        if part.lower() == "images":
            places.append(images.parent.joinpath(*parts[:number], "labels", *parts[number + 1 :]))
    places.append(path.parent / "labels" / beside.name)
    return next((place for place in reversed(places) if place.is_file()), None)


def _first_lines(path: Path) -> list[str]:
    with path.open(encoding="utf-8", errors="replace") as file:
        return [line for line in file.read(2000).splitlines()[:3] if line.strip()]


def _is_box(line: str) -> bool:
    words = line.split()
    numbers = _numbers(words)
    return (
        len(words) > _CORNERS_OF_A_BOX
        and numbers is not None
        and numbers[0] == int(numbers[0])
        and max(numbers[1:5]) <= 2
    )


def _numbers(words: list[str]) -> list[float] | None:
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        return None
    return numbers if all(abs(number) < 1e9 for number in numbers) else None


def _read_file(
    path: Path, file: str, settings: YoloSettings, found: Annotated, sizes: Mapping[str, tuple[int, int]]
) -> int:
    """Add the boxes of one image, and return how many were polygons."""
    if path.stat().st_size > _LARGEST_FILE_BYTES:
        found.set_aside(path.name, 0, "the label file is too large for one image")
        found.doubtful.add(file)
        return 0
    polygons = 0
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        if not line.strip():
            continue
        label, shares, problem = _parse(line.split(), settings)
        if problem:
            found.set_aside(path.name, number, problem)
            found.doubtful.add(file)
            continue
        polygons += len(shares) > _CORNERS_OF_A_BOX
        size = sizes.get(file)
        unknown = "" if size else "the size of the picture cannot be read"
        corners = _corners(shares, size or (1, 1))
        outside = any(share < -_ROUNDING or share > 1 + _ROUNDING for share in shares)
        problem = unknown or ("a coordinate is no share of the picture, 0 to 1" if outside else "")
        found.boxes.append(Box(file=file, label=label, corners=corners, row=number, problem=problem))
    return polygons


def _parse(words: list[str], settings: YoloSettings) -> tuple[str, list[float], str]:
    """Return name, coordinates and problem of a line."""
    numbers = _numbers(words)
    if numbers is None:
        return "", [], "the line holds something else than numbers"
    shares = numbers[1:]
    if settings.keypoint_numbers and len(shares) == _CORNERS_OF_A_BOX + settings.keypoint_numbers:
        shares = shares[:_CORNERS_OF_A_BOX]
    if len(shares) != _CORNERS_OF_A_BOX and (len(shares) < 6 or len(shares) % 2):
        return "", [], f"the line has {len(words)} numbers; a box has 5, a polygon 7 or more, an odd number"
    number = numbers[0]
    if number < 0 or number != int(number):
        return "", [], f"{words[0]:.20} is no number of a class"
    if settings.names and int(number) not in settings.names:
        return "", [], f"class {int(number)} is not among the {len(settings.names)} names of {settings.source}"
    return settings.names.get(int(number), f"class {int(number)}"), shares, ""


def _corners(shares: list[float], size: tuple[int, int]) -> tuple[float, float, float, float]:
    width, height = size
    if len(shares) == _CORNERS_OF_A_BOX:
        x, y, wide, tall = shares
        return (x - wide / 2) * width, (y - tall / 2) * height, (x + wide / 2) * width, (y + tall / 2) * height
    across, down = shares[::2], shares[1::2]
    return min(across) * width, min(down) * height, max(across) * width, max(down) * height
