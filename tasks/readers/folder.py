"""One folder of images read as what it turns out to be; `discovery` says in which order that is tried."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.domain.errors import AmbiguousRequest, DataUnusable
from tasks.domain.manifest import TRAIN, UNLABELLED
from tasks.domain.spec import BLOCKING, Question
from tasks.readers import column_names
from tasks.readers.annotated_images import Annotated, manifest_of
from tasks.readers.boxes_table import read_boxes_table, with_boxes_of_rows
from tasks.readers.class_folders import read_class_folders
from tasks.readers.coco import coco_files, read_coco
from tasks.readers.combining import with_drawn
from tasks.readers.folder_levels import folder_levels, top_folders
from tasks.readers.folder_tables import BOXES, LABELS, RUNS, TableOfImages, fit_best, look_at, tables_of_folder, told
from tasks.readers.image_facts import read_facts, with_facts
from tasks.readers.labelled_table import read_labelled_table
from tasks.readers.named_images import NamedImages
from tasks.readers.path_groups import are_patients_or_parts
from tasks.readers.run_length_table import read_run_length_table
from tasks.readers.split_tables import joined, tables_by_split
from tasks.readers.table import read_table
from tasks.readers.voc import read_voc, voc_files
from tasks.readers.yolo import read_yolo, yolo_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tasks.domain.manifest import Manifest
    from tasks.domain.request import ColumnRoles, ReadingRules
    from tasks.readers.image_files import ImageFiles
    from tasks.readers.mask_images import MaskFiles

_TABLES = ("table", "one_hot", "multi_label", "boxes_table", "rle")
_NEARLY_ALL = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder of images and what the request says about it."""

    files: ImageFiles
    """Without the masks."""
    roles: ColumnRoles
    reading: ReadingRules
    masks: MaskFiles | None
    needs_labels: bool = False
    """Whether an unclear label must be asked for, not left open."""

    @property
    def images(self) -> Path:
        """The folder itself."""
        return self.files.folder


def read_any(folder: Folder) -> Manifest | None:
    """Return what the folder turns out to be, None if nothing in it says anything about the images."""
    drawn, faults = _annotations(folder)
    tables, passed_over = tables_of_folder(folder.images, folder.files, folder.roles)
    passed_over += [told(fault) for fault in faults]
    if drawn is not None:
        return _noted(_with_tables(drawn, tables, folder), *passed_over)
    if tables:
        manifest = _of_tables(tables, folder)
    elif folder_levels(folder.files.files).labels:
        try:
            manifest = read_class_folders(folder.images, folder.files, is_asked=False)
        except DataUnusable as error:
            if folder.needs_labels:
                raise
            manifest = _noted(unlabelled(folder), told(error))
    elif faults and folder.needs_labels:
        raise faults[0]
    else:
        return _noted(unlabelled(folder), *passed_over) if passed_over and not folder.needs_labels else None
    return _noted(manifest, *passed_over)


def _with_tables(drawn: Manifest, tables: list[TableOfImages], folder: Folder) -> Manifest:
    """Return annotated images with what a table of images says beside: labels, or patients, splits and attributes."""
    about = fit_best([seen for seen in tables if seen.holds == LABELS])
    manifest = drawn
    if len(about) == 1:
        labelled = _plainly_labelled(about[0], folder, len(drawn.rows))
        manifest = (
            with_drawn(labelled, drawn)
            if labelled is not None
            else with_facts(drawn, read_facts(about[0].table, folder.files, folder.roles))
        )
    left = [seen.table.path.name for seen in tables if len(about) != 1 or seen is not about[0]]
    return _noted(manifest, f"Not read: {', '.join(left)}; name one in the request to use it.") if left else manifest


def _plainly_labelled(seen: TableOfImages, folder: Folder, images: int) -> Manifest | None:
    """Return the labels of a table that nobody named: only if its columns say plainly that they are some, of nearly all."""
    try:
        found = read_labelled_table(seen.table.path, folder.images, folder.roles, folder.reading, files=folder.files)
    except (AmbiguousRequest, DataUnusable):
        return None
    label = found.roles.label
    is_plain = column_names.speaks_of_label(label) if label else bool(found.findings or found.roles.one_hot)
    return found if is_plain and len(found.rows) >= _NEARLY_ALL * images else None


def read_as(kind: str, folder: Folder) -> Manifest:
    """Return the folder read as the kind of manifest that the request names.

    Raises:
        DataUnusable: There is no such kind, or it is not in the folder.
    """
    if kind == "coco":
        return read_coco(_there(coco_files(folder.images), folder, "a COCO file"), folder.images, folder.files)
    if kind == "voc":
        return read_voc(_there(voc_files(folder.images), folder, "a Pascal VOC file"), folder.images, folder.files)
    if kind == "yolo":
        return read_yolo(folder.images, folder.files)
    if kind == "class_folders":
        return read_class_folders(folder.images, folder.files)
    if kind in _TABLES:
        tables, _ = tables_of_folder(folder.images, folder.files, folder.roles)
        return read_given_table(_there([seen.table.path for seen in tables], folder, "a table")[0], folder)
    known = ", ".join(("coco", "voc", "yolo", "class_folders", *_TABLES, "mask_images", "unlabelled"))
    raise DataUnusable(f"there is no format {kind!r}; formats are {known}", field="reading.format")


