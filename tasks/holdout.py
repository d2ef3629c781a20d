"""The sealed test set: the only place that reads or writes it.

    holdout/            0700, never mounted
      seal.json         hashes of everything below
      labels.parquet    image, label (as in the data), group (a number), and the attribute columns
      data/             what `predict` gets mounted, once the holdout is opened
        images/  images.csv (image and, where the request allows them, its inputs)  task.json (written at the opening)

Opening is one entry of the ledger, made under its lock, that names what is tested. Whoever comes with other hashes is refused, and
the refusal is an entry too. What this does not protect against: someone who reads the folder with the rights of its owner.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from tasks.chain import Entry
from tasks.domain.errors import HoldoutAlreadyOpened, HoldoutChanged, StudyBlocked, StudyNotFound
from tasks.domain.manifest import ATTRIBUTE, GROUP, LABEL, SPLIT, TEST, Manifest
from tasks.image_copies import copy_images, in_opaque_order, opaque_groups, opaque_names, write_read_only
from tasks.input_columns import input_columns
from tasks.ledger import Session, exclusive, verify

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tasks.domain.model_input import ModelInput

SEALING, SEALED = "holdout_sealing_began", "holdout_sealed"
OPENED, RESUMED = "holdout_opened", "holdout_opening_resumed"
REFUSED, CHANGED, CLOSED = "holdout_opening_refused", "holdout_found_changed", "holdout_closed"

LABELS = "labels.parquet"

FINGERPRINTS = ("spec", "protocol", "initial_code", "initial_checkpoint", "final_code", "final_checkpoint")
"""What an opening must name by SHA-256."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedHoldout:
    """The holdout, in the hands of the one evaluation that may see it."""

    data: Path
    """Folder to mount for `predict`: images/, images.csv, task.json; no labels."""
    labels: pd.DataFrame
    """Columns image (file name), label (as in the data), group (int) and the attributes; rows in the order of images.csv."""
    opened_at: str
    """UTC, ISO 8601, of the first opening."""
    anchored: bool
    """False if the ledger came from another machine, so that an earlier opening there could be missing from it."""


def seal(
    folder: Path,
    manifest: Manifest,
    *,
    ledger: Path,
    anchors: Path,
    inputs: Sequence[ModelInput] = (),
    actor: str = "system",
) -> str:
    """Copy the test images and labels to a folder of their own, hash them, and enter that in the ledger.

    Until the last entry is made nothing is sealed, and an unfinished folder is made anew; after it, this only checks and returns.
    What `predict` is told of each image beside its name, the inputs, is sealed with them in images.csv.

    Returns:
        SHA-256 of the seal.

    Raises:
        StudyBlocked: The manifest has no test image.
        HoldoutChanged: Another test set, or another seal, than the one in the ledger; or a holdout that it does not know.
        DataUnusable: An image cannot be read.
        LedgerBroken: The ledger is not what was written.
    """
    rows = in_opaque_order(manifest.rows[manifest.rows[SPLIT] == TEST])
    if rows.empty:
        raise StudyBlocked("no image was set aside for the test, so no honest result is possible")
    labels = _labels(rows)
    test_set = hashlib.sha256(labels[["image", "label", "group"]].to_csv(index=False).encode()).hexdigest()
    with exclusive(ledger, anchors=anchors) as session:
        sealed = session.last(SEALED)
        if sealed is not None:
            _check_seal(folder, str(sealed.facts["seal"]))
            if sealed.facts["test_set"] != test_set:
                raise HoldoutChanged(
                    "the manifest names another test set (images, labels or groups) than the one that was sealed"
                )
            return str(sealed.facts["seal"])
        if session.last(SEALING) is not None:
            _remove(folder)  # left by a kill before the seal was entered
        elif folder.exists():
            raise HoldoutChanged(f"there is a holdout at {folder}, but the ledger knows nothing of it")
        else:
            session.append(SEALING, actor=actor, facts={"test_set": test_set})
        asked = pd.concat([labels[["image"]], input_columns(rows, inputs)], axis=1)
        sha256 = _make(folder, rows, labels, asked, manifest.images)
        counts = {str(label): int(count) for label, count in labels["label"].value_counts().sort_index().items()}
        facts = {
            "seal": sha256,
            "test_set": test_set,
            "images": len(labels),
            "groups": int(labels["group"].nunique()),
            "labels": counts,
        }
        session.append(SEALED, actor=actor, facts=facts)
        return sha256


