import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import cohen_kappa_score

from tasks.domain.errors import AmbiguousRequest, DataUnusable
from tasks.domain.manifest import IMAGE_ID, LABEL, READING_COLUMNS, ROW, SUPERVISION
from tasks.domain.request import ColumnRoles, ReadingRules
from tasks.readers.agreement import aggregated, agreement, cohen_kappa
from tasks.readers.annotators import opaque_names
from tasks.readers.labelled_table import read_labelled_table

ANNOTATIONS = Path(__file__).resolve().parents[2] / "../shared/data/cxr_annotations"
needs_annotations = pytest.mark.skipif(not ANNOTATIONS.exists(), reason="the chest x-ray tables are not here")
nan = float("nan")


def draw(folder, names):
    stream = io.BytesIO()
    Image.new("L", (2, 2)).save(stream, "png")
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(stream.getvalue())
    return folder


@pytest.fixture
def images(tmp_path):
    return draw(tmp_path / "images", (f"img_{number}.png" for number in range(8)))


def read(tmp_path, images, lines, rule="majority", **roles):
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return read_labelled_table(path, images, ColumnRoles(**roles), ReadingRules(aggregation=rule))


def table_of(header, cells):
    return [header, *(f"img_{number},{cell}" for number, cell in enumerate(cells))]


def reasons(manifest):
    return {item.row: item.reason for item in manifest.quarantined if item.row}


GRADES = ["a,a,b", "b,b,b", "a,b,c", "a,b,", ",,", "c,c,a", "b,,", "a,a,a"]


def test_three_graders_side_by_side_are_kept_and_the_majority_is_the_label(tmp_path, images):
    manifest = read(tmp_path, images, table_of("image,grader_1,grader_2,grader_3", GRADES))
    assert (manifest.kind, manifest.findings) == ("table", ())
    assert manifest.roles.annotators == ("grader_1", "grader_2", "grader_3")
    assert manifest.roles.attributes == ()
    assert manifest.rows[LABEL].tolist() == ["a", "b", "", "", "", "c", "b", "a"]
    assert manifest.rows[SUPERVISION].tolist() == ["label", "label", "none", "none", "none", "label", "label", "label"]
    readings = manifest.readings
    assert tuple(readings.columns) == READING_COLUMNS
    assert len(readings) == 18
    first = readings[readings["image_id"] == manifest.rows[IMAGE_ID][0]]
    assert first[["annotator", "value"]].to_numpy().tolist() == [
        ["grader_1", "a"],
        ["grader_2", "a"],
        ["grader_3", "b"],
    ]


@pytest.mark.parametrize(
    ("rule", "labels"),
    [
        ("all", ["", "b", "", "", "", "", "b", "a"]),
        ("grader_3", ["b", "b", "c", "", "", "a", "", "a"]),
    ],
)
def test_the_request_says_how_readings_become_one_label(tmp_path, images, rule, labels):
    manifest = read(tmp_path, images, table_of("image,grader_1,grader_2,grader_3", GRADES), rule)
    assert manifest.rows[LABEL].tolist() == labels


def test_a_rule_that_cannot_be_is_an_error(tmp_path, images):
    lines = table_of("image,grader_1,grader_2,grader_3", GRADES)
    with pytest.raises(DataUnusable, match="one of grader_1, grader_2, grader_3, but not by 'grader_4'"):
        read(tmp_path, images, lines, "grader_4")
    with pytest.raises(DataUnusable, match="cannot be put together by `any`"):
        read(tmp_path, images, lines, "any")


def test_annotators_who_say_nothing_are_an_error(tmp_path, images):
    with pytest.raises(DataUnusable, match="no annotator says anything"):
        read(tmp_path, images, table_of("image,a,b,c", [",,x"] * 8), annotators=("a", "b"))
    with pytest.raises(DataUnusable, match="no annotator says anything"):
        read(tmp_path, images, table_of("image,a,b,c", [",R1,x"] * 8), label="a", annotator="b")


