"""Edits of Python text: what they change, what they leave alone, and what they say where a place is gone."""

import pytest

from agents.playbook.draft import Draft
from agents.playbook.editing import (
    add_definition,
    add_field,
    default_of,
    exchange_definition,
    has_expression,
    insert_after,
    insert_before,
    literal,
    replace_expression,
    replace_statement,
    returned,
    set_default,
    set_returned,
    with_argument,
)
from agents.playbook.imports import add_import
from agents.playbook.syntax import SeamMissing

RECIPE = '''"""Numbers."""

from dataclasses import dataclass


@dataclass
class Recipe:
    # Data
    size: int = 64  # pixels

    # Steps
    rate: float = 1e-3
    name: str = "a"
'''
CODE = '''import csv
import os

import torch
from torch import nn

from recipe import Recipe


def train(model, recipe):
    """Train."""
    for batch in range(3):
        # one step
        loss = nn.functional.cross_entropy( model(batch), batch )
        loss.backward()
    return loss


class Model:
    def forward(self, x):
        return x + 1
'''


def test_a_default_is_read_and_replaced_and_the_rest_stays():
    assert default_of(RECIPE, "Recipe", "size") == 64
    assert default_of(RECIPE, "Recipe", "depth") is None
    assert set_default(RECIPE, "Recipe", "size", 96) == RECIPE.replace("= 64  # pixels", "= 96  # pixels")


def test_a_field_goes_behind_the_one_it_follows_with_its_note():
    text = add_field(
        RECIPE, "Recipe", "zoom", annotation="float", value=0.8, note="smallest", after=("size", "missing")
    )
    assert text == RECIPE.replace("# pixels\n", "# pixels\n    zoom: float = 0.8  # smallest\n")
    last = add_field(RECIPE, "Recipe", "zoom", annotation="float", value=0.8, note="smallest")
    assert last.endswith('    name: str = "a"\n    zoom: float = 0.8  # smallest\n')


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0003, "3e-4"), (2e-3, "2e-3"), (0.05, "0.05"), (64, "64"), (1.0, "1.0"), ('a"b', '"a\\"b"'), (True, "True")],
)
def test_numbers_are_written_as_people_write_them(value, text):
    assert literal(value) == text


def test_statements_are_found_by_what_they_say_not_by_their_layout():
    anchor = "loss = nn.functional.cross_entropy(model(batch), batch)"
    text = insert_before(CODE, "train", anchor, "# why\nprint(batch)")
    assert (
        "        # why\n        print(batch)\n        # one step\n        loss = nn.functional.cross_entropy( model"
        in text
    )
    after = insert_after(CODE, "train", "loss.backward()", "clip()")
    assert "        loss.backward()\n        clip()\n    return loss\n" in after
    swapped = replace_statement(CODE, "train", anchor, "loss = f(batch)")
    assert "        # one step\n        loss = f(batch)\n        loss.backward()\n" in swapped
    looped = insert_before(CODE, "train", "for batch in range(3): ...", "model.train()")
    assert '    """Train."""\n    model.train()\n    for batch in range(3):\n' in looped


def test_expressions_are_replaced_inside_one_function_or_method_only():
    assert "return x + 2" in replace_expression(CODE, "Model.forward", "x+1", "x + 2")
    assert has_expression(CODE, "train", "model(batch)")
    assert not has_expression(CODE, "Model", "model(batch)")


def test_a_returned_call_is_changed_and_laid_out_within_the_line():
    text = "def build(a, b):\n    return f(g(a), b)\n"
    assert returned(text, "build") == "f(g(a), b)"
    assert with_argument("f(g(a), b)", "g", "c=1") == "f(g(a, c=1), b)"
    assert with_argument("g(a, b=2)", "g", "c=1", first=True) == "g(a, c=1, b=2)"
    long, longer = "b" * 100, "b" * 110
    assert set_returned(text, "build", f"f(g(a), {long}, c)").endswith(f"return f(\n        g(a), {long}, c\n    )\n")
    assert set_returned(text, "build", f"f(g(a), {longer})").endswith(
        f"return f(\n        g(a),\n        {longer},\n    )\n"
    )
    listed = set_returned(text, "build", f"f([{'a' * 60}, {'b' * 60}])")
    assert (
        listed
        == f"def build(a, b):\n    return f(\n        [\n            {'a' * 60},\n            {'b' * 60},\n        ]\n    )\n"
    )