def open_once(
    folder: Path,
    *,
    ledger: Path,
    anchors: Path,
    fingerprints: Mapping[str, str],
    classes: Sequence[str],
    actor: str = "system",
) -> OpenedHoldout:
    """Open the holdout for one evaluation of the initial and the final model together.

    The same fingerprints may come again until `close`, so that an evaluation that was killed can be finished.

    Args:
        folder: The sealed folder.
        ledger: The study's ledger.
        anchors: Folder of the ledgers' heads.
        fingerprints: SHA-256 of each of `FINGERPRINTS`, and more if wanted.
        classes: Names of the prediction columns; all that `predict` is told.
        actor: Who opens; never an agent.

    Raises:
        HoldoutAlreadyOpened: It was opened with other fingerprints, or closed; the attempt is now in the ledger.
        HoldoutChanged: Images or labels are not what was sealed; the finding is now in the ledger.
        StudyNotFound: It was never sealed.
        LedgerBroken: The ledger is not what was written.
        ValueError: A fingerprint is missing, or an agent asks.
    """
    missing = [name for name in FINGERPRINTS if not fingerprints.get(name)]
    if missing:
        raise ValueError(f"an opening must name the hash of: {', '.join(missing)}")
    if actor.startswith("agent"):
        raise ValueError("an agent may not open the holdout")
    with exclusive(ledger, anchors=anchors) as session:
        anchored = session.anchored
        sealed = session.last(SEALED)
        if sealed is None:
            raise StudyNotFound("the holdout was never sealed")
        opened = session.last(OPENED)
        _refuse_another(session, opened, dict(fingerprints), actor)
        labels = _verified_labels(folder, sealed, session, actor)
        if opened is None:
            opened = session.append(
                OPENED, actor=actor, facts={"fingerprints": dict(fingerprints), "seal": sealed.facts["seal"]}
            )
        else:
            session.append(RESUMED, actor=actor, facts={"opened_by_entry": opened.number})
    _write_task(folder / "data", classes)
    return OpenedHoldout(data=folder / "data", labels=labels, opened_at=opened.at, anchored=anchored)


def close(*, ledger: Path, anchors: Path, evaluation_sha256: str, actor: str = "system") -> None:
    """Enter the result of the evaluation; from now on nothing opens the holdout again.

    Raises:
        HoldoutAlreadyOpened: It was closed with another result.
        StudyNotFound: It was never opened.
        LedgerBroken: The ledger is not what was written.
    """
    with exclusive(ledger, anchors=anchors) as session:
        if session.last(OPENED) is None:
            raise StudyNotFound("the holdout was never opened, so there is no result to enter")
        closed = session.last(CLOSED)
        if closed is None:
            session.append(CLOSED, actor=actor, facts={"evaluation": evaluation_sha256})
        elif closed.facts["evaluation"] != evaluation_sha256:
            raise HoldoutAlreadyOpened(f"the holdout was closed at {closed.at} with another result")


def is_opened(*, ledger: Path, anchors: Path) -> bool:
    """Return whether the holdout was ever opened.

    Raises:
        LedgerBroken: The ledger is not what was written.
    """
    return any(entry.event == OPENED for entry in verify(ledger, anchors=anchors).entries)


def sealed_facts(*, ledger: Path, anchors: Path) -> dict[str, object] | None:
    """Return what the ledger says of the sealed set (seal, test_set, images, groups, labels), or None if it is not sealed.

    Raises:
        LedgerBroken: The ledger is not what was written.
    """
    entries = verify(ledger, anchors=anchors).entries
    return next((dict(entry.facts) for entry in reversed(entries) if entry.event == SEALED), None)


