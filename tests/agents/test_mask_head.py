"""The auxiliary mask head: masks go where their pictures go, and the network that is kept knows nothing of it."""

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from agents.playbook.catalogue import BY_NAME, TECHNIQUES
from agents.playbook.draft import Draft
from agents.playbook.reading import Reading
from agents.playbook.syntax import SeamMissing

TEMPLATE = Path(__file__).resolve().parents[2] / "model_templates" / "classification"
SOURCE = {path.name: path.read_text() for path in sorted(TEMPLATE.iterdir()) if path.suffix in {".py", ".toml"}}
READING = Reading(
    orientation="any", orientation_word="dermoscopy", metric="auroc", metric_kind="ranking", score=0.9,
    class_images=(("mel", 780), ("nv", 4700)), train_images=5480, epochs=12.0, loss_first=0.6, loss_last=0.3,
    images_per_second=400.0, train_seconds=90.0, used_seconds=40.0, predict_seconds=2.0, fit=0.0, backbone="resnet10t",
    image_size=64, batch_size=64, learning_rate=1e-3, weight_decay=0.01, planned_epochs=30, source_pixels=150,
    pretrained=False, device="cpu", weights=None, kept=frozenset(), masks=True,
)  # fmt: skip
MASK_HEAD = BY_NAME["mask_head"]


def edited(source, technique, settings):
    draft = Draft(source)
    technique.apply(draft, settings)
    return {**source, **draft.changed()}


def with_masks():
    return edited(SOURCE, MASK_HEAD, {"mask_weight": 0.5})


@pytest.fixture
def modules_of(tmp_path):
    """Return how the files of a codebase are imported; their names are plain, so they leave again afterwards."""
    names = ("contract", "recipe", "data", "model", "loss", "masks")
    before = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    places = []

    def load(source):
        place = tmp_path / f"code-{len(places)}"
        place.mkdir()
        for name, text in source.items():
            (place / name).write_text(text)
        places.append(str(place))
        sys.path.insert(0, places[-1])
        for name in names:
            sys.modules.pop(name, None)
        return SimpleNamespace(**{name: __import__(name) for name in names})

    yield load
    torch.set_num_threads(threads)
    for place in places:
        sys.path.remove(place)
    for name in names:
        sys.modules.pop(name, None)
    sys.modules.update(before)


def discs(number=32, size=64):
    """Return pictures (B, 3, S, S) of a bright disc that is in no way symmetric, and its masks (B, 1, S, S), as bytes."""
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    chance = torch.Generator().manual_seed(0)
    centres = torch.rand(number, 2, generator=chance) * 0.2 + torch.tensor([0.2, 0.35])
    distances = (
        (rows - size * centres[:, 0].view(-1, 1, 1)) ** 2 + (columns - size * centres[:, 1].view(-1, 1, 1)) ** 2
    ).sqrt()
    masks = (distances < size / 6).unsqueeze(1)
    return torch.where(masks, 220, 40).expand(-1, 3, -1, -1).to(torch.uint8), masks.to(torch.uint8) * 255


def agreement(batch):
    """Return the correlation of what a picture shows with its mask, shape (B,), and the masks (B, S, S)."""
    shown, masks = batch[:, :3].mean(1), batch[:, 3]
    pairs = torch.stack([shown.flatten(1), masks.flatten(1)], dim=1)
    return torch.stack([torch.corrcoef(pair)[0, 1] for pair in pairs]), masks


def augmented():
    """Return codebases with the mask head and an augmentation, and one with all of them, by name."""
    found, everything = {}, with_masks()
    for technique in TECHNIQUES:
        for rung in technique.ladder(READING)[-1:]:
            try:
                source = edited(with_masks(), technique, rung.settings)
                stack = edited(everything, technique, rung.settings)
            except SeamMissing:
                continue
            if source["data.py"].split("def epoch_order")[0] != with_masks()["data.py"].split("def epoch_order")[0]:
                found[technique.name], everything = source, stack
    return {**found, "all of them": everything}


