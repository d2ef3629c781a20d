from __future__ import annotations

import pytest

from agents.claude.text_editor import EditImpossible, TextEditor

FILES = {"train.py": "a = 1\nb = 2\nb = 2\n", "contract.py": "locked = True\n"}


@pytest.fixture
def editor() -> TextEditor:
    return TextEditor(FILES, locked=("contract.py",))


def test_the_folder_is_listed_with_what_is_locked(editor: TextEditor) -> None:
    assert editor.carry_out({"command": "view", "path": "/code"}) == "contract.py (locked)\ntrain.py"


def test_a_part_of_a_file_is_shown_with_line_numbers(editor: TextEditor) -> None:
    shown = editor.carry_out({"command": "view", "path": "train.py", "view_range": [2, -1]})
    assert shown.splitlines()[0] == "     2\tb = 2"


def test_a_text_is_replaced_where_it_stands_once(editor: TextEditor) -> None:
    editor.carry_out({"command": "str_replace", "path": "/code/train.py", "old_str": "a = 1", "new_str": "a = 5"})
    assert editor.files["train.py"].startswith("a = 5\n")
    assert editor.changed == {"train.py": "a = 5\nb = 2\nb = 2\n"}


def test_a_text_can_be_taken_away(editor: TextEditor) -> None:
    editor.carry_out({"command": "str_replace", "path": "train.py", "old_str": "a = 1\n"})
    assert editor.files["train.py"] == "b = 2\nb = 2\n"


@pytest.mark.parametrize(("line", "text"), [(0, "x\na = 1\nb = 2\nb = 2\n"), (3, "a = 1\nb = 2\nb = 2\nx\n")])
def test_a_text_is_put_between_lines(editor: TextEditor, line: int, text: str) -> None:
    editor.carry_out({"command": "insert", "path": "train.py", "insert_line": line, "insert_text": "x"})
    assert editor.files["train.py"] == text


def test_a_new_file_is_part_of_the_change_and_an_undone_edit_is_not(editor: TextEditor) -> None:
    editor.carry_out({"command": "create", "path": "loss.py", "file_text": "x = 0\n"})
    editor.carry_out({"command": "create", "path": "train.py", "file_text": "y = 0\n"})
    editor.carry_out({"command": "create", "path": "train.py", "file_text": FILES["train.py"]})
    assert editor.changed == {"loss.py": "x = 0\n"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"command": "str_replace", "path": "train.py", "old_str": "b = 2", "new_str": ""}, "occurs 2 times"),
        ({"command": "str_replace", "path": "train.py", "old_str": "c", "new_str": ""}, "does not occur"),
        ({"command": "str_replace", "path": "loss.py", "old_str": "c", "new_str": ""}, "no file loss.py"),
        ({"command": "create", "path": "contract.py", "file_text": "locked = False"}, "locked"),
        ({"command": "create", "path": "../escape.py", "file_text": ""}, "outside the codebase"),
        ({"command": "create", "path": "/etc/passwd", "file_text": ""}, "outside the codebase"),
        ({"command": "create", "path": ".git", "file_text": ""}, "outside the codebase"),
        ({"command": "create", "path": "/code", "file_text": ""}, "name a file"),
        ({"command": "create", "path": "x.py"}, "file_text is missing"),
        ({"command": "view", "path": "train.py", "view_range": [3, 99]}, "lines from 1 to"),
        ({"command": "view", "path": "train.py", "view_range": "all"}, "view_range must be"),
        ({"command": "insert", "path": "train.py", "insert_line": 9, "insert_text": "x"}, "from 0 to 3"),
        ({"command": "insert", "path": "train.py", "insert_line": True, "insert_text": "x"}, "from 0 to 3"),
        ({"command": "undo_edit", "path": "train.py"}, "no command 'undo_edit'"),
        ({"path": "train.py"}, "command is missing"),
        ({"command": "view", "path": 7}, "path is missing"),
    ],
)
def test_what_cannot_be_done_is_told_and_changes_nothing(
    editor: TextEditor, given: dict[str, object], words: str
) -> None:
    with pytest.raises(EditImpossible, match=words):
        editor.carry_out(given)
    assert not editor.changed