MARKS = ["1,1,0", "0,0,1", "1,0,-1", "1,,", ",,", "-1,-1,0", "0,0,0", "1,1,1"]


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ("majority", [1, 0, -1, 1, nan, -1, 0, 1]),
        ("any", [1, 1, 1, 1, nan, -1, 0, 1]),
        ("all", [0, 0, 0, 1, nan, 0, 0, 1]),
        ("reader1", [1, 0, 1, 1, nan, -1, 0, 1]),
    ],
)
def test_readings_of_a_finding_are_put_together(tmp_path, images, rule, values):
    lines = table_of("image,drain_reader1,drain_reader2,drain_reader3", MARKS)
    manifest = read(tmp_path, images, lines, rule)
    assert (manifest.kind, manifest.findings) == ("multi_label", ("drain",))
    np.testing.assert_array_equal(manifest.rows["finding.drain"].to_numpy(), np.array(values))
    assert manifest.rows[LABEL].tolist()[6:] == ["no drain", "drain"]
    assert len(manifest.readings) == 19


def test_confidences_are_kept_and_vote(tmp_path, images):
    cells = ["0.75,1", "0.25,0", "0.5,0.5", "0,1", "1,1", "0,0", "0.5,1", "0,0.25"]
    manifest = read(tmp_path, images, table_of("image,drain_a1,drain_a2", cells))
    np.testing.assert_array_equal(manifest.rows["finding.drain"], [1, 0, -1, -1, 1, 0, -1, 0])
    assert manifest.readings["value"].tolist()[:3] == [0.75, 0.25, 0.5]


def test_a_label_of_its_own_goes_before_the_readings(tmp_path, images):
    cells = [f"{cell},{'x' if number % 2 else 'y'}" for number, cell in enumerate(GRADES)]
    manifest = read(tmp_path, images, table_of("image,grader_1,grader_2,grader_3,diagnosis", cells))
    assert manifest.roles.label == "diagnosis"
    assert set(manifest.rows[LABEL]) == {"x", "y"}
    assert len(manifest.readings) == 18
    assert "kept beside the label" in manifest.notes[-1]


def test_remarks_of_annotators_are_no_readings(tmp_path, images):
    cells = [f"{i % 2},{i % 2},dark,dark" for i in range(8)]
    manifest = read(tmp_path, images, table_of("image,drain_a1,drain_a2,Notes_a1,Notes_a2", cells))
    assert manifest.findings == ("drain",)
    assert manifest.roles.attributes == ("Notes_a1", "Notes_a2")


def test_several_questions_with_labels_are_asked_about(tmp_path, images):
    cells = ["a,b,x,x", "b,b,y,x", "a,a,x,y", "b,a,y,y"] * 2
    lines = table_of("image,shape_r1,shape_r2,colour_r1,colour_r2", cells)
    with pytest.raises(AmbiguousRequest) as caught:
        read(tmp_path, images, lines)
    assert caught.value.questions[0].options == ("shape_r1, shape_r2", "colour_r1, colour_r2")
    assert set(read(tmp_path, images, lines, annotators=("shape_r1", "shape_r2")).rows[LABEL]) == {"a", "b", ""}


LONG = ["image,reader,dx,patient,age"]
LONG += [f"img_{i // 2},R{i % 2 + 1},{'ab'[(i // 4 + (i == 3)) % 2]},P{i // 4},{i // 2}" for i in range(16)]


def test_a_row_for_each_reading_is_put_together_to_a_row_for_each_image(tmp_path, images):
    manifest = read(tmp_path, images, LONG)
    assert manifest.roles.annotator == "reader"
    assert "reader" not in manifest.roles.attributes
    assert manifest.rows[ROW].tolist() == list(range(2, 18, 2))
    assert manifest.rows[LABEL].tolist() == ["a", "", "b", "b", "a", "a", "b", "b"]
    assert manifest.rows["attribute.age"].tolist() == [float(i) for i in range(8)]
    assert len(manifest.readings) == 16
    assert manifest.quarantined == ()
    assert "2 annotators read the images; they differ on 12.5% of the images read twice." in manifest.notes[0]


