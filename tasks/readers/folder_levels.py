"""What each level of nested folders says of an image: its split, its class, whose it is, or something else.

Only the place where folders stand and what they are called is looked at. A level of classes is one whose names are few and
hold several images each. Of several such levels the label is the one that has a word for nothing found (`normal`,
`negative`), else the innermost one if each of its folders lies in one folder only (a tree of diagnoses), else the
outermost one. The others are kept as attributes, so that nothing is lost and a wrong choice shows.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tasks.domain.manifest import TRAIN
from tasks.readers.given_splits import split_of_word
from tasks.readers.multi_label import means_nothing
from tasks.readers.path_groups import are_ids, are_patients_or_parts
from tasks.readers.paths import FOLDERS_OF_IMAGES

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST_IMAGES_OF_A_CLASS = 2
"""On average; below it, folders are patients or studies rather than classes, where nobody said what they are."""
_FEWEST_OF_AN_INNER_CLASS, _MOST_INNER_CLASSES = 3, 50
_NEGATIVE = re.compile(
    r"(?:non?|not|without)[ _-].+|negatives?|neg|controls?|benign|benigne|gutartig|unauffällig|gesund", re.IGNORECASE
)
_PLACE = re.compile(
    r"(?:hospital|site|cent(?:er|re)|clinic|klinik|scanner|camera|device|batch|part|fold|machine)[ _-]?\w*|\d+x",
    re.IGNORECASE,
)
_STUDY = re.compile(r"(?:study|series|visit|exam|scan|session)s?[ _-]?\d+[ _-]+(?P<word>[a-z][a-z _-]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderLevels:
    """What the folders of images say; every dict is by file."""

    labels: dict[str, str]
    """Empty if no level holds classes."""
    splits: dict[str, str] = field(default_factory=dict)
    others: dict[str, dict[str, str]] = field(default_factory=dict)
    """Names of the folders of other levels, by a name for the level."""
    notes: tuple[str, ...] = ()


def folder_levels(
    files: Sequence[str], *, fewest: int = FEWEST_IMAGES_OF_A_CLASS, of_images: bool = False
) -> FolderLevels:
    """Return what the folders say.

    Args:
        files: Relative to the folder of all, POSIX separators.
        fewest: Images that a class must have on average.
        of_images: Whether the outermost folders may be classes even if one is named for images, or all for patients: somebody
            said so.
    """
    above = folders_above(files)
    parts = {file: PurePosixPath(file).parts[above:-1] for file in files}
    nested = _aligned({file: folders for file, folders in parts.items() if folders})
    if not nested:
        return FolderLevels(labels={})
    first = Counter(folders[0].lower() for folders in nested.values())
    if FOLDERS_OF_IMAGES & set(first) and not of_images:
        return FolderLevels(labels={})
    levels = _levels(nested)
    splits: dict[str, str] = {}
    for level in [level for level in levels if _is_split(level)]:
        levels.remove(level)
        splits = splits or {file: str(split_of_word(name)) for file, name in level.items()}
    levels = [_without_study_numbers(level) for level in levels]
    classes = [level for level in levels if _may_be_classes(level, fewest)]
    inner = [level for level in classes if _may_be_inner_classes(level)]
    classes = inner if len(classes) > 1 and inner else classes[:1]
    if not classes and of_images and levels:
        classes = levels[:1]
    if not classes:
        return FolderLevels(labels={}, splits=splits)
    chosen, why = _label_level(classes)
    names = {f"folder level {number}": level for number, level in enumerate(classes, start=1)}
    others = {name: level for name, level in names.items() if level is not chosen}
    spelled = _spelled_alike(chosen)
    notes = [_told(spelled)]
    notes += (
        [f"{why} What other levels of folders say is kept as {', '.join(others)}: {_listed(others)}."] if others else []
    )
    return FolderLevels(labels=spelled, splits=splits, others=others, notes=tuple(notes))


def folders_above(files: Sequence[str]) -> int:
    """Return how many folders, one in the other, hold all that is there, as an unpacked archive leaves them.

    A single folder of images is not one of them, nor is one for training: those say something.
    """
    folders = [PurePosixPath(file).parts[:-1] for file in files]
    shared = 0
    while all(len(parts) > shared for parts in folders) and len({parts[shared] for parts in folders}) == 1:
        if split_of_word(folders[0][shared]) == TRAIN:
            return shared
        shared += 1
    return shared if any(len(parts) > shared for parts in folders) else max(shared - 1, 0)


def top_folders(files: Sequence[str]) -> Counter[str]:
    """Return how many images lie in each of the outermost folders that are no splits, in lower case."""
    above = folders_above(files)
    parts = [PurePosixPath(file).parts[above:-1] for file in files]
    depth = 2 if any(folders and split_of_word(folders[0]) == TRAIN for folders in parts) else 1
    return Counter(folders[depth - 1].lower() for folders in parts if len(folders) >= depth)


def _aligned(parts: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the folders of each file, from the split on where a copy of the data lies one folder deeper than the other."""
    splits = {
        file: [number for number, name in enumerate(folders) if split_of_word(name)] for file, folders in parts.items()
    }
    starts = {found[0] for found in splits.values() if found}
    is_uneven = (
        len(starts) > 1
        and all(splits.values())
        and any(split_of_word(folders[0]) == TRAIN for folders in parts.values())
    )
    return {file: folders[splits[file][0] :] for file, folders in parts.items()} if is_uneven else parts


