"""From a request to the one table that all else works on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import LABEL
from tasks.readers.class_folders import read_class_folders
from tasks.readers.dicom import with_dicom
from tasks.readers.labelled_table import read_labelled_table

if TYPE_CHECKING:
    from tasks.domain.manifest import Manifest
    from tasks.domain.request import Request


def read_manifest(request: Request) -> Manifest:
    """Return all images that a request points to, with label, group, given split and attributes.

    No picture is decoded here; that is the investigation's part. Of DICOM files the headers are read.

    Raises:
        AmbiguousRequest: The part of a column is unclear; the questions list the candidates.
        DataUnusable: Table or folder cannot be used; the message names file, row and field.
    """
    if request.table is None:
        manifest = read_class_folders(request.images)
    else:
        manifest = read_labelled_table(request.table, request.images, request.roles)
    manifest = with_dicom(manifest)
    labels = manifest.rows[LABEL].unique()
    if len(labels) < 2:
        found = f"all have the label {labels[0]!r}" if len(labels) else "none can be used"
        example = f"; the first problem: {manifest.quarantined[0].reason}" if manifest.quarantined else ""
        problem = f"a model needs images of two labels or more, but of these {found}{example}"
        raise DataUnusable(problem, file=request.table or request.images, field=manifest.roles.label)
    return manifest
