"""Whom a request is about by age: a group to be shown apart, or the people that the model is for; never a number of a metric."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.intent.clauses import clause_of, clauses
from agents.playbook.intent.patterns import Match
from tasks.domain.spec import Subgroup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.playbook.intent.reading import Reading

_BARE = 2
_APART = frozenset({"separately", "separate", "apart", "subgroup", "stratify", "break"})


def read_ages(reading: Reading) -> dict[str, Subgroup]:
    """Return the groups that are named by a limit of age and are to be shown apart; other limits describe the people.

    The images of other people are not left out: this is said in a caveat, as a model is judged on the data that it is given.
    """
    found: dict[str, Subgroup] = {}
    for match in [*reading.found("age_limit"), *_bare_limits(reading)]:
        if not match.shares or any(k in reading.used for k in match.shares):
            continue
        number = reading.units[match.shares[0]].number
        if number is None or not 0 < number < 120 or reading.units[match.shares[0]].share is not None:
            continue
        reading.used.update(range(match.first, match.end))
        reading.claimed.update(k for k in range(match.first, match.end) if "age" in _concept(reading, k))
        column = next((name for name, concept in reading.data.attributes.items() if concept == "age"), "")
        said = reading.words(match.first, match.end)
        if _is_apart(reading, match):
            name = column or "age"
            found[name] = Subgroup(attribute=name, column=column)
            reading.cite(f"subgroups.{name}", match.first, match.end)
        else:
            reading.caveat(f"The request is about a group of people ({said}); images of others, if the data has any, are not left out.", match.first, match.end)  # fmt: skip
    return found


def _bare_limits(reading: Reading) -> Iterator[Match]:
    """Yield clauses that hold nothing but 'over 65', where the data records an age that this can be about."""
    if "age" not in reading.data.attributes.values():
        return
    for clause in clauses(reading):
        words = [k for k in clause if not (reading.units[k].is_sign and not reading.units[k].tags)]
        if (
            len(words) == _BARE
            and reading.units[words[0]].tags & {"FLOOR", "CEIL"}
            and reading.units[words[1]].number is not None
        ):
            yield Match(words[0], words[1] + 1, (), (words[1],))


def _concept(reading: Reading, at: int) -> str:
    meaning = reading.units[at].meaning
    return meaning.concept if meaning is not None else ""


def _is_apart(reading: Reading, match: Match) -> bool:
    units = [reading.units[k] for k in clause_of(reading, match.first)]
    tags = frozenset[str]().union(*(unit.tags for unit in units))
    return bool(_APART & {word for unit in units for word in unit.norm.split()}) or "SAME_FOR" in tags
