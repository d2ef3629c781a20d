"""The profile that a benchmark row's `data_manifest` stands for: what the investigation would have found, as far as it is told.

Deterministic, and never raises for anything that JSON can hold. What a manifest leaves open is filled the same way each time:
images are shared evenly among classes, a fifth of the images show a finding, two images belong to one group. None of these
fillings is rare or extreme, so none of them gives a parser a reason to speak.
"""

from __future__ import annotations

import math
from dataclasses import replace

from label_facts import Draft, attribute, read_boxes, read_labels, read_masks
from label_words import (
    UNSTATED_SHARE,
    Column,
    fraction,
    read_column,
    whole_number,
)
from metadata_words import Metadata, read_metadata

from tasks.domain.manifest import TEST, TRAIN, VALIDATION
from tasks.domain.profile import (
    Annotator,
    Attribute,
    Forecast,
    LabelCount,
    Profile,
    SupervisionCount,
)
from tasks.domain.request import ColumnRoles
from tasks.forecasting import auc_half_width, detectable_difference

UNSTATED_IMAGES = 1000
DISAGREEMENT = 0.25
KAPPA = 0.6
TEST_SHARE = 0.15
IMAGES_A_GROUP = 2

_COUNT_KEYS = ("images", "n_images", "frames", "recordings", "ecgs", "films", "scans", "slides", "tiles", "patches", "videos", "studies", "echos", "n", "count", "size")  # fmt: skip
_GROUP_KEYS = ("patients", "subjects", "lesions", "infants", "groups")
_BOXES = {"boxes", "box", "bbox", "bboxes", "bounding_boxes", "bounding boxes"}
_POINTS = {"points", "point", "centre points", "center points", "dots"}
"""Marks of objects without a size; they say where something lies as boxes do."""
_MASKS = {"masks", "mask", "segmentation", "segmentations", "outlines", "contours"}
_KNOWN = {"labels", "label", "metadata", "split", "splits", "prevalence", "positives", "missing", *_COUNT_KEYS, *_GROUP_KEYS}  # fmt: skip


def profile_of(data_manifest: dict[str, object]) -> Profile:
    """Return the profile of the data that a benchmark row describes.

    Args:
        data_manifest: `images`, `labels`, `metadata`, `split`; other keys are read where they are understood (`positives`,
            `prevalence`, `missing`, `sites`, `patients`) and noted otherwise.
    """
    manifest = data_manifest if isinstance(data_manifest, dict) else {}
    draft = Draft(images=_images(manifest))
    metadata = read_metadata(manifest.get("metadata"))
    columns, boxes, masks = _columns(manifest)
    most = max((column.positives for column in columns), default=0)
    if most > draft.images:
        draft.notes.append(f"{most} positives among {draft.images} images cannot be; there are taken to be more images")
        draft.images = round(most / UNSTATED_SHARE)
    read_labels(draft, columns, metadata)
    read_boxes(draft, boxes)
    read_masks(draft, masks)
    if not draft.supervision and (draft.counts or draft.findings):
        draft.supervision["label"] = draft.images
    draft.notes += [
        f"The description of the data also says {key}: {manifest[key]}" for key in manifest if key not in _KNOWN
    ]
    draft.notes += [f"{name} names persons and is left out" for name in metadata.left_out]
    return _profile(draft, metadata, manifest)


def _images(manifest: dict[str, object]) -> int:
    stated = (whole_number(manifest[key]) for key in _COUNT_KEYS if key in manifest)
    return next((number for number in stated if number and number > 0), UNSTATED_IMAGES)


def _columns(manifest: dict[str, object]) -> tuple[list[Column], object, object]:
    """Return the label columns, and what is said of boxes and masks (None where nothing is)."""
    labels = manifest.get("labels", manifest.get("label"))
    if isinstance(labels, str):
        labels = {labels: "binary"} if labels.strip().lower() not in {"", "none", "absent"} else {}
    if isinstance(labels, list):
        labels = {"label": labels} if labels else {}
    entries = labels if isinstance(labels, dict) else {}
    boxes = next((value for name, value in entries.items() if str(name).lower() in _BOXES), None)
    kinds = [str(name) for name, value in entries.items() if str(value).strip().lower() in _BOXES | _POINTS]
    boxes = kinds if boxes is None and kinds else boxes
    masks = next((value for name, value in entries.items() if str(name).lower() in _MASKS), None)
    columns = [
        read_column(str(name), value)
        for name, value in entries.items()
        if str(name).lower() not in _BOXES | _MASKS and str(name) not in kinds
    ]
    return [_with_stated(column, manifest) for column in columns], boxes, masks


