"""A first look at the data: what is there, what is wrong with it, and what a test on it will be able to show."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

import numpy as np

from tasks import hazards
from tasks.attributes import examine
from tasks.decoding import decode_all
from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import (
    DUPLICATES,
    FILE,
    GROUP,
    HEIGHT,
    LABEL,
    PIXELS,
    ROW,
    SPLIT,
    TEST,
    WIDTH,
    Manifest,
    Quarantined,
)
from tasks.domain.profile import Forecast, LabelCount, Profile
from tasks.duplicates import find_duplicates
from tasks.forecasting import auc_half_width, detectable_difference

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

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
    manifest, hashes = _decoded(manifest, workers)
    rows = manifest.rows
    duplicates = find_duplicates(rows[PIXELS].tolist(), hashes)
    rows[DUPLICATES] = duplicates.sets
    has_groups = manifest.roles.group is not None
    unit = _unit(manifest.roles.group)
    labels = _label_counts(rows)
    forecasts = tuple(_forecast(rows, label, test_fraction) for label in labels)
    attributes, about_attributes = examine(rows)
    dangers = [
        *hazards.of_splits(rows, duplicates),
        *hazards.of_conflicts(rows, duplicates, manifest.roles.group, unit),
        *about_attributes,
        *([] if has_groups else hazards.of_missing_groups()),
        *hazards.of_duplicates(rows, duplicates, unit),
        *hazards.of_labels(labels, forecasts, unit),
        *hazards.of_files(manifest.quarantined, len(rows)),
    ]
    exact = duplicates.exact[duplicates.exact >= 0]
    given = rows.loc[rows[SPLIT] != "", SPLIT].value_counts()
    profile = Profile(
        kind=manifest.kind,
        roles=manifest.roles,
        n_images=len(rows),
        n_groups=rows[GROUP].nunique(),
        has_groups=has_groups,
        labels=labels,
        attributes=attributes,
        quarantined=manifest.quarantined,
        width_median=int(rows[WIDTH].median()),
        height_median=int(rows[HEIGHT].median()),
        exact_duplicate_sets=len(np.unique(exact)),
        exact_duplicate_images=len(exact),
        near_duplicate_pairs=len(duplicates.near),
        conflicting_duplicate_sets=hazards.conflicting_sets(rows, duplicates),
        conflicting_groups=hazards.conflicting_groups(rows),
        given_splits=tuple((str(name), int(count)) for name, count in given.items()),
        hazards=tuple(sorted(dangers, key=lambda hazard: _SEVERITIES.index(hazard.severity))),
        forecasts=forecasts,
        seconds=time.perf_counter() - start,
    )
    return manifest, profile


def _decoded(manifest: Manifest, workers: int | None) -> tuple[Manifest, NDArray[np.uint64]]:
    """Return the manifest of the readable images with what decoding showed, and their perceptual hashes."""
    rows = manifest.rows
    looks = decode_all(manifest.images, rows[FILE].tolist(), workers=workers)
    unreadable = [
        Quarantined(file=file, row=int(row), reason=look.problem)
        for file, row, look in zip(rows[FILE], rows[ROW], looks, strict=True)
        if look.problem
    ]
    good = [look for look in looks if not look.problem]
    if not good:
        raise DataUnusable(
            f"none of the {len(looks)} images can be used; the first {looks[0].problem}", file=rows[FILE].iloc[0]
        )
    kept = rows[[not look.problem for look in looks]].reset_index(drop=True)
    if kept[LABEL].nunique() < 2:
        raise DataUnusable(f"all images that can be read have the label {kept[LABEL].iloc[0]!r}", file=manifest.images)
    kept[PIXELS] = [look.pixels for look in good]
    kept[WIDTH] = [look.width for look in good]
    kept[HEIGHT] = [look.height for look in good]
    quarantined = (*manifest.quarantined, *unreadable)
    return dataclasses.replace(manifest, rows=kept, quarantined=quarantined), np.stack([look.hashes for look in good])


def _unit(group_column: str | None) -> str:
    """Return what to call a group to a clinician."""
    if group_column is None:
        return "image"
    return "lesion" if "lesion" in group_column.lower() else "patient"


def _label_counts(rows: pd.DataFrame) -> tuple[LabelCount, ...]:
    counts = rows[LABEL].value_counts()
    return tuple(
        LabelCount(label=str(label), images=int(count), groups=rows.loc[rows[LABEL] == label, GROUP].nunique())
        for label, count in counts.items()
    )


def _forecast(rows: pd.DataFrame, label: LabelCount, test_fraction: float) -> Forecast:
    """Return what the test can show about a label; patients or lesions are counted, for images of one are not independent."""
    given = rows[rows[SPLIT] == TEST]
    source, fraction = (given, 1.0) if len(given) else (rows, test_fraction)
    own = source[source[LABEL] == label.label]
    groups = round(own[GROUP].nunique() * fraction)
    others = round(source.loc[source[LABEL] != label.label, GROUP].nunique() * fraction)
    return Forecast(
        label=label.label,
        test_images=round(len(own) * fraction),
        test_groups=groups,
        auc_half_width=auc_half_width(groups, others),
        detectable_difference=detectable_difference(groups, others),
    )
