import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.domain.errors import AmbiguousRequest, DataUnusable
from tasks.domain.manifest import FILE, GROUP, LABEL, SPLIT, SUPERVISION
from tasks.domain.request import ColumnRoles, ReadingRules, Request
from tasks.readers.boxes import box_facts
from tasks.readers.discovery import read_folder, read_manifest
from tasks.readers.table import read_table

DATA = Path(__file__).resolve().parents[2] / "../shared/data"


def draw(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (20, 10)).save(path)
    return folder


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def labels(names="abcdef", header="image,dx"):
    return "\n".join([header, *(f"{name}.png,{'xy'[number % 2]}" for number, name in enumerate(names))])


def coco(path, names, annotations):
    content = {
        "images": [{"id": number, "file_name": f"{name}.png"} for number, name in enumerate(names)],
        "annotations": [{"image_id": number, "category_id": 1, "bbox": box} for number, box in annotations],
        "categories": [{"id": 1, "name": "x"}],
    }
    return write(path, json.dumps(content))


def by_file(manifest, column):
    return dict(zip(manifest.rows[FILE], manifest.rows[column], strict=True))


@pytest.fixture
def images(tmp_path):
    return draw(tmp_path / "set", *(f"{name}.png" for name in "abcdef"))


@pytest.mark.skipif(not DATA.exists(), reason="the shared data are not here")
@pytest.mark.parametrize(
    ("folder", "kind", "rows", "boxes"),
    [
        ("ham10000", "table", 10015, 10015),
        ("bccd", "voc", 364, 4888),
        ("bccd/BCCD/JPEGImages", "voc", 364, 4888),
        ("cxr_annotations/tbx11k_fixture", "coco", 3, 3),
        ("cxr_annotations/nih_png", "unlabelled", 2, 0),
        ("dicom_samples/chest", "unlabelled", 2, 0),
    ],
)
def test_real_folders_are_read_without_being_told_anything(folder, kind, rows, boxes):
    manifest = read_folder(DATA / folder)
    assert (manifest.kind, len(manifest.rows)) == (kind, rows)
    assert (0 if manifest.boxes is None else len(manifest.boxes)) == boxes
    assert manifest.notes


def test_images_about_which_nothing_is_said_are_shown_but_not_trained_on(images):
    manifest = read_folder(images)
    assert manifest.kind == "unlabelled"
    assert set(manifest.rows[SUPERVISION]) == {"none"}
    assert set(manifest.rows[LABEL]) == {""}
    assert manifest.rows[GROUP].tolist() == manifest.rows["image_id"].tolist()
    with pytest.raises(DataUnusable, match="sort them into one folder a class, or give a table of labels"):
        read_manifest(Request(text="", images=images))


@pytest.mark.parametrize("name", ["labels.csv", "deep/down/labels.csv"])
def test_a_table_in_the_folder_is_found_by_the_images_that_it_names(images, name):
    write(images / name, labels())
    write(images / "prices.csv", "item,price\nx,1\ny,2\n")
    write(images / "broken.csv", "one column\n")
    manifest = read_folder(images)
    assert manifest.kind == "table"
    assert manifest.rows[LABEL].tolist() == ["x", "y"] * 3
    notes = " ".join(manifest.notes)
    assert "Found the table labels.csv, which names 6 images." in notes
    assert "prices.csv names no image of the folder." in notes
    assert "broken.csv was passed over, row 1: the header names one column only." in notes


def test_two_tables_that_fit_are_asked_about(images):
    write(images / "one.csv", labels())
    write(images / "two.csv", labels(header="image,outcome"))
    with pytest.raises(AmbiguousRequest) as caught:
        read_folder(images)
    (question,) = caught.value.questions
    assert (question.field, question.options, question.blocking) == ("table", ("one.csv", "two.csv"), True)
    assert read_folder(images, table=images / "two.csv").roles.label == "outcome"


def test_the_table_that_fits_best_is_taken_and_the_other_is_mentioned(images):
    write(images / "all.csv", labels())
    write(images / "some.csv", labels("abc"))
    manifest = read_folder(images)
    assert len(manifest.rows) == 6
    assert any("Not read: some.csv" in note for note in manifest.notes)


