"""A second task for the network in training: the finer labels of the data, where several of them are one class of the study."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.editing import insert_before, replace_expression, returned, set_returned, with_argument
from agents.playbook.imports import add_import
from agents.playbook.seams import DATA, TRAIN, set_field
from agents.playbook.technique import Gain, Rung, Technique

if TYPE_CHECKING:
    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

DETAILS = "details.py"
_FILE = '''"""The finer labels of the data as a second task: what tells two kinds of one class apart is worth seeing too."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from recipe import Recipe


class DetailLoss(nn.Module):
    """The loss of the classes and, weighted, that of the finer labels, told from the same features by a head of its own.

    It is called with finer labels and knows the class of each. The head hangs on the network by a hook, so that
    checkpoints hold the network alone and predicting knows nothing of it.

    Source: Chen et al., Understanding the impact of label granularity on CNN-based image classification (2018).
    """

    def __init__(
        self, model: nn.Module, loss_function: nn.Module, details: Tensor, labels: Tensor, recipe: Recipe
    ) -> None:
        """Hang the head on the network; details and labels (N,) are those of the training images."""
        super().__init__()
        network = [part for part in model.modules() if hasattr(part, "get_classifier")][-1]  # the one that learns
        self.loss_function, self.weight = loss_function, recipe.detail_weight
        class_of = torch.zeros(int(details.max()) + 1, dtype=labels.dtype)
        class_of[details] = labels
        self.register_buffer("class_of", class_of)
        classifier = network.get_classifier()
        self.head = nn.Linear(classifier.in_features, len(class_of))
        classifier.register_forward_pre_hook(self.tell_details)

    def tell_details(self, classifier: nn.Module, inputs: tuple[Tensor]) -> None:
        self.detail_logits = self.head(inputs[0]).float()

    def forward(self, logits: Tensor, details: Tensor) -> Tensor:
        """Return the loss of logits (B, C) of the classes, and of the finer labels (B,) of the same batch."""
        of_classes = self.loss_function(logits, self.class_of[details])
        return of_classes + self.weight * functional.cross_entropy(self.detail_logits, details)
'''


def _ladder(_: Reading) -> tuple[Rung, ...]:
    return tuple(
        Rung(f"finer labels as a second task, weight {weight:g}", {"detail_weight": weight}) for weight in (0.3, 1.0)
    )


def _unsuited(reading: Reading) -> str:
    if reading.fine_labels <= len(reading.class_images):
        return "each class is one label of the data"
    return ""


def _why(reading: Reading) -> str:
    return (
        f"The {len(reading.class_images)} classes are made of {reading.fine_labels} labels of the data; what tells these apart "
        "is in the training labels already and nothing has used it so far."
    )


def _apply(draft: Draft, settings: Settings) -> None:
    note = "of the loss of the finer labels that the data give"
    if not set_field(draft, "detail_weight", settings["detail_weight"], note=note):
        return
    draft.add_file(DETAILS, _FILE)
    field = "details: Tensor  # (N,) int64, index into the finer labels of the data"
    draft.change(DATA, insert_before, "TrainingSet", "groups: Tensor", field)
    told = 'finer = sorted({row["detail"] for row in rows})'
    draft.change(DATA, insert_before, "load_train", 'files = [folder / "images" / row["image"] for row in rows]', told)
    details = 'details=torch.tensor([finer.index(row["detail"]) for row in rows])'
    loaded = with_argument(returned(draft[DATA], "load_train"), "TrainingSet", details, first=True)
    draft.change(DATA, set_returned, "load_train", loaded)
    draft.change(TRAIN, replace_expression, "train", "labels[batch]", "training_set.details[batch]")
    added = """
    loss_function = DetailLoss(model, loss_function, training_set.details, labels, recipe).to(job.device)
    optimizer.add_param_group({"params": loss_function.head.parameters()})
    """
    facts = 'facts = {"recipe": asdict(recipe), "classes": job.classes}'
    draft.change(TRAIN, insert_before, "train", facts, added)
    draft.change(TRAIN, add_import, "from details import DetailLoss")


TECHNIQUE = Technique(
    name="fine_labels",
    theme="regularisation",
    source="Chen et al., Understanding the impact of label granularity on CNN-based image classification (ICDM workshops 2018); "
    "Caruana, Multitask learning (Machine Learning 1997)",
    expected="Features that know the kinds within a class; better ranking where one class is a mixture.",
    gains={"ranking": Gain(0.02, 0.04), "decision": Gain(0.02, 0.04), "calibration": Gain(0.01, 0.04)},
    ladder=_ladder,
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    changes_loss=True,
)
