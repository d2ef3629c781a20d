"""The model as MLflow serves it: the delivered predict program, on paths or on paths with what is known of each image."""

import json
import runpy
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*Any type hint is inferred:UserWarning"
)  # MLflow says so of its own code

SERVED = Path(__file__).resolve().parents[2] / "model_templates" / "served_model.py"
PREDICT = """
import csv, os, pathlib
data, out = pathlib.Path(os.environ["ROUNDS_DATA"]), pathlib.Path(os.environ["ROUNDS_OUT"])
lines = ["image,nv,mel"]
for row in csv.DictReader((data / "images.csv").open()):
    risk = float(row.get("input_age") or 50) / 200 + (0.25 if row.get("input_sex") == "male" else 0)
    lines.append(f"{row['image']},{1 - risk},{risk}")
(out / "predictions.csv").write_text("\\n".join(lines) + "\\n")
"""
INPUTS = [
    {"name": "age", "kind": "number", "values": []},
    {"name": "sex", "kind": "category", "values": ["female", "male"]},
]
TRUSTED = {"agent": "playbook", "trusted_code": True}


@pytest.fixture
def served(tmp_path):
    """Return what serves a model with the given inputs."""

    def load(inputs, card_of_code=TRUSTED):
        model = tmp_path / "model"
        (model / "code").mkdir(parents=True)
        (model / "code" / "predict.py").write_text(PREDICT)
        card = {"classes": ["nv", "mel"], "positive": "mel", "threshold": 0.4, **card_of_code}
        (model / "model.json").write_text(json.dumps(card if inputs is None else {**card, "inputs": inputs}))
        found = runpy.run_path(str(SERVED))["DeliveredModel"]()
        found.load_context(SimpleNamespace(artifacts={"model": str(model)}))
        return found

    (tmp_path / "a.png").write_bytes(b"picture")
    return load


def test_what_is_known_of_an_image_comes_with_its_path_and_may_be_missing(served, tmp_path):
    path = str(tmp_path / "a.png")
    asked = [
        path,
        *(
            json.dumps({"image": path, **known})
            for known in ({"age": 60, "sex": "male"}, {"age": None}, {"sex": "male"})
        ),
    ]
    table = served(INPUTS).predict(None, asked)
    assert table["file"].tolist() == [path] * 4
    assert table["mel"].tolist() == pytest.approx([0.25, 0.55, 0.25, 0.5])
    assert table["is_mel"].tolist() == [False, True, False, True]


@pytest.mark.parametrize(
    ("known", "problem"),
    [
        ({"weight": 70}, "image, age, sex; not as weight"),
        ({"sex": "m"}, "sex is one of female, male, or null; not 'm'"),
        ({"age": "old"}, "could not convert"),
    ],
)
def test_what_the_model_does_not_know_is_refused_in_words(served, tmp_path, known, problem):
    with pytest.raises(ValueError, match=problem):
        served(INPUTS).predict(None, [json.dumps({"image": str(tmp_path / "a.png"), **known})])


@pytest.mark.parametrize("inputs", [None, []])
def test_a_model_of_images_alone_takes_paths(served, tmp_path, inputs):
    assert served(inputs).predict(None, [str(tmp_path / "a.png")])["mel"].tolist() == [0.25]


@pytest.mark.parametrize("card", [{"agent": "claude", "trusted_code": False}, {}, {"trusted_code": "yes"}])
def test_a_model_whose_code_rounds_does_not_ship_is_served_only_if_the_operator_says_so(
    served, tmp_path, monkeypatch, card
):
    monkeypatch.delenv("ROUNDS_SERVE_UNTRUSTED", raising=False)
    with pytest.raises(PermissionError, match=r"not shipped with Rounds .* ROUNDS_SERVE_UNTRUSTED=1"):
        served(None, card)
    shutil.rmtree(tmp_path / "model")
    monkeypatch.setenv("ROUNDS_SERVE_UNTRUSTED", "1")
    assert served(None, card).predict(None, [str(tmp_path / "a.png")])["mel"].tolist() == [0.25]
