"""The commands that look at a study or use its model, and change nothing in it but its report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from deployments.live import status_line
from deployments.options import Sandbox, SandboxOption, StudyArgument, err, open_study
from flows.settings import Settings
from tasks.domain.errors import DataUnusable, StudyNotFound
from tasks.report.round_page import round_line
from tasks.storage import StudyFolder, write_atomically


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
    folder = open_study(study)
    console = Console()
    console.print(Text(status_line(folder), style="bold"))
    for record in folder.rounds():
        console.print(Text(round_line(record)))
    if folder.has("tracking_pending.txt"):
        console.print(Text(folder.text("tracking_pending.txt").strip(), style="yellow"))


def report(study: StudyArgument) -> None:
    """Write the report of a study as it stands, and say where it is."""
    from flows.deliver_model import desk_of, write_report  # noqa: PLC0415

    folder = open_study(study)
    desk = desk_of(folder)
    write_report(folder, anchors=desk.anchors, environment=desk.environment)
    typer.echo(folder.path("report.html"))


def predict(
    study: StudyArgument,
    images: Annotated[list[Path], typer.Argument(help="Images, or folders of images.")],
    *,
    inputs: Annotated[
        Path | None,
        typer.Option(help="Table of what the model sees beside the images: a column image, and one an input."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the table here instead of to standard output.")] = None,
    sandbox: SandboxOption = Sandbox.AUTO,
) -> None:
    """Use a study's delivered model on new images; prints a CSV table."""
    from flows.composition import machine_of, sandbox_of  # noqa: PLC0415
    from tasks.delivery import predict_images, read_model  # noqa: PLC0415
    from tasks.given_inputs import given_inputs  # noqa: PLC0415

    folder = open_study(study)
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
    model = read_model(folder.path("model"))
    seen = model.inputs
    given = given_inputs(inputs, files, seen) if seen else None
    for note in given.notes if given else ():
        err.print(Text(note, style="yellow"))
    if inputs is not None and not seen:
        err.print(f"This model sees nothing but the images; {inputs.name} is not used.")
    table = predict_images(
        folder.path("model"),
        files,
        # The study may know of a language model where the model says nothing, and the model, copied here, where the study does not.
        sandbox=sandbox_of(sandbox, trusted_code=folder.trusted_code and model.trusted_code, settings=settings),
        machine=machine_of(settings),
        scratch=folder.path("predicting"),
        inputs=given.columns if given else None,
    )
    content = table.to_csv(index=False, float_format="%.6g")
    if out is None:
        typer.echo(content, nl=False)
    else:
        write_atomically(out, content)
    unreadable = int((table["reason"] != "").sum())
    if unreadable:
        err.print(f"{unreadable} of {len(table)} images could not be read; the column `reason` says why.")


def transcript(
    study: StudyArgument,
    conversation: Annotated[
        str,
        typer.Argument(metavar="ROUND", help="Number of a round; or `parse`, `initialize`, for the two roles before."),
    ],
) -> None:
    """Show what was said with the language model in a round: instructions, replies, what tools answered, tokens."""
    from tasks.conversations import Conversations  # noqa: PLC0415
    from tasks.report.transcript import transcript as written  # noqa: PLC0415

    folder = open_study(study)
    name = f"round-{int(conversation):02d}" if conversation.isdecimal() else conversation
    kept = Conversations(folder.path("conversations"))
    if name not in kept.names():
        there = ", ".join(kept.names()) or f"none; its agent is {folder.agent}"
        raise StudyNotFound(f"study {folder.root} has no conversation {name!r}; there are: {there}")
    typer.echo(written(name, kept.read(name)), nl=False)


def ledger_verify(study: StudyArgument) -> None:
    """Check that nothing was edited in, removed from or cut off a study's ledger."""
    from tasks.ledger import verify  # noqa: PLC0415

    folder = open_study(study)
    found = verify(folder.path("ledger.jsonl"), anchors=Settings().state)
    if not found.entries:
        raise StudyNotFound(f"study {folder.root} has no ledger yet: nothing is sealed")
    typer.echo(found.summary())
