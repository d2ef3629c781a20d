"""The score of one request and of a whole file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from comparing import Parse, Verdict, compare
from grounding import Filled, filled_slots, invented
from slots import slots_of_key

from tasks.domain.spec import BLOCKING, CLARIFICATION_LEVELS, NONE, RESOLVE_FROM_DATA

if TYPE_CHECKING:
    from rows import Row

MOST_QUESTIONS = 3
QUIET = (NONE, RESOLVE_FROM_DATA)
"""Levels at which nothing is asked of the clinician."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowScore:
    """What one request scored."""

    id: str
    problem: str = ""
    """Why the request could not be judged, or parsed; it then counts as wrong in everything."""
    verdicts: tuple[Verdict, ...] = ()
    filled: tuple[Filled, ...] = ()
    invented: tuple[str, ...] = ()
    level_expected: str = ""
    level_got: str = ""
    must_stop: bool = False
    """The key blocks or refuses."""
    stopped: bool = False
    """The parse blocks or refuses."""
    asked: int = 0
    """Questions put to the clinician; statements of what the data decides are none."""
    too_many: int = 0
    kinds_expected: tuple[str, ...] = ()
    kinds_missed: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    """For each minimal pair its edit, and why it is not passed (empty if it is)."""

    @property
    def critical(self) -> bool:
        """Return whether every critical slot is right."""
        return not self.problem and all(verdict.right for verdict in self.verdicts)

    @property
    def clear(self) -> bool:
        """Return whether the level of clarification is the expected one."""
        return not self.problem and self.level_expected == self.level_got

    @property
    def passed_silently(self) -> bool:
        """Return whether a request that must stop did not."""
        return self.must_stop and not self.stopped


def failed_row(name: str, expected: dict[str, object], problem: str, pairs: tuple[tuple[str, str], ...]) -> RowScore:
    """Return the score of a request that could not be judged or parsed: wrong in everything, and silent where it must stop."""
    level = level_of(expected)
    return RowScore(
        id=name,
        problem=problem,
        level_expected=level,
        must_stop=level == BLOCKING or bool(expected.get("refuse")),
        kinds_expected=_kinds(expected),
        pairs=pairs,
    )


def score_row(row: Row, parse: Parse) -> RowScore:
    """Return the score of a parse, its minimal pairs left out."""
    key = slots_of_key(row.expected)
    parsed = parse.parsed
    level = level_of(row.expected)
    asked = [question for question in parsed.questions if question.level not in QUIET]
    kinds = _kinds(row.expected)
    covered = {question.kind for question in parsed.questions} | ({"scope"} if parsed.refusal else set())
    return RowScore(
        id=row.id,
        verdicts=compare(key, parse),
        filled=filled_slots(row.request, parse),
        invented=invented(row, key, parse),
        level_expected=level,
        level_got=parsed.level,
        must_stop=level == BLOCKING or key.refuse,
        stopped=parsed.level == BLOCKING,
        asked=len(asked),
        too_many=len(asked) if level in QUIET else max(0, len(asked) - MOST_QUESTIONS),
        kinds_expected=kinds,
        kinds_missed=tuple(kind for kind in kinds if kind not in covered),
    )


def level_of(expected: dict[str, object]) -> str:
    """Return the level that a key expects; where it names none, what `clarification_needed` and `refuse` say; else as written."""
    level = expected.get("clarification_level")
    if level is not None:
        plain = str(level).strip().lower().replace(" ", "_").replace("-", "_")
        return {"confirm": "confirm_default", "resolve": RESOLVE_FROM_DATA}.get(plain, plain)
    if expected.get("refuse"):
        return BLOCKING
    needed = expected.get("clarification_needed")
    return NONE if needed in {False, None} else "not said"


def _kinds(expected: dict[str, object]) -> tuple[str, ...]:
    kinds = expected.get("clarification_kind")
    if isinstance(kinds, str):
        return (kinds,)
    return tuple(str(kind) for kind in kinds) if isinstance(kinds, list | tuple) else ()


@dataclass(frozen=True, slots=True)
class Summary:
    """The scores of a file."""

    rows: tuple[RowScore, ...]
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Requests by (expected, got) level."""

    def as_json(self) -> dict[str, float | int]:
        """Return the line of numbers; a share of nothing is 0, never 1."""
        pairs = [problem for row in self.rows for _, problem in row.pairs]
        filled = [item.grounded for row in self.rows for item in row.filled]
        return {
            "n": len(self.rows),
            "critical": _share([row.critical for row in self.rows]),
            "grounded": _share(filled),
            "invented": sum(len(row.invented) for row in self.rows),
            "clarification": _share([row.clear for row in self.rows]),
            "false_silence": sum(row.passed_silently for row in self.rows),
            "over_asking": sum(row.too_many for row in self.rows),
            "minimal_pairs": _share([not problem for problem in pairs]),
        }


def summarise(rows: list[RowScore]) -> Summary:
    """Return the summary of all rows."""
    levels = Counter((row.level_expected, row.level_got or "failed") for row in rows)
    return Summary(tuple(rows), levels)


def levels_of(summary: Summary) -> tuple[str, ...]:
    """Return the levels in the order in which they are shown, and any other that turned up."""
    seen = {level for pair in summary.confusion for level in pair}
    return (*CLARIFICATION_LEVELS, *sorted(seen - set(CLARIFICATION_LEVELS)))


def _share(values: list[bool]) -> float:
    return round(sum(values) / len(values), 4) if values else 0.0
