"""Claude reads requests: it fills in a form, which our own code checks against the request and the data and turns into a spec."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from agents import read_back
from agents.claude import spec_checks
from agents.claude.citing import places
from agents.claude.dialogue import Dialogue
from agents.claude.prompts import load_prompt
from agents.claude.quoted_data import framed, name
from agents.claude.seen import facts_of, names_of
from agents.claude.spec_form import RequestForm, schema_of
from agents.claude.spec_reading import prose, question_of, spec_of
from agents.claude.structured import FormViolated, Unanswered, ask, form_in
from agents.inputs import doubts_about, ground_of
from agents.semantic_parser import ParsedRequest
from tasks.domain.spec import BLOCKING, Grounding, Question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.claude.dialogue import Office, Voice
    from agents.claude.seen import Names
    from tasks.domain.profile import Profile
    from tasks.domain.spec import Spec

CONVERSATION = "parse"


class ClaudeSemanticParser:
    """Reads requests with a language model, which sees the request and what `agents.claude.seen` shows of the data."""

    def __init__(self, office: Office, voice: Voice) -> None:
        self._office, self._voice = office, voice

    def parse(self, text: str, profile: Profile, *, inputs: Sequence[str] = ()) -> ParsedRequest:
        """Return what a request asks for; see `agents.semantic_parser.SemanticParser`.

        An answer that fails our checks twice becomes a blocking question, as does one that the model declines.

        Raises:
            SpendingCapReached: The call might pass a cap; it was not made.
            ServiceUnavailable: The service did not answer, however often it was asked.
            AgentUnusable: Key, model or request are refused.
        """
        names = names_of(profile)
        dialogue = Dialogue(
            self._office,
            CONVERSATION,
            voice=self._voice,
            system=[{"type": "text", "text": load_prompt("semantic_parser").text}],
            output_schema=schema_of(RequestForm),
        )
        dialogue.say(facts_of(profile), *_inputs(inputs), framed("request", text))
        form = ask(dialogue, lambda answer: _checked(answer, text, names))
        if isinstance(form, Unanswered):
            question = _not_understood(form)
            return ParsedRequest(
                spec=None, read_back=read_back.of_questions(text, [question], profile), questions=(question,)
            )
        return _parsed(form, text, profile, names, inputs)


def _checked(answer: str, text: str, names: Names) -> RequestForm:
    form = form_in(answer, RequestForm)
    problems = spec_checks.problems(form, text, names)
    if problems:
        raise FormViolated(problems)
    return form


def _inputs(inputs: Sequence[str]) -> list[str]:
    if not inputs:
        return []
    listed = ", ".join(name(item) for item in inputs)
    return [
        f"The model will see these columns beside the image, as a field of its own asks; the form has no place for it: {listed}."
    ]


def _parsed(form: RequestForm, text: str, profile: Profile, names: Names, inputs: Sequence[str]) -> ParsedRequest:
    asked = [question_of(item) for item in form.questions]
    if form.refusal.strip():
        reason = prose(form.refusal)
        shown = read_back.of_refusal(text, reason)
        return ParsedRequest(spec=None, read_back=shown, refusal=reason, questions=_sorted(asked))
    draft = spec_of(form.spec, text, names) if form.spec is not None else None
    if inputs:
        draft, doubts = _with_inputs(draft, inputs, profile)
        asked += doubts
    questions = _sorted(asked)
    if draft is None or any(question.blocking for question in questions):
        shown = read_back.of_questions(text, questions, profile, draft)
        return ParsedRequest(spec=None, read_back=shown, questions=questions, draft=draft)
    idle = tuple(_as_written(words, text) for words in form.changes_nothing)
    shown = read_back.of_spec(text, draft, profile, questions, idle)
    return ParsedRequest(spec=draft, read_back=shown, questions=questions, draft=draft)


def _with_inputs(draft: Spec | None, inputs: Sequence[str], profile: Profile) -> tuple[Spec | None, list[Question]]:
    doubts = list(doubts_about(inputs, profile))
    if draft is None:
        return None, [question for _, question in doubts]
    caveats = (*draft.caveats, *(caveat for caveat, _ in doubts if caveat not in draft.caveats))
    grounds = [
        Grounding(field=f"caveats.{number}", source="profile", words=caveat)
        for number, caveat in enumerate(caveats, start=1)
        if number > len(draft.caveats)
    ]
    grounding = (ground_of(inputs), *draft.grounding, *grounds)
    return dataclasses.replace(draft, inputs=tuple(inputs), caveats=caveats, grounding=grounding), [
        item for _, item in doubts
    ]


def _sorted(questions: Sequence[Question]) -> tuple[Question, ...]:
    return tuple(sorted(questions, key=lambda question: not question.blocking))


def _as_written(words: str, text: str) -> str:
    start, end = places(words, text)[0]
    return text[start:end]


def _not_understood(why: Unanswered) -> Question:
    last = f" What was wrong last: {prose(why.problems[0])}" if why.problems else ""
    return Question(
        field="request",
        text=(
            f"The request could not be read: {why.reason}.{last} Nothing is built, and nothing is lost: the study keeps request, data and "
            "conversation. Can you say in short sentences what the model should tell, which error is worse, and which numbers must hold? "
            "Or let the rules read it (`--agent playbook`)."
        ),
        level=BLOCKING,
        kind="unclear_demand",
    )
