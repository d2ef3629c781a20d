"""Every technique as an edit of the real template: alone, stacked in any order, and really trained."""

import ast
import csv
import itertools
import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import timm
import torch
from PIL import Image

from agents.playbook.catalogue import BY_NAME, TECHNIQUES
from agents.playbook.draft import Draft
from agents.playbook.reading import Reading
from agents.playbook.seams import set_field
from agents.playbook.syntax import SeamMissing

TEMPLATE = Path(__file__).resolve().parents[2] / "model_templates" / "classification"
SOURCE = {path.name: path.read_text() for path in sorted(TEMPLATE.iterdir()) if path.suffix in {".py", ".toml"}}
LOCKED = ("contract.py", "template.toml")
READING = Reading(
    orientation="any", orientation_word="dermoscopy", metric="auroc", metric_kind="ranking", score=0.9,
    class_images=(("mel", 780), ("nv", 4700)), train_images=5480, epochs=12.0, loss_first=0.6, loss_last=0.3,
    images_per_second=400.0, train_seconds=90.0, used_seconds=40.0, predict_seconds=2.0, fit=0.0, backbone="resnet10t",
    image_size=64, batch_size=64, learning_rate=1e-3, weight_decay=0.01, planned_epochs=30, source_pixels=150,
    pretrained=False, device="cpu", weights=("tf_efficientnet_lite0",), kept=frozenset(), picture="skin",
    class_costs=(("nv", 1.0), ("mel", 4.0)),
)  # fmt: skip
OPTIMISERS = {"fused_optimizer", "layer_decay", "muon", "sgd_momentum"}
"""Of these one replaces, or shuts out, another."""
RUNGS = [(technique, rung) for technique in TECHNIQUES for rung in technique.ladder(READING)]


def edited(source, technique, settings):
    draft = Draft(source, locked=LOCKED)
    technique.apply(draft, settings)
    return {**source, **draft.changed()}


def stacked(seed, source=SOURCE, length=8):
    """Return the code after random techniques in a random order, those left out that do not fit, and their names."""
    chance, names = random.Random(seed), []
    for technique, rung in chance.sample(RUNGS, length):
        try:
            source = edited(source, technique, rung.settings)
        except SeamMissing:
            continue
        names.append((technique, rung))
    return source, names


def write(source, folder):
    folder.mkdir(parents=True)
    for name, text in source.items():
        (folder / name).write_text(text)
    return folder


def complaints(folder):
    """Return what ruff has to say on basic errors, imports and layout of all the folders in a folder."""
    basic = ["check", "--isolated", "--no-cache", "-q", "--line-length", "120", "--select", "F,E9,I,PLE,B006,B023"]
    sources = ["--config", f"src={json.dumps([str(path) for path in sorted(folder.iterdir())])}"]
    layout = ["format", "--isolated", "--no-cache", "--diff", "-q", "--line-length", "120"]
    runs = [
        subprocess.run([sys.executable, "-m", "ruff", *words, str(folder)], capture_output=True, text=True, check=False)
        for words in ([*basic, *sources], layout)
    ]
    return "".join(run.stdout + run.stderr for run in runs)


def repeated(source):
    """Return imports, recipe fields and definitions that a codebase holds twice."""
    found = []
    for name, text in source.items():
        if name.endswith(".py"):
            tree = ast.parse(text)
            names = [item.name for item in tree.body if isinstance(item, ast.FunctionDef | ast.ClassDef)]
            for node in ast.walk(tree):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    names += [alias.asname or alias.name for alias in node.names]
                if isinstance(node, ast.ClassDef) and node.name == "Recipe":
                    names += [f"Recipe.{item.target.id}" for item in node.body if isinstance(item, ast.AnnAssign)]
            found += [f"{name}: {item}" for item in set(names) if names.count(item) > 1]
    return found


def test_every_technique_changes_few_lines_into_clean_code(tmp_path):
    for number, (technique, rung) in enumerate(RUNGS):
        source = edited(SOURCE, technique, rung.settings)
        changed = {name for name in SOURCE if source[name] != SOURCE[name]}
        old = {line for name in changed for line in SOURCE[name].splitlines()}
        new = [line for name in changed for line in source[name].splitlines() if line not in old]
        assert 1 <= len(new) <= 25, rung.title
        assert all(len(source[name].splitlines()) <= 130 for name in set(source) - set(SOURCE)), (
            "one idea, one short file"
        )
        assert not changed & set(LOCKED)
        write(source, tmp_path / f"{number:02}_{technique.name}")
    assert complaints(tmp_path) == ""


