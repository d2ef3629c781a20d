import dataclasses
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.domain.errors import AmbiguousRequest, DataUnusable
from tasks.domain.manifest import FILE, GROUP, IMAGE_ID, LABEL, SPLIT, SUPERVISION
from tasks.domain.request import ColumnRoles, ReadingRules, Request
from tasks.readers.box_columns import find_box_columns
from tasks.readers.boxes import box_facts, check_boxes
from tasks.readers.discovery import read_folder, read_manifest
from tasks.readers.table import read_table

DATA = Path(__file__).resolve().parents[2] / "../shared/data"
CXR = DATA / "cxr_annotations"
CORNERS = ["x_min", "y_min", "x_max", "y_max"]


def draw(folder, *names, size=(100, 50)):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", size).save(folder / name)
    return folder


def read(tmp_path, text, *, images=4, size=(100, 50), reading=None, **roles):
    folder = draw(tmp_path / "set", *(f"{'abcdefgh'[number]}.png" for number in range(images)), size=size)
    table = tmp_path / "boxes.csv"
    table.write_text(text, encoding="utf-8")
    return read_folder(folder, table=table, roles=ColumnRoles(**roles), reading=ReadingRules(format=reading))


def by_file(manifest, column):
    return dict(zip(manifest.rows[FILE], manifest.rows[column], strict=True))


def corners(manifest):
    return manifest.boxes[CORNERS].to_numpy().tolist()


@pytest.mark.skipif(not DATA.exists(), reason="the shared data are not here")
def test_the_table_of_bccd_says_the_same_as_its_xml_files():
    manifest = read_folder(DATA / "bccd/BCCD/JPEGImages", table=DATA / "bccd/test.csv")
    voc = read_folder(DATA / "bccd/BCCD/JPEGImages")
    assert (manifest.kind, voc.kind) == ("boxes_table", "voc")
    assert manifest.boxes["label"].value_counts().to_dict() == {"RBC": 4155, "WBC": 372, "Platelets": 361}
    columns = ["image_id", "label", *CORNERS, "problem"]
    one, other = (boxes[columns].sort_values(columns, ignore_index=True) for boxes in (manifest.boxes, voc.boxes))
    assert one.equals(other)
    assert set(one["problem"]) == {"", "the box has no area"}


@pytest.mark.skipif(not DATA.exists(), reason="the shared data are not here")
def test_the_odd_columns_of_the_nih_boxes_are_found(tmp_path):
    table = read_table(CXR / "BBox_List_2017.csv.gz")
    names = table.cells["Image Index"].unique()
    images = draw(tmp_path / "images", *names[:200], "00099999_000.png", size=(1024, 1024))
    manifest = read_folder(images, table=CXR / "BBox_List_2017.csv.gz")
    assert manifest.roles.boxes == ("Bbox [x", "y", "w", "h]")
    assert (manifest.rows[SUPERVISION] == "boxes").sum() == 200
    assert by_file(manifest, SUPERVISION)["00099999_000.png"] == "none"
    assert by_file(manifest, LABEL)["00099999_000.png"] == ""
    absent = [item for item in manifest.quarantined if item.reason == "no such image file"]
    assert len(absent) == len(table.cells) - table.cells["Image Index"].isin(names[:200]).sum()
    first = manifest.boxes[manifest.boxes["row"] == 2].iloc[0]
    assert first[CORNERS].tolist() == pytest.approx([225.0847, 547.0192, 311.8644, 626.2055], abs=1e-3)


@pytest.mark.skipif(not DATA.exists(), reason="the shared data are not here")
def test_a_blank_box_of_rsna_is_a_negative_that_was_looked_at(tmp_path):
    path = CXR / "kaggle_stage_2_train_labels.csv.zip"
    names = read_table(path).cells["patientId"].unique()
    images = draw(tmp_path / "images", *(f"{name}.png" for name in names[:300]), size=(1024, 1024))
    manifest = read_manifest(Request(text="", images=images, table=path))
    assert (len(names), len(manifest.rows)) == (26684, 300)
    assert manifest.findings == ("Target",)
    assert set(manifest.rows[SUPERVISION]) == {"boxes"}
    counts = manifest.rows[LABEL].value_counts().to_dict()
    facts = box_facts(manifest)
    assert counts["Target"] == facts.images
    assert counts["Target"] + counts["no Target"] == 300
    assert manifest.roles.group == "patientId"
    assert len(manifest.quarantined) == 30227 - len(set(manifest.boxes["row"])) - counts["no Target"]


