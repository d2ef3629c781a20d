import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import FILE, GROUP, LABEL, SPLIT, SUPERVISION
from tasks.readers.coco import coco_files, read_coco
from tasks.readers.coco_masks import polygon_runs
from tasks.readers.run_length import decode

TBX11K = Path(__file__).resolve().parents[2] / "../shared/data/cxr_annotations/tbx11k_fixture"


def draw(folder, *names, size=(20, 10)):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", size).save(path)
    return folder


def coco(path, images, annotations, categories=((1, "nodule"), (2, "drain"))):
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "images": [{"id": number, "file_name": name, "width": 20, "height": 10} for number, name in images],
        "annotations": [{"id": number, **entry} for number, entry in enumerate(annotations, start=1)],
        "categories": [{"id": number, "name": name} for number, name in categories],
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def box(image, category, corners, **more):
    return {"image_id": image, "category_id": category, "bbox": corners, **more}


def by_file(manifest, column):
    return dict(zip(manifest.rows[FILE], manifest.rows[column], strict=True))


def read(folder):
    return read_coco(coco_files(folder), folder)


@pytest.mark.skipif(not TBX11K.exists(), reason="the TBX11K sample is not here")
def test_the_healthy_image_of_tbx11k_was_looked_at_and_has_no_box():
    manifest = read(TBX11K)
    assert manifest.kind == "coco"
    assert len(manifest.boxes) == 3
    assert set(manifest.boxes["problem"]) == {""}
    assert by_file(manifest, LABEL) == {
        "h0001.png": "none",
        "tb0005.png": "ActiveTuberculosis",
        "tb0007.png": "ObsoletePulmonaryTuberculosis",
    }
    assert set(by_file(manifest, SUPERVISION).values()) == {"boxes"}
    assert manifest.quarantined == ()
    first = manifest.boxes.iloc[0]
    assert first[["x_min", "y_min", "x_max", "y_max"]].tolist() == pytest.approx(
        [381.834, 126.873, 422.071, 171.439], abs=1e-3
    )


def test_an_image_that_no_file_lists_is_no_negative(tmp_path):
    draw(tmp_path, "a.png", "b.png", "c.png")
    coco(tmp_path / "set.json", [(1, "a.png"), (2, "b.png")], [box(1, 1, [2, 3, 5, 4])])
    manifest = read(tmp_path)
    assert by_file(manifest, SUPERVISION) == {"a.png": "boxes", "b.png": "boxes", "c.png": "none"}
    assert by_file(manifest, LABEL) == {"a.png": "nodule", "b.png": "none", "c.png": ""}
    assert by_file(manifest, "finding.nodule")["b.png"] == 0
    assert np.isnan(by_file(manifest, "finding.nodule")["c.png"])
    assert any("1 images of the folder are not annotated" in note for note in manifest.notes)


def test_several_files_bring_their_splits(tmp_path):
    draw(tmp_path, "train2017/1.png", "val2017/1.png", "val2017/2.png")
    coco(tmp_path / "annotations/instances_train2017.json", [(1, "1.png")], [box(1, 1, [2, 3, 5, 4])])
    coco(tmp_path / "annotations/instances_val2017.json", [(1, "1.png"), (2, "2.png")], [box(1, 2, [2, 3, 5, 4])])
    manifest = read(tmp_path)
    assert by_file(manifest, SPLIT) == {
        "train2017/1.png": "train",
        "val2017/1.png": "validation",
        "val2017/2.png": "validation",
    }
    assert by_file(manifest, LABEL) == {"train2017/1.png": "nodule", "val2017/1.png": "drain", "val2017/2.png": "none"}


def test_roboflow_exports_are_read_with_each_file_beside_its_images(tmp_path):
    draw(tmp_path, "train/x.png", "test/x.png")
    for split in ("train", "test"):
        coco(tmp_path / split / "_annotations.coco.json", [(0, "x.png")], [box(0, 1, [1, 1, 4, 4])])
    manifest = read(tmp_path)
    assert by_file(manifest, SPLIT) == {"train/x.png": "train", "test/x.png": "test"}
    assert len(manifest.boxes) == 2


