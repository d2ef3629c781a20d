"""Names and values as MLflow takes them: what a language model or a program wrote must not be what ends the tracking of a study."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LONGEST_NAME, LONGEST_VALUE, LONGEST_TAG = 200, 500, 5_000
"""Characters; MLflow allows 250 of a name, from 500 of a value of a parameter in its oldest stores, and 5,000 of a tag."""
_NOT_ALLOWED = re.compile(r"[^\w .\-:]")
_SLASHES = re.compile(r"[./ ]*/[./ ]*")


def metric_name(name: str) -> str:
    """Return a metric's name as MLflow allows it: `auroc[mel]` becomes `auroc/mel`."""
    parts = (
        _NOT_ALLOWED.sub("_", part) for part in name[: 2 * LONGEST_NAME].replace("[", "/").replace("]", "").split("/")
    )
    return _SLASHES.sub("/", "/".join(parts))[:LONGEST_NAME].strip("/. ") or "unnamed"


def parameters(settings: Mapping[str, object]) -> dict[str, str]:
    """Return settings as MLflow takes them: names of allowed signs, bounded and different from each other, and bounded values."""
    names = unique(_NOT_ALLOWED.sub("_", name)[:LONGEST_NAME].strip(" .") or "unnamed" for name in settings)
    return {name: text_of(value, LONGEST_VALUE) for name, value in zip(names, settings.values(), strict=True)}


def unique(names: Iterable[str]) -> list[str]:
    """Return names of which each later one that is not the first of its kind, cases aside, has a number."""
    taken: set[str] = set()
    told = []
    for name in names:
        number, free = 2, name
        while free.casefold() in taken:
            free, number = f"{name}_{number}", number + 1
        taken.add(free.casefold())
        told.append(free)
    return told


def text_of(value: object, longest: int = LONGEST_TAG) -> str:
    """Return a value as a text that every store of MLflow can hold: bounded, and of signs that can be written."""
    text = str(value).replace("\0", "").encode("utf-8", errors="replace").decode("utf-8")
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
