import gzip
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from tasks.domain.errors import AmbiguousRequest, DataUnusable
from tasks.domain.manifest import FILE, GROUP, IMAGE_ID, LABEL, ROW, SPLIT, SUPERVISION
from tasks.domain.request import ColumnRoles, Request
from tasks.readers.discovery import read_manifest

HAM10000 = Path(__file__).resolve().parents[2] / "../shared/data/ham10000"


def draw(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (2, 2)).save(path)
    return folder


@pytest.fixture
def images(tmp_path):
    return draw(tmp_path / "images", *(f"img_{number}.png" for number in range(8)))


def request(images, table=None, **roles):
    return Request(text="", images=images, table=table, roles=ColumnRoles(**roles))


def write(folder, text, name="table.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def table_of(tmp_path, header, line, rows=8):
    lines = (line.format(i=i, label="mel" if i % 2 else "nv", half=i // 2) for i in range(rows))
    return write(tmp_path, "\n".join([header, *lines]))


def reasons(manifest):
    return {item.row or item.file: item.reason for item in manifest.quarantined}


@pytest.mark.skipif(not HAM10000.exists(), reason="HAM10000 is not here")
def test_the_columns_of_ham10000_are_found_without_hints():
    manifest = read_manifest(request(HAM10000 / "images", HAM10000 / "metadata.csv"))
    roles = manifest.roles
    assert (roles.image, roles.label, roles.group, roles.split) == ("image_id", "dx", "lesion_id", None)
    assert roles.attributes == ("dx_type", "age", "sex", "localization")
    assert roles.boxes == ("x_min", "y_min", "x_max", "y_max")
    assert len(manifest.rows) == 10015
    assert manifest.quarantined == ()
    assert manifest.rows["attribute.age"].isna().sum() == 57
    assert manifest.rows[IMAGE_ID].is_unique


def test_each_image_of_a_table_is_a_row_with_its_line(tmp_path, images):
    table = table_of(tmp_path, "image,diagnosis,patient_id,age", "img_{i}.png,{label},P{half},{i}")
    manifest = read_manifest(request(images, table))
    assert manifest.kind == "table"
    assert manifest.rows[FILE].tolist() == [f"img_{i}.png" for i in range(8)]
    assert manifest.rows[ROW].tolist() == list(range(2, 10))
    assert manifest.rows[GROUP].tolist() == ["P0", "P0", "P1", "P1", "P2", "P2", "P3", "P3"]
    assert manifest.rows["attribute.age"].tolist() == [float(i) for i in range(8)]


def test_an_image_id_says_nothing_of_its_file(tmp_path, images):
    manifest = read_manifest(request(images, table_of(tmp_path, "image,dx", "img_{i},{label}")))
    assert all(len(name) == 16 and "img" not in name for name in manifest.rows[IMAGE_ID])
    assert manifest.rows[GROUP].equals(manifest.rows[IMAGE_ID].rename(GROUP))


@pytest.mark.parametrize(
    "cell", ["img_{i}", "img_{i}.png", "IMG_{i}.PNG", "images/img_{i}.png", "C:\\x\\images\\img_{i}.dcm"]
)
def test_files_are_found_however_the_table_writes_them(tmp_path, images, cell):
    manifest = read_manifest(request(images, table_of(tmp_path, "image,dx", cell + ",{label}")))
    assert len(manifest.rows) == 8


def test_a_name_in_two_folders_is_not_guessed(tmp_path):
    images = draw(tmp_path / "images", "a/1.png", "b/1.png", "a/2.png", "b/3.png", "a/4.png")
    table = write(tmp_path, "image,dx\na/1.png,x\nb/1.png,y\n2,x\n3,y\n1,x\nb/4.png,x\n")
    manifest = read_manifest(request(images, table))
    assert manifest.rows[FILE].tolist() == ["a/1.png", "b/1.png", "a/2.png", "b/3.png"]
    assert reasons(manifest)[6] == "several files could be meant: a/1.png, b/1.png"
    assert reasons(manifest)[7] == "no such image file"
    assert reasons(manifest)["a/4.png"] == "the table has no row for this image"


def test_one_column_a_class_is_read_as_in_the_isic_file(tmp_path, images):
    lines = ["image,MEL,NV,BCC", "img_0,1.0,0.0,0.0", "img_1,0.0,1.0,0.0", "img_2,0,1,0", "img_3,1,0,0"]
    lines += [f"img_{i},0,0,1" for i in range(4, 6)] * 6
    manifest = read_manifest(request(images, write(tmp_path, "\n".join(lines))))
    assert manifest.kind == "one_hot"
    assert manifest.roles.one_hot == ("MEL", "NV", "BCC")
    assert manifest.rows[LABEL].tolist() == ["MEL", "NV", "NV", "MEL", "BCC", "BCC"]


def test_rows_with_no_class_or_several_are_set_aside(tmp_path, images):
    lines = ["image,MEL,NV", *(f"img_{i},1,0" for i in range(3)), "img_3,0,1", "img_4,0,0", "img_5,1,1", "img_6,?,1"]
    table = write(tmp_path, "\n".join(lines))
    manifest = read_manifest(request(images, table, one_hot=("MEL", "NV")))
    assert reasons(manifest) == {
        6: "the row marks no class",
        7: "the row marks several classes: MEL, NV",
        8: "field 'MEL' holds neither 0 nor 1",
        "img_7.png": "the table has no row for this image",
    }


def test_a_column_of_a_class_without_marks_is_an_error(tmp_path, images):
    table = table_of(tmp_path, "image,MEL,NV", "img_{i},red,0")
    with pytest.raises(DataUnusable, match=r"row 2, field 'MEL'.*must hold 0 or 1"):
        read_manifest(request(images, table, one_hot=("MEL", "NV")))


def test_two_columns_that_could_be_the_label_are_asked_for(tmp_path, images):
    table = table_of(tmp_path, "image,diagnosis,target", "img_{i},{label},{half}")
    with pytest.raises(AmbiguousRequest) as caught:
        read_manifest(request(images, table))
    (question,) = caught.value.questions
    assert (question.field, question.options, question.blocking) == ("label", ("diagnosis", "target"), True)
    assert read_manifest(request(images, table, label="diagnosis")).roles.attributes == ("target",)


def test_a_label_is_not_guessed_from_age_and_sex(tmp_path, images):
    with pytest.raises(AmbiguousRequest) as caught:
        read_manifest(request(images, table_of(tmp_path, "image,sex,site", "img_{i},{label},{half}")))
    assert caught.value.questions[0].options == ("sex", "site")


def test_two_columns_of_images_are_asked_for(tmp_path, images):
    table = table_of(tmp_path, "left,right,dx", "img_{i},img_0,{label}")
    with pytest.raises(AmbiguousRequest) as caught:
        read_manifest(request(images, table))
    assert (caught.value.questions[0].field, caught.value.questions[0].options) == ("image", ("left", "right"))


def test_the_patient_goes_before_the_lesion(tmp_path, images):
    table = table_of(tmp_path, "image,dx,lesion_id,patient_id,lesion_size", "img_{i},{label},L{i},P{half},{i}")
    assert read_manifest(request(images, table)).roles.group == "patient_id"


def test_groups_that_cross_are_asked_for(tmp_path, images):
    lines = ["image,dx,case_id,patient_id", *(f"img_{i},{'ab'[i % 2]},C{i % 2},P{i // 4}" for i in range(8))]
    with pytest.raises(AmbiguousRequest) as caught:
        read_manifest(request(images, write(tmp_path, "\n".join(lines))))
    assert caught.value.questions[0].options == ("case_id", "patient_id")


def test_a_blank_group_makes_the_image_its_own(tmp_path, images):
    lines = ["image,dx,patient", *(f"img_{i},{'ab'[i % 2]},{'P1' if i < 6 else ''}" for i in range(8))]
    rows = read_manifest(request(images, write(tmp_path, "\n".join(lines)))).rows
    assert rows[GROUP].tolist()[6:] == rows[IMAGE_ID].tolist()[6:]


def test_given_splits_are_read_and_odd_ones_set_aside(tmp_path, images):
    words = ["train", "Training", "val", "test", "TEST", "holdout", "dev", "tset"]
    lines = ["image,dx,split", *(f"img_{i},{'ab'[i % 2]},{words[i]}" for i in range(8))]
    manifest = read_manifest(request(images, write(tmp_path, "\n".join(lines))))
    assert manifest.rows[SPLIT].tolist() == ["train", "train", "validation", "test", "test", "test", "validation"]
    assert reasons(manifest) == {9: "field 'split' names neither train, validation nor test"}


def test_a_given_split_column_without_splits_is_an_error(tmp_path, images):
    table = table_of(tmp_path, "image,dx,fold", "img_{i},{label},{half}")
    assert read_manifest(request(images, table)).roles.split is None
    with pytest.raises(DataUnusable, match="row 2, field 'fold'"):
        read_manifest(request(images, table, split="fold"))


def test_a_missing_column_is_named_with_those_that_exist(tmp_path, images):
    table = table_of(tmp_path, "image,dx", "img_{i},{label}")
    with pytest.raises(DataUnusable, match=r"table\.csv, field 'diagnosis'.*the table has: image, dx"):
        read_manifest(request(images, table, label="diagnosis"))


def test_a_column_has_one_part(tmp_path, images):
    table = table_of(tmp_path, "image,dx", "img_{i},{label}")
    with pytest.raises(DataUnusable, match="given two parts"):
        read_manifest(request(images, table, label="dx", group="dx"))
    with pytest.raises(DataUnusable, match="not both"):
        read_manifest(request(images, table, label="dx", one_hot=("image",)))
    with pytest.raises(DataUnusable, match="two columns or more"):
        read_manifest(request(images, table, one_hot=("dx",)))


def test_single_bad_rows_are_never_fatal(tmp_path, images):
    lines = ["image,dx,note", "img_0,a,x", "img_1,,x", "img_9,b,x", ",b,x", "img_0,a,x", "img_2,b,x"]
    lines += ["img_3,a,x", "img_3,b,x", "img_4,b", "img_5,a,x,more", "", "img_6,NA,x", "img_7,b,x"]
    manifest = read_manifest(request(images, write(tmp_path, "\n".join(lines)), label="dx"))
    assert manifest.rows[FILE].tolist() == ["img_0.png", "img_1.png", "img_2.png", "img_6.png", "img_7.png"]
    assert {row: why for row, why in reasons(manifest).items() if isinstance(row, int)} == {
        4: "no such image file",
        5: "no image named",
        6: "repeats row 2",
        8: "rows for the same image differ in label: also row 9",
        9: "rows for the same image differ in label: also row 8",
        10: "the line has 2 cells, the header 3",
        11: "the line has 4 cells, the header 3",
    }


def test_an_image_with_a_blank_label_is_an_image_without_a_label(tmp_path, images):
    lines = ["image,dx,site", *(f"img_{i},{('nv', 'mel', '')[i % 3]},{'ab'[i % 2]}" for i in range(8))]
    manifest = read_manifest(request(images, write(tmp_path, "\n".join(lines))))
    assert manifest.quarantined == ()
    assert manifest.rows[LABEL].tolist() == ["nv", "mel", "", "nv", "mel", "", "nv", "mel"]
    assert manifest.rows.loc[manifest.rows[LABEL] == "", SUPERVISION].tolist() == ["none"] * 2
    assert "2 of 8 images carry no label: dx is blank; nothing is assumed of them." in manifest.notes


def test_a_blank_label_beside_another_row_of_the_image_contradicts_nothing(tmp_path, images):
    lines = ["image,dx", *(f"img_{i},{'nv' if i % 2 else 'mel'}" for i in range(8)), "img_0,"]
    manifest = read_manifest(request(images, write(tmp_path, "\n".join(lines))))
    assert len(manifest.rows) == 8
    assert reasons(manifest) == {10: "field 'dx' is blank, and another row of the image has a label"}


@pytest.mark.parametrize("how", ["dx_type", "diagnosis_method", "label_source"])
def test_a_column_that_says_how_a_label_came_about_is_no_label_beside_findings(tmp_path, images, how):
    lines = [
        f"image,nodule,effusion,{how}",
        *(f"img_{i},{i % 2},{i // 4},{'ct' if i % 3 else 'histo'}" for i in range(8)),
    ]
    manifest = read_manifest(request(images, write(tmp_path, "\n".join(lines))))
    assert manifest.findings == ("nodule", "effusion")
    assert (manifest.roles.label, manifest.roles.attributes) == (None, (how,))


def test_a_column_that_says_how_a_label_came_about_is_no_label_beside_one_finding(tmp_path, images):
    lines = ["image,melanoma,dx_type", *(f"img_{i},{i % 2},{'ct' if i % 3 else 'histo'}" for i in range(8))]
    manifest = read_manifest(request(images, write(tmp_path, "\n".join(lines))))
    assert (manifest.roles.label, manifest.roles.attributes) == ("melanoma", ("dx_type",))


def test_a_type_of_diagnosis_that_stands_alone_is_the_label(tmp_path, images):
    assert read_manifest(request(images, table_of(tmp_path, "image,diagnosis_type", "img_{i},{label}"))).roles.label


def test_a_table_of_boxes_is_not_read_as_labels_of_images(tmp_path, images):
    lines = ["image,cell_type", *(f"img_{i // 2},{'ab'[i % 2]}" for i in range(16))]
    with pytest.raises(DataUnusable, match="several rows that contradict each other"):
        read_manifest(request(images, write(tmp_path, "\n".join(lines))))


def test_a_table_that_matches_no_image_shows_both_sides(tmp_path, images):
    table = table_of(tmp_path, "image,dx", "scan_{i},{label}")
    for given in ({}, {"image": "image"}):
        with pytest.raises(DataUnusable, match=r"image='scan_0'.*such as 'img_0\.png'"):
            read_manifest(request(images, table, **given))


def test_one_label_is_too_few(tmp_path, images):
    with pytest.raises(DataUnusable, match="two labels or more"):
        read_manifest(request(images, table_of(tmp_path, "image,dx", "img_{i},nv"), label="dx"))


@pytest.mark.parametrize("kind", ["gz", "zip", "tsv", "semicolon", "bom", "cp1252", "utf16"])
def test_tables_come_in_many_forms(tmp_path, images, kind):
    text = table_of(tmp_path, "image,dx,width_mm,site", "img_{i},{label},0.{i},gesäß").read_text(encoding="utf-8")
    path = tmp_path / {"gz": "t.csv.gz", "zip": "t.csv.zip", "tsv": "t.tsv"}.get(kind, "t.csv")
    match kind:
        case "gz":
            path.write_bytes(gzip.compress(text.encode()))
        case "zip":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("t.csv", text)
        case "tsv":
            path.write_text(text.replace(",", "\t"), encoding="utf-8")
        case "semicolon":
            path.write_text(text.replace(",", ";").replace("0.", "0,"), encoding="utf-8")
        case _:
            path.write_bytes(text.encode({"bom": "utf-8-sig", "utf16": "utf-16"}.get(kind, kind)))
    rows = read_manifest(request(images, path)).rows
    assert rows["attribute.width_mm"].tolist() == [i / 10 for i in range(8)]
    assert rows["attribute.site"].tolist() == ["gesäß"] * 8


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"image,dx\n", "no rows below its header"),
        (b"image\nimg_0\n", "one column only"),
        (b"image,dx,dx\nimg_0,a,b\n", r"row 1, field 'dx': two columns have this name"),
        (b"PK\x03\x04xyz", "save it as CSV"),
        (b"\x89PNG\x00\x00,", "save it as CSV"),
        (b"image,dx\nimg_0\nimg_1\nimg_2,a\n", "row 2: most lines do not fit"),
    ],
)
def test_a_file_that_is_no_table_is_an_error(tmp_path, images, content, problem):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(DataUnusable, match=problem) as caught:
        read_manifest(request(images, path))
    assert str(path) in str(caught.value)


