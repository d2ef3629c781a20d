"""The classification template, run as the harness runs it and, where that is slow, from within."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

TEMPLATE = Path(__file__).resolve().parents[2] / "model_templates" / "classification"
MODULES = ("contract", "recipe", "data", "model", "loss", "train", "predict")
CLASSES = ("nevus", "melanoma")


@pytest.fixture(scope="module")
def template():
    """The template's modules; their names are plain, so they leave again afterwards."""
    before = {name: sys.modules.pop(name) for name in MODULES if name in sys.modules}
    sys.path.insert(0, str(TEMPLATE))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield SimpleNamespace(**{name: __import__(name) for name in MODULES})
    torch.set_num_threads(threads)
    sys.path.remove(str(TEMPLATE))
    for name in MODULES:
        sys.modules.pop(name, None)
    sys.modules.update(before)


@pytest.fixture
def study(tmp_path):
    """Data of 48 images, half of them with a dark spot, and the folders of a run."""
    images = tmp_path / "data" / "images"
    images.mkdir(parents=True)
    for folder in ("out", "cache"):
        (tmp_path / folder).mkdir()
    chance, rows = np.random.default_rng(0), []
    for number in range(48):
        pixels = chance.integers(150, 200, (32, 32, 3), dtype=np.uint8)
        if number % 2:
            pixels[8:24, 8:24] //= 4
        Image.fromarray(pixels).save(images / f"{number:03}.png")
        rows.append((f"{number:03}.png", CLASSES[number % 2], number // 3))
    with (tmp_path / "data" / "train.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("image", "label", "group"), *rows])
    (tmp_path / "data" / "images.csv").write_text("image\n" + "".join(f"{image}\n" for image, *_ in rows))
    (tmp_path / "data" / "task.json").write_text('{"classes": ["nevus", "melanoma"], "positive": "melanoma"}')
    return tmp_path


def environment(study, **more):
    names = {name: str(study / name.lower()) for name in ("DATA", "OUT", "CACHE")}
    values = {**names, "BUDGET_SECONDS": "60", "SEED": "0", "DEVICE": "cpu", "THREADS": "1", **more}
    return {f"ROUNDS_{name}": value for name, value in values.items()}


@pytest.fixture
def start(template, study, monkeypatch):
    """Return a function that gives a job, a small recipe and what training needs, the clock set to zero."""

    def prepare(*, epochs=4, batch_size=16, weights=None, **more):
        for name, value in environment(study, **more).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(template.contract, "STARTED", time.monotonic())
        job = replace(template.contract.read_job(), weights=weights)
        recipe = template.recipe.Recipe(backbone="test_resnet", image_size=32, epochs=epochs, batch_size=batch_size)
        generator = template.contract.seed_everything(job.seed)
        model = template.model.build_model(recipe, 2)
        template.model.load_pretrained(model, recipe, job.weights)
        training_set = template.data.load_train(recipe, job.classes, job.data, job.cache, job.threads)
        return model, training_set, recipe, job, generator

    return prepare


def checkpoints(study):
    return sorted(file.name for file in (study / "out" / "checkpoints").iterdir())


def test_a_run_killed_in_the_middle_leaves_a_checkpoint_that_predicts_every_image(study):
    code = shutil.copytree(TEMPLATE, study / "code", ignore=shutil.ignore_patterns("__pycache__"))
    recipe = (code / "recipe.py").read_text()
    small = recipe.replace('"resnet10t"', '"test_resnet"').replace("image_size: int = 64", "image_size: int = 32")
    (code / "recipe.py").write_text(small.replace("epochs: int = 30", "epochs: int = 1_000_000"))
    more = environment(study, BUDGET_SECONDS="600", MAX_CHECKPOINTS="1000")
    settings = {"cwd": code, "env": {**os.environ, **more, "PYTHONDONTWRITEBYTECODE": "1"}, "text": True}

    with subprocess.Popen([sys.executable, "train.py"], stdout=subprocess.PIPE, **settings) as training:
        lines = []
        while "checkpoint part-1-of-1000.safetensors\n" not in lines:
            lines.append(training.stdout.readline())
            assert lines[-1], lines
        training.send_signal(signal.SIGKILL)
    assert training.returncode == -signal.SIGKILL
    assert "weights: test_resnet from scratch, because there are none in the local cache\n" in lines

    settings["env"]["ROUNDS_CHECKPOINT"] = str(study / "out" / "checkpoints" / "part-1-of-1000.safetensors")
    subprocess.run([sys.executable, "predict.py"], check=True, **settings)
    with (study / "out" / "predictions.csv").open() as file:
        header, *rows = csv.reader(file)
    assert header == ["image", "nevus", "melanoma"]
    assert [row[0] for row in rows] == [f"{number:03}.png" for number in range(48)]
    assert np.array([row[1:] for row in rows], dtype=float).sum(axis=1) == pytest.approx(1, abs=1e-6)


def test_a_planned_run_learns_and_saves_at_each_third(template, study, start, capsys, monkeypatch):
    template.train.train(*start(epochs=12))
    assert checkpoints(study) == [f"part-{part}-of-3.safetensors" for part in (1, 2, 3)]
    metric = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("metric "))
    fields = dict(field.split("=") for field in metric.split()[1:])
    assert {"epoch", "loss", "learning_rate", "batch_size", "images_per_second", "seconds"} == set(fields)

    last = study / "out" / "checkpoints" / "part-3-of-3.safetensors"
    with safe_open(last, "pt") as file:
        assert "test_resnet" in file.metadata()["facts"]
    monkeypatch.setenv("ROUNDS_CHECKPOINT", str(last))
    template.predict.main()
    with (study / "out" / "predictions.csv").open() as file:
        melanoma = [float(row["melanoma"]) for row in csv.DictReader(file)]
    assert min(melanoma[1::2]) > max(melanoma[::2])


def test_training_stops_at_the_budget(template, study, start):
    template.train.train(*start(epochs=1_000_000, BUDGET_SECONDS="2"))
    assert 1 < time.monotonic() - template.contract.STARTED < 20  # a million epochs take days; busy machines are slow
    assert "part-3-of-3.safetensors" in checkpoints(study)


def test_a_budget_used_up_by_start_up_is_an_error_and_no_untrained_model_is_saved(template, study, start):
    with pytest.raises(TimeoutError, match=r"all of the budget of 0\.1 s"):
        template.train.train(*start(BUDGET_SECONDS="0.1"))
    assert not (study / "out" / "checkpoints").exists()


def test_no_more_checkpoints_than_allowed_are_written(template, study, start):
    template.train.train(*start(MAX_CHECKPOINTS="1"))
    assert checkpoints(study) == ["part-1-of-1.safetensors"]


def test_progress_follows_time_or_plan_whichever_is_further(template, start, monkeypatch):
    *_, job, _ = start(BUDGET_SECONDS="1000")
    now = time.monotonic()
    monkeypatch.setattr(template.contract, "STARTED", now)
    clock = template.contract.Clock(job)
    assert clock.progress(0.5) == 0.5
    clock.began, clock.ends, clock.looked, clock.longest_step = now - 600, now + 400, time.monotonic(), 0.0
    assert clock.progress(0.5) == pytest.approx(0.6, abs=0.01)
    clock.longest_step = 500.0
    assert clock.progress() == 1.0


class MemoryOfSixteenImages:
    """Fails like a device whose memory holds 16 images."""

    def __init__(self, train_step, error):
        self.train_step, self.error, self.sizes = train_step, error, []

    def __call__(self, model, optimizer, compute_loss, images, labels):
        self.sizes.append(len(images))
        if len(images) > 16:
            raise self.error
        return self.train_step(model, optimizer, compute_loss, images, labels)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
    ],
)
def test_out_of_memory_halves_the_batch_and_goes_on(template, study, start, capsys, error):
    step = MemoryOfSixteenImages(template.train.train_step, error)
    template.train.train(*start(epochs=1, batch_size=48), step=step)
    assert step.sizes == [48, 24, 12, 12, 12, 12]
    assert "out of memory: going on with batches of 12" in capsys.readouterr().out
    assert "part-3-of-3.safetensors" in checkpoints(study)


