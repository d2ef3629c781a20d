"""Rules of place in a request: only one side of the body is read, the other is seen as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.intent.clauses import clause_of
from agents.playbook.intent.words import norms, phrase

if TYPE_CHECKING:
    from agents.playbook.intent.reading import Reading

_ASKED_FOR = norms("request", "requested", "name", "affect", "indicate", "symptomatic", "index", "refer", "ask", "mention", "state", "correct", "order", "mark", "painful", "injur")  # fmt: skip
_SIDES = norms("left", "right", "side", "ipsilateral", "contralateral")
_OTHER = norms("other", "opposite", "contralateral", "the other")
_BOTH = norms("both")
_PAIRED = norms("wrist", "hand", "knee", "hip", "eye", "breast", "kidney", "lung", "ear", "ankle", "foot", "shoulder", "elbow", "leg", "arm", "side")  # fmt: skip
_MARKERS = norms("marker", "text", "burn", "letter", "annotation")


def read_side_rule(reading: Reading) -> None:
    """Ask what becomes of the other side where only one counts."""
    found = _rule(reading)
    if found is None:
        return
    first, end = found
    reading.use(first, end)
    column = next(
        (name for name in reading.data.attributes if set(phrase(name)) & _SIDES and not set(phrase(name)) & _MARKERS),
        "",
    )
    where = f" (column {column})" if column else ""
    reading.caveat(f"Only the side that is asked for counts{where}: a mirrored image must swap it.", first, end)
    reading.ask(
        "rules", "Where both sides can be seen: should a finding on the other side be ignored, or listed separately for safety?",
        options=("only the side that is asked for is scored; others are listed separately", "ignore the other side"),
        default="only the side that is asked for is scored; others are listed separately", kind="rule_detail",
    )  # fmt: skip


def _rule(reading: Reading) -> tuple[int, int] | None:
    """Return the clause that limits the answer to one side: 'only label the side that the form names', 'ignore the other hip'."""
    for at, unit in enumerate(reading.units):
        if set(unit.norm.split()).isdisjoint(_PAIRED | _SIDES):
            continue
        clause = clause_of(reading, at)
        found = [reading.units[k].norm for k in clause]
        tags = frozenset[str]().union(*(reading.units[k].tags for k in clause))
        if _BOTH & set(found):
            continue
        limited = bool({"only", "just", "solely"} & set(found)) and ("side" in found or bool(_SIDES & set(found)))
        chosen = bool(_ASKED_FOR & set(found)) or bool({"left", "right"} & set(found))
        other = at > 0 and reading.units[at - 1].norm in _OTHER
        if (limited and chosen) or (other and tags & {"IGNORE", "EXCEPT"} and not reading.denied(at, within=6)):
            return clause.start, clause.stop
    return None
