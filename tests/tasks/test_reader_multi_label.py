import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tasks.domain.errors import AmbiguousRequest, DataUnusable
from tasks.domain.manifest import LABEL, SUPERVISION
from tasks.domain.request import ColumnRoles, ReadingRules
from tasks.readers.labelled_table import read_labelled_table
from tasks.readers.multi_label import findings_of_lists, labels_of, means_nothing, separator_of, tokens_of
from tasks.readers.table import read_table
from tasks.readers.uncertain import as_marks, counted

ANNOTATIONS = Path(__file__).resolve().parents[2] / "../shared/data/cxr_annotations"
needs_annotations = pytest.mark.skipif(not ANNOTATIONS.exists(), reason="the chest x-ray tables are not here")
nan = float("nan")


def draw(folder, names):
    stream = io.BytesIO()
    Image.new("L", (2, 2)).save(stream, "png")
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(stream.getvalue())
    return folder


@pytest.fixture
def images(tmp_path):
    return draw(tmp_path / "images", (f"img_{number}.png" for number in range(8)))


def read(tmp_path, images, lines, rules=None, **roles):
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return read_labelled_table(path, images, ColumnRoles(**roles), rules or ReadingRules())


def read_real(tmp_path, name, image, n_images, rules=None, **roles):
    """Read a real table against tiny pictures that carry the names of its first images."""
    names = pd.read_csv(ANNOTATIONS / name, dtype=str)[image].drop_duplicates()[:n_images]
    folder = draw(tmp_path / "images", names)
    return read_labelled_table(ANNOTATIONS / name, folder, ColumnRoles(**roles), rules or ReadingRules())


def table_of(header, cells):
    return [header, *(f"img_{number},{cell}" for number, cell in enumerate(cells))]


def said(manifest, finding):
    return manifest.rows[f"finding.{finding}"].tolist()


def same(values, expected):
    np.testing.assert_array_equal(np.array(values, dtype=float), np.array(expected, dtype=float))


LISTS = ["No Finding", "Effusion", "Effusion|Mass", "Mass", "Mass|Effusion", "No Finding", "Effusion", "Mass"]


@pytest.mark.parametrize("separator", ["|", ";", " ; ", ", ", "["])
def test_several_findings_in_a_cell_are_told_apart(tmp_path, images, separator):
    def written(cell):
        names = cell.split("|")
        text = str(names) if separator == "[" else separator.join(names)
        return f'"{text}"'

    manifest = read(tmp_path, images, table_of("image,Finding Labels", map(written, LISTS)))
    assert (manifest.kind, manifest.findings) == ("multi_label", ("Effusion", "Mass"))
    assert manifest.roles.label == "Finding Labels"
    same(said(manifest, "Effusion"), [0, 1, 1, 0, 1, 0, 1, 0])
    same(said(manifest, "Mass"), [0, 0, 1, 1, 1, 0, 0, 1])
    labels = ["none", "Effusion", "Effusion|Mass", "Mass", "Effusion|Mass", "none", "Effusion", "Mass"]
    assert manifest.rows[LABEL].tolist() == labels
    assert set(manifest.rows[SUPERVISION]) == {"label"}


def test_a_label_with_a_comma_remains_one_label(tmp_path, images):
    cells = ['"nevus, atypical"', "melanoma", "nevus", '"nevus, atypical"'] * 2
    manifest = read(tmp_path, images, table_of("image,dx", cells))
    assert (manifest.kind, manifest.findings) == ("table", ())
    assert set(manifest.rows[LABEL]) == {"nevus, atypical", "melanoma", "nevus"}


def test_a_request_can_say_how_labels_are_written(tmp_path, images):
    lines = table_of("image,dx", LISTS)
    whole = read(tmp_path, images, lines, ReadingRules(format="table"), label="dx")
    assert whole.kind == "table"
    assert "Effusion|Mass" in set(whole.rows[LABEL])
    exclusive = table_of("image,MEL,NV", ["1,0", "0,1"] * 4)
    assert read(tmp_path, images, exclusive).kind == "one_hot"
    assert read(tmp_path, images, exclusive, ReadingRules(format="multi_label")).findings == ("MEL", "NV")


