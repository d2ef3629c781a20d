"""The command line: `rounds demo`, `develop`, `resume`, `status`, `report`, `predict`, `ledger verify`.

Exit codes, for scripts: 0 done; 2 the command line is wrong; 3 the clinician must act (answer, mend the data, ask for something
else); 4 a person must look, because going on would risk the honesty of the result; 5 a training or prediction run failed;
6 a service is down, resume later; 130 interrupted, resume later.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from deployments.live import status_line, watching
from flows.settings import Settings
from tasks.domain.errors import (
    AmbiguousRequest,
    DataUnusable,
    EvaluationError,
    RequestError,
    RoundError,
    RoundsError,
    ServiceUnavailable,
    StudyNotFound,
)
from tasks.domain.evaluation import Comparison
from tasks.readers.request_file import read_request
from tasks.report.round_page import round_line
from tasks.storage import StudyFolder, write_atomically

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="From a clinician's request to a tested imaging model.",
)
ledger_app = typer.Typer(no_args_is_help=True, help="The record of what happened to the test set.")
app.add_typer(ledger_app, name="ledger")

err = Console(stderr=True)
"""Everything that is told to a person goes here; standard output is for results."""


class Sandbox(StrEnum):
    """Where the code that learns runs."""

    AUTO = "auto"
    DOCKER = "docker"
    BUBBLEWRAP = "bubblewrap"
    LOCAL = "local"


StudyArgument = Annotated[Path, typer.Argument(help="Folder of the study.")]
SandboxOption = Annotated[Sandbox, typer.Option(help="Where training and prediction run.")]
AgentOption = Annotated[str, typer.Option(help="Who plays the three roles.")]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print the result as one line of JSON, last on standard output.")
]


def main() -> None:
    """Run the command line, and turn every error of ours into a sentence and an exit code."""
    try:
        app()
    except RoundsError as error:
        _explain(error)
        sys.exit(_exit_code(error))
    except KeyboardInterrupt:
        err.print("Interrupted. Nothing that was finished is lost; go on with `rounds resume STUDY`.")
        sys.exit(130)


@app.command()
def develop(
    request_file: Annotated[
        Path | None, typer.Argument(metavar="[REQUEST.YAML]", help="The request as a file; flags win over it.")
    ] = None,
    *,
    text: Annotated[str | None, typer.Option(help="What the model is for, in plain words.")] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of images.")] = None,
    table: Annotated[Path | None, typer.Option(help="Table of labels; leave out for one sub-folder a class.")] = None,
    label: Annotated[str | None, typer.Option(help="Column that holds the class.")] = None,
    group: Annotated[str | None, typer.Option(help="Column that names the patient or lesion.")] = None,
    rounds: Annotated[int | None, typer.Option(min=0, max=30, help="Rounds after the baseline. [default: 30]")] = None,
    minutes: Annotated[float | None, typer.Option(help="Training time of a round, in minutes. [default: 40]")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of split, training and statistics. [default: 0]")] = None,
    verdict: Annotated[
        str | None, typer.Option(help="one_standard_error or strict. [default: one_standard_error]")
    ] = None,
    agent: AgentOption = "playbook",
    sandbox: SandboxOption = Sandbox.AUTO,
    study: Annotated[
        Path | None, typer.Option(help="Folder of the study to be. [default: a new one under studies/]")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask for confirmation of how the request was understood.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Develop a model from a request: plain words and a folder of images."""
    given = {
        "text": text,
        "images": None if images is None else str(images.resolve()),
        "table": None if table is None else str(table.resolve()),
        "columns.label": label,
        "columns.group": group,
        "budget.rounds": rounds,
        "budget.minutes_per_round": minutes,
        "seed": seed,
        "verdict_rule": verdict,
    }
    request = read_request(request_file, {name: value for name, value in given.items() if value is not None})
    folder = StudyFolder((study or _new_study()).resolve())
    if folder.has("request.json"):
        raise DataUnusable(
            f"there is a study already; continue it with `rounds resume {folder.root}`, or name another folder",
            file=folder.root,
        )
    folder.write(request, "request.json")
    _run(folder, agent=agent, sandbox=sandbox, confirm=not (yes or as_json) and sys.stdin.isatty(), as_json=as_json)


