"""Checks of what is asked of the clinician after an edit, and of whether the request is refused."""

from __future__ import annotations

from collections.abc import Sequence

from case import Case, Check
from comparing import listed
from scoring import QUIET


def asked(*, wanted: bool) -> Check:
    """Check that something is asked of the clinician, or nothing is; what the data decides is not asked."""

    def check(case: Case) -> str:
        found = case.after.parsed.level not in QUIET
        return "" if found == wanted else f"level is {case.after.parsed.level}"

    return check


def level(name: str) -> Check:
    """Check the level of clarification."""
    return lambda case: "" if case.after.parsed.level == name else f"level is {case.after.parsed.level}, not {name}"


def _kinds(case: Case) -> set[str]:
    parsed = case.after.parsed
    return {question.kind for question in parsed.questions} | ({"scope"} if parsed.refusal else set())


def kind_there(kind: str, *, there: bool) -> Check:
    """Check that a question of a kind is asked, or is not."""

    def check(case: Case) -> str:
        return "" if (kind in _kinds(case)) == there else f"{kind} is {'not ' if there else ''}asked"

    return check


def kinds_are(kinds: Sequence[str]) -> Check:
    """Check that questions of these kinds are asked and of no other."""

    def check(case: Case) -> str:
        return "" if _kinds(case) == set(kinds) else f"asked are {listed(sorted(_kinds(case)))}, not {listed(kinds)}"

    return check


def refused(wanted: bool) -> Check:
    """Check whether the request is refused; if it is not, that something was understood."""

    def check(case: Case) -> str:
        if bool(case.after.parsed.refusal) != wanted:
            return "it is refused" if case.after.parsed.refusal else "it is not refused"
        return "" if wanted or case.after.spec is not None else "nothing is understood of it"

    return check


def level_is_not(name: str) -> Check:
    """Check that the level of clarification is another one."""
    return lambda case: f"level is {name}" if case.after.parsed.level == name else ""


def level_stays() -> Check:
    """Check that the level of clarification is as before."""

    def check(case: Case) -> str:
        was, got = case.before.parsed.level, case.after.parsed.level
        return "" if was == got else f"level {was} became {got}"

    return check


def kind_like(word: str) -> Check:
    """Check that no question is asked whose kind holds the beginning of a word: `conflict`, `infeasibility`."""

    def check(case: Case) -> str:
        found = [kind for kind in _kinds(case) if any(part.startswith(word[:7]) for part in kind.split("_"))]
        return f"{listed(found)} is asked" if found else ""

    return check
