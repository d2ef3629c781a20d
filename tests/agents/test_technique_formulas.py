"""The formulas that techniques write into a codebase, against the publications, by hand or done slowly."""

import ast
import contextlib
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from timm.loss import AsymmetricLossSingleLabel
from timm.optim import Muon, param_groups_layer_decay
from torch import Tensor, nn
from torch.nn import functional
from torchvision.transforms import v2

from agents.playbook.catalogue import BY_NAME
from agents.playbook.draft import Draft
from agents.playbook.reading import Reading, class_costs, picture_of
from agents.playbook.syntax import SeamMissing
from tasks.domain.spec import Cost, Grounding, OperatingPoint, Spec, SpecClass

TEMPLATE = Path(__file__).resolve().parents[2] / "model_templates" / "classification"
SOURCE = {path.name: path.read_text() for path in sorted(TEMPLATE.iterdir()) if path.suffix in {".py", ".toml"}}
READING = Reading(
    orientation="any", orientation_word="dermoscopy", metric="auroc", metric_kind="ranking", score=0.9,
    class_images=(("mel", 780), ("nv", 4700)), train_images=5480, epochs=12.0, loss_first=0.6, loss_last=0.3,
    images_per_second=400.0, train_seconds=90.0, used_seconds=40.0, predict_seconds=2.0, fit=0.0, backbone="resnet10t",
    image_size=64, batch_size=64, learning_rate=1e-3, weight_decay=0.01, planned_epochs=30, source_pixels=150,
    pretrained=False, device="cpu", weights=None, kept=frozenset(), picture="skin",
    class_costs=(("nv", 1.0), ("mel", 4.0)),
)  # fmt: skip
NAMES = {
    "np": np, "torch": torch, "nn": nn, "functional": functional, "v2": v2, "math": math, "Tensor": Tensor,
    "Callable": Callable, "Recipe": object, "timm": timm, "AsymmetricLossSingleLabel": AsymmetricLossSingleLabel,
    "contract": SimpleNamespace(autocast=lambda device: contextlib.nullcontext()),
}  # fmt: skip


def edited(name, rung=0, source=SOURCE, reading=READING):
    """Return the template after one technique."""
    draft, technique = Draft(source), BY_NAME[name]
    technique.apply(draft, technique.ladder(reading)[rung].settings)
    return {**source, **draft.changed()}


def defined(source, file, *names, **others):
    """Return what a file of the codebase defines under these names."""
    tree = ast.parse(source[file])
    tree.body = [node for node in tree.body if getattr(node, "name", "") in names]
    scope = {**NAMES, **others}
    exec(compile(tree, file, "exec"), scope)  # noqa: S102, the template is ours
    found = [scope[name] for name in names]
    return found[0] if len(found) == 1 else found


def test_margins_fall_with_the_fourth_root_of_a_class_and_are_taken_from_the_true_class_alone():
    margins = defined(edited("ldam_loss"), "loss.py", "WithMargins")
    counts = torch.tensor([10_000.0, 16.0, 81.0])
    loss = margins(nn.CrossEntropyLoss(), counts, largest=2.0)
    torch.testing.assert_close(loss.margins, torch.tensor([0.4, 2.0, 4 / 3]))
    logits = torch.tensor([[0.5, 1.5, -0.2]])
    z, lowered = [math.exp(value) for value in (0.5, 1.5, -0.2)], math.exp(1.5 - 2.0)
    assert loss(logits, torch.tensor([1])).item() == pytest.approx(-math.log(lowered / (z[0] + lowered + z[2])))


def test_the_asymmetric_loss_lets_go_of_unlikely_classes():
    build_loss = defined(edited("asymmetric_loss", rung=1), "loss.py", "build_loss")
    loss = build_loss(SimpleNamespace(gamma_true=1.0, gamma_others=4.0), torch.ones(3))
    logits = torch.tensor([[2.0, 1.0, -3.0]])
    p = logits.softmax(1)[0].tolist()
    smooth = 0.1 / 3
    by_hand = -(1 - 0.1 + smooth) * (1 - p[0]) ** 1 * math.log(p[0])
    by_hand += sum(-smooth * p[i] ** 4 * math.log(p[i]) for i in (1, 2))
    assert loss(logits, torch.tensor([0])).item() == pytest.approx(by_hand, rel=1e-5)


def new_spec(words="", **fields):
    point = OperatingPoint(fixed="youden", at_least=math.nan, positive="mel")
    return Spec(
        task="multiclass_classification",
        classes=tuple(SpecClass(name=name, labels=(name,), description="") for name in ("nv", "bkl", "mel")),
        positive="", primary="auroc", secondary=(), operating_point=point, **{"priorities": (), **fields},
        grounding=(Grounding(field="task", source="request", words=words),),
    )  # fmt: skip