def _levels(parts: dict[str, tuple[str, ...]]) -> list[dict[str, str]]:
    """Return the levels that all files have, without those that only say that images lie there, or that have one name."""
    told = {
        file: [name for number, name in enumerate(folders) if not number or name.lower() not in FOLDERS_OF_IMAGES]
        for file, folders in parts.items()
    }
    depth = min(map(len, told.values()))
    levels = [{file: names[number] for file, names in told.items()} for number in range(depth)]
    return [levels[0], *(level for level in levels[1:] if len(set(level.values())) > 1)]


def _is_split(level: dict[str, str]) -> bool:
    splits = {split_of_word(name) for name in set(level.values())}
    return TRAIN in splits and None not in splits


def _without_study_numbers(level: dict[str, str]) -> dict[str, str]:
    """Return `positive` and `negative` for a level of studies called `study1_positive` and so on."""
    found = {name: _STUDY.fullmatch(name) for name in set(level.values())}
    words = {name: match["word"] for name, match in found.items() if match}
    is_told = len(words) == len(found) and 2 <= len(set(words.values())) <= _MOST_INNER_CLASSES
    return {file: words[name] for file, name in level.items()} if is_told else level


def _may_be_classes(level: dict[str, str], fewest: int) -> bool:
    names = Counter(name.lower() for name in level.values())
    if len(names) < 2 or are_patients_or_parts(names):
        return False
    return sum(names.values()) >= fewest * len(names)


def _may_be_inner_classes(level: dict[str, str]) -> bool:
    """Return whether a level can be one of several levels of classes: not that of slides or lesions below them."""
    names = Counter(level.values())
    is_few = len(names) <= _MOST_INNER_CLASSES and len(level) >= _FEWEST_OF_AN_INNER_CLASS * len(names)
    return is_few and not are_ids(names)


def _label_level(classes: list[dict[str, str]]) -> tuple[dict[str, str], str]:
    """Return the level of the label, and why it was chosen."""
    for level in classes:
        if any(means_nothing(name) or _NEGATIVE.fullmatch(name) for name in set(level.values())):
            return level, "Of several levels of folders, the one with a word for nothing found is taken for classes."
    if len(set(zip(classes[0].values(), classes[-1].values(), strict=True))) == len(set(classes[-1].values())):
        return classes[-1], "Of several levels of folders, one in the other, the innermost is taken for classes."
    about_image = [level for level in classes if not all(map(_PLACE.fullmatch, set(level.values())))]
    return (about_image or classes)[
        0
    ], "Which of several levels of folders holds the classes is not plain; the outermost is taken."


def _spelled_alike(level: dict[str, str]) -> dict[str, str]:
    """Return names that differ in case only as the most frequent of their spellings: `Normal` and `NORMAL` are one class."""
    best: dict[str, str] = {}
    for name, _ in Counter(level.values()).most_common():
        best.setdefault(name.lower().strip(), name)
    return {file: best[name.lower().strip()] for file, name in level.items()}


def _told(labels: dict[str, str]) -> str:
    listed = ", ".join(f"{name} ({count})" for name, count in Counter(labels.values()).most_common(6))
    return f"The sub-folders are taken for classes: {listed}."


def _listed(others: dict[str, dict[str, str]]) -> str:
    return "; ".join(", ".join(name for name, _ in Counter(level.values()).most_common(4)) for level in others.values())
