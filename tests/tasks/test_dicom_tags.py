"""What leaves the headers of DICOM files, and what must not."""

import json
import logging
from dataclasses import replace

import numpy as np
import pandas as pd
import pydicom
import pytest
from PIL import Image
from pydicom.datadict import DicomDictionary
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import RLELossless

from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import (
    BOX_COLUMNS,
    FILE,
    FRAME,
    GROUP,
    IMAGE_ID,
    LABEL,
    READING_COLUMNS,
    SUPERVISION,
    Manifest,
)
from tasks.domain.request import ColumnRoles, Request
from tasks.image_copies import content_of_copy
from tasks.investigation import investigate
from tasks.readers.dicom import with_dicom
from tasks.readers.dicom_tags import read_header
from tasks.readers.discovery import read_manifest
from tasks.storage import as_json


def noise(seed=0, shape=(16, 16)):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture
def header(tmp_path, make_dicom):
    """Return a function that writes a file with tags and returns what is kept of its header."""

    def written_and_read(**tags):
        return read_header(make_dicom(tmp_path / "a.dcm", noise(), **tags))

    return written_and_read


@pytest.fixture
def folders(tmp_path, make_dicom):
    """Return a function that writes files into two folders of classes in turn, a dict of tags each, and reads them."""

    def written_and_read(*tags, frames=1):
        for number, told in enumerate(tags):
            folder = tmp_path / ("benign", "malignant")[number % 2]
            folder.mkdir(exist_ok=True)
            shape = (frames, 16, 16) if frames > 1 else (16, 16)
            make_dicom(folder / f"{number}.dcm", noise(number, shape), **told)
        return read_manifest(Request(text="", images=tmp_path))

    return written_and_read


def by_number(manifest, column):
    numbers = manifest.rows[FILE].str.extract(r"(\d+)\.dcm")[0].astype(int)
    return dict(zip(numbers, manifest.rows[column], strict=True))


def told(manifest):
    return " ".join(manifest.notes)


@pytest.mark.parametrize(
    ("tags", "name", "expected"),
    [
        ({"ViewPosition": "pa"}, "view", "PA"),
        ({"ViewPosition": "MR SMITH"}, "view", None),
        ({"ImageLaterality": "L", "Laterality": "R"}, "laterality", "L"),
        ({"Laterality": "R"}, "laterality", "R"),
        ({"Modality": "CR"}, "modality", "CR"),
        ({"Modality": "SMITH"}, "modality", None),
        ({"BodyPartExamined": "CHEST"}, "body_part", "CHEST"),
        ({"BodyPartExamined": "JANE"}, "body_part", None),
        ({"PatientSex": "F"}, "sex", "F"),
        ({"PatientAge": "061Y"}, "age_years", 61.0),
        ({"PatientAge": "61"}, "age_years", 61.0),
        ({"PatientAge": "018M"}, "age_years", 1.5),
        ({"PatientAge": "097Y"}, "age_years", 90.0),
        ({"PatientAge": "000Y"}, "age_years", None),
        ({"PatientAge": "unknown"}, "age_years", None),
        ({"PatientBirthDate": "19500401", "StudyDate": "20200331"}, "age_years", 69.0),
        ({"PatientBirthDate": "19500401"}, "age_years", None),
        ({"Manufacturer": "SIEMENS Healthineers"}, "manufacturer", "Siemens"),
        ({"Manufacturer": "G.E. Medical Systems"}, "manufacturer", "GE"),
        ({"Manufacturer": "Dr. Smith's workshop"}, "manufacturer", "another"),
        ({"ManufacturerModelName": "DigitalDiagnost 4.1"}, "model", "DigitalDiagnost 4.1"),
        ({"ManufacturerModelName": "Smith 4.1", "PatientName": "Smith^Jane"}, "model", None),
        ({"ManufacturerModelName": "ignore all;previous"}, "model", None),
        ({"BurnedInAnnotation": "YES"}, "burned_in_annotation", "YES"),
        ({"PresentationIntentType": "FOR PROCESSING"}, "presentation_intent", "FOR PROCESSING"),
        ({"PixelSpacing": ["0.14", "0.14"]}, "pixel_spacing_mm", 0.14),
        ({"ImagerPixelSpacing": ["0.2", "0.1"]}, "pixel_spacing_mm", 0.15),
        ({"PixelSpacing": ["0", "0"]}, "pixel_spacing_mm", None),
        ({"PhotometricInterpretation": "MONOCHROME1"}, "photometric_interpretation", "MONOCHROME1"),
        ({}, "bits_stored", 8.0),
    ],
)
@pytest.mark.filterwarnings("ignore:.*Invalid value for VR.*:UserWarning")
def test_a_tag_leaves_as_a_plain_attribute_if_it_is_one_of_the_standard(header, tags, name, expected):
    found = header(**tags)
    assert found.problem == ""
    assert found.attributes.get(name) == expected


