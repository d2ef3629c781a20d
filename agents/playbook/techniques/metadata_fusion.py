"""Inputs beside the image, where the request allows them: age, sex and the like, fused into the pooled features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.editing import insert_after, insert_before, replace_statement
from agents.playbook.imports import add_import
from agents.playbook.seams import FUSION, MODEL, PREDICT, TRAIN, must_lack, set_field
from agents.playbook.technique import Gain, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

_BLIND = {"mixup": "mixup", "cutmix": "CutMix", "committee": "the committee"}
"""Techniques that know of images alone, as they are called."""
_FILE = '''"""What is known of an image beside its pixels, fused into the pooled features of the network.

The inputs of an image are a vector: of a number, how many standard deviations it lies from the mean, and a 1; of a category,
a 1 in its place. What is missing or unknown is 0 throughout. Training leaves all inputs of some images out, so that an image
that comes without them is no surprise.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from recipe import Recipe

WIDTH = 64  # numbers that the hidden layer makes of the inputs
FARTHEST = 5.0  # standard deviations; a number beyond is taken for a slip of the pen

Inputs = Sequence[Mapping]  # name, kind, values of a category, mean and deviation of a number, as in task.json


class Fusion(nn.Module):
    """Scales and shifts the features of each image by what its inputs say; before training it changes nothing.

    Source: Pacheco & Krohling, An attention-based mechanism to combine images and metadata (IEEE JBHI 2021), section III;
    scale and shift as in Perez et al., FiLM (AAAI 2018).
    """

    def __init__(self, inputs: Inputs, n_features: int, recipe: Recipe) -> None:
        super().__init__()
        self.inputs, self.dropout = inputs, recipe.input_dropout
        self.hidden = nn.Linear(len(vector_of({}, inputs)), WIDTH)
        self.change = nn.Linear(WIDTH, 2 * n_features)
        nn.init.zeros_(self.change.weight)
        nn.init.zeros_(self.change.bias)

    def take(self, vectors: Tensor) -> None:
        """Take the inputs (B, D) of the batch that comes next; in training some images lose theirs."""
        if self.training:
            vectors = vectors * (torch.rand(len(vectors), 1) >= self.dropout)
        self.vectors = vectors.to(self.hidden.weight.device)

    def fuse(self, classifier: nn.Module, arguments: tuple[Tensor]) -> Tensor:
        """Return what the classifier gets in place of the pooled features (B, F)."""
        scales, shifts = self.change(functional.relu(self.hidden(self.vectors))).chunk(2, dim=1)
        return arguments[0] * (1 + scales) + shifts


def add_fusion(network: nn.Module, inputs: Inputs, recipe: Recipe) -> None:
    """Let a network of timm see inputs too: they are taken by `network.fusion` before the images of a batch come."""
    classifier = network.get_classifier()
    network.fusion = Fusion(inputs, classifier.in_features, recipe)
    classifier.register_forward_pre_hook(network.fusion.fuse)


def read_inputs(data: Path) -> Inputs:
    """Return what the task allows beside the images."""
    return json.loads((data / "task.json").read_text())["inputs"]


def read_vectors(table: Path, inputs: Inputs) -> Tensor:
    """Return the inputs of each image of a table as a vector, shape (N, D)."""
    with table.open(newline="") as file:
        return torch.tensor([vector_of(row, inputs) for row in csv.DictReader(file)])


def vector_of(row: Mapping[str, str], inputs: Inputs) -> list[float]:
    vector = []
    for item in inputs:
        cell = row.get(f"input_{item['name']}") or ""
        if item["kind"] == "category":
            vector += [float(cell == value) for value in item["values"]]
        elif cell:
            deviations = (float(cell) - item["mean"]) / item["deviation"]
            vector += [max(-FARTHEST, min(deviations, FARTHEST)), 1.0]
        else:
            vector += [0.0, 0.0]
    return vector
'''


def _ladder(_: Reading) -> tuple[Rung, ...]:
    return tuple(
        Rung(f"metadata fused into the features, left out for {part:.0%} of the images", {"input_dropout": part})
        for part in (0.2, 0.5)
    )


def _unsuited(reading: Reading) -> str:
    if not reading.inputs:
        return "the request allows no other inputs than the images"
    blind = [called for name, called in _BLIND.items() if name in reading.kept]
    return f"{blind[0]} knows of images alone" if blind else ""


def _why(reading: Reading) -> str:
    named = ", ".join(reading.inputs)
    return (
        f"The request lets the model see {named} beside the image, as a physician would, and nothing has used that so far; an image "
        "that comes without still gets an answer."
    )


def _apply(draft: Draft, settings: Settings) -> None:
    must_lack(draft, "mixup_alpha", "cutmix_alpha", "members", why="knows of images alone")
    note = "part of the images that are trained without their inputs, so that these may be missing"
    if not set_field(draft, "input_dropout", settings["input_dropout"], note=note):
        return
    draft.add_file(FUSION, _FILE)
    built = "model = build_model(recipe, len(job.classes))"
    draft.change(TRAIN, insert_after, "main", built, "add_fusion(model, read_inputs(job.data), recipe)")
    told = 'facts["inputs"] = model.fusion.inputs\nvectors = read_vectors(job.data / "train.csv", model.fusion.inputs)'
    facts = 'facts = {"recipe": asdict(recipe), "classes": job.classes}'
    draft.change(TRAIN, insert_after, "train", facts, told)
    batch = "batch = order[position : position + batch_size]"
    draft.change(TRAIN, insert_after, "train", batch, "model.fusion.take(vectors[batch])")
    draft.change(TRAIN, add_import, "from fusion import add_fusion, read_inputs, read_vectors")
    missing = "missing = [name for name in result.missing_keys if not name.startswith({})]"
    spared = missing.format('(*heads, "fusion.")')
    draft.change(MODEL, replace_statement, "load_pretrained", missing.format("heads"), spared)
    draft.change(PREDICT, insert_after, "main", built, 'add_fusion(model, facts["inputs"], recipe)')
    files = "files, transform = contract.read_images(job), evaluation_transform(recipe)"
    read = 'vectors = read_vectors(job.data / "images.csv", facts["inputs"])'
    draft.change(PREDICT, insert_after, "main", files, read)
    answer = "probabilities = predict_probabilities(model, transform(contract.on_device(images, job.device)))"
    taken = "model.fusion.take(vectors[len(rows) : len(rows) + len(images)])"
    draft.change(PREDICT, insert_before, "main", answer, taken)
    draft.change(PREDICT, add_import, "from fusion import add_fusion, read_vectors")


TECHNIQUE = Technique(
    name="metadata_fusion",
    theme="capacity",
    source="Pacheco & Krohling, The impact of patient clinical information on automated skin cancer detection (Computers in Biology and "
    "Medicine 2020); the same, An attention-based mechanism to combine images and metadata (IEEE JBHI 2021)",
    expected="Better ranking where the inputs say what the picture does not; the model then needs them when it is used.",
    gains={"ranking": Gain(0.1, 0.1), "decision": Gain(0.1, 0.1), "calibration": Gain(0.08, 0.1)},
    ladder=_ladder,
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    again=0.1,
)
