"""Names, numbers and dates of people, planted in columns, names of files and photographs; and what is none of them."""

import shutil
from dataclasses import replace
from itertools import pairwise

import pandas as pd
import pytest
from PIL import Image

from tasks.personal_data import in_columns, in_file_names

IMAGES = 600
GIVEN = ["Anna", "Peter", "Maria", "James", "Fatima", "Lukas", "Priya", "Olga"]
FAMILY = ["Miller", "Schmidt", "Rossi", "Garcia", "Okafor", "Novak", "Tanaka"]
PEOPLE = [f"{given} {family}" for given in GIVEN for family in FAMILY]


def cells(make, n=IMAGES):
    return [make(number) for number in range(n)]


@pytest.fixture
def look_at_few(clean, few, look):
    return lambda **attributes: look(few(clean(**attributes)))


@pytest.mark.parametrize(
    ("column", "values", "what"),
    [
        ("patient_name", cells(lambda i: f"X{i}"), "names of people"),
        ("who", cells(lambda i: PEOPLE[i % len(PEOPLE)]), "names of people"),
        ("reported_by", cells(lambda i: ["Dr. Miller", "Dr. Rossi"][i % 2]), "names of people"),
        ("id2", cells(lambda i: f"{FAMILY[i % 7].upper()}^{GIVEN[i % 8].upper()}"), "names of people"),
        ("contact", cells(lambda i: f"p{i}@example.org" if i == 7 else "none"), "ways to reach somebody"),
        (
            "remark",
            cells(lambda i: f"call +49 30 12345{i % 90 + 10}" if i % 50 == 0 else "ok"),
            "ways to reach somebody",
        ),
        ("number", cells(lambda i: f"{100 + i}-12-{1000 + i}"), "numbers of people"),
        ("mrn", cells(lambda i: 400000.0 + i), "numbers of people"),
        ("birth_date", cells(lambda i: f"19{i % 80 + 10}-01-02"), "dates of birth"),
        ("Geburtsdatum", cells(lambda i: f"02.01.19{i % 80 + 10}"), "dates of birth"),
    ],
)
def test_columns_that_name_people_are_asked_about_and_never_quoted(look_at_few, column, values, what):
    found = look_at_few(**{column: values})
    hazard = found.one("personal_data")
    assert hazard.severity == "ask"
    assert f"{column} ({what})" in hazard.summary
    shown = f"{found.profile.attributes} {[item.summary for item in found.profile.hazards]}"
    texts = {str(value) for value in values} - {"none", "ok"}
    assert not any(text in shown for text in texts)
    assert column not in {attribute.name for attribute in found.profile.attributes}


HARMLESS = {
    "lesion_id": cells(lambda i: f"HAM_000{i:04d}"),
    "image_name": cells(lambda i: f"ISIC_00{i:05d}"),
    "localization": cells(lambda i: ["Lower Extremity", "Upper Arm", "Back", "Abdomen", "Chest"][i % 5]),
    "diagnosis": cells(lambda i: ["Basal Cell Carcinoma", "Melanoma", "Actinic Keratosis", "Nevus, Compound"][i % 4]),
    "hospital": cells(lambda i: ["St. Mary", "Charité", "Mount Sinai"][i % 3]),
    "camera_model": cells(lambda i: ["Canon EOS 5D", "DermLite Foto", "Nikon Z 6"][i % 3]),
    "device_name": cells(lambda i: ["GE Discovery", "Philips Ingenia"][i % 2]),
    "accession": cells(lambda i: f"A{i * 7919 % 1000000:06d}"),
    "study_uid": cells(lambda i: f"1.2.276.0.7230010.3.1.4.8323329.{i}.1517875162.{850819 + i}"),
    "birth_weight": cells(lambda i: 3000.0 + i),
    "note": cells(lambda i: "asymmetric lesion with irregular border and blue veil"),
    "range": cells(lambda i: f"{i}-{i + 10}"),
}