def test_labels_and_boxes_in_two_tables_are_put_together(images):
    marks = [f"{name}.png,{one},{two}" for name, one, two in zip("abcdef", "110011", "011001", strict=True)]
    write(images / "labels.csv", "\n".join(["image,Mass,Effusion", *marks]))
    boxes = [
        "a.png,Mass,1,1,9,8",
        "a.png,Mass,10,1,9,8",
        "b.png,effusion,1,1,9,8",
        "d.png,Mass,1,1,9,8",
        "d.png,Infiltrate,3,3,9,5",
    ]
    write(images / "boxes.csv", "\n".join(["image,Finding Label,x,y,w,h", *boxes]))
    manifest = read_folder(images)
    assert manifest.kind == "multi_label"
    assert manifest.findings == ("Mass", "Effusion", "Infiltrate")
    assert list(by_file(manifest, SUPERVISION).values()) == ["boxes", "boxes", "label", "boxes", "label", "label"]
    assert by_file(manifest, "finding.Mass")["d.png"] == 0  # the label stays; that it disagrees is counted
    assert by_file(manifest, "finding.Infiltrate")["d.png"] == 1
    assert np.isnan(by_file(manifest, "finding.Infiltrate")["a.png"])
    facts = box_facts(manifest)
    assert (facts.boxes, facts.images) == (5, 3)
    assert (facts.present_without_box, facts.absent_with_box, facts.unboxed_present) == (1, 1, 3)


def test_a_given_table_of_labels_keeps_its_labels_and_gets_the_boxes_of_the_folder(images):
    table = write(images.parent / "labels.csv", labels())
    coco(images / "boxes.json", "ab", [(0, [1, 1, 9, 8])])
    manifest = read_manifest(Request(text="", images=images, table=table))
    assert manifest.kind == "table"
    assert manifest.rows[LABEL].tolist() == ["x", "y"] * 3
    assert by_file(manifest, SUPERVISION) == {
        "a.png": "boxes",
        "b.png": "boxes",
        **dict.fromkeys(["c.png", "d.png", "e.png", "f.png"], "label"),
    }
    assert box_facts(manifest).unboxed_present == 2


def test_annotations_take_patients_and_attributes_from_a_table_without_labels(images):
    coco(images / "boxes.json", "abcd", [(0, [1, 1, 9, 8])])
    lines = [
        "image,patient_id,age,split",
        *(
            f"{name}.png,P{number // 2},{50 + number},{'train' if number < 4 else 'test'}"
            for number, name in enumerate("abcdef")
        ),
    ]
    write(images / "patients.csv", "\n".join(lines))
    manifest = read_folder(images)
    assert manifest.kind == "coco"
    assert manifest.roles.group == "patient_id"
    assert list(by_file(manifest, GROUP).values()) == ["P0", "P0", "P1", "P1", "P2", "P2"]
    assert by_file(manifest, "attribute.age")["b.png"] == 51
    assert by_file(manifest, SPLIT)["f.png"] == "test"
    assert any("patients.csv" in note for note in manifest.notes)


def test_formats_go_before_one_another_as_documented_and_can_be_overruled(images):
    coco(images / "boxes.json", "ab", [(0, [1, 1, 9, 8])])
    write(images / "c.xml", "<annotation><object><name>v</name></object></annotation>")
    write(images / "d.txt", "0 0.5 0.5 0.5 0.5")
    write(images / "labels.csv", "image,x,y,w,h\na.png,1,1,9,8\na.png,9,1,9,8\n")
    assert read_folder(images).kind == "coco"
    for kind in ("coco", "voc", "yolo", "boxes_table", "unlabelled"):
        assert read_folder(images, reading=ReadingRules(format=kind)).kind == kind
    (images / "boxes.json").unlink()
    assert read_folder(images).kind == "voc"
    (images / "c.xml").unlink()
    assert read_folder(images).kind == "yolo"
    (images / "d.txt").unlink()
    assert read_folder(images).kind == "boxes_table"


def test_a_format_that_is_not_there_or_not_known_is_an_error(images):
    for kind, problem in (
        ("coco", "holds none"),
        ("voc", "holds none"),
        ("rle", "holds none"),
        ("yolo", "no image has a label file"),
    ):
        with pytest.raises(DataUnusable, match=problem):
            read_folder(images, reading=ReadingRules(format=kind))
    with pytest.raises(DataUnusable, match=r"no format 'nifti'; formats are coco, voc"):
        read_folder(images, reading=ReadingRules(format="nifti"))


