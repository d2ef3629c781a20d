"""Claude chooses the first recipe, and nothing else."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from agents.claude.dialogue import Office, Voice
from agents.claude.exchange import Reply, ScriptedLanguageModel, Usage
from agents.claude.journal import MemoryJournal
from agents.claude.prices import load_prices
from agents.claude.recipe_form import fields_of
from agents.claude.spending import Caps, Purse
from agents.claude.task_initializer import ClaudeTaskInitializer
from agents.playbook.task_initializer import PlaybookTaskInitializer
from agents.task_initializer import Resources
from tasks.domain.errors import AgentUnusable, RequestOutOfScope
from tasks.domain.request import Request
from tasks.domain.spec import Abstention
from tasks.recipe_defaults import default_values, rewrite_defaults

TEMPLATE = Path(__file__).resolve().parents[3] / "model_templates" / "classification"
SOURCE = {path.name: path.read_text() for path in sorted(TEMPLATE.glob("*.py"))}
RESOURCES = Resources(
    device="cpu", cpu_count=2, memory_bytes=8_000_000_000, train_seconds=90.0, cached_weights=("resnet10t",)
)
REQUEST = Request(text="Tell melanoma from nevus.", images=Path("images"))
RECIPE = {
    "backbone": "resnet10t", "pretrained": True, "image_size": 64, "batch_size": 64, "epochs": 20, "learning_rate": 3e-4, "weight_decay": 0.01,
}  # fmt: skip
NOTES = ["A small network on images of 64 pixels."]


def answer(recipe=RECIPE, notes=NOTES, stop_reason="end_turn"):
    text = json.dumps({"recipe": recipe, "notes": notes})
    return Reply(
        content=({"type": "text", "text": text},), stop_reason=stop_reason, usage=Usage(), model="claude-opus-5-5"
    )


@pytest.fixture
def start(new_briefing):
    """Return a function that starts a study of melanoma from moles with these replies, and the language model's bodies."""
    briefing = new_briefing()

    def started(*replies, spec=briefing.spec):
        journal, model = MemoryJournal(), ScriptedLanguageModel(*replies)
        office = Office(
            language_model=model, journal=journal, purse=Purse(load_prices(), Caps(), journal), sleep=lambda _: None
        )
        voice = Voice(model="claude-opus-5-5", effort="", max_tokens=9_000)
        initializer = ClaudeTaskInitializer(office, voice, {"classification": SOURCE})
        return initializer.initialize(spec, briefing.profile, RESOURCES, request=REQUEST), model.bodies

    started.spec, started.profile = briefing.spec, briefing.profile
    return started


def test_a_plan_has_the_chosen_recipe_and_the_protocol_of_every_initializer(start):
    plan, bodies = start(answer())
    by_rules = PlaybookTaskInitializer().initialize(start.spec, start.profile, RESOURCES, request=REQUEST)
    assert plan.protocol == by_rules.protocol
    assert (plan.template, plan.recipe, plan.notes) == ("classification", RECIPE, tuple(NOTES))
    written = default_values(rewrite_defaults(SOURCE["recipe.py"], plan.recipe))
    assert {name: written[name] for name in RECIPE} == RECIPE
    assert "resnet10t" in bodies[0]["messages"][0]["content"][2]["text"]


def test_the_form_has_the_fields_of_the_template_and_leaves_chance_alone():
    assert list(fields_of(SOURCE["recipe.py"])) == list(RECIPE)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"learning_rate": 30.0}, "recipe.learning_rate: 30.0 is not between 1e-06 and 1"),
        ({"image_size": 100_000}, "recipe.image_size: 100000 is not between 16 and 1024"),
        ({"image_size": 64.5}, "recipe.image_size: Input should be a valid integer"),
        ({"pretrained": 1}, "recipe.pretrained: Input should be a valid boolean"),
        ({"backbone": "os.system"}, "recipe.backbone: 'os.system' is not known here"),
        ({"backbone": "resnet50"}, "recipe.pretrained: there are no weights of resnet50 at hand; there are those of resnet10t"),
        ({"optimiser": "sgd"}, "recipe.optimiser: Extra inputs are not permitted"),
    ],
)  # fmt: skip
def test_a_wrong_recipe_is_shown_what_is_wrong_and_may_be_mended_once(start, changes, told):
    plan, bodies = start(answer({**RECIPE, **changes}), answer())
    assert plan.recipe == RECIPE
    assert told in bodies[1]["messages"][2]["content"][0]["text"]


def test_two_wrong_recipes_end_with_a_sentence_that_says_what_to_do(start):
    wrong = answer({**RECIPE, "epochs": 0})
    with pytest.raises(AgentUnusable, match=r"epochs: 0 is not between 1 and 1000.*--agent playbook"):
        start(wrong, wrong)


def test_a_model_that_declines_ends_with_a_sentence(start):
    with pytest.raises(AgentUnusable, match="declined to answer"):
        start(answer(stop_reason="refusal"))


def test_a_plan_needs_notes_of_bounded_length(start):
    _, bodies = start(answer(notes=[]), answer())
    assert "notes: from 1 to 8 plain sentences" in bodies[1]["messages"][2]["content"][0]["text"]


def test_nothing_is_asked_where_there_is_no_template(start):
    spec = replace(start.spec, abstention=Abstention(allowed=True))
    with pytest.raises(RequestOutOfScope, match="not sure"):
        start(spec=spec)
