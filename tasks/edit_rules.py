"""What an edit of a codebase may do; whatever it may not is an `EditRejected` with the reason, never a surprise in the sandbox."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import tomllib
import warnings
from typing import TYPE_CHECKING

from tasks.domain.errors import EditRejected
from tasks.locks import EDITABLE, shadowing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.locks import Locks

MAX_FILE_BYTES = 200_000
MAX_CODEBASE_BYTES = 1_000_000
MAX_FILES = 64

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,63}\.(py|toml)")


def checked_edit(files: Mapping[str, str], locks: Locks) -> dict[str, bytes]:
    """Return the files of an edit as bytes.

    Args:
        files: New text of each changed or added file.
        locks: Of the codebase.

    Raises:
        EditRejected: A name, a type, a size, a locked file, or text that is no valid Python or TOML.
    """
    if not files:
        raise EditRejected("the edit changes no file")
    return {name: _checked(name, text, locks) for name, text in files.items()}


def check_whole(files: Mapping[str, bytes]) -> None:
    """Check a codebase as it would be after an edit.

    Raises:
        EditRejected: It has too many files, or too much text.
    """
    if len(files) > MAX_FILES:
        raise EditRejected(f"the codebase would have {len(files)} files; at most {MAX_FILES} are allowed")
    size = sum(map(len, files.values()))
    if size > MAX_CODEBASE_BYTES:
        raise EditRejected(f"the codebase would have {size} bytes; at most {MAX_CODEBASE_BYTES} are allowed")


def _checked(name: str, text: str, locks: Locks) -> bytes:
    if name in locks.locked:
        raise EditRejected(f"{name} is locked")
    if not _NAME.fullmatch(name):
        raise EditRejected(
            f"{name!r} is no file name for a codebase: lower-case letters, digits and _, ending in {' or '.join(EDITABLE)}"
        )
    problem = shadowing(name, locks)
    if problem:
        raise EditRejected(problem)
    try:
        content = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise EditRejected(f"{name} is not valid Unicode: {error.reason}") from error
    if len(content) > MAX_FILE_BYTES:
        raise EditRejected(f"{name} has {len(content)} bytes; at most {MAX_FILE_BYTES} are allowed")
    check = _check_python if name.endswith(".py") else _check_toml
    check(name, text, content)
    return content


def _check_python(name: str, text: str, content: bytes) -> None:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in a string is no reason to refuse an edit
            ast.parse(text, filename=name)
    except SyntaxError as error:
        raise EditRejected(f"{name} is not valid Python, line {error.lineno or 1}: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise EditRejected(f"{name} is not valid Python: {error or 'nested too deeply'}") from error
    if encoding != "utf-8":
        raise EditRejected(f"{name} says that it is written in {encoding}; only utf-8 is allowed")


def _check_toml(name: str, text: str, content: bytes) -> None:  # noqa: ARG001 - the same shape as _check_python
    try:
        tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise EditRejected(f"{name} is not valid TOML: {error}") from error
