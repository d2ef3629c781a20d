"""Errors on a scale that must not happen: 'below 40 must not be read as above 50'."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from agents import quoting
from agents.playbook.intent.words import norms
from tasks.domain.spec import AT_MOST, Constraint

if TYPE_CHECKING:
    from agents.playbook.intent.reading import Reading

_BELOW = norms("below", "under", "less than", "lower than", "<", "fewer than", "smaller than", "beneath")
_ABOVE = norms("above", "over", "more than", "greater than", "higher than", ">", "exceed", "larger than", "better than")
_READ = norms(
    "read", "call", "report", "tell", "estimate", "give", "label", "come out", "come", "predict", "say", "measure", "return", "take", "be", "is", "as",
    "answer", "output", "result", "show", "look",
)  # fmt: skip
_LONGEST, _BEFORE = 14, 4
METRIC = "gross_error_rate"
"""Share of the images on one side of the scale that are read as lying on the other."""


def read_misreading(reading: Reading) -> list[Constraint]:
    """Return how often a gross error may happen, where the request names one; where it names no limit that is asked.

    No finite test can show that something never happens.
    """
    found = _gross_error(reading)
    if found is None:
        return []
    first, end = found
    wording = quoting.words(reading.words(first, end))
    reading.use(first, end)
    reading.used.update(range(first, end))
    reading.caveat(
        "How often the gross error that the request names happens is reported with its interval.", first, end
    )
    limit = _limit(reading, end)
    if limit is not None:
        reading.cite(f"constraints.{METRIC}", limit, limit + 1)
        reading.used.add(limit)
        return [Constraint(metric=METRIC, bound=float(reading.units[limit].share or 0.0), op=AT_MOST)]
    reading.ask(
        "constraints", f"{wording}: in how many of 100 such cases may it happen at most? That it never happens cannot be shown by any test. Until then "
        "the mean error is what counts, and the report shows how often it happened.",
        options=("1 of 100", "2 of 100", "5 of 100"), default="reported, no limit", kind="missing_threshold",
    )  # fmt: skip
    return []


def _limit(reading: Reading, after: int) -> int | None:
    """Return the share of such errors that would do: 'one in a hundred of those would be tolerable'."""
    for sentence in reading.sentences():
        shares = [k for k in sentence if k >= after and reading.units[k].share is not None and k not in reading.used]
        if shares and any(reading.units[k].tags & {"TOLERATE", "CEIL"} for k in sentence):
            return shares[0]
    return None


def _gross_error(reading: Reading) -> tuple[int, int] | None:
    """Return where two bounds on opposite sides stand with a word of reading between them, turned down or called a mistake."""
    units = reading.units
    bounds = [
        (k, "below" if units[k].norm in _BELOW else "above")
        for k in range(len(units) - 1)
        if units[k].norm in _BELOW | _ABOVE and (units[k + 1].number is not None or units[k + 1].share is not None)
    ]
    for (one, side), (other, other_side) in pairwise(bounds):
        between = range(one + 2, other)
        if side == other_side or other - one > _LONGEST or any(units[k].is_stop for k in between):
            continue
        if any(units[k].norm in _READ for k in (*between, *range(max(0, one - _BEFORE), one))):
            return one, other + 2
    return None