def test_a_missed_class_costs_the_mean_of_what_it_may_be_called():
    assert class_costs(new_spec()) == ()
    assert class_costs(new_spec(priorities=("mel",))) == (("nv", 1.0), ("bkl", 1.0), ("mel", 4.0))
    weights = {"nv": (1, 1), "bkl": (2, 4), "mel": (10, 20)}
    costs = tuple(
        Cost(true=true, called=called, weight=weight)
        for true, pair in weights.items()
        for called, weight in zip((name for name in weights if name != true), pair, strict=True)
    )
    assert class_costs(new_spec(costs=costs, priorities=("bkl",))) == (("nv", 1.0), ("bkl", 3.0), ("mel", 15.0))


def test_costs_weigh_in_the_loss_by_their_power():
    build_loss, _ = defined(edited("priority_costs"), "loss.py", "build_loss", "cost_weights")
    loss = build_loss(SimpleNamespace(class_costs=[1.0, 4.0], cost_power=0.5), torch.ones(2))
    logits, labels = torch.tensor([[0.3, 0.1], [1.0, -1.0]]), torch.tensor([0, 1])
    each = functional.cross_entropy(logits, labels, reduction="none")
    assert loss(logits, labels).item() == pytest.approx(((each[0] + 2 * each[1]) / 3).item())
    assert "class_costs: tuple = (1.0, 4.0)" in edited("priority_costs")["recipe.py"]


def test_without_priorities_no_class_is_weighed_above_another():
    even = replace(READING, class_costs=())
    assert BY_NAME["priority_costs"].unsuited(even) == "the request puts no class before another"
    assert BY_NAME["priority_costs"].ladder(even) == ()


def test_a_colour_cast_is_taken_out():
    without_cast = defined(edited("colour_constancy"), "data.py", "without_cast")
    grey = np.random.default_rng(0).integers(20, 200, (32, 32, 1)).repeat(3, 2)
    yellow = np.uint8(grey * [1.0, 0.9, 0.6])
    assert np.ptp(yellow.astype(int), axis=2).max() > 70
    assert np.ptp(without_cast(yellow).astype(int), axis=2).max() <= 3, "what rounding to bytes left"
    np.testing.assert_array_equal(without_cast(np.uint8(grey)), grey, err_msg="white light changes nothing")
    assert without_cast(np.zeros((8, 8, 3), np.uint8)).max() == 0


