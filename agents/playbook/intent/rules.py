"""Rules of place in a request: only one side of the body is read, the other is seen as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.intent.clauses import clauses
from agents.playbook.intent.evidence import has, tags_of, wordings
from agents.playbook.intent.words import norms, phrase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.playbook.intent.reading import Reading

_ASKED_FOR = norms("request", "requested", "name", "affect", "indicate", "symptomatic", "index", "refer", "ask", "mention", "state", "correct", "order", "mark", "painful", "injur")  # fmt: skip
_SIDES = norms("left", "right", "side", "ipsilateral", "contralateral")
_OTHER = norms("other", "opposite", "contralateral", "the other")
_BOTH = norms("both")
_PAIRED = norms("wrist", "hand", "knee", "hip", "eye", "breast", "kidney", "lung", "ear", "ankle", "foot", "shoulder", "elbow", "leg", "arm", "side")  # fmt: skip
_LIMITED = wordings("only", "just", "solely", "nothing but", "no other")
_FORM = wordings("request", "request form", "referral", "form", "order", "letter", "card", "slip", "requisition", "referrer", "dentist", "requested")  # fmt: skip
_NAMES = wordings(
    "name", "names", "ask", "asks", "state", "states", "mention", "mentions", "say", "says", "give", "gives", "specify", "specifies", "indicate", "list",
    "requested", "asked for",
)  # fmt: skip
_MARKERS = norms("marker", "text", "burn", "letter", "annotation")


def read_side_rule(reading: Reading) -> None:
    """Ask what becomes of the other side where only one counts; it goes before the rules that leave images or cues out."""
    found = list(_rules(reading))
    if not found:
        _ask_about_place(reading)
        return
    for first, end in found:
        reading.use(first, end)
        reading.claimed.update(k for k in range(first, end) if not reading.units[k].labels)
    sided = (
        name for name in reading.data.attributes if set(phrase(name)) & _SIDES and not set(phrase(name)) & _MARKERS
    )
    column = next(sided, "")
    where = f" (column {column})" if column else ""
    reading.caveat(f"Only the side that is asked for counts{where}: a mirrored image must swap it.", *found[0])
    reading.ask(
        "rules", "Where both sides can be seen: should a finding on the other side be ignored, or listed separately for safety?",
        options=("only the side that is asked for is scored; others are listed separately", "ignore the other side"),
        default="only the side that is asked for is scored; others are listed separately", kind="rule_detail",
    )  # fmt: skip


def _ask_about_place(reading: Reading) -> None:
    """Ask what becomes of findings elsewhere where a form says which place counts, and it is no side."""
    for first, end in _named_on_the_form(reading):
        reading.use(first, end)
        reading.claimed.update(k for k in range(first, end) if not reading.units[k].labels)
        reading.caveat("Only the place that the form names counts.", first, end)
        reading.ask(
            "rules", "Where other places can be seen as well: should a finding there be ignored, or listed separately for safety?",
            options=("only the place that is asked for is scored; others are listed separately", "ignore the other places"),
            default="only the place that is asked for is scored; others are listed separately", kind="rule_detail",
        )  # fmt: skip
        return


def _rules(reading: Reading) -> Iterator[tuple[int, int]]:
    """Yield the clauses that limit the answer to one side: 'only label the side that the form names', 'ignore the other hip'."""
    for clause in clauses(reading):
        found = [reading.units[k].norm for k in clause]
        words = {word for norm in found for word in norm.split()}
        tags = tags_of(reading, clause)
        if words.isdisjoint(_PAIRED | _SIDES) or _BOTH & words:
            continue
        limited = bool({"only", "just", "solely"} & words) and bool(_SIDES & words)
        chosen = bool(_ASKED_FOR & words) or bool({"left", "right"} & words)
        paired = [k for k in clause if not set(reading.units[k].norm.split()).isdisjoint(_PAIRED)]
        other = any(k > clause.start and reading.units[k - 1].norm in _OTHER for k in paired)
        ignored = bool(tags & {"IGNORE", "EXCEPT"}) and not any("NOT" in reading.units[k].tags for k in clause)
        if (limited and chosen) or (other and ignored):
            yield clause.start, clause.stop


def _named_on_the_form(reading: Reading) -> Iterator[tuple[int, int]]:
    """Yield clauses that limit the answer to what a form names: 'only at the tooth that the referral names'."""
    for clause in clauses(reading):
        if has(reading, clause, _LIMITED) and has(reading, clause, _FORM) and has(reading, clause, _NAMES):
            yield clause.start, clause.stop