def test_columns_that_exclude_each_other_stay_classes(tmp_path, images):
    manifest = read(tmp_path, images, table_of("image,MEL,NV,BCC", ["1,0,0", "0,1,0", "0,0,1", "0,1,0"] * 2))
    assert (manifest.kind, manifest.findings) == ("one_hot", ())
    assert manifest.rows[LABEL].tolist()[:3] == ["MEL", "NV", "BCC"]


def test_columns_of_which_several_can_be_marked_are_findings(tmp_path, images):
    manifest = read(tmp_path, images, table_of("image,age,Edema,Mass", ["1,1,0", "0,0,0", "1,1,1", "0,0,1"] * 2))
    assert (manifest.kind, manifest.roles.findings) == ("multi_label", ("Edema", "Mass"))
    assert manifest.roles.attributes == ("age",)
    assert manifest.rows[LABEL].tolist()[:4] == ["Edema", "none", "Edema|Mass", "Mass"]
    assert "Read as findings that can occur together: Edema, Mass." in manifest.notes
    assert "25.0% of the images show more than one finding." in manifest.notes


def test_a_few_rows_of_several_classes_do_not_make_classes_findings(tmp_path):
    images = draw(tmp_path / "images", (f"img_{number}.png" for number in range(200)))
    marks = ["1,0", "0,1"] * 100
    marks[0] = "1,1"
    assert read(tmp_path, images, table_of("image,MEL,NV", marks)).kind == "one_hot"
    marks[1:10] = ["1,1"] * 9
    assert read(tmp_path, images, table_of("image,MEL,NV", marks)).kind == "multi_label"


@pytest.mark.parametrize(
    ("yes", "no"),
    [("1", "0"), ("1.0", "0.0"), ("yes", "no"), ("YES", "NO"), ("True", "false"), ("Ja", "Nein"), ("y", "n")],
)
def test_marks_are_understood_however_they_are_written(tmp_path, images, yes, no):
    cells = [f"{yes},{yes}", f"{no},{yes}", f"{no},{no}", f"{yes},{no}"] * 2
    manifest = read(tmp_path, images, table_of("image,Edema,Mass", cells))
    same(said(manifest, "Edema"), [1, 0, 0, 1] * 2)
    same(said(manifest, "Mass"), [1, 1, 0, 0] * 2)


UNCERTAIN = ["1,0", "-1,0", ",1", "0,0", ",", "-1,1", "0,", "1,1"]


@pytest.mark.parametrize(
    ("policy", "labels"),
    [
        ("unknown", ["Edema", "", "Mass", "none", "", "Mass", "", "Edema|Mass"]),
        ("positive", ["Edema", "Edema", "Mass", "none", "", "Edema|Mass", "", "Edema|Mass"]),
        ("negative", ["Edema", "none", "Mass", "none", "", "Mass", "", "Edema|Mass"]),
    ],
)
def test_a_policy_says_what_uncertain_counts_as_and_blank_stays_unknown(tmp_path, images, policy, labels):
    manifest = read(tmp_path, images, table_of("image,Edema,Mass", UNCERTAIN), ReadingRules(uncertain=policy))
    same(said(manifest, "Edema"), [1, -1, nan, 0, nan, -1, 0, 1])
    same(said(manifest, "Mass"), [0, 0, 1, 0, nan, 1, nan, 1])
    assert manifest.rows[LABEL].tolist() == labels
    assert manifest.rows[SUPERVISION].tolist() == ["label"] * 4 + ["none"] + ["label"] * 3
    counts_as = {"unknown": "neither present nor absent"}.get(policy, policy)
    assert f"2 findings are uncertain (16.7% of those read); they count as {counts_as}." in manifest.notes
    assert "1 of 8 images carry no label; nothing is assumed of them." in manifest.notes


