import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from tasks.decoding import decode, decode_all
from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import DUPLICATES, FILE, GROUP, HEIGHT, LABEL, PIXELS, ROW, SPLIT, WIDTH, Manifest
from tasks.domain.request import ColumnRoles, Request
from tasks.investigation import investigate
from tasks.readers.discovery import read_manifest

HAM10000 = Path(__file__).resolve().parents[2] / "../shared/data/ham10000"


def pixels(seed, side=24):
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=(side, side, 3)), (1, 1, 0))
    return np.uint8(255 * (noise - noise.min()) / np.ptp(noise))


@pytest.fixture
def study(tmp_path):
    """Forty pictures of twenty patients; patient and label go in pairs."""
    for number in range(40):
        Image.fromarray(pixels(number)).save(tmp_path / f"{number:02d}.png")
    rows = pd.DataFrame(
        {
            FILE: [f"{number:02d}.png" for number in range(40)],
            ROW: range(2, 42),
            LABEL: ["mel" if number % 4 < 2 else "nv" for number in range(40)],
            GROUP: [f"p{number // 2}" for number in range(40)],
            SPLIT: "",
        }
    )
    return Manifest(
        rows=rows, images=tmp_path, kind="table", roles=ColumnRoles(image="image", label="dx", group="patient")
    )


def copy(study, source, target):
    shutil.copy(study.images / f"{source:02d}.png", study.images / f"{target:02d}.png")


def kinds(profile):
    return {hazard.kind: hazard for hazard in profile.hazards}


def test_clean_data_have_no_copies_and_full_columns(study):
    manifest, profile = investigate(study)
    assert (profile.n_images, profile.n_groups, profile.has_groups) == (40, 20, True)
    assert (profile.exact_duplicate_sets, profile.near_duplicate_pairs, profile.conflicting_groups) == (0, 0, 0)
    assert (manifest.rows[DUPLICATES] == -1).all()
    assert set(zip(manifest.rows[WIDTH], manifest.rows[HEIGHT], strict=True)) == {(24, 24)}
    assert manifest.rows[PIXELS].is_unique
    assert [(label.label, label.images, label.groups) for label in profile.labels] == [("mel", 20, 10), ("nv", 20, 10)]
    assert PIXELS not in study.rows


def test_unreadable_files_are_listed_with_their_row_and_never_fatal(study):
    (study.images / "00.png").write_bytes((study.images / "00.png").read_bytes()[:300])
    (study.images / "01.png").write_text("hello")
    (study.images / "02.png").unlink()
    Image.new("RGB", (9, 9), "pink").save(study.images / "03.png")
    manifest, profile = investigate(study)
    assert len(manifest.rows) == profile.n_images == 36
    assert manifest.rows.index.tolist() == list(range(36))
    told = {item.row: item.reason for item in profile.quarantined}
    assert "truncated" in told[2]
    assert "no image that can be read" in told[3]
    assert "No such file" in told[4]
    assert "every pixel has the same value" in told[5]
    assert kinds(profile)["unusable_files"].severity == "warn"


def test_copies_under_one_patient_are_reported_and_under_two_warned_of(study):
    copy(study, 0, 1)
    assert kinds(investigate(study)[1])["exact_duplicates"].severity == "report"
    copy(study, 8, 12)
    manifest, profile = investigate(study)
    assert (profile.exact_duplicate_sets, profile.exact_duplicate_images) == (2, 4)
    assert kinds(profile)["exact_duplicates"].severity == "warn"
    assert manifest.rows[DUPLICATES].iloc[[0, 1, 8, 12]].tolist() == [0, 0, 1, 1]


def test_a_turned_copy_is_a_near_duplicate(study):
    turned = np.rot90(pixels(0))
    Image.fromarray(np.uint8(np.clip(turned * 1.05, 0, 255))).save(study.images / "05.png")
    manifest, profile = investigate(study)
    assert (profile.near_duplicate_pairs, profile.exact_duplicate_sets) == (1, 0)
    assert manifest.rows[DUPLICATES].iloc[[0, 5]].tolist() == [0, 0]
    assert kinds(profile)["near_duplicates"].severity == "warn"


def test_copies_with_different_labels_are_asked_about(study):
    copy(study, 0, 2)
    profile = investigate(study)[1]
    assert profile.conflicting_duplicate_sets == 1
    hazard = kinds(profile)["conflicting_labels"]
    assert hazard.severity == "ask"
    assert "mel and nv" in hazard.summary
    assert "00.png" not in hazard.summary
    assert hazard.examples == ("00.png (row 2): mel", "02.png (row 4): nv")


def test_a_lesion_with_two_labels_is_asked_about_and_a_patient_only_reported(study):
    study.rows.loc[0, LABEL] = "nv"
    patient = investigate(study)[1]
    lesion = investigate(replace(study, roles=replace(study.roles, group="lesion_id")))[1]
    assert patient.conflicting_groups == lesion.conflicting_groups == 1
    assert kinds(patient)["conflicting_labels"].severity == "report"
    assert kinds(lesion)["conflicting_labels"].severity == "ask"


def test_given_splits_that_leak_block(study):
    study.rows[SPLIT] = ["train"] * 21 + ["test"] * 19
    profile = investigate(study)[1]
    assert profile.given_splits == (("train", 21), ("test", 19))
    assert profile.hazards[0].kind == "leakage"
    assert profile.hazards[0].severity == "block"


