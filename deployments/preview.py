"""The commands that come before a study: look at data without training anything, and read a request without starting it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from deployments.options import AgentOption, JsonOption, err
from tasks.domain.errors import AmbiguousRequest, DataUnusable, RequestOutOfScope
from tasks.domain.profile import Profile
from tasks.domain.request import Request
from tasks.hazards.wording import count
from tasks.model_inputs import check_allowed, check_known
from tasks.readers.request_file import read_request
from tasks.storage import as_json as json_of
from tasks.storage import from_json, write_atomically

_TONES = {"block": "bold red", "ask": "yellow", "warn": "yellow", "report": ""}
_ANY_TEXT = "investigate"


def investigate(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER|REQUEST.YAML", help="Folder of images, or a request.")],
    *,
    table: Annotated[Path | None, typer.Option(help="Table of labels. [default: looked for in the folder]")] = None,
    label: Annotated[str | None, typer.Option(help="Column that holds the class.")] = None,
    group: Annotated[str | None, typer.Option(help="Column that names the patient or lesion.")] = None,
    kind: Annotated[str | None, typer.Option("--format", help="coco, yolo, voc, rle, … [default: found]")] = None,
    masks: Annotated[Path | None, typer.Option(help="Folder of mask images. [default: found]")] = None,
    out: Annotated[Path | None, typer.Option(help="Write profile.html and profile.json into this folder.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what is in a folder of images and what is wrong with it; nothing is trained and nothing is changed."""
    from tasks.investigation import investigate as look  # noqa: PLC0415
    from tasks.readers.discovery import read_folder  # noqa: PLC0415
    from tasks.report.profile_page import profile_page  # noqa: PLC0415

    given = {
        "table": None if table is None else str(table.resolve()),
        "columns.label": label,
        "columns.group": group,
        "reading.format": kind,
        "reading.masks": None if masks is None else str(masks.resolve()),
    }
    request = _request(folder, {name: value for name, value in given.items() if value is not None})
    err.print(f"Looking at {request.images} …")
    manifest = read_folder(request.images, table=request.table, roles=request.roles, reading=request.reading)
    _, profile = look(manifest)
    place = (out or Path(f"{request.images.name}-profile")).resolve()
    write_atomically(place / "profile.json", json_of(profile))
    write_atomically(place / "profile.html", profile_page(profile))
    _show(profile)
    err.print(f"Page: {place / 'profile.html'}")
    if as_json:
        hazards = [{"kind": item.kind, "severity": item.severity} for item in profile.hazards]
        line = {
            "images": profile.n_images,
            "kind": profile.kind,
            "hazards": hazards,
            "page": str(place / "profile.html"),
        }
        typer.echo(json.dumps(line))


def parse(
    request_file: Annotated[
        Path | None, typer.Argument(metavar="[REQUEST.YAML]", help="The request as a file.")
    ] = None,
    *,
    text: Annotated[str | None, typer.Option(help="What the model is for, in plain words.")] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of images.")] = None,
    table: Annotated[Path | None, typer.Option(help="Table of labels.")] = None,
    profile: Annotated[
        Path | None, typer.Option(help="profile.json of `rounds investigate`, instead of looking at the images again.")
    ] = None,
    agent: AgentOption = "playbook",
    as_json: JsonOption = False,
) -> None:
    """Read a request and print the spec, how it was understood, and the questions; nothing is started."""
    from flows.composition import check_agent, semantic_parser_of  # noqa: PLC0415

    check_agent(agent)
    given = {
        "text": text,
        "images": None if images is None else str(images.resolve()),
        "table": None if table is None else str(table.resolve()),
    }
    overrides: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    if profile is not None and request_file is None:
        overrides.setdefault("images", str(profile.resolve().parent))
    request = read_request(request_file, overrides)
    facts = _profile_of(request) if profile is None else _stored_profile(profile)
    check_known(request.inputs, facts)
    parsed = semantic_parser_of(agent).parse(request.text, facts, inputs=request.inputs)
    understood = parsed.spec or parsed.draft
    if understood is not None:
        check_allowed(understood)
    if as_json:
        content = {
            "level": parsed.level,
            "refusal": parsed.refusal,
            "questions": TypeAdapter(object).dump_python(list(parsed.questions), mode="json"),
            "spec": None if understood is None else json.loads(json_of(understood)),
        }
        typer.echo(json.dumps(content))
    else:
        console = Console()
        console.print(Markdown(parsed.read_back))
        if understood is not None:
            console.print(Text("The spec" if parsed.spec else "What is understood so far", style="bold"))
            console.print_json(json_of(understood))
    if parsed.refusal:
        raise RequestOutOfScope(parsed.refusal)
    if parsed.spec is None:
        raise AmbiguousRequest([item for item in parsed.questions if item.blocking] or parsed.questions)


def _request(folder: Path, overrides: dict[str, object]) -> Request:
    if folder.is_file():
        return read_request(folder, overrides)
    if not folder.is_dir():
        raise DataUnusable("there is no such folder of images, nor such a request", file=folder)
    return read_request(None, {"text": _ANY_TEXT, "images": str(folder.resolve()), **overrides})


def _profile_of(request: Request) -> Profile:
    from tasks.investigation import investigate as look  # noqa: PLC0415
    from tasks.readers.discovery import read_manifest  # noqa: PLC0415

    return look(read_manifest(request))[1]


def _stored_profile(file: Path) -> Profile:
    try:
        return from_json(Profile, file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise DataUnusable(f"the profile cannot be read: {error}", file=file) from error


def _show(profile: Profile) -> None:
    console = Console()
    what, unit = f"{profile.n_images:,} images", profile.roles.unit
    groups = count(profile.n_groups, unit, "studies" if unit == "study" else "")
    console.print(Text(f"{what} of {groups}" if profile.has_groups else what, style="bold"))
    for note in profile.notes:
        console.print(Text(note))
    for label in profile.labels:
        console.print(Text(f"  {label.label}: {label.images:,}"))
    table = Table("", "hazard", "what was found")
    for hazard in profile.hazards:
        table.add_row(Text(hazard.severity, style=_TONES[hazard.severity]), hazard.kind, Text(hazard.summary))
    console.print(table if profile.hazards else Text("No hazard was found by the checks that were made."))
