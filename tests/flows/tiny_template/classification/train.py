"""Learn the mean brightness of each class."""

import os
import time

import numpy as np
from PIL import Image, ImageStat
from safetensors.numpy import save_file

from contract import CLASSES, DATA, OUT, rows
from recipe import Recipe


def brightness(image):
    return ImageStat.Stat(Image.open(DATA / "images" / image).convert("L")).mean[0]


recipe = Recipe()
values = {name: [] for name in CLASSES}
for row in rows("train.csv"):
    values[row["label"]].append(brightness(row["image"]))
time.sleep(recipe.seconds)
means = np.array([np.mean(values[name]) for name in CLASSES])
(OUT / "checkpoints").mkdir(exist_ok=True)
save_file({"means": means, "noise": np.array([recipe.noise])}, OUT / "checkpoints" / "last.safetensors")
print(f"metric epoch=1 loss={recipe.noise} seed={os.environ['ROUNDS_SEED']}")
