"""What several commands share: their options, where they print, and how they find a study."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from flows.settings import Settings
from tasks.domain.errors import StudyNotFound
from tasks.storage import StudyFolder

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
AgentOption = Annotated[
    str,
    typer.Option(
        help="Who plays the three roles: playbook, claude (needs a key), or claude-sdk (a key and the Claude Agent SDK)."
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print the result as one line of JSON, last on standard output.")
]


def open_study(path: Path) -> StudyFolder:
    """Return the study in a folder.

    Raises:
        StudyNotFound: There is none.
    """
    folder = StudyFolder(path.resolve())
    if not folder.has("request.json"):
        raise StudyNotFound(
            f"there is no study in {folder.root}; `rounds status` lists those under {Settings().studies.resolve()}"
        )
    return folder