def test_masks_move_with_their_pictures_under_every_augmentation(modules_of):
    images, masks = discs()
    codebases = augmented()
    assert set(codebases) >= {"flips_and_turns", "random_zoom", "colour_jitter", "random_erasing"}
    for name, source in codebases.items():
        modules = modules_of(source)
        torch.manual_seed(0)
        batch = modules.data.train_transform(modules.recipe.Recipe())(torch.cat([images, masks], dim=1))
        assert batch.dtype == torch.float32
        together, moved = agreement(batch)
        assert together.median() > 0.8, f"{name}: {together}"
        assert moved.min() == 0, name
        assert moved.max() == pytest.approx(255, abs=1), f"{name} changes the values of masks"
    apart, _ = agreement(torch.cat([images.float(), masks.flip(2).float()], dim=1))
    assert apart.max() < 0.5, "a mask that is not turned with its picture would be seen"


def test_validation_is_prepared_as_it_is_without_masks(modules_of):
    images, _ = discs(4)
    modules = modules_of(with_masks())
    recipe = modules.recipe.Recipe()
    found = modules.data.evaluation_transform(recipe)(images)
    assert found.shape == images.shape
    assert "masks" not in SOURCE["predict.py"]
    assert with_masks()["predict.py"] == SOURCE["predict.py"]


@pytest.mark.parametrize("backbone", ["resnet10t", "convnext_atto", "efficientnet_lite0"])
def test_the_head_learns_to_outline_and_the_network_keeps_its_own_weights_alone(modules_of, backbone):
    modules = modules_of(with_masks())
    recipe = replace(modules.recipe.Recipe(), backbone=backbone, mask_weight=1.0)
    torch.manual_seed(0)
    model = modules.model.build_model(recipe, 2)
    own = set(model.state_dict())
    loss = modules.masks.MaskLoss(model, nn.CrossEntropyLoss(), recipe)
    optimizer = torch.optim.AdamW([*model.parameters(), *loss.head.parameters()], lr=1e-2)
    transform = modules.data.train_transform(recipe)
    images, masks = discs(16)
    labels, losses = torch.arange(16) % 2, []
    for _ in range(30):
        turned = torch.randint(0, 4, ()).item()
        batch = transform(modules.masks.with_masks(images, masks).rot90(turned, (2, 3)))
        optimizer.zero_grad()
        total = loss(model(batch), labels)
        total.backward()
        optimizer.step()
        losses.append(loss.mask_loss.item())
    assert sum(losses[-3:]) < 0.6 * sum(losses[:3]), losses
    assert set(model.state_dict()) == own == set(modules.model.build_model(recipe, 2).state_dict())


def test_images_without_a_mask_teach_no_outlines(modules_of):
    modules = modules_of(with_masks())
    recipe = modules.recipe.Recipe()
    model = modules.model.build_model(recipe, 2)
    loss = modules.masks.MaskLoss(model, nn.CrossEntropyLoss(), recipe)
    transform, (images, masks) = modules.data.train_transform(recipe), discs(8)
    labels = torch.arange(8) % 2
    blank = transform(modules.masks.with_masks(images, torch.zeros_like(masks)))
    logits = model(blank)
    assert loss(logits, labels).item() == pytest.approx(nn.functional.cross_entropy(logits, labels).item())
    model.eval()  # so that images do not change each other's features
    half = masks.clone()
    half[4:] = 0
    model(transform(modules.masks.with_masks(images[:4], masks[:4])))
    known = loss.mask_loss.item()
    model(transform(modules.masks.with_masks(images, half)))
    assert loss.mask_loss.item() == pytest.approx(known, rel=1e-5)


def test_masks_are_used_where_the_data_have_them_and_only_there():
    assert MASK_HEAD.unsuited(READING) == ""
    assert MASK_HEAD.unsuited(replace(READING, masks=False)) == "the data have no masks"
    assert "vit_tiny" in MASK_HEAD.unsuited(replace(READING, backbone="vit_tiny_patch16_224"))
    assert "small" in MASK_HEAD.unsuited(replace(READING, image_size=24))
