"""The API's own text-editor tool, acting on the files of a codebase in memory: nothing is written anywhere.

Source: Anthropic, text editor tool (`text_editor_20250728`): commands view, create, str_replace, insert.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "str_replace_based_edit_tool"
DEFINITION: Mapping[str, Any] = {"type": "text_editor_20250728", "name": NAME}
LONGEST_VIEW = 60_000
"""Characters of a file that are shown at once."""


class EditImpossible(ValueError):
    """A command that cannot be carried out as it was given; the message tells the model what to do instead."""


class TextEditor:
    """The files of a codebase while a model edits them."""

    def __init__(self, files: Mapping[str, str], *, locked: tuple[str, ...]) -> None:
        self.files = dict(files)
        """Text of every file, by name."""
        self._before = dict(files)
        self._locked = locked

    @property
    def changed(self) -> dict[str, str]:
        """Return the text of each file that is new or differs from the beginning."""
        return {name: text for name, text in self.files.items() if self._before.get(name) != text}

    def carry_out(self, given: Mapping[str, Any]) -> str:
        """Carry out one command of the tool and return what the model is told.

        Raises:
            EditImpossible: It names no such file, a locked one or one outside the codebase, or its text is not found once.
        """
        command, name = _text(given, "command"), self._name(_text(given, "path"))
        if command == "view":
            return self._view(name, given.get("view_range"))
        if not name:
            raise EditImpossible("name a file; the codebase itself can only be viewed")
        if name in self._locked:
            raise EditImpossible(f"{name} is locked: it holds the agreement with the harness and stays as it is")
        if command == "create":
            self.files[name] = _text(given, "file_text")
            return f"{name} is written."
        if command == "str_replace":
            return self._replace(name, _text(given, "old_str"), str(given.get("new_str") or ""))
        if command == "insert":
            return self._insert(name, given.get("insert_line"), _text(given, "insert_text", "new_str"))
        raise EditImpossible(f"there is no command {command!r}; there are: view, create, str_replace, insert")

    def _name(self, path: str) -> str:
        """Return the file's name in the codebase, which is one flat folder; empty for the folder itself."""
        name = path.removeprefix("/code/").removeprefix("./") if path not in {"/code", "/", ".", ""} else ""
        if "/" in name or "\\" in name or name.startswith(".") or "\0" in name:
            raise EditImpossible(
                f"{path!r} lies outside the codebase, a flat folder; name a file in it, such as train.py"
            )
        return name

    def _view(self, name: str, view_range: object) -> str:
        if not name:
            listing = (f"{item}{' (locked)' if item in self._locked else ''}" for item in sorted(self.files))
            return "\n".join(listing)
        lines = self._existing(name).split("\n")
        first, last = 1, len(lines)
        if view_range is not None:
            first, last = _range_of(view_range, len(lines))
        shown = "\n".join(f"{number:6d}\t{lines[number - 1]}" for number in range(first, last + 1))
        if len(shown) > LONGEST_VIEW:
            raise EditImpossible(f"that is {len(shown):,} characters; view a part of it with view_range")
        return shown

    def _existing(self, name: str) -> str:
        if name not in self.files:
            raise EditImpossible(f"there is no file {name}; there are: {', '.join(sorted(self.files))}")
        return self.files[name]

    def _replace(self, name: str, old: str, new: str) -> str:
        text = self._existing(name)
        found = text.count(old)
        if found != 1:
            what = "does not occur" if not found else f"occurs {found} times"
            raise EditImpossible(f"old_str {what} in {name}; it must occur exactly once, with its white space")
        self.files[name] = text.replace(old, new)
        return f"{name} is changed."

    def _insert(self, name: str, line: object, text: str) -> str:
        lines = self._existing(name).splitlines(keepends=True)
        if not isinstance(line, int) or isinstance(line, bool) or not 0 <= line <= len(lines):
            raise EditImpossible(f"insert_line must be a number from 0 to {len(lines)}")
        if line and not lines[line - 1].endswith("\n"):
            lines[line - 1] += "\n"
        lines.insert(line, text if text.endswith("\n") else f"{text}\n")
        self.files[name] = "".join(lines)
        return f"{name} is changed."


def _text(given: Mapping[str, Any], *names: str) -> str:
    for name in names:
        if isinstance(given.get(name), str):
            return str(given[name])
    raise EditImpossible(f"{names[0]} is missing, or is no text")


def _range_of(view_range: object, count: int) -> tuple[int, int]:
    if isinstance(view_range, list) and len(view_range) == 2 and all(type(item) is int for item in view_range):
        first, last = view_range[0], count if view_range[1] == -1 else view_range[1]
        if 1 <= first <= last <= count:
            return first, last
    raise EditImpossible(f"view_range must be [first, last] with lines from 1 to {count}; -1 means to the end")
