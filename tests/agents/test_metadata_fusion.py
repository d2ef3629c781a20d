"""Inputs beside the image: what they are to the network, and what a model makes of them that cannot see the answer."""

import csv
import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import safetensors.torch
import torch
from PIL import Image

from agents.playbook.catalogue import BY_NAME, TECHNIQUES
from agents.playbook.developer import PlaybookDeveloper
from agents.playbook.draft import Draft
from agents.playbook.reading import Reading, read
from agents.playbook.seams import set_field
from agents.playbook.syntax import SeamMissing

TEMPLATE = Path(__file__).resolve().parents[2] / "model_templates" / "classification"
SOURCE = {path.name: path.read_text() for path in sorted(TEMPLATE.iterdir()) if path.suffix in {".py", ".toml"}}
LOCKED = ("contract.py", "template.toml")
NAMES = ("contract", "recipe", "data", "model", "fusion")
READING = Reading(
    orientation="any", orientation_word="dermoscopy", metric="auroc", metric_kind="ranking", score=0.9,
    class_images=(("mel", 780), ("nv", 4700)), train_images=5480, epochs=12.0, loss_first=0.6, loss_last=0.3,
    images_per_second=400.0, train_seconds=90.0, used_seconds=40.0, predict_seconds=2.0, fit=0.0, backbone="resnet10t",
    image_size=64, batch_size=64, learning_rate=1e-3, weight_decay=0.01, planned_epochs=30, source_pixels=150,
    pretrained=False, device="cpu", weights=("tf_efficientnet_lite0",), kept=frozenset(), picture="skin",
    inputs=("age", "sex"),
)  # fmt: skip
INPUTS = [
    {"name": "age", "kind": "number", "values": [], "mean": 50.0, "deviation": 10.0},
    {"name": "sex", "kind": "category", "values": ["female", "male"], "mean": 0.0, "deviation": 1.0},
]
FUSION = BY_NAME["metadata_fusion"]
NOTHING = {"input_age": "", "input_sex": ""}


def edited(source, *steps):
    draft = Draft(source, locked=LOCKED)
    for technique, settings in steps:
        technique.apply(draft, settings)
    return {**source, **draft.changed()}


def fused(part=0.3):
    return edited(SOURCE, (FUSION, {"input_dropout": part}))


@pytest.fixture
def modules(tmp_path):
    """The files of a codebase with inputs, imported; their names are plain, so they leave again afterwards."""
    for name, text in fused().items():
        (tmp_path / name).write_text(text)
    before = {name: sys.modules.pop(name) for name in NAMES if name in sys.modules}
    sys.path.insert(0, str(tmp_path))
    yield SimpleNamespace(**{name: __import__(name) for name in NAMES})
    sys.path.remove(str(tmp_path))
    for name in NAMES:
        sys.modules.pop(name, None)
    sys.modules.update(before)


def test_a_vector_says_how_far_a_number_lies_from_the_mean_and_nothing_of_what_is_not_known(modules):
    vector_of = modules.fusion.vector_of
    assert vector_of({"input_age": "65", "input_sex": "male"}, INPUTS) == [1.5, 1.0, 0.0, 1.0]
    assert vector_of({"input_age": "50", "input_sex": ""}, INPUTS) == [0.0, 1.0, 0.0, 0.0], "the mean is no missing age"
    assert vector_of({"input_age": "999", "input_sex": "female"}, INPUTS) == [5.0, 1.0, 1.0, 0.0]
    unknown = [{**NOTHING, "input_sex": "diverse"}, NOTHING, {}]
    assert [vector_of(row, INPUTS) for row in unknown] == [[0.0] * 4] * 3


@pytest.mark.parametrize("backbone", ["resnet10t", "convnext_atto", "efficientnet_lite0", "mobilenetv3_small_050"])
def test_a_network_begins_as_it_was_and_learns_to_go_by_its_inputs(modules, backbone):
    recipe = replace(modules.recipe.Recipe(), backbone=backbone, input_dropout=0.0)
    torch.manual_seed(0)
    model = modules.model.build_model(recipe, 2).eval()
    images, vectors = torch.randn(6, 3, 32, 32), torch.tensor([[1.0, 1.0, 0.0, 1.0], [0.0] * 4] * 3)
    plain = model(images)
    modules.fusion.add_fusion(model, INPUTS, recipe)
    model.eval()
    model.fusion.take(vectors)
    torch.testing.assert_close(model(images), plain)
    for layer in (model.fusion.change, model.get_classifier()):
        torch.nn.init.normal_(layer.weight)
    answers = model(images)
    model.fusion.take(torch.zeros_like(vectors))
    changed = (answers - model(images)).abs()
    assert changed[0::2].min() > 1e-3, "of images that bring inputs"
    assert changed[1::2].max() == 0, "of images that bring none"
    model.train()
    model.fusion.take(vectors)
    loss = model(images).sum()
    loss.backward()
    assert model.fusion.hidden.weight.grad.abs().sum() > 0


