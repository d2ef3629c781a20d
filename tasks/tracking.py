"""MLflow: the only door to it. It shows a study; the study folder is the study.

One experiment a clinical problem, one parent run a study, one child run a round. `publish` brings MLflow up to date with the
folder and may be called at any time and any number of times: what is there already is left alone, so a crash or a server that
was down loses nothing.
"""

from __future__ import annotations

import contextlib
import math
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.conversation_spans import spans_of
from tasks.conversations import Conversations
from tasks.domain.errors import ServiceUnavailable
from tasks.report.round_page import diff_page, round_line
from tasks.report.transcript import transcript
from tasks.storage import StudyFolder, as_json
from tasks.tracking_names import metric_name, parameters, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mlflow import MlflowClient
    from mlflow.entities import Run

    from tasks.domain.round import Round

_SERVED_MODEL = Path(__file__).resolve().parents[1] / "model_templates" / "served_model.py"


def publish(study: StudyFolder, uri: str) -> str:
    """Bring MLflow up to date with a study and return the id of the study's run.

    Raises:
        ServiceUnavailable: MLflow does not answer; call again later.
    """
    with _service_errors(uri):
        client = _client(uri)
        parent = _study_run(client, study, uri)
        run_id = str(parent.info.run_id)
        known = {run.data.tags["rounds.round"] for run in _child_runs(client, parent)}
        rounds = study.rounds()
        best = math.nan
        for record in rounds:
            best = record.score if record.kept else best
            if str(record.number) not in known:
                _record_round(client, parent, study, record, best)
        _record_spending(client, study, run_id)
        if study.has("evaluation.json") and "rounds.published" not in client.get_run(run_id).data.tags:
            _record_result(client, study, run_id, uri)
        return run_id


def experiment_name(study: StudyFolder) -> str:
    """Return the clinical problem that a study belongs to: its task and classes."""
    spec = study.spec()
    return f"{spec.task}: {', '.join(item.description or item.name for item in spec.classes)}"[:200]


def _client(uri: str) -> MlflowClient:
    from mlflow import MlflowClient  # noqa: PLC0415 - takes a second to load, and only here

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


@contextlib.contextmanager
def _service_errors(uri: str) -> Iterator[None]:
    from mlflow.exceptions import MlflowException  # noqa: PLC0415
    from requests.exceptions import RequestException  # noqa: PLC0415
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    try:
        yield
    except (MlflowException, RequestException, SQLAlchemyError) as error:
        first_line = str(error).partition("\n")[0][:300]
        raise ServiceUnavailable(f"MLflow at {uri} could not be brought up to date: {first_line}") from error


def _study_run(client: MlflowClient, study: StudyFolder, uri: str) -> Run:
    name = experiment_name(study)
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        # MLflow's own default is relative to the working directory, which differs from call to call.
        local = (study.root.parent / "mlartifacts").resolve().as_uri() if uri.startswith("sqlite:") else None
        # The kind makes the user interface open on training runs instead of on language-model traces.
        kind = {"mlflow.experimentKind": "custom_model_development"}
        experiment_id = client.create_experiment(name, artifact_location=local, tags=kind)
    else:
        experiment_id = experiment.experiment_id
    identity = study.text("study_id").strip()
    found = client.search_runs(
        [experiment_id], filter_string=f"tags.`rounds.study_id` = '{identity}' AND tags.`rounds.kind` = 'study'"
    )
    if found:
        return found[0]
    request, protocol = study.request(), study.protocol()
    run = client.create_run(
        experiment_id,
        run_name=study.id,
        tags={
            "rounds.study_id": identity,
            "rounds.kind": "study",
            "rounds.folder": str(study.root.resolve()),
            "mlflow.note.content": study.text("readback.md"),
        },
    )
    chosen = {
        "request": request.text[:5000],
        "primary": protocol.primary,
        "verdict_rule": protocol.verdict_rule,
        "max_rounds": protocol.max_rounds,
        "train_seconds": protocol.train_seconds,
        "seed": protocol.seed,
    }
    for key, value in chosen.items():
        client.log_param(run.info.run_id, key, value)
    for part in ("spec.json", "protocol.json", "profile.json", "readback.md"):
        client.log_text(run.info.run_id, study.text(part), part)
    for role in ("parse", "initialize"):
        _log_conversation(client, study, run, role)
    return run


def _child_runs(client: MlflowClient, parent: Run) -> list[Run]:
    runs = client.search_runs(
        [parent.info.experiment_id],
        filter_string=f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'",
        max_results=1000,
    )
    return [run for run in runs if run.data.tags.get("rounds.complete") == "yes"]


