"""A codebase under edit."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from agents.playbook.syntax import SeamMissing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from agents.playbook.technique import Settings, Technique


class Draft:
    """A codebase under edit: collects the new text of the files that change."""

    def __init__(self, files: Mapping[str, str], *, locked: Sequence[str] = ()) -> None:
        self._old, self._new, self._locked = dict(files), dict(files), frozenset(locked)

    def __getitem__(self, path: str) -> str:
        """Return the text of a file as edited so far.

        Raises:
            SeamMissing: There is no such file, or it is locked.
        """
        if path in self._locked:
            raise SeamMissing(f"{path} is locked")
        if path not in self._new:
            raise SeamMissing(f"there is no {path}")
        return self._new[path]

    def __contains__(self, path: str) -> bool:
        return path in self._new

    def change(self, path: str, edit: Callable[..., str], *arguments: Any, **options: Any) -> None:
        """Apply one of this module's edits to a file."""
        self._new[path] = edit(self[path], *arguments, **options)

    def add_file(self, path: str, text: str) -> None:
        """Add a new file.

        Raises:
            SeamMissing: There is one of this name with other text.
        """
        if self._new.get(path, text) != text:
            raise SeamMissing(f"there is another {path} already")
        self._new[path] = text

    def changed(self) -> dict[str, str]:
        """Return the new text of each file that differs from before."""
        return {path: text for path, text in self._new.items() if self._old.get(path) != text}


def edited_by(
    steps: Iterable[tuple[Technique, Settings]], files: Mapping[str, str], *, locked: Sequence[str] = ()
) -> dict[str, str] | None:
    """Return the files that some techniques change, checked to be Python; None where the code has no place for one of them.

    Args:
        steps: Techniques with their settings, in order.
        files: The codebase before.
        locked: Files that must stay as they are.
    """
    draft = Draft(files, locked=locked)
    try:
        for technique, settings in steps:
            technique.apply(draft, settings)
    except SeamMissing:
        return None
    changed = draft.changed()
    for path, text in changed.items():
        ast.parse(text, filename=path)
    return changed