def test_training_leaves_all_inputs_of_some_images_out_and_prediction_none(modules):
    torch.manual_seed(0)
    fusion = modules.fusion.Fusion(INPUTS, 8, replace(modules.recipe.Recipe(), input_dropout=0.3))
    vectors = torch.ones(2000, 4)
    fusion.train()
    fusion.take(vectors)
    rows = fusion.vectors.sum(1)
    assert set(rows.tolist()) == {0.0, 4.0}, "a vector goes as a whole"
    assert (rows == 0).float().mean().item() == pytest.approx(0.3, abs=0.04)
    fusion.eval()
    fusion.take(vectors)
    assert torch.equal(fusion.vectors, vectors)


def test_pretrained_weights_know_nothing_of_inputs_and_fit_all_the_same(modules, tmp_path):
    recipe = modules.recipe.Recipe()
    model = modules.model.build_model(recipe, 2)
    weights = {name: torch.full_like(tensor, 0.5) for name, tensor in model.state_dict().items()}
    (tmp_path / "weights").mkdir()
    safetensors.torch.save_file(weights, tmp_path / "weights" / f"{recipe.backbone}.safetensors")
    modules.fusion.add_fusion(model, INPUTS, recipe)
    modules.model.load_pretrained(model, recipe, tmp_path / "weights")
    assert model.conv1[0].weight.eq(0.5).all()
    assert model.fusion.change.weight.eq(0).all()


def test_it_is_tried_where_the_request_allows_inputs_and_only_there():
    assert FUSION.unsuited(READING) == ""
    assert "age, sex" in FUSION.why(READING)
    assert FUSION.unsuited(replace(READING, inputs=())) == "the request allows no other inputs than the images"
    for name in ("mixup", "cutmix", "committee"):
        assert "images alone" in FUSION.unsuited(replace(READING, kept=frozenset({name})))


def test_a_study_with_inputs_opens_with_them_and_one_without_never_does(new_briefing):
    plain = new_briefing()
    allowed = replace(plain, spec=replace(plain.spec, inputs=("age", "sex")))
    assert read(allowed).inputs == ("age", "sex")
    assert read(plain).inputs == ()
    first = PlaybookDeveloper().propose(allowed)
    assert "metadata_fusion" in first.hypothesis.technique.split("+")
    assert "fusion.py" in first.files
    assert "metadata_fusion" not in PlaybookDeveloper().propose(plain).hypothesis.technique


def test_with_every_other_technique_it_gives_one_code_in_either_order_or_none():
    refused = set()
    fusion = (FUSION, {"input_dropout": 0.2})
    for technique in TECHNIQUES:
        for rung in technique.ladder(READING)[:1]:
            other, orders = (technique, rung.settings), []
            for steps in ((fusion, other), (other, fusion)):
                try:
                    orders.append(edited(SOURCE, *steps))
                except SeamMissing:
                    refused.add(technique.name)
                    orders.append(None)
            assert orders[0] == orders[1], technique.name
    assert refused == {"mixup", "cutmix", "committee"}


def test_a_network_that_is_shown_nothing_learns_from_the_inputs_of_the_batch_at_hand(modules):
    torch.manual_seed(0)
    recipe = replace(modules.recipe.Recipe(), input_dropout=0.2)
    model = modules.model.build_model(recipe, 2)
    modules.fusion.add_fusion(model, INPUTS, recipe)
    age, male = torch.randn(64), torch.arange(64) % 2
    labels = ((age > 0) == (male == 1)).long()  # neither says anything alone
    vectors = torch.stack([age, torch.ones(64), 1.0 - male, male.float()], dim=1)
    images, optimizer = torch.randn(1, 3, 32, 32).expand(64, -1, -1, -1), torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(60):
        model.fusion.take(vectors)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
    model.eval()
    model.fusion.take(vectors)
    right = (model(images).argmax(1) == labels).float().mean()
    assert right > 0.85
    model.fusion.take(vectors[:, [0, 1, 3, 2]])  # every woman a man
    assert (model(images).argmax(1) == labels).float().mean() < 0.3


