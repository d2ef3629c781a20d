"""What the readers make of real data: one line of a table for each format, with what a plain count of the same file gives.

    .venv/bin/python tests/benchmarks/readers.py [FOLDER OF SHARED DATA]

Where a public table comes without its images, small pictures stand in for the first ones that it names; the table is read as it is.
Nothing is told to the readers but the folder. The last column is counted from the files by other means (pandas, json, ElementTree).
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from PIL import Image

from tasks.domain.errors import AmbiguousRequest
from tasks.investigation import investigate
from tasks.readers.discovery import read_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
STAND_INS, SIDE = 60, 1024
"""Number of pictures, and their width and height in pixels, as the public sets have it."""


def main() -> int:
    """Print the table."""
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    if not data.is_dir():
        print(f"there is no folder {data}; name the one with the shared data", file=sys.stderr)
        return 2
    print("| format | sample | read as | images | labels | boxes, masks | groups | set aside | counted otherwise |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, sample, make, expected in SAMPLES:
        with tempfile.TemporaryDirectory() as scratch:
            folder = make(data, Path(scratch))
            print(f"| {name} | {sample} | {read_as(folder)} | {expected(data)} |", flush=True)
    return 0


def read_as(folder: Path) -> str:
    """Return the cells of the table that the readers and the investigation give for a folder."""
    try:
        manifest, profile = investigate(read_folder(folder))
    except AmbiguousRequest as error:
        return f"asked: {error} | | | | | "
    findings = [f"{item.name} {item.present:,}" for item in profile.findings]
    labels = findings or [f"{item.label} {item.images:,}" for item in profile.labels]
    places = [f"{profile.boxes.boxes:,} boxes"] if profile.boxes.boxes else []
    places += [f"{profile.boxes.unusable} unusable"] if profile.boxes.unusable else []
    places += [f"{len(manifest.masks):,} masks"] if manifest.masks is not None else []
    aside = Counter(_kind(item.reason) for item in profile.quarantined)
    reasons = [f"{count:,} x {reason}" for reason, count in aside.most_common(4)]
    groups = f"{profile.n_groups:,}" if profile.has_groups else "-"
    return " | ".join([manifest.kind, f"{profile.n_images:,}", _short(labels), _short(places), groups, _short(reasons)])


def _kind(reason: str) -> str:
    return re.split("[;:]", reason)[0][:70].replace("|", "/")


def _short(parts: list[str], most: int = 7) -> str:
    return ", ".join(parts[:most]) + (f" and {len(parts) - most} more" if len(parts) > most else "") if parts else "-"


def _as_it_is(name: str) -> Callable[[Path, Path], Path]:
    return lambda data, _: data / name


def _pictures(folder: Path, names: Iterable[str]) -> None:
    picture = Image.linear_gradient("L")
    for number, name in enumerate(dict.fromkeys(names)):
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        picture.rotate(6 * number).resize((SIDE, SIDE)).save(place)


def _table(name: str, images: Callable[[pd.DataFrame], Iterable[str]]) -> Callable[[Path, Path], Path]:
    """Return a maker of a folder with a real table, as it is, and pictures for the first images that it names."""

    def make(data: Path, scratch: Path) -> Path:
        source = data / "cxr_annotations" / name
        (scratch / source.name).write_bytes(source.read_bytes())
        first = list(dict.fromkeys(images(pd.read_csv(source, skipinitialspace=True))))[:STAND_INS]
        _pictures(scratch / "images", first)
        return scratch

    return make


def _rows(data: Path, name: str, column: str) -> pd.DataFrame:
    """Return the rows of a table about the images that stand in."""
    table = pd.read_csv(data / "cxr_annotations" / name, skipinitialspace=True)
    first = list(dict.fromkeys(table[column]))[:STAND_INS]
    return table[table[column].isin(first)]


def _count_voc(data: Path) -> str:
    trees = [ET.parse(path) for path in (data / "bccd/BCCD/Annotations").glob("*.xml")]  # noqa: S314  our own samples
    objects = [item for tree in trees for item in tree.iter("object")]
    return f"{len(objects):,} objects: {dict(Counter(str(item.findtext('name')) for item in objects))}"


def _count_ham(data: Path) -> str:
    table = pd.read_csv(data / "ham10000/metadata.csv")
    masks = len(list((data / "ham10000/masks").iterdir()))
    return f"{len(table):,} rows, {table['lesion_id'].nunique():,} lesions, {(table['dx'] == 'mel').sum():,} mel, {masks:,} masks"


def _count_coco(data: Path) -> str:
    found = [json.loads(path.read_text("utf-8")) for path in (data / "cxr_annotations/tbx11k_fixture").rglob("*.json")]
    return ", ".join(f"{len(item['images'])} images, {len(item['annotations'])} boxes" for item in found)


def _count_nih(data: Path) -> str:
    rows = _rows(data, "Data_Entry_2017_v2020.csv.gz", "Image Index")
    findings = Counter(name for cell in rows["Finding Labels"] for name in cell.split("|"))
    return f"{rows['Patient ID'].nunique()} patients, {findings.pop('No Finding', 0)} without, {len(findings)} findings, {findings.most_common(2)}"


def _count_siim(data: Path) -> str:
    rows = _rows(data, "siim-pneumothorax-train-rle.csv.gz", "ImageId")
    marked = rows[rows["EncodedPixels"].str.strip() != "-1"]
    return f"{marked['ImageId'].nunique()} images with {len(marked)} masks"


def _count_rsna(data: Path) -> str:
    rows = _rows(data, "kaggle_stage_2_train_labels.csv.zip", "patientId")
    marked = rows[rows["Target"] == 1]
    return f"{marked['patientId'].nunique()} images with {len(marked)} boxes"


def _count_tubes(data: Path) -> str:
    rows = _rows(data, "neatx_padchest/Annotations_aggregated.csv", "ImageID")
    columns = [name for name in rows if name.endswith("_tube") or name == "Chest_drain"]
    return f"{int((rows[columns] == 1).sum().sum())} present, {int((rows[columns] == -1).sum().sum())} uncertain"


def _count_raters(data: Path) -> str:
    rows = _rows(data, "neatx_padchest/Annotations_raw.csv", "ImageID")
    columns = [name for name in rows if name.endswith(("_a1", "_a2")) and not name.startswith("Notes")]
    return f"{int(rows[columns].notna().sum().sum())} readings of two annotators"


def _count_dicom(folder: str) -> Callable[[Path], str]:
    return lambda data: f"{len(list((data / 'dicom_samples' / folder).glob('*.dcm')))} files"


SAMPLES: tuple[tuple[str, str, Callable[[Path, Path], Path], Callable[[Path], str]], ...] = (
    ("Pascal VOC", "BCCD", _as_it_is("bccd/BCCD"), _count_voc),
    ("table, boxes, mask images", "HAM10000", _as_it_is("ham10000"), _count_ham),
    ("COCO JSON", "TBX11K fixture", _as_it_is("cxr_annotations/tbx11k_fixture"), _count_coco),
    ("findings joined by a bar", "NIH ChestX-ray14", _table("Data_Entry_2017_v2020.csv.gz", lambda t: t["Image Index"]), _count_nih),
    ("run-length masks", "SIIM-ACR", _table("siim-pneumothorax-train-rle.csv.gz", lambda t: t["ImageId"] + ".png"), _count_siim),
    ("table of boxes, zipped", "RSNA", _table("kaggle_stage_2_train_labels.csv.zip", lambda t: t["patientId"] + ".png"), _count_rsna),
    ("uncertain labels", "NEATX, aggregated", _table("neatx_padchest/Annotations_aggregated.csv", lambda t: t["ImageID"]), _count_tubes),
    ("several annotators", "NEATX, raw", _table("neatx_padchest/Annotations_raw.csv", lambda t: t["ImageID"]), _count_raters),
    ("DICOM", "chest films", _as_it_is("dicom_samples/chest"), _count_dicom("chest")),
    ("DICOM", "CT, MR, US, NM, SEG", _as_it_is("dicom_samples/other"), _count_dicom("other")),
    ("DICOM", "edge cases", _as_it_is("dicom_samples/edge_cases"), _count_dicom("edge_cases")),
)  # fmt: skip

if __name__ == "__main__":
    sys.exit(main())
