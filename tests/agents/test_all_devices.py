"""The edit that trains on every device, really run: two processes of the CPU stand for two GPUs, with gloo for NCCL."""

from __future__ import annotations

import csv
import json
import random
import time
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from safetensors.torch import load_file

from agents.playbook.catalogue import BY_NAME
from agents.playbook.draft import Draft
from agents.playbook.editing import insert_before
from agents.playbook.reading import Reading
from agents.playbook.seams import TRAIN, set_field
from tasks.domain.errors import SandboxMissing
from tasks.domain.sandboxing import Bind, Job, Limits
from tasks.sandbox.bubblewrap import BubblewrapSandbox
from tasks.sandbox.local import LocalSandbox

TEMPLATE = Path(__file__).resolve().parents[2] / "model_templates" / "classification"
SOURCE = {path.name: path.read_text() for path in sorted(TEMPLATE.iterdir()) if path.suffix in {".py", ".toml"}}
LOCKED = ("contract.py", "template.toml")
READING = Reading(
    orientation="any", orientation_word="dermoscopy", metric="auroc", metric_kind="ranking", score=0.9,
    class_images=(("mel", 780), ("nv", 4700)), train_images=5480, epochs=12.0, loss_first=0.6, loss_last=0.3,
    images_per_second=400.0, train_seconds=90.0, used_seconds=89.0, predict_seconds=2.0, fit=0.0, backbone="resnet10t",
    image_size=64, batch_size=64, learning_rate=1e-3, weight_decay=0.01, planned_epochs=30, source_pixels=150,
    pretrained=False, device="cuda", weights=None, kept=frozenset(), devices=4,
)  # fmt: skip
DEVICES = BY_NAME["all_devices"]
NOTE_IMAGES = """
with (job.out / f"seen-{devices.RANK}.txt").open("a") as file:
    file.write(f"{epoch} {batch.tolist()}\\n")
"""
CRASH = "if devices.RANK == 1 and epoch == 1:\n    raise RuntimeError('the second process is lost')\n"
KEEP_APART = "with shared.no_sync():\n    step(model, optimizer, compute_loss, images, labels[batch].to(job.device))\n"


def draft_of(*techniques: str, epochs: int = 3) -> Draft:
    """Return the template with some techniques, and a recipe that ends after a few steps."""
    draft = Draft(SOURCE, locked=LOCKED)
    for name in techniques:
        BY_NAME[name].apply(draft, BY_NAME[name].ladder(READING)[0].settings)
    for field, value in (("epochs", epochs), ("batch_size", 4), ("image_size", 32)):
        set_field(draft, field, value)
    return draft


class Desk:
    """Runs drafts as the harness does, on twenty-four small pictures of two classes."""

    def __init__(self, folder: Path, sandbox: LocalSandbox | BubblewrapSandbox) -> None:
        self.folder, self.sandbox = folder, sandbox
        self.out, self.log = folder / "out", folder / "log"
        for name in ("code", "out", "cache", "data/images"):
            (folder / name).mkdir(parents=True)
        chance, rows = random.Random(0), []
        for number in range(24):
            label = "mel" if number % 4 == 0 else "nv"
            colour = (120 if label == "mel" else 200, chance.randrange(255), chance.randrange(255))
            Image.new("RGB", (48, 40), colour).save(folder / "data" / "images" / f"{number:02}.png")
            rows.append([f"{number:02}.png", label, number])
        for name, header in (("train.csv", ["image", "label", "group"]), ("images.csv", ["image"])):
            with (folder / "data" / name).open("w", newline="") as file:
                csv.writer(file).writerows([header, *(row[: len(header)] for row in rows)])
        task = {"classes": ["nv", "mel"], "positive": "mel", "priorities": ["mel"], "labels": {"nv": 18, "mel": 6}}
        (folder / "data" / "task.json").write_text(json.dumps(task))

    def run(self, draft: Draft, *, step: str = "train", budget_seconds: float = 120.0, devices: int = 2):
        for name, text in {**SOURCE, **draft.changed()}.items():
            (self.folder / "code" / name).write_text(text)
        binds = [
            Bind(name="CODE", source=self.folder / "code"),
            Bind(name="DATA", source=self.folder / "data"),
            Bind(name="OUT", source=self.out, writable=True),
            Bind(name="CACHE", source=self.folder / "cache", writable=True),
        ]
        if step == "predict":
            binds.append(Bind(name="CHECKPOINT", source=max((self.out / "checkpoints").iterdir())))
        job = Job(
            command=("python", f"{step}.py"),
            binds=tuple(binds),
            limits=Limits(wall_seconds=budget_seconds + 30),
            log=self.log,
            environment={
                "ROUNDS_DEVICE": "cpu", "ROUNDS_THREADS": "2", "ROUNDS_BUDGET_SECONDS": f"{budget_seconds:g}",
                "ROUNDS_MAX_CHECKPOINTS": "2", "ROUNDS_SEED": "0", "ROUNDS_DEVICES": str(devices),
            },
        )  # fmt: skip
        return self.sandbox.run(job)

    def lines(self, start: str) -> list[str]:
        return [line for line in self.log.read_text().splitlines() if line.startswith(start)]

    def seen(self, rank: int) -> dict[int, set[int]]:
        """Return the images that a process was shown, by epoch."""
        images: dict[int, set[int]] = {}
        for line in (self.out / f"seen-{rank}.txt").read_text().splitlines():
            epoch, batch = line.split(" ", 1)
            images.setdefault(int(epoch), set()).update(json.loads(batch))
        return images