def test_an_unknown_policy_is_an_error(tmp_path, images):
    with pytest.raises(DataUnusable, match=r"reading\.uncertain.*not as 'guess'"):
        read(tmp_path, images, table_of("image,Edema,Mass", UNCERTAIN), ReadingRules(uncertain="guess"))


def test_words_of_doubt_are_uncertain_or_unknown():
    words = [
        "uncertain",
        "?",
        "u",
        "Equivocal",
        "ungradable",
        "not graded",
        "Not_Graded",
        "unk",
        "",
        "0.25",
        "2",
        "maybe not",
    ]
    values, strange = as_marks(pd.Series(words).where(lambda cells: cells != ""))
    same(values, [-1, -1, -1, -1, -1, nan, nan, nan, nan, 0.25, nan, nan])
    assert [word for word, is_strange in zip(words, strange, strict=True) if is_strange] == ["2", "maybe not"]
    same(counted(np.array([-1.0, nan, 1.0]), "negative"), [0, nan, 1])


def test_one_column_of_three_values_is_one_finding(tmp_path, images):
    manifest = read(tmp_path, images, table_of("image,Pneumothorax,age", ["1,4", "0,5", "-1,6", ",7"] * 2))
    assert (manifest.kind, manifest.findings) == ("multi_label", ("Pneumothorax",))
    assert manifest.rows[LABEL].tolist()[:4] == ["Pneumothorax", "no Pneumothorax", "", ""]


def test_one_column_of_two_values_keeps_its_labels(tmp_path, images):
    manifest = read(tmp_path, images, table_of("image,Pneumothorax", ["1", "0"] * 4))
    assert (manifest.kind, manifest.roles.label) == ("table", "Pneumothorax")
    assert manifest.rows[LABEL].tolist()[:2] == ["1", "0"]


def test_a_label_of_doubt_stays_a_label_and_is_noted(tmp_path, images):
    manifest = read(tmp_path, images, table_of("image,dx", ["mel", "nv", "Unknown", "mel"] * 2))
    assert "Unknown" in set(manifest.rows[LABEL])
    assert manifest.notes == (
        "2 images have the label 'Unknown': it was kept as a label of its own, though it may say that nobody could tell.",
    )


def test_a_column_that_says_no_finding_makes_blanks_absences(tmp_path, images):
    cells = ["1,,", "0,1,", ",1,1", ",0,1", "0,,1", "1,,", ",,", "1,1,"]
    manifest = read(tmp_path, images, table_of("image,No Finding,Edema,Mass", cells))
    assert manifest.findings == ("Edema", "Mass")
    assert manifest.roles.findings == ("No Finding", "Edema", "Mass")
    same(said(manifest, "Edema"), [0, 1, 1, 0, nan, 0, nan, 1])
    same(said(manifest, "Mass"), [0, nan, 1, 1, 1, 0, nan, nan])
    assert "2 rows are marked No Finding: their 4 blanks count as absent." in manifest.notes


def test_where_only_presence_is_marked_blanks_are_absences(tmp_path, images):
    manifest = read(tmp_path, images, table_of("image,Edema,Mass", ["x,", ",x", "x,x", ","] * 2))
    assert manifest.rows[LABEL].tolist()[:4] == ["Edema", "Mass", "Edema|Mass", "none"]
    assert "No cell says that a finding is absent, so blank cells count as absent." in manifest.notes