def write_data(folder, size=96):
    """Lay out four pictures over and over whose class depends on age and sex alone, so that no picture can be learnt by heart."""
    (folder / "images").mkdir(parents=True)
    chance, rows = random.Random(0), []
    for number in range(size):
        picture = Image.new("RGB", (32, 32), (90, 90, 90))
        picture.paste((200, 180, 40), (4, 4, 8 + 6 * (number % 4), 20))
        picture.save(folder / "images" / f"{number:02}.png")
        age, sex = chance.randrange(20, 80), chance.choice(["female", "male"])
        label = "mel" if (age > 50) == (sex == "male") else "nv"  # neither says anything alone
        rows.append(
            {"image": f"{number:02}.png", "input_age": str(age), "input_sex": sex, "label": label, "group": number}
        )
    write_table(folder / "train.csv", rows)
    task = {"classes": ["nv", "mel"], "positive": "mel", "priorities": [], "labels": {}, "inputs": INPUTS}
    (folder / "task.json").write_text(json.dumps(task))
    return rows


def write_table(file, rows):
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def run(script, code, data, out, **variables):
    environment = {
        **os.environ, "ROUNDS_DATA": str(data), "ROUNDS_OUT": str(out), "ROUNDS_CACHE": str(out), "ROUNDS_SEED": "0",
        "ROUNDS_BUDGET_SECONDS": "600", "ROUNDS_DEVICE": "cpu", "ROUNDS_MAX_CHECKPOINTS": "1", "ROUNDS_THREADS": "1", **variables,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, script], cwd=code, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def area(rows, scores):
    """Return the AUC of scores for the class mel."""
    positive, negative = (
        [s for row, s in zip(rows, scores, strict=True) if row["label"] == name] for name in ("mel", "nv")
    )
    return sum((p > n) + 0.5 * (p == n) for p in positive for n in negative) / (len(positive) * len(negative))


@pytest.fixture
def predict(tmp_path):
    """Return what trains a codebase on the pictures of noise, and then predicts them with any inputs."""

    def trained(source, epochs):
        folder = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
        rows = write_data(folder / "data")
        draft = Draft(source)
        for field, value in (("epochs", epochs), ("batch_size", 16), ("image_size", 32), ("learning_rate", 3e-3)):
            set_field(draft, field, value)
        code, out = folder / "code", folder / "out"
        for place in (code, out):
            place.mkdir()
        for name, text in {**source, **draft.changed()}.items():
            (code / name).write_text(text)
        run("train.py", code, folder / "data", out)
        (checkpoint,) = (out / "checkpoints").iterdir()

        def scores(change=lambda row: row):
            asked = [{name: row[name] for name in ("image", "input_age", "input_sex")} for row in map(change, rows)]
            write_table(folder / "data" / "images.csv", asked)
            run("predict.py", code, folder / "data", out, ROUNDS_CHECKPOINT=str(checkpoint))
            with (out / "predictions.csv").open(newline="") as file:
                return [float(row["mel"]) for row in csv.DictReader(file)]

        return rows, scores

    return trained


@pytest.mark.slow
def test_what_no_picture_shows_is_learnt_from_the_inputs_and_answers_change_with_them(predict):
    rows, scores = predict(fused(), epochs=40)
    usual = scores()
    assert area(rows, usual) > 0.9
    other = {"male": "female", "female": "male"}
    assert area(rows, scores(lambda row: {**row, "input_sex": other[row["input_sex"]]})) < 0.2
    missing = scores(lambda row: {**row, **NOTHING})
    assert all(0 <= score <= 1 for score in missing), "missing inputs stop nothing"
    assert area(rows, missing) == pytest.approx(0.5, abs=0.15), "the pictures alone say nothing"


@pytest.mark.slow
def test_it_learns_beside_other_techniques(predict):
    others = ("layer_decay", "weight_averaging", "test_time_views", "progressive_sizes")
    steps = [(BY_NAME[name], BY_NAME[name].ladder(READING)[0].settings) for name in others]
    rows, scores = predict(edited(fused(), *steps), epochs=40)
    assert area(rows, scores()) > 0.8