@pytest.mark.skipif(not DATA.exists(), reason="the shared data are not here")
def test_ham10000_stays_a_table_of_labels_with_a_box_beside_each():
    manifest = read_folder(DATA / "ham10000/images", table=DATA / "ham10000/metadata.csv")
    assert (manifest.kind, manifest.findings, len(manifest.rows)) == ("table", (), 10015)
    assert manifest.boxes["label"].tolist() == manifest.rows[LABEL].tolist()
    assert (manifest.boxes["problem"] == "").all()
    assert set(manifest.rows[SUPERVISION]) == {"boxes"}
    assert corners(manifest)[0] == [59, 2, 170, 140]
    assert "attribute.x_min" not in manifest.rows


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("x_min,y_min,x_max,y_max", "10,20,40,45"),
        ("xmin,xmax,ymin,ymax", "10,40,20,45"),
        ("bbox_x,bbox_y,bbox_width,bbox_height", "10,20,30,25"),
        ("Left,Top,Width,Height", "10,20,30,25"),
        ("x_center,y_center,width,height", "25,32.5,30,25"),
        ("x0,y0,x1,y1", "10,20,40,45"),
        ("x1,y1,x2,y2", "10,20,40,45"),
        ("bbox", '"[10, 20, 30, 25]"'),
        ("xmin,ymin,xmax,ymax,width,height", "10,20,40,45,100,50"),
        ("x_min,y_min,x_max,y_max", "0.1,0.4,0.4,0.9"),
    ],
)
def test_boxes_are_read_in_whatever_form_they_are_written(tmp_path, header, cells):
    other = ",".join(["0.5" if "0." in cells else "5" if "[" not in cells else ""] * len(header.split(",")))
    other = '"[60, 5, 10, 10]"' if "[" in cells else other
    text = f"image,class,{header}\na.png,x,{cells}\na.png,y,{other}\nb.png,x,{cells}\n"
    manifest = read(tmp_path, text)
    assert manifest.kind == "boxes_table"
    assert corners(manifest)[0] == pytest.approx([10, 20, 40, 45])


def test_columns_of_boxes_that_are_called_otherwise_can_be_named(tmp_path):
    text = "image,class,a,b,c,d\na.png,x,10,20,30,25\na.png,y,1,2,3,4\nb.png,x,60,5,10,10\n"
    assert corners(read(tmp_path, text, boxes=("a", "b", "c", "d"), label="class"))[2] == [60, 5, 70, 15]
    with pytest.raises(DataUnusable, match="four columns"):
        read(tmp_path, text, boxes=("a", "b"))
    with pytest.raises(DataUnusable, match=r"field 'class': a column of boxes must hold numbers"):
        read(tmp_path, text, boxes=("a", "b", "c", "class"))
    with pytest.raises(DataUnusable, match="there is no such column"):
        read(tmp_path, text, boxes=("a", "b", "c", "e"))


def test_spacings_and_sizes_of_images_are_no_boxes(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        "image,dx,OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]\na.png,n,2682,2749,0.143,0.143\n"
    )
    assert find_box_columns(read_table(path)) is None


VINDR = """image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max
a,Nodule,1,R1,10,10,20,20
a,Nodule,1,R2,10,10,20,20
a,Effusion,2,R1,1,1,9,9
a,No finding,14,R3,,,,
b,No finding,14,R1,,,,
b,No finding,14,R2,,,,
c,Nodule,1,R3,1,1,9,9
c,Effusion,2,R1,1,1,30,30
"""


def test_readers_of_one_image_are_kept_apart_and_put_together_by_a_rule(tmp_path):
    manifest = read(tmp_path, VINDR)
    assert manifest.findings == ("Nodule", "Effusion")
    assert list(by_file(manifest, LABEL).values()) == ["Nodule", "none", "", ""]
    assert by_file(manifest, "finding.Effusion")["a.png"] == 0
    assert by_file(manifest, "finding.Effusion")["c.png"] == -1  # one of two saw it
    assert manifest.boxes["annotator"].tolist() == ["R1", "R2", "R1", "R3", "R1"]
    assert set(manifest.boxes["problem"]) == {""}
    assert manifest.roles.annotator == "rad_id"
    of_a = manifest.readings[manifest.readings["image_id"] == manifest.rows[IMAGE_ID][0]]
    assert sorted(of_a[["finding", "annotator", "value"]].itertuples(index=False, name=None)) == [
        ("Effusion", "R1", 1),
        ("Effusion", "R2", 0),
        ("Effusion", "R3", 0),
        ("Nodule", "R1", 1),
        ("Nodule", "R2", 1),
        ("Nodule", "R3", 0),
    ]
    assert any("3 annotators read the images" in note for note in manifest.notes)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("any", ["Nodule|Effusion", "none", "Nodule|Effusion", ""]),
        ("all", ["none", "none", "none", ""]),
        ("R1", ["Nodule|Effusion", "none", "Effusion", ""]),
    ],
)
def test_the_rule_for_several_readers_can_be_chosen(tmp_path, rule, expected):
    folder = draw(tmp_path / "set", *(f"{name}.png" for name in "abcd"))
    table = tmp_path / "boxes.csv"
    table.write_text(VINDR)
    manifest = read_folder(folder, table=table, reading=ReadingRules(aggregation=rule))
    assert list(by_file(manifest, LABEL).values()) == expected


