"""The classes of a request about grades: every grade in its order, or those below a grade and those from it on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.intent import quoting
from agents.playbook.intent.choice import Choice, Group
from agents.playbook.intent.grades import find_cut, graded, is_referable, order_matters, ungraded
from agents.playbook.intent.words import norms
from tasks.domain.spec import BINARY, ORDINAL

if TYPE_CHECKING:
    from agents.playbook.intent.grades import Cut
    from agents.playbook.intent.naming import Named
    from agents.playbook.intent.reading import Reading

_GRADE = norms("grade", "read", "assess", "judge")
_SENT_ON = norms("send", "sent", "positive", "refer", "referable", "referral")
_NEAR = 8
_CANNOT = norms("ungradabl", "ungradeabl", "ungraded", "unreadabl", "inadequat", "insufficient")


def choose_on_scale(reading: Reading, *, excluded: tuple[str, ...], sends_on: bool) -> Choice | None:
    """Return the classes where the labels are grades and the request speaks of grades; None for any other request.

    Args:
        reading: The request.
        excluded: Labels that are left out.
        sends_on: Images that cannot be graded count as positive.
    """
    if reading.data.findings:
        return None
    scale = tuple(label for label in graded(reading.data.labels) if label not in excluded)
    if not scale:
        return None
    cut = find_cut(reading, scale)
    if cut is not None:
        return _halves(reading, cut, sends_on=sends_on)
    ordered = order_matters(reading)
    if ordered is None:
        return None
    groups = [Group((label,), reading.data.plain(label), [ordered]) for label in scale]
    return Choice(groups, groups, ORDINAL)


def _halves(reading: Reading, cut: Cut, *, sends_on: bool) -> Choice:
    reading.use(cut.first, cut.end)
    reading.claimed.update(range(cut.first, cut.end))
    above = cut.above + (ungraded(reading.data.labels) if sends_on else ())
    below = tuple(label for label in cut.below if label not in above)
    plain = _plain(reading, cut)
    positive = Group(above, plain, [(cut.first, cut.end)], name=plain)
    if cut.by_convention:
        reading.default("classes.cut", f"by convention from {quoting.code(cut.above[0])} on")
    rest = Group(below, f"not {plain}", is_rest=True, name=f"not {plain}")
    return Choice([rest, positive], [positive], BINARY)


def _plain(reading: Reading, cut: Cut) -> str:
    """Return the word for what lies above the cut: 'referable' where the request says so, else its own wording."""
    said = next((unit.text for unit in reading.units if is_referable(unit)), "")
    return said.lower() or cut.name


def ask_about_ungradable(reading: Reading, named: Named) -> None:
    """Ask what becomes of images that could not be graded, where the data marks them and the request does not speak of them."""
    used = {label for item in named.classes for label in item.labels}
    marked = [
        item.label
        for item in reading.data.labels
        if set(item.words) & _CANNOT and not item.denies and item.label not in used
    ]
    if not marked:
        return
    reading.ask(
        "supervision", f"Some images are marked {quoting.code(marked[0])}. Should they be left out, or count as positive, as they would be sent on?",
        options=("left out", "positive"), default="left out", kind="label_policy",
    )  # fmt: skip


def read_ungradable(reading: Reading) -> tuple[int, int] | None:
    """Return the words that send images on that cannot be graded: 'ungradable photos count as refer'."""
    for at, unit in enumerate(reading.units):
        cannot = unit.norm.partition(" ")[0] in _CANNOT or (unit.norm in _GRADE and reading.denied(at, within=3))
        if not cannot:
            continue
        sentence = next((s for s in reading.sentences() if at in s), range(at, at + 1))
        sent = [
            k
            for k in sentence
            if reading.units[k].norm.partition(" ")[0] in _SENT_ON or "REFER" in reading.units[k].tags
        ]
        near = [k for k in sent if abs(k - at) <= _NEAR]
        if near:
            first, end = min(at, near[0]), max(at, near[-1]) + 1
            reading.use(first, end)
            reading.claimed.update(range(first, end))
            reading.caveat(
                "Images that cannot be graded count as referred: they are not left out of the results.", first, end
            )
            return first, end
    return None
