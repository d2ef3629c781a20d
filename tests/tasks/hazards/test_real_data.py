"""What is known of public data is found in them, and nothing is taken for a person's that is not."""

from pathlib import Path

import pandas as pd
import pytest

from tasks import personal_data
from tasks.domain.request import Request
from tasks.investigation import investigate
from tasks.readers.discovery import read_folder, read_manifest

DATA = Path(__file__).resolve().parents[3] / "../shared/data"
HAM10000 = DATA / "ham10000"
BCCD = DATA / "bccd" / "BCCD"
NIH = DATA / "cxr_annotations" / "Data_Entry_2017_v2020.csv.gz"

needs_ham = pytest.mark.skipif(not HAM10000.exists(), reason="HAM10000 is not here")


@pytest.fixture(scope="module")
def ham(tmp_path_factory):
    """A part of the lesions of three diagnoses of HAM10000, and all rows without an age; the other images have no row."""
    table = pd.read_csv(HAM10000 / "metadata.csv", dtype=str)
    lesion = pd.factorize(table["lesion_id"])[0]
    some = (table["dx"].isin(["mel", "bcc"]) & (lesion % 4 == 0)) | ((table["dx"] == "nv") & (lesion % 16 == 0))
    path = tmp_path_factory.mktemp("ham") / "table.csv"
    table[some | table["age"].isna()].to_csv(path, index=False)
    return investigate(read_manifest(Request(text="", images=HAM10000 / "images", table=path)), workers=1)[1]


@needs_ham
def test_what_is_known_of_ham10000_is_found(ham):
    hazards = {hazard.kind: hazard for hazard in ham.hazards}
    assert "mel by histo in 100%" in hazards["verification_bias"].summary
    assert hazards["verification_bias"].severity == "report"
    assert any("dx_type" in item.summary for item in ham.hazards if item.kind == "shortcut")
    assert {item.name: item.missing for item in ham.attributes}["age"] == 57
    assert ham.n_groups < ham.n_images
    assert hazards["coarse_picture"].severity == "report"


@needs_ham
def test_no_false_alarm_is_raised_on_ham10000(ham):
    expected = {
        "unusable_files",
        "shortcut",
        "metadata_shortcut",
        "tiny_class",
        "tiny_cell",
        "class_imbalance",
        "near_duplicates",
    }
    assert {hazard.kind for hazard in ham.hazards if hazard.severity != "report"} <= expected


@needs_ham
def test_columns_and_names_of_ham10000_name_nobody():
    table = pd.read_csv(HAM10000 / "metadata.csv")
    assert personal_data.in_columns({name: table[name] for name in table.columns}) == ()
    assert personal_data.in_file_names([f"{name}.jpg" for name in table["image_id"]]) == ()


@pytest.mark.skipif(not NIH.exists(), reason="the table of ChestX-ray14 is not here")
def test_the_table_of_chest_xray14_names_nobody():
    table = pd.read_csv(NIH)
    assert personal_data.in_columns({name: table[name] for name in table.columns}) == ()
    assert personal_data.in_file_names(table["Image Index"].tolist()) == ()


@pytest.mark.skipif(not BCCD.exists(), reason="BCCD is not here")
def test_the_two_bad_boxes_of_bccd_are_counted_and_nothing_stops_a_study():
    profile = investigate(read_folder(BCCD), workers=1)[1]
    assert (profile.n_images, profile.boxes.unusable) == (364, 2)
    assert {item.name for item in profile.findings} == {"RBC", "WBC", "Platelets"}
    assert {hazard.severity for hazard in profile.hazards} == {"warn", "report"}
    few = [hazard.summary for hazard in profile.hazards if hazard.kind == "few_negatives"]
    assert any("Only 6 images are known to be free of WBC" in summary for summary in few)
