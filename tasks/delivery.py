"""The delivered model: a folder that holds all that `rounds predict` needs, and its use on new images.

    model/
      model.json          classes, positive class, frozen threshold, spec, hashes, round, study, who wrote its code
      model.safetensors   the final checkpoint
      code/               the final codebase

The model's code runs in a sandbox, on copies under opaque names; nothing of it is imported or unpickled here.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from safetensors import SafetensorError, safe_open

from tasks import runs
from tasks.decoding import decode
from tasks.domain.errors import ModelDamaged
from tasks.domain.model_input import COLUMN, ModelInput
from tasks.image_copies import content_of_copy, suffix_of_copy, write_read_only
from tasks.storage import as_json, file_sha256, from_json, write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy import float64
    from numpy.typing import NDArray

    from tasks.domain.sandboxing import Sandbox
    from tasks.machine import Machine

FILE, DECISION, FLAGGED, REASON = "file", "decision", "flagged", "reason"
"""Columns of the predictions beside one column a class."""

_CARD = "model.json"
_CHECKPOINT = "model.safetensors"
_INPUT_COLUMN = re.compile(rf"""["']{COLUMN}""")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredModel:
    """What `model.json` says of a delivered model, once its files were found unchanged."""

    folder: Path
    classes: tuple[str, ...]
    positive: str
    """Class that the threshold is for; empty if there is none."""
    threshold: float
    """Frozen on validation; nan without a positive class."""
    inputs: tuple[ModelInput, ...] = ()
    """What it sees beside the image; empty for the image alone."""
    trusted_code: bool = False
    """Whether Rounds ships all of its code; false for a model that does not say so."""

    def decide(self, probabilities: NDArray[float64]) -> tuple[list[str], list[bool | None]]:
        """Return the decision on each image, and whether it is flagged as the positive class.

        Two classes are told apart by the frozen threshold; of more classes the most probable one is decided for,
        and the threshold flags the positive class beside it.

        Args:
            probabilities: Shape (n_images, n_classes), in [0, 1].
        """
        most_probable = [self.classes[index] for index in np.argmax(probabilities, axis=1)]
        if not self.positive:
            return most_probable, [None] * len(most_probable)
        column = self.classes.index(self.positive)
        flagged: list[bool | None] = [bool(value >= self.threshold) for value in probabilities[:, column]]
        if len(self.classes) > 2:
            return most_probable, flagged
        return [self.classes[column if flag else 1 - column] for flag in flagged], flagged


