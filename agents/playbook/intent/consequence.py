"""Which questions are put to the clinician: at most three, those first whose answers change most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.domain.spec import CLARIFICATION_LEVELS

if TYPE_CHECKING:
    from tasks.domain.spec import Question

_MOST = 3
_WEIGHT = ("task", "classes", "positive", "constraints", "operating_point", "supervision", "costs", "abstention", "priorities", "confounders", "subgroups", "unit", "protocol", "objective")  # fmt: skip
"""Fields of a spec, those first that change most of what is built."""
_MOOTED = {"operating_point", "classes"}
"""Fields whose confirmation is pointless while a blocking question about them is open."""


def most_consequential(questions: list[Question]) -> tuple[Question, ...]:
    """Return at most three questions, blocking ones first; what a blocking one makes pointless is dropped.

    A question that is not put has a default, which the read-back shows among what is assumed.
    """
    blocked = {question.field for question in questions if question.blocking}
    kept = [question for question in questions if question.blocking or question.field not in blocked & _MOOTED]
    ranked = sorted(kept, key=lambda question: (-CLARIFICATION_LEVELS.index(question.level), _rank(question.field)))
    chosen: list[Question] = []
    for question in ranked:
        twin = question.kind and any(question.kind == other.kind and question.field == other.field for other in chosen)
        if len(chosen) < _MOST and not twin:
            chosen.append(question)
    return tuple(chosen)


def _rank(field: str) -> int:
    return _WEIGHT.index(field) if field in _WEIGHT else len(_WEIGHT)