def test_folders_of_classes_are_told_from_folders_of_images(tmp_path):
    draw(tmp_path / "one", "mel/1.png", "mel/2.png", "nv/3.png", "nv/4.png")
    assert read_folder(tmp_path / "one").kind == "class_folders"
    draw(tmp_path / "two", "images/1.png", "images/2.png", "more/3.png", "more/4.png")
    assert read_folder(tmp_path / "two").kind == "unlabelled"
    draw(tmp_path / "three", *(f"patient{n}/{n}.png" for n in range(6)))
    assert read_folder(tmp_path / "three").kind == "unlabelled"
    draw(
        tmp_path / "four",
        *(f"{split}/{kind}/{n}.png" for split in ("train", "test") for kind in "ab" for n in range(3)),
    )
    assert set(read_folder(tmp_path / "four").rows[SPLIT]) == {"train", "test"}


def test_data_with_boxes_of_one_kind_can_be_trained_on_and_one_label_cannot(images):
    path = coco(images / "boxes.json", "abcdef", [(number, [1, 1, 9, 8]) for number in range(6)])
    assert set(read_manifest(Request(text="", images=images)).rows[LABEL]) == {"x"}
    path.unlink()
    table = write(images.parent / "labels.csv", "image,dx\n" + "\n".join(f"{name}.png,x" for name in "abcdef"))
    request = Request(text="", images=images, table=table, roles=ColumnRoles(label="dx"))
    with pytest.raises(DataUnusable, match="two labels or more, but of these all have the label 'x'"):
        read_manifest(request)


def test_a_coco_file_can_be_given_as_the_table(images):
    path = coco(images.parent / "elsewhere.json", "ab", [(0, [1, 1, 9, 8])])
    assert read_folder(images).kind == "unlabelled"
    assert len(read_folder(images, table=path).boxes) == 1


def test_a_folder_that_is_not_there_or_empty_is_an_error(tmp_path):
    with pytest.raises(DataUnusable, match="no such folder"):
        read_folder(tmp_path / "nowhere")
    with pytest.raises(DataUnusable, match="no image file"):
        read_folder(tmp_path)


def test_a_table_without_a_clear_label_gives_what_it_can_to_a_look_and_asks_before_training(images):
    lines = [
        "image,patient_id,sex,site",
        *(f"{name}.png,P{n // 2},{'mf'[n % 2]},{'abc'[n // 2]}" for n, name in enumerate("abcdef")),
    ]
    write(images / "patients.csv", "\n".join(lines))
    manifest = read_folder(images)
    assert manifest.kind == "unlabelled"
    assert manifest.roles.attributes == ("sex", "site")
    assert list(by_file(manifest, GROUP).values()) == ["P0", "P0", "P1", "P1", "P2", "P2"]
    assert any("it may be one of sex, site" in note for note in manifest.notes)
    with pytest.raises(AmbiguousRequest):
        read_manifest(Request(text="", images=images))


def test_boxes_of_some_and_labels_of_all_are_found_together(images):
    coco(images / "boxes.json", "ab", [(0, [1, 1, 9, 8])])
    write(images / "labels.csv", labels())
    manifest = read_folder(images)
    assert manifest.kind == "table"
    assert list(by_file(manifest, SUPERVISION).values()) == ["boxes", "boxes", "label", "label", "label", "label"]
    write(images / "labels.csv", labels("abc"))  # of half of the images only: they would be lost
    assert read_folder(images).kind == "coco"


def test_a_file_that_only_looks_like_annotations_ends_no_reading(images):
    coco(images / "of_other_images.json", ["z"], [(0, [1, 1, 9, 8])])
    assert read_folder(images).kind == "unlabelled"
    notes = " ".join(read_folder(images).notes)
    assert "of_other_images.json was passed over: none of its images is in the folder of images." in notes
    assert str(images) not in notes
    assert "z.png" not in notes
    with pytest.raises(DataUnusable, match="none of its images is in the folder"):
        read_manifest(Request(text="", images=images))
    write(images / "labels.csv", labels())
    assert read_manifest(Request(text="", images=images)).kind == "table"


def test_one_table_for_each_split_is_read_as_one(images):
    write(images / "train.csv", labels("abcd"))
    write(images / "test.csv", "image,dx\nd.png,y\ne.png,x\nz.png,x\n")
    manifest = read_folder(images)
    assert by_file(manifest, SPLIT) == {"a.png": "train", "b.png": "train", "c.png": "train", "e.png": "test"}
    assert manifest.rows[LABEL].tolist() == ["x", "y", "x", "x"]
    assert {item.file: item.reason for item in manifest.quarantined} == {
        "d.png": "is listed for train and for test",
        "f.png": "the table has no row for this image",
        "z.png": "no such image file",
    }
    assert any("one for each split: train 3, test 1" in note for note in manifest.notes)