def test_a_cell_that_is_no_mark_sets_its_row_aside(tmp_path, images):
    cells = ["1,1", "0,soon", "0,0", "1,0", "0,0", "1,1", "0,1", "1,1"]
    manifest = read(tmp_path, images, table_of("image,Edema,Mass", cells), findings=("Edema", "Mass"))
    assert {item.row: item.reason for item in manifest.quarantined} == {3: "field 'Mass' holds no mark of a finding"}
    with pytest.raises(DataUnusable, match=r"row 2, field 'Mass'.*must be marked 1 or 0"):
        read(tmp_path, images, table_of("image,Edema,Mass", ["1,soon"] * 8), findings=("Edema", "Mass"))


def test_a_finding_beside_words_for_none_is_believed(tmp_path, images):
    manifest = read(
        tmp_path, images, table_of("image,labels", ["normal|Mass", "Mass", "normal", "Mass|Edema", *LISTS[:4]])
    )
    assert manifest.rows[LABEL].tolist()[0] == "Mass"
    assert "1 rows name a finding beside words for none; the finding was believed." in manifest.notes


def test_an_image_without_labels_is_kept_where_findings_can_be_unknown(tmp_path, images):
    manifest = read(tmp_path, images, table_of("image,labels", ["", "unknown", *LISTS[:6]]))
    assert manifest.rows[SUPERVISION].tolist()[:3] == ["none", "none", "label"]
    assert manifest.rows["finding.Mass"].isna().tolist()[:3] == [True, True, False]
    assert manifest.quarantined == ()


def test_rows_of_an_image_that_differ_in_a_finding_are_set_aside(tmp_path, images):
    lines = [*table_of("image,Edema,Mass", ["1,1", "0,1", "0,0", "1,0", ",1", "1,0", "0,0", "0,1"])]
    manifest = read(tmp_path, images, [*lines, "img_0,1,", "img_1,0,1", "img_4,,1"])
    assert {item.row: item.reason for item in manifest.quarantined} == {
        2: "rows for the same image differ in Mass: also row 10",
        10: "rows for the same image differ in Mass: also row 2",
        11: "repeats row 3",
        12: "repeats row 6",
    }


def test_findings_that_are_given_are_taken(tmp_path, images):
    cells = ["1,0,yes", "0,1,no", "1,0,yes", "0,1,yes"] * 2
    manifest = read(tmp_path, images, table_of("image,Edema,Mass,Drain", cells), findings=("Drain", "Mass"))
    assert manifest.findings == ("Drain", "Mass")
    assert manifest.roles.attributes == ("Edema",)
    assert (
        read(tmp_path, images, table_of("image,Edema", ["1", "0"] * 4), findings=("Edema",)).rows[LABEL].tolist()[1]
        == "no Edema"
    )


def test_lists_beside_columns_of_marks_are_asked_for(tmp_path, images):
    lines = ["image,labels,Edema,Mass", *(f"img_{i},{LISTS[i]},{i % 2},{i // 4}" for i in range(8))]
    with pytest.raises(AmbiguousRequest) as caught:
        read(tmp_path, images, lines)
    assert caught.value.questions[0].options == ("labels", "Edema, Mass")


@pytest.mark.parametrize(
    "name", ["No Finding", "no_findings", "Normal", "No abnormality", "NoFinding", "none", "healthy"]
)
def test_words_that_say_nothing_was_found_are_known(name):
    assert means_nothing(name)
    assert not means_nothing(f"{name} nodule")


def test_names_in_a_list_are_unwrapped():
    assert tokens_of("['a b', \"c, d\"]", "[") == ("a b", "c, d")
    assert tokens_of("[a, b]", "[") == ("a", "b")
    assert tokens_of("a | b|a|", "|") == ("a", "b")
    assert separator_of(pd.Series(["a", "b", None])) == ""


def test_labels_of_many_rows_are_those_of_each():
    values = pd.DataFrame({"a": [1.0, 0, nan, -1], "b": [1.0, 0, 0, 1]}, index=[3, 4, 9, 10])
    assert labels_of(values, "unknown").to_dict() == {3: "a|b", 4: "none", 9: "", 10: "b"}