def test_findings_in_rows_of_readings_are_put_together(tmp_path, images):
    lines = ["image,rad_id,Edema,Mass"]
    lines += [f"img_{i // 3},R{i % 3},{int(i % 3 > 0)},{int(i % 3 > 1)}" for i in range(24)]
    manifest = read(tmp_path, images, lines)
    assert (manifest.kind, manifest.findings) == ("multi_label", ("Edema", "Mass"))
    assert set(manifest.rows[LABEL]) == {"Edema"}
    assert len(manifest.readings) == 48
    assert set(read(tmp_path, images, lines, "any").rows[LABEL]) == {"Edema|Mass"}


def test_odd_rows_of_readings_are_set_aside(tmp_path, images):
    more = ["img_0,R1,a,P0,0", "img_1,R1,b,P0,1", "img_2,,b,P1,2", "img_3,R3,b,P9,3"]
    manifest = read(tmp_path, images, [*LONG, *more])
    assert reasons(manifest) == {
        4: "the same annotator says different things of this image",
        8: "rows for the same image differ in group: also row 9, 21",
        9: "rows for the same image differ in group: also row 8, 21",
        18: "repeats what the same annotator said of this image",
        19: "the same annotator says different things of this image",
        20: "the row names no annotator",
        21: "rows for the same image differ in group: also row 8, 9",
    }
    assert len(manifest.rows) == 7


def test_repeated_rows_without_a_column_of_annotators_are_no_readings(tmp_path, images):
    lines = [line.replace(",R1,", ",").replace(",R2,", ",").replace("reader,", "") for line in LONG]
    manifest = read(tmp_path, images, lines)
    assert manifest.readings is None
    assert reasons(manifest)[3] == "repeats row 2"
    assert reasons(manifest)[4] == "rows for the same image differ in label: also row 5"


def test_a_column_of_annotators_of_images_read_once_is_an_attribute(tmp_path, images):
    manifest = read(tmp_path, images, table_of("image,dx,annotator", [f"{'ab'[i % 2]},R{i // 4}" for i in range(8)]))
    assert manifest.roles.annotator is None
    assert manifest.roles.attributes == ("annotator",)
    assert manifest.readings is None
    named = read(
        tmp_path, images, table_of("image,dx,annotator", [f"{'ab'[i % 2]},{'Muster' * (i < 4)}" for i in range(8)])
    )
    assert set(named.rows["attribute.annotator"].dropna()) == {"reader 1"}
    assert named.rows["attribute.annotator"].isna().sum() == 4


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (["R8", "R9"], ["R8", "R9"]),
        (["reader_1", "Radiologist 2"], ["reader_1", "Radiologist 2"]),
        (["a", "AI", "consensus"], ["a", "AI", "consensus"]),
        (["Dr. Smith", "jdoe12", "Anna"], ["reader 1", "reader 2", "reader 3"]),
        (["reader 1", "Smith, J."], ["reader 1", "reader 2"]),
        (["anna@clinic.example", "7"], ["reader 1", "7"]),
    ],
)
def test_names_of_people_are_replaced(given, shown):
    assert list(map(opaque_names(given).get, given)) == shown


def test_no_name_of_a_person_leaves_the_reader(tmp_path, images):
    lines = [line.replace("R1", "Dr. Anna Muster").replace("R2", "meier") for line in LONG]
    manifest = read(tmp_path, images, lines)
    assert set(manifest.readings["annotator"]) == {"reader 1", "reader 2"}
    assert manifest.rows[LABEL].tolist()[1] == ""
    assert read(tmp_path, images, lines, "meier").rows[LABEL].tolist()[1] == "b"
    assert read(tmp_path, images, lines, "reader 1").rows[LABEL].tolist()[1] == "a"


def readings_of(matrix, finding=""):
    """Return readings of a matrix, a row an image and a column an annotator."""
    rows = [
        (f"i{image}", finding, f"R{annotator}", value)
        for image, line in enumerate(matrix)
        for annotator, value in enumerate(line)
        if value is not None and value == value  # noqa: PLR0124 (not NaN)
    ]
    return pd.DataFrame(rows, columns=list(READING_COLUMNS))


