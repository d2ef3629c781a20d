"""Pictures that are masks of other pictures: told by folder and name, and never taken for images of the study."""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pandas as pd

from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import FILE, IMAGE_ID, IMAGE_LABEL, MASK, MASK_COLUMNS, SUPERVISION, UNLABELLED
from tasks.readers.image_files import find_images
from tasks.readers.paths import FOLDERS_OF_IMAGES, is_folder_of_images

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tasks.domain.manifest import Manifest
    from tasks.readers.image_files import ImageFiles


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


_FOLDERS = _set_of(
    "masks mask segmentations segmentation seg segs groundtruth ground_truth gt labels annotations segmentationclass "
    "segmentationobject lesion_masks mask_images manual 1st_manual"
)
_WORDS = _set_of("mask masks segmentation segmentations seg groundtruth groundtruths gt")
_IMAGE_WORDS = FOLDERS_OF_IMAGES | {"input", "inputs"}
_NEGATIONS = _set_of("no non not with without un wearing")
_SUFFIX = re.compile(
    r"[ _.-](?:masks?|segmentations?|seg|segm|groundtruth|ground_truth|gt)(?:[ _.-](?P<rest>.*))?$", re.IGNORECASE
)
_ENOUGH_PAIRS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskFiles:
    """Masks, and which images they are of."""

    folder: Path
    of_image: dict[str, tuple[tuple[str, str], ...]]
    """File relative to `folder`, and kind (may be empty), by image."""
    among_images: frozenset[str]
    """Those of them that lie under the folder of images, relative to it."""
    without_image: tuple[str, ...] = ()
    """Masks that go with no image, relative to `folder`."""


def find_masks(files: ImageFiles, given: Path | None = None) -> MaskFiles | None:
    """Return the mask images of a folder of images, None if there are none.

    A mask lies in a folder that is named for masks, below or beside the images, under the name of its image (`1.png`,
    `1_lesion.png`); or beside its image with a name that says so (`1_mask.png`, `1_segmentation.png`).

    Args:
        files: All pictures of the folder, masks among them.
        given: Folder of masks that the request names.

    Raises:
        DataUnusable: The given folder is not there, or none of its pictures goes with an image.
    """
    if given is not None:
        return _in_given_folder(files, given)
    inside = _among(files)
    if inside is not None:
        return inside
    if not is_folder_of_images(files.folder):
        return None
    for place in sorted(files.folder.parent.iterdir()):
        if is_for_masks(place.name) and place.is_dir() and any(place.iterdir()):
            found = _beside(files, place)
            if found is not None:
                return found
    return None


def without_masks(files: ImageFiles, masks: MaskFiles | None) -> ImageFiles:
    """Return the pictures that are no masks."""
    if masks is None or not masks.among_images:
        return files
    kept = tuple(file for file in files.files if file not in masks.among_images)
    by_stem = {
        stem: left
        for stem, names in files.by_stem.items()
        if (left := tuple(name for name in names if name not in masks.among_images))
    }
    return dataclasses.replace(files, files=kept, by_stem=by_stem)


def _in_given_folder(files: ImageFiles, given: Path) -> MaskFiles:
    inside = given.resolve()
    if inside.is_relative_to(files.folder.resolve()) and inside != files.folder.resolve():
        below = inside.relative_to(files.folder.resolve()).parts
        masks = [file for file in files.files if PurePosixPath(file).parts[: len(below)] == below]
        found = _paired(files, files.folder, masks, among=masks)
    else:
        found = _beside(files, given)
    if found is None:
        raise DataUnusable("none of its pictures has the name of an image", file=given, field="masks")
    return found


def _beside(files: ImageFiles, place: Path) -> MaskFiles | None:
    try:
        masks = find_images(place).files
    except DataUnusable:  # a folder of something else, labels in text files for one
        return None
    return _paired(files, place, masks, among=())


def _among(files: ImageFiles) -> MaskFiles | None:
    in_folders = [file for file in files.files if _lies_among_masks(PurePosixPath(file))]
    found = _paired(files, files.folder, in_folders, among=in_folders) if in_folders else None
    if found is not None:
        return found
    stems = set(files.by_stem)
    by_name = [
        file
        for file in files.files
        if (match := _SUFFIX.search(PurePosixPath(file).stem))
        and PurePosixPath(file).stem[: match.start()].lower() in stems
    ]
    return _paired(files, files.folder, by_name, among=by_name) if by_name else None