def test_definitions_are_added_once_and_exchanged_only_if_known():
    new = 'def clip(x):\n    """Clip."""\n    return x\n'
    text = add_definition(CODE, new, after=("missing", "train"))
    assert f"    return loss\n\n\n{new}\n\nclass Model:" in text
    assert add_definition(text, new, after=("train",)) == text
    other = "def clip(x):\n    return -x\n"
    assert "return -x" in exchange_definition(text, known=(new,), new=other)
    with pytest.raises(SeamMissing, match="clip is defined already"):
        add_definition(text, other, after=("train",))
    with pytest.raises(SeamMissing, match="clip was rewritten"):
        exchange_definition(text, known=(other,), new=new)


@pytest.mark.parametrize(
    ("statement", "lines"),
    [
        ("import math", "import csv\nimport math\nimport os\n"),
        ("import abc", "import abc\nimport csv\n"),
        ("from functools import partial", "import os\nfrom functools import partial\n\nimport torch\n"),
        ("import timm", "import os\n\nimport timm\nimport torch\n"),
        ("from torch.nn import functional", "from torch import nn\nfrom torch.nn import functional\n\nfrom recipe"),
        ("from torch import Tensor", "import torch\nfrom torch import Tensor, nn\n"),
        ("from torch import nn", "import torch\nfrom torch import nn\n"),
        ("from data import load", "from torch import nn\n\nfrom data import load\nfrom recipe import Recipe\n"),
        ("from zoom import zoom", "from recipe import Recipe\nfrom zoom import zoom\n\n\ndef train"),
    ],
)
def test_an_import_goes_where_the_sorter_would_put_it(statement, lines):
    assert lines in add_import(CODE, statement)


def test_an_import_opens_its_own_block_where_there_is_none():
    assert add_import("import os\n\nx = 1\n", "import torch") == "import os\n\nimport torch\n\nx = 1\n"
    assert add_import("import torch\n", "import os") == "import os\n\nimport torch\n"


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda: insert_before(CODE, "train", "gone()", "x = 1"), r"`gone\(\)` in train is there 0 times"),
        (lambda: insert_before(CODE, "test", "gone()", "x = 1"), "no single definition of test"),
        (lambda: replace_expression(CODE, "train", "batch", "x"), "is there 3 times, not once"),
        (lambda: set_default(RECIPE, "Recipe", "depth", 3), "no field depth"),
        (lambda: set_default(RECIPE, "Settings", "depth", 3), "no single class Settings"),
        (lambda: default_of("class R:\n    x: int = f()\n", "R", "x"), "no plain value"),
        (lambda: default_of("class R:\n    x: int\n", "R", "x"), "has no default"),
        (lambda: add_field("class R:\n    pass\n", "R", "x", annotation="int", value=1, note=""), "has no fields"),
        (lambda: add_field(RECIPE, "Recipe", "size", annotation="int", value=1, note=""), "has a field size already"),
        (lambda: add_definition(CODE, "def f():\n    pass\n", after=("gone",)), "no definition of gone"),
        (lambda: with_argument("g(a, c=1)", "g", "c=2"), "has the argument c already"),
        (lambda: with_argument("g(a)", "h", "c=2"), "a call of h is there 0 times"),
        (lambda: returned("def f(a):\n    if a:\n        return 1\n    return 2\n", "f"), "with a single return"),
        (lambda: add_import("x = 1\n", "import os"), "no imports"),
        (lambda: insert_before("def f(:\n", "f", "x", "y"), "does not parse"),
    ],
)
def test_a_place_that_is_gone_is_a_reason_not_a_broken_file(edit, reason):
    with pytest.raises(SeamMissing, match=reason):
        edit()


def test_a_draft_keeps_locked_and_missing_files_out_of_reach():
    draft = Draft({"a.py": "x = 1\n", "lock.py": "y = 1\n"}, locked=("lock.py",))
    draft.change("a.py", str.replace, "1", "2")
    assert draft.changed() == {"a.py": "x = 2\n"}
    with pytest.raises(SeamMissing, match="is locked"):
        draft.change("lock.py", str.replace, "1", "2")
    with pytest.raises(SeamMissing, match="there is no b"):
        draft["b.py"]
