"""The command line `rounds`: from a request to a tested model, and what is looked at before and after.

Exit codes, for scripts: 0 done; 2 the command line is wrong; 3 the clinician must act (answer, mend the data, ask for something
else); 4 a person must look, because going on would risk the honesty of the result; 5 a training or prediction run failed;
6 a service is down, resume later; 130 interrupted, resume later.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markdown import Markdown
from rich.text import Text

from deployments import inspection, preview
from deployments.live import watching
from deployments.options import AgentOption, JsonOption, Sandbox, SandboxOption, StudyArgument, err, open_study
from deployments.results import exit_code, explain, result_line, show_result
from flows.settings import Settings
from tasks.domain.errors import DataUnusable, RoundsError
from tasks.readers.request_file import read_request
from tasks.storage import StudyFolder

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="From a clinician's request to a tested imaging model.",
)
ledger_app = typer.Typer(no_args_is_help=True, help="The record of what happened to the test set.")
app.add_typer(ledger_app, name="ledger")
for _command in (
    preview.investigate,
    preview.parse,
    inspection.status,
    inspection.report,
    inspection.predict,
    inspection.transcript,
):
    app.command()(_command)
ledger_app.command("verify")(inspection.ledger_verify)


def main() -> None:
    """Run the command line, and turn every error of ours into a sentence and an exit code."""
    try:
        app()
    except RoundsError as error:
        explain(error)
        sys.exit(exit_code(error))
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
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input", help="Column that the model sees beside the image, such as age; may be given several times."
        ),
    ] = None,
    allow_images: Annotated[
        bool,
        typer.Option(
            "--allow-images", help="The language model's programs may print what they see in training images."
        ),
    ] = False,
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
    from flows.composition import check_agent  # noqa: PLC0415

    given = {
        "text": text,
        "images": None if images is None else str(images.resolve()),
        "table": None if table is None else str(table.resolve()),
        "columns.label": label,
        "columns.group": group,
        "inputs": inputs or None,
        "allow_images": allow_images or None,
        "budget.rounds": rounds,
        "budget.minutes_per_round": minutes,
        "seed": seed,
        "verdict_rule": verdict,
    }
    request = read_request(request_file, {name: value for name, value in given.items() if value is not None})
    folder = StudyFolder((study or _new_study()).resolve())
    # A study that was stopped by a question or by its data has sealed nothing yet: it may start again with a better request.
    if folder.has("ledger.jsonl"):
        raise DataUnusable(
            f"there is a study already; continue it with `rounds resume {folder.root}`, or name another folder",
            file=folder.root,
        )
    check_agent(agent)
    folder.write(request, "request.json")
    folder.write(f"{agent}\n", "agent")
    _run(folder, sandbox=sandbox, confirm=not (yes or as_json) and sys.stdin.isatty(), as_json=as_json)


@app.command()
def resume(
    study: StudyArgument,
    *,
    sandbox: SandboxOption = Sandbox.AUTO,
    as_json: JsonOption = False,
) -> None:
    """Go on with a study after its last finished step."""
    folder = open_study(study)
    _run(folder, sandbox=sandbox, confirm=False, as_json=as_json)


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
    _run(study, sandbox=sandbox, confirm=False, as_json=as_json)


def _run(folder: StudyFolder, *, sandbox: str, confirm: bool, as_json: bool) -> None:
    from flows.composition import check_agent, sandbox_of  # noqa: PLC0415
    from flows.develop_model import develop_model  # noqa: PLC0415
    from flows.language_model import forecast_of  # noqa: PLC0415
    from flows.prepare_study import prepare_study  # noqa: PLC0415

    # A missing agent or sandbox is told before anything is begun. Once the test set is scored no agent has work any more.
    agent = "" if folder.has("evaluation.json") else folder.agent
    if agent:
        check_agent(agent)
    chosen = sandbox_of(sandbox, trusted_code=folder.trusted_code, settings=Settings())
    err.print(f"Study {folder.root}, sandbox {chosen.name}")
    if agent not in {"", "playbook"}:
        err.print(Text(forecast_of(Settings(), folder)))
    if confirm:
        with folder.locked(), watching(folder, err):
            prepare_study(folder.root)
        err.print(Markdown(folder.text("readback.md")))
        for hazard in folder.profile().hazards:
            if hazard.severity == "ask":
                err.print(Text(f"Please consider: {hazard.summary}", style="yellow"))
        typer.confirm("Is this what you mean?", default=True, abort=True, err=True)
    with watching(folder, err):
        develop_model(folder.root, sandbox=str(sandbox))
    show_result(folder)
    if as_json:
        typer.echo(result_line(folder))


def _new_study() -> Path:
    return Settings().studies / f"study-{_stamp()}"


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
