"""Numbers that a request sets: how many may be missed, how many false alarms are accepted, floors on other metrics."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agents.playbook.intent import quoting
from agents.playbook.intent.clauses import clause_of
from agents.playbook.intent.words import norms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.playbook.intent.patterns import Match
    from agents.playbook.intent.reading import Reading

METRIC_OF_TAG = {"AUROC": "auroc", "AP": "average_precision", "F1": "f1", "BALANCED": "balanced_accuracy", "ACCURACY": "accuracy", "BRIER": "brier", "KAPPA": "quadratic_kappa", "MAP": "map50", "DICE": "dice", "MAE": "mae", "MCC": "mcc", "PREDICTIVE_POS": "ppv", "PREDICTIVE_NEG": "npv"}  # fmt: skip
_TWO = 2
_LEAST_BARE = 0.5
"""A number without a sign of a share that is smaller says something else: 'recall ten healthy people'."""
_TOLD = norms(
    "published",
    "paper",
    "told",
    "literature",
    "colleague",
    "student",
    "achieved",
    "achieve",
    "previous",
    "previously",
    "earlier",
    "currently",
    "study",
    "competitor",
    "vendor",
    "others",
    "typically",
    "usually",
    "said",
    "article",
    "journal",
    "benchmark",
    "claims",
)
_OF_PREVALENCE = frozenset({"ppv", "npv"})


@dataclass(frozen=True, slots=True)
class Level:
    """One number, what it is for, and where it stands."""

    value: float
    """0 to 1."""
    first: int
    end: int
    labels: tuple[str, ...] = ()
    """Labels of the finding that it is said of; empty if none is named."""


@dataclass(slots=True)
class Numbers:
    """All numbers of a request."""

    sensitivity_floor: Level | None = None
    sensitivity_fixed: Level | None = None
    specificity_floor: Level | None = None
    specificity_fixed: Level | None = None
    metric_floors: list[tuple[str, Level]] = field(default_factory=list)
    """(family of the metric, floor)."""
    flag_rate: Level | None = None
    """Largest share of all images that may be called positive."""
    alarms_per_image: Level | None = None
    """Largest mean number of false marks on an image; a number, not a share."""
    alarms_fixed: Level | None = None
    """Mean number of false marks on an image at which the share found is compared."""
    prevalence: Level | None = None
    """How common the finding is said to be; a fact, and no wish."""
    goal: tuple[str, int, int] | None = None
    """Family of a metric that the request wants as high as possible, and where it says so."""
    goal_is_enough: bool = False
    """The metric is only called good enough; other words may ask for more."""


def read_numbers(reading: Reading) -> Numbers:
    """Return the numbers of a request, each from the words that set it."""
    numbers = Numbers()
    taken = _facts(reading, numbers)
    _pairs(reading, numbers, taken)
    for rule, match in sorted(_candidates(reading), key=_rank):
        if taken & set(match.shares):
            continue
        level = _level(reading, match, rule)
        if level is not None:
            taken.update(match.shares)
            reading.claim(match)
            reading.used.update(match.shares)
            reading.claimed.update(k for k in range(match.first, match.end) if reading.units[k].is_class)
            _keep(reading, numbers, rule, level)
    _metric_floors(reading, numbers, taken)
    _goal(reading, numbers)
    _unsupported(reading)
    _unknown_metrics(reading)
    return numbers


def _facts(reading: Reading, numbers: Numbers) -> set[int]:
    """Take what only describes, such as a prevalence, and limits that are counts; return the shares that they use up."""
    taken: set[int] = set()
    for match in reading.found("prevalence"):
        if match.shares and numbers.prevalence is None and not _is_limited(reading, match):
            value = _value(reading, match.shares[0])
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
        values = [value for at in match.shares if (value := _value(reading, at)) is not None and value >= _LEAST_BARE]
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
    tags = frozenset[str]().union(*(reading.units[k].tags for k in range(max(0, match.first - 2), match.end)))
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
    value = _value(reading, match.shares[0]) if len(match.shares) < _TWO else _ratio(reading, match)
    tags = frozenset[str]().union(*(reading.units[k].tags for k in range(match.first, match.end)))
    misses = rule == "sensitivity_floor" and bool(tags & {"MISS", "FALSE_NEG_RATE"})
    alarms = (
        rule.startswith("specificity") and bool(tags & {"FALSE_ALARM", "REFER", "CALLED_ILL"}) and "SPEC" not in tags
    )
    turned = misses or alarms
    bare = len(match.shares) < _TWO and reading.units[match.shares[0]].share is None
    if (
        value is None
        or (bare and value < _LEAST_BARE)
        or _is_of_others(reading, match, rule, tags)
        or _bounds_the_wrong_way(reading, match, rule, tags, turned=turned)
    ):
        return None
    _ask_about_range(reading, match.shares[0])
    value = round(1 - value, 6) if turned else value
    labels = tuple(dict.fromkeys(label for at in match.things for label in reading.units[at].labels))
    return Level(value, match.first, match.end, labels)


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


def _value(reading: Reading, at: int) -> float | None:
    unit = reading.units[at]
    if unit.share is not None:
        return round(unit.share, 6)
    if unit.number is not None and 1 < unit.number <= 100:
        return unit.number / 100
    return 1.0 if unit.number == 1 else None


def _metric_floors(reading: Reading, numbers: Numbers, taken: set[int]) -> None:
    for match in reading.found("metric_floor"):
        if not match.shares or taken & set(match.shares) or _is_told_of_others(reading, match):
            continue
        value = _value(reading, match.shares[0])
        family = _family(reading, match) or (
            "accuracy" if any(reading.units[k].norm == "correct" for k in range(match.first, match.end)) else ""
        )
        tags = frozenset[str]().union(*(reading.units[k].tags for k in range(match.first, match.end)))
        if value is None or not family or "CEIL" in tags or family in {"brier", "mae"}:
            continue
        taken.update(match.shares)
        reading.claim(match)
        reading.used.update(match.shares)
        labels = tuple(label for at in match.things for label in reading.units[at].labels)
        numbers.metric_floors.append((family, Level(value, match.first, match.end, labels)))


def _is_told_of_others(reading: Reading, match: Match) -> bool:
    """'We published an AUC of 0.87 in 2021' and 'a colleague told me that 95% is usual' tell of others and wish for nothing."""
    units = [reading.units[k] for k in clause_of(reading, match.first)]
    if any(unit.tags & {"DEMAND", "WISH"} for unit in units) or not any(unit.norm in _TOLD for unit in units):
        return False
    reading.used.update(clause_of(reading, match.first))
    return True


def _goal(reading: Reading, numbers: Numbers) -> None:
    for match in reading.found("metric_goal"):
        family = _family(reading, match)
        if family in _OF_PREVALENCE or not family or reading.denied(match.first):
            continue
        if numbers.goal is None and all(
            span.first >= match.end or span.end <= match.first for _, span in numbers.metric_floors
        ):
            reading.claim(match)
            numbers.goal = (family, match.first, match.end)
            numbers.goal_is_enough = any("TOLERATE" in reading.units[k].tags for k in range(match.first, match.end))


def _family(reading: Reading, match: Match) -> str:
    for at in range(match.first, match.end):
        for tag, family in METRIC_OF_TAG.items():
            if tag in reading.units[at].tags:
                return family
    return ""


def _unsupported(reading: Reading) -> None:
    """Ask about a measure that depends on how common the finding is, where no number was set for it."""
    for at in reading.tagged("PPV"):
        if (
            "FALSE_ALARM" in reading.units[at].tags
            or at in reading.used
            or reading.units[at].tags & set(METRIC_OF_TAG) - {"PREDICTIVE_POS", "PREDICTIVE_NEG"}
        ):
            continue
        reading.used.update(
            k
            for k in range(max(0, at - 4), min(len(reading.units), at + 5))
            if not reading.units[k].is_stop and reading.units[k].share is None
        )
        reading.ask(
            "constraints",
            f"{quoting.words(reading.units[at].text)} cannot be a goal in this version: it depends on how common the finding is where "
            "the model will be used. Can you say it as a sensitivity or a specificity instead?",
            default="it is reported at the prevalence of this data", kind="metric_choice",
        )  # fmt: skip


def _unknown_metrics(reading: Reading) -> None:
    """Ask about a measure that is known by name and not computed here."""
    for at in reading.tagged("OTHER_METRIC"):
        if at in reading.used or reading.denied(at):
            continue
        reading.used.update(clause_of(reading, at))
        reading.ask(
            "primary", f"{quoting.words(reading.units[at].text)} is not among the metrics of this version. Shall the usual one of the task be improved, and "
            "this one be left out?", options=("yes", "no"), default="yes", kind="metric_choice",
        )  # fmt: skip
