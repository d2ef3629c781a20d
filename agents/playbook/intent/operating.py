"""Numbers that a request sets: how many may be missed, how many false alarms are accepted, what is only a fact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents import quoting
from agents.playbook.intent.clauses import clause_of
from agents.playbook.intent.evidence import tags_of
from agents.playbook.intent.levels import Level, Numbers, share_at
from agents.playbook.intent.named_metrics import (
    ask_about_predictive_values,
    ask_about_unknown_metrics,
    read_metric_floors,
    read_metric_goal,
    tells_of_others,
)
from agents.playbook.intent.open_shares import read_open_shares
from agents.playbook.intent.patterns import METRIC_TAGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.playbook.intent.patterns import Match
    from agents.playbook.intent.reading import Reading

_TWO = 2
_LEAST_BARE = 0.5
"""A number without a sign of a share that is smaller says something else: 'recall ten healthy people'."""


def read_numbers(reading: Reading) -> Numbers:
    """Return the numbers of a request, each from the words that set it."""
    numbers = Numbers()
    taken = _facts(reading, numbers) | {k for k in reading.used if reading.units[k].share is not None}
    _pairs(reading, numbers, taken)
    for rule, match in sorted(_candidates(reading), key=_rank):
        if taken & set(match.shares) or tells_of_others(reading, clause_of(reading, match.first)):
            continue
        level = _level(reading, match, rule)
        if level is not None:
            taken.update(match.shares)
            reading.claim(match)
            reading.used.update(match.shares)
            reading.claimed.update(k for k in range(match.first, match.end) if reading.units[k].is_class)
            _keep(reading, numbers, rule, level)
    read_metric_floors(reading, numbers, taken)
    read_open_shares(reading, numbers, taken)
    read_metric_goal(reading, numbers)
    ask_about_predictive_values(reading)
    ask_about_unknown_metrics(reading)
    return numbers


def _facts(reading: Reading, numbers: Numbers) -> set[int]:
    """Take what only describes, such as a prevalence, and limits that are counts; return the shares that they use up."""
    taken: set[int] = set()
    for match in reading.found("prevalence"):
        if match.shares and numbers.prevalence is None and not _is_limited(reading, match):
            value = share_at(reading, match.shares[0])
            numbers.prevalence = Level(value, match.first, match.end) if value is not None else None
            taken.update(match.shares)
            reading.used.update(range(match.first, match.end))
    for rule in ("alarms_fixed", "alarms_per_image"):
        for match in reading.found(rule):
            number = reading.units[match.shares[0]].number if match.shares else None
            if number is not None and getattr(numbers, rule) is None and not taken & set(match.shares):
                setattr(numbers, rule, Level(number, match.first, match.end))
                taken.update(match.shares)
                reading.used.update(range(match.first, match.end))
    return taken


def _pairs(reading: Reading, numbers: Numbers, taken: set[int]) -> None:
    """Read 'sensitivity and specificity of at least 90%' and 'sens/spec 90/80' as two floors."""
    for match in reading.found("pair_floor"):
        around = [*reading.units[max(0, match.first - 1) : match.first], *reading.units[match.end : match.end + 3]]
        apart = any(unit.number is not None for unit in around)  # '90% sensitivity and specificity of 80%' are two
        tags = [tag for k in range(match.first, match.end) for tag in ("SENS", "SPEC") if tag in reading.units[k].tags]
        values = [value for at in match.shares if (value := share_at(reading, at)) is not None and value >= _LEAST_BARE]
        if (
            apart
            or taken & set(match.shares)
            or reading.denied(match.first)
            or len(values) < len(match.shares)
            or not values
        ):
            continue
        for tag, value in zip(tags, values if len(values) > 1 else values * 2, strict=False):
            rule = "sensitivity_floor" if tag == "SENS" else "specificity_floor"
            _keep(reading, numbers, rule, Level(value, match.first, match.end))
        taken.update(match.shares)
        reading.claim(match)
        reading.used.update(match.shares)


def _is_limited(reading: Reading, match: Match) -> bool:
    """'No more than 5% of the films have one flagged' limits; 'about 5% of the films have one' describes."""
    tags = tags_of(reading, range(max(0, match.first - 2), match.end))
    return bool(tags & {"FLOOR", "CEIL", "MISS", "REFER", "FALSE_ALARM", "SENS", "SPEC"})


def _rank(found: tuple[str, Match]) -> tuple[bool, int, int]:
    """Put 'at 80% specificity' before '80% specificity', and few words before many."""
    rule, match = found
    return not rule.endswith("fixed"), match.end - match.first, match.first


def _candidates(reading: Reading) -> Iterator[tuple[str, Match]]:
    """Yield every reading of every share; of several for one share the one in the fewest words counts."""
    for rule in ("sensitivity_fixed", "specificity_fixed", "sensitivity_floor", "specificity_floor", "flag_rate"):
        yield from ((rule, match) for match in reading.found(rule) if match.shares)


def _keep(reading: Reading, numbers: Numbers, rule: str, level: Level) -> None:
    before = getattr(numbers, rule)
    if before is not None and abs(before.value - level.value) > 1e-9:
        reading.ask(
            "operating_point", f"You give two numbers for {rule.split('_', maxsplit=1)[0]}: {quoting.words(reading.words(before.first, before.end))} and "
            f"{quoting.words(reading.words(level.first, level.end))}. Which one counts?", blocking=True,
        )  # fmt: skip
        return
    if before is None:
        setattr(numbers, rule, level)


def _level(reading: Reading, match: Match, rule: str) -> Level | None:
    """Return the share of a match, turned round where the words count misses or false alarms; None if they say no floor."""
    value = share_at(reading, match.shares[0]) if len(match.shares) < _TWO else _ratio(reading, match)
    tags = tags_of(reading, range(match.first, match.end))
    misses = rule == "sensitivity_floor" and bool(tags & {"MISS", "FALSE_NEG_RATE"})
    alarms = (
        rule.startswith("specificity") and bool(tags & {"FALSE_ALARM", "REFER", "CALLED_ILL"}) and "SPEC" not in tags
    )
    turned = misses or alarms
    bare = len(match.shares) < _TWO and reading.units[match.shares[0]].share is None
    if (
        value is None
        or _is_seen(reading, match, rule)
        or (bare and value < _LEAST_BARE)
        or _is_of_others(reading, match, rule, tags)
        or _bounds_the_wrong_way(reading, match, rule, tags, turned=turned)
    ):
        return None
    _ask_about_range(reading, match.shares[0])
    value = round(1 - value, 6) if turned else value
    labels = tuple(dict.fromkeys(label for at in match.things for label in reading.units[at].labels))
    return Level(value, match.first, match.end, labels)


def _is_seen(reading: Reading, match: Match, rule: str) -> bool:
    """'Average precision, which I would like to see above 0.95' is about the metric, and about nobody who is found."""
    if rule != "sensitivity_floor" or not any(reading.units[k].norm == "see" for k in range(match.first, match.end)):
        return False
    sentence = next(s for s in reading.sentences() if match.first in s)
    return any(reading.units[k].tags & METRIC_TAGS for k in sentence)


def _is_of_others(reading: Reading, match: Match, rule: str, tags: frozenset[str]) -> bool:
    """Say whether the share is of something else: the 'no more than' before it is not in the match, or it counts the healthy."""
    if match.first and "CEIL" in reading.units[match.first - 1].tags and "CEIL" not in tags:
        return True
    inside = reading.units[match.first : match.end]
    healthy = any(unit.concern == 0 or "HEALTHY" in unit.tags for unit in inside)
    return rule.startswith("sensitivity") and healthy and not tags & {"MISS", "FALSE_NEG_RATE", "SENS"}


def _bounds_the_wrong_way(reading: Reading, match: Match, rule: str, tags: frozenset[str], *, turned: bool) -> bool:
    """Say whether the words bound from the side that would be no wish: at most so sensitive, at least so many missed."""
    ceiling, floor = "CEIL" in tags, "FLOOR" in tags
    denied = "NOT" in tags or reading.denied(match.first) or "WORST" in tags
    if rule == "flag_rate":
        return not ceiling and not denied
    if rule.endswith("fixed") and (floor or ceiling):
        return True
    if turned:
        return floor and not denied
    if floor and reading.denied(match.first) and tags & {"CATCH", "REFER"}:
        return True  # 'it may not flag more than 2% of all films'
    return ceiling and not floor and not denied


def _ratio(reading: Reading, match: Match) -> float | None:
    """'One false alarm for every ten healthy' is a tenth."""
    first, second = (reading.units[at].number for at in match.shares[:2])
    if first is None or second is None or max(first, second) <= 1:
        return None
    return round(min(first, second) / max(first, second), 6)


def _ask_about_range(reading: Reading, at: int) -> None:
    """'90-95%' names two numbers where one is needed."""
    before = reading.units[at - 1] if at else None
    if before is not None and before.number is not None and before.share is None and not before.is_thing:
        reading.ask(
            "operating_point", f"{quoting.words(reading.words(at - 1, at + 1))} is a range. Which number counts?",
            options=(before.text, reading.units[at].text), blocking=True,
        )  # fmt: skip