def test_any_stack_in_any_order_is_clean_code_without_repetition(tmp_path):
    depths = []
    for seed in range(15):
        source, names = stacked(seed)
        depths.append(len(names))
        assert repeated(source) == []
        write(source, tmp_path / f"{seed:02}")
    assert complaints(tmp_path) == ""
    assert sum(depths) / len(depths) > 6, "most techniques fit on top of others"


def test_the_order_of_edits_does_not_matter():
    for seed in range(15):
        source, names = stacked(seed, length=5)
        fields = [key for _, rung in names for key in rung.settings]
        kinds = {technique.name for technique, _ in names}
        if len(fields) == len(set(fields)) and "gradient_clipping" not in kinds and len(OPTIMISERS & kinds) < 2:
            if {"bfloat16", "warm_start"} <= kinds:
                continue  # arithmetic goes by the network, which the other changes
            again = SOURCE
            for technique, rung in reversed(names):
                again = edited(again, technique, rung.settings)
            assert again == source, [rung.title for _, rung in names]


def test_a_stronger_form_replaces_the_weaker_one():
    for technique in TECHNIQUES:
        rungs = technique.ladder(READING)
        for weak, strong in itertools.pairwise(rungs):
            climbed = edited(edited(SOURCE, technique, weak.settings), technique, strong.settings)
            assert climbed == edited(SOURCE, technique, strong.settings), strong.title


def test_the_same_edit_twice_changes_nothing():
    for technique, rung in RUNGS:
        once = edited(SOURCE, technique, rung.settings)
        assert edited(once, technique, rung.settings) == once, rung.title


def test_rewritten_code_is_left_alone_with_a_reason():
    rewritten = {
        name: "def main() -> None:\n    pass\n" if name.endswith(".py") and name not in LOCKED else text
        for name, text in SOURCE.items()
    }
    for technique, rung in RUNGS:
        with pytest.raises(SeamMissing, match=r"\w+"):
            edited(rewritten, technique, rung.settings)


def test_a_missing_or_unreadable_file_is_a_reason_too():
    cosine = BY_NAME["cosine_schedule"]
    settings = cosine.ladder(READING)[0].settings
    with pytest.raises(SeamMissing, match=r"there is no recipe\.py"):
        edited({name: text for name, text in SOURCE.items() if name != "recipe.py"}, cosine, settings)
    with pytest.raises(SeamMissing, match="does not parse"):
        edited({**SOURCE, "recipe.py": "class Recipe(:\n"}, cosine, settings)


def test_every_technique_says_what_it_is_and_on_what_it_rests():
    assert len(BY_NAME) == len(TECHNIQUES) >= 20
    for technique in TECHNIQUES:
        if technique.ladder(READING):
            assert technique.why(READING).endswith(".")
        assert technique.expected.endswith(".")
        assert any(character.isdigit() for character in technique.source), "a source has a year"
        assert set(technique.gains) == {"ranking", "decision", "calibration"}
        assert technique.opposite == "" or BY_NAME[technique.opposite].opposite == technique.name


