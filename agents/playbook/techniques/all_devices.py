"""Training on every device at once: one process a device, started by torchrun, with averaged gradients."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import libcst as cst
from libcst import matchers

from agents.playbook.editing import insert_after, insert_before, replace_expression, replace_statement
from agents.playbook.imports import add_import
from agents.playbook.seams import TRAIN
from agents.playbook.syntax import SeamMissing, code_of, in_scope
from agents.playbook.technique import Gain, Rung, Technique

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading
    from agents.playbook.technique import Settings

DEVICES = "devices.py"
_FILE = '''"""One process a device: each trains the same network on its share of the images, and all end at the same step.

Batch normalisation looks at one device's batch, as large as before; its running statistics are averaged when weights
are saved. Source: Goyal et al., Accurate, large minibatch SGD (2017), sections 2.3 and 3.
"""

import math
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

import contract
from recipe import Recipe

RANK, COUNT = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))  # of the processes of this run


def start() -> None:
    """Become torchrun with one process a device, or, as one of these, join the others; do nothing for one device."""
    on_cuda = contract.choose_device(os.environ.get("ROUNDS_DEVICE") or "auto").type == "cuda"
    there = torch.cuda.device_count() if on_cuda else 1
    wanted = int(os.environ.get("ROUNDS_DEVICES") or there)
    count = min(wanted, there) if on_cuda else wanted
    if COUNT > 1:
        join(on_cuda)
    elif count > 1:
        become_torchrun(count)


def become_torchrun(count: int) -> None:
    """Replace this process; an address, as a sandbox without network cannot look up the name of its own machine."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    ends = contract.STARTED + float(os.environ.get("ROUNDS_BUDGET_SECONDS") or "inf")
    os.environ.update(ROUNDS_ENDS=str(ends), OMP_NUM_THREADS="1")
    if sys.platform == "linux":
        os.environ.update(GLOO_SOCKET_IFNAME="lo", NCCL_SOCKET_IFNAME="lo")
    place = ["--master-addr", "127.0.0.1", "--master-port", str(port), "--nproc-per-node", str(count)]
    os.execv(sys.executable, [sys.executable, "-m", "torch.distributed.run", *place, *sys.argv])


def join(on_cuda: bool) -> None:
    """Meet the other processes; the clock that all of a machine share tells what is left of the budget."""
    os.environ.update(ROUNDS_BUDGET_SECONDS=str(float(os.environ.get("ROUNDS_ENDS", "inf")) - contract.STARTED))
    if on_cuda:
        torch.cuda.set_device(RANK)
    if RANK > 0:
        sys.stdout = open(os.devnull, "w")
    distributed.init_process_group("cpu:gloo,cuda:nccl" if on_cuda else "gloo")


def largest(value: float) -> float:
    """Return the largest value that any process gives; all wait for each other here, without waiting for a GPU."""
    if COUNT > 1:
        agreed = torch.tensor(value, dtype=torch.float64)
        distributed.all_reduce(agreed, distributed.ReduceOp.MAX)
        return agreed.item()
    return value


@contextmanager
def first_ahead() -> Iterator[None]:
    """Let the first process fill the cache of decoded images before the others read from it."""
    if RANK > 0:
        largest(0.0)
    yield
    if RANK == 0:
        largest(0.0)


def scaled(recipe: Recipe) -> Recipe:
    """Return the recipe with the learning rate for a step over the batches of all processes.

    Source: Malladi et al., On the SDEs and scaling rules for adaptive gradient algorithms (NeurIPS 2022): the root.
    """
    return replace(recipe, learning_rate=recipe.learning_rate * math.sqrt(COUNT))