def _with_stated(column: Column, manifest: dict[str, object]) -> Column:
    """Add what other keys of the manifest state about a column."""

    def about(key: str) -> object:
        value = manifest.get(key)
        return value.get(column.name) if isinstance(value, dict) else value

    if column.positives < 0 and (number := whole_number(about("positives"))) is not None:
        column = replace(column, positives=number)
    if math.isnan(column.share):
        column = replace(column, share=fraction(about("prevalence")))
    return column


def _profile(draft: Draft, metadata: Metadata, manifest: dict[str, object]) -> Profile:
    images = draft.images
    groups = _groups(manifest, metadata, images)
    a_group = images / groups
    roles = ColumnRoles(
        image="image",
        label=draft.label or None,
        group=metadata.group or None,
        findings=tuple(item.name for item in draft.findings),
        annotators=tuple(draft.annotators) if metadata.readers else (),
        attributes=tuple(name for name, _, _ in metadata.attributes),
    )
    labels = sorted(draft.counts.items(), key=lambda item: -item[1])
    forecast = {item.name: item.present for item in draft.findings} or dict(labels)
    return Profile(
        kind=draft.kind if draft.counts or draft.findings else "unlabelled",
        roles=roles,
        n_images=images,
        n_groups=groups,
        has_groups=bool(metadata.group),
        labels=tuple(
            LabelCount(label=label, images=count, groups=math.ceil(count / a_group)) for label, count in labels
        ),
        attributes=_attributes(draft, metadata, manifest),
        quarantined=(),
        width_median=512,
        height_median=512,
        exact_duplicate_sets=0,
        exact_duplicate_images=0,
        near_duplicate_pairs=0,
        conflicting_duplicate_sets=0,
        conflicting_groups=0,
        given_splits=_given_splits(manifest, images),
        hazards=(),
        forecasts=tuple(_forecast(label, count, images, a_group) for label, count in forecast.items()),
        seconds=0.0,
        findings=tuple(draft.findings),
        supervision=tuple(SupervisionCount(kind=kind, images=count) for kind, count in draft.supervision.items()),
        boxes=draft.boxes,
        annotators=tuple(Annotator(name=name, images=images, kappa=KAPPA) for name in draft.annotators),
        disagreement=DISAGREEMENT if draft.annotators else math.nan,
        notes=tuple(draft.notes),
    )


def _groups(manifest: dict[str, object], metadata: Metadata, images: int) -> int:
    stated = (whole_number(manifest[key]) for key in _GROUP_KEYS if key in manifest)
    number = next((count for count in stated if count and count > 0), 0)
    if number:
        return min(number, images)
    return max(1, images // IMAGES_A_GROUP) if metadata.group else images


def _attributes(draft: Draft, metadata: Metadata, manifest: dict[str, object]) -> tuple[Attribute, ...]:
    stated = manifest.get("missing")
    shares = stated if isinstance(stated, dict) else {}
    attributes = []
    for name, share, values in metadata.attributes:
        said = fraction(shares.get(name))
        missing = round(draft.images * (share if math.isnan(said) else said))
        attributes.append(attribute(name, missing, values, images=draft.images - missing))
    sites = manifest.get("sites", manifest.get("hospitals"))
    if isinstance(sites, list) and "site" not in {item.name for item in attributes}:
        attributes.append(attribute("site", 0, tuple(str(site) for site in sites), images=draft.images))
    return (*attributes, *draft.extra)


def _given_splits(manifest: dict[str, object], images: int) -> tuple[tuple[str, int], ...]:
    said = manifest.get("split", manifest.get("splits"))
    if isinstance(said, dict):
        counts = {str(name): whole_number(count) or 0 for name, count in said.items()}
        return tuple(counts.items())
    if said is not True and not (isinstance(said, str) and "given" in said.lower() and "not" not in said.lower()):
        return ()
    held_out = round(images * TEST_SHARE)
    return ((TRAIN, images - 2 * held_out), (VALIDATION, held_out), (TEST, held_out))


def _forecast(label: str, count: int, images: int, a_group: float) -> Forecast:
    test, positive = images * TEST_SHARE, count * TEST_SHARE
    groups, positive_groups = test / a_group, positive / a_group
    return Forecast(
        label=label,
        test_images=round(positive),
        test_groups=round(positive_groups),
        auc_half_width=auc_half_width(positive_groups, groups - positive_groups),
        detectable_difference=detectable_difference(positive_groups, groups - positive_groups),
    )
