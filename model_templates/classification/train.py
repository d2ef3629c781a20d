"""Train the network until the budget or the planned epochs are used up."""

import contract  # before anything else: the budget clock starts with it

# isort: split
import math
import sys
import time
from collections.abc import Callable
from dataclasses import asdict

import torch
from torch import Tensor, nn

from data import TrainingSet, epoch_order, load_train, train_transform
from loss import build_loss
from model import build_model, load_pretrained
from recipe import Recipe


def main() -> None:
    job, recipe = contract.read_job(), Recipe()
    generator = contract.seed_everything(job.seed + recipe.seed)
    print(f"device {job.device}, {job.threads} threads, budget {job.budget_seconds:g} s, {recipe}")
    training_set = load_train(recipe, job.classes, job.data, job.cache, job.threads)
    model = build_model(recipe, len(job.classes))
    load_pretrained(model, recipe, job.weights)
    model = model.to(job.device, memory_format=contract.memory_format(job.device))
    print(f"start-up took {time.monotonic() - contract.STARTED:.1f} s")
    train(model, training_set, recipe, job, generator)


def build_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)


def learning_rate_at(progress: float, recipe: Recipe) -> float:
    """Return the learning rate when this part of the run, in [0, 1], is done."""
    return recipe.learning_rate


def batch_loss(model: nn.Module, loss_function: nn.Module, images: Tensor, labels: Tensor, recipe: Recipe) -> Tensor:
    """Return the loss of one batch of transformed images (B, 3, S, S) with labels (B,)."""
    return loss_function(model(images), labels)


def train_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    compute_loss: Callable[[Tensor, Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
) -> Tensor:
    """Improve the model on one batch and return its loss, detached."""
    optimizer.zero_grad(set_to_none=True)
    with contract.autocast(images.device):
        loss = compute_loss(images, labels)
    loss.backward()
    optimizer.step()
    return loss.detach()


def train(
    model: nn.Module,
    training_set: TrainingSet,
    recipe: Recipe,
    job: contract.Job,
    generator: torch.Generator,
    step: Callable[..., Tensor] = train_step,
) -> None:
    """Train until the clock or the planned epochs end the run, saving checkpoints on the way.

    Raises:
        TimeoutError: The budget was used up before the first step.
        FloatingPointError: The loss is no longer a finite number.
        RuntimeError: Memory runs out even with a single image.
    """
    labels = training_set.labels
    class_counts = torch.bincount(labels, minlength=len(job.classes)).float().to(job.device)
    transform, loss_function = train_transform(recipe), build_loss(recipe, class_counts).to(job.device)
    optimizer = build_optimizer(model, recipe)
    clock, checkpoints, log = contract.Clock(job), contract.Checkpoints(job), Log(job.budget_seconds)
    facts = {"recipe": asdict(recipe), "classes": job.classes}

    def compute_loss(images: Tensor, labels: Tensor) -> Tensor:
        return batch_loss(model, loss_function, transform(images), labels, recipe)

    model.train()
    batch_size, epoch, position, order = recipe.batch_size, 0, 0, epoch_order(labels, recipe, generator)
    while (progress := clock.progress((epoch + position / len(order)) / recipe.epochs)) < 1:
        if checkpoints.due(progress):
            log.check(epoch)
            checkpoints.save(model, facts)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(progress, recipe)
        batch = order[position : position + batch_size]
        try:
            images = contract.on_device(training_set.images[batch], job.device)
            loss = step(model, optimizer, compute_loss, images, labels[batch].to(job.device))
        except RuntimeError as error:
            if not contract.is_out_of_memory(error) or batch_size == 1:
                raise
            batch_size //= 2
            print(f"out of memory: going on with batches of {batch_size}")
            continue
        log.add(loss, len(batch))
        log.print_when_due(epoch, learning_rate_at(progress, recipe), batch_size)
        position += len(batch)
        if len(order) - position < min(batch_size, len(order)):  # a last small batch would upset batch normalisation
            epoch, position, order = epoch + 1, 0, epoch_order(labels, recipe, generator)
    log.print(epoch, learning_rate_at(1.0, recipe), batch_size)
    checkpoints.save(model, facts, last=True)


class Log:
    """Collects losses and prints one line now and then; stops the run when a loss is not a number."""

    def __init__(self, budget_seconds: float) -> None:
        self.every_seconds = min(30.0, max(1.0, budget_seconds / 40))
        self.restart()

    def restart(self) -> None:
        self.losses: list[Tensor] = []
        self.images, self.since = 0, time.monotonic()

    def add(self, loss: Tensor, images: int) -> None:
        self.losses.append(loss)
        self.images += images

    def check(self, epoch: int) -> float:
        """Return the mean loss since the last line; nan if there was no step."""
        mean = float(torch.stack(self.losses).mean()) if self.losses else math.nan
        if self.losses and not math.isfinite(mean):
            raise FloatingPointError(f"the loss is {mean} in epoch {epoch}: a lower learning rate may help")
        return mean

    def print_when_due(self, epoch: int, learning_rate: float, batch_size: int) -> None:
        if time.monotonic() - self.since >= self.every_seconds:
            self.print(epoch, learning_rate, batch_size)

    def print(self, epoch: int, learning_rate: float, batch_size: int) -> None:
        if not self.losses:
            return
        loss, seconds = self.check(epoch), time.monotonic() - self.since
        contract.print_metrics(
            epoch=epoch, loss=loss, learning_rate=learning_rate, batch_size=batch_size,
            images_per_second=self.images / max(seconds, 1e-9), seconds=time.monotonic() - contract.STARTED,
        )  # fmt: skip
        self.restart()


if __name__ == "__main__":
    try:
        main()
    except (FloatingPointError, TimeoutError) as error:
        sys.exit(f"error: {error}")
