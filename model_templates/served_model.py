"""The delivered model as MLflow serves it: a list of image paths in, probabilities and decision out.

MLflow runs this file by itself (models from code). It starts the delivered codebase's own predict program, so that what is
served is what was tested. Unlike `rounds predict` it uses no sandbox: serve only models that you trust.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import mlflow
import pandas as pd


class DeliveredModel(mlflow.pyfunc.PythonModel):
    """Predicts image files with the delivered checkpoint."""

    def load_context(self, context):
        self.folder = Path(context.artifacts["model"])
        self.card = json.loads((self.folder / "model.json").read_text())

    def predict(self, context, model_input: list[str], params=None):
        """Return a data frame with one row an image: file, one probability a class, and for two classes the decision."""
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            names = self._lay_out(work / "data", model_input)
            environment = {
                **os.environ,
                "ROUNDS_CODE": str(self.folder / "code"),
                "ROUNDS_DATA": str(work / "data"),
                "ROUNDS_OUT": str(work),
                "ROUNDS_CHECKPOINT": str(self.folder / "model.safetensors"),
            }
            subprocess.run([sys.executable, "predict.py"], cwd=self.folder / "code", env=environment, check=True)
            table = pd.read_csv(work / "predictions.csv").set_index("image").loc[names].reset_index(drop=True)
        table.insert(0, "file", model_input)
        positive, threshold = self.card["positive"], self.card["threshold"]
        if positive and threshold is not None:
            table[f"is_{positive}"] = table[positive] >= threshold
        return table

    def _lay_out(self, data, files):
        (data / "images").mkdir(parents=True)
        names = [f"{index:08d}{Path(file).suffix.lower()}" for index, file in enumerate(files)]
        for name, file in zip(names, files, strict=True):
            shutil.copyfile(file, data / "images" / name)
        with (data / "images.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows([["image"], *([name] for name in names)])
        (data / "task.json").write_text(json.dumps({"classes": self.card["classes"]}))
        return names


mlflow.models.set_model(DeliveredModel())
