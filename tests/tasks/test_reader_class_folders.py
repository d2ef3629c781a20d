import pytest
from PIL import Image

from tasks.domain.errors import DataUnusable
from tasks.domain.manifest import ATTRIBUTE, FILE, GROUP, LABEL, SPLIT
from tasks.domain.request import ReadingRules, Request
from tasks.readers.discovery import read_folder, read_manifest


def draw(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (20, 10)).save(path)
    return folder


def by_file(manifest, column=LABEL):
    return dict(zip(manifest.rows[FILE], manifest.rows[column], strict=True))


def test_studies_that_are_called_positive_or_negative_are_the_label_and_not_the_part_of_the_body(tmp_path):
    # As in MURA (Rajpurkar et al., 2018): split, part of the body, patient, study with its result.
    for number in range(12):
        split, part, result = (
            ("train", "valid")[number > 8],
            ("XR_WRIST", "XR_HAND")[number % 2],
            ("nega", "posi")[number % 3 > 0],
        )
        folder = f"MURA-v1.1/{split}/{part}/patient{number:05d}/study1_{result}tive"
        draw(tmp_path, *(f"{folder}/image{image}.png" for image in (1, 2)))
    manifest = read_folder(tmp_path)
    assert manifest.kind == "class_folders"
    assert all(label in file for file, label in by_file(manifest).items())
    assert set(manifest.rows[LABEL]) == {"positive", "negative"}
    assert set(manifest.rows[ATTRIBUTE + "folder level 1"]) == {"XR_WRIST", "XR_HAND"}
    assert manifest.rows[SPLIT].value_counts().to_dict() == {"train": 18, "validation": 6}
    assert manifest.rows[GROUP].nunique() == 12


def test_hospitals_above_the_classes_are_an_attribute(tmp_path):
    kinds = ("covid", "healthy", "pneumonia")
    draw(tmp_path, *(f"site {site}/{kind}/{n}.png" for site in "AB" for kind in kinds for n in range(3)))
    manifest = read_folder(tmp_path)
    assert set(manifest.rows[LABEL]) == set(kinds)
    assert set(manifest.rows[ATTRIBUTE + "folder level 1"]) == {"site A", "site B"}


def test_of_a_tree_of_diagnoses_the_innermost_level_is_the_label(tmp_path):
    places = ("colon/colon_aca", "colon/colon_n", "lung/lung_aca", "lung/lung_scc")
    draw(tmp_path, *(f"image_sets/{place}/{n}.jpeg" for place in places for n in range(4)))
    manifest = read_folder(tmp_path)
    assert set(manifest.rows[LABEL]) == {"colon_aca", "colon_n", "lung_aca", "lung_scc"}
    assert any("innermost" in note for note in manifest.notes)


def test_slides_below_classes_keep_their_images_together_and_magnifications_are_an_attribute(tmp_path):
    for number in range(8):
        slide = f"{('benign/adenosis', 'malignant/ductal')[number % 2]}/SOB_14-{22540 + number}AB"
        draw(tmp_path, *(f"{slide}/{scale}X/{n}.png" for scale in (40, 100) for n in range(2)))
    manifest = read_folder(tmp_path)
    assert set(manifest.rows[LABEL]) == {"benign", "malignant"}
    assert manifest.rows[GROUP].nunique() == 8
    assert {"100X", "40X"} in [set(manifest.rows[name]) for name in manifest.rows if name.startswith(ATTRIBUTE)]


@pytest.mark.parametrize("patient", ["{}", "patient_{}", "Case {}"])
def test_classes_below_folders_of_patients_are_found(tmp_path, patient):
    patients = [patient.format(8860 + number) for number in range(8)]
    draw(tmp_path, *(f"{name}/{kind}/{name}_{kind}_{n}.png" for name in patients for kind in "01" for n in range(2)))
    manifest = read_folder(tmp_path)
    assert manifest.rows[LABEL].value_counts().to_dict() == {"0": 16, "1": 16}
    assert manifest.rows[GROUP].nunique() == 8


def test_splits_below_the_classes_are_splits(tmp_path):
    draw(
        tmp_path,
        *(f"{kind}/{split}/{n}.png" for kind in ("mel", "nv") for split in ("train", "test") for n in range(3)),
    )
    manifest = read_folder(tmp_path)
    assert manifest.rows[SPLIT].value_counts().to_dict() == {"train": 6, "test": 6}
    assert set(manifest.rows[LABEL]) == {"mel", "nv"}


def test_a_copy_of_the_data_one_folder_deeper_ends_no_reading(tmp_path):
    names = [f"{split}/{kind}/{n}.png" for split in ("train", "val") for kind in ("NORMAL", "ILL") for n in range(2)]
    draw(tmp_path / "chest_xray", *names, *(f"chest_xray/{name}" for name in names))
    manifest = read_folder(tmp_path)
    assert manifest.rows[LABEL].value_counts().to_dict() == {"NORMAL": 8, "ILL": 8}
    assert manifest.rows[SPLIT].value_counts().to_dict() == {"train": 8, "validation": 8}


def test_classes_that_differ_in_case_only_are_one(tmp_path):
    draw(tmp_path, *(f"train/{kind}/{n}.png" for kind in ("NORMAL", "Ill") for n in range(3)))
    draw(tmp_path, *(f"test/{kind}/{n}.png" for kind in ("Normal", "ill") for n in range(2)))
    assert read_folder(tmp_path).rows[LABEL].value_counts().to_dict() == {"NORMAL": 5, "Ill": 5}


def test_folders_of_images_within_classes_are_no_level(tmp_path):
    draw(tmp_path, *(f"{kind}/images/{n}.png" for kind in ("COVID", "Normal") for n in range(3)))
    assert set(read_folder(tmp_path).rows[LABEL]) == {"COVID", "Normal"}


def test_patients_are_not_trained_on_as_classes_unless_somebody_says_so(tmp_path):
    draw(tmp_path, *(f"patient{number}/{n}.png" for number in range(6) for n in range(2)))
    with pytest.raises(DataUnusable, match="give a table of labels"):
        read_manifest(Request(text="x", images=tmp_path))
    asked = Request(text="x", images=tmp_path, reading=ReadingRules(format="class_folders"))
    assert read_manifest(asked).rows[LABEL].nunique() == 6


def test_a_folder_beside_the_splits_that_is_none_is_told_at_a_look(tmp_path):
    draw(tmp_path, *(f"{place}/{kind}/{n}.png" for place in ("train", "extra") for kind in "ab" for n in range(2)))
    manifest = read_folder(tmp_path)
    assert manifest.kind == "unlabelled"
    assert any("name no split: extra" in note for note in manifest.notes)


def test_previews_that_a_file_server_leaves_are_no_images(tmp_path):
    draw(tmp_path, *(f"{kind}/{n}.png" for kind in "ab" for n in range(3)))
    draw(tmp_path, *(f"a/@eaDir/{n}.png/SYNOPHOTO_THUMB_M.jpg" for n in range(3)), "@eaDir/x.png", "$RECYCLE.BIN/y.png")
    assert len(read_folder(tmp_path).rows) == 6
