from __future__ import annotations

import pytest

from agents.claude.simplification import only_takes_away

BEFORE = {
    "train.py": '"""Train."""\n\n\ndef loss(x, weight):\n    """Return it."""\n    y = x * weight  # scaled\n    return y + 1\n\n\nprint(loss(1, weight=2), flush=True)\n',
    "recipe.py": "rate: float = 0.01\nsmoothing: float = 0.05\n",
    "template.toml": 'name = "x"\nmore = 1\n',
}


def changed(old: str, new: str, name: str = "train.py") -> dict[str, str]:
    assert old in BEFORE[name]
    return {name: BEFORE[name].replace(old, new)}


@pytest.mark.parametrize(
    "edit",
    [
        changed("    y = x * weight  # scaled\n", ""),
        changed(", flush=True", ""),
        changed("smoothing: float = 0.05\n", "", "recipe.py"),
        changed("more = 1\n", "", "template.toml"),
        {**changed(" + 1", ""), **changed("smoothing: float = 0.05\n", "", "recipe.py")},
    ],
)
def test_code_that_is_taken_away_is(edit: dict[str, str]) -> None:
    assert only_takes_away(BEFORE, edit)


@pytest.mark.parametrize(
    "edit",
    [
        changed('    """Return it."""\n', ""),
        changed("  # scaled", ""),
        {
            "train.py": BEFORE["train.py"]
            .replace('"""Train."""', "")
            .replace("    y = x", "    x = x.focal(2)\n    y = x")
        },
        changed("rate: float = 0.01", "rate: float = 0.05", "recipe.py"),
        changed("smoothing: float = 0.05\n", "momentum: float = 0.9\n", "recipe.py"),
        changed("x * weight", "weight * x"),
        changed("return y + 1", "return y + 11"),
        {"focal.py": ""},
        {"train.py": "def ("},
        {},
    ],
)
def test_anything_else_is_not_whatever_else_gets_shorter(edit: dict[str, str]) -> None:
    assert not only_takes_away(BEFORE, edit)
