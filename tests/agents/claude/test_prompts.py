"""Prompts are files, and what they name must be given."""

import hashlib
from pathlib import Path

import pytest

from agents.claude import prompts
from agents.claude.prompts import load_prompt, prompt_hashes


def test_every_prompt_is_found_with_the_hash_of_its_file():
    folder = Path(prompts.__file__).with_name("prompts")
    found = prompt_hashes()
    assert {"semantic_parser", "task_initializer"} <= set(found)
    for name in ("semantic_parser", "task_initializer"):
        prompt = load_prompt(name)
        assert prompt.sha256 == found[name] == hashlib.sha256((folder / f"{name}.md").read_bytes()).hexdigest()
        assert "{{" not in prompt.text


def test_a_place_without_a_value_and_a_value_without_a_place_fail(tmp_path, monkeypatch):
    monkeypatch.setattr(prompts, "_FOLDER", tmp_path)
    (tmp_path / "a.md").write_text("Hello {{ name }}, {{name}}.\n")
    assert load_prompt("a", {"name": "{{ other }}"}).text == "Hello {{ other }}, {{ other }}.\n"
    with pytest.raises(KeyError, match="name"):
        load_prompt("a")
    with pytest.raises(KeyError, match="mood"):
        load_prompt("a", {"name": "x", "mood": "y"})
