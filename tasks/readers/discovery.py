"""From a request, or from a folder alone, to the one table that all else works on.

What the data are is looked for in this order, and the first that is there is taken:

1. the format that the request names (`reading.format`);
2. the table, or COCO file, that the request names: a table holds run-length masks, or a row for each box, or labels, and
   names files, or else patients, studies or series of DICOM files;
3. COCO files; 4. Pascal VOC files; 5. YOLO label files: in the folder, and beside one that is named `images`;
6. tables in the folder whose cells name the images: one that says what they show, or one for each split or folder, with what
   others tell of patients; where none names files, one that names patients or studies of DICOM files;
7. sub-folders named for classes, on the level that says it best (`folder_levels`);
8. masks only; 9. images about which nothing is said.

Splits and patients that only folders or lists of files say are added last. Mask images are told apart first and attached to
whatever was found; boxes and masks of formats 3 to 5 are attached to a table
of labels that is named, and take patients and attributes from one that is found. Last come the headers of DICOM files. Every decision is a sentence in `Manifest.notes`.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import LABEL
from tasks.domain.request import ColumnRoles, ReadingRules
from tasks.readers.class_folders import read_class_folders
from tasks.readers.dicom import with_dicom
from tasks.readers.dicom_keys import read_by_headers
from tasks.readers.folder import Folder, read_any, read_as, read_given_table, unlabelled
from tasks.readers.given_splits import with_split_folders
from tasks.readers.image_files import find_images
from tasks.readers.mask_contents import with_findings_of_masks
from tasks.readers.mask_images import find_masks, with_masks, without_masks
from tasks.readers.passed_over import with_files_passed_over
from tasks.readers.path_groups import with_patient_folders, without_patients_as_classes
from tasks.readers.split_lists import with_split_lists

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.domain.manifest import Manifest
    from tasks.domain.request import Request

_NO_ROLES, _NO_RULES = ColumnRoles(), ReadingRules()


def read_folder(
    images: Path, *, table: Path | None = None, roles: ColumnRoles = _NO_ROLES, reading: ReadingRules = _NO_RULES
) -> Manifest:
    """Return all images of a folder, with whatever the data say about them; that may be nothing.

    No picture is decoded here, but masks where they are all that is known; of DICOM files the headers are read.

    Args:
        images: The folder.
        table: Table or COCO file; None means: look for one.
        roles: Parts of columns, as far as they are known.
        reading: How the data are to be read where looking cannot tell.

    Raises:
        AmbiguousRequest: There is more than one way to read the data; the questions list them.
        DataUnusable: The folder holds no image, or table and folder cannot be used.
    """
    folder = _folder(images, roles, reading)
    return _completed(_read(folder, table) or unlabelled(folder), folder)


def read_manifest(request: Request) -> Manifest:
    """Return all images that a request points to, with what the data say about them, for training.

    Raises:
        AmbiguousRequest: The part of a column is unclear; the questions list the candidates.
        DataUnusable: Table or folder cannot be used, or say nothing to learn from; the message names file, row and field.
    """
    folder = dataclasses.replace(_folder(request.images, request.roles, request.reading), needs_labels=True)
    # Where nothing is found, the reader of folders of classes tells what is missing.
    read = _read(folder, request.table) or read_class_folders(request.images, folder.files, is_asked=False)
    manifest = _completed(read, folder)
    if manifest.boxes is not None and bool((manifest.boxes["problem"] == "").any()):
        return manifest
    labels = sorted(set(manifest.rows[LABEL]) - {""})
    if len(labels) < 2:
        found = f"all have the label {labels[0]!r}" if labels else "none can be used"
        example = f"; the first problem: {manifest.quarantined[0].reason}" if manifest.quarantined else ""
        problem = f"a model needs images of two labels or more, but of these {found}{example}"
        raise DataUnusable(problem, file=request.table or request.images, field=manifest.roles.label)
    return manifest


def _completed(read: Manifest, folder: Folder) -> Manifest:
    """Return what was read with what headers, folders and lists of files add."""
    manifest = with_dicom(read)
    if folder.reading.format is None:
        manifest = without_patients_as_classes(manifest)
    manifest = with_split_lists(with_patient_folders(manifest), folder.files)
    return with_files_passed_over(with_split_folders(manifest))


def _folder(images: Path, roles: ColumnRoles, reading: ReadingRules) -> Folder:
    everything = find_images(images)
    masks = find_masks(everything, reading.masks)
    return Folder(files=without_masks(everything, masks), roles=roles, reading=reading, masks=masks)


def _read(folder: Folder, table: Path | None) -> Manifest | None:
    """Return what is said about the images, None if nothing is."""
    asked = folder.reading.format
    manifest: Manifest | None = None
    if asked in {"mask_images", "unlabelled"}:
        pass
    elif table is not None:
        by_headers = read_by_headers(table, folder.files, folder.roles, folder.reading)
        manifest = by_headers or read_given_table(table, folder)
    else:
        manifest = read_any(folder) if asked is None else read_as(asked, folder)
    if folder.masks is None or asked == "unlabelled":
        return manifest
    if manifest is not None:
        return with_masks(manifest, folder.masks)
    only = dataclasses.replace(unlabelled(folder), kind="mask_images", notes=())
    return with_findings_of_masks(with_masks(only, folder.masks))