@pytest.fixture(scope="module")
def tiny_data(tmp_path_factory):
    """Twenty-four small pictures of two classes, as train and as predict sees them."""
    folder, chance = tmp_path_factory.mktemp("data"), random.Random(0)
    for name in ("images", "masks"):
        (folder / name).mkdir()
    rows = []
    for number in range(24):
        label = "mel" if number % 4 == 0 else "nv"
        colour = (120 if label == "mel" else 200, chance.randrange(255), chance.randrange(255))
        Image.new("RGB", (48, 40), colour).save(folder / "images" / f"{number:02}.png")
        mask = Image.new("1", (48, 40))
        mask.paste(1, (10, 8, 10 + number, 20))  # the first is blank
        mask.save(folder / "masks" / f"{number:02}.png")
        detail = label if label == "mel" else f"nv {number % 2}"
        known = [str(30 + number) if number % 5 else "", ("male", "female", "")[number % 3]]
        rows.append([f"{number:02}.png", *known, label, number, detail])
    header = ["image", "input_age", "input_sex", "label", "group", "detail"]
    for name, width in (("train.csv", 6), ("images.csv", 3)):
        with (folder / name).open("w", newline="") as file:
            csv.writer(file).writerows([header[:width], *(row[:width] for row in rows)])
    task = {"classes": ["nv", "mel"], "positive": "mel", "priorities": ["mel"], "labels": {"nv": 18, "mel": 6}}
    task["inputs"] = [
        {"name": "age", "kind": "number", "values": [], "mean": 42.0, "deviation": 7.0},
        {"name": "sex", "kind": "category", "values": ["female", "male"], "mean": 0.0, "deviation": 1.0},
    ]
    (folder / "task.json").write_text(json.dumps(task))
    return folder