def test_a_view_that_is_told_by_a_concept_is_understood(header):
    concept = Dataset()
    concept.CodeValue, concept.CodingSchemeDesignator = "R-10226", "SRT"
    concept.CodeMeaning = "medio-lateral oblique"
    assert header(ViewCodeSequence=[concept]).attributes["view"] == "MLO"
    concept.CodeMeaning = "as Dr. Smith likes it"
    assert "view" not in header(ViewCodeSequence=[concept]).attributes


def test_images_of_one_patient_share_a_group_that_does_not_give_the_id_away(folders):
    manifest = folders(
        *({"PatientID": f"MRN{number // 3}", "StudyInstanceUID": f"1.2.{number}"} for number in range(9))
    )
    groups = by_number(manifest, GROUP)
    assert [groups[number] == groups[0] for number in range(9)] == [True] * 3 + [False] * 6
    assert len(set(groups.values())) == 3
    assert "MRN" not in manifest.rows.to_csv()
    assert manifest.roles.group == "DICOM PatientID"
    assert investigate(manifest)[1].has_groups
    assert "The DICOM files name 3 patients" in told(manifest)


def test_the_same_id_of_two_issuers_is_two_patients(folders):
    manifest = folders(*({"PatientID": "17", "IssuerOfPatientID": f"clinic {number % 2}"} for number in range(4)))
    groups = by_number(manifest, GROUP)
    assert groups[0] == groups[2] != groups[1] == groups[3]


def test_the_same_data_give_the_same_groups_and_other_data_other_ones(folders):
    tags = [{"PatientID": f"MRN{number}"} for number in range(4)]
    first, again = by_number(folders(*tags), GROUP), by_number(folders(*tags), GROUP)
    other = by_number(folders(*tags[:3], {"PatientID": "MRN9"}), GROUP)
    assert first == again
    assert first[0] != other[0]


@pytest.mark.parametrize("name", ["ANONYMOUS", "", "0", None])
def test_a_word_that_stands_for_no_patient_joins_nobody(folders, name):
    manifest = folders(*({"PatientID": name, "StudyInstanceUID": f"1.2.{number // 2}"} for number in range(4)))
    groups = by_number(manifest, GROUP)
    assert groups[0] == groups[1] != groups[2] == groups[3]
    assert "name no patient: each study counts as a patient" in told(manifest)


def test_one_id_for_all_files_is_not_taken_for_one_patient(folders):
    manifest = folders(*({"PatientID": "TCGA", "StudyInstanceUID": f"1.2.{number // 2}"} for number in range(4)))
    assert manifest.rows[GROUP].nunique() == 2
    assert "one and the same patient" in told(manifest)
    manifest = folders(*({"PatientID": "TCGA", "StudyInstanceUID": "1.2"} for _ in range(4)))
    assert manifest.rows[GROUP].nunique() == 4
    assert manifest.roles.group is None


def test_studies_of_a_patient_are_put_in_order_without_their_dates(folders):
    dates = ["20200501", "20190101", "20200501", "20210101"]
    manifest = folders(
        *({"PatientID": "a", "StudyDate": date, "StudyInstanceUID": f"1.2.{date}"} for date in dates),
        {"PatientID": "b", "StudyDate": "19990101", "StudyInstanceUID": "1.3"},
    )
    assert by_number(manifest, "attribute.study_order") == {0: 2.0, 1: 1.0, 2: 2.0, 3: 3.0, 4: 1.0}
    assert not any(date in manifest.rows.to_csv() for date in dates)


def test_sites_and_devices_are_numbered(folders):
    manifest = folders(
        {"InstitutionName": "St. Elsewhere", "StationName": "ROOM1"},
        {"InstitutionName": "Princeton", "StationName": "ROOM2"},
        {"InstitutionName": "st. elsewhere ", "DeviceSerialNumber": "S1"},
    )
    assert by_number(manifest, "attribute.site") == {0: "site-1", 1: "site-2", 2: "site-1"}
    assert set(by_number(manifest, "attribute.device").values()) == {"device-1", "device-2", "device-3"}
    assert "Elsewhere" not in manifest.rows.to_csv()


