from __future__ import annotations

from pathlib import Path

import pytest

from tasks.domain.errors import DataUnusable
from tasks.domain.model_input import ModelInput
from tasks.given_inputs import given_inputs

INPUTS = (
    ModelInput(name="age", kind="number", mean=50.0, deviation=10.0),
    ModelInput(name="sex", kind="category", values=("female", "male")),
    ModelInput(name="grade", kind="category", values=("1", "2")),
)
IMAGES = [Path("a/one.jpg"), Path("a/two.jpg"), Path("b/three.png")]


def write(folder: Path, text: str) -> Path:
    file = folder / "known.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_rows_go_to_their_images_by_path_name_or_stem(tmp_path: Path) -> None:
    table = write(
        tmp_path,
        "image,age,sex,grade,diagnosis\nthree,61.5,male,2,mel\na/one.jpg,40,female,1,nv\ntwo.jpg,7,male,1,nv\n",
    )
    given = given_inputs(table, IMAGES, INPUTS)
    assert given.columns.to_dict("list") == {
        "input_age": ["40", "7", "61.5"],
        "input_sex": ["female", "male", "male"],
        "input_grade": ["1", "1", "2"],
    }
    assert given.notes == ()


def test_what_is_missing_or_unknown_is_told_and_stops_nothing(tmp_path: Path) -> None:
    table = write(tmp_path, "image,age,sex\none,,Female\ntwo,33,diverse\n")
    given = given_inputs(table, IMAGES, INPUTS)
    assert given.columns["input_age"].tolist() == ["", "33", ""]
    assert given.columns["input_sex"].tolist() == ["female", "", ""]
    assert given.columns["input_grade"].tolist() == ["", "", ""]
    assert given.notes == (
        "1 of 3 images are not in known.csv.",
        "age is not known for 2 of 3 images; they are predicted without it.",
        "Of sex the model knows female, male; another value counts as not known: diverse.",
        "sex is not known for 2 of 3 images; they are predicted without it.",
        "grade is not known for 3 of 3 images; they are predicted without it.",
    )


def test_without_a_table_one_sentence_says_what_to_give() -> None:
    given = given_inputs(None, IMAGES, INPUTS)
    assert given.columns.eq("").all(axis=None)
    assert given.columns.shape == (3, 3)
    (note,) = given.notes
    assert "age, sex, grade" in note
    assert "--inputs" in note


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name,age\none,3\n", "no column `image`"),
        ("image,weight\none,3\n", "it sees age, sex, grade; the table has: image, weight"),
        ("image,age\nfour,3\nfive,2\n", "no row is about one of these images"),
        ("image,age\none,3\none,4\n", "more than one row about one"),
        ("image,age\none,old\ntwo,3\n", "numbers alone"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_words(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(DataUnusable, match=problem):
        given_inputs(write(tmp_path, text), IMAGES, INPUTS)


def test_a_name_that_two_images_have_must_be_a_path(tmp_path: Path) -> None:
    images = [Path("a/one.jpg"), Path("b/one.jpg")]
    with pytest.raises(DataUnusable, match=r"several images are called one\.jpg"):
        given_inputs(write(tmp_path, "image,age\none.jpg,3\n"), images, INPUTS)
    table = write(tmp_path, "image,age\na/one.jpg,3\nb/one.jpg,4\n")
    assert given_inputs(table, images, INPUTS).columns["input_age"].tolist() == ["3", "4"]
