"""The image of jobs holds what the project was tested with."""

from __future__ import annotations

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


def pins(path):
    lines = (line.partition("#")[0].partition(";")[0].strip() for line in path.read_text().splitlines())
    return {tuple(line.lower().replace("_", "-").split("==")) for line in lines if line}


def test_the_image_pins_the_versions_of_the_project():
    in_image, of_project = pins(REPOSITORY / "infra/image/requirements.txt"), pins(REPOSITORY / "requirements.txt")
    differing = {name for name, _ in in_image - of_project}
    assert differing <= {"setuptools"}  # every environment has one, so the project's list does not name it
    assert {name for name, _ in in_image} >= {"torch", "torchvision", "timm", "numpy", "pillow", "safetensors"}
