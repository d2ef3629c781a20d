"""The delivered model as MLflow serves it: a list of image paths in, probabilities and decision out.

A model that sees more than the image takes, in place of a path, a JSON object with the path and what is known of that image:
'{"image": "a.png", "age": 52, "sex": "female"}'. What is left out, or is null, is not known.

MLflow runs this file by itself (models from code). It starts the delivered codebase's own predict program, so that what is
served is what was tested. Unlike `rounds predict` it uses no sandbox, so a model whose code a language model wrote is refused. An
operator who has read that code, or who serves it where it can do no harm, sets ROUNDS_SERVE_UNTRUSTED=1.
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
        if self.card.get("trusted_code") is not True and os.environ.get("ROUNDS_SERVE_UNTRUSTED") != "1":
            raise PermissionError(
                f"the code of this model was not shipped with Rounds (written by: {self.card.get('agent', 'not said')}), and here it would "
                "run without a sandbox. Use `rounds predict`, which has one; or read the code, and set ROUNDS_SERVE_UNTRUSTED=1 to "
                "serve it all the same"
            )

    def predict(self, context, model_input: list[str], params=None):
        """Return a data frame with one row an image: file, one probability a class, and for two classes the decision."""
        asked = [self._asked(item) for item in model_input]
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            names = self._lay_out(work / "data", asked)
            environment = {
                **os.environ,
                "ROUNDS_CODE": str(self.folder / "code"),
                "ROUNDS_DATA": str(work / "data"),
                "ROUNDS_OUT": str(work),
                "ROUNDS_CHECKPOINT": str(self.folder / "model.safetensors"),
            }
            subprocess.run([sys.executable, "predict.py"], cwd=self.folder / "code", env=environment, check=True)
            table = pd.read_csv(work / "predictions.csv").set_index("image").loc[names].reset_index(drop=True)
        table.insert(0, "file", [item["image"] for item in asked])
        positive, threshold = self.card["positive"], self.card["threshold"]
        if positive and threshold is not None:
            table[f"is_{positive}"] = table[positive] >= threshold
        return table

    def _asked(self, item):
        """Return path and inputs of one image.

        Raises:
            ValueError: An input is none of the model's, a number is no number, or a category is unknown.
        """
        known = {entry["name"]: entry for entry in self.card.get("inputs", [])}
        asked = json.loads(item) if known and item.lstrip().startswith("{") else {"image": item}
        strange = sorted(set(asked) - {"image", *known})
        if strange or "image" not in asked:
            raise ValueError(
                f"an image is given as image, {', '.join(known)}; not as {', '.join(strange) or 'nothing'}"
            )
        for name in set(asked) & set(known):
            entry, value = known[name], asked[name]
            if value is not None and entry["kind"] == "number":
                float(value)
            elif value is not None and str(value) not in entry["values"]:
                raise ValueError(f"{name} is one of {', '.join(entry['values'])}, or null; not {value!r}")
        return asked

    def _lay_out(self, data, asked):
        (data / "images").mkdir(parents=True)
        names = [f"{index:08d}{Path(item['image']).suffix.lower()}" for index, item in enumerate(asked)]
        inputs = [entry["name"] for entry in self.card.get("inputs", [])]
        rows = [["image", *(f"input_{name}" for name in inputs)]]
        for name, item in zip(names, asked, strict=True):
            shutil.copyfile(item["image"], data / "images" / name)
            rows.append([name, *(item.get(key) for key in inputs)])  # csv writes None as an empty cell
        with (data / "images.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows(rows)
        (data / "task.json").write_text(json.dumps({"classes": self.card["classes"]}))
        return names


mlflow.models.set_model(DeliveredModel())
