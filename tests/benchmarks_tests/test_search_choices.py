"""The choices of the searches that Rounds is compared with: what is accepted, what is tried next, and in what order."""

from __future__ import annotations

import math
from pathlib import Path

from recipe_search import next_recipe
from trials import Trial, best_of, improvements

from tasks.recipe_defaults import default_values

TEMPLATE = {
    file.name: file.read_text("utf-8")
    for file in (Path(__file__).parents[2] / "model_templates/classification").glob("*.py")
}


def trials_with(*scores: float) -> list[Trial]:
    return [Trial(number=number, title=str(number), score=score) for number, score in enumerate(scores)]


def test_greedy_accepts_any_better_validation_value_and_no_equal_one() -> None:
    assert [trial.number for trial in improvements(trials_with(0.7, 0.7, 0.7001, 0.6, 0.9))] == [0, 2, 4]


def test_a_failed_trial_is_never_the_best() -> None:
    failed = math.nan
    assert [trial.number for trial in improvements(trials_with(failed, 0.5, failed, 0.6))] == [1, 3]
    assert best_of(trials_with(failed, failed)) is None


def test_a_search_over_recipes_begins_with_the_defaults() -> None:
    for method in ("tpe", "random"):
        idea = next_recipe(TEMPLATE, [], method=method, trials=6, seed=1, weights=())
        assert default_values(idea.files["recipe.py"]) == default_values(TEMPLATE["recipe.py"])
        assert {**idea.files, "recipe.py": ""} == {**TEMPLATE, "recipe.py": ""}


def test_a_search_over_recipes_that_was_cut_short_goes_on_as_it_would_have() -> None:
    for method in ("tpe", "random"):
        past = trials_with(0.7, 0.8, math.nan, 0.75)
        ideas = [next_recipe(TEMPLATE, past[:n], method=method, trials=6, seed=3, weights=()) for n in range(5)]
        again = next_recipe(TEMPLATE, past, method=method, trials=6, seed=3, weights=())
        assert again == ideas[4]
        assert len({idea.title for idea in ideas}) == 5


def test_two_seeds_search_in_other_places_and_the_estimator_listens_to_the_scores() -> None:
    def last(method: str, seed: int, *scores: float) -> str:
        return next_recipe(TEMPLATE, trials_with(*scores), method=method, trials=6, seed=seed, weights=()).title

    assert last("random", 0, 0.7) != last("random", 1, 0.7)
    assert last("random", 0, 0.7, 0.8, 0.6) == last("random", 0, 0.7, 0.6, 0.8)
    assert last("tpe", 0, 0.7, 0.8, 0.6) != last("tpe", 0, 0.7, 0.6, 0.8)