def test_names_of_readers_stay_within_the_readers_module(tmp_path):
    manifest = read(tmp_path, VINDR.replace("R1", "Dr Anna Huber").replace("R2", "Dr Max Meier"))
    told = f"{manifest.boxes.to_csv()} {manifest.readings.to_csv()} {manifest.notes}"
    assert "Huber" not in told
    assert "Meier" not in told
    assert manifest.boxes["annotator"].nunique() == 3


def test_a_label_without_a_box_is_present_all_the_same(tmp_path):
    text = "image,finding,x,y,w,h\na,TB,1,1,9,9\na,TB,20,20,9,9\nb,sick,,,,\nc,healthy,,,,\n"
    manifest = read(tmp_path, text)
    assert manifest.findings == ("TB", "sick")
    assert list(by_file(manifest, LABEL).values()) == ["TB", "sick", "none", ""]
    assert box_facts(manifest).present_without_box == 0


def test_boxes_without_a_label_are_all_of_one_kind(tmp_path):
    manifest = read(tmp_path, "image,x,y,w,h\na,1,1,9,9\na,20,20,9,9\nb,,,,\n")
    assert list(by_file(manifest, LABEL).values())[:2] == ["object", "no object"]


def test_what_is_said_of_the_image_is_kept_and_what_is_said_of_the_box_is_not(tmp_path):
    lines = ["image,kind,x,y,w,h,patient,split,age,certainty"]
    lines += ["a,n,1,1,9,9,P1,train,50,0.9", "a,m,20,20,9,9,P1,train,50,0.4", "b,n,1,1,9,9,P2,test,60,0.8"]
    lines += ["c,n,1,1,9,9,P2,test,60,0.8", "c,m,2,2,9,9,P2,train,60,0.8"]
    manifest = read(tmp_path, "\n".join(lines))
    assert manifest.roles.attributes == ("age",)
    assert by_file(manifest, GROUP)["a.png"] == "P1"
    assert by_file(manifest, SPLIT) == {"a.png": "train", "b.png": "test", "d.png": ""}
    assert by_file(manifest, "attribute.age")["b.png"] == 60
    assert [item.reason for item in manifest.quarantined] == ["its rows name several splits: test|train"]


def test_bad_rows_are_told_and_never_fatal(tmp_path):
    lines = ["image,kind,xmin,ymin,xmax,ymax", "a,n,1,1,9,9", "a,n,1,1,9,9", "a,n,9,9,1,1", "a,n,1,1,1,9", "a,n,1,,9,9"]
    lines += [
        "a,n,1,1,300,9",
        "a,n,5,5,6,9",
        "b,,1,1,9,9",
        "c,normal,1,1,9,9",
        "../../etc/passwd,n,1,1,9,9",
        ",n,1,1,9,9",
    ]
    lines += ["d,n,1e308,1,inf,9", "d,n,1,1,100.4,9", "d,n,1,1,9"]
    manifest = read(tmp_path, "\n".join(lines))
    assert dict(zip(manifest.boxes["row"], manifest.boxes["problem"], strict=True)) == {
        2: "",
        3: "written twice: the same as row 2",
        4: "the corners are in the wrong order",
        5: "the box has no area",
        6: "a corner is missing or no number",
        7: "the box reaches beyond the edge of the picture",
        8: "a side is shorter than 2 pixels",
        13: "a corner is missing or no number",
        14: "",
    }
    assert {item.row: item.reason for item in manifest.quarantined} == {
        9: "the row has a box, but field 'kind' is blank",
        10: "the row has a box, but field 'kind' says 'normal'",
        11: "no such image file",
        12: "no image named",
        15: "the line has 5 cells, the header 6",
    }
    assert np.isnan(by_file(manifest, "finding.n")["b.png"])
    assert np.isnan(by_file(manifest, "finding.n")["c.png"])
    assert corners(manifest)[-1] == [1, 1, 100, 9]
    assert box_facts(manifest).unusable == 7


