"""The classes of a request about grades: every grade in its order, or those below a grade and those from it on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.intent import quoting
from agents.playbook.intent.classes import Choice, Group
from agents.playbook.intent.clauses import clause_of
from agents.playbook.intent.grades import find_cut, graded, order_matters, ungraded
from agents.playbook.intent.words import norms
from tasks.domain.spec import BINARY, ORDINAL

if TYPE_CHECKING:
    from agents.playbook.intent.grades import Cut
    from agents.playbook.intent.reading import Reading

_GRADE = norms("grade", "read", "assess", "judge")
_SENT_ON = norms("positive", "refer", "referable", "referral")
_CANNOT = norms("ungradabl", "ungradeabl", "ungraded", "unreadabl", "inadequat", "insufficient")


def choose_on_scale(reading: Reading, *, excluded: tuple[str, ...]) -> Choice | None:
    """Return the classes where the labels are grades and the request speaks of grades; None for any other request."""
    if reading.data.findings:
        return None
    scale = tuple(label for label in graded(reading.data.labels) if label not in excluded)
    if not scale:
        return None
    cut = find_cut(reading, scale)
    if cut is not None:
        return _halves(reading, cut)
    ordered = order_matters(reading)
    if ordered is None:
        return None
    groups = [Group((label,), reading.data.plain(label), [ordered]) for label in scale]
    return Choice(groups, groups, ORDINAL)


def _halves(reading: Reading, cut: Cut) -> Choice:
    reading.use(cut.first, cut.end)
    reading.claimed.update(range(cut.first, cut.end))
    above = cut.above + _counted_as_above(reading)
    below = tuple(label for label in cut.below if label not in above)
    positive = Group(above, _plain(reading, cut), [(cut.first, cut.end)])
    if cut.by_convention:
        reading.default("classes.cut", f"by convention from {quoting.code(cut.above[0])} on")
    return Choice([Group(below, f"not {positive.plain}", is_rest=True), positive], [positive], BINARY)


def _plain(reading: Reading, cut: Cut) -> str:
    """Return the wording of the cut with the finding that it is said of, where that stands beside it."""
    if cut.by_convention and " " not in cut.name.strip():
        return (
            f"{cut.name.lower()} {' '.join(reading.profile.roles.label.split('_')[:1])}"
            if reading.profile.roles.label
            else cut.name
        )
    return cut.name


def _counted_as_above(reading: Reading) -> tuple[str, ...]:
    """Return the labels of images without a grade, where the request sends those on as well."""
    labels = ungraded(reading.data.labels)
    for at, unit in enumerate(reading.units) if labels else ():
        clause = clause_of(reading, at)
        tags = frozenset[str]().union(*(reading.units[k].tags for k in clause))
        norms_of = {reading.units[k].norm for k in clause}
        cannot = unit.norm.partition(" ")[0] in _CANNOT or (unit.norm in _GRADE and reading.denied(at, within=3))
        if cannot and ("REFER" in tags or norms_of & _SENT_ON):
            reading.cite("classes.ungraded", clause.start, clause.stop)
            return labels
    return ()
