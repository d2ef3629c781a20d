import pytest
from PIL import Image

from tasks.domain.errors import AmbiguousRequest, DataUnusable
from tasks.domain.manifest import ATTRIBUTE, FILE, GROUP, LABEL
from tasks.domain.request import Request
from tasks.readers.discovery import read_folder, read_manifest


@pytest.fixture
def images(tmp_path):
    for number in range(12):
        Image.new("L", (20, 10)).save(tmp_path / f"ISIC_{number:03d}.jpg")
    return tmp_path


def write(path, header, row):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [",".join([f"ISIC_{number:03d}", *map(str, row(number))]) for number in range(12)]
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


def test_labels_take_patients_and_attributes_from_the_table_beside_them(images):
    # As in ISIC 2019: one column a class in one file, age and lesion in another.
    write(images / "GroundTruth.csv", "image,MEL,NV", lambda n: (n % 2, 1 - n % 2))
    write(images / "Metadata.csv", "image,age_approx,lesion_id,sex", lambda n: (5 * n, n // 3, "male"))
    manifest = read_folder(images)
    assert manifest.kind == "one_hot"
    assert manifest.rows[LABEL].value_counts().to_dict() == {"NV": 6, "MEL": 6}
    assert manifest.rows[GROUP].nunique() == 4
    assert manifest.rows[ATTRIBUTE + "age_approx"].tolist()[:2] == [0, 5]


def test_two_tables_that_both_say_what_is_shown_are_asked_about(images):
    write(images / "first.csv", "image,diagnosis", lambda n: ("xy"[n % 2],))
    write(images / "second.csv", "image,diagnosis,age", lambda n: ("xyz"[n % 3], n))
    with pytest.raises(AmbiguousRequest, match="Which one holds the labels"):
        read_folder(images)


def test_what_a_challenge_hands_out_to_be_filled_in_is_no_table_of_labels(images):
    write(images / "train.csv", "image,diagnosis", lambda n: ("xy"[n % 2],))
    write(images / "sample_submission.csv", "image,diagnosis", lambda n: ("x" if n else "y",))
    assert read_folder(images).rows[LABEL].value_counts().to_dict() == {"x": 6, "y": 6}


@pytest.mark.parametrize("name", ["HAM10000_metadata", "metadata.tab", "labels.txt", "labels.ods.csv"])
def test_a_table_is_found_whatever_its_suffix(images, name):
    write(images / name, "image_id,dx", lambda n: ("xy"[n % 2],))
    (images / "README.txt").write_text("Images, as they are, of moles.\nEnjoy.")
    (images / "LICENSE").write_text("CC BY-NC 4.0")
    manifest = read_folder(images)
    assert len(manifest.rows) == 12
    assert not any("README" in note or "LICENSE" in note for note in manifest.notes)


def test_tables_about_files_leave_folders_of_classes_what_they_are(tmp_path):
    # As in the COVID-19 radiography database: for each class images, masks and a table of formats and sources.
    for kind, number in (("COVID", 4), ("Normal", 6)):
        for place in ("images", "masks"):
            (tmp_path / kind / place).mkdir(parents=True)
            for at in range(number):
                Image.new("L", (20, 10)).save(tmp_path / kind / place / f"{kind}-{at}.png")
        rows = [f"{kind}-{at},PNG,256*256,http://{kind}" for at in range(number)]
        (tmp_path / f"{kind}.metadata.csv").write_text("\n".join(["FILE NAME,FORMAT,SIZE,URL", *rows]))
    manifest = read_folder(tmp_path)
    assert manifest.kind == "class_folders"
    assert manifest.rows[LABEL].value_counts().to_dict() == {"Normal": 6, "COVID": 4}
    assert manifest.masks is not None
    assert len(manifest.masks) == 10
    assert manifest.rows[FILE].str.contains("masks").sum() == 0


def test_a_table_that_contradicts_itself_ends_no_look(images):
    lines = [f"ISIC_{number:03d},{label}" for number in range(12) for label in "xy"]
    (images / "t.csv").write_text("\n".join(["image,diagnosis", *lines]))
    manifest = read_folder(images)
    assert manifest.kind == "unlabelled"
    assert any("contradict each other" in note for note in manifest.notes)
    with pytest.raises(DataUnusable, match="contradict each other"):
        read_manifest(Request(text="x", images=images))
