"""What a model should not lean on, and what the columns of the data say of it: each cue with the way that it is handled."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agents import quoting
from agents.playbook.intent.clauses import clause_of
from agents.playbook.intent.naming import slug
from agents.playbook.intent.patterns import Match
from agents.playbook.intent.shunned import is_told, shunned
from agents.playbook.intent.words import normal_form, norms, phrase
from tasks.domain.spec import Confounder

if TYPE_CHECKING:
    from agents.playbook.intent.chunks import Unit
    from agents.playbook.intent.reading import Reading
    from agents.playbook.intent.sites import Elsewhere

REDUCE, MASK, BY_GROUP = "reduce_reliance_and_report_by_subgroup", "mask_and_test", "report_by_subgroup"
CHECK, NO_CUE = "check_association_with_label", "check_not_used_as_disease_cue"

_LIGHT = frozenset({"the", "a", "an", "at", "on", "by", "from", "of", "to", "any", "just", "only", "such", "thing", "like", "this", "that", "with", "up", "merely", "simply"})  # fmt: skip
_STOP_WORDS = frozenset({"and", "but", "or", "becaus", "when", "if", "for", "in", "to", "instead", "since", "as", "which", "that", "who", "while", "then"})  # fmt: skip
_IMAGES = frozenset(
    normal_form(word) for word in ("image", "picture", "photo", "photograph", "film", "scan", "case", "frame", "slide")
)
_NOT_LEANING = norms(
    "trust", "know", "have", "need", "forget", "record", "store", "ask", "tell", "want", "see", "include", "expect"
)
_WHOSE = norms("ours", "theirs", "us", "mine", "yours")
_OF_CHEST = frozenset({"pneumothorax", "pleural_effusion", "cardiomegaly", "edema", "pneumonia", "consolidation", "atelectasis", "tuberculosis", "covid", "lung_nodule", "emphysema"})  # fmt: skip
_DETECTORS = norms("detector", "finder", "classifier")
_LETTER = norms(
    "spelling", "typo", "typos", "english", "grammar", "message", "email", "mail", "letter", "signature", "footer", "note", "my", "your", "disclaimer",
)  # fmt: skip
_PRONOUNS = frozenset({"those", "these", "them", "it", "thos", "thes", "that", "this"})
_OBJECT = 6
"""So many units behind 'must not learn' may its object stand."""
_LOOK_BACK = 25
_TEXT = frozenset({"burned_in_text"})
_PLACES = frozenset({"hospital", "ward"})
"""Concepts of where images come from: text burned in there goes with it, and remains when the text is masked."""


@dataclass(slots=True)
class Leaning:
    """Cues that the model must not lean on, in the order in which they were named; the data's own come last."""

    cues: dict[str, Confounder] = field(default_factory=dict)
    unmarked: list[str] = field(default_factory=list)
    """Plain names of those that no column marks."""


def read_leaning(reading: Reading, elsewhere: Elsewhere | None = None) -> Leaning:
    """Return the cues of a request and of its data; those that no column marks are kept, and asked about."""
    found = Leaning()
    for match in reading.found("confounder"):
        things = [at for at in match.things if _could_be_cue(reading, reading.units[at])]
        taken = set(match.things) & reading.claimed
        if things and not taken and not _is_of_others(reading, match) and not is_told(reading, match.first):
            _take(reading, found, match, things)
    for first, end, things in shunned(reading, lambda k: _is_plain_cue(reading, k)):
        _take(reading, found, Match(first, end, tuple(things), ()), things)
    _unknown(reading, found)
    _ask_about_unmarked(reading, found)
    _allowed_cues(reading, found)
    if elsewhere is not None and elsewhere.cue is not None:
        _add(reading, found, elsewhere.cue, elsewhere.span)
    _of_data(reading, found)
    return found


def _is_of_others(reading: Reading, match: Match) -> bool:
    """Say whether the words are about something else that stands nearer.

    In 'the films from ICU show a text that must not be used' it is the text that must not, and 'do not use images of the
    scalp' leaves out images.
    """
    reach = match.end + _OBJECT if match.things[0] == match.first else match.end
    clause = clause_of(reading, match.end - 1)
    after = range(match.things[-1] + 1, min(max(clause.stop, match.end), reach))
    between = range(match.first, match.things[0])
    if reading.units[match.end - 1].norm in _DETECTORS:
        return False  # 'I do not want a pen detector'
    if any(reading.units[k].norm in _NOT_LEANING for k in between):
        return True
    nearer = match.things[0] == match.first and any(reading.units[k].is_thing for k in after)
    return nearer or any(
        reading.units[k].norm in _IMAGES and reading.units[k + 1].norm not in {"is", "are"} for k in between
    )


