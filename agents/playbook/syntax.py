"""Finding and replacing places in Python text, by what the code there says; what `editing` is built of."""

from __future__ import annotations

import ast
import textwrap
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import libcst as cst

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class SeamMissing(Exception):
    """The code has no single place that an edit needs; the message says which."""


@lru_cache(maxsize=256)
def parsed(text: str) -> cst.Module:
    """Return the syntax tree of a module's text; raises `SeamMissing` where it does not parse."""
    try:
        return cst.parse_module(text)
    except cst.ParserSyntaxError as error:
        raise SeamMissing(f"the code does not parse: {error.message}") from error


def statements_of(code: str) -> list[Any]:
    """Return statements with the comments and blank lines above them."""
    module = cst.parse_module(textwrap.dedent(code).strip() + "\n")
    first, *others = module.body
    return [first.with_changes(leading_lines=(*module.header, *first.leading_lines)), *others]


def code_of(node: cst.CSTNode) -> str:
    """Return the text of a node, as at the outermost level."""
    return str(cst.Module([]).code_for_node(node))


@lru_cache(maxsize=4096)
def syntax_of(code: str) -> str:
    """Return a form of a piece of code that is equal for equal syntax."""
    return ast.dump(ast.parse(textwrap.dedent(code).strip()))


def class_in(text: str, name: str) -> ast.ClassDef:
    """Return the one top-level class of a name; raises `SeamMissing` where there is none."""
    parsed(text)
    found = [item for item in ast.parse(text).body if isinstance(item, ast.ClassDef) and item.name == name]
    if len(found) != 1:
        raise SeamMissing(f"there is no single class {name}")
    return found[0]


def is_string(statements: Sequence[ast.stmt]) -> bool:
    """Return whether any of the statements is a bare string."""
    return any(isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant) for item in statements)


def in_scope(text: str, scope: str, change: Callable[[Any], Any]) -> str:
    """Return the text with one definition, named by a dotted path, changed; the whole module for an empty path."""
    module = parsed(text)
    if not scope:
        return str(change(module).code)

    def walk(node: Any, names: Sequence[str]) -> Any:
        body = node.body if isinstance(node, cst.Module) else node.body.body
        found = [
            i
            for i, item in enumerate(body)
            if isinstance(item, cst.FunctionDef | cst.ClassDef) and item.name.value == names[0]
        ]
        if len(found) != 1:
            raise SeamMissing(f"there is no single definition of {scope}")
        (at,) = found
        new = change(body[at]) if len(names) == 1 else walk(body[at], names[1:])
        statements = [*body[:at], new, *body[at + 1 :]]
        if isinstance(node, cst.Module):
            return node.with_changes(body=statements)
        return node.with_changes(body=node.body.with_changes(body=statements))

    return str(walk(module, scope.split(".")).code)


class _Rewriter(cst.CSTTransformer):  # type: ignore[misc]
    """Replaces every node that a test recognises, and counts them."""

    def __init__(self, is_it: Callable[[cst.CSTNode], bool], change: Callable[[Any], Any]) -> None:
        super().__init__()
        self.count, self._is_it, self._change = 0, is_it, change

    def on_leave(self, original_node: cst.CSTNode, updated_node: Any) -> Any:
        if not self._is_it(original_node):
            return updated_node
        self.count += 1
        return self._change(updated_node)


def rewrite_once(tree: Any, is_it: Callable[[cst.CSTNode], bool], change: Callable[[Any], Any], what: str) -> Any:
    """Return a tree with the one node that a test recognises changed; raises `SeamMissing` if it is not one."""
    rewriter = _Rewriter(is_it, change)
    new = tree.visit(rewriter)
    if rewriter.count != 1:
        raise SeamMissing(f"{what} is there {rewriter.count} times, not once")
    return new


def at_statement(text: str, scope: str, anchor: str, change: Callable[[Any], list[Any]]) -> str:
    """Return the text with the one statement that reads as the anchor exchanged for others."""
    wanted = _head(statements_of(anchor)[0])
    kind = type(statements_of(anchor)[0])

    def is_it(node: cst.CSTNode) -> bool:
        return isinstance(node, kind) and _head(node) == wanted

    def flat(found: Any) -> Any:
        return cst.FlattenSentinel(change(found))

    what = f"`{textwrap.dedent(anchor).strip()}` in {scope or 'the module'}"
    return in_scope(text, scope, lambda node: rewrite_once(node, is_it, flat, what))


def _head(statement: Any) -> str:
    """Return the syntax of a simple statement, or of a compound one without its body."""
    statement = statement.with_changes(leading_lines=())
    if isinstance(statement, cst.SimpleStatementLine):
        return syntax_of(code_of(statement))
    if isinstance(statement, cst.If):
        statement = statement.with_changes(orelse=None)
    return syntax_of(code_of(statement.with_changes(body=cst.SimpleStatementSuite([cst.Pass()]))))