def is_for_masks(folder: str) -> bool:
    """Return whether a folder is named for masks: `masks`, `2d_masks`, `Training_GroundTruth`, but not `no_mask`."""
    words = _words_of(folder)
    return folder.lower() in _FOLDERS or (bool(_WORDS & set(words)) and not _NEGATIONS & set(words))


def _words_of(folder: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", folder.replace("GroundTruth", "groundtruth"))
    return re.findall(r"[a-z0-9]+", spaced.lower().replace("ground_truth", "groundtruth"))


def _lies_among_masks(path: PurePosixPath) -> bool:
    """Return whether the innermost folder that says what lies in it says masks; so `Kvasir-SEG/images` holds images."""
    for folder in reversed(path.parts[:-1]):
        if folder.lower() in FOLDERS_OF_IMAGES:
            return False
        if is_for_masks(folder):
            return True
    return False


def _paired(files: ImageFiles, folder: Path, masks: Sequence[str], *, among: Sequence[str]) -> MaskFiles | None:
    """Return masks with their images, None if too few go with one to be masks at all."""
    own = set(among)
    images: dict[str, list[str]] = defaultdict(list)
    for file in files.files:
        if file not in own:
            images[PurePosixPath(file).stem.lower()].append(file)
    of_image: dict[str, list[tuple[str, str]]] = defaultdict(list)
    alone = []
    for mask in masks:
        image, kind = _image_of(mask, images)
        if image:
            of_image[image].append((mask, kind))
        else:
            alone.append(mask)
    if len(masks) - len(alone) < _ENOUGH_PAIRS * len(masks) or not of_image:
        return None
    return MaskFiles(
        folder=folder,
        of_image={image: tuple(found) for image, found in of_image.items()},
        among_images=frozenset(own),
        without_image=tuple(alone),
    )


def _image_of(mask: str, images: dict[str, list[str]]) -> tuple[str, str]:
    """Return the image of a mask, and the kind that its name or its folder says."""
    path = PurePosixPath(mask)
    match = _SUFFIX.search(path.stem)
    base, rest = (path.stem[: match.start()], match["rest"] or "") if match else (path.stem, "")
    if path.stem.lower() in images:
        base, rest = path.stem, ""
    while base.lower() not in images:
        base, mark, word = base.rpartition("_")
        if not mark:
            return "", ""
        rest = f"{word}_{rest}".strip("_")
    found = images[base.lower()]
    if len(found) > 1:
        places = _places(path)
        found = [file for file in found if _places(PurePosixPath(file)) == places] or found
    if len(found) > 1:
        return "", ""
    below = [part for part in _places(path) if part not in _places(PurePosixPath(found[0]))]
    words = re.sub(r"\W+|_|\d+$", " ", rest).strip()
    return found[0], words or " ".join(below)


def _places(path: PurePosixPath) -> tuple[str, ...]:
    """Return the folders of a path without those, and without the words of them, that only say image or mask."""
    own = [[word for word in _words_of(part) if word not in _WORDS | _IMAGE_WORDS] for part in path.parts[:-1]]
    said = [" ".join(words) for part, words in zip(path.parts[:-1], own, strict=True) if part.lower() not in _FOLDERS]
    return tuple(words for words in said if words)


def with_masks(manifest: Manifest, masks: MaskFiles) -> Manifest:
    """Return a manifest with the masks of its images; an image that has no other supervision has a mask now."""
    rows = manifest.rows.copy()
    cells = [
        (name, kind, mask, "", "", 0, "")
        for name, file in zip(rows[IMAGE_ID], rows[FILE], strict=True)
        for mask, kind in masks.of_image.get(file, ())
    ]
    table = pd.DataFrame(cells, columns=list(MASK_COLUMNS)).astype({"row": int})
    has_mask = rows[FILE].isin(masks.of_image)
    rows[SUPERVISION] = rows[SUPERVISION].mask(has_mask & rows[SUPERVISION].isin([IMAGE_LABEL, UNLABELLED]), MASK)
    note = f"{len(table)} pictures are masks of {int(has_mask.sum())} images; they are no images themselves."
    alone = f" {len(masks.without_image)} masks go with no image." if masks.without_image else ""
    return dataclasses.replace(
        manifest, rows=rows, masks=table, mask_folder=masks.folder, notes=(*manifest.notes, note + alone)
    )