def test_tables_of_splits_in_another_form_are_not_joined(images):
    write(images / "train.csv", labels("abcd"))
    write(images / "test.csv", labels("ef", header="image,outcome"))
    assert read_folder(images).rows[FILE].tolist() == ["a.png", "b.png", "c.png", "d.png"]


def test_findings_of_tables_of_splits_are_joined(images):
    marks = {"a": "1,0", "b": "0,1", "c": "1,1", "d": "0,0", "e": "1,1", "f": "0,1"}
    for name, part in (("my_train_set.csv", "abcd"), ("my_valid_set.csv", "ef")):
        write(images / name, "\n".join(["image,Mass,Effusion", *(f"{key}.png,{marks[key]}" for key in part)]))
    manifest = read_folder(images)
    assert manifest.findings == ("Mass", "Effusion")
    assert by_file(manifest, LABEL)["e.png"] == "Mass|Effusion"
    assert set(manifest.rows[SPLIT]) == {"train", "validation"}


def test_boxes_beside_the_labels_of_each_split_are_joined(images):
    for name, part in (("train.csv", "abcd"), ("test.csv", "ef")):
        lines = [f"{key}.png,{'xy'[n % 2]},1,{n},9,8" for n, key in enumerate(part)]
        write(images / name, "\n".join(["image,dx,x_min,y_min,x_max,y_max", *lines]))
    manifest = read_folder(images)
    assert (manifest.kind, len(manifest.boxes)) == ("table", 6)
    assert manifest.rows[SPLIT].value_counts().to_dict() == {"train": 4, "test": 2}


@pytest.mark.skipif(not DATA.exists(), reason="the shared data are not here")
def test_the_labels_and_the_boxes_of_nih_are_put_together(tmp_path):
    cxr = DATA / "cxr_annotations"
    said = read_table(cxr / "Data_Entry_2017_v2020.csv.gz").cells.set_index("Image Index")["Finding Labels"]
    drawn = read_table(cxr / "BBox_List_2017.csv.gz").cells.set_index("Image Index")["Finding Label"]
    boxed = list(drawn.index.unique()[:150])
    other = [name for name in said.index[:400] if name not in drawn.index]
    images = tmp_path / "set"
    images.mkdir()
    for name in (*boxed, *other):
        Image.new("L", (1024, 1024)).save(images / name)
    for name in ("Data_Entry_2017_v2020.csv.gz", "BBox_List_2017.csv.gz"):
        shutil.copy(cxr / name, images)
    manifest = read_folder(images)
    assert manifest.kind == "multi_label"
    assert manifest.rows[SUPERVISION].value_counts().to_dict() == {"boxes": 150, "label": len(other)}
    assert manifest.roles.group == "Patient ID"
    facts = box_facts(manifest)
    assert facts.boxes == drawn.index.isin(boxed).sum()
    kinds = set(drawn[drawn.index.isin(boxed)]) & {word for cell in said for word in cell.split("|")}
    assert facts.unboxed_present == sum(bool(kinds & set(said[name].split("|"))) for name in other)
    without = sum(bool((kinds & set(said[name].split("|"))) - set(drawn.loc[[name]])) for name in boxed)
    assert facts.present_without_box == without > 0


def test_folders_named_for_splits_split_data_of_any_format(tmp_path):
    for split in ("train", "valid"):
        for number in range(3):
            draw(tmp_path / split, f"{split}{number}.png")
            write(tmp_path / split / f"{split}{number}.xml", "<annotation/>")
    assert set(read_folder(tmp_path).rows[SPLIT]) == {"train", "validation"}


def test_a_folder_of_images_to_be_predicted_is_no_split(tmp_path):
    draw(tmp_path / "train", *(f"{name}.png" for name in "abcdef"))
    draw(tmp_path / "test", *(f"{name}.png" for name in "uvw"))
    write(tmp_path / "train.csv", labels())
    assert set(read_folder(tmp_path).rows[SPLIT]) == {""}


def test_a_pipe_among_the_images_is_never_opened(images):
    os.mkfifo(images / "pipe.png")
    assert len(read_folder(images).rows) == 6


