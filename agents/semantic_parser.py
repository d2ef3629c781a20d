"""The first role: a request in a clinician's words becomes a spec, or questions, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tasks.domain.spec import BLOCKING, CLARIFICATION_LEVELS, NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.domain.profile import Profile
    from tasks.domain.spec import Question, Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedRequest:
    """What was understood of a request."""

    spec: Spec | None
    """None while a blocking question is open, and after a refusal."""
    read_back: str
    """Markdown for the clinician: what will be built, or what stands in the way."""
    questions: tuple[Question, ...] = ()
    """Blocking ones first."""
    refusal: str = ""
    """Why this must not or cannot be built; empty if it can."""
    draft: Spec | None = None
    """What was understood so far, also while a question is open; `spec` if nothing blocks, None if too little is known."""

    @property
    def level(self) -> str:
        """Return the highest clarification level of the questions: `none` ... `blocking`; a refusal blocks."""
        if self.refusal:
            return BLOCKING
        return max((question.level for question in self.questions), key=CLARIFICATION_LEVELS.index, default=NONE)


class SemanticParser(Protocol):
    """Reads requests."""

    def parse(self, text: str, profile: Profile, *, inputs: Sequence[str] = ()) -> ParsedRequest:
        """Return what a request asks for, given what its data holds, and which attributes it hands to the model.

        It never raises for a text: what cannot be grounded becomes a blocking question, what is out of scope a refusal.
        """
        ...
