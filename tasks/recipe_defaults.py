"""Write the recipe that a study starts with into the defaults of its `recipe.py`, leaving comments and layout alone."""

from __future__ import annotations

import ast
import json
import math
from typing import TYPE_CHECKING

import libcst

if TYPE_CHECKING:
    from collections.abc import Mapping

_KINDS: dict[str, tuple[type, ...]] = {"int": (int,), "float": (float, int), "str": (str,), "bool": (bool,)}


def rewrite_defaults(source: str, recipe: Mapping[str, object]) -> str:
    """Return the source of a recipe with other defaults.

    Args:
        source: Python text with a dataclass `Recipe` whose fields have annotated defaults (`image_size: int = 64`).
        recipe: New default of each field that changes.

    Raises:
        ValueError: A field is not in the recipe, or a value does not fit its annotation.
    """
    rewriter = _Rewriter(recipe)
    module = libcst.parse_module(source).visit(rewriter)
    unknown = sorted(set(recipe) - rewriter.seen)
    if unknown:
        raise ValueError(f"the recipe has no field {', '.join(unknown)}; it has {', '.join(rewriter.fields)}")
    return str(module.code)


def default_values(source: str) -> dict[str, object]:
    """Return the plain defaults of a recipe, by field; empty where there is no recipe that can be read."""
    try:
        module = ast.parse(source)
    except (SyntaxError, ValueError):
        return {}
    found: dict[str, object] = {}
    for item in (item for item in module.body if isinstance(item, ast.ClassDef) and item.name == "Recipe"):
        for field in item.body:
            if isinstance(field, ast.AnnAssign) and isinstance(field.value, ast.Constant):
                found[ast.unparse(field.target)] = field.value.value
    return found


class _Rewriter(libcst.CSTTransformer):  # type: ignore[misc]  # libcst is not followed by mypy here
    def __init__(self, recipe: Mapping[str, object]) -> None:
        super().__init__()
        self._recipe, self._inside = recipe, False
        self.fields: list[str] = []
        self.seen: set[str] = set()

    def visit_ClassDef(self, node: libcst.ClassDef) -> bool:  # noqa: N802 - libcst's name
        self._inside = node.name.value == "Recipe"
        return self._inside

    def leave_ClassDef(self, original_node: libcst.ClassDef, updated_node: libcst.ClassDef) -> libcst.ClassDef:  # noqa: ARG002, N802
        self._inside = False
        return updated_node

    def visit_FunctionDef(self, node: libcst.FunctionDef) -> bool:  # noqa: ARG002, N802
        return False

    def leave_AnnAssign(self, original_node: libcst.AnnAssign, updated_node: libcst.AnnAssign) -> libcst.AnnAssign:  # noqa: ARG002, N802
        if not self._inside or not isinstance(updated_node.target, libcst.Name):
            return updated_node
        name = updated_node.target.value
        self.fields.append(name)
        if name not in self._recipe:
            return updated_node
        self.seen.add(name)
        kind = libcst.Module([]).code_for_node(updated_node.annotation.annotation)
        value = libcst.parse_expression(_literal(name, kind, self._recipe[name]))
        equal = libcst.AssignEqual() if updated_node.equal is libcst.MaybeSentinel.DEFAULT else updated_node.equal
        return updated_node.with_changes(value=value, equal=equal)


def _literal(name: str, kind: str, value: object) -> str:
    expected = _KINDS.get(kind)
    if expected is None and not isinstance(value, str | int | float | bool | tuple | list | None):
        raise ValueError(f"{name}: {value!r} cannot be written as a default")
    if expected is not None and (not isinstance(value, expected) or (kind != "bool" and isinstance(value, bool))):
        raise ValueError(f"{name} is a {kind}, but {value!r} was given")
    if kind == "float":
        value = float(str(value))
    return _written(name, value)


def _written(name: str, value: object) -> str:
    if isinstance(value, tuple | list):
        items = ", ".join(_written(name, item) for item in value)
        return f"({items},)" if len(value) == 1 else f"({items})"
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name}: {value!r} cannot be written as a default")
    if isinstance(value, str):
        # double quotes, as in the template; JSON's escapes are a part of Python's
        return json.dumps(value, ensure_ascii=True) if value.isascii() else repr(value)
    return repr(value)
