from __future__ import annotations

from pathlib import Path

import pytest

from tasks.domain.errors import DataUnusable
from tasks.domain.request import ColumnRoles, ReadingRules
from tasks.readers.request_file import read_request


def write(folder: Path, text: str) -> Path:
    file = folder / "request.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_paths_in_a_file_are_relative_to_it_and_flags_win(tmp_path: Path) -> None:
    file = write(
        tmp_path, "text: tell a from b\nimages: pictures\ntable: t.csv\nbudget: {rounds: 3}\ncolumns: {label: dx}\n"
    )
    request = read_request(file, {"budget.rounds": 5, "columns.group": "lesion_id"})
    assert request.images == (tmp_path / "pictures").resolve()
    assert request.table == (tmp_path / "t.csv").resolve()
    assert (request.budget.rounds, request.budget.minutes_per_round) == (5, 40.0)
    assert (request.roles.label, request.roles.group) == ("dx", "lesion_id")


def test_how_the_data_is_to_be_read_can_be_said(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "text: x\nimages: i\nreading: {format: rle, masks: m, uncertain: positive, aggregation: reader 1}\n"
        "columns: {findings: [a, b], boxes: [l, t, r, u], annotators: [g1, g2], annotator: who, rle: code}\n",
    )
    request = read_request(file, {})
    assert request.reading == ReadingRules(
        format="rle", masks=(tmp_path / "m").resolve(), uncertain="positive", aggregation="reader 1"
    )
    assert request.roles == ColumnRoles(
        findings=("a", "b"), boxes=("l", "t", "r", "u"), annotators=("g1", "g2"), annotator="who", rle="code"
    )


def test_attributes_may_be_handed_to_the_model(tmp_path: Path) -> None:
    file = write(tmp_path, "text: x\nimages: i\ninputs: [age, sex, age]\n")
    assert read_request(file, {}).inputs == ("age", "sex")
    assert read_request(file, {"inputs": ["site"]}).inputs == ("site",)
    assert read_request(write(tmp_path, "text: x\nimages: i\n"), {}).inputs == ()


def test_images_are_shown_to_a_language_model_only_where_the_request_says_so(tmp_path: Path) -> None:
    given: dict[str, object] = {"text": "a or b", "images": str(tmp_path)}
    assert not read_request(None, given).allow_images
    assert read_request(None, {**given, "allow_images": True}).allow_images
    assert read_request(write(tmp_path, "text: a or b\nimages: .\nallow_images: true\n"), {}).allow_images
    with pytest.raises(DataUnusable, match="bool"):
        read_request(None, {**given, "allow_images": "perhaps"})


def test_flags_alone_make_a_request(tmp_path: Path) -> None:
    assert read_request(None, {"text": "x", "images": str(tmp_path)}).table is None


@pytest.mark.parametrize(
    ("text", "field", "words"),
    [
        ("images: x", "text", "is missing"),
        ("text: x", "images", "is missing"),
        ("text: x\nimages: y\nround: 3", "round", "not a field"),
        ("text: x\nimages: y\nbudget: {rounds: 31}", "budget.rounds", "less than or equal to 30"),
        ("text: x\nimages: y\nbudget: {rounds: many}", "budget.rounds", "valid integer"),
        ("text: x\nimages: y\nbudget: {minutes_per_round: 0}", "budget.minutes_per_round", "greater than 0"),
        ("text: x\nimages: y\ninputs: age", "inputs", "valid tuple"),
        ("text: x\nimages: y\ninputs: ['']", "inputs.0", "at least 1 character"),
        ("text: x\nimages: y\nverdict_rule: kind", "verdict_rule", "one_standard_error"),
        ("text: x\nimages: y\ncolumns: dx", "columns", "dictionary"),
        (
            "text: x\nimages: y\ncolumns: {labels: dx}",
            "columns.labels",
            "not a field of columns; fields are image, label",
        ),
        ("text: x\nimages: y\nreading: {format: jpeg}", "reading.format", "coco"),
        ("text: x\nimages: y\nreading: {uncertain: perhaps}", "reading.uncertain", "unknown"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, text: str, field: str, words: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(DataUnusable, match=words) as caught:
        read_request(file, {})
    assert (caught.value.field, caught.value.file) == (field, file)


def test_a_file_that_is_no_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    file = write(tmp_path, "text: x\nimages: [\n")
    with pytest.raises(DataUnusable, match="not a YAML file") as caught:
        read_request(file, {})
    assert caught.value.row == 3


def test_a_list_or_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataUnusable, match="list of `field: value` lines"):
        read_request(write(tmp_path, "- a\n- b\n"), {})
    with pytest.raises(DataUnusable, match="cannot be read"):
        read_request(tmp_path / "none.yaml", {})


def test_a_flag_cannot_go_into_a_field_that_holds_a_word(tmp_path: Path) -> None:
    with pytest.raises(DataUnusable, match="lines of its own"):
        read_request(write(tmp_path, "text: x\nimages: y\nbudget: cheap\n"), {"budget.rounds": 3})
