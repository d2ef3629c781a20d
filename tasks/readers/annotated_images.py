"""What the readers of boxes and masks have in common: from what was drawn on images to the manifest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks.domain import manifest as columns
from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import Manifest, Quarantined, label_of_findings
from tasks.domain.request import ColumnRoles
from tasks.readers.boxes import box_table, check_boxes
from tasks.readers.drawn_readings import by_image, hide_names, put_together, readings_of
from tasks.readers.image_files import image_id
from tasks.readers.picture_sizes import picture_sizes
from tasks.readers.row_labels import note_on_readings
from tasks.readers.schema import checked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from tasks.readers.image_files import ImageFiles

_NOT_KNOWN = -9.0
_SIZES_ARE_ONE_PIXEL_APART = 1


@dataclass(slots=True, kw_only=True)
class Box:
    """A box as read."""

    file: str
    label: str
    corners: tuple[float, float, float, float]
    """Left, top, right and bottom in pixels."""
    row: int
    annotator: str = ""
    problem: str = ""


@dataclass(slots=True, kw_only=True)
class Mask:
    """A mask as read, in runs of pixels."""

    file: str
    label: str
    runs: str
    """In the form of `tasks.readers.run_length`."""
    row: int
    annotator: str = ""
    problem: str = ""


@dataclass(slots=True, kw_only=True)
class Annotated:
    """What an annotation format says; filled while reading."""

    kind: str
    """A value of `Manifest.kind`."""
    supervision: str
    """What an image that somebody looked at carries: `boxes`, `mask` or `label`."""
    names: list[str] = field(default_factory=list)
    """Kinds of findings that were looked for, also those never found."""
    looked_at: dict[str, int] = field(default_factory=dict)
    """Line or number by image file; there may be nothing on it."""
    boxes: list[Box] = field(default_factory=list)
    masks: list[Mask] = field(default_factory=list)
    present: set[tuple[str, str]] = field(default_factory=set)
    """(file, name): said of the image as a whole, with or without a box."""
    readers: dict[str, set[str]] = field(default_factory=dict)
    """Who looked at a file, where the annotators are named."""
    present_by: set[tuple[str, str, str]] = field(default_factory=set)
    """(file, name, annotator): said of the image as a whole by one of several annotators."""
    aggregation: str = "majority"
    """How readings of several annotators become one, see `agreement.aggregated`."""
    doubtful: set[str] = field(default_factory=set)
    """Files of which something could not be read: what is not found on them is not known to be absent."""
    excluded: set[str] = field(default_factory=set)
    """Files that are no images of the study; each is listed in `quarantined` with the reason."""
    splits: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, dict[str, object]] = field(default_factory=dict)
    """Value by file, by name."""
    stated_sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Width and height by file, as the annotations say."""
    roles: ColumnRoles = field(default_factory=ColumnRoles)
    quarantined: list[Quarantined] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def set_aside(self, file: str, row: int, reason: str) -> None:
        """List something that cannot be used."""
        self.quarantined.append(Quarantined(file=file[:200], row=row, reason=reason))


def manifest_of(found: Annotated, files: ImageFiles, sizes: Mapping[str, tuple[int, int]]) -> Manifest:
    """Return the manifest of annotations; images that nobody looked at are in it as not supervised.

    Args:
        found: What was read.
        files: All images.
        sizes: Width and height of the pictures, as far as they are known.

    Raises:
        DataUnusable: No image is left.
    """
    hide_names(found)
    drawn = [*(box.label for box in found.boxes), *(mask.label for mask in found.masks)]
    said = sorted({name for _, name in found.present} | {name for _, name, _ in found.present_by})
    names = list(dict.fromkeys([*found.names, *drawn, *said]))
    rows = _rows(found, files)
    if rows.empty:
        reason = found.quarantined[0].reason if found.quarantined else "there is none"
        raise DataUnusable(f"no image is left to use; the first {reason}", file=files.folder)
    found.boxes = [box for box in found.boxes if box.file not in found.excluded]
    found.masks = [mask for mask in found.masks if mask.file not in found.excluded]
    boxes = _boxes(found, rows, sizes) if found.boxes or found.supervision == columns.BOXES else None
    masks = _masks(found) if found.masks or found.supervision == columns.MASK else None
    values = _values(found, rows, names, boxes, masks)
    told = readings_of(found, names)
    readings = None if told is None else by_image(told, rows)
    if told is not None:
        values = put_together(values, rows, told, found.aggregation)
    for name in names:
        rows[columns.FINDING + name] = values[name]
    rows[columns.LABEL] = labels_of_values(values, names)
    for name, by_file in found.attributes.items():
        rows[columns.ATTRIBUTE + name] = rows[columns.FILE].map(by_file)
    manifest = Manifest(
        rows=rows,
        images=files.folder,
        kind=found.kind,
        roles=found.roles,
        quarantined=tuple(sorted(found.quarantined, key=lambda item: (item.file, item.row))),
        findings=tuple(names),
        boxes=boxes,
        masks=masks,
        readings=readings,
        notes=(*found.notes, *_sums(rows, boxes, masks), *_on_readings(readings, found.aggregation)),
    )
    return checked(manifest)


def sizes_of_annotated(found: Annotated, images: Path) -> dict[str, tuple[int, int]]:
    """Return width and height of all pictures that somebody looked at, from the heads of the files."""
    return picture_sizes(images, found.looked_at)


