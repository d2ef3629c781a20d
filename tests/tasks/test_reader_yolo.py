import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import FILE, LABEL, SPLIT, SUPERVISION
from tasks.readers.image_files import find_images
from tasks.readers.voc import read_voc, voc_files
from tasks.readers.yolo import read_yolo, yolo_files

BCCD = Path(__file__).resolve().parents[2] / "../shared/data/bccd/BCCD"
CORNERS = ["x_min", "y_min", "x_max", "y_max"]


def draw(folder, *names, size=(20, 10)):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", size).save(path)
    return folder


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def by_file(manifest, column):
    return dict(zip(manifest.rows[FILE], manifest.rows[column], strict=True))


@pytest.mark.skipif(not BCCD.exists(), reason="BCCD is not here")
def test_bccd_written_as_yolo_gives_the_same_boxes_as_from_voc(tmp_path):
    voc = read_voc(voc_files(BCCD), BCCD)
    names = ["RBC", "WBC", "Platelets"]
    write(
        tmp_path / "data.yaml",
        "train: ../train/images\nval: ../valid/images\ntest: ../test/images\nnames: [RBC, WBC, Platelets]\n",
    )
    folder_of = {"train": "train", "validation": "valid", "test": "test"}
    boxes = dict(tuple(voc.boxes.groupby("image_id")))
    for image_id, file, split in zip(voc.rows["image_id"], voc.rows[FILE], voc.rows[SPLIT], strict=True):
        place = tmp_path / folder_of[split]
        (place / "images").mkdir(parents=True, exist_ok=True)
        shutil.copy(BCCD / file, place / "images")
        lines = []
        for label, left, top, right, bottom in boxes[image_id][["label", *CORNERS]].itertuples(index=False):
            shares = ((left + right) / 1280, (top + bottom) / 960, (right - left) / 640, (bottom - top) / 480)
            lines.append(" ".join([str(names.index(label)), *(f"{share:.6f}" for share in shares)]))
        write(place / "labels" / f"{Path(file).stem}.txt", "\n".join(lines))
    yolo = read_yolo(tmp_path)
    assert yolo.rows[SPLIT].value_counts().to_dict() == {"train": 205, "validation": 87, "test": 72}
    there = dict(zip(yolo.rows["image_id"], yolo.rows[FILE].map(lambda file: Path(file).name), strict=True))
    here = dict(zip(voc.rows["image_id"], voc.rows[FILE].map(lambda file: Path(file).name), strict=True))
    one = voc.boxes.assign(file=voc.boxes["image_id"].map(here)).set_index(["file", "row"]).sort_index()
    other = yolo.boxes.assign(file=yolo.boxes["image_id"].map(there)).set_index(["file", "row"]).sort_index()
    assert one["label"].tolist() == other["label"].tolist()
    assert float(np.abs(one[CORNERS].to_numpy() - other[CORNERS].to_numpy()).max()) < 1
    assert (one["problem"] == "the box has no area").sum() == (other["problem"] == "the box has no area").sum() == 2


def test_an_empty_file_is_a_negative_and_a_missing_one_is_not(tmp_path):
    draw(tmp_path, "images/train/a.png", "images/train/b.png", "images/val/c.png")
    write(
        tmp_path / "data.yaml",
        "path: /data/set\ntrain: images/train\nval: images/val\nnames:\n  0: nodule\n  1: drain\n",
    )
    write(tmp_path / "labels/train/a.txt", "1 0.5 0.5 0.5 0.4\n")
    write(tmp_path / "labels/train/b.txt", "")
    manifest = read_yolo(tmp_path)
    assert list(by_file(manifest, SUPERVISION).values()) == ["boxes", "boxes", "none"]
    assert list(by_file(manifest, LABEL).values()) == ["drain", "none", ""]
    assert list(by_file(manifest, SPLIT).values()) == ["train", "train", "validation"]
    assert manifest.boxes[CORNERS].iloc[0].tolist() == pytest.approx([5, 3, 15, 7])
    assert manifest.findings == ("nodule", "drain")


def test_the_folder_named_images_finds_labels_and_names_beside_it(tmp_path):
    draw(tmp_path, "images/a.png", "images/b.png")
    write(tmp_path / "classes.txt", "nodule\ndrain\n")
    write(tmp_path / "labels/a.txt", "0 0.5 0.5 0.5 0.4\n")
    files = find_images(tmp_path / "images")
    assert list(yolo_files(tmp_path / "images", files)) == ["a.png"]
    manifest = read_yolo(tmp_path / "images", files)
    assert manifest.boxes["label"].tolist() == ["nodule"]
    assert list(by_file(manifest, SUPERVISION).values()) == ["boxes", "none"]


