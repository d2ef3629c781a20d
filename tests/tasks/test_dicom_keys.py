"""Tables that name patients or studies, and DICOM files that are called otherwise."""

import numpy as np
import pytest

from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import FILE, GROUP, IMAGE_ID, LABEL
from tasks.domain.request import ColumnRoles, Request
from tasks.readers.discovery import read_folder, read_manifest


@pytest.fixture
def export(tmp_path, make_dicom):
    """Twelve files of six studies of three patients, under names that say nothing."""
    (tmp_path / "export").mkdir()
    for number in range(12):
        study, patient = number // 2, number // 4
        make_dicom(
            tmp_path / "export" / f"IM{number:04d}.dcm",
            np.random.default_rng(number).integers(0, 256, (8, 8), dtype=np.uint8),
            SOPInstanceUID=f"1.2.826.0.1.{number}",
            StudyInstanceUID=f"1.2.826.0.2.{study}",
            AccessionNumber=f"ACC{study}",
            PatientID=f"00{patient}71",
        )
    return tmp_path / "export"


def read(export, text, **roles):
    table = export.parent / "labels.csv"
    table.write_text(text)
    return read_manifest(Request(text="", images=export, table=table, roles=ColumnRoles(**roles)))


def labels(manifest):
    return dict(zip(manifest.rows[FILE], manifest.rows[LABEL], strict=True))


def test_a_row_of_a_study_counts_for_all_its_images(export):
    lines = ["accession,diagnosis,age", *(f"acc{study},{'ab'[study % 2]},{50 + study}" for study in range(6))]
    manifest = read(export, "\n".join(lines))
    assert labels(manifest) == {f"IM{number:04d}.dcm": "ab"[number // 2 % 2] for number in range(12)}
    assert manifest.rows[IMAGE_ID].is_unique
    assert manifest.rows["attribute.age"].tolist() == [50.0 + number // 2 for number in range(12)]
    assert manifest.rows[GROUP].nunique() == 3
    assert manifest.roles.group == "DICOM PatientID"
    note = next(note for note in manifest.notes if "accession holds the AccessionNumber" in note)
    assert "each of 6 rows was taken for all images of its study, 12 in all" in note


def test_a_row_of_a_patient_is_found_without_the_zeros_that_a_spreadsheet_drops(export):
    manifest = read(export, "patient,diagnosis\n71,a\n171,b\n271,a\n", group="patient", label="diagnosis")
    assert [labels(manifest)[f"IM{number:04d}.dcm"] for number in range(12)] == list("aaaabbbbaaaa")
    assert manifest.rows[GROUP].nunique() == 3
    assert not {"71", "0071", "00071"} & set(manifest.rows[GROUP])


def test_a_uid_of_an_image_means_one_file(export):
    lines = ["uid,diagnosis", *(f"1.2.826.0.1.{number},{'ab'[number % 2]}" for number in range(12))]
    manifest = read(export, "\n".join(lines))
    assert labels(manifest) == {f"IM{number:04d}.dcm": "ab"[number % 2] for number in range(12)}


def test_rows_and_files_that_do_not_fit_are_set_aside_without_their_ids(export):
    lines = ["accession,diagnosis", "ACC0,a", "ACC1,b", "ACC2,a", "ACC3,", "ACC9Jane,b"]
    manifest = read(export, "\n".join(lines))
    assert len(manifest.rows) == 8
    assert [labels(manifest)[file] for file in ("IM0006.dcm", "IM0007.dcm")] == ["", ""]
    told = {(item.file, item.row): item.reason for item in manifest.quarantined}
    assert told["", 6] == "no DICOM file is of this study"
    assert {file for file, row in told if row == 0} == {f"IM{number:04d}.dcm" for number in range(8, 12)}
    assert "Jane" not in repr(manifest.quarantined)


def test_rows_that_contradict_each_other_about_a_patient_are_not_chosen_from(export):
    lines = ["patient,diagnosis", "0071,a", "0071,b", "00171,b", "00271,a"]
    manifest = read(export, "\n".join(lines), label="diagnosis")
    assert set(labels(manifest)) == {f"IM{number:04d}.dcm" for number in range(4, 12)}


def test_a_table_that_names_files_is_read_by_their_names(export):
    lines = [
        "image,diagnosis,accession",
        *(f"IM{number:04d},{'ab'[number % 2]},ACC{number // 2}" for number in range(12)),
    ]
    manifest = read(export, "\n".join(lines))
    assert labels(manifest)["IM0001.dcm"] == "b"
    assert not any("No cell of the table names a file" in note for note in manifest.notes)


def test_a_table_of_other_people_is_still_refused(export):
    with pytest.raises(DataUnusable):
        read(export, "accession,diagnosis\nX1,a\nX2,b\nX3,a\n")


def test_a_table_of_studies_that_lies_in_the_folder_is_found_without_being_named(export):
    lines = ["accession,diagnosis", *(f"acc{study},{'ab'[study % 2]}" for study in range(6))]
    (export / "labels.csv").write_text("\n".join(lines))
    manifest = read_folder(export)
    assert labels(manifest) == {f"IM{number:04d}.dcm": "ab"[number // 2 % 2] for number in range(12)}
    assert manifest.rows[GROUP].nunique() == 3