def test_an_image_in_two_splits_is_set_aside(tmp_path):
    draw(tmp_path, "a.png", "b.png")
    coco(tmp_path / "train.json", [(1, "a.png"), (2, "b.png")], [box(1, 1, [1, 1, 4, 4])])
    coco(tmp_path / "test.json", [(1, "a.png")], [box(1, 1, [1, 1, 4, 4])])
    manifest = read(tmp_path)
    assert manifest.rows[FILE].tolist() == ["b.png"]
    assert [(item.file, item.reason) for item in manifest.quarantined] == [
        ("a.png", "is listed for test and for train")
    ]
    assert len(manifest.boxes) == 0


def test_polygons_and_counts_become_masks(tmp_path):
    draw(tmp_path, "a.png")
    polygon = box(1, 1, [2, 3, 5, 4], segmentation=[[2, 3, 7, 3, 7, 7, 2, 7]])
    square = np.zeros((10, 20), dtype=bool)
    square[3:7, 2:7] = True
    counts, last, run = [], False, 0
    for pixel in square.T.ravel():
        if pixel != last:
            counts.append(run)
            last, run = pixel, 0
        run += 1
    crowd = box(1, 2, [2, 3, 5, 4], iscrowd=1, segmentation={"size": [10, 20], "counts": [*counts, run]})
    coco(tmp_path / "set.json", [(1, "a.png")], [polygon, crowd])
    masks = read(tmp_path).masks
    assert masks["problem"].tolist() == ["", ""]
    for runs in masks["rle"]:
        assert np.array_equal(decode(runs, height=10, width=20), square)


def test_a_slanted_polygon_covers_the_pixels_whose_middle_is_inside(tmp_path):
    runs = polygon_runs([[(0, 0), (8, 0), (0, 8)]], width=20, height=10)
    drawn = decode(runs, height=10, width=20)
    across, down = np.meshgrid(np.arange(20) + 0.5, np.arange(10) + 0.5)
    assert np.array_equal(drawn, across + down < 8)


def test_packed_counts_are_read_as_pycocotools_writes_them(tmp_path):
    # What mask.encode of pycocotools 2.0 makes of a square of 4 x 5 pixels, and of the scattered pixels below.
    draw(tmp_path, "a.png")
    draw(tmp_path, "b.png", size=(7, 6))
    scattered = ["0111000", "0000101", "0100111", "1000100", "0001100", "1100101"]
    annotations = [
        box(1, 1, [2, 3, 5, 4], segmentation={"size": [10, 20], "counts": "g0460000000o3"}),
        box(2, 1, [0, 0, 7, 6], segmentation={"size": [6, 7], "counts": "31110O113ON0O40L21NO"}),
    ]
    path = coco(tmp_path / "set.json", [(1, "a.png"), (2, "b.png")], annotations)
    content = json.loads(path.read_text())
    content["images"][1] |= {"width": 7, "height": 6}
    path.write_text(json.dumps(content))
    masks = read(tmp_path).masks
    square = np.zeros((10, 20), dtype=bool)
    square[3:7, 2:7] = True
    assert np.array_equal(decode(masks["rle"][0], height=10, width=20), square)
    assert decode(masks["rle"][1], height=6, width=7).tolist() == [[c == "1" for c in row] for row in scattered]


def test_annotations_without_boxes_label_the_whole_image(tmp_path):
    draw(tmp_path, "a.png", "b.png")
    coco(tmp_path / "set.json", [(1, "a.png"), (2, "b.png")], [{"image_id": 1, "category_id": 2}])
    manifest = read(tmp_path)
    assert by_file(manifest, SUPERVISION) == {"a.png": "label", "b.png": "label"}
    assert by_file(manifest, LABEL) == {"a.png": "drain", "b.png": "none"}
    assert manifest.boxes is None


