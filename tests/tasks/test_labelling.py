"""Findings that can occur together become the one label that a spec of classes needs."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from tasks.domain.manifest import LABEL, Manifest
from tasks.domain.request import ColumnRoles
from tasks.domain.spec import OperatingPoint, Spec, SpecClass, Supervision
from tasks.labelling import label_for

NAN = math.nan
EFFUSION, MASS = "Effusion", "Mass"


def manifest_of(**findings: list[float]) -> Manifest:
    n = len(next(iter(findings.values())))
    columns = {"image_id": [f"{i:016x}" for i in range(n)], LABEL: "raw"} | {
        f"finding.{k}": v for k, v in findings.items()
    }
    return Manifest(
        rows=pd.DataFrame(columns), images=Path(), kind="multi_label", roles=ColumnRoles(), findings=tuple(findings)
    )


def spec_of(*classes: tuple[str, ...], uncertain: str = "") -> Spec:
    return Spec(
        task="binary_classification",
        classes=tuple(SpecClass(name=f"class {i}", labels=labels, description="") for i, labels in enumerate(classes)),
        positive="class 1", priorities=(), primary="auroc", secondary=(),
        operating_point=OperatingPoint(fixed="youden", at_least=NAN, positive="class 1"),
        supervision=Supervision(uncertain=uncertain),
    )  # fmt: skip


def test_one_finding_is_told_from_its_absence_and_what_is_not_known_is_left_out():
    data = manifest_of(Effusion=[1, 0, NAN, -1], Mass=[1, 1, 1, 1])
    labelled = label_for(data, spec_of(("no Effusion",), (EFFUSION,)))
    assert labelled.rows[LABEL].tolist() == [EFFUSION, "no Effusion"]
    assert labelled.rows["image_id"].tolist() == [f"{0:016x}", f"{1:016x}"]
    assert labelled.notes == (
        "2 images are left out: what the model looks for is neither known to be shown nor known to be absent.",
    )


@pytest.mark.parametrize(
    ("policy", "labels"),
    [("positive", [EFFUSION, EFFUSION]), ("negative", [EFFUSION, "no Effusion"]), ("unknown", [EFFUSION])],
)
def test_an_uncertain_finding_counts_as_the_policy_says(policy, labels):
    data = manifest_of(Effusion=[1, -1])
    assert label_for(data, spec_of(("no Effusion",), (EFFUSION,), uncertain=policy)).rows[LABEL].tolist() == labels
    assert label_for(data, spec_of(("no Effusion",), (EFFUSION,)), uncertain=policy).rows[LABEL].tolist() == labels


def test_any_of_several_findings_is_present_if_one_is_and_absent_only_if_all_are():
    data = manifest_of(Effusion=[1, 0, 0, 0], Mass=[NAN, 1, 0, NAN])
    labelled = label_for(data, spec_of(("no Effusion", "no Mass"), (EFFUSION, MASS)))
    assert labelled.rows[LABEL].tolist() == [EFFUSION, MASS, "no Effusion"]


def test_images_with_findings_of_two_classes_are_left_out_of_telling_them_apart():
    data = manifest_of(Effusion=[1, 0, 1, 0], Mass=[0, 1, 1, 0])
    labelled = label_for(data, spec_of((EFFUSION,), (MASS,)))
    assert labelled.rows[LABEL].tolist() == [EFFUSION, MASS]
    assert labelled.notes == (
        "1 image is left out: findings of more than one class are shown.",
        "1 image is left out: none of the findings that are told apart is shown.",
    )


def test_labels_that_exclude_each_other_stay_as_they_are():
    data = Manifest(rows=pd.DataFrame({LABEL: ["a", "b"]}), images=Path(), kind="table", roles=ColumnRoles())
    assert label_for(data, spec_of(("a",), ("b",))) is data
