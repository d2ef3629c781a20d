"""Claude chooses the first values of the recipe; how a study is judged follows from spec and budget, never from a model's answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agents.claude.dialogue import Dialogue
from agents.claude.prompts import load_prompt
from agents.claude.recipe_form import fields_of, plan_form, problems_of
from agents.claude.seen import facts_of
from agents.claude.spec_form import schema_of
from agents.claude.spec_reading import prose
from agents.claude.structured import FormViolated, Unanswered, ask, form_in
from agents.plain_metric import plain_metric
from agents.task_initializer import TEMPLATE_OF_TASK, Plan, build_protocol, check_template
from tasks.domain.errors import AgentUnusable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

    from agents.claude.dialogue import Office, Voice
    from agents.task_initializer import Resources
    from tasks.domain.profile import Profile
    from tasks.domain.request import Request
    from tasks.domain.spec import Spec

CONVERSATION = "initialize"
MOST_NOTES, LONGEST_NOTE = 8, 400


class ClaudeTaskInitializer:
    """Starts a study with a recipe that a language model chose and our code checked."""

    def __init__(self, office: Office, voice: Voice, templates: Mapping[str, Mapping[str, str]]) -> None:
        """Take the source files of each template, by its name and by their paths."""
        self._office, self._voice, self._templates = office, voice, templates

    def initialize(self, spec: Spec, profile: Profile, resources: Resources, *, request: Request) -> Plan:
        """Return the plan of a study.

        Raises:
            RequestOutOfScope: There is no template for this task.
            AgentUnusable: The model's answers could not be used, or it declined; or key, model or request are refused.
            SpendingCapReached: The call might pass a cap; it was not made.
            ServiceUnavailable: The service did not answer, however often it was asked.
        """
        check_template(spec)
        template = TEMPLATE_OF_TASK[spec.task]
        source = self._templates[template]
        form = plan_form(fields_of(source["recipe.py"]))
        dialogue = Dialogue(
            self._office,
            CONVERSATION,
            voice=self._voice,
            system=[{"type": "text", "text": load_prompt("task_initializer").text}],
            output_schema=schema_of(form),
        )
        dialogue.say(_aim(spec), facts_of(profile, spec), _means(resources), _files(source))
        answer = ask(dialogue, lambda text: _checked(text, form, resources))
        if isinstance(answer, Unanswered):
            last = f" ({'; '.join(answer.problems[:3])})" if answer.problems else ""
            raise AgentUnusable(
                f"No start could be chosen: {answer.reason}{last}. Start again with another model, or with `--agent playbook`."
            )
        recipe, notes = answer
        protocol = build_protocol(spec, request=request, train_seconds=resources.train_seconds)
        return Plan(template=template, recipe=recipe, protocol=protocol, notes=notes)


def _checked(text: str, form: type[BaseModel], resources: Resources) -> tuple[dict[str, object], tuple[str, ...]]:
    answer: dict[str, Any] = form_in(text, form).model_dump()
    recipe, notes = answer["recipe"], answer["notes"]
    problems = list(problems_of(recipe, resources.cached_weights))
    if not 1 <= len(notes) <= MOST_NOTES or any(not note.strip() or len(note) > LONGEST_NOTE for note in notes):
        problems.append(f"notes: from 1 to {MOST_NOTES} plain sentences, each of at most {LONGEST_NOTE} characters")
    if problems:
        raise FormViolated(problems)
    return recipe, tuple(prose(note) for note in notes)


def _aim(spec: Spec) -> str:
    classes = ", ".join(f"{item.name} ({prose(item.description)})" for item in spec.classes)
    lines = [
        "# What is to be built",
        f"Task: {spec.task.replace('_', ' ')}, counted by {spec.unit}.",
        f"Classes: {classes}.",
        f"What matters most: {', '.join(spec.priorities) or 'no class more than another'}.",
        f"Primary metric: {spec.primary}, that is {plain_metric(spec.primary, spec)}.",
        *(f"Bound: {item.metric} {item.op} {item.bound:g}." for item in spec.constraints),
        *(f"Must not lean on: {item.name}." for item in spec.confounders),
    ]
    return "\n".join(lines)


def _means(resources: Resources) -> str:
    memory = f"{resources.memory_bytes / 1e9:.0f} GB of memory"
    gpu = f", a GPU with {resources.gpu_memory_bytes / 1e9:.0f} GB" if resources.gpu_memory_bytes else ""
    weights = ", ".join(resources.cached_weights) or "none"
    return (
        f"# The machine\n{resources.device}, {resources.cpu_count} processor cores, {memory}{gpu}. A training run has "
        f"{resources.train_seconds:g} s, enforced from outside. Pretrained weights at hand (timm names): {weights}. Nothing can be downloaded."
    )


def _files(source: Mapping[str, str]) -> str:
    return "# The program\n\n" + "\n\n".join(
        f'<file name="{path}">\n{text}\n</file>' for path, text in sorted(source.items())
    )
