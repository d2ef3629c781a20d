"""The requests of our own have one form, keys that hang together, and edits that can be made."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks" / "intent"
GISTS = (4, 5, 6, 8, 10, 11, 14, 15, 16, 20, 22, 24)
IDS = {
    "requests_own.jsonl": [f"O{number:02d}" for number in range(1, 45)],
    "requests_held_back.jsonl": [f"H{number:02d}" for number in range(1, 23)],
    "requests_variants.jsonl": [f"G{number:02d}{letter}" for number in GISTS for letter in "abc"],
    "requests_variants_2.jsonl": [f"V{number:02d}{letter}" for number in GISTS for letter in "abc"],
    "requests_variants_3.jsonl": [f"W{number:02d}{letter}" for number in GISTS for letter in "ab"],
    "requests_variants_4.jsonl": [f"P{number:02d}{letter}" for number in GISTS for letter in "ab"],
    "requests_variants_5.jsonl": [f"Q{number:02d}{letter}" for number in GISTS for letter in "ab"],
    "requests_variants_6.jsonl": [f"X{number:02d}{letter}" for number in GISTS for letter in "abc"],
    "requests_variants_7.jsonl": [f"K{number:02d}{letter}" for number in GISTS for letter in "ab"],
    "requests_variants_8.jsonl": [f"J{number:02d}{letter}" for number in GISTS for letter in "ab"],
    "requests_others.jsonl": [f"S{number:02d}" for number in range(1, 41)],
    "requests_others_2.jsonl": [f"T{number:02d}" for number in (*GISTS, *range(31, 55))],
    "requests_others_3.jsonl": [f"U{number:02d}" for number in range(1, 41)],
    "requests_others_4.jsonl": [f"Y{number:02d}" for number in range(1, 41)],
    "requests_others_5.jsonl": [f"Z{number:02d}" for number in range(1, 41)],
}
VARIANTS = {
    "requests_variants.jsonl": 3,
    "requests_variants_2.jsonl": 3,
    "requests_variants_3.jsonl": 2,
    "requests_variants_4.jsonl": 2,
    "requests_variants_5.jsonl": 2,
    "requests_variants_6.jsonl": 3,
    "requests_variants_7.jsonl": 2,
    "requests_variants_8.jsonl": 2,
}
"""Wordings of each gist."""
CRITICAL = ("task_type", "clarification_level", "clarification_kind", "refuse")
FIELDS = {"id", "specialty", "modality", "difficulty", "tests", "request", "data_manifest", "expected", "minimal_pairs"}
KEYS = {
    "in_scope", "refuse", "refusal_reason", "task_type", "unit_of_analysis", "classes", "positive_class", "primary_metric",
    "secondary_metrics", "operating_constraints", "decision_threshold_policy", "protected_subgroups", "confounders", "supervision",
    "priorities", "clarification_level", "clarification_needed", "clarification_kind", "clarification_questions", "must_not_assume",
    "default_if_unanswered", "required_report_caveats",
}  # fmt: skip
ASKING = {"confirm_default", "blocking"}
TAKEN_OUT = (r"'(.*?)' -> '", r"delete '(.*)'$", r"replace '(.*?)' by '")


def _rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]


def _all_rows() -> list[Any]:
    return [pytest.param(row, id=row["id"]) for name in IDS for row in _rows(name)]


@pytest.mark.parametrize("name", IDS)
def test_each_set_is_whole_and_numbered(name: str) -> None:
    assert [row["id"] for row in _rows(name)] == IDS[name]


@pytest.mark.parametrize("name", VARIANTS)
def test_the_variants_of_one_gist_have_keys_that_agree(name: str) -> None:
    keys: dict[str, list[list[Any]]] = {}
    for row in _rows(name):
        expected, gist = row["expected"], row["id"][:-1]
        primary = {name: value for name, value in (expected["primary_metric"] or {}).items() if name != "target"}
        bounds = [[item["metric"], item["op"], item["value"]] for item in expected["operating_constraints"]]
        warned = [len(expected["confounders"]), len(expected["protected_subgroups"])]
        keys.setdefault(gist, []).append([*(expected[name] for name in CRITICAL), primary, bounds, warned])
    for agreed in keys.values():
        assert agreed == [agreed[0]] * VARIANTS[name]


def test_no_request_stands_twice_in_the_sets() -> None:
    requests = [row["request"] for name in IDS for row in _rows(name)]
    assert len(set(requests)) == len(requests)


@pytest.mark.parametrize("row", _all_rows())
def test_a_row_has_every_field_and_its_questions_fit_its_level(row: dict[str, Any]) -> None:
    expected = row["expected"]
    assert set(row) == FIELDS
    assert set(expected) == KEYS
    asks = expected["clarification_level"] in ASKING
    assert expected["clarification_level"] in ASKING | {"none", "resolve_from_data"}
    assert expected["clarification_needed"] == asks == bool(expected["clarification_questions"])
    assert expected["refuse"] == (not expected["in_scope"]) == (expected["task_type"] == "none")
    group = re.fullmatch(
        r"\w+\((.+)\)", expected["positive_class"] or ""
    )  # 'urgent(CNV,DME)', as one published key has it
    named = {name.strip() for name in group[1].split(",")} if group else {expected["positive_class"]}
    assert named <= {None, *expected["classes"]}


@pytest.mark.parametrize("row", _all_rows())
def test_a_confounder_is_named_by_a_column_or_asked_about(row: dict[str, Any]) -> None:
    columns = {entry.split(" (")[0] for entry in row["data_manifest"]["metadata"]}
    kinds = row["expected"]["clarification_kind"]
    for confounder in row["expected"]["confounders"]:
        assert confounder["metadata_column"] in columns or "missing_annotation" in kinds
    for subgroup in row["expected"]["protected_subgroups"]:
        assert subgroup["attribute"] in columns or "missing_attribute" in kinds


@pytest.mark.parametrize("row", _all_rows())
def test_what_an_edit_takes_out_stands_in_the_request_once(row: dict[str, Any]) -> None:
    assert 1 <= len(row["minimal_pairs"]) <= 3
    for pair in row["minimal_pairs"]:
        assert pair["expected_change"]
        taken = [found[1] for form in TAKEN_OUT if (found := re.match(form, pair["edit"]))]
        assert [row["request"].count(words) for words in taken] == [1] * len(taken)
        assert taken or re.match(
            r"append '|swap: '|replace the request by '|(add|remove|change|delete the) ", pair["edit"]
        )
