"""The developer's tools as a session is offered them: those of the Messages API, each with a schema of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agents.claude import text_editor, tools

if TYPE_CHECKING:
    from agents.claude.exchange import Block

_LINES = {"type": "array", "items": {"type": "integer"}}
_EDITOR: Block = {
    "name": text_editor.NAME,
    "description": (
        "View and edit the files of the codebase, a flat folder. `view` shows a file with numbered lines (or the list of files for "
        "the path /), `create` writes a whole file, `str_replace` replaces old_str, which must occur exactly once, by new_str, "
        "`insert` puts insert_text after line insert_line (0 for the start). Locked files can only be viewed."
    ),
    "input_schema": {
        "type": "object",
        "properties": {
            "command": {"type": "string", "enum": ["view", "create", "str_replace", "insert"]},
            "path": {"type": "string", "description": "A plain file name, such as train.py."},
            "view_range": {**_LINES, "description": "For view: [first, last], counted from 1; -1 is the end."},
            "file_text": {"type": "string", "description": "For create."},
            "old_str": {"type": "string", "description": "For str_replace."},
            "new_str": {"type": "string", "description": "For str_replace."},
            "insert_line": {"type": "integer", "description": "For insert."},
            "insert_text": {"type": "string", "description": "For insert."},
        },
        "required": ["command", "path"],
        "additionalProperties": False,
    },
}
"""The API knows its text editor by its type alone; elsewhere it needs words and a schema."""


def offered_tools() -> tuple[Block, ...]:
    """Return all tools with name, description and schema."""
    return tuple(_EDITOR if _is_editor(item) else item for item in tools.definitions())


def _is_editor(item: dict[str, Any]) -> bool:
    return bool(item["name"] == text_editor.NAME)
