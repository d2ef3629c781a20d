"""The recipe of a template as a form: its fields are read from the source, and each value is checked before it is written there."""

from __future__ import annotations

import ast
import math
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, create_model

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_KINDS: dict[str, type] = {"int": int, "float": float, "str": str, "bool": bool}
FIXED = frozenset({"seed"})
"""Fields that are not the initializer's to choose: chance is no part of a plan."""
BOUNDS: Mapping[str, tuple[float, float]] = {
    "image_size": (16, 1024),
    "batch_size": (1, 1024),
    "epochs": (1, 1000),
    "learning_rate": (1e-6, 1.0),
    "weight_decay": (0.0, 1.0),
}
"""Least and greatest value that a training run can make sense of; other numbers are only to be finite and not below 0."""
BACKBONES = frozenset(
    {
        "resnet10t",
        "resnet14t",
        "resnet18",
        "resnet26",
        "resnet34",
        "resnet50",
        "resnet101",
        "mobilenetv3_small_100",
        "mobilenetv3_large_100",
    }
    | {
        "efficientnet_b0",
        "efficientnetv2_rw_t",
        "convnext_atto",
        "convnext_femto",
        "convnext_pico",
        "convnext_nano",
        "convnext_tiny",
    }
    | {
        "convnext_small",
        "regnety_004",
        "regnety_008",
        "regnety_016",
        "densenet121",
        "vit_tiny_patch16_224",
        "vit_small_patch16_224",
    }
)
"""Networks of timm that a start may use without weights at hand; those with weights can all be used."""


def fields_of(source: str) -> dict[str, tuple[type, object]]:
    """Return kind and default of each field of the dataclass `Recipe` that can be chosen, in the order of the source.

    Fields of another kind than `int`, `float`, `str` and `bool` stay as the template has them.

    Raises:
        ValueError: The source holds no such class.
    """
    recipe = next(
        (item for item in ast.parse(source).body if isinstance(item, ast.ClassDef) and item.name == "Recipe"), None
    )
    if recipe is None:
        raise ValueError("the template has no class Recipe")
    found: dict[str, tuple[type, object]] = {}
    for item in recipe.body:
        if (
            isinstance(item, ast.AnnAssign)
            and isinstance(item.target, ast.Name)
            and isinstance(item.value, ast.Constant)
        ):
            kind = _KINDS.get(ast.unparse(item.annotation))
            if kind is not None and item.target.id not in FIXED:
                found[item.target.id] = (kind, item.value.value)
    return found


def plan_form(fields: Mapping[str, tuple[type, object]]) -> type[BaseModel]:
    """Return the form of a plan: a value for each field of the recipe, and notes."""
    config = ConfigDict(extra="forbid", frozen=True, strict=True)
    values: dict[str, Any] = {name: (kind, Field()) for name, (kind, _) in fields.items()}
    recipe = create_model("RecipeForm", __config__=config, **values)
    return create_model("PlanForm", __config__=config, recipe=(recipe, Field()), notes=(list[str], Field()))


def problems_of(recipe: Mapping[str, object], cached_weights: Collection[str]) -> Iterator[str]:
    """Yield what is wrong with the values of a recipe."""
    for name, value in recipe.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        least, greatest = BOUNDS.get(name, (0.0, math.inf))
        if not math.isfinite(value) or not least <= value <= greatest:
            yield f"recipe.{name}: {value!r} is not between {least:g} and {greatest:g}"
    backbone = recipe.get("backbone")
    if not isinstance(backbone, str):
        return
    if backbone not in BACKBONES | set(cached_weights):
        yield f"recipe.backbone: {backbone!r} is not known here; there are {', '.join(sorted(BACKBONES | set(cached_weights)))}"
    elif recipe.get("pretrained") is True and backbone not in cached_weights:
        there = ", ".join(sorted(cached_weights)) or "none"
        yield f"recipe.pretrained: there are no weights of {backbone} at hand; there are those of {there}"