def train_and_predict(source, data, folder, incumbent=None):
    """Run the codebase as the harness does, and return its predictions."""
    code = write(source, folder / "code")
    for name in ("out", "cache"):
        (folder / name).mkdir()
    environment = {
        **os.environ, "ROUNDS_CODE": str(code), "ROUNDS_DATA": str(data), "ROUNDS_OUT": str(folder / "out"),
        "ROUNDS_CACHE": str(folder / "cache"), "ROUNDS_BUDGET_SECONDS": "600", "ROUNDS_SEED": "0",
        "ROUNDS_DEVICE": "cpu", "ROUNDS_MAX_CHECKPOINTS": "2", "ROUNDS_THREADS": "1",
    }  # fmt: skip
    if incumbent is not None:
        environment["ROUNDS_INCUMBENT"] = str(incumbent)
    for script in ("train.py", "predict.py"):
        done = subprocess.run(
            [sys.executable, script], cwd=code, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        environment["ROUNDS_CHECKPOINT"] = str(max((folder / "out" / "checkpoints").iterdir()))
    with (folder / "out" / "predictions.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def quick(source):
    """Return the code with a recipe that ends after a few steps."""
    draft = Draft(source)
    for field, value in (("epochs", 3), ("batch_size", 8), ("image_size", 64)):
        set_field(draft, field, value)
    return {**source, **draft.changed()}


@pytest.mark.slow
@pytest.mark.parametrize(
    "technique", [item for item in TECHNIQUES if item.ladder(READING)], ids=lambda technique: technique.name
)
def test_a_technique_alone_trains_and_predicts(technique, tiny_data, tmp_path):
    source = edited(SOURCE, technique, technique.ladder(READING)[-1].settings)
    check_predictions(train_and_predict(quick(source), tiny_data, tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_a_random_stack_trains_and_predicts(seed, tiny_data, tmp_path):
    source, names = stacked(seed, length=12)
    assert len(names) > 6
    check_predictions(train_and_predict(quick(source), tiny_data, tmp_path))


def check_predictions(rows):
    assert len(rows) == 24
    for row in rows:
        assert abs(float(row["nv"]) + float(row["mel"]) - 1) < 1e-3
    assert len({row["mel"] for row in rows}) > 1


def last_checkpoint(folder):
    return max((folder / "out" / "checkpoints").iterdir())


@pytest.mark.slow
def test_rounds_add_up_in_weights_and_in_a_committee_of_any_backbones(tiny_data, tmp_path):
    first = quick(SOURCE)
    check_predictions(train_and_predict(first, tiny_data, tmp_path / "0"))
    second = edited(edited(first, BY_NAME["incumbent_weights"], {"go_on": True}), BY_NAME["committee"], {"members": 2})
    check_predictions(train_and_predict(second, tiny_data, tmp_path / "1", incumbent=last_checkpoint(tmp_path / "0")))
    third = edited(second, BY_NAME["committee"], {"members": 3})
    third = edited(third, BY_NAME["larger_backbone"], {"backbone": "resnet14t"})
    check_predictions(train_and_predict(third, tiny_data, tmp_path / "2", incumbent=last_checkpoint(tmp_path / "1")))
    weights = [safetensors.torch.load_file(last_checkpoint(tmp_path / name)) for name in ("0", "1", "2")]
    for name, tensor in weights[0].items():
        assert torch.equal(weights[1][f"networks.0.{name}"], tensor), "the incumbent stays as it is"
        assert torch.equal(weights[2][f"networks.0.{name}"], tensor)
    trained = "networks.1.conv1.0.weight"
    assert not torch.equal(weights[1][trained], weights[0]["conv1.0.weight"])
    assert torch.equal(weights[2][trained], weights[1][trained])
    with safetensors.safe_open(last_checkpoint(tmp_path / "2"), "pt") as opened:
        seats = json.loads(opened.metadata()["facts"])["seats"]
    assert seats == [["resnet10t", 64], ["resnet10t", 64], ["resnet14t", 64]]


@pytest.mark.slow
@pytest.mark.parametrize("order", [("layer_decay", "committee"), ("committee", "layer_decay")])
def test_the_last_network_of_a_committee_learns_at_layer_wise_rates(order, tiny_data, tmp_path):
    settings = {"layer_decay": {"layer_decay": 0.0}, "committee": {"members": 2}}
    first = quick(SOURCE)
    train_and_predict(first, tiny_data, tmp_path / "0")
    second = edited(first, BY_NAME["incumbent_weights"], {"go_on": True})
    for name in order:
        second = edited(second, BY_NAME[name], settings[name])
    check_predictions(train_and_predict(second, tiny_data, tmp_path / "1", incumbent=last_checkpoint(tmp_path / "0")))
    before, after = (safetensors.torch.load_file(last_checkpoint(tmp_path / name)) for name in ("0", "1"))
    assert torch.equal(after["networks.1.conv1.0.weight"], before["conv1.0.weight"]), "a rate of 0 below the head"
    assert not torch.equal(after["networks.1.fc.weight"], before["fc.weight"])


@pytest.mark.slow
def test_a_committee_answers_with_the_mean_of_its_members(tiny_data, tmp_path):
    first = quick(SOURCE)
    train_and_predict(first, tiny_data, tmp_path / "0")
    second = edited(first, BY_NAME["committee"], {"members": 2})
    both = train_and_predict(second, tiny_data, tmp_path / "1", incumbent=last_checkpoint(tmp_path / "0"))
    state = safetensors.torch.load_file(last_checkpoint(tmp_path / "1"))
    images = torch.stack([pixels(tiny_data / "images" / row["image"]) for row in both])
    means = torch.zeros(len(both), 2)
    for seat in ("networks.0.", "networks.1."):
        network = timm.create_model("resnet10t", num_classes=2).eval()
        network.load_state_dict({name.removeprefix(seat): state[name] for name in state if name.startswith(seat)})
        with torch.inference_mode():
            means += network(images).softmax(dim=1) / 2
    expected = torch.tensor([[float(row["nv"]), float(row["mel"])] for row in both])
    torch.testing.assert_close(means, expected, atol=1e-4, rtol=0)


def pixels(file):
    """Return an image as the template shows it to a network at 64 pixels, computed apart from the template."""
    resized = Image.open(file).convert("RGB").resize((64, 64), Image.Resampling.BICUBIC)
    values = torch.from_numpy(np.array(resized)).permute(2, 0, 1) / 255
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return (values - mean.view(3, 1, 1)) / deviation.view(3, 1, 1)


def test_larger_images_need_fewer_epochs_where_rounds_go_on_from_the_incumbents_weights() -> None:
    technique = BY_NAME["larger_images"]
    slow = replace(READING, epochs=4.0, image_size=96, source_pixels=200)
    assert technique.unsuited(slow) == "only 2.2 epochs would fit into the budget"
    assert technique.unsuited(replace(slow, kept=frozenset({"incumbent_weights"}))) == ""
    assert technique.unsuited(replace(slow, epochs=2.0, kept=frozenset({"incumbent_weights"}))) != ""


@pytest.mark.parametrize("name", ["larger_backbone", "faster_backbone"])
def test_another_network_is_not_tried_where_the_rounds_have_grown_weights(name: str) -> None:
    grown = replace(READING, kept=frozenset({"incumbent_weights"}))
    assert "would fit no other network" in BY_NAME[name].unsuited(grown)
