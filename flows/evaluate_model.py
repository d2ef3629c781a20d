"""The gate: the holdout is opened once, for the initial and the final model together, and both are scored side by side."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy import float64, int64
from numpy.typing import NDArray
from prefect import flow
from prefect.artifacts import create_table_artifact

from flows.composition import machine_of, sandbox_of
from flows.settings import Settings
from flows.steps import Steps, artifact_key, shown
from tasks import holdout, runs
from tasks.codebase import Codebase
from tasks.domain.errors import StudyNotFound
from tasks.domain.evaluation import Evaluation
from tasks.domain.round import Round, incumbent_of
from tasks.domain.sandboxing import Sandbox
from tasks.machine import Machine
from tasks.progress import Progress, show
from tasks.sandbox.outputs import discard
from tasks.scoring.curves import figures
from tasks.storage import StudyFolder, file_sha256, fingerprint
from tasks.uncertainty import compare

INITIAL, FINAL = "initial", "final"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Everything that the one evaluation of a study needs, chosen in one place."""

    study: StudyFolder
    codebase: Codebase
    sandbox: Sandbox
    machine: Machine
    anchors: Path
    step: Steps


@flow(name="evaluate model", flow_run_name="evaluate {study.name}", validate_parameters=False)
def evaluate_model(study: Path, *, sandbox: str) -> None:
    """Open the holdout of a study whose rounds are done, or finish an opening that was cut short."""
    folder, settings = StudyFolder(study), Settings()
    gate = Gate(
        study=folder,
        codebase=Codebase(folder.path("codebase"), locks=folder.path("locks.json")),
        sandbox=sandbox_of(sandbox, trusted_code=folder.trusted_code, settings=settings),
        machine=machine_of(settings),
        anchors=settings.state,
        step=shown,
    )
    evaluation = evaluate(gate)
    create_table_artifact(
        key=artifact_key("test", folder.id),
        table=_table(evaluation),
        description="Initial against final, on the test set",
    )


def evaluate(gate: Gate) -> Evaluation:
    """Score the initial and the final model on the holdout, once.

    The opening names what is tested by hash; after a crash it is finished with the same hashes and no others. The result
    is written before the ledger closes the holdout, so a finished result is never computed twice.

    Raises:
        StudyNotFound: The rounds have not begun.
        HoldoutAlreadyOpened: It was opened for other models, or is closed without the result being here.
        HoldoutChanged: The sealed images or labels are not what was sealed.
        LedgerBroken: The ledger is not what was written.
        TrainingFailed: A model cannot predict the test images; the opening may be finished with the same models.
    """
    study = gate.study
    ledger = study.path("ledger.jsonl")
    evaluation = study.evaluation()
    if evaluation is None:
        rounds = study.rounds()
        if not rounds:
            raise StudyNotFound(f"study {study.root} has no finished round to evaluate")
        show(study, Progress(stage="opening the test set, once"))
        models = {INITIAL: rounds[0], FINAL: incumbent_of(rounds)}
        opened = holdout.open_once(
            study.path("holdout"),
            ledger=ledger,
            anchors=gate.anchors,
            fingerprints=_fingerprints(gate, models),
            classes=study.spec().class_names,
        )
        evaluation = _score(gate, models, opened)
        study.write(evaluation, "evaluation.json")
    holdout.close(ledger=ledger, anchors=gate.anchors, evaluation_sha256=file_sha256(study.path("evaluation.json")))
    return evaluation


def is_opened(study: StudyFolder) -> bool:
    """Return whether the holdout was opened: from then on no round may change what was tested.

    Raises:
        LedgerBroken: The ledger is not what was written.
    """
    return holdout.is_opened(ledger=study.path("ledger.jsonl"), anchors=Settings().state)


def _fingerprints(gate: Gate, models: dict[str, Round]) -> dict[str, str]:
    study = gate.study
    found = {"spec": fingerprint(study.spec()), "protocol": fingerprint(study.protocol())}
    for name, record in models.items():
        found[f"{name}_code"] = gate.codebase.code_sha256(record.commit)
        found[f"{name}_checkpoint"] = file_sha256(_checkpoint(study, record))
    return found


def _checkpoint(study: StudyFolder, record: Round) -> Path:
    return study.round_path(record.number) / "checkpoints" / record.checkpoint


def _score(gate: Gate, models: dict[str, Round], opened: holdout.OpenedHoldout) -> Evaluation:
    study = gate.study
    spec, protocol = study.spec(), study.protocol()
    scores = {name: _predict(gate, name, record, opened) for name, record in models.items()}
    truth = opened.labels["label"].map(spec.class_of_label)
    part = truth.notna().to_numpy()
    labels = np.array([spec.class_names.index(name) for name in truth[part]], dtype=int64)
    groups = opened.labels.loc[part, "group"].to_numpy(dtype=int64)
    thresholds = {name: record.threshold for name, record in models.items()}
    compared = gate.step(compare, "compare the initial and the final model")(
        protocol.metrics,
        labels,
        scores[INITIAL][part],
        scores[FINAL][part],
        groups,
        protocol=protocol,
        classes=spec.class_names,
        initial_thresholds=protocol.thresholds(thresholds[INITIAL]),
        final_thresholds=protocol.thresholds(thresholds[FINAL]),
    )
    return Evaluation(
        primary=protocol.primary,
        metrics=compared,
        n=int(part.sum()),
        n_groups=len(np.unique(groups)),
        opened_at=opened.opened_at,
        class_counts={name: int((labels == index).sum()) for index, name in enumerate(spec.class_names)},
        thresholds=thresholds,
        figures={
            name: figures(
                labels, values[part], classes=spec.class_names, thresholds=protocol.thresholds(thresholds[name])
            )
            for name, values in scores.items()
        },
    )


def _predict(gate: Gate, name: str, record: Round, opened: holdout.OpenedHoldout) -> NDArray[float64]:
    """Return a model's probabilities on all sealed images, by the predict program and checkpoint that were judged."""
    study = gate.study
    folder = study.path("evaluating", name)
    discard(folder)
    folder.mkdir(parents=True)
    gate.codebase.export(record.commit, folder / "code")
    images = tuple(opened.labels["image"])
    scores = gate.step(runs.predict, f"predict the test set with the {name} model")(
        gate.sandbox,
        code=folder / "code",
        data=opened.data,
        checkpoint=_checkpoint(study, record),
        out=folder / "out",
        log=folder / "predict.log",
        machine=gate.machine,
        images=images,
        classes=study.spec().class_names,
        labels={"study": study.id, "round": f"test-{name}"},
    )
    table = pd.DataFrame(scores, columns=list(study.spec().class_names))
    table.insert(0, "image", images)
    study.write(table, "holdout_predictions", f"{name}.parquet")
    discard(folder)
    return scores


def _table(evaluation: Evaluation) -> list[dict[str, str]]:
    return [
        {
            "metric": name,
            "initial": f"{item.initial.value:.3f} [{item.initial.low:.3f}, {item.initial.high:.3f}]",
            "final": f"{item.final.value:.3f} [{item.final.low:.3f}, {item.final.high:.3f}]",
            "difference": f"{item.difference.value:+.3f} [{item.difference.low:+.3f}, {item.difference.high:+.3f}]",
            "p": "< 0.001" if item.difference.p < 0.001 else f"{item.difference.p:.3f}",
        }
        for name, item in evaluation.metrics.items()
    ]
