"""Paths and files of the agreement with the harness."""

import csv
import json
import os
from pathlib import Path

DATA, OUT = Path(os.environ["ROUNDS_DATA"]), Path(os.environ["ROUNDS_OUT"])
CLASSES = json.loads((DATA / "task.json").read_text())["classes"]


def rows(name):
    with (DATA / name).open(newline="") as file:
        return list(csv.DictReader(file))


def write_predictions(images, probabilities):
    with (OUT / "predictions.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", *CLASSES])
        for image, values in zip(images, probabilities, strict=True):
            writer.writerow([image, *values])
