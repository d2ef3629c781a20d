"""Whether the model may answer 'not sure', and how often."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.playbook.intent.clauses import clause_of
from agents.playbook.intent.evidence import has, wordings
from agents.playbook.intent.ratios import ratios
from agents.playbook.intent.words import norms
from tasks.domain.spec import Abstention

if TYPE_CHECKING:
    from agents.playbook.intent.judging import Judging, Wishes
    from agents.playbook.intent.reading import Reading

_BUDGET = 0.10
_CODES = wordings("-1", "stands for", "coded")
_THAT = wordings("that", "so", "this", "do it", "pass on", "hand back", "send back", "not sure", "back to us", "to me", "undecided", "them", "it")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Abstaining:
    """Words that let the model pass a case on."""

    first: int
    end: int
    at_most: float = math.nan
    """Share that may be passed on, 0 to 1; nan if none is said."""
    share: int = -1
    """Unit that says the share; -1 if none does."""


def read_abstention(reading: Reading) -> Abstaining | None:
    """Return what a request says of 'not sure' answers; None if it says nothing, or turns them down."""
    wanted, turned_down = None, False
    for at in reading.tagged("ABSTAIN"):
        if at in reading.used or _is_of_people(reading, at) or not _is_allowed(reading, at):
            continue
        if _is_turned_down(reading, at):
            turned_down = True
            reading.used.update(clause_of(reading, at))
        else:
            found = _with_budget(reading, at)
            if wanted is None or (math.isnan(wanted.at_most) and not math.isnan(found.at_most)):
                wanted = found
    if wanted is None or turned_down:
        return None
    reading.used.update(k for k in range(wanted.first, wanted.end))
    return wanted


def set_abstention(reading: Reading, wishes: Wishes, judging: Judging) -> None:
    """Put the wish into the spec; a budget that was not named is asked for."""
    found = wishes.abstaining
    if found is None:
        return
    reading.cite("abstention", found.first, found.end)
    if math.isnan(found.at_most):
        judging.abstention = Abstention(allowed=True, at_most=_BUDGET)
        reading.default("abstention.at_most", f"no share was named; at most {_BUDGET:.0%} may be passed on")
        reading.ask(
            "abstention", f"What share of cases may be sent back as \u201cnot sure\u201d, for example {_BUDGET:.0%}? Results are shown for the decided cases, and "
            "with every \u201cnot sure\u201d counted as referred.",
            options=("5%", "10%", "20%"), default=f"{_BUDGET:.0%}", kind="abstention_budget",
        )  # fmt: skip
        return
    judging.abstention = Abstention(allowed=True, at_most=found.at_most)


def _is_of_people(reading: Reading, at: int) -> bool:
    """'Our readers were not sure' and 'ungradable images count as refer' speak of labels, not of answers."""
    clause = clause_of(reading, at)
    units = [reading.units[k] for k in clause]
    if any("BECAUSE" in unit.tags for unit in units) or has(reading, clause, _CODES):
        return True
    for k in range(at - 1, clause.start - 1, -1):
        unit, follower = reading.units[k], reading.units[k + 1]
        if unit.norm in _MODEL:
            return False
        is_person = unit.norm in {"i", "we", "they"} and (follower.norm in _BE or k + 1 == at)
        if "RATERS" in unit.tags or unit.norm in _READERS or is_person:
            return True
    return any(set(unit.norm.split()) & _LABELLED for unit in units) and not any(unit.norm in _MODEL for unit in units)


def _is_allowed(reading: Reading, at: int) -> bool:
    """Say whether the words are about the model or grant something, and do not only tell of what was."""
    units = [reading.units[k] for k in clause_of(reading, at)]
    return any(unit.norm in _MODEL | _GRANTED or unit.tags & {"WISH", "TOLERATE", "CANNOT"} for unit in units)


_GRANTED = norms(
    "rather", "better", "prefer", "may", "can", "could", "might", "option", "possible", "possibility", "allowed", "budget", "fraction", "share", "button",
)  # fmt: skip
_BE = frozenset({"be", "am", "is", "are", "do", "did"})
_READERS = frozenset({"colleague", "grader", "reader", "expert", "annotator", "radiologist", "pathologist", "dermatologist", "doctor", "cardiologist", "clinician"})  # fmt: skip
_LABELLED = frozenset({"label", "mark", "grade", "treat", "count", "annotation"})
_MODEL = frozenset({"model", "it", "system", "algorithm", "tool", "classifier", "ai", "network"})


def _is_turned_down(reading: Reading, at: int) -> bool:
    """'It must always answer, never not sure', 'no "not sure"'; the NOT of 'not sure' itself does not count."""
    clause = clause_of(reading, at)
    before = [reading.units[k] for k in clause if k < at]
    return any(unit.norm in {"no", "never", "without", "not"} for unit in before[-4:]) and not any(
        unit.norm in {"rather", "prefer", "than"} for unit in before
    )


def _with_budget(reading: Reading, at: int) -> Abstaining:
    """Return the clause with the share that stands in its sentence beside words such as 'up to' or 'of cases'."""
    sentence = next(s for s in reading.sentences() if at in s)
    clause = clause_of(reading, at)
    for k in sentence:
        unit = reading.units[k]
        if unit.share is not None and k not in reading.used and _is_near(reading, k, at):
            first, end = min(clause.start, k), max(clause.stop, k + 1)
            return Abstaining(first, end, unit.share, k)
    for ratio in ratios(reading, set()):  # 'no more than 8 eyes in 100'
        if len(ratio.at) > 1 and ratio.at[0] in sentence and _is_near(reading, ratio.at[0], at):
            reading.used.update(ratio.at)
            return Abstaining(
                min(clause.start, ratio.at[0]), max(clause.stop, ratio.at[-1] + 1), ratio.value, ratio.at[0]
            )
    return _with_budget_behind(reading, sentence) or Abstaining(clause.start, clause.stop)


def _with_budget_behind(reading: Reading, sentence: range) -> Abstaining | None:
    """Return the next sentence as well where it goes on about it: 'It may do that with at most 8% of them'."""
    after = next((s for s in reading.sentences() if s.start >= sentence.stop), None)
    if (
        after is None
        or not has(reading, after, _THAT)
        or not any(reading.units[k].tags & {"CEIL", "CANNOT"} for k in after)
    ):
        return None
    foreign = {"SENS", "SPEC", "MISS", "CATCH", "FALSE_ALARM", "AUROC", "F1", "HEALTHY"}
    if any(reading.units[k].tags & foreign for k in after):
        return None
    share = next((k for k in after if reading.units[k].share is not None and k not in reading.used), None)
    return (
        Abstaining(sentence.start, after.stop, reading.units[share].share or 0.0, share) if share is not None else None
    )


def _is_near(reading: Reading, share: int, at: int) -> bool:
    """Say whether nothing that another number is for stands between a share and the words."""
    first, last = sorted((share, at))
    between = reading.units[first:last]
    foreign = {"SENS", "SPEC", "MISS", "CATCH", "FALSE_ALARM", "AUROC", "F1"}
    return len(between) <= 14 and not any(unit.tags & foreign for unit in between)