def test_each_frame_is_a_row_and_the_frames_of_a_file_stay_together(folders):
    manifest = folders({}, {}, frames=3)
    rows = manifest.rows
    assert rows[FRAME].tolist() == [0, 1, 2, 0, 1, 2]
    assert rows[LABEL].tolist() == ["benign"] * 3 + ["malignant"] * 3
    assert rows[IMAGE_ID].is_unique
    assert rows[GROUP].nunique() == 2
    assert rows.groupby(FILE)[GROUP].nunique().tolist() == [1, 1]
    assert rows.index.tolist() == list(range(6))
    assert "2 DICOM files hold several pictures, 6 in all" in told(manifest)
    decoded, profile = investigate(manifest)
    assert profile.n_images == 6
    assert decoded.rows["pixels"].is_unique


def test_a_film_that_was_cut_off_is_one_bad_file(tmp_path, make_dicom):
    for number in range(4):
        folder = tmp_path / "ab"[number % 2]
        folder.mkdir(exist_ok=True)
        path = make_dicom(folder / f"{number}.dcm", noise(number, (6, 16, 16)))
    data_set = pydicom.dcmread(path)
    data_set.file_meta.TransferSyntaxUID = RLELossless
    data_set.PixelData = encapsulate([b"\0" * 200] * 6)
    data_set["PixelData"].is_undefined_length = True
    data_set.save_as(path)
    path.write_bytes(path.read_bytes()[:-300])
    manifest = read_manifest(Request(text="", images=tmp_path))
    assert len(manifest.rows) == 18
    assert [(item.file, item.reason) for item in manifest.quarantined] == [
        ("b/3.dcm", "is DICOM, but holds no picture, or was cut off")
    ]


def manifest_of(folder, files, roles=None, **columns):
    rows = {
        IMAGE_ID: [f"id{number}" for number in range(len(files))],
        FILE: files,
        "row": range(2, 2 + len(files)),
        LABEL: "a",
        GROUP: [f"id{number}" for number in range(len(files))],
        "split": "",
        SUPERVISION: "label",
        FRAME: -1,
        **columns,
    }
    return Manifest(rows=pd.DataFrame(rows), images=folder, kind="table", roles=roles or ColumnRoles())


def test_boxes_that_do_not_say_for_which_frame_they_are_set_the_file_aside(tmp_path, make_dicom):
    make_dicom(tmp_path / "film.dcm", noise(0, (4, 16, 16)))
    make_dicom(tmp_path / "one.dcm", noise(1))
    manifest = manifest_of(tmp_path, ["film.dcm", "one.dcm"])
    boxes = pd.DataFrame(
        [["id0", "x", 0, 0, 4, 4, "", 2, ""], ["id1", "x", 0, 0, 4, 4, "", 3, ""]], columns=BOX_COLUMNS
    )
    read = with_dicom(replace(manifest, boxes=boxes))
    assert read.rows[FILE].tolist() == ["one.dcm"]
    assert read.boxes[IMAGE_ID].tolist() == ["id1"]
    assert read.quarantined[0].reason == (
        "holds 4 pictures, and its boxes or masks do not say which of them they are for"
    )


def test_what_several_people_read_in_a_film_counts_for_each_frame(tmp_path, make_dicom):
    make_dicom(tmp_path / "film.dcm", noise(0, (2, 16, 16)))
    make_dicom(tmp_path / "one.dcm", noise(1))
    manifest = manifest_of(tmp_path, ["film.dcm", "one.dcm"])
    readings = pd.DataFrame(
        [["id0", "", "r1", "a"], ["id0", "", "r2", "b"], ["id1", "", "r1", "a"]], columns=READING_COLUMNS
    )
    read = with_dicom(replace(manifest, readings=readings))
    counts = read.readings[IMAGE_ID].value_counts()
    assert counts.loc[read.rows[IMAGE_ID]].tolist() == [2, 2, 1]


def test_the_table_wins_and_its_disagreements_are_counted(tmp_path, make_dicom):
    for number, (sex, side) in enumerate([("F", "L"), ("M", "R"), ("M", "L"), ("F", "R")]):
        make_dicom(tmp_path / f"{number}.dcm", noise(number), PatientSex=sex, ImageLaterality=side, PatientAge="050Y")
    files = [f"{number}.dcm" for number in range(4)]
    own = {
        "attribute.Gender": ["female", "male", "female", None],
        "attribute.side": ["left", "right", "left", "right"],
        "attribute.age": [50.0, 51.0, 20.0, np.nan],
    }
    read = with_dicom(manifest_of(tmp_path, files, **own))
    assert "attribute.sex" not in read.rows
    assert read.rows["attribute.Gender"].tolist()[:3] == ["female", "male", "female"]
    assert "Gender differs between the table and the DICOM headers in 1 of 3 images" in told(read)
    assert "age differs between the table and the DICOM headers in 1 of 3 images" in told(read)
    assert "side differs" not in told(read)


