"""One folder of images read as what it turns out to be; `discovery` says in which order that is tried."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.domain.errors import AmbiguousRequest, DataUnusable
from tasks.domain.manifest import UNLABELLED, with_notes
from tasks.readers.annotated_images import Annotated, manifest_of
from tasks.readers.chosen_tables import of_table, of_tables, say_nothing_of_labels, with_tables
from tasks.readers.class_folders import read_class_folders
from tasks.readers.coco import coco_files, read_coco
from tasks.readers.combining import roles_as_drawn, with_drawn
from tasks.readers.dicom_keys import read_by_headers
from tasks.readers.folder_levels import folder_levels, top_folders
from tasks.readers.folder_tables import LABELS, look_at, paths_of_tables, tables_of_folder, told
from tasks.readers.image_facts import read_facts, with_facts
from tasks.readers.labelled_table import read_labelled_table
from tasks.readers.named_images import NamedImages
from tasks.readers.path_groups import are_patients_or_parts
from tasks.readers.spelling import spelled_as_files
from tasks.readers.table import read_table
from tasks.readers.voc import read_voc, voc_files
from tasks.readers.yolo import read_yolo, yolo_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tasks.domain.manifest import Manifest
    from tasks.domain.request import ColumnRoles, ReadingRules
    from tasks.readers.folder_tables import TableOfImages
    from tasks.readers.image_files import ImageFiles
    from tasks.readers.mask_images import MaskFiles

_TABLES = ("table", "one_hot", "multi_label", "boxes_table", "rle")


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
        return with_notes(with_tables(drawn, tables, folder), *passed_over)
    are_classes = bool(folder_levels(folder.files.files).labels)
    if tables and not (are_classes and say_nothing_of_labels(tables, folder.roles)):
        return with_notes(_at_a_look(folder, lambda: of_tables(tables, folder)), *passed_over)
    if not tables and (by_headers := _by_headers(folder)) is not None:
        return by_headers
    if are_classes:
        return with_notes(_at_a_look(folder, lambda: _of_classes(tables, folder)), *passed_over)
    if faults and folder.needs_labels:
        raise faults[0]
    return with_notes(unlabelled(folder), *passed_over) if passed_over and not folder.needs_labels else None


def _at_a_look(folder: Folder, read: Callable[[], Manifest]) -> Manifest:
    """Return what is read; at a look, data that cannot be used are images of which nothing is known, and the reason is told.

    So are those of a table with several images in a row.
    """
    try:
        return read()
    except DataUnusable as error:
        if folder.needs_labels:
            raise
        return with_notes(unlabelled(folder), told(error))
    except AmbiguousRequest as error:
        if folder.needs_labels or any(question.field != "image" for question in error.questions):
            raise
        return with_notes(unlabelled(folder), *(question.text for question in error.questions))


def _of_classes(tables: list[TableOfImages], folder: Folder) -> Manifest:
    manifest = read_class_folders(folder.images, folder.files, is_asked=False)
    for seen in tables:
        manifest = with_facts(manifest, read_facts(seen.table, folder.files, folder.roles))
    return manifest


def _by_headers(folder: Folder) -> Manifest | None:
    """Return the manifest of a table that names patients or studies of DICOM files, None if there is none in the folder."""
    for path in paths_of_tables(folder.images):
        try:
            manifest = read_by_headers(path, folder.files, folder.roles, folder.reading)
        except DataUnusable:
            continue
        except AmbiguousRequest:
            if folder.needs_labels:
                raise
            continue
        if manifest is not None:
            return manifest
    return None


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
    table = spelled_as_files(table, folder.files, folder.roles.image)
    seen = look_at(table, folder.files, folder.roles, folder.reading.format)
    if seen is None:  # the reader of labels tells what the two sides look like
        return read_labelled_table(path, folder.images, folder.roles, folder.reading, files=folder.files, table=table)
    if seen.holds != LABELS:
        return of_table(seen, folder)
    drawn, faults = _annotations(folder)
    roles = None if drawn is None else roles_as_drawn(seen.table, folder.roles, drawn)
    manifest = of_table(seen, dataclasses.replace(folder, roles=roles or folder.roles))
    if manifest.boxes is not None:
        return manifest
    return with_notes(manifest if drawn is None else with_drawn(manifest, drawn), *map(told, faults))


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