@pytest.mark.parametrize("n_categories", [2, 3, 5])
def test_kappa_is_that_of_scikit_learn(n_categories):
    random = np.random.default_rng(n_categories)
    one = random.integers(0, n_categories, 300)
    other = np.where(random.random(300) < 0.6, one, random.integers(0, n_categories, 300))
    assert cohen_kappa(pd.Series(one), pd.Series(other)) == pytest.approx(cohen_kappa_score(one, other), abs=1e-12)


def test_kappa_with_the_majority_of_the_others_is_that_of_scikit_learn():
    random = np.random.default_rng(7)
    truth = random.integers(0, 3, 400)
    matrix = np.where(random.random((400, 4)) < 0.7, truth[:, None], random.integers(0, 3, (400, 4)))
    found = agreement(readings_of(matrix.astype(str)))
    for item, own, others in zip(
        found.annotators, matrix.T, (np.delete(matrix, at, 1) for at in range(4)), strict=True
    ):
        counts = np.array([(others == value).sum(axis=1) for value in range(3)])
        untied = (counts == counts.max(axis=0)).sum(axis=0) == 1
        expected = cohen_kappa_score(own[untied], counts.argmax(axis=0)[untied])
        assert item.kappa == pytest.approx(expected, abs=1e-12)
        assert item.images == 400
    assert found.disagreement == pytest.approx((matrix != matrix[:, :1]).any(axis=1).mean())


def test_confidences_on_one_side_agree():
    found = agreement(readings_of([[0.75, 1.0], [0.25, 0.0], [0.25, 0.75], [0.0, 0.0]], finding="drain"))
    assert found.disagreement == 0.25
    assert found.annotators[0].kappa == pytest.approx(0.5)


def test_agreement_that_is_undefined_is_nan():
    once = agreement(readings_of([["a", None], [None, "b"]]))
    assert np.isnan(once.disagreement)
    assert [item.images for item in once.annotators] == [1, 1]
    assert all(np.isnan(item.kappa) for item in once.annotators)
    assert np.isnan(agreement(readings_of([["a"], ["b"]])).annotators[0].kappa)
    same = agreement(readings_of([["a", "a"], ["a", "a"]]))
    assert same.disagreement == 0
    assert np.isnan(same.annotators[0].kappa)


def test_aggregation_keeps_the_findings_apart():
    readings = pd.DataFrame(
        [(2, "x", "A", 1.0), (2, "y", "A", 0.0), (2, "x", "B", 1.0), (3, "y", "B", 1.0)],
        columns=["row", "finding", "annotator", "value"],
    )
    values = aggregated(readings, "majority")
    np.testing.assert_array_equal(values[["x", "y"]].loc[[2, 3]].to_numpy(), [[1, 0], [nan, 1]])


@needs_annotations
def test_two_annotators_of_padchest_give_the_published_labels(tmp_path):
    raw = ANNOTATIONS / "neatx_padchest/Annotations_raw.csv"
    published = pd.read_csv(ANNOTATIONS / "neatx_padchest/Annotations_aggregated.csv").set_index("ImageID")
    images = draw(tmp_path / "images", published.index)
    manifest = read_labelled_table(raw, images, ColumnRoles())
    assert manifest.findings == ("Chest_drain_tube", "NSG_tube", "Endotracheal_tube", "Tracheostomy_tube")
    assert (len(manifest.rows), len(manifest.readings)) == (1011, 8088)
    assert set(manifest.readings["annotator"]) == {"a1", "a2"}
    assert set(manifest.readings["value"]) == {0, 0.25, 0.5, 0.75, 1}
    for finding in manifest.findings:
        theirs = published[finding.replace("Chest_drain_tube", "Chest_drain")].loc[manifest.rows["file"]]
        np.testing.assert_array_equal(manifest.rows[f"finding.{finding}"], theirs.astype(float))
    assert agreement(manifest.readings).disagreement == pytest.approx(345 / 1011)