def test_polygons_and_keypoints_become_boxes(tmp_path):
    draw(tmp_path, "a.png")
    write(tmp_path / "data.yaml", "names: [cell]\nkpt_shape: [1, 3]\n")
    write(tmp_path / "a.txt", "0 0.1 0.2 0.5 0.2 0.4 0.9\n0 0.5 0.5 0.5 0.4 0.5 0.5 2\n")
    manifest = read_yolo(tmp_path)
    assert manifest.boxes[CORNERS].to_numpy() == pytest.approx(np.array([[2, 2, 10, 9], [5, 3, 15, 7]]))
    assert any("1 polygons were turned into the boxes" in note for note in manifest.notes)


def test_splits_may_be_lists_of_files(tmp_path):
    draw(tmp_path, "a.png", "b.png", "c.png")
    write(tmp_path / "data.yaml", "names: [cell]\ntrain: train.txt\nval: ['./val.txt', ../../outside.txt, 7]\n")
    write(tmp_path / "train.txt", "/somewhere/a.png\n")
    write(tmp_path / "val.txt", "./b.png\n")
    for name in "abc":
        write(tmp_path / f"{name}.txt", "0 0.5 0.5 0.5 0.4\n")
    assert by_file(read_yolo(tmp_path), SPLIT) == {"a.png": "train", "b.png": "validation", "c.png": ""}


def test_bad_lines_are_listed_and_their_image_is_no_negative(tmp_path):
    draw(tmp_path, "a.png", "b.png")
    write(tmp_path / "data.yaml", "names: [cell]")
    lines = [
        "7 .5 .5 .5 .4",
        "0 .5 .5 .5",
        "0 .5 .5 .5 .4 .9",
        "0 a b c d",
        "-1 .5 .5 .5 .4",
        "0 nan .5 .5 .4",
        "0.5 .5 .5 .5 .4",
    ]
    write(tmp_path / "a.txt", "\n".join(lines))
    write(tmp_path / "b.txt", "0 1e400 .5 .5 .4\n0 3 4 5 6\n0 .5 .5 0 .4\n0 .5 .5 1.000001 1")
    manifest = read_yolo(tmp_path)
    told = {(item.file, item.row): item.reason for item in manifest.quarantined}
    assert told == {
        ("a.txt", 1): "class 7 is not among the 1 names of data.yaml",
        ("a.txt", 2): "the line has 4 numbers; a box has 5, a polygon 7 or more, an odd number",
        ("a.txt", 3): "the line has 6 numbers; a box has 5, a polygon 7 or more, an odd number",
        ("a.txt", 4): "the line holds something else than numbers",
        ("a.txt", 5): "-1 is no number of a class",
        ("a.txt", 6): "the line holds something else than numbers",
        ("a.txt", 7): "0.5 is no number of a class",
        ("b.txt", 1): "the line holds something else than numbers",
    }
    assert manifest.boxes["problem"].tolist() == [
        "a coordinate is no share of the picture, 0 to 1",
        "the box has no area",
        "",
    ]
    assert np.isnan(by_file(manifest, "finding.cell")["a.png"])
    assert by_file(manifest, "finding.cell")["b.png"] == 1


def test_texts_beside_images_are_not_taken_for_labels(tmp_path):
    draw(tmp_path, "a.png", "b.png")
    write(tmp_path / "a.txt", "A benign nevus, 5 mm.\n")
    write(tmp_path / "b.txt", "")
    assert yolo_files(tmp_path, find_images(tmp_path)) == {}


@pytest.mark.parametrize("names", ["3", "[a, a]", "{x: a}", "{}"])
def test_names_that_cannot_be_used_are_an_error(tmp_path, names):
    draw(tmp_path, "a.png")
    write(tmp_path / "data.yaml", f"names: {names}")
    write(tmp_path / "a.txt", "0 .5 .5 .5 .4")
    with pytest.raises(DataUnusable, match=r"data\.yaml, field 'names'"):
        read_yolo(tmp_path)


def test_files_that_name_classes_differently_are_an_error(tmp_path):
    draw(tmp_path, "a.png")
    write(tmp_path / "one/data.yaml", "names: [a, b]")
    write(tmp_path / "two/data.yaml", "names: [b, a]")
    write(tmp_path / "a.txt", "0 .5 .5 .5 .4")
    with pytest.raises(DataUnusable, match="differently"):
        read_yolo(tmp_path)


def test_without_label_files_there_is_nothing_to_read(tmp_path):
    draw(tmp_path, "a.png")
    with pytest.raises(DataUnusable, match="no image has a label file"):
        read_yolo(tmp_path)