@app.command()
def resume(
    study: StudyArgument,
    *,
    agent: AgentOption = "playbook",
    sandbox: SandboxOption = Sandbox.AUTO,
    as_json: JsonOption = False,
) -> None:
    """Go on with a study after its last finished step."""
    folder = _study(study)
    _run(folder, agent=agent, sandbox=sandbox, confirm=False, as_json=as_json)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the made-up data and the study go.")] = Path("demo"),
    *,
    rounds: Annotated[int, typer.Option(min=0, max=30, help="Rounds after the baseline.")] = 5,
    minutes: Annotated[float, typer.Option(help="Training time of a round, in minutes.")] = 0.35,
    sandbox: SandboxOption = Sandbox.AUTO,
    as_json: JsonOption = False,
) -> None:
    """Watch a request become a model, on made-up dermoscopy images; needs no key, server, Docker or download."""
    from tasks.phantoms import draw_phantoms  # noqa: PLC0415

    data = folder.resolve() / "data"
    table = data / "table.csv"
    if not table.exists():
        err.print("Drawing made-up dermoscopy images …")
        table = draw_phantoms(data)
    request = read_request(
        None,
        {
            "text": "Tell melanoma from an ordinary mole. Missing a melanoma is the worst that can happen.",
            "images": str(data / "images"),
            "table": str(table),
            "budget.rounds": rounds,
            "budget.minutes_per_round": minutes,
        },
    )
    study = StudyFolder(folder.resolve() / "studies" / f"demo-{_stamp()}")
    err.print(Text(f"The request: “{request.text}”", style="bold"))
    study.write(request, "request.json")
    _run(study, agent="playbook", sandbox=sandbox, confirm=False, as_json=as_json)


@app.command()
def status(
    study: Annotated[Path | None, typer.Argument(help="Folder of the study; none for all of them.")] = None,
) -> None:
    """Say where a study stands, or all studies."""
    if study is None:
        table = Table("study", "rounds", "stands at")
        for file in sorted(Settings().studies.glob("*/request.json")):
            folder = StudyFolder(file.parent)
            table.add_row(folder.id, str(len(folder.rounds())), status_line(folder))
        Console().print(table)
        return
    folder = _study(study)
    console = Console()
    console.print(Text(status_line(folder), style="bold"))
    for record in folder.rounds():
        console.print(Text(round_line(record)))
    if folder.has("tracking_pending.txt"):
        console.print(Text(folder.text("tracking_pending.txt").strip(), style="yellow"))


@app.command()
def report(study: StudyArgument, *, agent: AgentOption = "playbook", sandbox: SandboxOption = Sandbox.AUTO) -> None:
    """Write the report of a study as it stands, and say where it is."""
    from flows.deliver_model import desk_of, write_report  # noqa: PLC0415

    folder = _study(study)
    desk = desk_of(folder, agent=agent, sandbox=sandbox)
    write_report(folder, anchors=desk.anchors, environment=desk.environment)
    typer.echo(folder.path("report.html"))


@app.command()
def predict(
    study: StudyArgument,
    images: Annotated[list[Path], typer.Argument(help="Images, or folders of images.")],
    *,
    out: Annotated[Path | None, typer.Option(help="Write the table here instead of to standard output.")] = None,
    sandbox: SandboxOption = Sandbox.AUTO,
) -> None:
    """Use a study's delivered model on new images; prints a CSV table."""
    from flows.composition import machine_of, sandbox_of  # noqa: PLC0415
    from tasks.delivery import predict_images  # noqa: PLC0415

    folder = _study(study)
    if not folder.has("model", "model.json"):
        raise StudyNotFound(f"study {folder.root} has not delivered a model yet; see `rounds status {folder.root}`")
    settings = Settings()
    files = [
        file
        for path in images
        for file in (sorted(item for item in path.rglob("*") if item.is_file()) if path.is_dir() else [path])
    ]
    if not files:
        raise DataUnusable("there is no image here", file=images[0])
    table = predict_images(
        folder.path("model"),
        files,
        sandbox=sandbox_of(sandbox, agent="playbook", settings=settings),
        machine=machine_of(settings),
        scratch=folder.path("predicting"),
    )
    content = table.to_csv(index=False, float_format="%.6g")
    if out is None:
        typer.echo(content, nl=False)
    else:
        write_atomically(out, content)
    unreadable = int((table["reason"] != "").sum())
    if unreadable:
        err.print(f"{unreadable} of {len(table)} images could not be read; the column `reason` says why.")


