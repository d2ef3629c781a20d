"""What the classification template makes of image files and of weight files."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

TEMPLATE = Path(__file__).resolve().parents[2] / "model_templates" / "classification"
MODULES = ("data", "model", "recipe")


@pytest.fixture(scope="module")
def template():
    """The template's modules; their names are plain, so they leave again afterwards."""
    before = {name: sys.modules.pop(name) for name in MODULES if name in sys.modules}
    sys.path.insert(0, str(TEMPLATE))
    yield SimpleNamespace(**{name: __import__(name) for name in MODULES})
    sys.path.remove(str(TEMPLATE))
    for name in MODULES:
        sys.modules.pop(name, None)
    sys.modules.update(before)


GRADIENT = np.add.outer(np.arange(40), np.arange(40))  # 0 to 78


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("rgb.jpg", Image.fromarray(np.uint8(GRADIENT * 3)).convert("RGB")),
        ("rgba.png", Image.fromarray(np.uint8(GRADIENT * 3)).convert("RGBA")),
        ("grey.png", Image.fromarray(np.uint8(GRADIENT * 3))),
        ("palette.png", Image.fromarray(np.uint8(GRADIENT * 3)).convert("RGB").quantize(64)),
        ("sixteen_bit.png", Image.fromarray(np.uint16(GRADIENT * 50))),
        ("thirty_two_bit.tif", Image.fromarray(np.int32(GRADIENT * 5000))),
        ("float.tif", Image.fromarray(np.float32(GRADIENT / 78))),
        ("one_bit.png", Image.fromarray(GRADIENT > 39)),
        ("cmyk.jpg", Image.fromarray(np.uint8(GRADIENT * 3)).convert("RGB").convert("CMYK")),
    ],
)
def test_images_of_any_mode_become_three_channels_of_bytes(template, tmp_path, name, image):
    image.save(tmp_path / name)
    pixels = template.data.decode_image(tmp_path / name, 20)
    assert pixels.shape == (3, 20, 20)
    assert pixels.dtype == np.uint8
    assert pixels[:, 0, 0].max() < 60
    assert pixels[:, -1, -1].min() > 190


def test_a_photograph_is_turned_upright_as_its_camera_says(template, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    Image.fromarray(np.uint8(GRADIENT * 3)).convert("RGB").save(tmp_path / "turned.jpg", exif=exif)
    pixels = template.data.decode_image(tmp_path / "turned.jpg", 20)
    assert pixels[:, 0, 0].min() > 190


def test_a_flat_sixteen_bit_image_is_black_and_no_error(template, tmp_path):
    Image.fromarray(np.full((8, 8), 4000, np.uint16)).save(tmp_path / "flat.png")
    assert template.data.decode_image(tmp_path / "flat.png", 8).max() == 0


def test_a_broken_image_is_an_error_that_names_the_file(template, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nand then nothing")
    with pytest.raises(ValueError, match=r"broken\.png cannot be read as an image"):
        template.data.decode_into(np.empty((1, 3, 16, 16), np.uint8), [tmp_path / "broken.png"], threads=2)


def test_images_are_decoded_once_a_size_and_again_when_the_list_changes(template, tmp_path, capsys):
    files = [tmp_path / f"{number}.png" for number in range(3)]
    for number, file in enumerate(files):
        Image.new("RGB", (10, 10), (number, 0, 0)).save(file)
    cache = tmp_path / "cache"
    cache.mkdir()

    def decode(files, size):
        images = template.data.decode_once(files, size, cache, threads=1)
        return images, "decoded" in capsys.readouterr().out

    images, fresh = decode(files, 8)
    assert fresh
    assert images[:, 0, 0, 0].tolist() == [0, 1, 2]
    again, fresh = decode(files, 8)
    assert not fresh
    assert torch.equal(images, again)
    assert decode(files, 4)[1]
    assert decode(files[::-1], 8)[0][:, 0, 0, 0].tolist() == [2, 1, 0]
    assert len(list(cache.iterdir())) == 3
    assert not list(cache.glob("*.tmp"))


@pytest.fixture(scope="module")
def other_task(template):
    """Weights of the same backbone with a head for ten classes."""
    recipe = template.recipe.Recipe(backbone="test_resnet")
    return recipe, template.model.build_model(recipe, 10).state_dict()


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_in_the_cache_are_used_for_all_but_the_head(template, tmp_path, capsys, other_task, suffix):
    recipe, state = other_task
    (save_file if suffix == ".safetensors" else torch.save)(state, tmp_path / f"test_resnet{suffix}")
    model = template.model.build_model(recipe, 3)
    model.bn1.momentum = 0.01
    template.model.load_pretrained(model, recipe, tmp_path)
    assert torch.equal(model.state_dict()["conv1.0.weight"], state["conv1.0.weight"])
    assert torch.equal(model(torch.rand(2, 3, 32, 32)), torch.zeros(2, 3)), "the new head calls all classes equal"
    assert model.bn1.momentum == 0.1, "running means follow the new pictures within a short run"
    assert f"from the local cache, file test_resnet{suffix}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("recipe", "reason"),
    [
        ({"backbone": "test_resnet", "pretrained": False}, "the recipe says so"),
        ({"backbone": "test_vit"}, "there are none in the local cache"),
    ],
)
def test_training_from_scratch_says_why(template, tmp_path, capsys, recipe, reason):
    (tmp_path / "test_resnet.safetensors").touch()
    template.model.load_pretrained(torch.nn.Identity(), template.recipe.Recipe(**recipe), tmp_path)
    assert capsys.readouterr().out == f"weights: {recipe['backbone']} from scratch, because {reason}\n"


def test_weights_of_another_network_are_an_error(template, tmp_path, other_task):
    recipe, state = other_task
    save_file({"stem.weight": state["conv1.0.weight"]}, tmp_path / "test_resnet.safetensors")
    with pytest.raises(ValueError, match=r"test_resnet\.safetensors does not fit test_resnet"):
        template.model.load_pretrained(template.model.build_model(recipe, 3), recipe, tmp_path)


def test_a_weights_file_that_would_run_code_is_refused(template, tmp_path, other_task):
    class Attack:
        def __reduce__(self):
            return print, ("owned",)

    torch.save(Attack(), tmp_path / "test_resnet.pth")
    with pytest.raises(Exception, match="Weights only load failed"):
        template.model.load_pretrained(template.model.build_model(other_task[0], 3), other_task[0], tmp_path)
