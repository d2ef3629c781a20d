"""COCO annotation files: boxes, polygons and masks of many images in one JSON."""

from __future__ import annotations

import dataclasses
import json
import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import BOXES, IMAGE_LABEL, MASK
from tasks.domain.request import ColumnRoles
from tasks.readers import column_names
from tasks.readers.annotated_images import Annotated, Box, Mask, manifest_of, sizes_of_annotated, wrong_size
from tasks.readers.coco_masks import runs_of
from tasks.readers.given_splits import split_in_name
from tasks.readers.image_files import find_images
from tasks.readers.paths import files_below, leaves_folder, places_of_annotations
from tasks.readers.run_length import bounds

if TYPE_CHECKING:
    from tasks.domain.manifest import Manifest
    from tasks.readers.image_files import ImageFiles

_MARKS = (b'"annotations"', b'"categories"')
_HEAD_BYTES = 2**16
_LISTS = ("images", "annotations", "categories")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """One file and where its numbers lead to."""

    path: Path
    split: str
    images: list[dict[str, object]]
    annotations: list[dict[str, object]]
    categories: list[dict[str, object]]
    file_of: dict[int, str] = field(default_factory=dict)
    """File by image id; filled while reading."""
    name_of: dict[int, str] = field(default_factory=dict)
    """Name by category id."""


def coco_files(folder: Path) -> list[Path]:
    """Return the JSON files of a folder, and beside it, that speak of annotations by their beginning or end."""
    paths = [path for place in places_of_annotations(folder) for path in files_below(place, {".json"})]
    return [path for path in paths if may_be_coco(path)]


