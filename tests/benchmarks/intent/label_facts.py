"""The labels, findings, boxes and readers of a profile, filled from what a manifest says of its labels."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

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
    split_words,
)
from metadata_words import Metadata

from tasks.domain.manifest import absent
from tasks.domain.profile import Attribute, BoxFacts, Finding

UNCERTAIN_SHARE = 0.05
BOXES_AN_IMAGE = 1.5
_UNION = "any"
"""Name of a finding that stands for one or more of the others."""
_ANSWERS = {"0", "1"}


@dataclass(slots=True)
class Draft:
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


def _positives(column: Column, images: int, *, share: float = UNSTATED_SHARE) -> int:
    if column.positives >= 0:
        return min(images, column.positives)
    return round(images * (share if math.isnan(column.share) else column.share))


def read_labels(draft: Draft, columns: list[Column], metadata: Metadata) -> None:
    """Take one column as the label, or several yes-or-no columns as findings; whatever is left over becomes an attribute."""
    binary = [column for column in columns if column.kind == BINARY]
    classes = [column for column in columns if column.kind == CLASSES]
    graded = [column for column in columns if column.kind == READERS]
    main = (classes or graded)[:1] if len(binary) < 2 else []
    for column in columns:
        if column.kind == NUMBER:
            draft.extra.append(attribute(column.name, 0, (), kind="numeric"))
        elif column.kind == NOTHING:
            draft.notes.append(f"The data has no labels for {column.name}")
        elif column.kind == UNKNOWN:
            draft.extra.append(attribute(column.name, 0, ()))
            draft.notes.append(f"What the column {column.name} holds is not told")
        elif (main and column is not main[0]) or (not main and column.kind != BINARY):
            values = column.classes or ("0", "1")
            draft.extra.append(attribute(column.name, 0, values, images=draft.images))
    if main and main[0].kind == CLASSES:
        _take_classes(draft, main[0])
    elif main:
        _take_readers(draft, main[0], metadata)
    elif len(binary) == 1 and not binary[0].uncertain:
        _take_answer(draft, binary[0])
    elif binary:
        _take_findings(draft, binary)


def _take_classes(draft: Draft, column: Column) -> None:
    draft.label = column.name
    if column.counts and sum(column.counts):
        draft.counts = dict(zip(column.classes, column.counts, strict=True))
        return
    share, over = divmod(draft.images, len(column.classes))
    draft.counts = {name: share + (place < over) for place, name in enumerate(column.classes)}


def _take_answer(draft: Draft, column: Column) -> None:
    draft.label = column.name
    present = _positives(column, draft.images)
    draft.counts = {"0": draft.images - present, "1": present}


def _take_readers(draft: Draft, column: Column, metadata: Metadata) -> None:
    _take_answer(draft, column)
    named = list(metadata.readers)
    draft.annotators = named or [f"reader {number + 1}" for number in range(column.readers)]


def _take_findings(draft: Draft, columns: list[Column]) -> None:
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


def read_boxes(draft: Draft, said: object) -> None:
    """Add boxes: of named things, or on a share of the images for what the labels name."""
    if said is None or said is False or said == "none":
        return
    names, share = _drawn(said)
    share = 1.0 if math.isnan(share) else share
    boxed = round(draft.images * share)
    if not draft.findings:
        names = names or _names_of_labels(draft)
        draft.findings = _findings_with_boxes(draft, names)
    drawn = {item.name: item.present for item in draft.findings if not names or item.name in names}
    boxes = {name: round(count * share * BOXES_AN_IMAGE) for name, count in drawn.items()}
    positive = draft.findings[0].present if len(draft.findings) == 1 else draft.images - draft.counts.get("none", 0)
    draft.boxes = BoxFacts(
        boxes=sum(boxes.values()),
        images=round(max(drawn.values(), default=0) * share),
        labels=tuple(sorted(boxes.items(), key=lambda item: -item[1])),
        unboxed_present=max(0, round(positive * (1 - share))),
    )
    draft.supervision = {"boxes": boxed} | ({"label": draft.images - boxed} if boxed < draft.images else {})
    draft.kind = "coco" if boxed == draft.images else "boxes_table"


def _names_of_labels(draft: Draft) -> tuple[str, ...]:
    return (draft.label,) if set(draft.counts) == _ANSWERS else tuple(draft.counts) or ("object",)


def _findings_with_boxes(draft: Draft, names: tuple[str, ...]) -> list[Finding]:
    """Return what was drawn as findings, with a yes-or-no label beside it as another; they then say what the label is."""
    present = {name: round(draft.images * min(UNSTATED_SHARE, 0.6 / len(names))) for name in names}
    answered = set(draft.counts) == _ANSWERS
    if answered:
        present = {
            draft.label: draft.counts["1"],
            **{name: count for name, count in present.items() if name != draft.label},
        }
    findings = [Finding(name=name, present=count, absent=draft.images - count) for name, count in present.items()]
    if answered or not draft.label:
        draft.counts = _label_counts(findings, draft.images)
        draft.label = draft.label if names == (draft.label,) else ""
    return findings


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


def read_masks(draft: Draft, said: object) -> None:
    """Add outlines, as with boxes; where nothing else is labelled they are the findings."""
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


def attribute(
    name: str, missing: int, values: tuple[str, ...], *, kind: str = "categorical", images: int = 0
) -> Attribute:
    """Return an attribute of which no more is known than its name, what is missing, and perhaps its values."""
    shared = images // max(1, len(values))
    return Attribute(
        name=name, kind=kind, missing=missing, values=tuple((value, shared) for value in values), cramers_v=math.nan, auc=math.nan, auc_label="",
    )  # fmt: skip
