from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import FILE, LABEL, SPLIT, SUPERVISION
from tasks.readers.boxes import box_facts
from tasks.readers.voc import read_voc, voc_files

BCCD = Path(__file__).resolve().parents[2] / "../shared/data/bccd/BCCD"


def draw(folder, *names, size=(20, 10)):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", size).save(path)
    return folder


def voc(path, objects, filename="", size=(20, 10)):
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn = "".join(
        f"<object><name>{name}</name><difficult>{int(name == 'hard')}</difficult><bndbox><xmin>{box[0]}</xmin>"
        f"<ymin>{box[1]}</ymin><xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox></object>"
        for name, box in objects
    )
    head = f"<filename>{filename}</filename><size><width>{size[0]}</width><height>{size[1]}</height></size>"
    path.write_text(f"<annotation>{head}{drawn}</annotation>", encoding="utf-8")


def by_file(manifest, column):
    return dict(zip(manifest.rows[FILE], manifest.rows[column], strict=True))


def read(folder):
    return read_voc(voc_files(folder), folder)


@pytest.mark.skipif(not BCCD.exists(), reason="BCCD is not here")
@pytest.mark.parametrize("folder", ["", "JPEGImages"])
def test_bccd_is_read_and_its_two_bad_boxes_are_found(folder):
    manifest = read(BCCD / folder)
    assert len(manifest.rows) == 364
    assert manifest.boxes["label"].value_counts().to_dict() == {"RBC": 4155, "WBC": 372, "Platelets": 361}
    assert manifest.rows[SPLIT].value_counts().to_dict() == {"train": 205, "validation": 87, "test": 72}
    bad = manifest.boxes[manifest.boxes["problem"] == "the box has no area"]
    assert bad["label"].tolist() == ["RBC", "RBC"]
    assert set(manifest.rows[SUPERVISION]) == {"boxes"}
    assert set(manifest.findings) == {"RBC", "WBC", "Platelets"}
    facts = box_facts(manifest)
    assert facts.boxes + facts.unusable == 4888
    assert facts.present_without_box == facts.absent_with_box == facts.unboxed_present == 0


def test_an_image_without_a_file_was_not_looked_at_and_one_without_objects_was(tmp_path):
    draw(tmp_path, "JPEGImages/a.jpg", "JPEGImages/b.jpg", "JPEGImages/c.jpg")
    voc(tmp_path / "Annotations/a.xml", [("cell", (1, 1, 5, 5)), ("hard", (3, 3, 9, 9))])
    voc(tmp_path / "Annotations/b.xml", [])
    manifest = read(tmp_path)
    assert by_file(manifest, SUPERVISION) == {
        "JPEGImages/a.jpg": "boxes",
        "JPEGImages/b.jpg": "boxes",
        "JPEGImages/c.jpg": "none",
    }
    assert list(by_file(manifest, LABEL).values()) == ["cell|hard", "none", ""]
    assert any("1 boxes are marked as difficult" in note for note in manifest.notes)


def test_an_annotation_is_paired_by_its_own_name_before_the_one_it_states(tmp_path):
    draw(tmp_path, "a.png", "b.png", "other.png")
    voc(tmp_path / "a.xml", [("cell", (1, 1, 5, 5))], filename="b.png")
    voc(tmp_path / "b.xml", [], filename="b.png")
    voc(tmp_path / "ann_3.xml", [("cell", (1, 1, 5, 5))], filename="other.jpg")
    assert list(by_file(read(tmp_path), LABEL).values()) == ["cell", "no cell", "cell"]


def test_lists_of_classes_are_no_splits_and_an_image_in_two_splits_is_set_aside(tmp_path):
    draw(tmp_path, "a.png", "b.png", "c.png")
    for name in "abc":
        voc(tmp_path / f"{name}.xml", [("cell", (1, 1, 5, 5))])
    main = tmp_path / "ImageSets/Main"
    main.mkdir(parents=True)
    (main / "train.txt").write_text("a\nb  1\n../../etc/passwd\n")
    (main / "test.txt").write_text("b\nc\n")
    (main / "trainval.txt").write_text("a\nb\n")
    (main / "cell_train.txt").write_text("c  1\n")
    manifest = read(tmp_path)
    assert by_file(manifest, SPLIT) == {"a.png": "train", "c.png": "test"}
    assert [(item.file, item.reason) for item in manifest.quarantined] == [
        ("b.png", "is listed for test and for train")
    ]


BOMB = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><annotation>&b;</annotation>'
FILE_ENTITY = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><annotation><filename>&a;</filename></annotation>'


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (BOMB, "defines a document type"),
        (FILE_ENTITY, "defines a document type"),
        (BOMB.encode("utf-16"), "defines a document type"),
        ("<annotation><object>", "is no XML"),
        ("<annotation>" + "<a>" * 60, "nested too deeply"),
        ("<!-- <annotation --><other/>", "is no Pascal VOC annotation"),
        ("<annotation><object><bndbox/></object></annotation>", "object 1 has no name"),
    ],
)
def test_a_dangerous_or_broken_file_is_set_aside_and_its_image_is_no_negative(tmp_path, content, reason):
    draw(tmp_path, "a.png", "b.png")
    voc(tmp_path / "b.xml", [("cell", (1, 1, 5, 5))])
    path = tmp_path / "a.xml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    manifest = read_voc([path, tmp_path / "b.xml"], tmp_path)
    assert len(manifest.quarantined) == 1
    assert reason in manifest.quarantined[0].reason
    assert np.isnan(by_file(manifest, "finding.cell")["a.png"])
    assert by_file(manifest, LABEL)["b.png"] == "cell"


def test_bad_numbers_and_sizes_are_told_box_by_box(tmp_path):
    draw(tmp_path, "a.png", "b.png")
    corners = [
        (5, 5, 1, 1),
        (1, 1, "nan", 5),
        (1, 1, "", 5),
        (0, 0, 21, 10),
        (0, 0, 40, 10),
        (3, 3, 4, 9),
        (25, 1, 30, 5),
    ]
    voc(tmp_path / "a.xml", [("cell", box) for box in corners], size=(0, 0))
    voc(tmp_path / "b.xml", [("cell", (1, 1, 5, 5))], size=(200, 100))
    boxes = read(tmp_path).boxes
    assert boxes["problem"].tolist() == [
        "the corners are in the wrong order",
        "a corner is missing or no number",
        "a corner is missing or no number",
        "",
        "the box reaches beyond the edge of the picture",
        "a side is shorter than 2 pixels",
        "the box lies outside the picture",
        "drawn on a picture of 200x100 pixels, but the file has 20x10",
    ]
    assert boxes["x_max"][3] == 20


def test_annotations_without_their_images_are_an_error(tmp_path):
    draw(tmp_path, "a.png")
    voc(tmp_path / "z.xml", [("cell", (1, 1, 5, 5))], filename="y.png")
    with pytest.raises(DataUnusable, match="none of the 1 XML files goes with an image; the first: no such image file"):
        read(tmp_path)
