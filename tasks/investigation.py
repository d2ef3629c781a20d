"""A first look at the data: what is there, what is wrong with it, and what a test on it will be able to show."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks import personal_data
from tasks.attributes import examine
from tasks.decoding import decode_all
from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import (
    ATTRIBUTE,
    DUPLICATES,
    FILE,
    FINDING,
    FRAME,
    GROUP,
    HEIGHT,
    IMAGE_ID,
    IMAGE_LABEL,
    LABEL,
    PIXELS,
    ROW,
    SPLIT,
    SUPERVISION,
    UNLABELLED,
    WIDTH,
    Manifest,
    Quarantined,
)
from tasks.domain.profile import Finding, LabelCount, Profile, SupervisionCount
from tasks.duplicates import find_duplicates
from tasks.forecasting import forecast
from tasks.hazards import copies, coverage, pictures, supervision
from tasks.hazards.catalogue import hazards_of
from tasks.hazards.evidence import Evidence
from tasks.readers.agreement import Agreement, agreement
from tasks.readers.boxes import box_facts, check_boxes
from tasks.readers.run_length_table import check_masks
from tasks.targets import targets_of

if TYPE_CHECKING:
    from tasks.decoding import Decoded
    from tasks.personal_data import Suspicion
    from tasks.targets import Target

_SEVERITIES = ("block", "ask", "warn", "report")


def investigate(
    manifest: Manifest, *, test_fraction: float = 0.15, workers: int | None = None
) -> tuple[Manifest, Profile]:
    """Decode every image once and describe the data.

    Args:
        manifest: Images as the readers found them.
        test_fraction: Planned share of the test, where the data bring none; for the forecasts.
        workers: Processes for decoding; None means one a processor.

    Returns:
        The manifest without the images that cannot be used and with pixels, width, height and duplicate set, and the
        profile.

    Raises:
        DataUnusable: No image can be read, or those that can have one label only.
    """
    start = time.perf_counter()
    manifest, looks = _decoded(_completed(manifest), workers)
    rows = manifest.rows
    duplicates = find_duplicates(rows[PIXELS].tolist(), np.stack([look.hashes for look in looks]))
    rows[DUPLICATES] = duplicates.sets
    targets = targets_of(manifest)
    suspicions = _suspicions(manifest)
    columns = _attribute_columns(rows, hidden={item.where for item in suspicions})
    attributes, about_columns = examine(columns, targets, pd.factorize(rows[GROUP])[0])
    evidence = Evidence(
        manifest=manifest,
        targets=targets,
        duplicates=duplicates,
        columns=columns,
        attributes=attributes,
        thumbnails=np.stack([look.thumbnail for look in looks]),
        borders=np.stack([look.border for look in looks]),
        test_fraction=test_fraction,
    )
    labels = tuple(_label_count(target, evidence) for target in targets)
    forecasts = tuple(forecast(target, evidence.groups, evidence.share_in_test) for target in targets)
    boxes = box_facts(manifest)
    read = Agreement(annotators=(), disagreement=float("nan"))
    if manifest.readings is not None:
        read = agreement(manifest.readings)
    dangers = [
        *hazards_of(evidence, labels, forecasts, suspicions),
        *supervision.of_boxes(evidence, boxes),
        *supervision.of_readings(manifest.readings, read),
        *about_columns,
    ]
    profile = Profile(
        kind=manifest.kind,
        roles=manifest.roles,
        n_images=len(rows),
        n_groups=rows[GROUP].nunique(),
        has_groups=evidence.has_groups,
        labels=labels,
        attributes=attributes,
        quarantined=manifest.quarantined,
        width_median=int(rows[WIDTH].median()),
        height_median=int(rows[HEIGHT].median()),
        exact_duplicate_sets=len(np.unique(duplicates.exact[duplicates.exact >= 0])),
        exact_duplicate_images=int((duplicates.exact >= 0).sum()),
        near_duplicate_pairs=len(duplicates.near),
        conflicting_duplicate_sets=len(copies.conflicting_sets(targets, duplicates)),
        conflicting_groups=len(copies.conflicting_groups(targets, evidence.groups)) if not manifest.findings else 0,
        given_splits=_counts(rows.loc[rows[SPLIT] != "", SPLIT]),
        hazards=tuple(sorted(dangers, key=lambda hazard: _SEVERITIES.index(hazard.severity))),
        forecasts=forecasts,
        seconds=time.perf_counter() - start,
        findings=tuple(_finding(rows, name) for name in manifest.findings),
        supervision=tuple(SupervisionCount(kind=kind, images=number) for kind, number in _counts(rows[SUPERVISION])),
        boxes=boxes,
        annotators=read.annotators,
        disagreement=read.disagreement,
        notes=manifest.notes,
        masked_images=_masked(manifest),
        picture_probes=pictures.probes_of(evidence),
        checks=coverage.checks_of(evidence, dangers),
    )
    return manifest, profile


def _completed(manifest: Manifest) -> Manifest:
    """Return the manifest with the columns that readers of older data do not fill."""
    rows = manifest.rows
    if FRAME not in rows:
        rows = rows.assign(**{FRAME: -1})
    if SUPERVISION not in rows:
        rows = rows.assign(**{SUPERVISION: np.where(rows[LABEL] == "", UNLABELLED, IMAGE_LABEL)})
    return dataclasses.replace(manifest, rows=rows)


def _decoded(manifest: Manifest, workers: int | None) -> tuple[Manifest, list[Decoded]]:
    """Return the manifest of the readable images with what decoding showed."""
    rows = manifest.rows
    looks = decode_all(manifest.images, rows[FILE].tolist(), frames=rows[FRAME].tolist(), workers=workers)
    unreadable = [
        Quarantined(file=file, row=int(row), reason=look.problem)
        for file, row, look in zip(rows[FILE], rows[ROW], looks, strict=True)
        if look.problem
    ]
    good = [look for look in looks if not look.problem]
    if not good:
        first = f"; the first {looks[0].problem}" if looks else ""
        raise DataUnusable(
            f"none of the {len(looks)} images can be used{first}", file=rows[FILE].iloc[0] if looks else manifest.images
        )
    kept = rows[[not look.problem for look in looks]].reset_index(drop=True)
    known = kept.loc[kept[LABEL] != "", LABEL]
    drawn = manifest.findings or manifest.boxes is not None or manifest.masks is not None
    if not drawn and len(set(known)) == 1:
        raise DataUnusable(f"all images that can be read have the label {known.iloc[0]!r}", file=manifest.images)
    kept[PIXELS] = [look.pixels for look in good]
    kept[WIDTH] = [look.width for look in good]
    kept[HEIGHT] = [look.height for look in good]
    boxes = None if manifest.boxes is None else check_boxes(manifest.boxes, kept)
    masks = None if manifest.masks is None else check_masks(manifest.masks, kept)
    quarantined = (*manifest.quarantined, *unreadable)
    return dataclasses.replace(manifest, rows=kept, boxes=boxes, masks=masks, quarantined=quarantined), good


def _attribute_columns(rows: pd.DataFrame, hidden: set[str] | frozenset[str] = frozenset()) -> dict[str, pd.Series]:
    names = [str(name).removeprefix(ATTRIBUTE) for name in rows.columns if str(name).startswith(ATTRIBUTE)]
    return {name: rows[ATTRIBUTE + name] for name in names if name not in hidden}


def _suspicions(manifest: Manifest) -> tuple[Suspicion, ...]:
    """Return what may say who somebody is, in attributes, in the column of patients and in the names of files."""
    columns = _attribute_columns(manifest.rows)
    group = manifest.roles.group
    if group is not None:
        columns[group] = manifest.rows[GROUP]
    return (*personal_data.in_columns(columns), *personal_data.in_file_names(manifest.rows[FILE].tolist()))


def _label_count(target: Target, evidence: Evidence) -> LabelCount:
    images = target.present
    return LabelCount(label=target.name, images=int(images.sum()), groups=len(np.unique(evidence.groups[images])))


def _finding(rows: pd.DataFrame, name: str) -> Finding:
    values = rows[FINDING + name]
    return Finding(
        name=name,
        present=int((values == 1).sum()),
        absent=int((values == 0).sum()),
        uncertain=int((values == -1).sum()),
        unknown=int(values.isna().sum()),
    )


def _masked(manifest: Manifest) -> int:
    masks = manifest.masks
    if masks is None:
        return 0
    return len(set(masks.loc[masks["problem"] == "", "image_id"]) & set(manifest.rows[IMAGE_ID]))


def _counts(values: pd.Series[str]) -> tuple[tuple[str, int], ...]:
    """Return how often each value occurs, most frequent first."""
    return tuple((str(value), int(number)) for value, number in values.value_counts().items())