def slow_even_contrast(image, tiles, limit):
    """Return the same as `even_contrast` for a grey picture (S, S), pixel by pixel and tile by tile."""
    size, curves = len(image), {}
    for row in range(tiles):
        for column in range(tiles):
            rows = [y for y in range(size) if y * tiles // size == row]
            columns = [x for x in range(size) if x * tiles // size == column]
            values = [int(image[y, x]) for y in rows for x in columns]
            parts = [min(values.count(grey) / len(values), limit / 256) for grey in range(256)]
            spread = (1 - sum(parts)) / 256
            curves[row, column] = [255 * (sum(parts[: grey + 1]) + (grey + 1) * spread) for grey in range(256)]
    evened = np.zeros((size, size))
    for y in range(size):
        for x in range(size):
            down, right = (min(max((at + 0.5) * tiles / size - 0.5, 0), tiles - 1) for at in (y, x))
            for row in range(tiles):
                for column in range(tiles):
                    share = max(0, 1 - abs(row - down)) * max(0, 1 - abs(column - right))
                    evened[y, x] += share * curves[row, column][image[y, x]]
    return evened


@pytest.mark.parametrize("size", [24, 30])
def test_local_contrast_is_that_of_the_slow_way(size):
    even_contrast = defined(edited("local_contrast"), "data.py", "even_contrast")
    y, x = np.mgrid[:size, :size]
    film = np.uint8(60 + 2 * x + 20 * np.sin(y / 3) + np.random.default_rng(0).integers(0, 10, (size, size)))
    fast = even_contrast(film[..., None].repeat(3, 2))
    assert (fast[..., 0] == fast[..., 2]).all()
    assert np.abs(fast[..., 0] - slow_even_contrast(film, tiles=4, limit=3.0)).max() <= 0.5 + 1e-6
    assert fast.std() > 1.2 * film.std()


def test_a_flat_picture_gets_no_contrast_from_nothing():
    even_contrast = defined(edited("local_contrast"), "data.py", "even_contrast")
    assert np.ptp(even_contrast(np.full((32, 32, 3), 90, np.uint8))) == 0


@pytest.mark.parametrize(("name", "constant"), [("colour_constancy", "**6"), ("local_contrast", "limit: float = 3.0")])
def test_images_that_were_decoded_in_another_way_are_not_taken_from_the_cache(name, constant, tmp_path):
    Image.new("RGB", (40, 40), (90, 60, 30)).save(tmp_path / "a.png")
    (tmp_path / "cache").mkdir()
    source = edited(name)
    other = {
        **source,
        "data.py": source["data.py"].replace(
            constant, constant[:-1] + "5" if name == "colour_constancy" else "limit: float = 2.0"
        ),
    }
    assert other != source
    script = "from pathlib import Path; import data; data.decode_once([Path('../a.png')], 32, Path('../cache'), 1)"
    for number, code in enumerate((SOURCE, source, source, other)):
        folder = tmp_path / f"code{number}"
        folder.mkdir()
        for file, text in code.items():
            (folder / file).write_text(text)
        subprocess.run([sys.executable, "-c", script], cwd=folder, check=True)
    assert len(list((tmp_path / "cache").iterdir())) == 3


def test_films_and_skin_are_told_by_the_words_of_the_request():
    assert picture_of(new_spec("does this chest film show a drain")) == "film"
    assert picture_of(new_spec("which dermoscopy pictures need a biopsy")) == "skin"
    assert BY_NAME["local_contrast"].unsuited(replace(READING, picture="film")) == ""
    assert BY_NAME["local_contrast"].unsuited(READING)
    assert BY_NAME["colour_constancy"].unsuited(READING) == ""
    assert BY_NAME["colour_constancy"].unsuited(replace(READING, picture=""))


class Point(nn.Module):
    """Two weights, whose loss is a valley."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([3.0, -4.0]))


def test_a_sharpness_aware_step_goes_by_the_slope_at_the_worst_point_nearby():
    train_step, _ = defined(edited("sharpness_aware"), "train.py", "train_step", "climb")
    point, curvature, seen, drawn = Point(), torch.tensor([1.0, 10.0]), [], []

    def valley(images, labels):
        drawn.append(torch.rand(1).item())
        seen.append(point.weight.detach().clone())
        return (curvature * point.weight**2).sum() / 2

    optimizer = torch.optim.SGD(point.parameters(), lr=0.01)
    torch.manual_seed(0)
    twice = torch.rand(2).tolist()
    torch.manual_seed(0)
    for step in range(2):
        start = point.weight.detach().clone()
        slope = curvature * start
        worst = start + 0.05 * slope / slope.norm()
        train_step(point, optimizer, valley, torch.zeros(1), torch.zeros(1))
        torch.testing.assert_close(seen[2 * step + 1], worst)
        torch.testing.assert_close(point.weight.detach(), start - 0.01 * curvature * worst)
    assert drawn == [twice[0], twice[0], twice[1], twice[1]], "both passes of a step see the same augmentation"


def test_a_network_of_thin_convolutions_goes_back_to_full_precision():
    short = edited("bfloat16", source=edited("sharpness_aware"))
    thin = replace(READING, weights=("tf_efficientnet_lite0",))
    warm = edited("warm_start", source=short, reading=thin)
    assert warm["train.py"] == edited("sharpness_aware")["train.py"]
    with pytest.raises(SeamMissing, match="slows tf_efficientnet_lite0 down"):
        edited("bfloat16", source=warm)
    assert "torch.bfloat16" in edited("larger_backbone", source=short)["train.py"]


def test_both_passes_use_the_same_arithmetic_in_whatever_order_it_came():
    one = edited("bfloat16", source=edited("sharpness_aware"))
    assert one == edited("sharpness_aware", source=edited("bfloat16"))
    assert one["train.py"].count("torch.bfloat16") == 2
    assert "contract.autocast" not in one["train.py"]


def augmented(images, strength=0.95, turn=135.0, seed=0):
    torch.manual_seed(seed)
    return defined(edited("trivial_augment"), "data.py", "trivial_augment")(images, strength, turn)


def test_each_slice_of_a_batch_is_changed_in_its_own_way():
    picture = torch.randint(256, (1, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    batch = augmented(picture.repeat(32, 1, 1, 1)).view(8, 4, 3, 16, 16)
    assert batch.dtype == torch.uint8
    assert (batch == batch[:, :1]).all()
    assert len({tuple(part[0].flatten().tolist()) for part in batch}) >= 6
    assert augmented(picture).shape == picture.shape, "a batch of one"


def test_trivial_augment_leaves_hue_alone():
    orange = torch.tensor([200, 110, 50], dtype=torch.uint8).view(1, 3, 1, 1).expand(64, 3, 16, 16)
    for seed in range(10):
        red, green, blue = augmented(orange, seed=seed).float().unbind(1)
        bright = (red - blue > 60) & (red < 255)  # a channel at its end, or one near black, holds no hue to measure
        assert bright.float().mean() > 0.3
        hue = ((green - blue) / (red - blue))[bright]
        assert (hue - 60 / 150).abs().max() < 0.04


def test_a_mask_moves_with_its_picture_and_keeps_its_values():
    square = torch.zeros(64, 4, 16, 16, dtype=torch.uint8)
    square[:, :, 4:12, 4:9] = 200
    for seed in range(5):
        batch = augmented(square, seed=seed)
        moved, plain = ((batch[:, 3] == other[:, index]).all((1, 2)) for other, index in ((batch, 0), (square, 3)))
        assert (moved | plain).all()


@pytest.mark.parametrize(("orientation", "turn"), [("any", 135.0), ("upright", 15.0), ("fixed", 15.0)])
def test_pictures_with_an_up_and_down_are_turned_by_little(orientation, turn):
    (rung, _) = BY_NAME["trivial_augment"].ladder(replace(READING, orientation=orientation))
    assert rung.settings["largest_turn"] == turn


def test_the_label_of_a_pasted_image_is_shared_by_area():
    paste_boxes = defined(edited("cutmix"), "train.py", "paste_boxes")
    images, partners = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 3, 20, 20), torch.tensor([1, 2, 3, 0])
    torch.manual_seed(0)
    parts = []
    for _ in range(200):
        pasted, own = paste_boxes(images, partners, alpha=1.0)
        assert own == pytest.approx((pasted == images).float().mean().item())
        assert ((pasted == images) | (pasted == images[partners])).all()
        parts.append(own)
    assert 0.5 < sum(parts) / len(parts) < 0.75, "half on the mean, and what the border cuts off"


def test_rates_fall_from_the_head_down_and_the_schedule_scales_them():
    code = edited("layer_decay")
    scope = {"param_groups_layer_decay": param_groups_layer_decay}
    build = defined(code, "train.py", "build_optimizer", **scope)
    model = timm.create_model("resnet10t", num_classes=2)
    recipe = SimpleNamespace(learning_rate=1e-3, weight_decay=0.01, layer_decay=0.9)
    scales = {
        id(weight): group["lr_scale"] for group in build(model, recipe).param_groups for weight in group["params"]
    }
    assert len(scales) == len(list(model.parameters()))
    assert scales[id(model.fc.weight)] == 1.0
    assert scales[id(model.layer4[0].conv1.weight)] == pytest.approx(0.9)
    assert scales[id(model.conv1[0].weight)] < scales[id(model.layer1[0].conv1.weight)] < 0.9
    assert 'learning_rate_at(progress, recipe) * group.get("lr_scale", 1.0)' in code["train.py"]


def test_muon_learns_in_the_layout_of_the_template():
    build = defined(edited("muon"), "train.py", "build_optimizer", Muon=Muon)
    torch.manual_seed(0)
    model = timm.create_model("resnet10t", num_classes=2).to(memory_format=torch.channels_last)
    images = torch.randn(8, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    labels, losses = torch.arange(8) % 2, []
    optimizer = build(model, SimpleNamespace(learning_rate=1e-3, weight_decay=0.01))
    for _ in range(8):
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]


def test_muon_is_left_alone_where_its_products_would_take_most_of_the_time():
    assert "1.3 times as long" in BY_NAME["muon"].unsuited(READING)
    assert BY_NAME["muon"].unsuited(replace(READING, image_size=128)) == ""
    assert BY_NAME["muon"].unsuited(replace(READING, device="cuda")) == ""


def test_a_start_from_weights_takes_the_best_network_that_still_fits():
    warm = BY_NAME["warm_start"]
    weights = ("tf_efficientnet_lite0", "tf_efficientnet_lite2", "convnext_tiny")
    names = {
        epochs: [rung.settings["backbone"] for rung in warm.ladder(replace(READING, epochs=epochs, weights=weights))]
        for epochs in (12.0, 5.0, 2.0, 1.0)
    }
    assert names == {12.0: ["convnext_tiny"], 5.0: ["tf_efficientnet_lite2"], 2.0: ["tf_efficientnet_lite0"], 1.0: []}
    assert warm.unsuited(replace(READING, weights=weights)) == ""
    for other in ({"weights": ()}, {"weights": None}, {"pretrained": True}, {"epochs": 1.0}, {"epochs": math.nan}):
        assert warm.unsuited(replace(READING, **{"weights": weights, **other})), other


def test_only_pretrained_layers_are_spared_and_only_deep_networks_thinned():
    assert BY_NAME["layer_decay"].unsuited(READING)
    assert BY_NAME["layer_decay"].unsuited(replace(READING, pretrained=True)) == ""
    assert BY_NAME["drop_path"].unsuited(READING) == "resnet10t has only 4 blocks"
    assert BY_NAME["drop_path"].unsuited(replace(READING, backbone="tf_efficientnet_lite0")) == ""
    assert BY_NAME["drop_path"].unsuited(replace(READING, backbone="vgg11"))
