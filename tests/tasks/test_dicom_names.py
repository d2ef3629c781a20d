"""Names, dates and private elements in DICOM headers are found, and no value is told."""

import numpy as np
import pytest
from pydicom import dcmread

from tasks.dicom_names import with_people
from tasks.investigation import investigate
from tasks.readers.discovery import read_folder

PIXELS = np.arange(256, dtype=np.uint16).reshape(16, 16)


@pytest.fixture
def files(make_dicom, tmp_path):
    """Ten files of nobody."""
    for number in range(10):
        make_dicom(tmp_path / f"{number}.dcm", PIXELS + number, PatientName="Anonymous", PatientID=f"P{number}")
    return tmp_path


def told(folder):
    return with_people(folder, sorted(path.name for path in folder.iterdir()))


def change(path, **tags):
    data_set = dcmread(path)
    for name, value in tags.items():
        setattr(data_set, name, value)
    data_set.save_as(path)


def test_headers_without_people_raise_no_alarm(files):
    assert told(files).people == {}
    assert told(files).private == []
    assert told(files).looked_at == 10


@pytest.mark.parametrize("name", ["1.2.840.99.17", "IM0003"])
def test_a_file_that_is_called_by_a_uid_or_a_number_is_looked_at_too(files, name):
    change(files / "3.dcm", PatientName="Miller^Anna")
    (files / "3.dcm").rename(files / name)
    found = told(files)
    assert found.looked_at == 10
    assert list(found.people) == ["names of people"]


def test_names_dates_and_addresses_are_found_by_what_they_are(files):
    change(files / "3.dcm", PatientName="Miller^Anna")
    change(files / "4.dcm", PatientBirthDate="19540312")
    change(files / "5.dcm", ReferringPhysicianName="Rossi^Carla", PatientTelephoneNumbers="030 1234567")
    assert told(files).people == {
        "names of people": [3, 5],
        "dates of birth": [4],
        "ways to reach somebody": [5],
    }


def test_private_elements_are_found(files):
    data_set = dcmread(files / "2.dcm")
    data_set.private_block(0x0011, "A MAKER", create=True).add_new(0x01, "LO", "Miller")
    data_set.save_as(files / "2.dcm")
    assert told(files).private == [2]


def test_a_broken_file_is_passed_over(files):
    (files / "1.dcm").write_bytes((files / "1.dcm").read_bytes()[:150])
    change(files / "9.dcm", PatientName="Miller^Anna")
    assert told(files).people == {"names of people": [9]}


def test_an_investigation_asks_about_headers_without_quoting_them(files):
    change(files / "3.dcm", PatientName="Miller^Anna")
    hazards = [item for item in investigate(read_folder(files), workers=1)[1].hazards if item.kind == "personal_data"]
    assert [item.severity for item in hazards] == ["ask"]
    assert "names of people (1 file)" in hazards[0].summary
    assert "Miller" not in hazards[0].summary
    assert hazards[0].examples == ("3.dcm",)
