"""Names as MLflow takes them, judged by MLflow's own rules."""

from __future__ import annotations

import pytest
from mlflow.utils import validation

from tasks.tracking_names import LONGEST_NAME, metric_name, parameters, text_of

WILD = {
    "weight (mel)": 1, "weight=mel": 2.5, "weight [mel]": "three", "x" * 400: "y" * 9_000, "": 0, "../secret": 1, "a/b": 1, ".": 1,
    "gamma": "\0\ud800", "Gamma": 2,
}  # fmt: skip


def test_settings_of_any_name_and_value_can_be_logged() -> None:
    named = parameters(WILD)
    assert len({name.casefold() for name in named}) == len(WILD)
    for name, value in named.items():
        validation._validate_param(name, value)
        assert len(value) <= 500
        value.encode()


def test_a_usual_name_stays_as_it_is() -> None:
    assert parameters({"weight_decay": 0.05, "gamma": 2.0}) == {"weight_decay": "0.05", "gamma": "2.0"}


@pytest.mark.parametrize("name", ["log/" + "x" * 900, "auroc[../x]", "ppv[a (b)=c]", "a//b", "///", "auroc[m/n]"])
def test_metrics_of_any_name_can_be_logged(name: str) -> None:
    validation._validate_metric_name(metric_name(name))
    assert len(metric_name(name)) <= LONGEST_NAME


def test_a_metric_of_a_class_lies_under_its_family() -> None:
    assert metric_name("validation/auroc[mel]") == "validation/auroc/mel"


def test_a_tag_of_any_length_can_be_logged() -> None:
    validation._validate_tag("technique", text_of("z" * 99_999))