def _could_be_cue(reading: Reading, unit: Unit) -> bool:
    if unit.meaning is None:
        return False
    concept = reading.data.lexicon.concepts.get(unit.meaning.concept)
    is_cue = unit.kind in {"artefact", "attribute"} or (concept is not None and concept.artefact)
    return (is_cue or bool(unit.attributes)) and (is_cue or not unit.labels)


def _is_plain_cue(reading: Reading, at: int) -> bool:
    """Say whether a unit names something beside the disease; an attribute of people is none, whatever stands around it."""
    unit = reading.units[at]
    return at not in reading.claimed and unit.kind != "attribute" and not unit.labels and _could_be_cue(reading, unit)


def _take(reading: Reading, found: Leaning, match: Match, things: list[int]) -> None:
    reading.claim(match)
    is_text = False
    for at in things:
        unit = reading.units[at]
        concept = unit.meaning.concept if unit.meaning is not None else ""
        is_text = is_text or concept in _TEXT
        handling = MASK if concept in _TEXT else REDUCE
        for name in unit.attributes:
            _add(reading, found, Confounder(name=name, column=name, handling=handling), (match.first, match.end))
        if not unit.attributes:
            _add(
                reading,
                found,
                Confounder(name=_singular(unit.text), handling=handling),
                (match.first, match.end),
            )
            found.unmarked.append(unit.text)
    if is_text:
        _take_place(reading, found, match)


def _singular(text: str) -> str:
    """Return the name of a cue: 'the rulers' and 'a ruler' are one."""
    words = text.replace("'s", "").split()
    last = words[-1]
    plural = last.endswith("s") and normal_form(last) == normal_form(last[:-1])
    return slug(" ".join([*words[:-1], last[:-1] if plural else last]))


def _take_place(reading: Reading, found: Leaning, match: Match) -> None:
    """'The films from ICU have a text': where they come from goes with the text, and stays when the text is masked."""
    sentence = next(s for s in reading.sentences() if match.first in s)
    for at in sentence:
        unit = reading.units[at]
        if unit.meaning is not None and unit.meaning.concept in _PLACES and unit.attributes:
            for name in unit.attributes:
                _add(reading, found, Confounder(name=name, column=name, handling=BY_GROUP), (at, at + 1))
            reading.claimed.add(at)
            reading.caveat(f"An effect of {' and '.join(unit.attributes)} may remain after the text is masked.")


def _add(reading: Reading, found: Leaning, cue: Confounder, span: tuple[int, int]) -> None:
    if cue.name not in found.cues:
        found.cues[cue.name] = cue
        reading.cite(f"confounders.{cue.name}", *span)


def _unknown(reading: Reading, found: Leaning) -> None:
    """'Do not look at the whatsits': no column goes by that name, and the words themselves name the cue."""
    for match in reading.found("confounder_unknown"):
        if set(range(match.first, match.end)) & reading.used or _stops(reading, match.first):
            continue
        rest = _following_words(reading, match.end)
        if (
            rest is None
            or _is_no_cue(reading, rest)
            or any(reading.units[k].is_class for k in range(match.first, rest[1]))
        ):
            continue
        if _points_back(reading, rest):
            _take_antecedent(reading, found, match, rest[1])
            continue
        reading.use(match.first, rest[1])
        if any(reading.units[k].norm in _WHOSE for k in range(*rest)):
            continue  # 'not only on ours'
        text = reading.words(*rest)
        name = slug(text)[:40].strip("_")
        column = _column_named(reading, rest)
        if column:
            _add(reading, found, Confounder(name=column, column=column), (match.first, rest[1]))
        elif name:
            _add(reading, found, Confounder(name=name), (match.first, rest[1]))
            found.unmarked.append(text)


def _stops(reading: Reading, at: int) -> bool:
    """'The doctors stop looking after the first beep' denies nothing of the model."""
    return (
        reading.units[at].norm.startswith("stop")
        and at > 0
        and reading.units[at - 1].norm not in {"must", "should", "to", "and"}
    )


def _points_back(reading: Reading, rest: tuple[int, int]) -> bool:
    return reading.units[rest[0]].norm in _PRONOUNS and rest[1] - rest[0] == 1


