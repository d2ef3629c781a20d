"""Lay out train and validation for the sandbox: labels beside the images for the one, apart from them for the other.

data/train/{images/, train.csv, task.json}          mounted for train; train.csv: image, label, group and, where a class is
                                                    made of several labels of the data, detail (that label)
data/train/masks/                                   a black-and-white PNG an image, where masks were drawn; for train alone
data/validation/{images/, images.csv, task.json}    mounted for predict
data/validation_labels.parquet                      image, label (class name), group (int); never mounted
data/inputs.json                                    what the model may see beside the image; never mounted

Where the request allows such inputs, train.csv and images.csv hold them as columns `input_<name>` and nothing else of the table.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from tasks.domain.errors import StudyBlocked, StudyNotFound
from tasks.domain.manifest import GROUP, LABEL, SPLIT, TRAIN, VALIDATION, Manifest
from tasks.domain.model_input import COLUMN, ModelInput
from tasks.image_copies import copy_images, in_opaque_order, opaque_groups, opaque_names, write_read_only
from tasks.input_columns import input_columns, inputs_of
from tasks.mask_copies import Drawing, copy_masks, drawings_of
from tasks.storage import from_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from tasks.domain.spec import Spec


class Validation(NamedTuple):
    """The validation images with what only the harness knows of them, in the order of `images.csv`."""

    images: list[str]
    """File names."""
    labels: NDArray[np.int64]
    """Index into the class names of the spec, shape (n,)."""
    groups: NDArray[np.int64]
    """Number of the patient or lesion, shape (n,)."""


def materialise(folder: Path, manifest: Manifest, spec: Spec) -> None:
    """Copy the images of the spec's classes to train and validation, unless that is done already.

    Args:
        folder: The study's `data` folder.
        manifest: With every row's split.
        spec: Whose labels are part of the study.

    Raises:
        StudyBlocked: A class has no image for training or for validation.
        DataUnusable: An image cannot be read, or no training image has a value of an input.
    """
    inputs = inputs_of(manifest, spec)
    kept = manifest.rows[manifest.rows[LABEL].isin(spec.class_of_label)]
    sets = {split: in_opaque_order(kept[kept[SPLIT] == split]) for split in (TRAIN, VALIDATION)}
    tables = {split: _table(rows, spec, inputs) for split, rows in sets.items()}
    tables[TRAIN] = _with_details(tables[TRAIN], sets[TRAIN])
    for split, table in tables.items():
        empty = sorted(set(spec.class_names) - set(table["label"]))
        if empty:
            raise StudyBlocked(f"no image of {', '.join(empty)} is left for {split}")
    drawings = drawings_of(manifest, sets[TRAIN])
    done = _fingerprint(tables, _task(spec, tables[TRAIN], inputs), drawings)
    marker = folder / "development_set.json"
    if marker.exists() and json.loads(marker.read_text("utf-8")) == done:
        return
    folder.mkdir(parents=True, exist_ok=True)
    marker.unlink(missing_ok=True)
    with _in_one_rename(folder / "train") as train:
        copy_images(sets[TRAIN], manifest.images, train / "images")
        masks = _copy_masks(drawings, manifest.mask_folder, train)
        task = {**_task(spec, tables[TRAIN], inputs), **({"masks": True} if masks else {})}
        _write_texts(train, {"train.csv": _csv(tables[TRAIN]), "task.json": _json(task)})
    with _in_one_rename(folder / "validation") as validation:
        copy_images(sets[VALIDATION], manifest.images, validation / "images")
        texts = {"images.csv": _csv(_asked(tables[VALIDATION])), "task.json": _json(_classes(spec))}
        _write_texts(validation, texts)
    _write_labels(folder / "validation_labels.parquet", tables[VALIDATION])
    _write_json(folder / "inputs.json", [dataclasses.asdict(item) for item in inputs])
    _write_json(marker, done)


def load_validation(folder: Path, spec: Spec) -> Validation:
    """Return images, labels and groups of the validation set, in the order of its `images.csv`.

    Args:
        folder: The study's `data` folder.
        spec: The one that it was made for.

    Raises:
        StudyNotFound: The set was not made yet.
    """
    file = folder / "validation_labels.parquet"
    if not file.exists():
        raise StudyNotFound(f"the validation set was not made yet: {file} is missing")
    table = pd.read_parquet(file)
    labels = np.array([spec.class_names.index(name) for name in table["label"]], dtype=np.int64)
    return Validation([str(image) for image in table["image"]], labels, table["group"].to_numpy(dtype=np.int64))


def load_inputs(folder: Path) -> tuple[ModelInput, ...]:
    """Return what the model may see beside the image; nothing for a set that was made before there were inputs."""
    file = folder / "inputs.json"
    return from_json(tuple[ModelInput, ...], file.read_bytes()) if file.exists() else ()


def _table(rows: pd.DataFrame, spec: Spec, inputs: tuple[ModelInput, ...]) -> pd.DataFrame:
    labels = rows[LABEL].map(spec.class_of_label).to_list()
    table = pd.DataFrame({"image": opaque_names(rows), "label": labels, "group": opaque_groups(rows[GROUP])})
    return pd.concat([table, input_columns(rows, inputs)], axis=1)


def _asked(table: pd.DataFrame) -> pd.DataFrame:
    """Return what `predict` is told of each image."""
    return table[["image", *(name for name in table if str(name).startswith(COLUMN))]]


def _with_details(table: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the table of train with the labels as the data write them, where they say more than the classes do."""
    details = rows[LABEL].to_list()
    return table.assign(detail=details) if len(set(details)) > table["label"].nunique() else table