def test_lists_of_files_split_the_data(images):
    write(images / "t.csv", labels())
    write(images / "train_val_list.txt", "a.png\nb.png\nc.png\nd.png\n")
    write(images / "test_list.txt", "e.png\nf.png\n")
    manifest = read_folder(images)
    assert manifest.rows[SPLIT].tolist() == ["train"] * 4 + ["test"] * 2
    assert any("test_list.txt" in note for note in manifest.notes)
    write(images / "test_list.txt", "please test all of them\n")
    assert set(read_folder(images).rows[SPLIT]) == {""}


def test_what_cannot_be_opened_ends_no_reading(images):
    write(images / "t.csv", labels())
    for suffix in (".json", ".csv", ".xml", ".txt", ".yaml", ".xlsx", ""):
        (images / f"dead{suffix}").symlink_to(images / "nowhere")
        os.mkfifo(images / f"pipe{suffix}")
        (images / f"empty{suffix}").write_bytes(b"")
        (images / f"folder{suffix}").mkdir()
    assert len(read_folder(images).rows) == 6


@pytest.mark.parametrize("is_given", [False, True])
@pytest.mark.parametrize("header", ["image,nodule", "image,Nodule,quality", "image,label"])
def test_one_column_of_marks_called_as_the_boxes_labels_whole_images(images, is_given, header):
    more = ",good" if "quality" in header else ""
    rows = [f"{name}.png,{mark}{more}" for name, mark in zip("abcdef", ["1", "0", "1", "0", "1", ""], strict=True)]
    table = write((images.parent if is_given else images) / "labels.csv", "\n".join([header, *rows]))
    drawn = coco(images / "boxes.json", "abc", [(0, [1, 1, 9, 8]), (1, [1, 1, 9, 8])])
    drawn.write_text(drawn.read_text().replace('"x"', '"nodule"'))
    manifest = read_folder(images, table=table if is_given else None)
    assert [name.lower() for name in manifest.findings] == ["nodule"]
    assert list(by_file(manifest, SUPERVISION).values()) == ["boxes"] * 3 + ["label", "label", "none"]
    finding = by_file(manifest, f"finding.{manifest.findings[0]}")
    assert [finding[f"{name}.png"] for name in "abcde"] == [1, 0, 1, 0, 1]
    assert np.isnan(finding["f.png"])
    facts = box_facts(manifest)
    assert (facts.present_without_box, facts.absent_with_box, facts.unboxed_present) == (1, 1, 1)
    assert ("quality" in manifest.roles.attributes) == bool(more)


def test_a_table_with_two_images_a_row_ends_no_look_and_the_note_says_what_to_write(images):
    rows = ["P1,a.png,b.png,1,0", "P2,c.png,d.png,0,1", "P3,e.png,f.png,1,1"]
    write(images / "labels.csv", "\n".join(["ID,Left-Fundus,Right-Fundus,D,G", *rows]))
    manifest = read_folder(images)
    assert manifest.rows[SUPERVISION].tolist() == ["none"] * 6
    told = "Several columns name image files: Left-Fundus, Right-Fundus."
    assert any(told in note and "a row for each image" in note for note in manifest.notes)
    with pytest.raises(AmbiguousRequest, match=told):
        read_manifest(Request(text="", images=images))
    coco(images / "boxes.json", "ab", [(0, [1, 1, 9, 8])])
    assert any(told in note for note in read_folder(images).notes)


def test_arrays_and_json_that_are_not_read_are_told(images):
    write(images / "labels.csv", labels())
    coco(images / "boxes.json", "ab", [(0, [1, 1, 9, 8])])
    for name in "ab":
        write(images / "masks" / f"{name}.npy", "")
    write(images / "a.json", '{"shapes": []}')
    notes = read_folder(images).notes
    assert any(note.startswith("2 files of arrays (.npy) are not read; if these are masks") for note in notes)
    assert any(note.startswith("1 file of JSON is not COCO and was not read") for note in notes)


def test_arrays_in_a_folder_of_masks_beside_the_images_are_told(tmp_path):
    images = draw(tmp_path / "images", *(f"{name}.png" for name in "abcdef"))
    write(images / "labels.csv", labels())
    write(tmp_path / "masks" / "a.npy", "")
    assert any(
        note.startswith("1 file of arrays (.npy) is not read")
        for note in read_manifest(Request(text="", images=images)).notes
    )
