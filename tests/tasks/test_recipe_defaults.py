import pytest

from tasks.recipe_defaults import default_values, rewrite_defaults

RECIPE = '''"""All numbers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """What a run uses."""

    backbone: str = "resnet10t"  # a name that timm knows

    # Data
    image_size: int = 64  # pixels
    learning_rate: float = 1e-3
    flips: bool = True
    mean: tuple[float, ...] = (0.5, 0.5)
    needed: int

    def area(self) -> int:
        image_size: int = 3
        return self.image_size**2


class Other:
    image_size: int = 7
'''


def defaults(source):
    space = {}
    exec(source.replace("    needed: int\n", ""), space)  # noqa: S102 - our own text
    return space["Recipe"]()


def test_defaults_change_and_all_else_stays():
    found = rewrite_defaults(RECIPE, {"image_size": 96, "backbone": "resnet18"})
    assert found == RECIPE.replace("= 64 ", "= 96 ").replace("resnet10t", "resnet18")


def test_an_empty_recipe_changes_nothing():
    assert rewrite_defaults(RECIPE, {}) == RECIPE


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("learning_rate", 3e-4, 3e-4),
        ("learning_rate", 1, 1.0),
        ("flips", False, False),
        ("mean", (0.1, 0.2, 0.3), (0.1, 0.2, 0.3)),
        ("mean", [0.1], (0.1,)),
        ("mean", (), ()),
        ("image_size", -5, -5),
        ("backbone", 'a"b\\c\nd\t\u00e9', 'a"b\\c\nd\t\u00e9'),
        ("backbone", '"; import os #', '"; import os #'),
    ],
)
def test_values_come_back_as_given(name, value, expected):
    found = getattr(defaults(rewrite_defaults(RECIPE, {name: value})), name)
    assert found == expected
    assert type(found) is type(expected)


def test_a_field_without_default_gets_one():
    assert "    needed: int = 3\n" in rewrite_defaults(RECIPE, {"needed": 3})


@pytest.mark.parametrize("name", ["colour", "area", "Recipe", ""])
def test_an_unknown_field_is_refused_and_the_known_ones_are_listed(name):
    with pytest.raises(ValueError, match=f"no field {name}; it has backbone, image_size"):
        rewrite_defaults(RECIPE, {name: 1})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("image_size", 64.5),
        ("image_size", "64"),
        ("image_size", True),
        ("learning_rate", float("nan")),
        ("learning_rate", "1e-3"),
        ("learning_rate", True),
        ("flips", 1),
        ("backbone", 3),
        ("backbone", None),
        ("mean", {1: 2}),
        ("mean", (float("inf"),)),
    ],
)
def test_a_value_that_does_not_fit_is_refused(name, value):
    with pytest.raises(ValueError, match=name):
        rewrite_defaults(RECIPE, {name: value})


def test_the_plain_defaults_of_a_recipe_are_read_and_text_that_is_none_has_none():
    values = default_values(RECIPE)
    assert (values["backbone"], values["image_size"], values["flips"]) == ("resnet10t", 64, True)
    assert "mean" not in values
    assert default_values("class Recipe(:\n") == {}
