"""Patients, splits and attributes from a table that says nothing of what the images show."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from tasks.domain.manifest import ATTRIBUTE, GROUP, IMAGE_ID, SPLIT, UNLABELLED, Manifest
from tasks.readers.annotated_images import Annotated, manifest_of
from tasks.readers.drawn_rows import read_rows_of_images

if TYPE_CHECKING:
    from tasks.domain.request import ColumnRoles
    from tasks.readers.image_files import ImageFiles
    from tasks.readers.table import Table


def read_facts(table: Table, files: ImageFiles, given: ColumnRoles) -> Manifest:
    """Return all images, unlabelled, with patient, split and attributes from a table.

    Raises:
        AmbiguousRequest: Several columns could hold the image or the patient.
        DataUnusable: No column names images.
    """
    found = Annotated(kind="unlabelled", supervision=UNLABELLED)
    found.roles = read_rows_of_images(table, (), files, given, found, label=None).roles
    held = [found.roles.group, found.roles.split, *found.roles.attributes]
    listed = ", ".join(name for name in held if name)
    found.notes.append(
        f"{table.path.name} says of {len(found.looked_at)} images: {listed or 'nothing that can be used'}."
    )
    return manifest_of(found, files, {})


def with_facts(manifest: Manifest, facts: Manifest) -> Manifest:
    """Return a manifest with patient, split and attributes of a second one where it has none of its own."""
    there = facts.rows.set_index(IMAGE_ID)
    rows = manifest.rows.copy()
    roles = dataclasses.replace(manifest.roles, image=manifest.roles.image or facts.roles.image)
    if not roles.group and facts.roles.group:
        rows[GROUP] = rows[IMAGE_ID].map(there[GROUP]).fillna(rows[GROUP])
        roles = dataclasses.replace(roles, group=facts.roles.group)
    if facts.roles.split and bool((rows[SPLIT] == "").all()):
        rows[SPLIT] = rows[IMAGE_ID].map(there[SPLIT]).fillna("").astype("str")
        roles = dataclasses.replace(roles, split=facts.roles.split)
    for name in facts.roles.attributes:
        if ATTRIBUTE + name not in rows:
            rows[ATTRIBUTE + name] = rows[IMAGE_ID].map(there[ATTRIBUTE + name])
            roles = dataclasses.replace(roles, attributes=(*roles.attributes, name))
    told = [note for note in facts.notes if "not annotated" not in note]
    return dataclasses.replace(
        manifest,
        rows=rows,
        roles=roles,
        quarantined=(*manifest.quarantined, *facts.quarantined),
        notes=(*manifest.notes, *told),
    )
