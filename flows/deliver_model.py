"""The end of a study: the model folder, the report, the model card, and the registry."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact

from flows.composition import machine_of, publisher_of
from flows.language_model import developer_name, record_spending
from flows.settings import Settings
from flows.steps import Steps, artifact_key, shown
from tasks import delivery
from tasks.codebase import Codebase
from tasks.development_set import load_inputs
from tasks.domain.round import Round, incumbent_of
from tasks.ledger import verify
from tasks.report.model_card import model_card
from tasks.report.record import EnvironmentFacts, LedgerFacts, SplitCount, StudyRecord
from tasks.report.report import render_report
from tasks.storage import StudyFolder, file_sha256, fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everything that the delivery of a study needs, chosen in one place."""

    study: StudyFolder
    codebase: Codebase
    anchors: Path
    environment: EnvironmentFacts
    publish: Callable[[], None]


@flow(name="deliver model", flow_run_name="deliver {study.name}", validate_parameters=False)
def deliver_model(study: Path) -> None:
    """Deliver the model of an evaluated study."""
    desk = desk_of(StudyFolder(study))
    deliver(desk, step=shown, say=get_run_logger().info)
    create_markdown_artifact(key=artifact_key("model-card", study.name), markdown=desk.study.text("model_card.md"))


def desk_of(study: StudyFolder) -> Desk:
    """Return the desk of a study, with what the settings say."""
    settings = Settings()
    record_spending(settings, study)
    ran_in = study.ran_in()
    return Desk(
        study=study,
        codebase=Codebase(study.path("codebase"), locks=study.path("locks.json")),
        anchors=settings.state,
        environment=EnvironmentFacts(
            sandbox=" and ".join(ran_in) or "unknown",
            isolates=all(ran_in.values()) if ran_in else None,
            device=machine_of(settings).device,
            versions={
                "python": platform.python_version(),
                **{name: version(name) for name in ("rounds", "torch", "torchvision", "timm", "scikit-learn", "numpy")},
            },
            developer=developer_name(study),
        ),
        publish=publisher_of(study),
    )


def deliver(desk: Desk, *, step: Steps, say: Callable[[str], None]) -> None:
    """Write model folder, report and card, and publish the result; all of it may be done again at any time."""
    study = desk.study
    if not study.has("model"):
        step(write_model, "write the model folder")(desk)
    step(write_report, "write the report")(study, anchors=desk.anchors, environment=desk.environment)
    step(desk.publish, "publish to MLflow")()
    say(f"The report is {study.path('report.html')}")


def write_model(desk: Desk) -> None:
    """Write the delivered model: the very code and checkpoint that met the holdout."""
    study = desk.study
    spec, final = study.spec(), incumbent_of(study.rounds())
    code = study.path("delivering")
    shutil.rmtree(code, ignore_errors=True)
    desk.codebase.export(final.commit, code)
    inputs = load_inputs(study.path("data")) if delivery.reads_inputs(code) else ()
    delivery.deliver(
        study.path("model"),
        code=code,
        checkpoint=study.round_path(final.number) / "checkpoints" / final.checkpoint,
        facts={
            "study": study.id,
            "round": final.number,
            "classes": spec.class_names,
            "descriptions": [item.description for item in spec.classes],
            "positive": study.protocol().operating_point.positive,
            "threshold": final.threshold,
            "inputs": inputs,
            "request": study.request().text,
            "commit": final.commit,
            "agent": study.agent,
            "trusted_code": study.trusted_code,
            "spec_sha256": fingerprint(spec),
            "protocol_sha256": fingerprint(study.protocol()),
        },
    )
    shutil.rmtree(code)


def write_report(study: StudyFolder, *, anchors: Path, environment: EnvironmentFacts) -> None:
    """Write report and model card from what the study folder holds; before the opening they say that the test set is sealed."""
    record = study_record(study, anchors=anchors, environment=environment)
    study.write(render_report(record), "report.html")
    study.write(model_card(record), "model_card.md")


def study_record(study: StudyFolder, *, anchors: Path, environment: EnvironmentFacts) -> StudyRecord:
    """Gather all that a report tells about a study."""
    protocol, rounds, evaluation = study.protocol(), study.rounds(), study.evaluation()
    ended = (
        study.text("ended.txt").strip() if study.has("ended.txt") else f"All {protocol.max_rounds} rounds were used."
    )
    unfinished = len(rounds) <= protocol.max_rounds and not study.has("ended.txt")
    return StudyRecord(
        study_id=study.id,
        request=study.request(),
        read_back=study.text("readback.md"),
        profile=study.profile(),
        spec=study.spec(),
        protocol=protocol,
        rounds=rounds,
        evaluation=evaluation,
        ledger=_ledger_facts(study, anchors),
        environment=environment,
        ended_because="The rounds are not finished yet." if unfinished else ended,
        splits=_splits(study),
        hashes=_hashes(study, rounds),
        notes=tuple(json.loads(study.text("notes.json"))),
        repeats=study.baseline_repeats(),
        not_taken_back=study.ablation_notes(),
        spending=study.spending(),
    )


def _ledger_facts(study: StudyFolder, anchors: Path) -> LedgerFacts:
    found = verify(study.path("ledger.jsonl"), anchors=anchors)
    sealed = next((entry for entry in found.entries if entry.event == "holdout_sealed"), None)
    opened = next((entry for entry in found.entries if entry.event == "holdout_opened"), None)
    return LedgerFacts(
        seal_sha256=str(sealed.facts["seal"]) if sealed else "",
        entries=len(found.entries),
        anchored=found.anchored,
        sealed_at=sealed.at if sealed else "",
        opened_at=opened.at if opened else "",
        head_sha256=found.entries[-1].hash if found.entries else "",
    )


def _splits(study: StudyFolder) -> dict[str, SplitCount]:
    return {name: SplitCount(**counts) for name, counts in json.loads(study.text("splits.json")).items()}


def _hashes(study: StudyFolder, rounds: tuple[Round, ...]) -> dict[str, str]:
    found = {"spec": fingerprint(study.spec()), "protocol": fingerprint(study.protocol())}
    if rounds:
        for name, record in (("initial", rounds[0]), ("final", incumbent_of(study.rounds()))):
            found[f"{name} code (git commit)"] = record.commit
            checkpoint = study.round_path(record.number) / "checkpoints" / record.checkpoint
            if checkpoint.is_file():
                found[f"{name} checkpoint"] = file_sha256(checkpoint)
    return found