def test_a_missing_or_damaged_table_is_an_error(tmp_path, images):
    with pytest.raises(DataUnusable, match="cannot be opened"):
        read_manifest(request(images, tmp_path / "none.csv"))
    (tmp_path / "t.csv.gz").write_bytes(b"not gzip")
    with pytest.raises(DataUnusable, match="damaged"):
        read_manifest(request(images, tmp_path / "t.csv.gz"))
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("a.csv", "")
        archive.writestr("b.csv", "")
    with pytest.raises(DataUnusable, match="holds 2 files"):
        read_manifest(request(images, tmp_path / "t.zip"))


def test_folders_are_classes(tmp_path):
    images = draw(
        tmp_path / "set", "mel/1.png", "mel/deep/2.png", "nv/1.jpg", "loose.png", ".hidden/3.png", "nv/._1.jpg"
    )
    manifest = read_manifest(request(images))
    assert manifest.kind == "class_folders"
    assert dict(zip(manifest.rows[FILE], manifest.rows[LABEL], strict=True)) == {
        "mel/1.png": "mel",
        "mel/deep/2.png": "mel",
        "nv/1.jpg": "nv",
    }
    assert reasons(manifest) == {"loose.png": "lies in no folder of a class"}
    assert set(manifest.rows[SPLIT]) == {""}