def test_columns_that_name_nobody_raise_no_alarm():
    found = in_columns({name: pd.Series(values) for name, values in HARMLESS.items()})
    assert [item.where for item in found] == []


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda i: f"{FAMILY[i % 7]}_{GIVEN[i % 8]}_{i}.jpg", "names of people"),
        (lambda i: f"{GIVEN[i % 8].lower()}-{FAMILY[i % 7].lower()}{i}.png", "names of people"),
        (lambda i: f"scan_1954{i % 12 + 1:02d}{i % 28 + 1:02d}_{i}.png", "dates"),
        (lambda i: f"batch/mrn {100000 + i}.png", "numbers of people"),
    ],
)
def test_names_of_files_that_name_people_are_found(make, what):
    assert what in {item.what for item in in_file_names(cells(make))}


@pytest.mark.parametrize(
    "make",
    [
        lambda i: f"ISIC_00{i:05d}.jpg",
        lambda i: f"BloodImage_{i:05d}.jpg",
        lambda i: f"{i:08d}_{i % 9:03d}.png",
        lambda i: f"train/Basal Cell/{i}.png",
        lambda i: f"Benign_Nevus_{i}.png" if i % 2 else f"Malignant_Melanoma_{i}.png",
        lambda i: f"1.2.276.0.7230010.3.1.4.8323329.{i}.1517875162.{850819 + i}.dcm",
        lambda i: f"patient{i // 3:04d}_{i % 3}.png",
        lambda i: f"IMG_{i:04d}_Left_Upper.png",
    ],
)
def test_names_of_files_that_number_images_raise_no_alarm(make):
    assert in_file_names(cells(make)) == ()


def test_names_of_files_reach_neither_summary_nor_examples(clean, few, look, tmp_path):
    manifest = few(clean())
    names = cells(lambda i: f"{FAMILY[i % 7]}_{GIVEN[i % 8]}_{i}.png")
    for old, new in zip(manifest.rows["file"], names, strict=False):
        shutil.copy(manifest.images / old, tmp_path / new)
    manifest.rows["file"] = names[: len(manifest.rows)]
    hazard = look(replace(manifest, images=tmp_path)).one("personal_data")
    assert hazard.severity == "ask"
    assert not any(name in f"{hazard.summary}{hazard.examples}" for name in [*GIVEN, *FAMILY])


def test_photographs_with_a_place_or_a_name_are_asked_about(clean, few, look, tmp_path):
    manifest = few(clean())
    names = []
    for number, file in enumerate(manifest.rows["file"]):
        with Image.open(manifest.images / file) as picture:
            tags = Image.Exif()
            if number == 7:
                tags.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 0.0), 3: "E", 4: (13.0, 24.0, 0.0)})
            if number == 8:
                tags[0x013B] = "Anna Miller"
            if number == 9:
                tags[0x0110] = "Canon EOS 5D"
            names.append(f"{number:04d}.jpg")
            picture.save(tmp_path / names[-1], exif=tags, quality=95)
    manifest.rows["file"] = names
    hazard = look(replace(manifest, images=tmp_path)).one("personal_data")
    assert hazard.severity == "ask"
    assert "1 photograph has the place" in hazard.summary
    assert "1 photograph has the name of a person" in hazard.summary
    assert hazard.examples == ("0007.jpg (row 9)", "0008.jpg (row 10)")
    assert "Anna" not in hazard.summary


def test_a_group_column_that_holds_numbers_of_people_is_told(clean, few, look):
    manifest = few(clean())
    named = replace(manifest, roles=replace(manifest.roles, group="mrn"))
    assert "mrn (numbers of people)" in look(named).one("personal_data").summary


def test_long_cells_do_not_hold_up_the_search():
    long = pd.Series(["a" * 200_000 + "!"] * 3 + [f"{first}{second}" for first, second in pairwise("abcdef")])
    assert in_columns({"blob": long}) == ()
