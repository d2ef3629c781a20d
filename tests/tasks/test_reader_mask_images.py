import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import FILE, LABEL, SUPERVISION
from tasks.domain.request import ReadingRules, Request
from tasks.readers.discovery import read_folder, read_manifest
from tasks.readers.mask_contents import boxes_of_masks

HAM10000 = Path(__file__).resolve().parents[2] / "../shared/data/ham10000"


def draw(folder, *names, box=None, mode="L"):
    """Draw pictures with grain, or masks with a box."""
    noise = np.random.default_rng(0).integers(1, 255, (20, 30), dtype=np.uint8)
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if box is not None:
            noise = np.zeros((20, 30), dtype=np.uint8)
            noise[box[1] : box[3], box[0] : box[2]] = 1 if mode == "P" else 255
        Image.fromarray(noise).convert(mode).save(path)
    return folder


def by_file(manifest, column):
    return dict(zip(manifest.rows[FILE], manifest.rows[column], strict=True))


def masks_by_file(manifest):
    names = dict(zip(manifest.rows["image_id"], manifest.rows[FILE], strict=True))
    return {
        mask: (names[image], kind)
        for image, mask, kind in manifest.masks[["image_id", "file", "label"]].itertuples(index=False)
    }


@pytest.mark.skipif(not HAM10000.exists(), reason="HAM10000 is not here")
@pytest.mark.parametrize("folder", ["", "images"])
def test_the_masks_of_ham10000_are_attached_and_are_no_images(folder):
    manifest = read_folder(HAM10000 / folder, table=HAM10000 / "metadata.csv")
    assert (manifest.kind, len(manifest.rows), len(manifest.masks), manifest.quarantined) == ("table", 10015, 10015, ())
    assert manifest.masks["image_id"].is_unique
    for row in manifest.masks.iloc[[0, 5000]].itertuples():
        assert (manifest.mask_folder / row.file).is_file()
        name = manifest.rows.set_index("image_id")[FILE][row.image_id]
        assert Path(row.file).stem == f"{Path(name).stem}_segmentation"


@pytest.mark.skipif(not HAM10000.exists(), reason="HAM10000 is not here")
def test_boxes_around_the_masks_of_ham10000_are_those_of_its_table():
    manifest = read_folder(HAM10000 / "images", table=HAM10000 / "metadata.csv")
    few = dataclasses.replace(manifest, masks=manifest.masks.iloc[:300])
    corners = ["x_min", "y_min", "x_max", "y_max"]
    around = boxes_of_masks(few).set_index("image_id")[corners]
    given = manifest.boxes.set_index("image_id").loc[around.index, corners]
    assert float((around - given).abs().median().max()) <= 2


def test_masks_with_the_name_of_their_image_are_told_by_the_folder(tmp_path):
    draw(tmp_path, *(f"images/{n}.png" for n in range(1, 5)))
    draw(tmp_path, "masks/1.png", "masks/2.png", box=(2, 3, 9, 8))
    table = tmp_path / "labels.csv"
    table.write_text("image,dx\n1,a\n2,b\n3,a\n4,b\n")
    manifest = read_folder(tmp_path)
    assert manifest.kind == "table"
    assert list(by_file(manifest, SUPERVISION).values()) == ["mask", "mask", "label", "label"]
    assert list(by_file(manifest, LABEL).values()) == ["a", "b", "a", "b"]
    assert manifest.quarantined == ()


def test_masks_within_folders_of_classes_are_no_images_of_the_class(tmp_path):
    draw(tmp_path, *(f"{kind}/{kind} ({n}).png" for kind in ("benign", "malignant") for n in range(3)))
    draw(
        tmp_path,
        *(f"{kind}/{kind} ({n})_mask.png" for kind in ("benign", "malignant") for n in range(3)),
        box=(1, 1, 5, 5),
    )
    draw(tmp_path, "benign/benign (1)_mask_1.png", box=(9, 9, 15, 15))
    draw(tmp_path, *(f"normal/normal ({n}).png" for n in range(3)))
    manifest = read_manifest(Request(text="", images=tmp_path))
    assert manifest.kind == "class_folders"
    assert manifest.rows[LABEL].value_counts().to_dict() == {"benign": 3, "malignant": 3, "normal": 3}
    assert len(manifest.masks) == 7
    assert masks_by_file(manifest)["benign/benign (1)_mask_1.png"] == ("benign/benign (1).png", "")