def test_folders_of_splits_hold_folders_of_classes(tmp_path):
    images = draw(tmp_path / "set", "train/mel/1.png", "train/nv/2.png", "val/mel/3.png", "test/nv/4.png")
    rows = read_manifest(request(images)).rows
    assert dict(zip(rows[FILE], rows[SPLIT], strict=True))["val/mel/3.png"] == "validation"
    assert set(rows[LABEL]) == {"mel", "nv"}


def test_folders_that_are_neither_classes_nor_splits_are_an_error(tmp_path):
    with pytest.raises(DataUnusable, match="name no split: extra"):
        read_manifest(request(draw(tmp_path / "one", "train/mel/1.png", "extra/nv/2.png")))
    with pytest.raises(DataUnusable, match="give a table of labels"):
        read_manifest(request(draw(tmp_path / "two", "1.png", "2.png")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataUnusable, match="no image file"):
        read_manifest(request(tmp_path / "empty"))
    with pytest.raises(DataUnusable, match="no such folder"):
        read_manifest(request(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    "name", ["PatientID", "Patient ID", "patient", "subject_id", "MRN", "Participant Id", "anon_patient_id", "donor"]
)
def test_the_column_of_the_patient_is_known_by_many_names(tmp_path, images, name):
    table = table_of(tmp_path, f"image,dx,{name}", "img_{i},{label},P{half}")
    assert read_manifest(request(images, table)).roles.group == name


@pytest.mark.parametrize(
    "name", ["StudyInstanceUID", "study_id", "Accession Number", "eye_id", "video_id", "slide_id", "exam id", "clip"]
)
def test_without_a_patient_the_study_eye_video_or_slide_keeps_images_together(tmp_path, images, name):
    table = table_of(tmp_path, f"image,dx,{name}", "img_{i},{label},S{half}")
    assert read_manifest(request(images, table)).roles.group == name
    beside = table_of(tmp_path, f"image,dx,{name},PatientID", "img_{i},{label},S{half},P{i}")
    assert read_manifest(request(images, beside)).roles.group == "PatientID"


@pytest.mark.parametrize("name", ["eye", "visit no", "study", "slide"])
def test_a_side_a_visit_or_a_trial_is_no_group(tmp_path, images, name):
    table = table_of(tmp_path, f"image,dx,{name}", "img_{i},{label},{label}x")
    assert read_manifest(request(images, table, label="dx")).roles.group is None


def test_a_table_without_a_column_for_the_label_lists_its_columns(tmp_path, images):
    table = table_of(tmp_path, "image,patient", "img_{i},P{half}")
    with pytest.raises(DataUnusable, match=r"no column left that could hold the label; it has: image, patient"):
        read_manifest(request(images, table))


@pytest.mark.parametrize(
    ("roles", "problem"),
    [
        ({"label": "dx", "findings": ("a",)}, "not both"),
        ({"annotator": "a", "annotators": ("b",)}, "either the column that names the annotator"),
        ({"findings": ("a", "oedema")}, r"field 'oedema'.*the table has: image, dx, a, b"),
        ({"annotators": ("a", "c")}, "field 'c'"),
    ],
)
def test_parts_that_contradict_each_other_are_an_error(tmp_path, images, roles, problem):
    table = table_of(tmp_path, "image,dx,a,b", "img_{i},{label},1,0")
    with pytest.raises(DataUnusable, match=problem):
        read_manifest(request(images, table, **roles))


def test_labels_that_differ_in_case_only_are_one_label(tmp_path, images):
    lines = [
        "image,dx",
        "img_0,Benign",
        "img_1,benign",
        "img_2,BENIGN ",
        "img_3,Benign",
        "img_4,malignant",
        "img_5,mal",
    ]
    (tmp_path / "table.csv").write_text("\n".join(lines))
    manifest = read_manifest(request(images, tmp_path / "table.csv", label="dx"))
    assert manifest.rows[LABEL].tolist().count("Benign") == 4
    assert any("'benign' as 'Benign'" in note for note in manifest.notes)


@pytest.mark.parametrize("marks", [("True", "False"), ("yes", "no"), ("1.0", "0.0")])
def test_one_column_a_class_is_told_however_its_marks_are_written(tmp_path, images, marks):
    yes, no = marks
    lines = ["image,MEL,NV", *(f"img_{i},{yes if i % 2 else no},{no if i % 2 else yes}" for i in range(6))]
    (tmp_path / "table.csv").write_text("\n".join(lines))
    manifest = read_manifest(request(images, tmp_path / "table.csv"))
    assert manifest.kind == "one_hot"
    assert manifest.rows[LABEL].tolist() == ["NV", "MEL"] * 3


def test_a_column_of_splits_is_told_by_what_it_holds(tmp_path, images):
    table = table_of(tmp_path, "image,dx,Usage", "img_{i},{i},Training")
    text = table.read_text().replace("5,Training", "5,Testing").replace(",0,", ",1,")
    table.write_text(text)
    manifest = read_manifest(request(images, table, label="dx"))
    assert manifest.roles.split == "Usage"
    assert set(manifest.rows[SPLIT]) == {"train", "test"}


def test_numbers_of_rows_and_empty_columns_are_no_attributes(tmp_path, images):
    lines = [",image,dx,,score,score", *(f"{i},img_{i},{i % 2},,{i},{i * i}" for i in range(6))]
    (tmp_path / "table.csv").write_text("\n".join(lines))
    manifest = read_manifest(request(images, tmp_path / "table.csv", label="dx"))
    assert manifest.roles.attributes == ("score", "score (2)")


@pytest.mark.parametrize(("header", "is_label"), [("image,y,age", True), ("image,y,x", False)])
def test_a_column_y_is_the_label_unless_it_is_a_coordinate(tmp_path, images, header, is_label):
    table = table_of(tmp_path, header, "img_{i},{half},{i}").read_text().replace(",2,", ",0,").replace(",3,", ",1,")
    (tmp_path / "table.csv").write_text(table)
    if is_label:
        assert read_manifest(request(images, tmp_path / "table.csv")).roles.label == "y"
    else:
        with pytest.raises(AmbiguousRequest):
            read_manifest(request(images, tmp_path / "table.csv"))
