"""One hazard at a time, planted in clean data at several strengths; which kind of hazard must then be told."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from clean_data import LABEL, PATIENT, SIDE, SITE, SPLIT, Shape
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

    from clean_data import Data
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Plant:
    """A hazard, how to plant it and how strongly."""

    kind: str
    """Kind of hazard that must be told."""
    what: str
    plant: Callable[[Data, float, np.random.Generator], None]
    strengths: tuple[float, ...] = (1,)
    base: str = "classes"
    """`classes`, `findings`, `boxes`, or `divided` for classes with splits."""
    severity: str = ""
    """The gate that must be set; empty where either will do."""


def base_of(plant: Plant, n: int) -> Shape:
    """Return the clean data that a hazard is planted in."""
    if plant.base == "boxes":
        return Shape(kind="boxes", n=n, has_columns=False)
    kind = "findings" if plant.base == "findings" else "classes"
    labels = 3 if kind == "findings" else 2
    return Shape(kind=kind, n=n, labels=labels, per_patient=2, has_splits=plant.base == "divided", style="skin")


def _is_sick(data: Data) -> NDArray[np.bool_]:
    return (data.table[LABEL] == "mel").to_numpy()


def _draw(data: Data, strength: float, random: np.random.Generator, *, by_patient: bool = True) -> NDArray[np.bool_]:
    """Return something that is there in half of the images, more often by a strength in those of the label."""
    chances = np.where(_is_sick(data), 0.5 + strength / 2, 0.5 - strength / 2)
    patient = pd.factorize(data.table[PATIENT])[0] if by_patient else np.arange(len(chances))
    return random.random(len(chances))[patient] < chances


def _column(name: str, yes: str, no: str) -> Callable[[Data, float, np.random.Generator], None]:
    def plant(data: Data, strength: float, random: np.random.Generator) -> None:
        data.table[name] = np.where(_draw(data, strength, random), yes, no)

    return plant


def _values(name: str, *values: str) -> Callable[[Data, float, np.random.Generator], None]:
    def plant(data: Data, strength: float, random: np.random.Generator) -> None:
        del strength
        data.table[name] = random.choice(values, len(data.table))

    return plant


def _numbered(name: str, make: Callable[[int], str]) -> Callable[[Data, float, np.random.Generator], None]:
    """Return what writes a text into a share of the cells of a column, `strength` of them."""

    def plant(data: Data, strength: float, random: np.random.Generator) -> None:
        there = random.random(len(data.table)) < strength
        there[0] = True
        data.table[name] = [make(number) if here else "none" for number, here in enumerate(there)]

    return plant


def _painted(paint: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]) -> Callable[..., None]:
    def plant(data: Data, strength: float, random: np.random.Generator) -> None:
        for file, is_it in zip(data.table["image"], _draw(data, strength, random, by_patient=False), strict=True):
            if is_it:
                data.pictures[file] = paint(data.pictures[file].copy())

    return plant


def _pairs_apart(data: Data, number: int) -> list[tuple[str, str]]:
    """Return files of training, each with one of the test."""
    files = data.table.groupby(SPLIT)["image"].apply(list)
    return list(zip(files["train"], files["test"], strict=False))[:number]


def _copied(change: Callable[[Image.Image], Image.Image]) -> Callable[[Data, float, np.random.Generator], None]:
    def plant(data: Data, strength: float, random: np.random.Generator) -> None:
        del random
        for source, target in _pairs_apart(data, int(strength)):
            data.pictures[target] = np.asarray(change(Image.fromarray(data.pictures[source])))

    return plant


def _recompressed(picture: Image.Image) -> Image.Image:
    stored = BytesIO()
    picture.save(stored, "JPEG", quality=40)
    return Image.open(stored)


def _cropped(share: float) -> Callable[[Image.Image], Image.Image]:
    edge = round(SIDE * share / 2)
    return lambda picture: picture.crop((edge, edge, SIDE - edge, SIDE - edge)).resize((SIDE, SIDE))


def _patients_shared(data: Data, strength: float, random: np.random.Generator) -> None:
    del random
    table = data.table
    train, test = (table.index[table[SPLIT] == split][: int(strength)] for split in ("train", "test"))
    table.loc[test, PATIENT] = table.loc[train, PATIENT].to_numpy()


def _contradicted(data: Data, strength: float, random: np.random.Generator) -> None:
    del random
    files = data.table.groupby(LABEL)["image"].apply(list)
    for source, target in list(zip(files["mel"], files["nv"], strict=False))[: int(strength)]:
        data.pictures[target] = data.pictures[source]


def _mislabelled(data: Data, strength: float, random: np.random.Generator) -> None:
    """Let the pictures show the label plainly, then exchange a share of the labels."""
    for file, is_it in zip(data.table["image"], _is_sick(data), strict=True):
        if is_it:
            data.pictures[file] = (data.pictures[file] * [0.75, 0.6, 0.95]).astype(np.uint8)
    wrong = random.choice(len(data.table), max(3, int(strength * len(data.table))), replace=False)
    data.table.loc[wrong, LABEL] = np.where(_is_sick(data)[wrong], "nv", "mel")
    data.table[PATIENT] = [f"p{number}" for number in range(len(data.table))]


def _spoilt(spoil: Callable[[bytes], bytes]) -> Callable[[Data, float, np.random.Generator], None]:
    def plant(data: Data, strength: float, random: np.random.Generator) -> None:
        del random
        data.spoilt = dict.fromkeys(data.table["image"][: int(strength)], spoil)

    return plant


def _rows_without_image(data: Data, strength: float, random: np.random.Generator) -> None:
    del random
    for file in data.table["image"][: int(strength)]:
        del data.pictures[file]


def _rare(data: Data, strength: float, random: np.random.Generator) -> None:
    del random
    data.table.loc[: int(strength) - 1, LABEL] = "rare"


def _marked_unsure(data: Data, strength: float, random: np.random.Generator) -> None:
    data.table.loc[random.random(len(data.table)) < strength, "nodule"] = -1


def _missing_with_label(data: Data, strength: float, random: np.random.Generator) -> None:
    chance = np.where(_is_sick(data), 0.1 + strength, 0.1)
    data.table["age"] = random.integers(20, 90, len(chance)).astype(float)
    data.table["age"] = data.table["age"].mask(random.random(len(chance)) < chance)


def _missing_at_a_site(data: Data, strength: float, random: np.random.Generator) -> None:
    patient = pd.factorize(data.table[PATIENT])[0]
    site = random.choice(["A", "B"], len(patient))[patient]
    data.table[SITE] = site
    data.table["age"] = random.integers(20, 90, len(site)).astype(float)
    data.table["age"] = data.table["age"].mask(random.random(len(site)) < np.where(site == "A", 0.1 + strength, 0.1))


def _older(data: Data, strength: float, random: np.random.Generator) -> None:
    patient = pd.factorize(data.table[PATIENT])[0]
    age = random.normal(50, 12, len(patient))[patient] + 12 * strength * _is_sick(data)
    data.table["age"] = age.round().clip(18, 95)


def _many_weak_columns(data: Data, strength: float, random: np.random.Generator) -> None:
    for number in range(8):
        data.table[f"lab_{number}"] = np.where(_draw(data, strength, random, by_patient=False), "high", "low")


def _tinted_site(data: Data, strength: float, random: np.random.Generator) -> None:
    patient = pd.factorize(data.table[PATIENT])[0]
    at_b = (random.random(len(patient)) < 0.5)[patient]
    data.table[SITE] = np.where(at_b, "B", "A")
    for file, is_it in zip(data.table["image"], at_b, strict=True):
        if is_it:
            data.pictures[file] = (data.pictures[file] * [1, 1, 1 - strength]).astype(np.uint8)


def _test_of_the_past(data: Data, strength: float, random: np.random.Generator) -> None:
    days = random.integers(0, 365, len(data.table)) - (data.table[SPLIT] == "test") * int(365 * strength)
    data.table["study_date"] = (pd.Timestamp("2020-01-01") + pd.to_timedelta(days, unit="D")).dt.strftime("%Y-%m-%d")


def _follow_up(data: Data, strength: float, random: np.random.Generator) -> None:
    del random
    data.table["follow_up"] = data.table.groupby(PATIENT).cumcount()
    data.table.loc[data.table.index >= len(data.table) * strength, "follow_up"] = 0


def _larger(data: Data, strength: float, random: np.random.Generator) -> None:
    for file, is_it in zip(data.table["image"], _draw(data, strength, random), strict=True):
        if is_it:
            data.pictures[file] = np.asarray(Image.fromarray(data.pictures[file]).resize((SIDE + 12, SIDE)))


def _grey(data: Data, strength: float, random: np.random.Generator) -> None:
    for file, is_it in zip(data.table["image"], _draw(data, strength, random), strict=True):
        if is_it:
            data.pictures[file] = np.asarray(Image.fromarray(data.pictures[file]).convert("L"))


def _group_apart(data: Data, strength: float, random: np.random.Generator) -> None:
    """Show the label by a darker middle, but for a share of its images, which are greener and do not show it."""
    data.table[LABEL] = np.where(random.random(len(data.table)) < 0.5, "mel", "nv")
    for file, is_it in zip(data.table["image"], _is_sick(data), strict=True):
        if is_it and random.random() < strength:
            data.pictures[file] = (data.pictures[file] * [0.55, 1, 0.55]).astype(np.uint8)
        elif is_it:
            data.pictures[file] = _dark_middle(data.pictures[file].copy())
        elif random.random() < strength:
            data.pictures[file] = (data.pictures[file] * [0.55, 1, 0.55]).astype(np.uint8)


def _unknown_at_a_site(data: Data, strength: float, random: np.random.Generator) -> None:
    site = random.choice(["A", "B"], len(data.table))
    data.table[SITE] = site
    data.table["nodule"] = data.table["nodule"].mask(random.random(len(site)) < np.where(site == "A", strength, 0.02))


def _placed(data: Data, strength: float, random: np.random.Generator) -> None:
    del random
    data.table["image"] = data.table["image"].str.replace("png", "jpg")
    data.pictures = {file.replace("png", "jpg"): pixels for file, pixels in data.pictures.items()}
    tags = Image.Exif()
    tags.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 0.0), 3: "E", 4: (13.0, 24.0, 0.0)})
    data.exif = dict.fromkeys(data.table["image"][: int(strength)], tags)


def _named_files(make: Callable[[int], str]) -> Callable[[Data, float, np.random.Generator], None]:
    def plant(data: Data, strength: float, random: np.random.Generator) -> None:
        del strength, random
        names = {file: make(number) for number, file in enumerate(data.table["image"])}
        data.table["image"] = data.table["image"].map(names)
        data.pictures = {names[file]: pixels for file, pixels in data.pictures.items()}

    return plant


def _bad_boxes(data: Data, strength: float, random: np.random.Generator) -> None:
    del random
    for file in list(data.boxes or {})[: int(strength)]:
        data.boxes[file] = [*data.boxes[file], [8.0, 8.0, 0.0, 9.0], [300.0, 300.0, 9.0, 9.0], data.boxes[file][0]]


def _labels_against_boxes(data: Data, strength: float, random: np.random.Generator) -> None:
    del random
    labels = data.table["image"].isin(data.boxes).astype(int).to_numpy(copy=True)
    labels[: int(strength)] = 1 - labels[: int(strength)]
    data.table["nodule"] = labels
    data.table["effusion"] = np.arange(len(labels)) % 2


def _partly_boxed(data: Data, strength: float, random: np.random.Generator) -> None:
    """Leave boxes on a share of the positives alone, and say of all images whether they show it."""
    data.table["nodule"] = data.table["image"].isin(data.boxes).astype(int)
    data.table["effusion"] = np.arange(len(data.table)) % 2
    data.boxes = {file: boxes for file, boxes in data.boxes.items() if random.random() < strength}
    data.looked_at = set(data.boxes)


def _only_positives_listed(data: Data, strength: float, random: np.random.Generator) -> None:
    """List only images with boxes; nobody knows what the others show."""
    del strength, random
    data.looked_at = set(data.boxes)


GIVEN, FAMILY = ("Anna", "Peter", "Maria", "James", "Fatima"), ("Miller", "Schmidt", "Rossi", "Garcia")
_TURNS = {
    "turned": lambda picture: picture.rotate(90),
    "mirrored": lambda picture: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "recompressed": _recompressed,
    "half the size": lambda picture: picture.resize((SIDE // 2, SIDE // 2)),
    "brighter": lambda picture: picture.point(lambda value: min(255, int(value * 1.15))),
}


def _white_corner(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    pixels[1:5, 1:14] = 255
    return pixels


def _dark_middle(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    pixels[22:42, 22:42] //= 2
    return pixels


def _tinted(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return (pixels * [0.85, 1, 1]).astype(np.uint8)


PLANTS = [
    Plant("leakage", "patients in training and test", _patients_shared, (1, 5, 20), "divided", "block"),
    Plant("leakage", "the same picture in training and test", _copied(lambda p: p), (1, 5), "divided", "block"),
    *(
        Plant("leakage", f"{what} copies in test", change, (1, 5), "divided", "block")
        for what, change in ((what, _copied(turn)) for what, turn in _TURNS.items())
    ),
    Plant("leakage", "copies cropped by 5 % in test", _copied(_cropped(0.05)), (1, 5), "divided", "block"),
    Plant("leakage", "copies cropped by 10 % in test", _copied(_cropped(0.1)), (1, 5), "divided", "block"),
    Plant("conflicting_labels", "one picture, two labels", _contradicted, (1, 4), severity="ask"),
    Plant("suspect_labels", "labels exchanged", _mislabelled, (0.02, 0.05, 0.1)),
    Plant("unusable_files", "files cut off", _spoilt(lambda content: content[: len(content) // 2]), (1, 30)),
    Plant("unusable_files", "empty files", _spoilt(lambda _: b""), (1, 30)),
    Plant("unusable_files", "files that hold text", _spoilt(lambda _: b"no picture"), (1,)),
    Plant("unusable_files", "rows without image", _rows_without_image, (1, 30)),
    Plant("tiny_class", "a label of few images", _rare, (2, 8, 20)),
    Plant("uncertain_labels", "findings marked -1", _marked_unsure, (0.02, 0.2), "findings", "ask"),
    Plant("missing_values", "age missing with the label", _missing_with_label, (0.15, 0.3, 0.5), severity="report"),
    Plant("missing_values", "age missing at a site", _missing_at_a_site, (0.15, 0.3, 0.5), severity="report"),
    Plant("missing_values", "a finding unknown at a site", _unknown_at_a_site, (0.15, 0.3, 0.5), "findings"),
    Plant("hidden_stratum", "a group that does not show it", _group_apart, (0.2, 0.4), severity="report"),
    Plant("shortcut", "a column goes with the label", _column("drain", "yes", "no"), (0.35, 0.5, 0.8), severity="ask"),
    Plant("shortcut", "age goes with the label", _older, (0.8, 1.2, 1.6), severity="ask"),
    Plant("metadata_shortcut", "eight weak columns together", _many_weak_columns, (0.15, 0.25, 0.35)),
    Plant("border_shortcut", "a mark in the corner", _painted(_white_corner), (0.4, 0.6, 0.9)),
    Plant("coarse_picture", "a middle that is darker", _painted(_dark_middle), (0.4, 0.6, 0.9), severity="report"),
    Plant("coarse_picture", "another tint", _painted(_tinted), (0.4, 0.6, 0.9), severity="report"),
    Plant("storage_shortcut", "pictures of another size", _larger, (0.4, 0.6, 0.9), severity="ask"),
    Plant("storage_shortcut", "grey pictures", _grey, (0.4, 0.6, 0.9), severity="ask"),
    Plant("site_effect", "a label more frequent at a site", _column(SITE, "B", "A"), (0.25, 0.35, 0.5)),
    Plant("site_effect", "a site of another tint", _tinted_site, (0.1, 0.2, 0.4), severity="report"),
    Plant(
        "verification_bias", "one label proven otherwise", _column("dx_type", "histo", "follow_up"), (0.35, 0.5, 0.8)
    ),
    Plant("burned_in_text", "a column of writing", _values("burned_in_annotation", "YES", "NO"), severity="ask"),
    Plant("burned_in_text", "a column of rulers", _values("ruler", "1", "0"), severity="ask"),
    Plant("laterality", "a column of sides", _values("laterality", "L", "R"), severity="warn"),
    Plant("mixed_modality", "two modalities", _values("modality", "CR", "DX"), severity="ask"),
    Plant("mixed_view", "two views", _values("view_position", "PA", "AP"), severity="report"),
    Plant(
        "personal_data", "names of people", _numbered("remark", lambda i: f"{GIVEN[i % 5]} {FAMILY[i % 4]}"), (0.3, 1)
    ),
    Plant("personal_data", "mail addresses", _numbered("contact", lambda i: f"p{i}@example.org"), (0.01, 0.5)),
    Plant("personal_data", "numbers of patients", _numbered("note", lambda i: f"MRN {70000 + i}"), (0.01, 0.5)),
    Plant("personal_data", "dates of birth", _numbered("birth_date", lambda i: f"19{i % 70 + 20}-03-04"), (1,)),
    Plant(
        "personal_data", "names in names of files", _named_files(lambda i: f"{FAMILY[i % 4]}_{GIVEN[i % 5]}_{i}.png")
    ),
    Plant("personal_data", "dates in names of files", _named_files(lambda i: f"scan_19{i % 70 + 20}0304_{i}.png")),
    Plant("personal_data", "GPS in photographs", _placed, (1, 20), severity="ask"),
    Plant("temporal_order", "a test before the training", _test_of_the_past, (0.5, 1), "divided", "report"),
    Plant("follow_up", "pictures after the finding was known", _follow_up, (0.3, 1), severity="report"),
    Plant("unusable_boxes", "boxes without area, outside, twice", _bad_boxes, (1, 5), "boxes"),
    Plant("box_label_disagreement", "labels against boxes", _labels_against_boxes, (1, 10), "boxes", "ask"),
    Plant("unboxed_positives", "boxes on a share of positives", _partly_boxed, (0.1, 0.5), "boxes"),
    Plant("mixed_supervision", "only positives were listed", _only_positives_listed, (1,), "boxes", "block"),
]