def _take_antecedent(reading: Reading, found: Leaning, match: Match, end: int) -> bool:
    """'Many have a ruler next to them; ignore those': the cue was named before."""
    first = max(0, match.first - _LOOK_BACK)
    things = [
        k
        for k in range(first, match.first)
        if _could_be_cue(reading, reading.units[k])
        and reading.units[k].kind != "attribute"
        and k not in reading.claimed
    ]
    if things:
        _take(reading, found, Match(things[0], end, tuple(things), ()), things)
    return bool(things)


def _column_named(reading: Reading, span: tuple[int, int]) -> str:
    """Return the one column all of whose words are among these: 'the portable machine' is the column 'portable'."""
    words = {word for k in range(*span) for word in reading.units[k].norm.split()}
    names = [name for name in reading.data.attributes if phrase(name) and set(phrase(name)) <= words]
    return names[0] if len(names) == 1 else ""


def _is_no_cue(reading: Reading, span: tuple[int, int]) -> bool:
    """'Ignore my spelling' speaks of the request itself, 'do not use films of women' of images."""
    return reading.units[span[0]].norm in _IMAGES or any(reading.units[k].norm in _LETTER for k in range(*span))


def _following_words(reading: Reading, at: int) -> tuple[int, int] | None:
    first = at
    while first < len(reading.units) and reading.units[first].norm in _LIGHT:
        first += 1
    end = first
    while end < len(reading.units) and end < first + 5:
        unit = reading.units[end]
        if unit.is_stop or unit.is_sign or unit.norm in _STOP_WORDS:
            break
        end += 1
    return (first, end) if end > first else None


def _ask_about_unmarked(reading: Reading, found: Leaning) -> None:
    if not found.unmarked:
        return
    names = quoting.listed((quoting.words(text) for text in dict.fromkeys(found.unmarked)), last="or")
    go_on = "go on; the report will say that it was not tested"
    reading.ask(
        "confounders",
        f"The data has no column that says where {names} can be seen, so it cannot be checked or corrected that the model leans on it. "
        "Can such a column be added, for a few hundred images at least, or shall we go on without?",
        options=(go_on, "add a column"), default=go_on, kind="missing_annotation",
    )  # fmt: skip
    reading.caveat(
        f"Whether the model leans on {' or '.join(dict.fromkeys(found.unmarked))} was not tested: no column marks it."
    )


def _allowed_cues(reading: Reading, found: Leaning) -> None:
    """'... and also at chest drains': a cue that is wanted, which deserves a second look."""
    for match in reading.found("allowed_cue"):
        things = [at for at in match.things if _could_be_cue(reading, reading.units[at]) and at not in reading.claimed]
        if not things or reading.denied(match.first, within=4):
            continue
        if reading.units[match.first].text.lower().endswith("ed"):
            continue  # 'we used rulers' tells of the past
        if any(name in found.cues for at in things for name in reading.units[at].attributes):
            continue
        reading.claim(match)
        reading.ask(
            "confounders", f"May the model go by {quoting.words(reading.units[things[0]].text)}? It sees the image only, and such a cue can stand in "
            "for the disease.", options=("yes, it may", "no, keep it out"), default="yes, it may", kind="allowed_cue",
        )  # fmt: skip


def _is_of_chest(reading: Reading) -> bool:
    """Say whether the labels are findings of the chest, for which it is known that networks learn the hospital."""
    return any(item.concept in _OF_CHEST for item in reading.data.labels)


def _of_data(reading: Reading, found: Leaning) -> None:
    """Watch what the columns themselves mark: signs burned into the image, and the hospital that it comes from.

    Signs that are burned in can give the answer away whatever the request says, and so can the place: networks tell hospitals
    apart almost perfectly. What the columns hold of hospitals by name the investigation reports; a bare 'site' says so little that
    it is watched here for films of the chest, where this was shown. Of skin images it is the site on the body.

    Source: Zech et al., PLoS Medicine 15 (2018), e1002683.
    """
    for item in reading.profile.attributes:
        if item.name in found.cues or any(item.name in cue.column for cue in found.cues.values()):
            continue
        words = set(slug(item.name).split("_"))
        concept = reading.data.attributes.get(item.name, "")
        if concept in _TEXT or (
            words & {"marker", "markers", "burned", "burnt"} and not words & {"bio", "tumor", "tumour"}
        ):
            handling = NO_CUE
        elif words == {"site"} and _is_of_chest(reading):
            handling = CHECK
        else:
            continue
        if handling == CHECK and any(question.field == "split" for question in reading.questions):
            continue  # held out completely, which shows more than an association
        found.cues[item.name] = Confounder(name=item.name, column=item.name, handling=handling)
        reading.fact(f"confounders.{item.name}", f"the data has a column {item.name}")
