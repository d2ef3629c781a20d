"""The prompts, from prompts/*.md, each with the hash by which a study records which one was used."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDER = Path(__file__).with_name("prompts")
_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A prompt as it is sent."""

    name: str
    text: str
    sha256: str
    """Of the file, whatever was put into its places."""


def load_prompt(name: str, values: Mapping[str, str] | None = None) -> Prompt:
    """Return the prompt `prompts/<name>.md` with a value in each place `{{ name }}`.

    Raises:
        KeyError: A place has no value, or a value no place.
    """
    raw = (_FOLDER / f"{name}.md").read_bytes()
    given, source = dict(values or {}), raw.decode()
    places = set(_PLACE.findall(source))
    if places != set(given):
        raise KeyError(f"prompt {name}: places {sorted(places)}, values {sorted(given)}")
    # one pass, so that a value that looks like a place stays as it is
    text = _PLACE.sub(lambda match: given[match[1]], source)
    return Prompt(name=name, text=text.strip() + "\n", sha256=hashlib.sha256(raw).hexdigest())


def prompt_hashes() -> dict[str, str]:
    """Return the SHA-256 of every prompt by name, for the records of a study."""
    return {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(_FOLDER.glob("*.md"))}
