import unicodedata

import pytest
from PIL import Image

from tasks.domain.manifest import FILE, GROUP, LABEL, SPLIT
from tasks.domain.request import Request
from tasks.readers.discovery import read_folder, read_manifest


def draw(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (20, 10)).save(path)
    return folder


def write(path, header, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]), encoding="utf-8")
    return path


def by_file(manifest, column=LABEL):
    return dict(zip(manifest.rows[FILE], manifest.rows[column], strict=True))


def label(number):
    return "xy"[number % 2]


def test_zeros_that_a_spreadsheet_took_off_are_put_back(tmp_path):
    draw(tmp_path, *(f"images/{number:04d}.png" for number in range(1, 9)))
    write(
        tmp_path / "labels.csv", "Image No,Diagnosis,Age", [(n, label(n), n) for n in range(1, 9)] + [("Total", "", "")]
    )
    manifest = read_folder(tmp_path)
    assert by_file(manifest)["images/0003.png"] == "y"
    assert len(manifest.rows) == 8
    assert [item.file for item in manifest.quarantined] == ["Total"]
    assert "Image No holds numbers without the zeros that the names of the files begin with." in manifest.notes


@pytest.mark.parametrize("above", ["C:\\Users\\clinic\\CheXpert\\", "/home/x/CheXpert/", "CheXpert-v1.0/"])
def test_folders_of_another_machine_are_left_out(tmp_path, above):
    draw(tmp_path, *(f"here/patient{number}/study1/view.png" for number in range(8)))
    slash = "\\" if "\\" in above else "/"
    rows = [(f"{above}patient{n}{slash}study1{slash}view.png", label(n)) for n in range(8)]
    write(tmp_path / "labels.csv", "path,dx", rows)
    assert by_file(read_folder(tmp_path))["here/patient3/study1/view.png"] == "y"


def test_a_split_in_a_path_is_not_left_out(tmp_path):
    draw(tmp_path, *(f"test/{number}.png" for number in range(8)))
    write(tmp_path / "labels.csv", "path,dx", [(f"/data/train/{n}.png", label(n)) for n in range(8)])
    assert read_folder(tmp_path).kind == "unlabelled"


def test_relative_folders_that_leave_nothing_but_a_name_are_no_match(tmp_path):
    draw(tmp_path, *(f"hospital_b/{number}.png" for number in range(8)))
    write(tmp_path / "labels.csv", "path,dx", [(f"hospital_a/{n}.png", label(n)) for n in range(8)])
    assert set(read_folder(tmp_path).rows[LABEL]) == {""}


@pytest.mark.parametrize("folder", ["site {}", "{}00"])
def test_a_name_in_several_folders_is_found_by_the_column_of_the_folder(tmp_path, folder):
    places = [folder.format(number) for number in (1, 2, 3)]
    draw(tmp_path, *(f"{place}/{n}.png" for place in places for n in range(4)))
    rows = [(place, n, label(n + at)) for at, place in enumerate(places) for n in range(4)]
    write(tmp_path / "labels.csv", "patient,image,dx", rows)
    manifest = read_folder(tmp_path)
    assert by_file(manifest)[f"{places[1]}/2.png"] == "y"
    assert manifest.rows[GROUP].nunique() == 3
    assert not manifest.quarantined


def test_the_beginning_of_a_name_is_enough_if_one_file_begins_so(tmp_path):
    # As in INbreast, whose table has numbers and whose files have number, hash, side and view.
    draw(tmp_path, *(f"{20586908 + n}_6c613a14b80a8591_MG_R_CC_ANON.png" for n in range(8)))
    draw(tmp_path, "30000000_a.png", "30000000_b.png")
    write(tmp_path / "t.csv", "Patient ID,File Name,Bi-Rads", [("removed", 20586908 + n, n % 3) for n in range(8)])
    manifest = read_folder(tmp_path)
    assert by_file(manifest)["20586909_6c613a14b80a8591_MG_R_CC_ANON.png"] == "1"
    assert manifest.roles.group is None  # one word in every row names nobody
    assert len(manifest.rows) == 8


def test_the_table_of_each_split_means_the_images_beside_it(tmp_path):
    # As Roboflow exports classes: one file a split, and names that recur in other splits.
    for split, number in (("train", 6), ("valid", 4), ("test", 2)):
        draw(tmp_path / split, *(f"im{n}.jpg" for n in range(number)))
        rows = [(f"im{n}.jpg", n % 2, 1 - n % 2) for n in range(number)]
        write(tmp_path / split / "_classes.csv", "filename, benign, malignant", rows)
    manifest = read_folder(tmp_path)
    assert manifest.rows[SPLIT].value_counts().to_dict() == {"train": 6, "validation": 4, "test": 2}
    assert by_file(manifest)["valid/im1.jpg"] == "benign"


def test_the_table_of_each_hospital_means_its_own_images(tmp_path):
    for site in "AB":
        draw(tmp_path / site, *(f"{n}.png" for n in range(6)))
        write(
            tmp_path / site / "labels.csv",
            "image,dx,patient",
            [(f"{n}.png", label(n), f"{site}{n // 2}") for n in range(6)],
        )
    manifest = read_folder(tmp_path)
    assert len(manifest.rows) == 12
    assert manifest.rows[GROUP].nunique() == 6
    assert set(manifest.rows[SPLIT]) == {""}


def test_the_file_name_goes_before_an_age_that_could_be_one(tmp_path):
    draw(tmp_path, *(f"{n}.png" for n in range(20, 40)))
    write(tmp_path / "t.csv", "id,dx,age", [(n, label(n), 59 - n) for n in range(20, 40)])
    assert by_file(read_manifest(Request(text="x", images=tmp_path)))["21.png"] == "y"


def test_letters_with_accents_are_the_same_from_windows_and_from_a_mac(tmp_path):
    draw(tmp_path, *(unicodedata.normalize("NFD", f"Aufnähme {number}.png") for number in range(6)))
    write(tmp_path / "t.csv", "Bild,Diagnose", [(f"Aufnähme {number}.png", label(number)) for number in range(6)])
    assert list(read_folder(tmp_path).rows[LABEL]) == list("xyxyxy")


def test_numbers_with_and_without_a_point_are_one_label(tmp_path):
    draw(tmp_path, *(f"{number}.png" for number in range(8)))
    write(tmp_path / "t.csv", "image,label", [(f"{n}.png", ("0", "1", "0.0", "1.0")[n % 4]) for n in range(8)])
    assert set(read_folder(tmp_path).rows[LABEL]) == {"0", "1"}


def test_both_eyes_of_one_name_stay_together(tmp_path):
    # As in EyePACS, whose table names no patient.
    draw(tmp_path, *(f"{number}_{side}.jpeg" for number in range(6) for side in ("left", "right")))
    rows = [(f"{number}_{side}", number % 3) for number in range(6) for side in ("left", "right")]
    write(tmp_path / "trainLabels.csv", "image,level", rows)
    manifest = read_folder(tmp_path)
    assert manifest.rows[GROUP].nunique() == 6
    assert any("both of one name stay together, 6 in all" in note for note in manifest.notes)
