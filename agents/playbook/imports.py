"""Adding an import to Python text where a person would have put it."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING, Any

import libcst as cst

from agents.playbook.syntax import SeamMissing, code_of, parsed, statements_of

if TYPE_CHECKING:
    from collections.abc import Sequence

THIRD_PARTY = frozenset({"PIL", "numpy", "pandas", "safetensors", "timm", "torch", "torchvision"})
"""What a template may import beside the standard library and its own files."""


def add_import(text: str, statement: str) -> str:
    """Return the text with an import, sorted into the block of imports where it belongs; unchanged if it is there.

    `from x import a` joins an existing `from x import b`. A module whose imports are in blocks (standard library,
    others, own) keeps them so: a new import goes beside the imports of its own block.

    Raises:
        SeamMissing: The module imports nothing of the same block and so has no place for it.
    """
    module = parsed(text)
    (new,) = statements_of(statement)
    places = [i for i, item in enumerate(module.body) if _imported(item)]
    wanted = _imported(new)[0]
    for i in places:
        if wanted in _imported(module.body[i]):
            return text
        merged = _merged_import(module.body[i], new)
        if merged is not None:
            return str(module.with_changes(body=[*module.body[:i], merged, *module.body[i + 1 :]]).code)
    if not places:
        raise SeamMissing("the module has no imports to sort a new one into")
    return str(_with_new_import(module, places, new).code)


def _with_new_import(module: cst.Module, places: Sequence[int], new: Any) -> cst.Module:
    """Return the module with an import put behind the last one that sorts before it."""
    body: list[Any] = list(module.body)
    key = _import_key(new)
    smaller = [i for i in places if _import_key(body[i]) <= key]
    at = smaller[-1] + 1 if smaller else places[0]
    opens_block = not smaller or _import_key(body[smaller[-1]])[0] != key[0]
    blank = (cst.EmptyLine(indent=False),)
    if opens_block and at in places:
        same_block = _import_key(body[at])[0] == key[0]
        new = new.with_changes(leading_lines=body[at].leading_lines)
        body[at] = body[at].with_changes(leading_lines=() if same_block else blank)
    elif opens_block:
        new = new.with_changes(leading_lines=blank)
    body.insert(at, new)
    return module.with_changes(body=body)


def _import_key(statement: Any) -> tuple[int, bool, str]:
    """Return the sorting key of an import: block, then plain imports before `from` ones, then by name."""
    name, item = _imported(statement)[0]
    top = name.split(".")[0]
    block = 0 if top == "__future__" else 1 if top in sys.stdlib_module_names else 2 if top in THIRD_PARTY else 3
    return block, item != "import", name


def _imported(statement: Any) -> list[tuple[str, str]]:
    """Return (module, item as written) for all that a statement imports; the item is `import` for a plain import."""
    if not isinstance(statement, cst.SimpleStatementLine):
        return []
    node = ast.parse(code_of(statement).strip()).body[0]
    if isinstance(node, ast.Import):
        return [(item.name, "import") for item in node.names]
    if isinstance(node, ast.ImportFrom):
        return [("." * node.level + (node.module or ""), ast.unparse(item)) for item in node.names]
    return []


def _merged_import(old: Any, new: Any) -> Any:
    """Return one `from` import of all that two import from the same module; None where they cannot be one."""
    here, added = _imported(old), _imported(new)
    if here[0][0] != added[0][0] or "import" in (here[0][1], added[0][1]):
        return None
    items = sorted(
        {item for _, item in here + added}, key=lambda item: (item != item.upper(), item == item.lower(), item)
    )
    (merged,) = statements_of(f"from {here[0][0]} import {', '.join(items)}")
    return merged.with_changes(leading_lines=old.leading_lines)