def _labels(rows: pd.DataFrame) -> pd.DataFrame:
    attributes = {column: rows[column] for column in rows.columns if column.startswith(ATTRIBUTE)}
    columns = {
        "image": opaque_names(rows),
        "label": rows[LABEL].astype(str),
        "group": opaque_groups(rows[GROUP]),
        **attributes,
    }
    return pd.DataFrame(columns)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _make(folder: Path, rows: pd.DataFrame, labels: pd.DataFrame, asked: pd.DataFrame, source: Path) -> str:
    partial = folder.with_name(f"{folder.name}.partial")
    _remove(partial)
    partial.mkdir(parents=True, mode=0o700)
    hashes = copy_images(rows, source, partial / "data" / "images")
    write_read_only(partial / "data" / "images.csv", asked.to_csv(index=False).encode())
    labels.to_parquet(partial / LABELS, index=False)
    (partial / LABELS).chmod(0o400)
    files = {f"data/images/{name}": sha256 for name, sha256 in hashes.items()}
    files |= {name: _sha256(partial / name) for name in ("data/images.csv", LABELS)}
    write_read_only(partial / "seal.json", json.dumps({"files": files}, indent=1, sort_keys=True).encode())
    partial.replace(folder)
    return _sha256(folder / "seal.json")


def _check_seal(folder: Path, expected: str) -> dict[str, str]:
    try:
        content = (folder / "seal.json").read_bytes()
    except OSError as error:
        raise HoldoutChanged(f"the seal cannot be read: {folder / 'seal.json'}") from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise HoldoutChanged("seal.json is not the one in the ledger")
    files: dict[str, str] = json.loads(content)["files"]
    return files


def _refuse_another(session: Session, opened: Entry | None, fingerprints: dict[str, str], actor: str) -> None:
    if opened is None:
        return
    known = opened.facts["fingerprints"]
    closed = session.last(CLOSED)
    if closed is None and known == fingerprints:
        return
    reason = (
        f"opened at {opened.at} with other hashes" if known != fingerprints else f"evaluated and closed at {opened.at}"
    )
    session.append(REFUSED, actor=actor, facts={"reason": reason, "fingerprints": fingerprints})
    raise HoldoutAlreadyOpened(f"the holdout was {reason}; this attempt is in the ledger")


def _verified_labels(folder: Path, sealed: Entry, session: Session, actor: str) -> pd.DataFrame:
    try:
        return _labels_as_sealed(folder, str(sealed.facts["seal"]))
    except HoldoutChanged as error:
        session.append(CHANGED, actor=actor, facts={"problem": str(error)})
        raise


def _labels_as_sealed(folder: Path, seal_sha256: str) -> pd.DataFrame:
    """Return the labels, from the very bytes that were hashed."""
    files = _check_seal(folder, seal_sha256)
    content = _read_regular(folder / LABELS)
    problems = _differences(folder, files, content)
    if problems or content is None:
        shown = ", ".join(problems[:5]) + (f" and {len(problems) - 5} more" if len(problems) > 5 else "")
        raise HoldoutChanged(f"the holdout is not what was sealed: {shown}")
    return pd.read_parquet(io.BytesIO(content))


def _differences(folder: Path, files: dict[str, str], labels: bytes | None) -> list[str]:
    problems = []
    for name, sha256 in files.items():
        content = labels if name == LABELS else _read_regular(folder / name)
        if content is None:
            problems.append(f"{name} is missing")
        elif hashlib.sha256(content).hexdigest() != sha256:
            problems.append(f"{name} was changed")
    # task.json is written by an opening, and again by the next one
    known = {*files, "seal.json", "data/task.json", "task.json.partial"}
    present = (
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()
    )
    return problems + [f"{name} was added" for name in sorted(present) if name not in known]


def _read_regular(file: Path) -> bytes | None:
    """Return the content of a file, or None where there is none (or a link, which is not what was sealed)."""
    return file.read_bytes() if file.is_file() and not file.is_symlink() else None


def _write_task(data: Path, classes: Sequence[str]) -> None:
    partial = data.parent / "task.json.partial"
    partial.unlink(missing_ok=True)
    write_read_only(partial, json.dumps({"classes": list(classes)}).encode())
    partial.replace(data / "task.json")


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
