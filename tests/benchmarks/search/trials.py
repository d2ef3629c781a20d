"""Trials of a method that proposes whole codebases: each is trained, predicts validation and is kept on disk."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from flows.run_round import run_round
from flows.steps import plain
from tasks.domain.errors import RoundError
from tasks.sandbox.outputs import discard
from tasks.scoring.classification import compute
from tasks.storage import as_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ground import Ground
    from numpy import float64
    from numpy.typing import NDArray

    from flows.run_round import Attempted, Bench


@dataclass(frozen=True, slots=True, kw_only=True)
class Idea:
    """A codebase that is worth a trial."""

    title: str
    files: dict[str, str]
    """The text of all its files."""
    techniques: dict[str, dict[str, float | str]] = field(default_factory=dict)
    """Settings of each technique that it holds, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What became of an idea."""

    number: int
    title: str
    score: float
    """Primary metric on validation; nan where it failed."""
    failure: str = ""
    techniques: dict[str, dict[str, float | str]] = field(default_factory=dict)
    train_seconds: float = 0.0
    predict_seconds: float = 0.0
    diagnostics: dict[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model that was the best of its method for a while."""

    trial: int
    title: str
    seconds: float
    """CPU seconds of training that the method had used when it had this model."""
    scores: NDArray[float64]
    """On validation, shape (n_validation, n_classes)."""
    code: dict[str, str]
    checkpoint: Path


@dataclass(frozen=True, slots=True)
class TrialFolder:
    """The finished trials of one cell: trials/NN/{trial.json, code/, checkpoints/, validation-K.npy, run.log}."""

    root: Path

    def place(self, number: int) -> Path:
        """Return the folder of a trial."""
        return self.root / f"{number:02d}"

    def finished(self) -> tuple[Trial, ...]:
        """Return the trials that were finished, in their order."""
        found = []
        while (file := self.place(len(found)) / "trial.json").exists():
            facts = json.loads(file.read_text("utf-8"))
            found.append(Trial(**{**facts, "score": math.nan if facts["score"] is None else facts["score"]}))
        return tuple(found)

    def source(self, number: int) -> dict[str, str]:
        """Return the code of a trial."""
        return {file.name: file.read_text("utf-8") for file in sorted((self.place(number) / "code").glob("*.*"))}

    def checkpoints(self, number: int) -> list[Path]:
        """Return what a trial saved, oldest first."""
        files = (self.place(number) / "checkpoints").glob("*.safetensors")
        return sorted(files, key=lambda file: (len(file.name), file.name))  # part-10 comes after part-9

    def scores(self, number: int, position: int) -> NDArray[float64]:
        """Return what a checkpoint of a trial says of validation."""
        return np.load(self.place(number) / f"validation-{position}.npy")

    def best_checkpoint(self, ground: Ground, number: int) -> int:
        """Return the position of a trial's best checkpoint on validation."""
        values = [
            validation_score(ground, self.scores(number, position)) for position in range(len(self.checkpoints(number)))
        ]
        return values.index(max(values))

    def model(self, number: int, *, position: int, title: str, seconds: float) -> Model:
        """Return the model that a trial saved at a position."""
        return Model(
            trial=number, title=title, seconds=seconds, scores=self.scores(number, position),
            code=self.source(number), checkpoint=self.checkpoints(number)[position],
        )  # fmt: skip

    def attempt(self, ground: Ground, bench: Bench, idea: Idea, *, incumbent: Path | None, seconds: float) -> Trial:
        """Try an idea as the next trial; a trial counts from the moment that its folder gets its final name."""
        number = len(self.finished())
        folder = self.root / f".{number:02d}.underway"
        discard(folder)
        (folder / "code").mkdir(parents=True)
        for name, text in idea.files.items():
            (folder / "code" / name).write_text(text, encoding="utf-8")
        facts = {"number": number, "title": idea.title, "techniques": idea.techniques}
        try:
            run = run_round(
                bench, code=folder / "code", folder=folder, number=number, step=plain, incumbent=incumbent,
                budget_seconds=seconds,
            )  # fmt: skip
            trial = self._record(ground, folder, run, facts)
        except RoundError as error:
            trial = Trial(**facts, score=math.nan, failure=f"{type(error).__name__}: {error}")
        for name in ("out", "predicted"):
            discard(folder / name)
        (folder / "trial.json").write_text(as_json(asdict(trial)), encoding="utf-8")
        folder.replace(self.place(number))
        return trial

    def copy(self, other: TrialFolder, number: int) -> None:
        """Take over a finished trial of another cell under the same number."""
        partial = self.root / f".{number:02d}.underway"
        discard(partial)
        shutil.copytree(other.place(number), partial)
        partial.replace(self.place(number))

    def _record(self, ground: Ground, folder: Path, run: Attempted, facts: dict[str, object]) -> Trial:
        for position, scores in enumerate(run.predictions):
            np.save(folder / f"validation-{position}.npy", scores)
        return Trial(
            **facts,
            score=max(validation_score(ground, scores) for scores in run.predictions),
            train_seconds=run.train_seconds,
            predict_seconds=run.predict_seconds,
            diagnostics=run.diagnostics,
        )


def validation_score(ground: Ground, scores: NDArray[float64]) -> float:
    """Return the primary metric on validation."""
    name = ground.metrics[0]
    labels, classes = ground.validation.labels, ground.spec.class_names
    return compute([name], labels, scores, classes=classes, thresholds={})[name]


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """Return the trial with the best validation value, of equals the first; None if all failed."""
    scored = [trial for trial in trials if not math.isnan(trial.score)]
    return max(scored, key=lambda trial: trial.score) if scored else None


def improvements(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials that were the best when they came: any better validation value, strictly."""
    return [trial for trial in trials if best_of(trials[: trial.number + 1]) is trial]
