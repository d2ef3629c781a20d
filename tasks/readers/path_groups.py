"""Patients that are named by folders only: their images stay together, and their folders are no classes."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tasks.domain.manifest import FILE, GROUP, LABEL, SUPERVISION, UNLABELLED, Manifest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

FOLDER_OF_PATIENT = "folder of the patient"
"""What is said of where the groups come from; no column of a table."""

_PATIENT = re.compile(
    r"(?:(?:patient|patientin|pat|pt|subject|subj|person|case|participant|proband|probandin|donor|animal|fall|mrn|pid)s?"
    r"[ _.(#-]*(?:id|nr|no)?[ _.(#-]*[a-z]{0,3}[ _-]?\d+\)?|sub-[a-z0-9]+)",
    re.IGNORECASE,
)
_CLASS_WORD = re.compile(
    r"grade|grad|class|klasse|stage|stadium|type|typ|level|score|label|categor|kategorie|birads|bi-rads|severity|dx|kl|"
    r"diagnos|gleason|isup|status",
    re.IGNORECASE,
)
_SHORT = 2
"""Letters; what is as short, T1 and T2 or G1 to G3, may be a stage or a grade."""
_MANY_FOLDERS, _FEW_IMAGES = 20, 10
_LEAST_ID = 100
_SIDE = re.compile(r"(?P<name>.*\w)[ _-](?P<side>left|right|l|r)", re.IGNORECASE)
_ID = re.compile(r"\d{3}")
_NO_ID = re.compile(
    r"part|batch|images?|imgs?|set|fold|chunk|archive|export|stage|grade|type|level|\d+x", re.IGNORECASE
)
_FEWEST_PATIENTS = 3
_FEWEST_FOLDERS_OF_IDS = 6


def patient_of(file: str) -> str:
    """Return the outermost folder of a path that clearly names a patient (`patient00426`, `Pat_7`, `sub-01`), else nothing."""
    return next((part for part in PurePosixPath(file).parts[:-1] if _PATIENT.fullmatch(part)), "")


def are_patients_or_parts(folders: Mapping[str, int]) -> bool:
    """Return whether folders are named for patients, or numbered as parts of an export are, rather than for classes.

    Args:
        folders: Number of images by name.
    """
    if sum(bool(_PATIENT.fullmatch(name)) for name in folders) > len(folders) / 2:
        return True
    if len(folders) >= _MANY_FOLDERS and sum(folders.values()) < _FEW_IMAGES * len(folders):
        return True
    if all(name.isdecimal() for name in folders):
        return len(folders) >= _FEWEST_PATIENTS and max(map(int, folders)) >= _LEAST_ID
    numbered = {re.sub(r"\d+", "", name.lower()) for name in folders if re.search(r"\d", name)}
    if len(numbered) != 1 or not all(re.search(r"\d", name) for name in folders):
        return False
    word = re.sub(r"[\W_]+", "", numbered.pop())
    return len(word) > _SHORT and not _CLASS_WORD.search(word)


def are_ids(folders: Collection[str]) -> bool:
    """Return whether folders below classes are called by ids of patients, slides or lesions: `P010`, `14-22549AB`."""
    return len(folders) >= _FEWEST_PATIENTS and all(
        _PATIENT.fullmatch(name) or (_ID.search(name) and not _NO_ID.search(name)) for name in folders
    )


def with_patient_folders(manifest: Manifest) -> Manifest:
    """Return a manifest whose images in folders of one patient share a group, unless the data say otherwise who is who."""
    if manifest.roles.group is not None:
        return manifest
    rows = manifest.rows
    named = rows[FILE].map(patient_of)
    by_pairs = False
    if not (named != "").any():
        folder_of = _folders_of_ids(rows[FILE].tolist())
        named = rows[FILE].map(lambda file: folder_of.get(file, ""))
    if not (named != "").any():
        pair_of = _pairs_of_sides(rows[FILE].tolist())
        named, by_pairs = rows[FILE].map(lambda file: pair_of.get(file, "")), bool(pair_of)
    if named[named != ""].nunique() < 2:
        return manifest
    key = hashlib.sha256("\n".join(sorted(set(named))).encode("utf-8", "surrogateescape")).hexdigest()
    opaque = {
        name: hashlib.sha256(f"{key}/{name.lower()}".encode("utf-8", "surrogateescape")).hexdigest()[:16]
        for name in named.unique()
    }
    groups = named.map(opaque).where(named != "", rows[GROUP])
    rest = int((named == "").sum())
    note = (
        f"Folders name {len(set(opaque.values())) - bool(rest):,} patients, and images of one stay together; a name that recurs "
        "in several places counts as one patient."
    )
    if by_pairs:
        note = f"Names of files end in the left or the right side: both of one name stay together, {len(set(opaque.values())):,} in all."
    note += f" {rest:,} images lie in no such folder and stand for themselves." if rest else ""
    return dataclasses.replace(
        manifest,
        rows=rows.assign(**{GROUP: groups.astype("str")}),
        roles=dataclasses.replace(manifest.roles, group=FOLDER_OF_PATIENT),
        notes=(*manifest.notes, note),
    )


def _folders_of_ids(files: Sequence[str]) -> dict[str, str]:
    """Return the folder of an id by file, from the outermost level that holds nothing but such folders; else nothing."""
    parts = {file: PurePosixPath(file).parts[:-1] for file in files}
    for depth in range(min(map(len, parts.values()), default=0)):
        names = Counter(folders[depth] for folders in parts.values())
        is_numbered = all(name.isdecimal() for name in names) and max(map(int, names)) >= _LEAST_ID
        if len(names) >= _FEWEST_FOLDERS_OF_IDS and (is_numbered or (depth and are_ids(names))):
            return {file: folders[depth] for file, folders in parts.items()}
    return {}


def _pairs_of_sides(files: Sequence[str]) -> dict[str, str]:
    """Return the name without the side by file, as in `17_left.jpeg`; nothing unless most names have both sides."""
    found = {file: _SIDE.fullmatch(PurePosixPath(file).stem) for file in files}
    sides = {file: (match["name"], match["side"][0].lower()) for file, match in found.items() if match}
    both = Counter(name for name, _ in set(sides.values()))
    paired = sum(both[name] > 1 for name, _ in sides.values())
    return {file: name for file, (name, _) in sides.items()} if paired > len(files) / 2 else {}


def without_patients_as_classes(manifest: Manifest) -> Manifest:
    """Return a manifest without labels if each of three or more folders of classes holds one patient of the headers."""
    rows = manifest.rows
    if manifest.kind != "class_folders" or manifest.roles.group is None:
        return manifest
    pairs = rows[[LABEL, GROUP]].drop_duplicates()
    if len(pairs) < _FEWEST_PATIENTS or pairs[LABEL].duplicated().any() or pairs[GROUP].duplicated().any():
        return manifest
    note = (
        f"Each of the {len(pairs):,} sub-folders holds the images of one patient, so they are not taken for classes. "
        "Nothing else says what the images show."
    )
    kept = [told for told in manifest.notes if not told.startswith("The sub-folders are taken for classes")]
    return dataclasses.replace(
        manifest,
        kind="unlabelled",
        rows=rows.assign(**{LABEL: "", SUPERVISION: UNLABELLED}),
        notes=(*kept, note),
    )
