"""Files beside the images that look as if they said something of them, and are in a form that is not read: each kind is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.domain.manifest import with_notes
from tasks.readers.coco import may_be_coco
from tasks.readers.mask_images import is_for_masks
from tasks.readers.paths import files_below, is_folder_of_images, places_of_annotations

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.domain.manifest import Manifest

_ARRAYS = (".npy", ".npz", ".mat")


def with_files_passed_over(manifest: Manifest) -> Manifest:
    """Return a manifest with a note on arrays, and on JSON that is not COCO, in its folder and in those of masks beside it.

    Files are counted, not named: they are often called by an image or a patient.
    """
    images = manifest.images
    notes = []
    places = dict.fromkeys((*places_of_annotations(images), *_masks_beside(images)))
    found = [path for place in places for path in files_below(place, {*_ARRAYS, ".json"})]
    arrays = [path for path in found if path.suffix.lower() in _ARRAYS]
    others = [path for path in found if path.suffix.lower() == ".json" and not may_be_coco(path)]
    if arrays:
        kinds = ", ".join(sorted({path.suffix.lower() for path in arrays}))
        notes.append(
            f"{_files(len(arrays), f'of arrays ({kinds})')} not read; if these are masks, save them as pictures (PNG) called as "
            "their images, in a folder named masks."
        )
    if others:
        notes.append(
            f"{_files(len(others), 'of JSON')} not COCO and {'was' if len(others) == 1 else 'were'} not read; if "
            f"{'it holds' if len(others) == 1 else 'they hold'} boxes or labels, export them as COCO, or as a table (CSV)."
        )
    return with_notes(manifest, *notes)


def _files(number: int, kind: str) -> str:
    return f"{number:,} file {kind} is" if number == 1 else f"{number:,} files {kind} are"


def _masks_beside(images: Path) -> list[Path]:
    if not is_folder_of_images(images) or not images.is_dir():
        return []
    return [place for place in sorted(images.parent.iterdir()) if is_for_masks(place.name) and place.is_dir()]
