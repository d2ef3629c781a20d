"""The classes of a request about grades: every grade in its order, or those below a grade and those from it on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents import quoting
from agents.playbook.intent.choice import Choice, Group
from agents.playbook.intent.clauses import clause_of
from agents.playbook.intent.evidence import has, spots, wordings
from agents.playbook.intent.grades import find_cut, graded, is_referable, order_matters, ungraded
from agents.playbook.intent.words import norms
from tasks.domain.spec import BINARY, ORDINAL

if TYPE_CHECKING:
    from agents.playbook.intent.grades import Cut
    from agents.playbook.intent.naming import Named
    from agents.playbook.intent.reading import Reading

_GRADE = wordings(
    "grade", "read", "assess", "judge", "interpret", "evaluate", "gradable", "readable", "see anything", "be graded", "be read", "make out",
)  # fmt: skip
_POOR = wordings(
    "too", "poor", "bad", "blurry", "blurred", "blur", "dark", "black", "fuzzy", "unsharp", "hazy", "insufficient", "nobody", "cannot", "smeared",
    "foggy", "low",
)  # fmt: skip
_QUALITY = wordings("quality", "image quality")
_UNGRADABLE = wordings(
    "ungradable", "ungradeable", "un-gradable", "ungraded", "unreadable", "inadequate", "not gradable", "non-gradable", "unassessable", "illegible",
    "uninterpretable",
)  # fmt: skip
_SENT_ON = wordings(
    "send", "sent", "positive", "refer", "referable", "referral", "go to", "goes to", "see the doctor", "to the clinic", "to us", "be seen", "go too",
    "goes too", "also go", "call in",
)  # fmt: skip
_LEFT_OUT = wordings("leave out", "left out", "leave it out", "leave them out", "exclude", "drop", "discard", "ignore", "skip", "leave aside")  # fmt: skip
_REFER_WORDS = norms("refer", "referral", "refer on", "referred")
_REFERABLE = "referable"
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
    """Return 'referable' where the request speaks of referring, else the request's own wording of the cut."""
    said = next((unit.text for unit in reading.units if is_referable(unit)), "")
    if said:
        return said.lower()
    return _REFERABLE if _speaks_of_referring(reading, cut) else cut.name


def _speaks_of_referring(reading: Reading, cut: Cut) -> bool:
    """'Refer or not, where refer means moderate or worse' names the class above the cut."""
    sentence = next((s for s in reading.sentences() if cut.first in s), range(0))
    return any(reading.units[k].norm in _REFER_WORDS for k in sentence)


def send_on(reading: Reading, choice: Choice) -> None:
    """Move images that could not be graded to what is looked for, where labels other than grades mark them."""
    marked = tuple(item.label for item in reading.data.labels if set(item.words) & _CANNOT and not item.denies)
    if reading.data.findings or not marked or len(choice.named) != 1:
        return
    for group in choice.groups:
        kept = tuple(label for label in group.labels if label not in marked)
        group.labels = (*kept, *marked) if group is choice.named[0] else kept


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
    """Return the words that send images on that cannot be graded, in one sentence or two: 'too poor to read: send them too'."""
    for sentence in reading.sentences():
        cannot = _not_gradable(reading, sentence)
        if not cannot:
            continue
        after = range(cannot[0], min(sentence.stop + _NEAR, len(reading.units)))
        places = sentence if _sends(reading, sentence) else after
        sent = _sends(reading, places)
        if not sent or has(reading, places, _LEFT_OUT):
            continue
        first, end = min(cannot[0], sent[0]), max(cannot[-1], sent[-1]) + 1
        reading.use(first, end)
        rest = clause_of(reading, end - 1)
        places = range(first, max(end, rest.stop))
        reading.claimed.update(k for k in places if k < end or reading.units[k].kind == "attribute")
        reading.caveat(
            "Images that cannot be graded count as referred: they are not left out of the results.", first, end
        )
        return first, end
    return None


def _not_gradable(reading: Reading, sentence: range) -> list[int]:
    """Return the units that say that an image cannot be graded: 'ungradable', 'nobody can grade it', 'too poor to read'."""
    said = spots(reading, sentence, _UNGRADABLE)
    graded_by = spots(reading, sentence, _GRADE)
    turned = [
        k for k in graded_by if reading.denied(k, within=4) or has(reading, range(max(sentence.start, k - 5), k), _POOR)
    ]
    return sorted({*said, *turned, *(spots(reading, sentence, _QUALITY) if has(reading, sentence, _POOR) else [])})


def _sends(reading: Reading, places: range) -> list[int]:
    tagged = [k for k in places if "REFER" in reading.units[k].tags and not reading.denied(k)]
    return sorted({*tagged, *spots(reading, places, _SENT_ON)})
