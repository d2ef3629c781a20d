"""From image files to batches of tensors.

Images are decoded and resized once and kept as bytes (N, 3, S, S); whatever changes from epoch to epoch works on whole
batches, so that it is fast on a CPU and on a GPU alike.
"""

import csv
import hashlib
import inspect
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torchvision.transforms import v2

from recipe import Recipe

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, as timm's weights expect


@dataclass(frozen=True)
class TrainingSet:
    images: Tensor  # (N, 3, S, S) uint8, mapped from a file
    labels: Tensor  # (N,) int64, index into the classes
    groups: Tensor  # (N,) int64, patient or lesion of each image


def load_train(recipe: Recipe, classes: Sequence[str], folder: Path, cache: Path, threads: int) -> TrainingSet:
    """Return the training images, decoded now or in an earlier round."""
    with (folder / "train.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    files = [folder / "images" / row["image"] for row in rows]
    return TrainingSet(
        images=decode_once(files, recipe.image_size, cache, threads),
        labels=torch.tensor([classes.index(row["label"]) for row in rows]),
        groups=torch.tensor([int(row["group"]) for row in rows]),
    )


def train_transform(recipe: Recipe) -> Callable[[Tensor], Tensor]:
    """Return what turns a batch of bytes (B, 3, S, S) into the input of a training step, on any device.

    Transforms of torchvision draw one random number for a whole batch: augmentation that should differ from image to
    image has to draw a vector of B.
    """
    return evaluation_transform(recipe)


def evaluation_transform(recipe: Recipe) -> Callable[[Tensor], Tensor]:
    """Return what turns a batch of bytes (B, 3, S, S) into normalised floats, without chance."""
    return v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)])


def epoch_order(labels: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Return the images of one epoch in the order in which they are shown, as indices."""
    return torch.randperm(len(labels), generator=generator)


def evaluation_batches(files: Sequence[Path], recipe: Recipe, threads: int) -> Iterator[Tensor]:
    """Yield the images as batches of bytes (B, 3, S, S), in order."""
    for start in range(0, len(files), recipe.batch_size):
        batch = files[start : start + recipe.batch_size]
        images = np.empty((len(batch), 3, recipe.image_size, recipe.image_size), dtype=np.uint8)
        decode_into(images, batch, threads)
        yield torch.from_numpy(images)


def decode_once(files: Sequence[Path], size: int, cache: Path, threads: int) -> Tensor:
    """Return the decoded images (N, 3, S, S), from the cache if the same files were decoded in the same way before."""
    listing = "\n".join(f"{file.name} {file.stat().st_size}" for file in files)
    code = "".join(inspect.getsource(function) for function in (decode_image, to_rgb))
    key = hashlib.sha256(f"{size}\n{listing}\n{code}".encode()).hexdigest()[:16]
    decoded = cache / f"images-{size}-{key}.npy"
    if not decoded.is_file():
        started = time.monotonic()
        unfinished = decoded.with_suffix(f".{os.getpid()}.tmp")
        images = np.lib.format.open_memmap(unfinished, "w+", np.uint8, (len(files), 3, size, size))
        decode_into(images, files, threads)
        images.flush()
        unfinished.replace(decoded)
        print(f"decoded {len(files)} images to {size} x {size} pixels in {time.monotonic() - started:.1f} s")
    return torch.from_numpy(np.load(decoded, mmap_mode="c"))


def decode_into(images: np.ndarray, files: Sequence[Path], threads: int) -> None:
    """Fill an array of bytes (N, 3, S, S) with the decoded files."""

    def decode(position: int) -> None:
        images[position] = decode_image(files[position], images.shape[-1])

    with ThreadPoolExecutor(threads) as pool:  # Pillow lets go of the interpreter's lock while it decodes and resizes
        list(pool.map(decode, range(len(files))))


def decode_image(file: Path, size: int) -> np.ndarray:
    """Return one image as bytes (3, size, size).

    Raises:
        ValueError: The file cannot be read as an image.
    """
    try:
        with Image.open(file) as image:
            image.draft("RGB", (2 * size, 2 * size))  # a large JPEG is decoded at a fraction of its size
            upright = ImageOps.exif_transpose(image)
            resized = to_rgb(upright).resize((size, size), Image.Resampling.BICUBIC)
    except OSError as error:
        raise ValueError(f"{file.name} cannot be read as an image: {error}") from error
    return np.asarray(resized).transpose(2, 0, 1)


def to_rgb(image: Image.Image) -> Image.Image:
    """Return any image as 8-bit RGB; more than 8 bits are scaled from the image's own minimum and maximum."""
    if image.mode[0] in "IF":
        values = np.asarray(image, dtype=np.float32)
        low, high = float(values.min()), float(values.max())
        image = Image.fromarray(np.uint8((values - low) * (255 / max(high - low, 1e-6))))
    return image.convert("RGB")
