"""Say how near an image's brightness is to the mean of each class."""

import hashlib
import os

import numpy as np
from PIL import Image, ImageStat
from safetensors.numpy import load_file

from contract import DATA, rows, write_predictions

weights = load_file(os.environ["ROUNDS_CHECKPOINT"])


def seen(image):
    chance = int(hashlib.sha256(image.encode()).hexdigest()[:8], 16) / 2**32 - 0.5
    return ImageStat.Stat(Image.open(DATA / "images" / image).convert("L")).mean[0] + 2 * chance * weights["noise"][0]


images = [row["image"] for row in rows("images.csv")]
distances = np.array([-np.abs(seen(image) - weights["means"]) / 20 for image in images])
probabilities = np.exp(distances) / np.exp(distances).sum(axis=1, keepdims=True)
write_predictions(images, probabilities.tolist())
