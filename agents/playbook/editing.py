"""Small edits of Python text that leave the rest of it, comments and layout included, as it was.

Every function takes the text of a module and returns the new text, or raises `SeamMissing` where the place that it
needs is gone (someone rewrote the code) or is there more than once. Places are named by the code that stands there,
compared as syntax, so that layout and quotes do not matter.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import libcst as cst

from agents.playbook.syntax import (
    SeamMissing,
    at_statement,
    class_in,
    code_of,
    in_scope,
    parsed,
    rewrite_once,
    statements_of,
    syntax_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


LINE_LENGTH = 120


# --- values in a dataclass of settings ------------------------------------------------------------------------------


def default_of(text: str, class_name: str, field: str) -> Any:
    """Return the literal default of a dataclass field, or None where the class has no such field.

    Raises:
        SeamMissing: There is no such class, or the default is no literal.
    """
    for statement in class_in(text, class_name).body:
        if isinstance(statement, ast.AnnAssign) and ast.unparse(statement.target) == field:
            if statement.value is None:
                raise SeamMissing(f"{class_name}.{field} has no default")
            try:
                return ast.literal_eval(statement.value)
            except ValueError as error:
                raise SeamMissing(f"the default of {class_name}.{field} is no plain value") from error
    return None


def set_default(text: str, class_name: str, field: str, value: object) -> str:
    """Return the text with another literal default for a dataclass field.

    Raises:
        SeamMissing: The class has no such field with a plain default.
    """
    if default_of(text, class_name, field) is None:
        raise SeamMissing(f"{class_name} has no field {field} with a default")

    def change(node: cst.AnnAssign) -> cst.AnnAssign:
        return node.with_changes(value=cst.parse_expression(literal(value)))

    def is_it(node: cst.CSTNode) -> bool:
        return isinstance(node, cst.AnnAssign) and isinstance(node.target, cst.Name) and node.target.value == field

    return in_scope(text, class_name, lambda scope: rewrite_once(scope, is_it, change, f"{class_name}.{field}"))


def add_field(
    text: str, class_name: str, field: str, *, annotation: str, value: object, note: str, after: Sequence[str] = ()
) -> str:
    """Return the text with one more field in a dataclass, a note behind it.

    Args:
        text: Module text.
        class_name: The dataclass.
        field: Name of the new field.
        annotation: Its type, as written.
        value: Its default, a plain value.
        note: What it means, with its unit: the comment behind it.
        after: Fields that it should follow: it is put behind the last of these that is there, else at the end.

    Raises:
        SeamMissing: There is no such class, or it has the field already.
    """
    if default_of(text, class_name, field) is not None:
        raise SeamMissing(f"{class_name} has a field {field} already")

    def change(node: cst.ClassDef) -> cst.ClassDef:
        places = {_field_name(item): i for i, item in enumerate(node.body.body) if _field_name(item)}
        behind = [places[name] for name in after if name in places] or list(places.values())
        if not behind:
            raise SeamMissing(f"{class_name} has no fields")
        at = max(behind) + 1
        new = statements_of(f"{field}: {annotation} = {literal(value)}  # {note}")
        return node.with_changes(body=node.body.with_changes(body=[*node.body.body[:at], *new, *node.body.body[at:]]))

    return in_scope(text, class_name, change)


def _field_name(statement: Any) -> str:
    first = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
    return str(first.target.value) if isinstance(first, cst.AnnAssign) and isinstance(first.target, cst.Name) else ""


def literal(value: object) -> str:
    """Return a value as a person writes it: double quotes, 3e-4 rather than 0.0003."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, float) and 0 < abs(value) < 1e-2:
        mantissa, exponent = f"{value:.6e}".split("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    if isinstance(value, float):
        return repr(round(value, 6))
    return repr(value)


# --- statements and expressions -------------------------------------------------------------------------------------


def insert_before(text: str, scope: str, anchor: str, code: str) -> str:
    """Return the text with statements put before the one statement of a function that reads as the anchor.

    Args:
        text: Module text.
        scope: Function (`train`), method (`Model.forward`), class, or the empty string for the whole module.
        anchor: One statement; a compound one with the body `...` is compared by its head alone.
        code: Statements to insert, not indented, comments allowed.

    Raises:
        SeamMissing: The scope, or exactly one such statement in it, is not there.
    """
    return at_statement(text, scope, anchor, lambda found: [*statements_of(code), found])


def insert_after(text: str, scope: str, anchor: str, code: str) -> str:
    """Return the text with statements put after the one that reads as the anchor; see `insert_before`."""
    return at_statement(text, scope, anchor, lambda found: [found, *statements_of(code)])


def replace_statement(text: str, scope: str, anchor: str, code: str) -> str:
    """Return the text with other statements in place of the one that reads as the anchor; see `insert_before`."""

    def change(found: Any) -> list[Any]:
        first, *others = statements_of(code)
        return [first.with_changes(leading_lines=(*found.leading_lines, *first.leading_lines)), *others]

    return at_statement(text, scope, anchor, change)


def replace_expression(text: str, scope: str, old: str, new: str) -> str:
    """Return the text with another expression in place of the only one in a scope that reads as `old`.

    Raises:
        SeamMissing: The scope, or exactly one such expression in it, is not there.
    """
    wanted, replacement = syntax_of(old), cst.parse_expression(new)
    kind = type(cst.parse_expression(old))

    def is_it(node: cst.CSTNode) -> bool:
        return isinstance(node, kind) and syntax_of(code_of(node)) == wanted

    return in_scope(text, scope, lambda node: rewrite_once(node, is_it, lambda _: replacement, f"`{old}` in {scope}"))


def has_expression(text: str, scope: str, expression: str) -> bool:
    """Return whether a scope holds exactly one expression that reads as the given one."""
    try:
        replace_expression(text, scope, expression, expression)
    except SeamMissing:
        return False
    return True


def with_argument(expression: str, call: str, argument: str, *, first: bool = False) -> str:
    """Return an expression in which the only call of a function has one keyword argument more.

    Args:
        expression: Any expression.
        call: What is called, as written: `nn.CrossEntropyLoss`.
        argument: The argument as written: `label_smoothing=0.1`.
        first: Put it before the other keyword arguments rather than behind them.

    Raises:
        SeamMissing: There is no such single call, or it has the argument already.
    """
    name = argument.split("=", maxsplit=1)[0]

    def is_it(node: cst.CSTNode) -> bool:
        return isinstance(node, cst.Call) and code_of(node.func) == call

    def change(node: cst.Call) -> cst.BaseExpression:
        if any(item.keyword is not None and item.keyword.value == name for item in node.args):
            raise SeamMissing(f"{call} has the argument {name} already")
        written = [code_of(item.with_changes(comma=cst.MaybeSentinel.DEFAULT)).strip() for item in node.args]
        at = sum(item.keyword is None for item in node.args) if first else len(written)
        return cst.parse_expression(f"{call}({', '.join([*written[:at], argument, *written[at:]])})")

    return code_of(rewrite_once(cst.parse_expression(expression), is_it, change, f"a call of {call}"))


def returned(text: str, function: str) -> str:
    """Return the expression that a function of a single return returns, as written.

    Raises:
        SeamMissing: There is no such function, or it returns in several places or nothing.
    """
    parsed(text)
    definitions = [x for x in ast.parse(text).body if isinstance(x, ast.FunctionDef) and x.name == function]
    found = [node for item in definitions for node in ast.walk(item) if isinstance(node, ast.Return) and node.value]
    if len(definitions) != 1 or len(found) != 1:
        raise SeamMissing(f"there is no function {function} with a single return")
    return ast.get_source_segment(text, found[0].value) or ""  # type: ignore[arg-type]


def set_returned(text: str, function: str, expression: str) -> str:
    """Return the text with another expression returned by a function of a single return; see `returned`."""
    return replace_statement(text, function, f"return {returned(text, function)}", _return_statement(expression))


def _return_statement(expression: str) -> str:
    """Return `return ...` for the first level of indentation, laid out as the formatter would."""
    node: Any = cst.parse_expression(expression)
    if len(f"    return {expression}") <= LINE_LENGTH or not isinstance(node, cst.Call) or not node.args:
        return f"return {expression}"
    arguments = [code_of(item.with_changes(comma=cst.MaybeSentinel.DEFAULT)).strip() for item in node.args]
    lines = [", ".join(arguments)]
    if len(f"        {lines[0]}") > LINE_LENGTH and len(arguments) > 1:
        lines = [f"{argument}," for argument in arguments]
    elif len(f"        {lines[0]}") > LINE_LENGTH and isinstance(node.args[0].value, cst.List):
        lines = ["[", *(f"    {code_of(item.value)}," for item in node.args[0].value.elements), "]"]
    return "\n    ".join([f"return {code_of(node.func)}(", *lines]) + "\n)"


# --- definitions ----------------------------------------------------------------------------------------------------


def add_definition(text: str, code: str, *, after: Sequence[str]) -> str:
    """Return the text with a function or class added; unchanged if the very same is there.

    Args:
        text: Module text.
        code: The definition.
        after: Top-level definitions; the new one is put behind the last of these that is there.

    Raises:
        SeamMissing: None of those is there, or the name is taken by other code.
    """
    module = parsed(text)
    (added,) = statements_of(code)
    places = {
        item.name.value: i for i, item in enumerate(module.body) if isinstance(item, cst.FunctionDef | cst.ClassDef)
    }
    if added.name.value in places:
        if syntax_of(code_of(module.body[places[added.name.value]])) == syntax_of(code):
            return text
        raise SeamMissing(f"{added.name.value} is defined already")
    behind = [places[name] for name in after if name in places]
    if not behind:
        raise SeamMissing(f"there is no definition of {' or '.join(after)}")
    at = max(behind) + 1
    two_lines = (cst.EmptyLine(indent=False), cst.EmptyLine(indent=False))
    new = added.with_changes(leading_lines=(*two_lines, *added.leading_lines))
    return str(module.with_changes(body=[*module.body[:at], new, *module.body[at:]]).code)


def exchange_definition(text: str, *, known: Sequence[str], new: str) -> str:
    """Return the text with one known version of a function in place of another; docstrings are not compared.

    Raises:
        SeamMissing: The function is not there, or reads like none of the known versions.
    """
    name = statements_of(new)[0].name.value
    versions = [_without_docstring(version) for version in known]

    def change(old: Any) -> Any:
        if _without_docstring(code_of(old)) not in versions:
            raise SeamMissing(f"{name} was rewritten")
        return statements_of(new)[0].with_changes(leading_lines=old.leading_lines)

    return in_scope(text, name, change)


def _without_docstring(code: str) -> str:
    (definition,) = ast.parse(code.strip()).body
    if isinstance(definition, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(definition) is not None:
        definition.body = definition.body[1:]
    return ast.dump(definition)