def may_be_coco(path: Path) -> bool:
    """Return whether a JSON file speaks of images and annotations by its beginning or end."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            file.seek(max(0, path.stat().st_size - _HEAD_BYTES))
            ends = head + file.read()
    except OSError:
        return False
    return head.lstrip()[:1] == b"{" and b'"images"' in ends and any(mark in ends for mark in _MARKS)


def read_coco(paths: list[Path], images: Path, files: ImageFiles | None = None) -> Manifest:
    """Return the manifest of one or several COCO files over one folder of images.

    An image that a file lists without annotations was looked at; one that no file lists was not, and neither were those of a
    file that holds no annotation at all, as they are handed out for the test sets of challenges.

    Raises:
        DataUnusable: No file is COCO, or none of the listed images is in the folder.
    """
    files = files or find_images(images)
    found = Annotated(kind="coco", supervision=BOXES)
    sources: list[_Source] = []
    for path in paths:
        try:
            sources.append(_open(path))
        except DataUnusable as error:
            if len(paths) == 1:
                raise
            found.set_aside(path.name, 0, str(error))
    if not sources:
        raise DataUnusable("none of these files is COCO", file=paths[0] if paths else images)
    if len({source.split for source in sources}) < 2:
        sources = [dataclasses.replace(source, split="") for source in sources]
    for source in sources:
        _read_categories(source, found)
        _read_images(source, files, found)
    if not any(source.file_of for source in sources):
        example = found.quarantined[0] if found.quarantined else None
        shown = f"; the first: {example.file!r}: {example.reason}" if example else ""
        raise DataUnusable(f"none of its images is in the folder of images{shown}", file=sources[0].path)
    sizes = sizes_of_annotated(found, images)
    kinds: set[str] = set()
    for source in sources:
        kinds |= _read_annotations(source, found, sizes)
    found.supervision = next((kind for kind in (BOXES, MASK) if kind in kinds), IMAGE_LABEL)
    listed = ", ".join(source.path.name for source in sources)
    found.notes.append(f"Found {'a COCO file' if len(sources) == 1 else 'COCO files'}: {listed}.")
    return manifest_of(found, files, sizes)


def _open(path: Path) -> _Source:
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise DataUnusable(f"the file cannot be opened: {error.strerror}", file=path) from error
    except (ValueError, RecursionError) as error:
        raise DataUnusable(f"this is not JSON: {error}", file=path) from error
    if not isinstance(content, dict) or not all(isinstance(content.get(name, []), list) for name in _LISTS):
        raise DataUnusable("this is not COCO: it needs lists named images, annotations and categories", file=path)
    if not content.get("images"):
        raise DataUnusable("this is not COCO: it lists no images", file=path, field="images")
    listed, annotations, categories = (
        [entry for entry in content.get(name, []) if isinstance(entry, dict)] for name in _LISTS
    )
    if annotations and not any("category_id" in entry or "bbox" in entry for entry in annotations):
        raise DataUnusable("its annotations name no category and no box", file=path, field="annotations")
    return _Source(path=path, split=_split_of(path), images=listed, annotations=annotations, categories=categories)


def _split_of(path: Path) -> str:
    """Return the split that the name of the file, or else of its folder, speaks of."""
    return split_in_name(path.stem) or split_in_name(path.parent.name)


def _read_categories(source: _Source, found: Annotated) -> None:
    for entry in source.categories:
        key, name = entry.get("id"), entry.get("name")
        if isinstance(key, int) and isinstance(name, str) and name.strip():
            source.name_of[key] = name.strip()
    # Roboflow lists the group of all categories as a category too, of which nothing is ever drawn.
    parents = {str(entry.get("supercategory")) for entry in source.categories}
    used = {_key(entry.get("category_id")) for entry in source.annotations}
    lone = len(source.name_of) == 1
    found.names += [name for key, name in source.name_of.items() if lone or key in used or name not in parents]


def _read_images(source: _Source, files: ImageFiles, found: Annotated) -> None:
    group = next((key for entry in source.images for key in entry if column_names.is_group(key)), None)
    if group:
        found.roles = ColumnRoles(group=group)
    names = Counter(PurePosixPath(str(entry.get("file_name"))).name for entry in source.images)
    for number, entry in enumerate(source.images, start=1):
        key, named = entry.get("id"), entry.get("file_name")
        if not isinstance(key, int) or not isinstance(named, str):
            found.set_aside(source.path.name, number, "an image without id or file_name")
            continue
        file, problem = _meant(named, source, files, is_only_one=names[PurePosixPath(named).name] == 1)
        if problem:
            found.set_aside(named, number, problem)
            continue
        if source.file_of.setdefault(key, file) != file:
            found.set_aside(file, number, f"two images have the id {key}")
            found.excluded |= {file, source.file_of[key]}
        if found.splits.setdefault(file, source.split) != source.split:
            found.set_aside(file, number, f"is listed for {found.splits[file]} and for {source.split or 'no split'}")
            found.excluded.add(file)
        if source.annotations:
            found.looked_at.setdefault(file, number)
        width, height = entry.get("width"), entry.get("height")
        if isinstance(width, int) and isinstance(height, int):
            found.stated_sizes[file] = (width, height)
        if group and isinstance(entry.get(group), str | int):
            found.groups[file] = str(entry[group])


def _meant(named: str, source: _Source, files: ImageFiles, *, is_only_one: bool) -> tuple[str, str]:
    """Return the file that an entry names, or else why there is none."""
    if leaves_folder(named):
        return "", "the name leads out of the folder of images"
    meant = files.meant_by(named)
    if not meant and is_only_one:  # the images were moved out of the folders that the file names
        meant = tuple(file for file in files.meant_by(PurePosixPath(named).name) if _is_near(file, source, files))
    if len(meant) > 1:
        meant = tuple(file for file in meant if _is_near(file, source, files)) or meant
    if len(meant) > 1 and source.split:
        own = [
            file
            for file in meant
            if any(split_in_name(part) == source.split for part in PurePosixPath(file).parts[:-1])
        ]
        meant = tuple(own) or meant
    if len(meant) == 1:
        return meant[0], ""
    return "", f"several files could be meant: {', '.join(meant[:3])}" if meant else "no such image file"


def _is_near(file: str, source: _Source, files: ImageFiles) -> bool:
    """Return whether an image lies beside or below the annotation file."""
    return (files.folder / file).is_relative_to(source.path.parent)


def _read_annotations(source: _Source, found: Annotated, sizes: dict[str, tuple[int, int]]) -> set[str]:
    """Return what kinds of supervision there are: boxes, masks, or labels of whole images."""
    kinds: set[str] = set()
    missing = around = 0
    if not source.annotations:
        found.notes.append(f"{source.path.name} holds no annotation; its images are not taken for looked at.")
    for number, entry in enumerate(source.annotations, start=1):
        file = source.file_of.get(_key(entry.get("image_id")))
        if file is None:
            missing += 1
            continue
        key = _key(entry.get("category_id"))
        label = source.name_of.get(key) or (f"category {key}" if key >= 0 and not source.name_of else None)
        if label is None:
            reason = f"annotation {number} is of category {entry.get('category_id')!r:.40}, which is not listed"
            found.set_aside(source.path.name, number, reason)
            found.doubtful.add(file)
            continue
        own = _read_drawn(entry, (file, label, number), found, sizes)
        around += own == {MASK, BOXES} and not entry.get("bbox")
        kinds |= own
    if around:
        found.notes.append(
            f"{around} annotations of {source.path.name} have a mask but no box; the box around it was taken."
        )
    if missing:
        found.notes.append(f"{missing} annotations of {source.path.name} are of images that are not here.")
    return kinds


def _read_drawn(
    entry: dict[str, object], of: tuple[str, str, int], found: Annotated, sizes: dict[str, tuple[int, int]]
) -> set[str]:
    """Add the mask and the box of an annotation, the box around the mask if it brings none, and return what there was."""
    file, label, number = of
    shape, box = entry.get("segmentation"), entry.get("bbox")
    if not shape and not box:
        found.present.add((file, label))
        return {IMAGE_LABEL}
    if box:
        found.boxes.append(_box(box, file, label, number))
    if not shape:
        return {BOXES}
    mask, corners = _mask(shape, of, found, sizes)
    found.masks.append(mask)
    if corners is not None and not box:
        found.boxes.append(Box(file=file, label=label, corners=corners, row=number))
    return {MASK, BOXES} if box or corners is not None else {MASK}


def _mask(
    shape: object, of: tuple[str, str, int], found: Annotated, sizes: dict[str, tuple[int, int]]
) -> tuple[Mask, tuple[float, float, float, float] | None]:
    """Return a mask, and the corners of the box around it, None if it is empty or cannot be used."""
    file, label, number = of
    size = sizes.get(file) or found.stated_sizes.get(file)
    problem, runs, corners = wrong_size(found, file, sizes), "", None
    try:
        runs = runs_of(shape, size) if not problem else ""
        corners = bounds(runs, height=size[1]) if size else None
    except ValueError as error:
        problem = str(error)
    return Mask(file=file, label=label, runs=runs, row=number, problem=problem), corners


def _box(box: object, file: str, label: str, number: int) -> Box:
    numbers = box if isinstance(box, list) and len(box) == 4 else [math.nan] * 4
    left, top, width, height = (
        float(value) if isinstance(value, int | float) and abs(value) < 1e9 else math.nan for value in numbers
    )
    return Box(file=file, label=label, corners=(left, top, left + width, top + height), row=number)


def _key(value: object) -> int:
    return value if isinstance(value, int) else -1
