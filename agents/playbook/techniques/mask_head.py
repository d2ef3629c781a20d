"""An auxiliary head that learns, in training alone, to outline what the masks of the data outline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.editing import (
    insert_after,
    insert_before,
    replace_expression,
    returned,
    set_returned,
    with_argument,
)
from agents.playbook.imports import add_import
from agents.playbook.seams import DATA, TRAIN, keep_masks_apart, set_field
from agents.playbook.syntax import SeamMissing
from agents.playbook.technique import Gain, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

MASKS = "masks.py"
_FILE = '''"""Masks of the training images as a second task: features that can outline a finding have seen it.

A mask travels as the fourth channel of its image through all that moves the picture; the network never sees it.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from recipe import Recipe

FEWEST_CELLS = 7  # a side of the map of features that is asked for outlines; deeper maps are too coarse


class MaskLoss(nn.Module):
    """The loss of the labels and, weighted, that of outlines drawn from the network's features by a head of its own.

    The head hangs on the network by hooks, so that checkpoints hold the network alone and predicting knows nothing of it.

    Source: Amyar et al., Multi-task deep learning based CT imaging analysis (2020); cross entropy and Dice together:
    Isensee et al., nnU-Net (Nature Methods 2021).
    """

    def __init__(self, model: nn.Module, loss_function: nn.Module, recipe: Recipe) -> None:
        super().__init__()
        network = [part for part in model.modules() if hasattr(part, "get_classifier")][-1]  # the one that learns
        maps = [item for item in network.feature_info if FEWEST_CELLS * item["reduction"] <= recipe.image_size]
        self.loss_function, self.weight = loss_function, recipe.mask_weight
        self.head = nn.Conv2d(maps[-1]["num_chs"], 1, kernel_size=1)
        network.register_forward_pre_hook(self.take_masks)
        network.get_submodule(maps[-1]["module"]).register_forward_hook(self.compare)

    def take_masks(self, network: nn.Module, inputs: tuple[Tensor]) -> Tensor:
        """Keep the fourth channel of a batch (B, 4, S, S) and hand the colours on."""
        self.masks = inputs[0][:, 3:]
        return inputs[0][:, :3]

    def compare(self, layer: nn.Module, inputs: tuple[Tensor], features: Tensor) -> None:
        """Compare outlines and masks, cell by cell of the features (B, F, H, W), over the images whose mask is not blank."""
        truth = functional.adaptive_avg_pool2d(self.masks / 255, features.shape[2:])
        logits = self.head(features).float()
        cross_entropy = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none").mean((1, 2, 3))
        outlines = logits.sigmoid()
        overlap, sizes = (outlines * truth).sum((1, 2, 3)), (outlines + truth).sum((1, 2, 3))
        known = (truth.amax((1, 2, 3)) > 0).float()
        losses = cross_entropy + 1 - (2 * overlap + 1) / (sizes + 1)
        self.mask_loss = (known * losses).sum() / known.sum().clamp(min=1)

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of logits (B, C) and labels (B,), and of the outlines of the same batch."""
        return self.loss_function(logits, labels) + self.weight * self.mask_loss


def with_masks(images: Tensor, masks: Tensor) -> Tensor:
    """Return images (B, 3, S, S) with their masks (B, 1, S, S), 255 inside, as a fourth channel."""
    return torch.cat([images, masks], dim=1)
'''
_PICTURES = "with_masks(training_set.images[batch], training_set.masks[batch])"


def _ladder(_: Reading) -> tuple[Rung, ...]:
    return tuple(Rung(f"auxiliary mask head, weight {weight:g}", {"mask_weight": weight}) for weight in (0.3, 1.0))


def _unsuited(reading: Reading) -> str:
    if not reading.masks:
        return "the data have no masks"
    if not reading.backbone.startswith(("resnet", "convnext", "efficientnet", "regnet", "mobilenet", "densenet")):
        return f"{reading.backbone} is not known to give a map of features"
    return f"images of {reading.image_size} pixels are too small to outline anything" if reading.image_size < 32 else ""


def _why(reading: Reading) -> str:
    return (
        f"The {reading.train_images:,} training images come with masks, which say where to look and which nothing has used "
        "so far; a head that outlines them is trained along and left out of the model."
    )


def _apply(draft: Draft, settings: Settings) -> None:
    if "even_contrast" in draft[DATA]:
        raise SeamMissing("local contrast would change the values of masks")
    note = "of the loss of the auxiliary head that outlines the masks"
    if not set_field(draft, "mask_weight", settings["mask_weight"], note=note):
        return
    draft.add_file(MASKS, _FILE)
    field = "masks: Tensor  # (N, 1, S, S) uint8, 255 inside what was outlined; blank where that is not known"
    draft.change(DATA, insert_after, "TrainingSet", "groups: Tensor", field)
    listed = 'masks = [folder / "masks" / f"{file.stem}.png" for file in files]'
    draft.change(DATA, insert_after, "load_train", 'files = [folder / "images" / row["image"] for row in rows]', listed)
    decoded = "masks=decode_once(masks, recipe.image_size, cache, threads)[:, :1]"
    loaded = with_argument(returned(draft[DATA], "load_train"), "TrainingSet", decoded)
    draft.change(DATA, set_returned, "load_train", loaded)
    keep_masks_apart(draft)
    draft.change(TRAIN, replace_expression, "train", "training_set.images[batch]", "pictures")
    placed = "images = contract.on_device(pictures, job.device)"
    draft.change(TRAIN, insert_before, "train", placed, f"pictures = {_PICTURES}")
    added = """
    loss_function = MaskLoss(model, loss_function, recipe).to(job.device)
    optimizer.add_param_group({"params": loss_function.head.parameters()})
    """
    of_loss = "def compute_loss(images: Tensor, labels: Tensor) -> Tensor: ..."
    draft.change(TRAIN, insert_before, "train", of_loss, added)
    draft.change(TRAIN, add_import, "from masks import MaskLoss, with_masks")


TECHNIQUE = Technique(
    name="mask_head",
    theme="regularisation",
    source="Xie et al., A mutual bootstrapping model for automated skin lesion segmentation and classification (IEEE TMI 2020); "
    "Amyar et al., Multi-task deep learning based CT imaging analysis (Computers in Biology and Medicine 2020)",
    expected="Features that look at the finding rather than around it; better ranking where images are few.",
    gains={"ranking": Gain(0.02, 0.05), "decision": Gain(0.02, 0.05), "calibration": Gain(0.01, 0.04)},
    ladder=_ladder,
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    underfit=0.7,
    overfit=1.3,
    changes_loss=True,
)
