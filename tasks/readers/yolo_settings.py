"""data.yaml, or a list of names: what YOLO's numbers mean, and which images belong to which split."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import yaml

from tasks.domain.errors import DataUnusable
from tasks.readers.given_splits import split_of_word
from tasks.readers.paths import files_below, leaves_folder

_LISTS_OF_NAMES = frozenset({"classes.txt", "obj.names", "labels.txt", "names.txt", "_darknet.labels"})
_LARGEST_FILE_BYTES = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class YoloSettings:
    """What is said beside the label files."""

    source: str = ""
    """Name of the file; empty if there is none."""
    names: dict[int, str] = field(default_factory=dict)
    """Name by number of the class."""
    folders: tuple[tuple[tuple[str, ...], str], ...] = ()
    """Parts of a folder's path, in lower case, and the split that lies in it."""
    listed: dict[str, str] = field(default_factory=dict)
    """Split by the name of an image, where a split is a list of files."""
    keypoint_numbers: int = 0
    """Numbers that follow a box for its keypoints."""

    def split_of(self, file: str) -> str:
        """Return the split of an image, empty if it has none."""
        path = PurePosixPath(file)
        if path.name in self.listed:
            return self.listed[path.name]
        parts = tuple(part.lower() for part in path.parts[:-1])
        given = {
            split
            for folder, split in self.folders
            if any(parts[start : start + len(folder)] == folder for start in range(len(parts)))
        }
        if not self.folders:
            given = {split for part in parts if (split := split_of_word(part)) is not None}
        return given.pop() if len(given) == 1 else ""


def read_yolo_settings(images: Path) -> YoloSettings | None:
    """Return what data.yaml, or else a list of names, says of a folder; None if there is neither.

    Looked for under the folder, and beside it if it is named `images`.

    Raises:
        DataUnusable: There are several that differ, or the names cannot be used.
    """
    places = [images, *([images.parent] if images.name.lower() == "images" else [])]
    found = [settings for place in places for path in _yaml_files(place) if (settings := _of_yaml(path)) is not None]
    if not found:
        found = [_of_list(path) for place in places for path in _name_lists(place)]
    if any(other.names != found[0].names for other in found[1:]):
        listed = ", ".join(settings.source for settings in found)
        raise DataUnusable(f"several files name the classes, and differently: {listed}; keep one", file=images)
    return found[0] if found else None


def _yaml_files(place: Path) -> list[Path]:
    below = files_below(place, {".yaml", ".yml"}) if place.name.lower() != "labels" else []
    return [path for path in below if path.stat().st_size <= _LARGEST_FILE_BYTES]


def _name_lists(place: Path) -> list[Path]:
    below = files_below(place, {".txt", ".names", ".labels"})
    return [
        path for path in below if path.name.lower() in _LISTS_OF_NAMES and path.stat().st_size <= _LARGEST_FILE_BYTES
    ]


def _of_list(path: Path) -> YoloSettings:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return YoloSettings(source=path.name, names=dict(enumerate(line.strip() for line in lines if line.strip())))


def _of_yaml(path: Path) -> YoloSettings | None:
    """Return the settings of a YAML file; None if it is no data.yaml."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8", errors="replace"))
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    if not isinstance(content, dict) or "names" not in content:
        return None
    names = _names(content["names"], path)
    folders: list[tuple[tuple[str, ...], str]] = []
    listed: dict[str, str] = {}
    for word, where in content.items():
        split = split_of_word(str(word))
        for place in where if isinstance(where, list) else [where]:
            if split is None or not isinstance(place, str):
                continue
            if place.lower().endswith(".txt"):
                listed |= _listed(path.parent, place, split)
            elif parts := _folder(place):
                folders.append((parts, split))
    return YoloSettings(
        source=path.name,
        names=names,
        folders=tuple(folders),
        listed=listed,
        keypoint_numbers=_keypoint_numbers(content.get("kpt_shape")),
    )


def _keypoint_numbers(shape: object) -> int:
    if not isinstance(shape, list) or len(shape) != 2 or not all(isinstance(side, int) for side in shape):
        return 0
    return int(shape[0] * shape[1])


def _names(given: object, path: Path) -> dict[int, str]:
    pairs = (
        list(enumerate(given)) if isinstance(given, list) else list(given.items()) if isinstance(given, dict) else []
    )
    names = {
        int(key): str(name).strip()
        for key, name in pairs
        if isinstance(key, int) and isinstance(name, str | int | float) and str(name).strip()
    }
    if not names or len(names) != len(pairs):
        problem = "must list the names of the classes, or give each number a name"
        raise DataUnusable(problem, file=path, field="names")
    if len(set(names.values())) < len(names):
        raise DataUnusable("two classes have one name", file=path, field="names")
    return names


def _folder(place: str) -> tuple[str, ...]:
    """Return the last parts of a split's folder: exports are moved about, and write `../train/images` for `train/images`."""
    parts = [part.lower() for part in PurePosixPath(place.replace("\\", "/")).parts if part not in {".", "..", "/"}]
    return tuple(parts[-2:])


def _listed(folder: Path, place: str, split: str) -> dict[str, str]:
    path = folder / place.replace("\\", "/").removeprefix("./")
    if leaves_folder(place) or not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return {PurePosixPath(line.strip().replace("\\", "/")).name: split for line in lines if line.strip()}
