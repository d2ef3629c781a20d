"""`request.yaml`, the request as a file: untrusted text, so every field is checked, and an error names it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError

from tasks.domain.errors import DataUnusable
from tasks.domain.request import Budget, ColumnRoles, ReadingRules, Request


class _Columns(BaseModel):
    model_config = ConfigDict(extra="forbid")

    image: str | None = None
    label: str | None = None
    one_hot: tuple[str, ...] = ()
    group: str | None = None
    split: str | None = None
    attributes: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    annotators: tuple[str, ...] = ()
    annotator: str | None = None
    boxes: tuple[str, ...] = ()
    rle: str | None = None


class _Reading(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: (
        Literal[
            "table",
            "one_hot",
            "multi_label",
            "class_folders",
            "coco",
            "yolo",
            "voc",
            "boxes_table",
            "rle",
            "mask_images",
        ]
        | None
    ) = None
    masks: Path | None = None
    uncertain: Literal["unknown", "positive", "negative"] = "unknown"
    aggregation: str = Field(default="majority", min_length=1)


class _Budget(BaseModel):
    model_config = ConfigDict(extra="forbid")

    rounds: int = Field(default=30, ge=0, le=30)
    minutes_per_round: float = Field(default=40.0, gt=0, le=24 * 60)
    dollars: float | None = Field(default=None, ge=0)


_InputName = Annotated[str, Field(min_length=1)]


class _RequestFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1)
    images: Path
    table: Path | None = None
    columns: _Columns = Field(default_factory=_Columns)
    reading: _Reading = Field(default_factory=_Reading)
    inputs: tuple[_InputName, ...] = ()
    allow_images: StrictBool = False
    budget: _Budget = Field(default_factory=_Budget)
    verdict_rule: Literal["one_standard_error", "strict"] = "one_standard_error"
    seed: int = Field(default=0, ge=0, lt=2**32)


_PARTS: dict[str, type[BaseModel]] = {"columns": _Columns, "reading": _Reading, "budget": _Budget}


def read_request(file: Path | None, overrides: dict[str, object]) -> Request:
    """Return the request of a file with fields overridden, or one made of the overrides alone.

    Args:
        file: `request.yaml`; relative paths in it are relative to its folder. None for no file.
        overrides: Values by field, nested ones with a dot (`budget.rounds`); relative paths are relative to the working
            directory. They win over the file.

    Raises:
        DataUnusable: The file cannot be read, or a field is missing, unknown or wrong.
    """
    content = _content(file) if file else {}
    for name in ("images", "table"):
        if file and isinstance(content.get(name), str):
            content[name] = str(file.parent / str(content[name]))
    reading = content.get("reading")
    if file and isinstance(reading, dict) and isinstance(reading.get("masks"), str):
        reading["masks"] = str(file.parent / reading["masks"])
    for name, value in overrides.items():
        _set(content, name, value, file)
    try:
        checked = _RequestFile.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise DataUnusable(_advice(field, first["type"], first["msg"]), file=file, field=field) from error
    return Request(
        text=checked.text.strip(),
        images=checked.images.resolve(),
        table=checked.table.resolve() if checked.table else None,
        roles=ColumnRoles(**checked.columns.model_dump()),
        reading=ReadingRules(
            format=checked.reading.format,
            masks=checked.reading.masks.resolve() if checked.reading.masks else None,
            uncertain=checked.reading.uncertain,
            aggregation=checked.reading.aggregation,
        ),
        inputs=tuple(dict.fromkeys(name.strip() for name in checked.inputs)),
        allow_images=checked.allow_images,
        budget=Budget(**checked.budget.model_dump()),
        verdict_rule=checked.verdict_rule,
        seed=checked.seed,
    )


def _content(file: Path) -> dict[str, object]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataUnusable(f"the request cannot be read: {error.strerror}", file=file) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        row = None if mark is None else mark.line + 1
        raise DataUnusable(
            "this is not a YAML file; see deployments/requests for examples", file=file, row=row
        ) from error
    if not isinstance(content, dict):
        raise DataUnusable("a request is a list of `field: value` lines, at least text and images", file=file)
    return content


def _set(content: dict[str, object], name: str, value: object, file: Path | None) -> None:
    outer, dot, inner = name.partition(".")
    if not dot:
        content[outer] = value
        return
    nested = content.setdefault(outer, {})
    if not isinstance(nested, dict):
        raise DataUnusable("must hold `field: value` lines of its own", file=file, field=outer)
    nested[inner] = value


def _advice(field: str, kind: str, message: str) -> str:
    if kind == "missing":
        words = {"text": "say in your own words what the model is for", "images": "name the folder of images"}
        return f"is missing; {words.get(field, 'it is needed')}"
    if kind == "extra_forbidden":
        outer = field.rpartition(".")[0]
        known = ", ".join(_PARTS.get(outer, _RequestFile).model_fields)
        return f"is not a field of {outer or 'a request'}; fields are {known}"
    return message[0].lower() + message[1:]