def test_what_does_not_fit_is_listed_and_the_rest_is_read(tmp_path):
    draw(tmp_path, "a.png", "b.png", "passwd.png")
    annotations = [
        box(1, 1, [2, 3, 5, 4]),
        box(1, 1, [float("nan"), 3, 5, 4]),
        box(1, 1, [1e300, 3, 5, float("inf")]),
        box(1, 1, "2,3,5,4"),
        box(1, 1, [2, 3, 0, 4]),
        box(1, 1, [2, 3, -5, 4]),
        box(1, 1, [15, 3, 9, 4]),
        box(1, 1, [2, 3, 5, 4]),
        box(2, 7, [2, 3, 5, 4]),
        box(9, 1, [2, 3, 5, 4]),
        box(1, 2, [2, 3, 5, 4], segmentation=[[1, 2, 3]]),
    ]
    images = [(1, "a.png"), (2, "b.png"), (3, "../../etc/passwd.png"), (4, "missing.png"), (5, "")]
    coco(tmp_path / "set.json", images, annotations)
    manifest = read(tmp_path)
    assert manifest.boxes["problem"].tolist() == [
        "",
        "a corner is missing or no number",
        "a corner is missing or no number",
        "a corner is missing or no number",
        "the box has no area",
        "the corners are in the wrong order",
        "the box reaches beyond the edge of the picture",
        "written twice: the same as row 1",
        "",
    ]
    assert {item.file: item.reason for item in manifest.quarantined} == {
        "../../etc/passwd.png": "the name leads out of the folder of images",
        "missing.png": "no such image file",
        "": "the name leads out of the folder of images",
        "set.json": "annotation 9 is of category 7, which is not listed",
    }
    assert np.isnan(by_file(manifest, "finding.nodule")["b.png"])
    assert by_file(manifest, SUPERVISION)["passwd.png"] == "none"
    assert manifest.masks["problem"].tolist() == ["a polygon needs three corners or more, x and y of each"]
    assert "1 annotations of set.json are of images that are not here." in manifest.notes


def test_boxes_drawn_on_a_picture_of_another_size_are_not_used(tmp_path):
    draw(tmp_path, "a.png", size=(40, 20))
    coco(tmp_path / "set.json", [(1, "a.png")], [box(1, 1, [2, 3, 5, 4])])
    manifest = read(tmp_path)
    assert manifest.boxes["problem"].tolist() == ["drawn on a picture of 20x10 pixels, but the file has 40x20"]
    assert np.isnan(by_file(manifest, "finding.nodule")["a.png"])


def test_patients_named_by_the_images_keep_together(tmp_path):
    draw(tmp_path, "a.png", "b.png")
    path = coco(tmp_path / "set.json", [(1, "a.png"), (2, "b.png")], [box(1, 1, [1, 1, 4, 4])])
    content = json.loads(path.read_text())
    for entry in content["images"]:
        entry["patient_id"] = "P1"
    path.write_text(json.dumps(content))
    manifest = read(tmp_path)
    assert manifest.rows[GROUP].tolist() == ["P1", "P1"]
    assert manifest.roles.group == "patient_id"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "this is not JSON"),
        ("[" * 100_000, "this is not JSON"),
        ('{"images": ' + "9" * 5000 + "}", "this is not JSON"),
        ("[]", "this is not COCO"),
        ('{"images": {}, "annotations": []}', "this is not COCO"),
        ('{"images": [], "annotations": []}', "lists no images"),
        ('{"images": [{"id": 1, "file_name": "z.png"}], "annotations": []}', "none of its images is in"),
    ],
)
def test_a_file_that_is_not_coco_is_an_error(tmp_path, text, problem):
    draw(tmp_path, "a.png")
    path = tmp_path / "set.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataUnusable, match=problem) as caught:
        read_coco([path], tmp_path)
    assert "set.json" in str(caught.value)


def test_other_json_files_are_not_taken_for_coco(tmp_path):
    (tmp_path / "settings.json").write_text('{"images": 3}')
    (tmp_path / "notes.json").write_text('["annotations", "images"]')
    assert coco_files(tmp_path) == []


