"""Finer labels as a second task: the loss knows their classes, and the network that is kept knows nothing of them."""

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image
from torch import nn

from agents.playbook.catalogue import BY_NAME
from agents.playbook.draft import Draft

TEMPLATE = Path(__file__).resolve().parents[2] / "model_templates" / "classification"
SOURCE = {path.name: path.read_text() for path in sorted(TEMPLATE.iterdir()) if path.suffix in {".py", ".toml"}}
NAMES = ("contract", "recipe", "data", "model", "details")


@pytest.fixture
def modules(tmp_path):
    """The files of a codebase with finer labels, imported; their names are plain, so they leave again afterwards."""
    draft = Draft(SOURCE)
    BY_NAME["fine_labels"].apply(draft, {"detail_weight": 0.5})
    for name, text in {**SOURCE, **draft.changed()}.items():
        (tmp_path / name).write_text(text)
    before = {name: sys.modules.pop(name) for name in NAMES if name in sys.modules}
    sys.path.insert(0, str(tmp_path))
    yield SimpleNamespace(**{name: __import__(name) for name in NAMES})
    sys.path.remove(str(tmp_path))
    for name in NAMES:
        sys.modules.pop(name, None)
    sys.modules.update(before)


@pytest.mark.parametrize("backbone", ["resnet10t", "convnext_atto", "efficientnet_lite0", "mobilenetv3_small_050"])
def test_finer_labels_are_learnt_beside_the_classes_and_leave_the_network_as_it_is(modules, backbone):
    recipe = replace(modules.recipe.Recipe(), backbone=backbone)
    details = torch.tensor([0, 1, 2, 3] * 4)
    labels = torch.tensor([0, 1, 0, 0] * 4)  # three kinds of the first class
    torch.manual_seed(0)
    model = modules.model.build_model(recipe, 2)
    own = set(model.state_dict())
    loss = modules.details.DetailLoss(model, nn.CrossEntropyLoss(), details, labels, recipe)
    images = torch.randn(16, 3, 32, 32)
    logits = model(images)
    plain = nn.functional.cross_entropy(logits, labels)
    finer = nn.functional.cross_entropy(loss.detail_logits, details)
    assert loss(logits, details).item() == pytest.approx((plain + 0.5 * finer).item(), rel=1e-5)
    loss(logits, details).backward()
    assert loss.head.weight.grad.abs().sum() > 0
    assert loss.detail_logits.shape == (16, 4)
    assert set(model.state_dict()) == own == set(modules.model.build_model(recipe, 2).state_dict())


def test_each_image_brings_the_finer_label_of_its_own_row(modules, tmp_path):
    data = tmp_path / "data"
    (data / "images").mkdir(parents=True)
    rows = [("0.png", "b", 0, "z"), ("1.png", "a", 1, "x"), ("2.png", "a", 2, "y"), ("3.png", "a", 3, "x")]
    for name, *_ in rows:
        Image.new("RGB", (8, 8)).save(data / "images" / name)
    lines = [",".join(map(str, row)) for row in [("image", "label", "group", "detail"), *rows]]
    (data / "train.csv").write_text("\n".join(lines) + "\n")
    found = modules.data.load_train(modules.recipe.Recipe(), ("a", "b"), data, tmp_path, 1)
    assert found.labels.tolist() == [1, 0, 0, 0]
    assert found.details.tolist() == [2, 0, 1, 0]
