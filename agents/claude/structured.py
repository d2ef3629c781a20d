"""An answer in a form: asked for, checked, and asked for once more with all that was wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agents.claude.dialogue import Dialogue
    from agents.claude.exchange import Reply

T = TypeVar("T")
F = TypeVar("F", bound=BaseModel)

_CUT_OFF = frozenset({"max_tokens", "model_context_window_exceeded"})
_MOST_PROBLEMS, _LONGEST_INPUT = 40, 120


class FormViolated(Exception):
    """An answer is not as the form and its rules want it; `problems` says in sentences why."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """Why there is no answer that can be used."""

    reason: str
    """For a person, in a sentence without its full stop."""
    problems: tuple[str, ...] = ()
    """What was wrong with the last answer."""


def ask(dialogue: Dialogue, read: Callable[[str], T]) -> T | Unanswered:
    """Return what `read` makes of the answer to all that was said, or of a second one that was shown what is wrong with the first.

    Args:
        dialogue: With the question said.
        read: Makes of the text of an answer what is wanted; raises `FormViolated` where it cannot be used.

    Raises:
        SpendingCapReached: The call might pass a cap; it was not made.
        ServiceUnavailable: The service did not answer, however often it was asked.
        AgentUnusable: Key, model or request are refused.
    """
    reply = dialogue.reply()
    try:
        return _read(reply, read)
    except FormViolated as violated:
        if reply.stop_reason == "refusal":
            return Unanswered(reason="the language model declined to answer, without saying what it objects to")
        if not reply.content:  # nothing that a second turn could follow
            return Unanswered(reason="the language model gave an empty answer")
        dialogue.say(_repair(violated.problems))
    second = dialogue.reply()
    try:
        return _read(second, read)
    except FormViolated as violated:
        if second.stop_reason == "refusal":
            return Unanswered(reason="the language model declined to answer, without saying what it objects to")
        return Unanswered(
            reason="the language model answered twice in a way that does not pass our checks",
            problems=violated.problems,
        )


def form_in(text: str, form: type[F]) -> F:
    """Return the form that a text holds as JSON.

    Raises:
        FormViolated: The text is no JSON, or not of this form.
    """
    try:
        return form.model_validate_json(text)
    except ValidationError as error:
        raise FormViolated(
            [_told(item["loc"], item["msg"], item["input"]) for item in error.errors(include_url=False)]
        ) from error


def _read(reply: Reply, read: Callable[[str], T]) -> T:
    if reply.stop_reason == "refusal":
        raise FormViolated(["declined"])
    if reply.stop_reason in _CUT_OFF:
        raise FormViolated(
            ["the answer was cut off at the largest length of an answer; think and write less, and answer in full"]
        )
    text = "".join(str(block.get("text", "")) for block in reply.content if block.get("type") == "text")
    if not text.strip():
        raise FormViolated(["there was no text in the answer; it is to be the form as JSON"])
    return read(text)


def _repair(problems: Sequence[str]) -> str:
    lines = "\n".join(f"- {problem}" for problem in problems[:_MOST_PROBLEMS])
    return f"Your answer cannot be used:\n{lines}\n\nMend all of this and give the whole form again, as JSON and nothing else."


def _told(place: Sequence[int | str], message: str, given: object) -> str:
    shown = repr(given)
    shown = shown if len(shown) <= _LONGEST_INPUT else shown[:_LONGEST_INPUT] + "..."
    return f"{'.'.join(str(part) for part in place) or 'the answer'}: {message} (given: {shown})"
