"""Rounds itself: a study of its own, run by the flow's own loop without a server; its baseline is the others' first trial."""

from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from trials import Model, Trial

from agents.playbook.developer import PlaybookDeveloper
from flows.attempt import Workshop, load_predictions
from flows.improve_model import run_rounds
from flows.steps import plain
from tasks import codebase
from tasks.domain.request import Budget, Request
from tasks.sandbox.outputs import discard
from tasks.storage import StudyFolder, as_json

if TYPE_CHECKING:
    from cpu_clock import Account, CpuClock
    from ground import Ground
    from trials import TrialFolder

    from tasks.domain.round import Round


def run_study(ground: Ground, folder: Path, *, sandbox: CpuClock, cache: Path, seed: int, max_rounds: int) -> Workshop:
    """Run a study's rounds, from wherever it stands, and return its workshop."""
    study = StudyFolder(folder)
    if not study.has("study_id"):
        _found(ground, study)
    protocol = replace(ground.protocol(seed), max_rounds=max_rounds)
    study.write(protocol, "protocol.json")
    work = Workshop(
        study=study,
        codebase=codebase.Codebase(study.path("codebase"), locks=study.path("locks.json")),
        bench=ground.bench(sandbox, protocol, cache=cache),
        developer=PlaybookDeveloper(),
        validation=ground.validation,
        step=plain,
        publish=lambda: None,
    )
    run_rounds(work)
    return work


def copy_study(baseline: Path, folder: Path) -> None:
    """Begin a study with a baseline that was trained already."""
    partial = folder.with_name(f"{folder.name}.partial")
    discard(partial)
    shutil.copytree(baseline, partial)
    partial.replace(folder)


def trials_of(work: Workshop) -> list[Trial]:
    """Return what became of each round."""
    return [
        Trial(
            number=item.number,
            title=item.hypothesis.title,
            score=item.score,
            failure=item.judgement.reason if np.isnan(item.score) else "",
            train_seconds=item.train_seconds,
            predict_seconds=item.predict_seconds,
            diagnostics=item.diagnostics,
        )
        for item in work.study.rounds()
    ]


def incumbents_of(work: Workshop, account: Account) -> list[Model]:
    """Return the models of all kept rounds, the baseline first."""
    return [_model(work, item, account.seconds(item.number)) for item in work.study.rounds() if item.kept]


def hand_over_baseline(work: Workshop, folder: TrialFolder) -> None:
    """Give round 0 to a search over whole codebases as its first trial."""
    baseline, partial = work.study.rounds()[0], folder.root / ".00.underway"
    model = _model(work, baseline, 0.0)
    discard(partial)
    for name in ("code", "checkpoints"):
        (partial / name).mkdir(parents=True)
    for name, text in model.code.items():
        (partial / "code" / name).write_text(text, encoding="utf-8")
    shutil.copy(model.checkpoint, partial / "checkpoints")
    np.save(partial / "validation-0.npy", model.scores)
    (partial / "trial.json").write_text(as_json(asdict(trials_of(work)[0])), encoding="utf-8")
    partial.replace(folder.place(0))


def _model(work: Workshop, item: Round, seconds: float) -> Model:
    return Model(
        trial=item.number,
        title=item.hypothesis.title,
        seconds=seconds,
        scores=load_predictions(work, item.number),
        code=work.codebase.source(item.commit),
        checkpoint=work.study.round_path(item.number) / "checkpoints" / item.checkpoint,
    )


def _found(ground: Ground, study: StudyFolder) -> None:
    study.write(Request(text="", images=ground.folder, budget=Budget(rounds=ground.trials - 1)), "request.json")
    study.write(ground.profile, "profile.json")
    study.write(ground.spec, "spec.json")
    codebase.create(study.path("codebase"), ground.template, recipe={}, locks=study.path("locks.json"))
    study.write("search\n", "study_id")
