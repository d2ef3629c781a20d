"""Metrics that a request calls by name: floors on them, goals, and those that this version does not compute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents import quoting
from agents.playbook.intent.clauses import clause_of
from agents.playbook.intent.evidence import tags_of
from agents.playbook.intent.levels import Level, share_at
from agents.playbook.intent.words import norms

if TYPE_CHECKING:
    from agents.playbook.intent.levels import Numbers
    from agents.playbook.intent.patterns import Match
    from agents.playbook.intent.reading import Reading

METRIC_OF_TAG = {"AUROC": "auroc", "AP": "average_precision", "F1": "f1", "BALANCED": "balanced_accuracy", "ACCURACY": "accuracy", "BRIER": "brier", "KAPPA": "quadratic_kappa", "MAP": "map50", "DICE": "dice", "MAE": "mae", "MCC": "mcc", "PREDICTIVE_POS": "ppv", "PREDICTIVE_NEG": "npv"}  # fmt: skip
_GAP = norms("difference", "gap", "apart", "differ")
_OF_PREVALENCE = frozenset({"ppv", "npv"})
_USE = norms("use", "take", "judge", "improve")
_TOLD = norms(
    "published", "paper", "told", "literature", "colleague", "student", "achieved", "achieve", "previous", "previously", "earlier", "currently", "study",
    "competitor", "vendor", "others", "typically", "usually", "said", "article", "journal", "benchmark", "claims",
)  # fmt: skip


def read_metric_floors(reading: Reading, numbers: Numbers, taken: set[int]) -> None:
    """Take floors on metrics that are named; the shares that they use up are added to `taken`."""
    for match in reading.found("metric_floor"):
        if (
            not match.shares
            or taken & set(match.shares)
            or _is_told_of_others(reading, match)
            or _is_gap(reading, match)
        ):
            continue
        value = share_at(reading, match.shares[0])
        family = _family(reading, match) or (
            "accuracy" if any(reading.units[k].norm == "correct" for k in range(match.first, match.end)) else ""
        )
        tags = tags_of(reading, range(match.first, match.end))
        if value is None or not family or "CEIL" in tags or family in {"brier", "mae"}:
            continue
        taken.update(match.shares)
        reading.claim(match)
        reading.used.update(match.shares)
        labels = tuple(label for at in match.things for label in reading.units[at].labels)
        numbers.metric_floors.append((family, Level(value, match.first, match.end, labels)))


def _is_gap(reading: Reading, match: Match) -> bool:
    """'A difference in AUC of 0.03 is tolerable' bounds no AUC."""
    return any(reading.units[k].norm in _GAP for k in clause_of(reading, match.first))


def _is_told_of_others(reading: Reading, match: Match) -> bool:
    """'We published an AUC of 0.87 in 2021' and 'a colleague told me that 95% is usual' tell of others and wish for nothing."""
    clause = clause_of(reading, match.first)
    told = tells_of_others(reading, clause)
    reading.used.update(clause if told else ())
    return told


def tells_of_others(reading: Reading, part: range) -> bool:
    """Say whether words tell what others reached, or what was reached before, without any wish."""
    units = [reading.units[k] for k in part]
    used = any(unit.norm in _USE for unit in units)
    return (
        not used
        and not any(unit.tags & {"DEMAND", "WISH"} for unit in units)
        and any(unit.norm in _TOLD for unit in units)
    )


def read_metric_goal(reading: Reading, numbers: Numbers) -> None:
    """Take the metric that a request wants as high as possible."""
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
    _only_metric(reading, numbers)


def _only_metric(reading: Reading, numbers: Numbers) -> None:
    """Take a metric that stands alone, such as '..., average precision', where it is the only one and nobody is told of it."""
    named = [
        (at, family) for tag, family in METRIC_OF_TAG.items() for at in reading.tagged(tag) if at not in reading.used
    ]
    if numbers.goal is not None or numbers.metric_floors or len({family for _, family in named}) != 1:
        return
    at, family = named[0]
    clause = clause_of(reading, at)
    words = [unit for unit in (reading.units[k] for k in clause) if not unit.is_sign]
    if len(words) == 1 and family not in _OF_PREVALENCE and not reading.denied(at):
        reading.use(at, at + 1)
        numbers.goal = (family, at, at + 1)


def _family(reading: Reading, match: Match) -> str:
    for at in range(match.first, match.end):
        for tag, family in METRIC_OF_TAG.items():
            if tag in reading.units[at].tags:
                return family
    return ""


def ask_about_predictive_values(reading: Reading) -> None:
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


def ask_about_unknown_metrics(reading: Reading) -> None:
    """Ask about a measure that is known by name and not computed here."""
    for at in reading.tagged("OTHER_METRIC"):
        if at in reading.used or reading.denied(at):
            continue
        reading.used.update(clause_of(reading, at))
        reading.ask(
            "primary", f"{quoting.words(reading.units[at].text)} is not among the metrics of this version. Shall the usual one of the task be improved, and "
            "this one be left out?", options=("yes", "no"), default="yes", kind="metric_choice",
        )  # fmt: skip