def test_out_of_memory_with_a_single_image_is_an_error(template, start):
    def full(*arguments):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        template.train.train(*start(batch_size=4), step=full)


def test_another_error_of_a_step_is_not_taken_for_missing_memory(template, start):
    def broken(*arguments):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        template.train.train(*start(), step=broken)


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_earlier_checkpoints(template, study, start):
    steps = []

    def diverging(model, optimizer, compute_loss, images, labels):
        steps.append(1)
        return torch.tensor(1.0 if len(steps) < 14 else float("nan"))

    with pytest.raises(FloatingPointError, match="the loss is nan in epoch 8"):
        template.train.train(*start(epochs=12), step=diverging)
    assert checkpoints(study) == ["part-1-of-3.safetensors"]


def test_the_same_seed_gives_the_same_model_and_another_seed_another(template, study, start):
    def trained(seed):
        template.train.train(*start(epochs=2, SEED=seed))
        return template.contract.load_checkpoint(study / "out" / "checkpoints" / "part-3-of-3.safetensors")[0]

    first, second, other = trained("5"), trained("5"), trained("6")
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["fc.weight"], other["fc.weight"])


def test_a_device_that_is_missing_is_an_error_and_never_replaced(template):
    assert template.contract.choose_device("auto").type in {"cuda", "mps", "cpu"}
    with pytest.raises(ValueError, match="ROUNDS_DEVICE is 'abacus'"):
        template.contract.choose_device("abacus")


def test_a_checkpoint_for_other_classes_does_not_predict(template, study, start, monkeypatch):
    template.train.train(*start(epochs=1))
    (study / "data" / "task.json").write_text('{"classes": ["melanoma", "nevus"]}')
    monkeypatch.setenv("ROUNDS_CHECKPOINT", str(study / "out" / "checkpoints" / "part-3-of-3.safetensors"))
    with pytest.raises(ValueError, match="the checkpoint knows the classes"):
        template.predict.main()