def _classes(spec: Spec) -> dict[str, object]:
    return {"classes": list(spec.class_names)}


def _task(spec: Spec, train: pd.DataFrame, inputs: tuple[ModelInput, ...]) -> dict[str, object]:
    counts = {name: int((train["label"] == name).sum()) for name in spec.class_names}
    told = {**_classes(spec), "positive": spec.positive, "priorities": list(spec.priorities), "labels": counts}
    return {**told, **({"inputs": [dataclasses.asdict(item) for item in inputs]} if inputs else {})}


def _fingerprint(
    tables: dict[str, pd.DataFrame], task: dict[str, object], drawings: tuple[Drawing, ...]
) -> dict[str, str]:
    told = {**{split: _csv(table) for split, table in tables.items()}, "task": _json(task)}
    told |= {"masks": _json(drawings)} if drawings else {}
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in told.items()}


@contextmanager
def _in_one_rename(folder: Path) -> Iterator[Path]:
    """Give the place of a folder to be; it gets its name when it is done, in place of an older one."""
    partial = folder.with_name(f"{folder.name}.partial")
    for leftover in (partial, folder):
        if leftover.exists():
            shutil.rmtree(leftover)
    yield partial
    partial.replace(folder)


def _copy_masks(drawings: tuple[Drawing, ...], source: Path | None, train: Path) -> bool:
    """Lay the masks beside the training images; return whether there is one that shows something."""
    if drawings and copy_masks(drawings, source, train / "images", train / "masks"):
        return True
    shutil.rmtree(train / "masks", ignore_errors=True)
    return False


def _write_texts(folder: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        write_read_only(folder / name, text.encode())


def _csv(table: pd.DataFrame) -> str:
    return table.to_csv(index=False)


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False)


def _write_labels(file: Path, table: pd.DataFrame) -> None:
    partial = file.with_name(f"{file.name}.partial")
    table[["image", "label", "group"]].to_parquet(partial, index=False)
    partial.chmod(0o600)
    partial.replace(file)


def _write_json(file: Path, content: object) -> None:
    partial = file.with_name(f"{file.name}.partial")
    partial.write_text(json.dumps(content), encoding="utf-8")
    partial.replace(file)