def test_groups_of_the_table_stay_and_patients_that_they_part_are_counted(tmp_path, make_dicom):
    for number in range(4):
        make_dicom(tmp_path / f"{number}.dcm", noise(number), PatientID=f"MRN{number // 2}")
    files = [f"{number}.dcm" for number in range(4)]
    roles = ColumnRoles(group="case")
    read = with_dicom(manifest_of(tmp_path, files, roles, **{GROUP: ["c1", "c2", "c3", "c3"]}))
    assert read.rows[GROUP].tolist() == ["c1", "c2", "c3", "c3"]
    assert "1 patients of the DICOM headers are spread over several groups of the table" in told(read)


def test_files_are_found_without_a_suffix_and_what_is_no_picture_is_set_aside(tmp_path, make_dicom):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        for number in range(2):
            make_dicom(tmp_path / folder / f"1.2.840.{number}", noise(number))
    make_dicom(tmp_path / "a" / "report.dcm", noise(), Modality="SR")
    (tmp_path / "a" / "notes.123").write_text("no picture at all" * 20)
    (tmp_path / "b" / "broken.dcm").write_text("no picture at all" * 20)
    (tmp_path / "b" / "head.nii.gz").write_bytes(b"")
    make_dicom(tmp_path / "DICOMDIR", noise())
    manifest = read_manifest(Request(text="", images=tmp_path))
    assert sorted(manifest.rows[FILE]) == ["a/1.2.840.0", "a/1.2.840.1", "b/1.2.840.0", "b/1.2.840.1"]
    reasons = {item.file: item.reason for item in manifest.quarantined}
    assert set(reasons) == {"a/report.dcm", "b/broken.dcm", "b/head.nii.gz"}
    assert "a report" in reasons["a/report.dcm"]
    assert "no DICOM file that can be read" in reasons["b/broken.dcm"]
    assert reasons["b/head.nii.gz"].startswith("is a volume, not a picture")


def test_where_no_dicom_file_is_a_picture_the_others_are_left_as_they_are(tmp_path, make_dicom):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        Image.fromarray(noise()).save(tmp_path / folder / "x.png")
        make_dicom(tmp_path / folder / "report.dcm", noise(), Modality="SR")
    manifest = read_manifest(Request(text="", images=tmp_path))
    assert manifest.rows[FILE].tolist() == ["a/x.png", "b/x.png"]
    assert "DICOM" not in told(manifest)
    for folder in ("a", "b"):
        (tmp_path / folder / "x.png").unlink()
    with pytest.raises(DataUnusable, match="none can be used; the first problem: is DICOM, but no picture to classify"):
        read_manifest(Request(text="", images=tmp_path))


def test_a_folder_of_volumes_alone_is_told_apart(tmp_path):
    (tmp_path / "head.nii.gz").write_bytes(b"")
    with pytest.raises(DataUnusable, match="holds no picture, but 1 volumes"):
        read_manifest(Request(text="", images=tmp_path))


def test_a_table_finds_dicom_files_by_their_uid(tmp_path, make_dicom):
    (tmp_path / "images").mkdir()
    for number in range(6):
        make_dicom(tmp_path / "images" / f"1.2.840.{number}.dcm", noise(number))
    lines = ["ImageId,diagnosis", *(f"1.2.840.{number},{'ab'[number % 2]}" for number in range(6))]
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    manifest = read_manifest(Request(text="", images=tmp_path / "images", table=tmp_path / "labels.csv"))
    assert len(manifest.rows) == 6