def shared(model: nn.Module, job: contract.Job) -> nn.Module:
    """Return the network such that a backward pass through it averages the gradients of all processes."""
    if COUNT == 1:
        return model
    torch.set_num_threads(max(1, job.threads // COUNT))
    contract.seed_everything(torch.initial_seed() + 1000 * RANK)  # augmentation differs from process to process
    return DistributedDataParallel(model, forward_sync_buffers=False)


def share(order: Tensor) -> Tensor:
    """Return this process's part of the images of an epoch; all parts are equally long."""
    return order[RANK::COUNT][: len(order) // COUNT]


class Clock(contract.Clock):
    """The budget of all processes: the one that is furthest decides for all."""

    def progress(self, planned: float = 0.0) -> float:
        return largest(super().progress(planned))


class Checkpoints(contract.Checkpoints):
    """Written by the first process; all of them save at the same step."""

    def save(self, model: nn.Module, facts: dict, *, last: bool = False) -> None:
        if COUNT > 1:
            weight = sum(parameter.detach().double().abs().sum().item() for parameter in model.parameters())
            if largest(weight) + largest(-weight) > 1e-6 * weight:
                raise RuntimeError("the networks of the processes differ: some gradients were not averaged")
            for buffer in model.buffers():
                if buffer.is_floating_point():
                    distributed.all_reduce(buffer)
                    buffer /= COUNT
        if RANK == 0:
            super().save(model, facts, last=last)
        else:
            self.saved = self.total if last else self.saved + 1
        if last and COUNT > 1:
            distributed.destroy_process_group()
'''


def _unsuited(reading: Reading) -> str:
    if reading.devices < 2:
        return "there is one device"
    if reading.used_seconds < 0.6 * reading.train_seconds:
        return (
            f"one device is through with the planned epochs after {reading.used_seconds:.0f} of its "
            f"{reading.train_seconds:.0f} s; more would only take fewer steps"
        )
    few = 2 * reading.batch_size * reading.devices
    return f"{reading.train_images:,} images are few to deal out" if reading.train_images < few else ""


def _why(reading: Reading) -> str:
    epochs = "" if math.isnan(reading.epochs) else f", where one passes over the images {reading.epochs:.0f} times"
    return (
        f"There are {reading.devices} devices, and the run uses one{epochs}. Each keeps batches of {reading.batch_size}, which "
        "fill it as before and take the memory that they took, so a step sees as many times more images; the learning rate "
        "grows by the root of that, which keeps the noise of an adaptive optimiser's steps what it was."
    )


def _rewrite_calls(text: str, function: str, change: Callable[[str], str]) -> str:
    """Return the text with every call of a function in `train` rewritten, at least one."""
    calls = matchers.Call(func=matchers.Name(function))

    def rewrite(scope: Any) -> Any:
        return matchers.replace(scope, calls, lambda call, _: cst.parse_expression(change(code_of(call))))

    rewritten = in_scope(text, "train", rewrite)
    if rewritten == text:
        raise SeamMissing(f"train has no call of {function} that can be shared")
    return rewritten


def _apply(draft: Draft, _: Settings) -> None:
    if DEVICES in draft and draft[DEVICES] == _FILE:
        return
    if "climb(" in draft[TRAIN]:
        raise SeamMissing(
            "a sharpness-aware step has a pass of its own, which does not average gradients over processes"
        )
    draft.add_file(DEVICES, _FILE)
    begin = "job, recipe = contract.read_job(), Recipe()"
    draft.change(TRAIN, insert_before, "main", begin, "devices.start()")
    draft.change(TRAIN, insert_after, "main", begin, "recipe = devices.scaled(recipe)")
    load = "training_set = load_train(recipe, job.classes, job.data, job.cache, job.threads)"
    draft.change(TRAIN, replace_statement, "main", load, f"with devices.first_ahead():\n    {load}")
    draft.change(TRAIN, insert_after, "train", "labels = training_set.labels", "shared = devices.shared(model, job)")
    draft.change(TRAIN, _rewrite_calls, "batch_loss", lambda call: call.replace("(model,", "(shared,"))
    draft.change(TRAIN, _rewrite_calls, "epoch_order", "devices.share({})".format)
    for name in ("Clock", "Checkpoints"):
        draft.change(TRAIN, replace_expression, "train", f"contract.{name}(job)", f"devices.{name}(job)")
    alone = "batch_size == 1"  # one process that goes on with less would leave the others waiting
    draft.change(TRAIN, replace_expression, "train", alone, f"{alone} or devices.COUNT > 1")
    draft.change(TRAIN, replace_statement, "Log.add", "self.images += images", "self.images += images * devices.COUNT")
    draft.change(TRAIN, add_import, "import devices")


TECHNIQUE = Technique(
    name="all_devices",
    theme="schedule",
    source="Li et al., PyTorch Distributed: experiences on accelerating data parallel training (VLDB 2020); Goyal et al., "
    "Accurate, large minibatch SGD (2017); Malladi et al., On the SDEs and scaling rules for adaptive gradient algorithms "
    "(NeurIPS 2022)",
    expected="Nearly as many times more images and epochs in the same time as there are devices, and a lower training loss.",
    gains={"ranking": Gain(0.1, 0.08), "decision": Gain(0.1, 0.08), "calibration": Gain(0.03, 0.06)},
    ladder=lambda _: (Rung("training on every device at once", {"all_devices": 1}),),
    unsuited=_unsuited,
    why=_why,
    apply=_apply,
    underfit=1.6,
    overfit=0.4,
)
