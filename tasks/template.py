"""Read a template: a flat folder of Python files and a `template.toml` that says how to run them and what is locked."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from tasks.locks import EDITABLE, Locks, sha256, tree_sha256

if TYPE_CHECKING:
    from collections.abc import Mapping


class TemplateFacts(BaseModel):
    """What a `template.toml` says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    summary: str = ""
    recipe: str
    """File with the dataclass `Recipe`."""
    locked: tuple[str, ...]
    train: tuple[str, ...]
    """Command; `python` as first word is the sandbox's interpreter."""
    predict: tuple[str, ...]


def template_files(template: Path) -> dict[str, bytes]:
    """Return the content of a template's files by name.

    Raises:
        ValueError: It is not a flat folder of plain files, or has no template.toml.
    """
    files = {}
    for path in sorted(template.iterdir()):
        if path.name in ("__pycache__", ".ruff_cache", ".mypy_cache"):
            continue
        if path.is_symlink() or not path.is_file():
            raise ValueError(f"the template {template} is not a flat folder of plain files: {path.name}")
        files[path.name] = path.read_bytes()
    if "template.toml" not in files:
        raise ValueError(f"{template} has no template.toml")
    return files


def template_sources(folder: Path) -> dict[str, dict[str, str]]:
    """Return the text of every template's files, by the template's folder and the file's name."""
    found = sorted(file.parent for file in folder.glob("*/template.toml"))
    return {place.name: {name: content.decode() for name, content in template_files(place).items()} for place in found}


def facts_of(content: bytes, place: Path) -> TemplateFacts:
    """Return what a template.toml says; `place` is named in the error.

    Raises:
        ValueError: It is not valid.
    """
    try:
        return TemplateFacts.model_validate(tomllib.loads(content.decode()))
    except (ValidationError, ValueError) as error:
        raise ValueError(f"the template.toml of {place} is not valid: {error}") from error


def locks_of(facts: TemplateFacts, files: Mapping[str, bytes], recipe: Mapping[str, object]) -> Locks:
    """Return the hashes to hold a copy of a template to.

    Raises:
        ValueError: A file that the template names is missing, or its recipe could not be edited.
    """
    # A file that no edit may touch is locked, said or not; so is the list of locks itself.
    names = {*facts.locked, "template.toml", *(name for name in files if not name.endswith(EDITABLE))}
    missing = sorted({*names, facts.recipe} - set(files))
    if missing:
        raise ValueError(f"the template {facts.name} has no {', '.join(missing)}")
    if facts.recipe in names:
        raise ValueError(f"the recipe {facts.recipe} of the template {facts.name} is locked")
    return Locks(
        template=facts.name,
        template_sha256=tree_sha256(files),
        recipe=json.loads(json.dumps(dict(recipe))),
        locked={name: sha256(files[name]) for name in sorted(names)},
        modules=tuple(sorted(Path(name).stem for name in files if name.endswith(".py"))),
    )
