"""Pascal VOC: one XML file an image, with the splits as lists of names."""

from __future__ import annotations

import math
from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import BOXES
from tasks.readers.annotated_images import Annotated, Box, manifest_of, sizes_of_annotated
from tasks.readers.given_splits import split_of_word
from tasks.readers.image_files import find_images
from tasks.readers.paths import files_below, leaves_folder, places_of_annotations
from tasks.readers.safe_xml import read_xml

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from xml.etree.ElementTree import Element

    from tasks.domain.manifest import Manifest
    from tasks.readers.image_files import ImageFiles

_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_HEAD_BYTES = 4096


def voc_files(images: Path) -> list[Path]:
    """Return the XML files of a folder, and beside it, that hold annotations by their beginning."""
    paths = [path for place in places_of_annotations(images) for path in files_below(place, {".xml"})]
    return [path for path in dict.fromkeys(path.resolve() for path in paths) if _may_be_voc(path)]


def _may_be_voc(path: Path) -> bool:
    with path.open("rb") as file:
        return b"<annotation" in file.read(_HEAD_BYTES)


def read_voc(paths: Sequence[Path], images: Path, files: ImageFiles | None = None) -> Manifest:
    """Return the manifest of Pascal VOC annotations; an image without an XML file was not looked at.

    Coordinates stay as written: whether they count from 0 or from 1 differs between programs, and moves a box by a pixel.

    Raises:
        DataUnusable: No annotation goes with an image of the folder.
    """
    files = files or find_images(images)
    found = Annotated(kind="voc", supervision=BOXES)
    found.notes.append(f"Found {len(paths)} Pascal VOC annotation files.")
    difficult = 0
    for path in paths:
        try:
            root = read_xml(path)
        except (ValueError, OSError) as error:
            found.set_aside(path.name, 0, str(error))
            found.doubtful |= set(files.meant_by(path.stem))
            continue
        file, problem = _image(root, path, files)
        if problem:
            found.set_aside(path.name, 0, problem)
        elif file in found.looked_at:
            found.set_aside(path.name, 0, f"a second annotation file for {file}")
            found.doubtful.add(file)
        else:
            difficult += _read_objects(root, file, path.name, found)
    if not found.looked_at:
        first = f"; the first: {found.quarantined[0].reason}" if found.quarantined else ""
        raise DataUnusable(f"none of the {len(paths)} XML files goes with an image{first}", file=images)
    if difficult:
        found.notes.append(f"{difficult} boxes are marked as difficult; they are kept as boxes like others.")
    _read_splits(images, files, found)
    return manifest_of(found, files, sizes_of_annotated(found, images))


def _image(root: Element, path: Path, files: ImageFiles) -> tuple[str, str]:
    """Return the file of an annotation, by its own name or else the name that it states, or why there is none."""
    if root.tag != "annotation":
        return "", "this is no Pascal VOC annotation"
    stated = _text(root, "filename").replace("\\", "/")
    meant: tuple[str, ...] = ()
    for name in (path.stem, stated):
        if name and not leaves_folder(name) and not meant:
            meant = files.meant_by(name)
    if len(meant) > 1 and stated:
        meant = tuple(file for file in meant if PurePosixPath(file).name == PurePosixPath(stated).name) or meant
    if len(meant) > 1:
        near = path.parent.parent
        meant = tuple(file for file in meant if (files.folder / file).resolve().is_relative_to(near)) or meant
    if len(meant) == 1:
        return meant[0], ""
    return "", f"several files could be meant: {', '.join(meant[:3])}" if meant else "no such image file"


def _read_objects(root: Element, file: str, source: str, found: Annotated) -> int:
    """Add the boxes of an image, and return how many are marked as difficult."""
    found.looked_at[file] = 0
    width, height = (_number(root.find("size"), name) for name in ("width", "height"))
    if width > 0 and height > 0:
        found.stated_sizes[file] = (int(width), int(height))
    difficult = 0
    for number, item in enumerate(root.findall("object"), start=1):
        label = _text(item, "name")
        if not label:
            found.set_aside(source, number, f"object {number} has no name")
            found.doubtful.add(file)
            continue
        corners = [_number(item.find("bndbox"), name) for name in _CORNERS]
        found.boxes.append(
            Box(file=file, label=label, corners=(corners[0], corners[1], corners[2], corners[3]), row=number)
        )
        difficult += _text(item, "difficult") == "1"
    return difficult


def _text(element: Element | None, name: str) -> str:
    inner = None if element is None else element.find(name)
    return (inner.text or "").strip() if inner is not None else ""


def _number(element: Element | None, name: str) -> float:
    try:
        value = float(_text(element, name))
    except ValueError:
        return math.nan
    return value if abs(value) < 1e9 else math.nan


def _read_splits(images: Path, files: ImageFiles, found: Annotated) -> None:
    """Take the splits of `ImageSets/Main`; an image in two of them is none of the study's."""
    lists = [
        (split, path)
        for path in _of_main(path for place in places_of_annotations(images) for path in files_below(place, {".txt"}))
        if (split := split_of_word(path.stem)) is not None
    ]
    names: dict[str, set[str]] = defaultdict(set)
    for split, path in lists:
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.strip():
                names[line.split()[0]].add(split)
    if len({split for split, _ in lists}) < 2:
        return
    for name, splits in names.items():
        meant = () if leaves_folder(name) else files.meant_by(name)
        if len(meant) == 1 and len(splits) == 1:
            found.splits[meant[0]] = next(iter(splits))
        elif len(meant) == 1:
            found.set_aside(meant[0], 0, f"is listed for {' and for '.join(sorted(splits))}")
            found.excluded.add(meant[0])
    found.notes.append(f"Splits are given by {', '.join(path.name for _, path in lists)}.")


def _of_main(paths: Iterable[Path]) -> list[Path]:
    return [path for path in paths if path.parent.name == "Main" and path.parent.parent.name == "ImageSets"]