@pytest.fixture(params=["local", pytest.param("bubblewrap", marks=pytest.mark.bubblewrap)])
def desk(request, tmp_path) -> Desk:
    if request.param == "local":
        return Desk(tmp_path, LocalSandbox())
    try:
        return Desk(tmp_path, BubblewrapSandbox())
    except SandboxMissing as error:
        pytest.skip(str(error))


@pytest.fixture
def local_desk(tmp_path) -> Desk:
    return Desk(tmp_path, LocalSandbox())


def test_one_device_is_a_reason_not_to_try_it_and_so_is_time_to_spare() -> None:
    assert DEVICES.unsuited(READING) == ""
    assert DEVICES.unsuited(replace(READING, devices=1)) == "there is one device"
    assert "through with the planned epochs" in DEVICES.unsuited(replace(READING, used_seconds=20.0))
    assert "few to deal out" in DEVICES.unsuited(replace(READING, train_images=300))
    assert "There are 4 devices" in DEVICES.why(READING)


@pytest.mark.slow
def test_inputs_beside_the_images_go_to_the_process_that_has_their_images(local_desk) -> None:
    data, chance = local_desk.folder / "data", random.Random(0)
    inputs = [{"name": "age", "kind": "number", "values": [], "mean": 50.0, "deviation": 20.0}]
    for name in ("train.csv", "images.csv"):
        with (data / name).open(newline="") as file:
            rows = list(csv.DictReader(file))
        with (data / name).open("w", newline="") as file:
            writer = csv.DictWriter(file, ["input_age", *rows[0]])
            writer.writeheader()
            writer.writerows({**row, "input_age": chance.randrange(20, 80)} for row in rows)
    task = json.loads((data / "task.json").read_text())
    (data / "task.json").write_text(json.dumps({**task, "inputs": inputs}))
    draft = draft_of("metadata_fusion", "all_devices")
    done = local_desk.run(draft)
    assert done.ok, local_desk.log.read_text()
    state = load_file(max((local_desk.out / "checkpoints").iterdir()))
    assert state["fusion.change.weight"].abs().sum() > 0
    assert local_desk.run(draft, step="predict").ok, local_desk.log.read_text()


@pytest.mark.slow
def test_two_processes_train_one_network_on_different_images_and_leave_one_set_of_checkpoints(desk) -> None:
    draft = draft_of("all_devices")
    draft.change(TRAIN, insert_before, "train", "log.add(loss, len(batch))", NOTE_IMAGES)
    done = desk.run(draft)
    assert done.ok, desk.log.read_text()
    assert sorted(path.name for path in (desk.out / "checkpoints").iterdir()) == [
        "part-1-of-2.safetensors",
        "part-2-of-2.safetensors",
    ]
    assert len(desk.lines("checkpoint ")) == 2, "the second process is silent"
    first, second = desk.seen(0), desk.seen(1)
    assert first.keys() == second.keys() == {0, 1, 2}
    for epoch in first:
        assert len(first[epoch]) == len(second[epoch]) == 12
        assert first[epoch] | second[epoch] == set(range(24)), "together they see every image"
    assert first[0] != first[1], "each epoch deals them out anew"
    assert not [name for name in load_file(desk.out / "checkpoints" / "part-2-of-2.safetensors") if "module." in name]
    assert desk.run(draft, step="predict").ok, desk.log.read_text()
    with (desk.out / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 24
    assert len({row["mel"] for row in rows}) > 1


@pytest.mark.slow
def test_the_clock_ends_all_processes_within_the_budget_that_began_before_torchrun(local_desk) -> None:
    started = time.monotonic()
    done = local_desk.run(draft_of("all_devices", epochs=100_000), budget_seconds=60.0)
    assert done.ok, local_desk.log.read_text()
    assert time.monotonic() - started < 75
    assert len(local_desk.lines("checkpoint ")) == 2


@pytest.mark.slow
def test_a_crash_of_one_process_fails_the_run_at_once(local_desk) -> None:
    draft = draft_of("all_devices", epochs=100_000)
    draft.change(TRAIN, insert_before, "train", "log.add(loss, len(batch))", CRASH)
    done = local_desk.run(draft, budget_seconds=300.0)
    assert (done.reason, done.exit_code) == ("exit", 1)
    assert done.seconds < 120
    assert "the second process is lost" in local_desk.log.read_text()


@pytest.mark.slow
def test_networks_that_drift_apart_are_never_saved(local_desk) -> None:
    draft = draft_of("all_devices")
    draft.change(TRAIN, insert_before, "train", "log.add(loss, len(batch))", KEEP_APART)
    done = local_desk.run(draft)
    assert done.reason == "exit"
    assert "the networks of the processes differ" in local_desk.log.read_text()
    assert not list((local_desk.out / "checkpoints").iterdir())


@pytest.mark.slow
def test_the_same_code_trains_on_one_device_without_torchrun(local_desk) -> None:
    done = local_desk.run(draft_of("all_devices"), devices=1)
    assert done.ok, local_desk.log.read_text()
    assert "learning_rate=0.001," in local_desk.lines("device ")[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "stack",
    [
        ("weight_averaging", "all_devices", "mixup", "balanced_sampling", "gradient_clipping", "progressive_sizes"),
        ("all_devices", "weight_averaging", "incumbent_weights", "bfloat16", "fused_optimizer", "focal_loss"),
        ("all_devices", "committee", "cosine_schedule", "flips_and_turns", "random_erasing", "logit_adjustment"),
    ],
    ids="+".join,
)
def test_it_works_together_with_other_techniques(stack, local_desk) -> None:
    draft = draft_of(*stack)
    assert local_desk.run(draft).ok, local_desk.log.read_text()
    assert local_desk.run(draft, step="predict").ok, local_desk.log.read_text()
