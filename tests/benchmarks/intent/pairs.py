"""Minimal pairs: a request is edited, parsed again, and compared with what the key says that the edit changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from case import Case
from changes import read_change
from comparing import Parse
from edits import EditNotUnderstood, apply_edit
from facts import profile_of
from slots import slots_of_key
from staying import what_moved

if TYPE_CHECKING:
    from rows import Row

    from agents.semantic_parser import SemanticParser

NOT_JUDGED = "not judged: "


def edit_of(pair: object) -> str:
    """Return the edit of a minimal pair, or the pair itself where it has none, for tables."""
    return str(pair.get("edit")) if isinstance(pair, dict) and pair.get("edit") else str(pair)[:80]


def judge_pair(pair: object, row: Row, before: Parse, parser: SemanticParser) -> str:
    """Return why a minimal pair is not passed; empty if it is.

    A change of which some clause is not understood is judged by the others, and what it does not name must stay; one of which no
    clause is understood is not passed.
    """
    texts = (pair.get("edit"), pair.get("expected_change")) if isinstance(pair, dict) else (None, None)
    edit, stated = texts
    if not isinstance(edit, str) or not isinstance(stated, str):
        return f"{NOT_JUDGED}a pair needs texts for edit and expected_change"
    change = read_change(stated)
    if not change.clauses:
        return f"{NOT_JUDGED}{stated}"
    try:
        edited = apply_edit(edit, row.request, row.manifest)
    except EditNotUnderstood as error:
        return f"{NOT_JUDGED}{error}"
    profile = profile_of(edited.manifest)
    case = Case(before, Parse(parser.parse(edited.request, profile), profile), slots_of_key(row.expected))
    failed = [reason for clause in change.clauses for check in clause.checks if (reason := check(case))]
    failed += what_moved(case, edited, change.touches, strict=change.identical)
    if failed and change.not_judged:
        failed.append(f"({NOT_JUDGED}{'; '.join(change.not_judged)})")
    return "; ".join(failed)
