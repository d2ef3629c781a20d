"""Whether an edit only takes code away: for such a one a tie is kept, so that it has to be what it is said to be."""

from __future__ import annotations

import ast
import difflib
import io
import tokenize
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def only_takes_away(before: Mapping[str, str], changed: Mapping[str, str]) -> bool:
    """Return whether a changed codebase has statements less, and none more or other than before.

    Comments, docstrings and layout do not count. A line may stay with words less, as a call that loses an argument.

    Args:
        before: Text of every file.
        changed: New text of each changed or added file.
    """
    shrunk = False
    for name, text in changed.items():
        if name not in before:
            return False
        try:
            old, new = _statements(name, before[name]), _statements(name, text)
        except (SyntaxError, ValueError, RecursionError):
            return False  # refused elsewhere, with the reason
        for kind, first, last, start, end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if kind == "equal":
                continue
            if not all(any(_is_part(line, other) for other in old[first:last]) for line in new[start:end]):
                return False
            shrunk = True
    return shrunk


def _statements(name: str, text: str) -> list[str]:
    """Return the lines of a file as the parser sees them, without comments and docstrings."""
    if not name.endswith(".py"):
        return [line.strip() for line in text.splitlines() if line.strip()]
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree).splitlines()


def _is_part(line: str, of: str) -> bool:
    """Return whether a line has the words of another, in their order, with some left out."""
    words = iter(_words(of))
    return line != of and all(word in words for word in _words(line))


def _words(line: str) -> Sequence[str]:
    try:
        return [
            item.string for item in tokenize.generate_tokens(io.StringIO(line.strip()).readline) if item.string.strip()
        ]
    except (tokenize.TokenError, IndentationError, SyntaxError):
        return line.split()