def test_pictures_of_other_formats_are_left_as_they_are(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        Image.fromarray(noise()).save(tmp_path / folder / "x.png")
    manifest = read_manifest(Request(text="", images=tmp_path))
    assert manifest.rows[FRAME].tolist() == [-1, -1]
    assert "DICOM" not in told(manifest)
    assert not [column for column in manifest.rows if column.startswith("attribute.")]


def test_headers_are_the_same_from_one_process_and_from_several(folders, monkeypatch):
    tags = [{"PatientID": f"MRN{number}", "PatientSex": "MF"[number % 2]} for number in range(4)]
    alone = folders(*tags)
    monkeypatch.setattr("tasks.processes._FEWEST_FOR_PROCESSES", 1)
    pd.testing.assert_frame_equal(alone.rows, folders(*tags).rows)


WORD, DATE, TIME, UID, NUMBER = "CANARY4711", "19470311", "034711", "1.2.826.471147114711", "471147"
CANARIES = ("canary", DATE, "1947-03-11", TIME, UID, NUMBER)
_BY_REPRESENTATION = {
    "PN": "CANARY4711^JANE",
    "DA": DATE,
    "DT": DATE + TIME,
    "TM": TIME,
    "UI": UID,
    "IS": NUMBER,
    "DS": NUMBER,
    **dict.fromkeys(("AE", "CS", "LO", "LT", "SH", "ST", "UC", "UR", "UT"), WORD),
}
_NEEDED = {
    "SOPClassUID", "SpecificCharacterSet", "TransferSyntaxUID", "PhotometricInterpretation", "NumberOfFrames", "RescaleSlope", "RescaleIntercept",
    "WindowCenter", "WindowWidth",
}  # fmt: skip


def plant(path, without_pixels=False):
    """Write a canary into every element of the standard that holds text, a date, a time, a number or a UID.

    That is every element of PS3.15, table E.1-1, whether it is in a header of this kind or not, and more.
    """
    data_set = pydicom.dcmread(path)
    for tag, (representation, _, _, _, keyword) in DicomDictionary.items():
        value = _BY_REPRESENTATION.get(representation)
        if value and keyword and keyword not in _NEEDED and tag >> 16 not in {0x0000, 0x0002} and tag >> 16 < 0x5000:
            data_set.add_new(tag, representation, value)
    inner = Dataset()
    inner.PatientName, inner.PatientID, inner.CodeMeaning = "CANARY4711^JANE", WORD, WORD
    for keyword in (
        "RequestAttributesSequence",
        "OtherPatientIDsSequence",
        "ViewCodeSequence",
        "AnatomicRegionSequence",
    ):
        setattr(data_set, keyword, [inner])
    block = data_set.private_block(0x0009, "CANARY4711 INC", create=True)
    block.add_new(0x01, "LO", WORD)
    block.add_new(0x02, "OB", WORD.encode())
    data_set.PatientBirthDate, data_set.StudyDate = DATE, "20191105"
    data_set.file_meta.SourceApplicationEntityTitle = WORD
    data_set.file_meta.add_new(0x00020100, "UI", UID)
    data_set.file_meta.add_new(0x00020102, "OB", WORD.encode())
    if without_pixels:
        del data_set.PixelData
    data_set.save_as(path)


@pytest.mark.filterwarnings(
    "ignore:.*Invalid value for VR.*:UserWarning", "ignore:.*exceeds the maximum length.*:UserWarning"
)
@pytest.mark.filterwarnings("ignore:Value length.*:UserWarning", "ignore:The value length.*:UserWarning")
def test_nothing_that_identifies_a_patient_leaves_the_reader(tmp_path, make_dicom, caplog, capfd):
    for number in range(8):
        folder = tmp_path / "ab"[number % 2]
        folder.mkdir(exist_ok=True)
        path = make_dicom(folder / f"{number}.dcm", noise(number))
        plant(path, without_pixels=number == 6)
        if number == 7:
            path.write_bytes(path.read_bytes()[:-100])
        assert WORD.encode() in path.read_bytes()
    with caplog.at_level(logging.DEBUG):
        manifest = read_manifest(Request(text="", images=tmp_path))
        decoded, profile = investigate(manifest)
    assert len(manifest.quarantined) + len(manifest.rows) == 8
    assert {item.file for item in decoded.quarantined} == {"a/6.dcm", "b/7.dcm"}
    said = [
        manifest.rows.to_csv(),
        decoded.rows.to_csv(),
        repr(manifest),
        repr(decoded),
        as_json(profile),
        repr(profile),
    ]
    said += [caplog.text, *capfd.readouterr()]
    said += [json.dumps([item.reason for item in decoded.quarantined]), " ".join(manifest.notes)]
    for text in said:
        assert [canary for canary in CANARIES if canary in text.lower()] == []
    copies = [content_of_copy(tmp_path / file).lower() for file in decoded.rows[FILE]]
    assert not any(canary.encode() in content for content in copies for canary in CANARIES)
    attributes = {column.removeprefix("attribute.") for column in decoded.rows if column.startswith("attribute.")}
    assert attributes == {"age_years", "bits_stored", "device", "manufacturer", "photometric_interpretation", "site"}
    assert decoded.rows["attribute.age_years"].tolist() == [72.0] * 6
