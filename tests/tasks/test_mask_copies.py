"""Masks of the training images: laid out for train alone, as plain pictures, and left blank where they cannot be used."""

import json
import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tasks.development_set import materialise
from tasks.domain.manifest import MASK_COLUMNS, Manifest
from tasks.domain.request import ColumnRoles
from tasks.domain.spec import OperatingPoint, Spec, SpecClass

SPEC = Spec(
    task="binary_classification",
    classes=tuple(SpecClass(name=name, labels=(name,), description=name) for name in ("nv", "mel")),
    positive="mel",
    priorities=(),
    primary="auroc",
    secondary=(),
    operating_point=OperatingPoint(fixed="youden", at_least=float("nan"), positive="mel"),
)
WIDTH, HEIGHT = 12, 8


def box(*corners, value=255):
    """Return an array of the size of a picture with a box of one value."""
    left, top, right, bottom = corners
    drawn = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    drawn[top:bottom, left:right] = value
    return drawn


@pytest.fixture
def manifest(tmp_path):
    """Eight images for training and four each for validation and the test, every one with a mask file of its own."""
    images, masks = tmp_path / "images", tmp_path / "masks"
    images.mkdir()
    masks.mkdir()
    rows, drawn = [], []
    for number in range(16):
        name = f"case {number} of Mrs. K"
        Image.fromarray(np.full((HEIGHT, WIDTH, 3), 10 * number, dtype=np.uint8)).save(images / f"{name}.jpg")
        Image.fromarray(box(2, 1, 6, 5)).save(masks / f"{name}_mask.png")
        split = ("train", "train", "validation", "test")[number // 4]
        rows.append(
            {
                "image_id": f"{number:016x}", "file": f"{name}.jpg", "row": number + 2, "label": ("nv", "mel")[number % 2],
                "group": str(number), "split": split,
            }
        )  # fmt: skip
        drawn.append((f"{number:016x}", "", f"{name}_mask.png", "", "", 0, ""))
    table = pd.DataFrame(drawn, columns=list(MASK_COLUMNS))
    return Manifest(
        rows=pd.DataFrame(rows), images=images, kind="table", roles=ColumnRoles(), masks=table, mask_folder=masks
    )


def laid_out(tmp_path, manifest):
    materialise(tmp_path / "data", manifest, SPEC)
    return tmp_path / "data"


def mask_of(data, number):
    with Image.open(data / "train/masks" / f"{number:016x}.png") as picture:
        assert picture.mode == "1"
        return np.asarray(picture)


def mask_file(manifest, number):
    return manifest.mask_folder / manifest.masks["file"].iloc[number]


def test_every_training_image_has_a_mask_of_its_size_under_its_name(tmp_path, manifest):
    data = laid_out(tmp_path, manifest)
    images = pd.read_csv(data / "train/train.csv")["image"]
    assert len(images) == 8
    assert sorted(path.stem for path in (data / "train/masks").iterdir()) == sorted(
        name.split(".")[0] for name in images
    )
    for number in range(8):
        assert np.array_equal(mask_of(data, number), box(2, 1, 6, 5) > 0)
    assert json.loads((data / "train/task.json").read_text())["masks"] is True


def test_masks_are_shown_to_train_alone(tmp_path, manifest):
    data = laid_out(tmp_path, manifest)
    assert [path.parent.name for path in data.rglob("masks")] == ["train"]
    assert json.loads((data / "validation/task.json").read_text()) == {"classes": ["nv", "mel"]}
    assert len(list(data.rglob("masks/*"))) == 8, "no mask of a validation or a test image is copied"


def test_a_mask_says_nothing_by_name_time_or_right(tmp_path, manifest):
    for path in (laid_out(tmp_path, manifest) / "train/masks").iterdir():
        assert "Mrs" not in path.name
        assert path.stat().st_mtime == 0
        assert path.stat().st_mode & 0o777 == 0o444


def test_all_that_was_drawn_on_an_image_counts_as_one_mask(tmp_path, manifest):
    second = manifest.masks.iloc[[0]].assign(file="", rle="1 2 17 1", label="other")  # runs go down the columns
    both = replace(manifest, masks=pd.concat([manifest.masks, second], ignore_index=True))
    expected = box(2, 1, 6, 5) > 0
    expected[0:2, 0] = True
    expected[0, 2] = True
    assert np.array_equal(mask_of(laid_out(tmp_path, both), 0), expected)


@pytest.mark.parametrize(("mode", "value"), [("L", 1), ("P", 1), ("RGB", 3), ("I;16", 300)])
def test_whatever_is_not_black_was_drawn(tmp_path, manifest, mode, value):
    drawn = box(2, 1, 6, 5, value=1).astype(np.uint16) * value
    picture = Image.fromarray(drawn if mode == "I;16" else drawn.astype(np.uint8))
    if mode == "P":
        picture.putpalette([0, 0, 0, 0, 0, 0])
    (picture.convert("RGB") if mode == "RGB" else picture).save(mask_file(manifest, 3))
    assert np.array_equal(mask_of(laid_out(tmp_path, manifest), 3), box(2, 1, 6, 5) > 0)


def test_the_noise_of_a_jpeg_is_not_drawn(tmp_path, manifest):
    grain = box(2, 1, 6, 5).astype(np.int16) + np.random.default_rng(0).integers(0, 20, (HEIGHT, WIDTH))
    Image.fromarray(grain.clip(0, 255).astype(np.uint8)).save(mask_file(manifest, 3), "JPEG", quality=95)
    found = mask_of(laid_out(tmp_path, manifest), 3)
    assert found.sum() == pytest.approx(16, abs=2)
    assert not found[:, 8:].any()


def unreadable(path):
    path.write_bytes(b"\x89PNG\r\n\x1a\n and no more")


def missing(path):
    path.unlink()


def of_another_size(path):
    Image.fromarray(box(2, 1, 6, 5)[:-1]).save(path)


def a_pipe(path):
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("spoil", [unreadable, missing, of_another_size, a_pipe])
def test_a_mask_that_cannot_be_used_is_blank_and_the_study_goes_on(tmp_path, manifest, spoil):
    spoil(mask_file(manifest, 5))
    data = laid_out(tmp_path, manifest)
    assert not mask_of(data, 5).any()
    assert mask_of(data, 5).shape == (HEIGHT, WIDTH)
    assert mask_of(data, 4).any()


def test_a_mask_of_a_picture_that_is_turned_by_exif_is_blank(tmp_path, manifest):
    file = manifest.images / manifest.rows["file"].iloc[5]
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down, so that the size does not tell which way up the mask was drawn
    Image.open(file).save(file, exif=exif)
    assert not mask_of(laid_out(tmp_path, manifest), 5).any()


@pytest.mark.parametrize("reason", ["the mask reaches beyond the picture", "nobody drew one"])
def test_without_a_usable_mask_there_is_no_word_of_masks(tmp_path, manifest, reason):
    masks = manifest.masks.assign(problem=reason) if "reaches" in reason else None
    data = laid_out(tmp_path, replace(manifest, masks=masks))
    assert not list(data.rglob("masks"))
    assert "masks" not in json.loads((data / "train/task.json").read_text())
    for file in manifest.mask_folder.iterdir():
        unreadable(file)
    again = laid_out(tmp_path / "again", manifest)
    assert not list(again.rglob("masks"))
    assert "masks" not in json.loads((again / "train/task.json").read_text())


def test_other_masks_are_laid_out_anew_and_the_same_ones_are_not(tmp_path, manifest):
    data = laid_out(tmp_path, manifest)
    before = {path: path.stat().st_ino for path in data.rglob("*")}
    laid_out(tmp_path, manifest)
    assert {path: path.stat().st_ino for path in data.rglob("*")} == before
    laid_out(tmp_path, replace(manifest, masks=manifest.masks.iloc[1:]))
    assert not mask_of(data, 0).any()
    assert mask_of(data, 1).any()