def test_images_of_a_file_without_any_annotation_were_not_looked_at(tmp_path):
    draw(tmp_path, "a.png", "b.png")
    coco(tmp_path / "train.json", [(1, "a.png")], [box(1, 1, [1, 1, 4, 4])])
    coco(tmp_path / "image_info_test.json", [(1, "b.png")], [])
    manifest = read(tmp_path)
    assert by_file(manifest, SUPERVISION) == {"a.png": "boxes", "b.png": "none"}
    assert by_file(manifest, SPLIT) == {"a.png": "train", "b.png": "test"}
    assert by_file(manifest, LABEL)["b.png"] == ""


def test_captions_are_no_annotations_of_ours(tmp_path):
    draw(tmp_path, "a.png", "b.png")
    coco(tmp_path / "instances.json", [(1, "a.png"), (2, "b.png")], [box(1, 1, [1, 1, 4, 4])])
    coco(tmp_path / "captions.json", [(1, "a.png")], [{"image_id": 1, "caption": "a lung"}])
    manifest = read(tmp_path)
    assert len(manifest.boxes) == 1
    assert [(item.file, "name no category" in item.reason) for item in manifest.quarantined] == [
        ("captions.json", True)
    ]


def test_categories_that_nobody_named_go_by_their_number(tmp_path):
    draw(tmp_path, "a.png")
    coco(tmp_path / "set.json", [(1, "a.png")], [box(1, 7, [1, 1, 4, 4])], categories=())
    assert read(tmp_path).findings == ("category 7",)


def test_a_polygon_of_very_many_corners_takes_no_more_memory_than_its_picture(tmp_path):
    turns = np.linspace(0, 2 * np.pi, 200_000, endpoint=False)
    circle = list(zip(50 + 40 * np.cos(turns), 50 + 40 * np.sin(turns), strict=True))
    mask = decode(polygon_runs([circle], width=100, height=100), height=100, width=100)
    assert int(mask.sum()) == pytest.approx(np.pi * 40**2, rel=0.01)


def test_odd_values_in_a_file_end_no_reading(tmp_path):
    draw(tmp_path, "a.png")
    path = coco(tmp_path / "set.json", [(1, "a.png")], [box(1, 1, [1, 1, 4, 4])])
    content = json.loads(path.read_text())
    content["categories"][0]["supercategory"] = ["x"]
    content["images"] += [None, {"id": "two", "file_name": 3}]
    content["annotations"] += [
        7,
        {"image_id": [], "category_id": {}},
        {"image_id": 1, "category_id": 1, "segmentation": "?"},
    ]
    path.write_text(json.dumps(content))
    manifest = read(tmp_path)
    assert len(manifest.boxes) == 1
    assert [item.reason for item in manifest.quarantined] == ["an image without id or file_name"]
    assert manifest.masks["problem"].tolist() == ["the segmentation is neither polygons nor counts"]


def test_data_of_which_every_image_is_set_aside_are_an_error(tmp_path):
    draw(tmp_path, "a.png")
    for name in ("train", "test"):
        coco(tmp_path / f"{name}.json", [(1, "a.png")], [box(1, 1, [1, 1, 4, 4])])
    with pytest.raises(DataUnusable, match="no image is left to use; the first is listed for test and for train"):
        read(tmp_path)


def test_an_annotation_with_a_mask_and_no_box_gets_the_box_around_it(tmp_path):
    draw(tmp_path, "a.png", "b.png", "c.png")
    polygon = box(1, 1, [], segmentation=[[2, 3, 7, 3, 7, 7, 2, 7]])
    crowd = box(2, 2, [], iscrowd=1, segmentation={"size": [10, 20], "counts": [12, 3, 185]})
    coco(tmp_path / "set.json", [(1, "a.png"), (2, "b.png"), (3, "c.png")], [polygon, crowd])
    manifest = read(tmp_path)
    corners = manifest.boxes[["label", "x_min", "y_min", "x_max", "y_max"]].to_numpy().tolist()
    assert corners == [["nodule", 2, 3, 7, 7], ["drain", 1, 2, 2, 5]]
    assert set(manifest.rows[SUPERVISION]) == {"boxes"}
    assert len(manifest.masks) == 2
    assert any("2 annotations of set.json have a mask but no box" in note for note in manifest.notes)