def _record_round(client: MlflowClient, parent: Run, study: StudyFolder, record: Round, best: float) -> None:
    started = int(datetime.fromisoformat(record.started_at).timestamp() * 1000)
    run = client.create_run(
        parent.info.experiment_id,
        start_time=started,
        run_name=text_of(f"round {record.number:02d}: {record.hypothesis.title}", 250),
        tags={
            "mlflow.parentRunId": parent.info.run_id,
            "mlflow.note.content": text_of(round_line(record)),
            "rounds.kind": "round",
            "rounds.round": str(record.number),
            "verdict": str(record.judgement.verdict),
            "reason": text_of(record.judgement.reason),
            "hypothesis": text_of(record.hypothesis.title),
            "technique": text_of(record.hypothesis.technique),
            "rationale": text_of(record.hypothesis.rationale),
            "source": text_of(record.hypothesis.source),
            "supported": "yes" if record.judgement.supported else "no",
            "commit": record.commit,
            **({"mends": text_of(" ".join(record.mends))} if record.mends else {}),
        },
    )
    run_id = run.info.run_id
    folder = study.round_path(record.number)
    for key, value in parameters(record.hypothesis.settings).items():
        client.log_param(run_id, key, value)
    numbers = {f"validation/{metric_name(name)}": value for name, value in record.metrics.items()}
    numbers |= {
        metric_name(f"log/{name}"): value for name, value in record.diagnostics.items() if isinstance(value, float)
    }
    numbers |= {
        "score": record.score,
        "difference": record.judgement.difference,
        "standard_error": record.judgement.standard_error,
        "train_seconds": record.train_seconds,
        "total_seconds": record.total_seconds,
        "tokens": float(record.tokens),
        "dollars": record.dollars,
    }
    _log_numbers(client, run_id, numbers, step=record.number)
    diff = (folder / "patch.diff").read_text(encoding="utf-8")
    client.log_text(run_id, diff, "changes.diff.txt")
    client.log_text(run_id, diff_page(diff), "changes.html")
    earlier_tries = sorted(path.name for path in folder.glob("*-try-*"))
    for name in ("run.log", "recipe.py", *earlier_tries):
        if (folder / name).exists():
            client.log_text(run_id, (folder / name).read_text(encoding="utf-8", errors="replace"), f"{name}.txt")
    _log_conversation(client, study, run, f"round-{record.number:02d}")
    _log_numbers(client, parent.info.run_id, {"score": record.score, "running_best": best}, step=record.number)
    # The tag comes last: a child run without it is what a crash left, and is not counted.
    client.set_tag(run_id, "rounds.complete", "yes")
    status = "FAILED" if record.judgement.verdict == "failed" else "FINISHED"
    client.set_terminated(run_id, status=status, end_time=started + int(record.total_seconds * 1000))


def _log_conversation(client: MlflowClient, study: StudyFolder, run: Run, name: str) -> None:
    """Log what was said with a language model, as a text and as a trace; nothing where no conversation was."""
    entries = Conversations(study.path("conversations")).read(name)
    spans = spans_of(entries)
    if not spans:
        return
    client.log_text(run.info.run_id, transcript(name, entries), "transcript.md")
    import mlflow  # noqa: PLC0415

    mlflow.set_tracking_uri(client.tracking_uri)  # where traces go: to no place of a client's own
    root = client.start_trace(
        name,
        span_type="AGENT",
        inputs={"study": study.id, "conversation": name},
        experiment_id=run.info.experiment_id,
        run_id=run.info.run_id,
        start_time_ns=min(span.start_ns for span in spans),
    )
    for span in spans:
        child = client.start_span(
            span.name,
            root.trace_id,
            root.span_id,
            span_type=span.kind,
            inputs=dict(span.inputs),
            start_time_ns=span.start_ns,
        )
        client.end_span(
            root.trace_id,
            child.span_id,
            outputs=dict(span.outputs),
            attributes={"mlflow.chat.tokenUsage": dict(span.tokens)} if span.tokens else {},
            status="ERROR" if span.failed else "OK",
            end_time_ns=span.end_ns,
        )
    client.end_trace(root.trace_id, outputs=dict(spans[-1].outputs), end_time_ns=max(span.end_ns for span in spans))


def _record_spending(client: MlflowClient, study: StudyFolder, run_id: str) -> None:
    spending = study.spending()
    if spending is None:
        return
    client.log_text(run_id, study.text("spending.json"), "spending.json")
    numbers = {
        "llm/dollars": float(spending.dollars),
        "llm/tokens": float(spending.tokens),
        "llm/calls": float(spending.calls),
    }
    _log_numbers(client, run_id, numbers, step=len(study.rounds()) - 1)


def _record_result(client: MlflowClient, study: StudyFolder, run_id: str, uri: str) -> None:
    evaluation = study.evaluation()
    if evaluation is None:
        return
    numbers: dict[str, float] = {}
    for name, comparison in evaluation.metrics.items():
        prefix = f"test/{metric_name(name)}"
        for side, estimate in (("initial", comparison.initial), ("final", comparison.final)):
            numbers |= {
                f"{prefix}/{side}": estimate.value,
                f"{prefix}/{side}_low": estimate.low,
                f"{prefix}/{side}_high": estimate.high,
            }
        numbers |= {f"{prefix}/difference": comparison.difference.value, f"{prefix}/p": comparison.difference.p}
    _log_numbers(client, run_id, numbers, step=0)
    client.log_text(run_id, as_json(evaluation), "evaluation.json")
    for part in ("report.html", "model_card.md"):
        if study.has(part):
            client.log_text(run_id, study.text(part), part)
    if study.has("model"):
        _register(study, run_id, uri)
    client.set_tag(run_id, "rounds.published", "yes")
    client.set_terminated(run_id)


def _register(study: StudyFolder, run_id: str, uri: str) -> None:
    import mlflow  # noqa: PLC0415

    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    with mlflow.start_run(run_id=run_id):
        mlflow.pyfunc.log_model(
            name="model",
            python_model=str(_SERVED_MODEL),
            artifacts={"model": str(study.path("model"))},
            registered_model_name=f"rounds-{study.id}",
            pip_requirements=["torch", "torchvision", "timm", "safetensors", "pillow", "pandas"],
        )


def _log_numbers(client: MlflowClient, run_id: str, numbers: Mapping[str, float], *, step: int) -> None:
    from mlflow.entities import Metric  # noqa: PLC0415

    now = int(time.time() * 1000)
    metrics = [Metric(name, float(value), now, step) for name, value in numbers.items() if math.isfinite(value)]
    client.log_batch(run_id, metrics=metrics)
