"""What no rule has explained: a demand that would change the spec is asked about, all else is shown as read without effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents import quoting
from agents.playbook.intent.clauses import clauses
from agents.playbook.intent.evidence import tags_of
from agents.playbook.intent.patterns import METRIC_TAGS
from agents.playbook.intent.words import norms

if TYPE_CHECKING:
    from agents.playbook.intent.reading import Reading

_JUDGED = METRIC_TAGS | {"CATCH", "MISS", "SENS", "SPEC", "FALSE_ALARM", "FALSE_NEG_RATE", "REFER", "HEALTHY"}
"""Tags of what a number can be a bound on."""
_LIMIT = frozenset({"FLOOR", "CEIL"})
_POLITE = norms("pleas", "please", "thank", "thanks", "you", "hello", "hi", "dear", "team", "all", "regard", "best", "kind", "i", "we", "and")  # fmt: skip
_PEOPLE = norms("people", "patient", "person", "child", "adult", "woman", "man", "age", "older", "old", "younger", "elderly", "over the age", "kid", "baby", "smoker")  # fmt: skip
_TIMES = norms(
    "year", "month", "week", "day", "old", "image", "film", "patient", "case", "lesion", "hospital", "center"
)
_NO_DEMAND = norms("only", "always")
_IS = frozenset({"is", "are", "have", "has", "had", "were", "was"})
_FEWEST_WORDS = 2
_ASIDE = 4
_SIGNS = frozenset({">=", "<=", ">", "<", "\u2265", "\u2264"})
"""A number behind one of these is a bound, whatever it is of."""


def read_leftovers(reading: Reading) -> None:
    """Ask about demands that nothing was taken from, and list the other words that change nothing."""
    for clause in clauses(reading):
        open_units = [k for k in clause if k not in reading.used and not reading.units[k].is_sign]
        if not open_units:
            continue
        chosen_by = _selected_by(reading, clause)
        if chosen_by is not None:
            _ask_about_selection(reading, chosen_by)
        elif _bounds_something(reading, clause, open_units):
            _ask(reading, clause, blocking=True)
        elif len(open_units) == len([k for k in clause if not reading.units[k].is_sign]):
            _nothing_taken(reading, clause)


def _nothing_taken(reading: Reading, clause: range) -> None:
    tags = tags_of(reading, clause)
    things = any(reading.units[k].is_thing for k in clause)
    demand = any("DEMAND" in reading.units[k].tags and reading.units[k].norm not in _NO_DEMAND for k in clause)
    asks = any(
        s.stop < len(reading.units) and reading.units[s.stop].norm == "?"
        for s in reading.sentences()
        if clause.start in s
    )
    if demand and not asks and "BECAUSE" not in tags and (things or tags & _JUDGED):
        _ask(reading, clause, blocking=False)
        return
    words = [reading.units[k] for k in clause if not reading.units[k].is_sign]
    if len(words) >= _FEWEST_WORDS and not all(unit.norm in _POLITE for unit in words):
        reading.unheeded.append(reading.words(clause.start, clause.stop))


def _ask(reading: Reading, clause: range, *, blocking: bool) -> None:
    reading.ask(
        "request", f"Nothing could be taken from {quoting.words(reading.words(clause.start, clause.stop))}. Can you say it in other words, or leave it out?",
        default="left out", blocking=blocking, kind="unclear_demand",
    )  # fmt: skip


def _bounds_something(reading: Reading, clause: range, open_units: list[int]) -> bool:
    """Say whether a number is left that looks like a bound: beside a metric, or after 'at least' in a clause about catching."""
    tags = tags_of(reading, clause)
    shares = any(reading.units[k].share is not None for k in open_units)
    if not tags & _JUDGED and len(clause) <= _ASIDE and shares:  # 'catch nearly all of them, say 98%, ...'
        sentence = next(s for s in reading.sentences() if clause.start in s)
        tags = tags_of(reading, sentence)
    if not tags & _JUDGED:
        return any(
            reading.units[k].number is not None and k > 0 and reading.units[k - 1].norm in _SIGNS for k in open_units
        )
    for at in open_units:
        unit = reading.units[at]
        if unit.number is None or _is_of_people(reading, at) or _states(reading, clause, at):
            continue
        limited = at > 0 and bool(reading.units[at - 1].tags & _LIMIT)
        if limited or (_is_near_metric(reading, at) and (unit.share is not None or unit.number > 1)):
            return True
        if unit.share is not None and tags & {"DEMAND", "WISH"} | tags & _LIMIT:
            return True
    return False


def _is_of_people(reading: Reading, at: int) -> bool:
    """'People over 65' and 'children under 5 years' say who is in the images."""
    if reading.units[at].share is not None:
        return False
    before = [unit.norm for unit in reading.units[max(0, at - 4) : at]]
    after = [unit.norm for unit in reading.units[at + 1 : at + 3]]
    return bool(_PEOPLE & set(before)) or bool(_TIMES & set(after))


def _states(reading: Reading, clause: range, at: int) -> bool:
    """'About 5% of them have it' and 'only 3 in 100 are malignant' say how common something is, and ask for nothing."""
    after = [reading.units[k] for k in clause if k > at]
    verb = next((unit for unit in after if unit.text.lower() in _IS), None)
    tags = tags_of(reading, clause)
    wants = {"NOT", "CATCH", "MISS", "REFER", "WISH", "TOLERATE", "SENS", "SPEC", "FALSE_ALARM"} | METRIC_TAGS
    demands = any("DEMAND" in reading.units[k].tags and reading.units[k].norm != "only" for k in clause)
    return verb is not None and not tags & wants and not demands


def _is_near_metric(reading: Reading, at: int) -> bool:
    tags = frozenset[str]().union(*(unit.tags for unit in reading.units[max(0, at - 2) : at + 3]))
    return bool(tags & (METRIC_TAGS | {"SENS", "SPEC"}))


def _selected_by(reading: Reading, clause: range) -> int | None:
    """Return the thing that images are to be chosen by: 'in children only', 'only images of the scalp'."""
    for at in clause:
        if reading.units[at].norm != "only" or _counts(reading, at + 1, clause):
            continue
        nearby = (k for k in range(max(clause.start, at - 1), min(clause.stop, at + 4)) if k not in reading.used)
        for k in nearby:
            unit = reading.units[k]
            if unit.is_thing and not unit.is_class and unit.kind != "artefact":
                return k
    return None


def _counts(reading: Reading, at: int, clause: range) -> bool:
    """'Only about two in a hundred' says how many."""
    return any(reading.units[k].number is not None for k in range(at, min(at + 3, clause.stop)))


def _ask_about_selection(reading: Reading, at: int) -> None:
    reading.ask(
        "classes", f"You mention {quoting.words(reading.units[at].text)} and \u201conly\u201d: images cannot be chosen by such a column in this version. "
        "Take the others out of the table, or leave the words out to use all images?", blocking=True, kind="image_selection",
    )  # fmt: skip
