"""The profile that a benchmark row's `data_manifest` stands for: what the investigation would have found, as far as it is told.

Deterministic, and never raises for anything that JSON can hold. What a manifest leaves open is filled the same way each time:
images are shared evenly among classes, a fifth of the images show a finding, two images belong to one group. None of these
fillings is rare or extreme, so none of them gives a parser a reason to speak.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from label_words import (
    BINARY,
    CLASSES,
    NOTHING,
    NUMBER,
    READERS,
    UNKNOWN,
    UNSTATED_SHARE,
    Column,
    fraction,
    percent_of,
    read_column,
    split_words,
    whole_number,
)
from metadata_words import Metadata, read_metadata

from tasks.domain.manifest import TEST, TRAIN, VALIDATION, absent
from tasks.domain.profile import (
    Annotator,
    Attribute,
    BoxFacts,
    Finding,
    Forecast,
    LabelCount,
    Profile,
    SupervisionCount,
)
from tasks.domain.request import ColumnRoles
from tasks.forecasting import auc_half_width, detectable_difference

UNSTATED_IMAGES = 1000
UNCERTAIN_SHARE = 0.05
DISAGREEMENT = 0.25
KAPPA = 0.6
TEST_SHARE = 0.15
IMAGES_A_GROUP = 2
BOXES_AN_IMAGE = 1.5
_UNION = "any"
"""Name of a finding that stands for one or more of the others."""

_COUNT_KEYS = ("images", "n_images", "frames", "recordings", "ecgs", "films", "scans", "slides", "tiles", "patches", "videos", "studies", "echos", "n", "count", "size")  # fmt: skip
_GROUP_KEYS = ("patients", "subjects", "lesions", "infants", "groups")
_BOXES = {"boxes", "box", "bbox", "bboxes", "bounding_boxes", "bounding boxes"}
_MASKS = {"masks", "mask", "segmentation", "segmentations", "outlines", "contours"}
_KNOWN = {"labels", "label", "metadata", "split", "splits", "prevalence", "positives", "missing", *_COUNT_KEYS, *_GROUP_KEYS}  # fmt: skip


@dataclass(slots=True)
class _Draft:
    """The parts of a profile while the labels are being read."""

    images: int
    kind: str = "table"
    label: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    boxes: BoxFacts = field(default_factory=BoxFacts)
    supervision: dict[str, int] = field(default_factory=dict)
    annotators: list[str] = field(default_factory=list)
    extra: list[Attribute] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def profile_of(data_manifest: dict[str, object]) -> Profile:
    """Return the profile of the data that a benchmark row describes.

    Args:
        data_manifest: `images`, `labels`, `metadata`, `split`; other keys are read where they are understood (`positives`,
            `prevalence`, `missing`, `sites`, `patients`) and noted otherwise.
    """
    manifest = data_manifest if isinstance(data_manifest, dict) else {}
    draft = _Draft(images=_images(manifest))
    metadata = read_metadata(manifest.get("metadata"))
    columns, boxes, masks = _columns(manifest)
    most = max((column.positives for column in columns), default=0)
    if most > draft.images:
        draft.notes.append(f"{most} positives among {draft.images} images cannot be; there are taken to be more images")
        draft.images = round(most / UNSTATED_SHARE)
    _read_labels(draft, columns, metadata)
    _read_boxes(draft, boxes)
    _read_masks(draft, masks)
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
    masks = next((value for name, value in entries.items() if str(name).lower() in _MASKS), None)
    columns = [
        read_column(str(name), value) for name, value in entries.items() if str(name).lower() not in _BOXES | _MASKS
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


def _positives(column: Column, images: int, *, share: float = UNSTATED_SHARE) -> int:
    if column.positives >= 0:
        return min(images, column.positives)
    return round(images * (share if math.isnan(column.share) else column.share))


def _read_labels(draft: _Draft, columns: list[Column], metadata: Metadata) -> None:
    binary = [column for column in columns if column.kind == BINARY]
    classes = [column for column in columns if column.kind == CLASSES]
    graded = [column for column in columns if column.kind == READERS]
    main = (classes or graded)[:1] if len(binary) < 2 else []
    for column in columns:
        if column.kind == NUMBER:
            draft.extra.append(_attribute(column.name, 0, (), kind="numeric"))
        elif column.kind == NOTHING:
            draft.notes.append(f"The data has no labels for {column.name}")
        elif column.kind == UNKNOWN:
            draft.extra.append(_attribute(column.name, 0, ()))
            draft.notes.append(f"What the column {column.name} holds is not told")
        elif (main and column is not main[0]) or (not main and column.kind != BINARY):
            values = column.classes or ("0", "1")
            draft.extra.append(_attribute(column.name, 0, values, images=draft.images))
    if main and main[0].kind == CLASSES:
        _take_classes(draft, main[0])
    elif main:
        _take_readers(draft, main[0], metadata)
    elif len(binary) == 1 and not binary[0].uncertain:
        _take_answer(draft, binary[0])
    elif binary:
        _take_findings(draft, binary)


def _take_classes(draft: _Draft, column: Column) -> None:
    draft.label = column.name
    if column.counts and sum(column.counts):
        draft.counts = dict(zip(column.classes, column.counts, strict=True))
        return
    share, over = divmod(draft.images, len(column.classes))
    draft.counts = {name: share + (place < over) for place, name in enumerate(column.classes)}


def _take_answer(draft: _Draft, column: Column) -> None:
    draft.label = column.name
    present = _positives(column, draft.images)
    draft.counts = {"0": draft.images - present, "1": present}


def _take_readers(draft: _Draft, column: Column, metadata: Metadata) -> None:
    _take_answer(draft, column)
    named = list(metadata.readers)
    draft.annotators = named or [f"reader {number + 1}" for number in range(column.readers)]


def _take_findings(draft: _Draft, columns: list[Column]) -> None:
    """Fill findings that can occur together: as many images as stated, else an even share that leaves some with none."""
    draft.kind = "multi_label"
    share = min(UNSTATED_SHARE, 0.6 / len(columns))
    for column in columns:
        others = len(columns) - 1
        usual = others * 0.9 * share if column.name == _UNION else share
        present = _positives(column, draft.images, share=usual)
        uncertain = round(UNCERTAIN_SHARE * draft.images) if column.uncertain else 0
        uncertain = min(uncertain, draft.images - present)
        rest = draft.images - present - uncertain
        draft.findings.append(Finding(name=column.name, present=present, absent=rest, uncertain=uncertain))
    draft.counts = _label_counts(draft.findings, draft.images)


def _label_counts(findings: list[Finding], images: int) -> dict[str, int]:
    """Return the labels as `label_of_findings` writes them.

    A tenth of the rarer of the first two findings goes with the other, so that they are seen to occur together; a finding
    called `any` goes with each of the others.
    """
    if len(findings) == 1:
        return {absent(findings[0].name): findings[0].absent, findings[0].name: findings[0].present}
    single = [item for item in findings if item.name != _UNION]
    counts = {item.name: item.present for item in single}
    if len(single) > 1 and (both := min(single[0].present, single[1].present) // 10):
        counts[single[0].name] -= both
        counts[single[1].name] -= both
        counts[f"{single[0].name}|{single[1].name}"] = both
    if len(single) < len(findings):
        counts = {f"{_UNION}|{label}": count for label, count in counts.items()}
    return {"none": max(0, images - sum(counts.values())), **counts}


def _read_boxes(draft: _Draft, said: object) -> None:
    if said is None or said is False or said == "none":
        return
    names, share = _drawn(said)
    share = 1.0 if math.isnan(share) else share
    boxed = round(draft.images * share)
    if not draft.findings:
        names = names or ((draft.label,) if set(draft.counts) == {"0", "1"} else tuple(draft.counts)) or ("object",)
        present = {name: round(draft.images * min(UNSTATED_SHARE, 0.6 / len(names))) for name in names}
        if set(draft.counts) == {"0", "1"} and names == (draft.label,):
            present = {draft.label: draft.counts["1"]}
        draft.findings = [
            Finding(name=name, present=count, absent=draft.images - count) for name, count in present.items()
        ]
        if not draft.label or names == (draft.label,):
            draft.counts = _label_counts(draft.findings, draft.images)
    by_name = {item.name: item.present for item in draft.findings if not names or item.name in names}
    drawn = {name: round(count * share * BOXES_AN_IMAGE) for name, count in by_name.items()}
    with_box = round(max(by_name.values(), default=0) * share)
    findings = draft.findings
    positive = findings[0].present if len(findings) == 1 else draft.images - draft.counts.get("none", 0)
    draft.boxes = BoxFacts(
        boxes=sum(drawn.values()),
        images=with_box,
        labels=tuple(sorted(drawn.items(), key=lambda item: -item[1])),
        unboxed_present=max(0, round(positive * (1 - share))),
    )
    draft.supervision = {"boxes": boxed} | ({"label": draft.images - boxed} if boxed < draft.images else {})
    draft.kind = "coco" if boxed == draft.images else "boxes_table"


def _drawn(said: object) -> tuple[tuple[str, ...], float]:
    """Return the kinds of objects that were drawn, and the share of images on which somebody looked for them (nan: not said)."""
    if isinstance(said, dict):
        return tuple(str(name) for name in said), math.nan
    if isinstance(said, list | tuple):
        return tuple(dict.fromkeys(str(name) for name in said if name is not None)), math.nan
    if isinstance(said, bool):
        return (), math.nan
    if isinstance(said, int | float):
        return (), fraction(said)
    share = percent_of(str(said))
    if not math.isnan(share) or str(said).strip().lower() in {"all", "yes", "binary", "all images", "all frames"}:
        return (), share
    return split_words(str(said)), math.nan


def _read_masks(draft: _Draft, said: object) -> None:
    if said is None or said is False or said == "none":
        return
    names, share = _drawn(said)
    share = 1.0 if math.isnan(share) else share
    masked = round(draft.images * share)
    if not draft.findings and not draft.counts:
        names = names or ("object",)
        draft.findings = [
            Finding(name=name, present=round(draft.images * UNSTATED_SHARE), absent=draft.images - round(draft.images * UNSTATED_SHARE))
            for name in names
        ]  # fmt: skip
        draft.counts = _label_counts(draft.findings, draft.images)
        draft.kind = "mask_images"
    draft.supervision = {"mask": masked} | ({"label": draft.images - masked} if masked < draft.images else {})


def _attribute(
    name: str, missing: int, values: tuple[str, ...], *, kind: str = "categorical", images: int = 0
) -> Attribute:
    shared = images // max(1, len(values))
    return Attribute(
        name=name, kind=kind, missing=missing, values=tuple((value, shared) for value in values), cramers_v=math.nan, auc=math.nan, auc_label="",
    )  # fmt: skip


def _profile(draft: _Draft, metadata: Metadata, manifest: dict[str, object]) -> Profile:
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


def _attributes(draft: _Draft, metadata: Metadata, manifest: dict[str, object]) -> tuple[Attribute, ...]:
    stated = manifest.get("missing")
    shares = stated if isinstance(stated, dict) else {}
    attributes = []
    for name, share, values in metadata.attributes:
        said = fraction(shares.get(name))
        missing = round(draft.images * (share if math.isnan(said) else said))
        attributes.append(_attribute(name, missing, values, images=draft.images - missing))
    sites = manifest.get("sites", manifest.get("hospitals"))
    if isinstance(sites, list) and "site" not in {item.name for item in attributes}:
        attributes.append(_attribute("site", 0, tuple(str(site) for site in sites), images=draft.images))
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
