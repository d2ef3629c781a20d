"""A study whose request lets the model see an attribute: from the rounds through the one test to the delivered model."""

from __future__ import annotations

import dataclasses
import json

import pandas as pd
import pytest

from flows.deliver_model import Desk, write_model
from flows.evaluate_model import evaluate
from flows.improve_model import run_rounds
from tasks.delivery import predict_images, read_model
from tasks.domain.manifest import LABEL
from tasks.given_inputs import given_inputs
from tasks.report.record import EnvironmentFacts

BY_AGE = """
from contract import rows, write_predictions

ages = [(row["image"], float(row["input_age"] or 50) / 100) for row in rows("images.csv")]
write_predictions([image for image, _ in ages], [[1 - age, age] for _, age in ages])
"""


@pytest.fixture
def manifest(manifest):
    """Return pictures whose table says an age that decides, and a ward that nobody asked for."""
    ages = [
        60.0 + number % 30 if label == "bright" else 20.0 + number % 30
        for number, label in enumerate(manifest.rows[LABEL])
    ]
    wards = [f"ward {number}" for number in range(len(ages))]
    rows = manifest.rows.assign(**{"attribute.age": ages, "attribute.ward": wards})
    return dataclasses.replace(manifest, rows=rows)


@pytest.fixture
def spec(spec):
    """Return the spec with the age as an input."""
    return dataclasses.replace(spec, inputs=("age",))


@pytest.fixture
def desk(gate) -> Desk:
    """Return the desk that delivers the study."""
    environment = EnvironmentFacts(sandbox="local", isolates=False, device="cpu", versions={}, developer="script")
    return Desk(
        study=gate.study, codebase=gate.codebase, anchors=gate.anchors, environment=environment, publish=lambda: None
    )


def test_the_sealed_images_bring_the_same_inputs_as_validation_and_the_model_asks_for_them(
    workshop, edit, desk, gate, manifest
) -> None:
    rounds = run_rounds(workshop([edit("looks at the age", predict__py=BY_AGE)]))
    assert rounds[1].kept
    assert rounds[1].score == 1.0
    evaluation = evaluate(gate)
    assert evaluation.metrics["auroc"].final.value == 1.0
    assert evaluation.metrics["auroc"].initial.value < 1.0
    study = gate.study
    for folder in ("holdout/data", "data/validation"):
        assert list(pd.read_csv(study.path(folder, "images.csv")).columns) == ["image", "input_age"], folder

    write_model(desk)
    model = study.path("model")
    (age,) = read_model(model).inputs
    assert (age.name, age.kind) == ("age", "number")
    image, known, scratch = manifest.images / "images" / "p000.png", study.path("known.csv"), study.path("scratch")
    known.write_text("image,age\np000,90\n")
    for table, expected in ((known, 0.9), (None, 0.5)):
        given = given_inputs(table, [image], (age,)).columns
        found = predict_images(
            model, [image], sandbox=gate.sandbox, machine=gate.machine, scratch=scratch, inputs=given
        )
        assert found["bright"].tolist() == [expected]


def test_a_model_that_makes_no_use_of_inputs_is_delivered_as_one_of_images_alone(workshop, edit, gate, desk) -> None:
    run_rounds(workshop([edit("less noise", 2.0)]))
    evaluate(gate)
    write_model(desk)
    assert json.loads(gate.study.text("model", "model.json"))["inputs"] == []
    assert read_model(gate.study.path("model")).inputs == ()