def test_several_columns_that_could_name_the_box_are_asked_for(tmp_path):
    text = "image,finding,diagnosis,x,y,w,h\na,n,p,1,1,9,9\na,m,q,20,20,9,9\nb,n,q,1,1,9,9\n"
    with pytest.raises(AmbiguousRequest) as caught:
        read(tmp_path, text)
    assert caught.value.questions[0].options == ("finding", "diagnosis")
    assert read(tmp_path, text, label="finding").findings == ("n", "m")


def test_a_table_that_fits_no_box_format_says_so(tmp_path):
    text = "image,dx\na,n\nb,m\n"
    with pytest.raises(DataUnusable, match="no columns that can be read as boxes_table"):
        read(tmp_path, text, reading="boxes_table")


def test_boxes_are_checked_again_with_the_decoded_sizes(tmp_path):
    manifest = read(tmp_path, "image,kind,x,y,w,h\na,n,1,1,90,9\na,n,1,1,0,9\nb,n,1,1,9,9\n")
    rows = manifest.rows.assign(width=50.0, height=50.0)
    again = check_boxes(manifest.boxes, rows)
    assert again["problem"].tolist() == ["the box reaches beyond the edge of the picture", "the box has no area", ""]
    assert check_boxes(again, rows).equals(again)


def test_labels_and_boxes_that_disagree_are_counted(tmp_path):
    manifest = read(tmp_path, "image,kind,x,y,w,h\na,n,1,1,9,9\na,n,20,20,9,9\nb,n,1,1,9,9\nc,,,,,\n")
    rows = manifest.rows.copy()
    rows["finding.n"] = [0.0, 1.0, 1.0, 1.0]
    facts = box_facts(dataclasses.replace(manifest, rows=rows))
    assert (facts.absent_with_box, facts.present_without_box, facts.unboxed_present) == (1, 1, 1)


def test_a_hundred_thousand_boxes_are_read_from_a_zip(tmp_path):
    folder = draw(tmp_path / "set", *(f"i{number}.png" for number in range(50)))
    lines = [
        "image,kind,x,y,w,h",
        *(f"i{n % 50}.png,k{n % 3},{n % 40},{n // 50 % 30}.{n},20,10" for n in range(100_000)),
    ]
    with zipfile.ZipFile(tmp_path / "t.csv.zip", "w") as archive:
        archive.writestr("t.csv", "\n".join(lines))
    manifest = read_folder(folder, table=tmp_path / "t.csv.zip")
    assert len(manifest.boxes) == 100_000
    assert manifest.rows[IMAGE_ID].is_unique


def test_a_box_of_a_picture_that_is_gone_is_not_counted(tmp_path):
    manifest = read(tmp_path, "image,kind,x,y,w,h\na,n,1,1,9,9\na,n,20,20,9,9\nb,n,1,1,9,9\n")
    rows = manifest.rows[manifest.rows[FILE] != "b.png"]
    boxes = check_boxes(manifest.boxes, rows)
    assert boxes["problem"].tolist() == ["", "", "its picture cannot be used"]
    assert box_facts(dataclasses.replace(manifest, rows=rows, boxes=boxes)).boxes == 2


def test_one_box_an_image_and_no_label_is_a_table_of_boxes(tmp_path):
    lines = ["image,source,bbox", *(f'{name},wheat,"[70, 30, 10, 12]"' for name in "abcd")]
    manifest = read(tmp_path, "\n".join(lines))
    assert manifest.kind == "boxes_table"
    assert corners(manifest) == [[70, 30, 80, 42]] * 4


@pytest.mark.parametrize("rows", [("a,nodule", "a,mass", "b,nodule"), ("a,nodule", "b,mass", "c,nodule", "d,mass")])
def test_boxes_drawn_on_a_picture_of_another_size_are_not_used(tmp_path, rows):
    header = "image_id,class_name,x_min,y_min,x_max,y_max,width,height"
    drawn = "\n".join([header, *(f"{row},10,10,{20 + number},40,400,200" for number, row in enumerate(rows))])
    manifest = read(tmp_path, drawn)
    assert set(manifest.boxes["problem"]) == {"drawn on a picture of 400x200 pixels, but the file has 100x50"}
    assert set(read(tmp_path, drawn.replace("400,200", "100,50")).boxes["problem"]) == {""}