@needs_annotations
def test_the_findings_of_chestxray14_are_found_without_hints(tmp_path):
    manifest = read_real(tmp_path, "Data_Entry_2017_v2020.csv.gz", "Image Index", 2000)
    roles = manifest.roles
    assert (roles.image, roles.label, roles.group) == ("Image Index", "Finding Labels", "Patient ID")
    assert "Follow-up #" in roles.attributes
    assert "Patient Age" in roles.attributes
    assert (manifest.kind, len(manifest.findings), len(manifest.rows)) == ("multi_label", 14, 2000)
    assert len(manifest.quarantined) == 110_120
    truth = pd.read_csv(ANNOTATIONS / "Data_Entry_2017_v2020.csv.gz")[:2000]
    has = truth["Finding Labels"].str.split("|")
    for finding in manifest.findings:
        same(said(manifest, finding), has.map(lambda names, finding=finding: float(finding in names)))
    assert manifest.rows["group"].nunique() == truth["Patient ID"].nunique()
    assert (manifest.rows[LABEL] == "none").sum() == (truth["Finding Labels"] == "No Finding").sum()


@needs_annotations
def test_all_of_chestxray14_has_the_published_numbers():
    table = read_table(ANNOTATIONS / "Data_Entry_2017_v2020.csv.gz")
    found = findings_of_lists(table, "Finding Labels", separator_of(table.column("Finding Labels"))).marks
    assert len(found) == 112_120
    assert found["Pneumothorax"].sum() == 5_302
    assert table.column("Patient ID").nunique() == 30_805
    assert (found.sum(axis=1) == 0).sum() == 60_361


@needs_annotations
def test_adjudicated_labels_are_asked_for_or_taken_as_given(tmp_path):
    name = "google2019_nih-chest-xray-labels.csv.gz"
    with pytest.raises(AmbiguousRequest) as caught:
        read_real(tmp_path, name, "Image Index", 30)
    adjudicated = ("Fracture", "Pneumothorax", "Airspace opacity", "Nodule or mass")
    assert caught.value.questions[0].options == ("Finding Labels", ", ".join(adjudicated))
    manifest = read_real(tmp_path, name, "Image Index", 5000, findings=adjudicated)
    assert len(manifest.rows) == 4376
    assert sum(said(manifest, "Pneumothorax")) == 238
    assert manifest.rows["split"].value_counts().to_dict() == {"validation": 2414, "test": 1962}


@needs_annotations
def test_the_columns_of_chexpert_are_findings(tmp_path):
    manifest = read_real(tmp_path, "drains_chexpert/config_dev.csv", "Path", 300)
    assert (manifest.kind, len(manifest.findings), len(manifest.rows)) == ("multi_label", 13, 234)
    assert "No_Finding" not in manifest.findings
    assert manifest.roles.attributes == ("Sex", "Age", "Frontal/Lateral", "AP/PA")


@needs_annotations
def test_a_single_column_of_a_real_table_keeps_its_labels(tmp_path):
    manifest = read_real(tmp_path, "drains_chexpert/drains_376.csv", "Path", 400)
    assert (manifest.kind, manifest.roles.label) == ("table", "Pneumothorax")
    assert manifest.rows[LABEL].value_counts().to_dict() == {"1": 304, "0": 72}


@needs_annotations
def test_aggregated_tubes_of_padchest_keep_their_uncertain_marks(tmp_path):
    manifest = read_real(tmp_path, "neatx_padchest/Annotations_aggregated.csv", "ImageID", 2000)
    counts = {
        name: (int((manifest.rows[f"finding.{name}"] == 1).sum()), int((manifest.rows[f"finding.{name}"] == -1).sum()))
        for name in manifest.findings
    }
    assert counts == {
        "Chest_drain": (37, 28),
        "NSG_tube": (449, 202),
        "Endotracheal_tube": (162, 158),
        "Tracheostomy_tube": (252, 15),
    }