@ledger_app.command("verify")
def ledger_verify(study: StudyArgument) -> None:
    """Check that nothing was edited in, removed from or cut off a study's ledger."""
    from tasks.ledger import verify  # noqa: PLC0415

    found = verify(_study(study).path("ledger.jsonl"), anchors=Settings().state)
    typer.echo(found.summary())


def _run(folder: StudyFolder, *, agent: str, sandbox: str, confirm: bool, as_json: bool) -> None:
    from flows.composition import check_agent, sandbox_of  # noqa: PLC0415
    from flows.develop_model import develop_model  # noqa: PLC0415
    from flows.prepare_study import prepare_study  # noqa: PLC0415

    # A missing agent or sandbox is told before anything is begun.
    check_agent(agent)
    chosen = sandbox_of(sandbox, agent=agent, settings=Settings())
    err.print(f"Study {folder.root}, sandbox {chosen.name}")
    if confirm:
        with folder.locked(), watching(folder, err):
            prepare_study(folder.root, agent=agent)
        err.print(Markdown(folder.text("readback.md")))
        typer.confirm("Is this what you mean?", default=True, abort=True, err=True)
    with watching(folder, err):
        develop_model(folder.root, agent=agent, sandbox=str(sandbox))
    _show_result(folder)
    if as_json:
        typer.echo(result_line(folder))


def result_line(folder: StudyFolder) -> str:
    """Return the result of a study as one line of JSON: study, rounds, and what `evaluation.json` holds but for its figures."""
    import json  # noqa: PLC0415

    evaluation = json.loads(folder.text("evaluation.json"))
    evaluation.pop("figures", None)
    rounds = [
        {
            "number": item.number,
            "title": item.hypothesis.title,
            "verdict": str(item.judgement.verdict),
            "score": None if item.score != item.score else item.score,
        }
        for item in folder.rounds()
    ]
    return json.dumps({"study": str(folder.root), "rounds": rounds, **evaluation}, allow_nan=False)


def _show_result(folder: StudyFolder) -> None:
    evaluation = folder.evaluation()
    if evaluation is None:
        return
    table = Table(
        "on the test set",
        "initial",
        "final",
        "difference",
        "p",
        title=f"{evaluation.n} images of {evaluation.n_groups} patients or lesions, opened once",
    )
    for name, item in evaluation.metrics.items():
        table.add_row(name, *_cells(item), style="bold" if name == evaluation.primary else "")
    err.print(table)
    err.print(f"Report: {folder.path('report.html')}")
    err.print(f"Model:  {folder.path('model')}  (use it with `rounds predict {folder.root} IMAGES`)")
    if folder.has("tracking_pending.txt"):
        err.print(Text(folder.text("tracking_pending.txt").strip(), style="yellow"))


def _cells(item: Comparison) -> tuple[str, str, str, str]:
    initial, final, difference = item.initial, item.final, item.difference
    return (
        f"{initial.value:.3f} [{initial.low:.3f}, {initial.high:.3f}]",
        f"{final.value:.3f} [{final.low:.3f}, {final.high:.3f}]",
        f"{difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]",
        "< 0.001" if difference.p < 0.001 else f"{difference.p:.3f}",
    )


def _study(path: Path) -> StudyFolder:
    folder = StudyFolder(path.resolve())
    if not folder.has("request.json"):
        raise StudyNotFound(
            f"there is no study in {folder.root}; `rounds status` lists those under {Settings().studies.resolve()}"
        )
    return folder


def _new_study() -> Path:
    return Settings().studies / f"study-{_stamp()}"


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y%m%d-%H%M%S")


def _exit_code(error: RoundsError) -> int:
    codes = {RequestError: 3, EvaluationError: 4, RoundError: 5, ServiceUnavailable: 6}
    return next((code for kind, code in codes.items() if isinstance(error, kind)), 4)


def _explain(error: RoundsError) -> None:
    err.print(Text(f"{type(error).__name__}: {error}", style="bold red"))
    if isinstance(error, AmbiguousRequest):
        for question in error.questions:
            err.print(Text(f"  {question.text}"))
            for option in question.options:
                err.print(Text(f"    - {option}"))
        err.print("Add the answer to the text of the request, or name the column with a flag, and start again.")
    tail = getattr(error, "log_tail", "")
    if tail:
        err.print(Text(tail, style="dim"))