def _there(paths: list[Path], folder: Folder, what: str) -> list[Path]:
    if not paths:
        raise DataUnusable(
            f"{what} is asked for, but the folder holds none", file=folder.images, field="reading.format"
        )
    return paths


def read_given_table(path: Path, folder: Folder) -> Manifest:
    """Return the manifest of a table, or COCO file, that the request names.

    Raises:
        AmbiguousRequest: The part of a column is unclear.
        DataUnusable: The file cannot be used, or does not go with the folder.
    """
    if path.suffix.lower() == ".json" or folder.reading.format == "coco":
        return read_coco([path], folder.images, folder.files)
    table = read_table(path, names_image=NamedImages(folder.files).is_one)
    seen = look_at(table, folder.files, folder.roles, folder.reading.format)
    if seen is None:  # the reader of labels tells what the two sides look like
        return read_labelled_table(path, folder.images, folder.roles, folder.reading, files=folder.files)
    manifest = _of_table(seen, folder)
    if seen.holds != LABELS or manifest.boxes is not None:
        return manifest
    drawn, faults = _annotations(folder)
    manifest = manifest if drawn is None else with_drawn(manifest, drawn)
    return _noted(manifest, *map(told, faults))


def _annotations(folder: Folder) -> tuple[Manifest | None, list[DataUnusable]]:
    """Return what was drawn on the images, None if nothing was, and why files that look like annotations are none."""
    images, files = folder.images, folder.files
    faults: list[DataUnusable] = []
    ways: tuple[Callable[[], Manifest | None], ...] = (
        lambda: read_coco(paths, images, files) if (paths := coco_files(images)) else None,
        lambda: read_voc(paths, images, files) if (paths := voc_files(images)) else None,
        lambda: read_yolo(images, files) if yolo_files(images, files) else None,
    )
    for read in ways:
        try:
            manifest = read()
        except DataUnusable as error:
            faults.append(error)
            continue
        if manifest is not None:
            return manifest, faults
    return None, faults


def _of_tables(tables: list[TableOfImages], folder: Folder) -> Manifest:
    """Return the manifest of the table that fits best, with what a second one has drawn."""
    all_labels = [seen for seen in tables if seen.holds == LABELS]
    if by_split := tables_by_split(all_labels):
        return _of_splits(by_split, folder)
    labels = fit_best(all_labels or tables)
    if len(labels) > 1:
        names = tuple(seen.table.path.relative_to(folder.images).as_posix() for seen in labels)
        text = "Several tables name the images. Which one holds the labels?"
        raise AmbiguousRequest([Question(field="table", text=text, options=names, level=BLOCKING)])
    first = labels[0]
    manifest = _noted(
        _of_table(first, folder), f"Found the table {first.table.path.name}, which names {first.images} images."
    )
    drawn = [seen for seen in tables if seen.holds in {BOXES, RUNS} and seen is not first]
    if drawn and first.holds == LABELS and manifest.boxes is None:
        manifest = with_drawn(manifest, _of_table(drawn[0], folder))
    used = {id(first), *([id(drawn[0])] if drawn and first.holds == LABELS else [])}
    left = [seen.table.path.name for seen in tables if id(seen) not in used]
    return _noted(manifest, f"Not read: {', '.join(left)}; name one in the request to use it.") if left else manifest


def _of_splits(tables: dict[str, TableOfImages], folder: Folder) -> Manifest:
    """Return the manifest of one table a split; the parts of columns are those found in the one for training."""
    train = _of_table(tables[TRAIN], folder)
    alike = dataclasses.replace(folder, roles=dataclasses.replace(train.roles, boxes=folder.roles.boxes))
    others = {split: _of_table(seen, alike) for split, seen in tables.items() if split != TRAIN}
    return joined({TRAIN: train, **others})


def _of_table(seen: TableOfImages, folder: Folder) -> Manifest:
    if seen.holds == RUNS:
        return read_run_length_table(seen.table, seen.runs, folder.files, folder.roles, folder.reading.aggregation)
    if seen.holds == BOXES and seen.boxes is not None:
        return read_boxes_table(seen.table, seen.boxes, folder.files, folder.roles, folder.reading.aggregation)
    try:
        path = seen.table.path
        manifest = read_labelled_table(path, folder.images, folder.roles, folder.reading, files=folder.files)
    except AmbiguousRequest as error:
        if folder.needs_labels or any(question.field != "label" for question in error.questions):
            raise
        options = ", ".join(error.questions[0].options)
        manifest = read_facts(seen.table, folder.files, folder.roles)
        return _noted(
            manifest, f"Which column holds a label is not clear, so none is taken; it may be one of {options}."
        )
    return manifest if seen.boxes is None else with_boxes_of_rows(manifest, seen.table, seen.boxes)


def unlabelled(folder: Folder) -> Manifest:
    """Return the manifest of images about which nothing is said."""
    notes = [
        f"Nothing says what the {len(folder.files.files)} images show: no table, no annotations, no folders of classes."
    ]
    names = top_folders(folder.files.files)
    if len(names) > 1 and are_patients_or_parts(names):
        notes.append(
            f"Its {len(names):,} sub-folders are named like patients or numbered parts, so they are not taken for classes; if "
            "they are, ask for the format class_folders."
        )
    return manifest_of(Annotated(kind="unlabelled", supervision=UNLABELLED, notes=notes), folder.files, {})


def _noted(manifest: Manifest, *notes: str) -> Manifest:
    return dataclasses.replace(manifest, notes=(*manifest.notes, *notes))