def deliver(folder: Path, *, code: Path, checkpoint: Path, facts: Mapping[str, object]) -> None:
    """Write the model folder in one rename; an older delivery at that place is replaced.

    Args:
        folder: The model folder to be.
        code: Clean tree of the final codebase.
        checkpoint: The final checkpoint, a safetensors file.
        facts: `classes` (names in column order), `positive` (class of the threshold, or empty), `threshold`, `inputs` where
            the code reads any, `trusted_code` if Rounds ships all of it, and whatever else should travel with the model: spec,
            hashes, round, study id.

    Raises:
        ValueError: The facts lack one that predictions need.
        ModelDamaged: The checkpoint is no safetensors file, or the codebase holds something other than plain files.
    """
    for name in ("classes", "positive", "threshold"):
        if name not in facts:
            raise ValueError(f"the facts of a delivered model must name its {name}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        _copy_tree(code, staging / "code")
        _copy_file(checkpoint, staging / _CHECKPOINT)
        _check_is_safetensors(staging / _CHECKPOINT)
        card = {**facts, "checkpoint_sha256": file_sha256(staging / _CHECKPOINT), "files": _hashes(staging / "code")}
        write_atomically(staging / _CARD, as_json(card))
        staging.chmod(0o755)
        _replace_folder(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def read_model(folder: Path) -> DeliveredModel:
    """Return what a delivered model is, after checking that each of its files is what was delivered.

    Raises:
        ModelDamaged: A file is missing, was added or was changed.
    """
    try:
        card = json.loads((folder / _CARD).read_text(encoding="utf-8"))
        checkpoint = file_sha256(folder / _CHECKPOINT)
    except (OSError, ValueError) as error:
        raise ModelDamaged(f"{folder} holds no delivered model: {error}") from error
    found = _hashes(folder / "code")
    changed = sorted(name for name in found.keys() | card["files"].keys() if found.get(name) != card["files"].get(name))
    changed += [_CHECKPOINT] if checkpoint != card["checkpoint_sha256"] else []
    if changed:
        raise ModelDamaged(f"the model in {folder} is not what was delivered; changed: {', '.join(changed)}")
    threshold = card["threshold"]
    return DeliveredModel(
        folder=folder,
        classes=tuple(card["classes"]),
        positive=card["positive"],
        threshold=float("nan") if threshold is None else float(threshold),
        inputs=from_json(tuple[ModelInput, ...], json.dumps(card.get("inputs", []))),
        trusted_code=card.get("trusted_code") is True,
    )


def reads_inputs(code: Path) -> bool:
    """Return whether a codebase reads inputs beside the images: it then names their columns, or what these begin with."""
    files = (file for file in code.rglob("*.py") if file.is_file() and not file.is_symlink())
    return any(_INPUT_COLUMN.search(file.read_text(encoding="utf-8", errors="replace")) for file in files)


def predict_images(
    model: Path,
    images: Sequence[Path],
    *,
    sandbox: Sandbox,
    machine: Machine,
    scratch: Path,
    inputs: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Predict new images with a delivered model, in a sandbox.

    Args:
        model: The model folder.
        images: Image files; unreadable ones come back with a reason instead of probabilities.
        sandbox: Where the model's code runs.
        machine: What it may use, `predict_seconds` of wall-clock time among it.
        scratch: Folder for the copies and the log, on a disk with room for them; the copies are removed at the end.
        inputs: What is known of each image beside its pixels, as `given_inputs` returns it; a row an image. None if nothing is.

    Returns:
        One row an image, in the order given: `file`, one column a class (probabilities), `decision`, `flagged`
        (None without a threshold), `reason` (empty unless the image could not be read).

    Raises:
        ModelDamaged: The model folder is not what was delivered.
        TrainingFailed: The model's program crashed or ran out of time.
        PredictionsInvalid: What it wrote is no predictions file for these images.
    """
    delivered = read_model(model)
    scratch.mkdir(parents=True, exist_ok=True)
    workplace = Path(tempfile.mkdtemp(dir=scratch, prefix="predict-"))
    try:
        names, reasons = _stage(images, workplace / "data", delivered.classes, inputs)
        readable = [name for name in names if name]
        probabilities = np.empty((0, len(delivered.classes)))
        if readable:
            probabilities = runs.predict(
                sandbox,
                code=model / "code",
                data=workplace / "data",
                checkpoint=model / _CHECKPOINT,
                out=workplace / "out",
                log=scratch / "predict.log",
                machine=machine,
                images=readable,
                classes=delivered.classes,
                labels={"rounds": "predict"},
                may_be_constant=True,
            )
    finally:
        shutil.rmtree(workplace, ignore_errors=True)
    return _as_table(delivered, images, names, reasons, probabilities)


def _as_table(
    model: DeliveredModel,
    images: Sequence[Path],
    names: Sequence[str],
    reasons: Sequence[str],
    probabilities: NDArray[float64],
) -> pd.DataFrame:
    rows = np.full((len(images), len(model.classes)), np.nan)
    rows[[bool(name) for name in names]] = probabilities
    decided, flagged = (iter(column) for column in model.decide(probabilities))
    table = pd.DataFrame({FILE: [str(image) for image in images]})
    table[list(model.classes)] = rows
    table[DECISION] = [next(decided) if name else "" for name in names]
    table[FLAGGED] = pd.Series([next(flagged) if name else None for name in names], dtype="boolean")
    table[REASON] = list(reasons)
    return table


def _stage(
    images: Sequence[Path], data: Path, classes: Sequence[str], inputs: pd.DataFrame | None
) -> tuple[list[str], list[str]]:
    """Copy readable images under opaque names; return the name of each (empty: unreadable) and why it is unreadable."""
    (data / "images").mkdir(parents=True)
    names, reasons = [], []
    for index, image in enumerate(images):
        reason = _why_unreadable(image)
        digest = hashlib.sha256(f"{index}:{image}".encode(errors="surrogateescape")).hexdigest()
        name = "" if reason else f"{digest[:16]}{suffix_of_copy(image.name)}"
        if name:
            write_read_only(data / "images" / name, content_of_copy(image))
        names.append(name)
        reasons.append(reason)
    asked = pd.DataFrame({"image": names})
    asked = asked if inputs is None else pd.concat([asked, inputs.reset_index(drop=True)], axis=1)
    (data / "images.csv").write_text(asked[asked["image"] != ""].to_csv(index=False), encoding="utf-8")
    (data / "task.json").write_text(json.dumps({"classes": list(classes)}), encoding="utf-8")
    return names, reasons


def _why_unreadable(image: Path) -> str:
    """Return why an image cannot be used, or the empty string."""
    if not image.is_file():
        return "there is no such file"
    return decode(image.parent, image.name).problem


def _check_is_safetensors(checkpoint: Path) -> None:
    try:
        with safe_open(checkpoint, framework="numpy"):
            pass
    except SafetensorError as error:
        raise ModelDamaged(f"the checkpoint is no safetensors file: {error}") from error


def _hashes(code: Path) -> dict[str, str]:
    """Return the SHA-256 of every file by its path; bytecode that Python may have left does not count."""
    files = sorted(path for path in code.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(code).as_posix(): file_sha256(path) for path in files}


def _copy_tree(source: Path, target: Path) -> None:
    for path in sorted(source.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            continue
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        _copy_file(path, place)


def _copy_file(source: Path, target: Path) -> None:
    """Copy a plain file; what untrusted code left is never followed elsewhere."""
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise ModelDamaged(f"{source.name} cannot be delivered: {error}") from error
    with os.fdopen(descriptor, "rb") as opened:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ModelDamaged(f"{source.name} cannot be delivered: it is no plain file")
        with target.open("wb") as written:
            shutil.copyfileobj(opened, written)


def _replace_folder(staging: Path, folder: Path) -> None:
    """Put a finished folder in place; if an older one is there, it steps aside first, as a folder cannot be overwritten."""
    older = folder.with_name(f".{folder.name}.older")
    shutil.rmtree(older, ignore_errors=True)
    if folder.exists():
        folder.rename(older)
    staging.rename(folder)
    shutil.rmtree(older, ignore_errors=True)
