"""Predict the asked images with one checkpoint."""

import contract

# isort: split
import torch
from torch import Tensor, nn

from data import evaluation_batches, evaluation_transform
from model import build_model
from recipe import Recipe


def main() -> None:
    job = contract.read_job()
    state, facts = contract.load_checkpoint(job.checkpoint)
    if tuple(facts["classes"]) != job.classes:
        raise ValueError(f"the checkpoint knows the classes {facts['classes']}, asked for are {job.classes}")
    recipe = Recipe(**facts["recipe"])
    model = build_model(recipe, len(job.classes))
    model.load_state_dict(state)
    model = model.to(job.device, memory_format=contract.memory_format(job.device)).eval()
    files, transform = contract.read_images(job), evaluation_transform(recipe)
    rows = []
    with torch.inference_mode():
        for images in evaluation_batches(files, recipe, job.threads):
            probabilities = predict_probabilities(model, transform(contract.on_device(images, job.device)))
            rows += probabilities.cpu().tolist()
    contract.write_predictions(job, files, rows)
    print(f"predicted {len(files)} images")


def predict_probabilities(model: nn.Module, images: Tensor) -> Tensor:
    """Return the probability of each class, shape (B, C), for transformed images (B, 3, S, S)."""
    with contract.autocast(images.device):
        logits = model(images)
    return logits.float().softmax(dim=1)


if __name__ == "__main__":
    main()