def _rows(found: Annotated, files: ImageFiles) -> pd.DataFrame:
    kept = [file for file in files.files if file not in found.excluded]
    ids = [image_id(file) for file in kept]
    return pd.DataFrame(
        {
            columns.IMAGE_ID: ids,
            columns.FILE: kept,
            columns.ROW: [found.looked_at.get(file, 0) for file in kept],
            columns.LABEL: "",
            columns.GROUP: [found.groups.get(file) or name for file, name in zip(kept, ids, strict=True)],
            columns.SPLIT: [found.splits.get(file, "") for file in kept],
            columns.SUPERVISION: [
                found.supervision if file in found.looked_at else columns.UNLABELLED for file in kept
            ],
            columns.FRAME: -1,
        }
    )


def _boxes(found: Annotated, rows: pd.DataFrame, sizes: Mapping[str, tuple[int, int]]) -> pd.DataFrame:
    wrong = {file: reason for file in found.looked_at if (reason := wrong_size(found, file, sizes))}
    table = box_table(
        (image_id(box.file), box.label, *box.corners, box.annotator, box.row, box.problem or wrong.get(box.file, ""))
        for box in found.boxes
    )
    framed = rows[[columns.IMAGE_ID]].copy()
    for place, name in enumerate((columns.WIDTH, columns.HEIGHT)):
        framed[name] = [sizes[file][place] if file in sizes else np.nan for file in rows[columns.FILE]]
    return check_boxes(table, framed)


def wrong_size(found: Annotated, file: str, sizes: Mapping[str, tuple[int, int]]) -> str:
    """Return what is wrong if the annotations state another size of a picture than it has; else nothing."""
    stated, real = found.stated_sizes.get(file, (0, 0)), sizes.get(file)
    if real is None or not all(stated):
        return ""
    if all(abs(one - other) <= _SIZES_ARE_ONE_PIXEL_APART for one, other in zip(stated, real, strict=True)):
        return ""
    return f"drawn on a picture of {stated[0]}x{stated[1]} pixels, but the file has {real[0]}x{real[1]}"


def _masks(found: Annotated) -> pd.DataFrame:
    cells = [
        (image_id(mask.file), mask.label, "", mask.runs, mask.annotator, mask.row, mask.problem) for mask in found.masks
    ]
    return pd.DataFrame(cells, columns=list(columns.MASK_COLUMNS)).astype(
        {name: "int" if name == "row" else "str" for name in columns.MASK_COLUMNS}
    )


def _values(
    found: Annotated, rows: pd.DataFrame, names: list[str], boxes: pd.DataFrame | None, masks: pd.DataFrame | None
) -> pd.DataFrame:
    """Return 1, 0 or NaN for each image and finding: NaN where nobody looked, or what was drawn cannot be used."""
    looked_at = (rows[columns.SUPERVISION] != columns.UNLABELLED).to_numpy()
    doubtful = rows[columns.FILE].isin(found.doubtful).to_numpy()
    ids = rows[columns.IMAGE_ID]
    values = {}
    drawn = [table[["image_id", "label", "problem"]] for table in (boxes, masks) if table is not None]
    drawings = pd.concat(drawn) if drawn else pd.DataFrame(columns=["image_id", "label", "problem"])
    for name in names:
        own = drawings[drawings["label"] == name]
        sure = ids.isin(own.loc[own["problem"] == "", "image_id"]).to_numpy()
        unsure = ids.isin(own.loc[own["problem"] != "", "image_id"]).to_numpy()
        said = rows[columns.FILE].isin({file for file, label in found.present if label == name}).to_numpy()
        value = np.where(looked_at & ~doubtful & ~unsure, 0.0, np.nan)
        values[name] = np.where(sure | said, 1.0, value)
    return pd.DataFrame(values, index=rows.index)


def labels_of_values(values: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Return the label of each image.

    Args:
        values: Columns as `names`: 1 present, 0 absent, NaN not known.
        names: Findings.
    """
    seen: dict[tuple[float, ...], str] = {}
    labels = []
    for row in values.fillna(_NOT_KNOWN).itertuples(index=False, name=None):
        if row not in seen:
            told = {name: np.nan if value == _NOT_KNOWN else value for name, value in zip(names, row, strict=True)}
            seen[row] = label_of_findings(told)
        labels.append(seen[row])
    return labels or [""] * len(values)


def _on_readings(readings: pd.DataFrame | None, rule: str) -> Iterable[str]:
    if readings is not None:
        yield note_on_readings(readings, rule, is_used=True)


def _sums(rows: pd.DataFrame, boxes: pd.DataFrame | None, masks: pd.DataFrame | None) -> Iterable[str]:
    looked_at = int((rows[columns.SUPERVISION] != columns.UNLABELLED).sum())
    for what, table in (("boxes", boxes), ("masks", masks)):
        if table is None:
            continue
        usable = table[table["problem"] == ""]
        carry = usable["image_id"].nunique()
        yield (
            f"{looked_at} images were looked at for {what}: {carry} have some, "
            f"{looked_at - carry} have none; {len(usable)} {what} in all."
        )
        if len(usable) < len(table):
            reasons = table.loc[table["problem"] != "", "problem"].str.replace(r"row \d+", "an earlier one", regex=True)
            listed = "; ".join(f"{count} x {reason}" for reason, count in reasons.value_counts().head(4).items())
            yield f"{len(table) - len(usable)} {what} cannot be used: {listed}."
    nobody = int((rows[columns.SUPERVISION] == columns.UNLABELLED).sum())
    if nobody:
        yield f"{nobody} images of the folder are not annotated at all; they are not taken for negatives."