def test_near_copies_across_given_splits_block(study):
    study.rows[SPLIT] = ["train"] * 20 + ["test"] * 20
    Image.fromarray(pixels(0)[:, ::-1].copy()).save(study.images / "25.png")
    leak = kinds(investigate(study)[1])["leakage"]
    assert leak.severity == "block"
    assert "1 pair of pictures that are almost the same" in leak.summary
    assert leak.examples == ("00.png (row 2): train", "25.png (row 27): test")


def test_columns_that_cannot_be_compared_are_left_out_and_named(study):
    study.rows["attribute.note"] = ["seen on a sunny day in May"] * 39 + ["went to see doctor Who again"]
    study.rows["attribute.accession"] = [f"A{number}" for number in range(40)]
    study.rows["attribute.index"] = np.arange(40.0)
    study.rows["attribute.hospital"] = "here"
    study.rows["attribute.empty"] = np.nan
    for name in ("x_min", "y_min", "x_max", "y_max"):
        study.rows[f"attribute.{name}"] = np.random.default_rng(0).normal(size=40)
    study.rows["attribute.sex"] = ["m", "f"] * 20
    profile = investigate(study)[1]
    assert [attribute.name for attribute in profile.attributes] == ["sex"]
    told = " ".join(hazard.summary for hazard in profile.hazards if hazard.kind == "skipped_attribute")
    for reason in ("free text", "name or a number of a case", "numbers the rows", "same value everywhere", "is empty"):
        assert reason in told
    assert "x_min, y_min, x_max, y_max look like the corners of a box" in told


def test_an_attribute_that_is_mostly_missing_is_reported(study):
    study.rows["attribute.age"] = [float(number) if number % 3 == 0 else np.nan for number in range(40)]
    assert "Often missing, of 40 images: age (26)." in kinds(investigate(study)[1])["missing_values"].summary


def test_a_label_of_two_patients_blocks_and_missing_patients_are_warned_of(study):
    study.rows.loc[[0, 1, 4], LABEL] = "df"
    hazards = [hazard for hazard in investigate(study)[1].hazards if hazard.kind == "tiny_class"]
    assert hazards[0].severity == "block"
    assert "df has only 3 images of 2 patients" in hazards[0].summary
    without = replace(study, roles=replace(study.roles, group=None))
    assert kinds(investigate(without)[1])["no_groups"].severity == "warn"


def test_data_without_two_readable_labels_are_refused(study):
    mel = study.rows[LABEL] == "mel"
    for file in study.rows.loc[mel, FILE]:
        (study.images / file).write_bytes(b"")
    with pytest.raises(DataUnusable, match="all images that can be read have the label 'nv'"):
        investigate(study)
    for file in study.rows[FILE]:
        (study.images / file).write_bytes(b"")
    with pytest.raises(DataUnusable, match="none of the 40 images can be used"):
        investigate(study)


def test_odd_kinds_of_images_are_read_or_told(tmp_path):
    deep = (np.arange(64, dtype=np.uint16) * 1000).reshape(8, 8)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    Image.fromarray(pixels(1)).convert("P").save(tmp_path / "palette.png")
    Image.fromarray(pixels(1)).convert("RGBA").save(tmp_path / "alpha.png")
    frames = [Image.fromarray(pixels(number)) for number in (1, 2)]
    frames[0].save(tmp_path / "film.gif", save_all=True, append_images=frames[1:])
    (tmp_path / "program.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    looks = {
        file: decode(tmp_path, file) for file in ("deep.png", "palette.png", "alpha.png", "film.gif", "program.png")
    }
    assert [look.problem for look in list(looks.values())[:3]] == ["", "", ""]
    assert len({look.pixels for look in list(looks.values())[:3]}) == 3
    assert looks["deep.png"].hashes.any()
    assert "several pictures" in looks["film.gif"].problem
    assert "no image" in looks["program.png"].problem


def test_a_picture_that_is_too_large_is_not_opened(study, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert "too large" in decode(study.images, "00.png").problem


def test_processes_give_the_same_as_one(study, monkeypatch):
    monkeypatch.setattr("tasks.processes._FEWEST_FOR_PROCESSES", 1)
    files = study.rows[FILE].tolist()
    alone, together = (decode_all(study.images, files, workers=workers) for workers in (1, 2))
    assert [look.pixels for look in alone] == [look.pixels for look in together]
    assert all(np.array_equal(one.hashes, other.hashes) for one, other in zip(alone, together, strict=True))


@pytest.mark.slow
@pytest.mark.skipif(not HAM10000.exists(), reason="HAM10000 is not here")
def test_the_shortcut_and_the_twin_of_ham10000_surface():
    manifest = read_manifest(Request(text="", images=HAM10000 / "images", table=HAM10000 / "metadata.csv"))
    profile = investigate(manifest)[1]
    shortcut = next(hazard for hazard in profile.hazards if hazard.kind == "shortcut")
    assert "mel (1,113)" in shortcut.summary
    assert "dx_type = histo" in shortcut.summary
    assert (profile.exact_duplicate_sets, profile.near_duplicate_pairs, profile.conflicting_groups) == (2, 40, 0)
    assert "1 of them under different lesion names" in kinds(profile)["near_duplicates"].summary
