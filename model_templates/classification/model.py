"""The network: a timm backbone with a new head."""

from pathlib import Path

import safetensors.torch
import timm
import torch
from torch import nn

from recipe import Recipe


def build_model(recipe: Recipe, n_classes: int) -> nn.Module:
    """Return the network with random weights; it maps images (B, 3, S, S) to logits (B, n_classes)."""
    return timm.create_model(recipe.backbone, pretrained=False, num_classes=n_classes)


def load_pretrained(model: nn.Module, recipe: Recipe, weights: Path | None) -> None:
    """Load the backbone's weights from the local cache, if wanted and there, and say which it was.

    Raises:
        ValueError: The file does not fit the backbone.
    """
    file = find_weights(recipe.backbone, weights) if recipe.pretrained else None
    if file is None:
        reason = "there are none in the local cache" if recipe.pretrained else "the recipe says so"
        print(f"weights: {recipe.backbone} from scratch, because {reason}")
        return
    state = safetensors.torch.load_file(file) if file.suffix == ".safetensors" else torch.load(file, weights_only=True)
    head = model.pretrained_cfg["classifier"]
    heads = (head,) if isinstance(head, str) else tuple(head)
    state = {name: tensor for name, tensor in state.items() if not name.startswith(heads)}
    result = model.load_state_dict(state, strict=False)
    missing = [name for name in result.missing_keys if not name.startswith(heads)]
    if missing or result.unexpected_keys:
        raise ValueError(f"{file.name} does not fit {recipe.backbone}: {(missing + result.unexpected_keys)[:5]}")
    for name in heads:
        # The new head calls all classes equal: some heads of timm start so sure that they throw the pretrained weights about.
        nn.init.zeros_(model.get_submodule(name).weight)
        nn.init.zeros_(model.get_submodule(name).bias)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            # Networks from TensorFlow follow new pictures with 1% a step: too slow for a short run, and prediction rests on it.
            module.momentum = max(module.momentum or 0.0, 0.1)
    print(f"weights: {recipe.backbone} from the local cache, file {file.name}")


def find_weights(backbone: str, weights: Path | None) -> Path | None:
    if weights is None:
        return None
    files = [weights / f"{backbone}{suffix}" for suffix in (".safetensors", ".pth")]
    return next((file for file in files if file.is_file()), None)