def test_the_kind_of_a_mask_is_in_its_name_or_its_folder(tmp_path):
    draw(tmp_path, "images/x_1.png", "images/x_2.png")
    draw(tmp_path, "masks/lung/x_1.png", "masks/heart/x_1.png", "masks/x_2_left_lung.png", box=(1, 1, 4, 4))
    manifest = read_folder(tmp_path)
    assert masks_by_file(manifest) == {
        "masks/heart/x_1.png": ("images/x_1.png", "heart"),
        "masks/lung/x_1.png": ("images/x_1.png", "lung"),
        "masks/x_2_left_lung.png": ("images/x_2.png", "left lung"),
    }
    assert manifest.kind == "mask_images"
    assert set(manifest.findings) == {"heart", "lung", "left lung"}


def test_masks_of_splits_belong_to_the_image_of_their_split(tmp_path):
    draw(tmp_path, "train/images/1.png", "test/images/1.png")
    draw(tmp_path, "train/masks/1.png", box=(1, 1, 4, 4))
    draw(tmp_path, "test/masks/1.png", box=(1, 1, 1, 1))
    manifest = read_folder(tmp_path)
    assert by_file(manifest, LABEL) == {"test/images/1.png": "no mask", "train/images/1.png": "mask"}


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "I;16"])
def test_an_empty_mask_shows_nothing_and_a_damaged_one_says_nothing(tmp_path, mode):
    draw(tmp_path, "images/1.png", "images/2.png", "images/3.png", "images/4.png")
    draw(tmp_path, "masks/1.png", box=(2, 3, 9, 8), mode=mode)
    draw(tmp_path, "masks/2.png", box=(0, 0, 0, 0), mode=mode)
    (tmp_path / "masks/3.png").write_bytes(b"no picture")
    manifest = read_folder(tmp_path)
    assert list(by_file(manifest, LABEL).values()) == ["mask", "no mask", "", ""]
    assert list(by_file(manifest, SUPERVISION).values()) == ["mask", "mask", "mask", "none"]
    assert "is no image that can be read" in manifest.masks["problem"][2]
    boxes = boxes_of_masks(manifest)
    assert boxes[["x_min", "y_min", "x_max", "y_max"]].iloc[0].tolist() == [2, 3, 9, 8]
    assert len(boxes) == 2
    assert boxes["problem"].iloc[1].startswith("the mask is no image")


def test_a_folder_of_masks_can_be_named(tmp_path):
    draw(tmp_path, "pictures/a.png", "pictures/b.png")
    draw(tmp_path, "outlines/a.png", "outlines/zzz.png", box=(1, 1, 4, 4))
    manifest = read_folder(tmp_path / "pictures", reading=ReadingRules(masks=tmp_path / "outlines"))
    assert manifest.mask_folder == tmp_path / "outlines"
    assert masks_by_file(manifest) == {"a.png": ("a.png", "mask")}
    assert any("1 masks go with no image" in note for note in manifest.notes)
    inside = read_folder(tmp_path, reading=ReadingRules(masks=tmp_path / "outlines"))
    assert inside.rows[FILE].tolist() == ["pictures/a.png", "pictures/b.png"]
    with pytest.raises(DataUnusable, match="none of its pictures has the name of an image"):
        read_folder(draw(tmp_path / "other", "q.png"), reading=ReadingRules(masks=tmp_path / "outlines"))


def test_pictures_that_only_sound_like_masks_stay_images(tmp_path):
    draw(tmp_path, "mask/a.png", "mask/b.png", "no mask/c.png", "no mask/d.png", "no mask/e_mask.png")
    manifest = read_manifest(Request(text="", images=tmp_path))
    assert manifest.rows[LABEL].value_counts().to_dict() == {"no mask": 3, "mask": 2}
    assert manifest.masks is None


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        ("2d_images", "2d_masks"),
        ("Training_Input", "Training_GroundTruth"),
        ("Kvasir-SEG/images", "Kvasir-SEG/masks"),
        ("TrainDataset/image", "TrainDataset/mask_png"),
    ],
)
def test_folders_of_masks_are_told_by_a_word_of_their_name(tmp_path, images, masks):
    for number in range(4):
        draw(tmp_path / images, f"ID_{number}.tif")
        draw(tmp_path / masks, f"ID_{number}.tif", box=(1, 1, 4, 4) if number else (0, 0, 0, 0))
    manifest = read_folder(tmp_path)
    assert manifest.kind == "mask_images"
    assert sorted(manifest.rows[FILE]) == [f"{images}/ID_{number}.tif" for number in range(4)]
    assert manifest.rows[LABEL].tolist().count("no mask") == 1


def test_faces_with_and_without_a_mask_are_classes(tmp_path):
    for number in range(4):
        draw(tmp_path / "with_mask", f"{number}.png")
        draw(tmp_path / "without_mask", f"{number}.png")
    assert read_folder(tmp_path).rows[LABEL].value_counts().to_dict() == {"with_mask": 4, "without_mask": 4}
