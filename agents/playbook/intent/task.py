"""The sentences of a request that set its task, and the findings that they name."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from agents.playbook.intent.clauses import clause_of, clauses
from agents.playbook.intent.evidence import tags_of
from agents.playbook.intent.words import norms, phrase

if TYPE_CHECKING:
    from agents.playbook.intent.reading import Reading

TASK_TAGS = frozenset({"TASK_DETECT", "TASK_SORT", "TASK_SPLIT", "VERSUS", "MULTI", "REST", "APART", "TOGETHER"})


_LISTED = 3
_JOINERS = norms(",", "and", "or", "/", "a", "an", "the", "any", "versus")
_IN = norms("in", "of", "from", "on", "among", "with", "for", "our", "the")
_WHOSE = norms("patient", "slide", "case", "section", "specimen", "tissue", "survivor", "image", "film", "clinic", "biopsy", "sample", "photo", "scan", "cohort", "people")  # fmt: skip
_NEAR = 3
_WHICH_ONE = norms("which", "what")
_DISEASE = norms("disease", "pathology", "disorder", "plane", "view", "stage", "subtype")
_WHICH = norms("which", "whether", "if")
_RELATIVE = frozenset({"that", "which", "who"})
_COPULAS = frozenset({"is", "are", "was", "were", "be", "means"})
_WANTS = norms("ask", "interest", "want", "need", "care", "concern", "look", "request", "require")


def task_sentences(reading: Reading) -> list[range]:
    """Return the sentences that set the task."""
    found, described = [], []
    only_question = sum(not (item.denies or item.answer) for item in reading.data.labels) == 1
    for sentence in reading.sentences():
        tags = tags_of(reading, sentence)
        candidates = candidates_in(reading, sentence)
        question = sentence.stop < len(reading.units) and reading.units[sentence.stop].norm == "?"
        shown_on = "BECAUSE" not in tags and any(reading.units[k].kind == "modality" for k in sentence)
        if _is_denied(reading, sentence):
            continue
        if (
            tags & TASK_TAGS
            or (candidates and (question or shown_on or "TASK_BUILD" in tags))
            or counted_classes(reading, sentence)
            or _says_any(reading, sentence)
            or _lists_labels(reading, candidates)
            or any(is_of_all(reading, k) for k in sentence)
            or (question and only_question)
        ):
            found.append(sentence)
        elif "TASK_BUILD" in tags and not candidates:
            described.append(sentence)
    with_candidates = [sentence for sentence in found if candidates_in(reading, sentence)]
    if not with_candidates:
        bare = [s for s in reading.sentences() if candidates_in(reading, s) and _is_bare(reading, s)]
        bare = bare or _with_bare_clause(reading)
        if bare:
            return [*bare, *found]
        named = [s for s in reading.sentences() if not described and _names_the_only_finding(reading, s)]
        if named and not found:
            return named
    return found or described


def _says_any(reading: Reading, sentence: range) -> bool:
    """'Just any bleed per scan' says what is looked for, without a verb."""
    units = reading.units
    return any(units[k].norm == "any" and k + 1 in sentence and units[k + 1].is_class for k in sentence)


def is_of_all(reading: Reading, at: int) -> bool:
    """Say whether a unit asks for all classes: 'all diagnoses', or 'which disease is it?' of data with several."""
    units = reading.units
    if "MULTI" in units[at].tags:
        return True
    if units[at].norm not in _WHICH_ONE or len(reading.data.labels) < _LISTED:
        return False
    counted = any(unit.number == len(reading.data.labels) for unit in units[at + 1 : at + 4])
    return counted or any("CLASS_NOUN" in unit.tags or unit.norm in _DISEASE for unit in units[at + 1 : at + 4])


def _lists_labels(reading: Reading, candidates: list[int]) -> bool:
    """'NILM, ASCUS, LSIL, HSIL, SCC' and 'benign or malignant' name the labels of the data one after the other."""
    candidates = [at for at in candidates if reading.units[at].labels]
    labels = {label for at in candidates for label in reading.units[at].labels}
    if len(candidates) < 2 or len(labels) < min(_LISTED, len(reading.data.labels)):
        return False
    steps = pairwise(candidates)
    return all(
        reading.units[k].norm in _JOINERS or reading.units[k].is_sign or _is_head_noun(reading, k)
        for one, other in steps
        for k in range(one + 1, other)
    )


def _names_the_only_finding(reading: Reading, sentence: range) -> bool:
    """'Stenosis at patient level' wants the one thing that the data is labelled for."""
    asserted = [item.label for item in reading.data.labels if not (item.denies or item.answer)]
    named = {label for at in candidates_in(reading, sentence) for label in reading.units[at].labels}
    tags = tags_of(reading, sentence)
    return (
        len(asserted) == 1
        and named == set(asserted)
        and not tags & {"VAGUE", "NOT", "BECAUSE"}
        and not _is_denied(reading, sentence)
    )


def _is_denied(reading: Reading, sentence: range) -> bool:
    """'Do not build a melanoma classifier' and 'I am not asking for bacterial versus viral' set no task."""
    for at in sentence:
        wants = {reading.units[k].norm for k in range(at + 1, min(at + 4, sentence.stop))} & _WANTS
        before, after = (candidates_in(reading, part) for part in (range(sentence.start, at), range(at, sentence.stop)))
        if "NOT" in reading.units[at].tags and wants and after and not before:
            return True
    verbs = [k for k in sentence if reading.units[k].tags & {"TASK_DETECT", "TASK_SORT", "TASK_BUILD"}]
    return (
        bool(verbs)
        and reading.denied(verbs[0], within=5)
        and not any("VERSUS" in reading.units[k].tags for k in sentence)
    )


def _with_bare_clause(reading: Reading) -> list[range]:
    """Return the clauses of findings alone that begin a sentence: 'Only pneumothorax please, ignore the other labels'."""
    found = []
    for sentence in reading.sentences():
        first = next((clause for clause in clauses(reading) if clause.start in sentence), sentence)
        if candidates_in(reading, first) and _is_bare(reading, first):
            found.append(first)
    return found


def _is_bare(reading: Reading, sentence: range) -> bool:
    """Say whether a sentence consists of findings alone: 'Melanoma or mole', 'Pneumothorax, please'."""
    content = [k for k in sentence if not reading.units[k].is_sign and k not in reading.used]
    vague = any("VAGUE" in reading.units[k].tags for k in sentence)
    known = {
        "a",
        "an",
        "the",
        "or",
        "and",
        "please",
        "pleas",
        "not",
        "no",
        "yes",
        "on",
        "in",
        "of",
        "only",
        "just",
        "any",
    }
    return not vague and all(reading.units[k].is_class or reading.units[k].norm in known for k in content)


def candidates_in(reading: Reading, sentence: range) -> list[int]:
    """Return the units of a sentence that can be classes and that no other rule speaks of."""
    named = [at for at in sentence if reading.units[at].is_class and at not in reading.claimed]
    named = _before_or_not(reading, _behind_into(reading, sentence, named))
    return [
        at
        for at in named
        if not (
            _is_reason(reading, at)
            or _is_head_noun(reading, at)
            or _is_context(reading, at)
            or _is_said_of_another(reading, at, named)
        )
    ]


def _before_or_not(reading: Reading, named: list[int]) -> list[int]:
    """'Thyroid nodules, malignant or not': what has no label and stands before is what the question is about."""
    labelled = [k for k in named if reading.units[k].labels]
    if not labelled or labelled[0] + 1 >= len(reading.units):
        return named
    asked = "REST" in reading.units[labelled[0] + 1].tags or _denied_behind(reading, labelled)
    if not asked:
        return named
    return [k for k in named if k >= labelled[0] or reading.units[k].labels]


def _denied_behind(reading: Reading, labelled: list[int]) -> bool:
    """'Infection or no infection'."""
    same = len({reading.units[k].labels for k in labelled}) == 1 or len(labelled) == 2
    return len(labelled) > 1 and same and labelled[-1] - labelled[0] <= _NEAR and reading.denied(labelled[-1], within=1)


def _behind_into(reading: Reading, sentence: range, named: list[int]) -> list[int]:
    """'Sort white cells into neutrophil, lymphocyte, ...': where labels of the data stand behind 'into', what stands before is what is sorted."""
    listed = {label for k in named for label in reading.units[k].labels}
    sorts = any("TASK_SORT" in reading.units[k].tags for k in sentence)
    counted = any(reading.units[k].number == len(reading.data.labels) for k in sentence)
    if sorts and counted and len(reading.data.labels) >= _LISTED:
        return [k for k in named if reading.units[k].labels]  # 'sort them in four: normal, wax, ...', in whatever words
    if len(listed) >= len(reading.data.labels) > 1:
        return [k for k in named if reading.units[k].labels]  # 'white cells: neutrophil, lymphocyte, ...'
    at = next((k for k in sentence if reading.units[k].norm == "into"), None)
    if at is not None and counted_classes(reading, range(at, sentence.stop)) is not None:
        return [k for k in named if reading.units[k].labels]  # 'sort the white cells into the six kinds'
    if at is None or sum(bool(reading.units[k].labels) for k in named if k > at) < 2:
        return named
    return [k for k in named if k > at or reading.units[k].labels]


def _is_reason(reading: Reading, at: int) -> bool:
    """'..., because basophils are so rare' gives a reason, and asks for nothing."""
    before = [reading.units[k].text.lower() for k in clause_of(reading, at) if k < at]
    return "because" in before


def _is_said_of_another(reading: Reading, at: int, named: list[int]) -> bool:
    """'Plus disease in ROP' and 'infected foot ulcer' ask for what the data is labelled for; the other word says where or of what."""
    units = reading.units
    later = next((k for k in named if k > at and units[k].labels), None)
    if later is not None and not units[at].labels and {unit.text.lower() for unit in units[at + 1 : later]} & _RELATIVE:
        return True
    earlier = [k for k in named if k < at and units[k].labels]
    if (
        units[at].labels
        or not earlier
        or any(units[k].tags & {"VERSUS", "FROM", "TASK_SPLIT"} for k in range(earlier[-1], at))
    ):
        return False
    between = [units[k] for k in range(earlier[-1] + 1, at)]
    if any(unit.norm in _JOINERS - _IN or unit.is_stop or unit.text.lower() in _COPULAS for unit in between):
        return False
    return len(between) <= _NEAR or (bool(between) and between[-1].norm in _IN)


def _is_context(reading: Reading, at: int) -> bool:
    """'Mitoses in breast cancer slides' looks for mitoses: a disease that the data has no label for says whose images they are."""
    units = reading.units
    if not units[at].labels and _names_the_object(reading, at):
        return True
    if not units[at].labels and units[at].text.lower().endswith(("etics", "matics", "iacs", "eptics")):
        return True  # 'diabetics' are people
    if units[at].labels or at + 1 >= len(units) or not at or units[at - 1].norm not in _IN:
        return False
    return units[at + 1].kind == "modality" or units[at + 1].norm in _WHOSE


def _names_the_object(reading: Reading, at: int) -> bool:
    """'No more than 2% of all nodules' where a column `nodule_id` groups the images: that is what is looked at, not looked for."""
    columns = (reading.profile.roles.group or "", *reading.data.attributes)
    objects = {word for name in columns if phrase(name)[-1:] == ("id",) for word in phrase(name)[:-1]}
    return bool(objects & set(reading.units[at].norm.split()))


def _is_head_noun(reading: Reading, at: int) -> bool:
    """'Pituitary tumour' names the label `pituitary`: the noun behind a label adds nothing where it has no label itself."""
    before = reading.units[at - 1] if at else None
    unit = reading.units[at]
    return before is not None and bool(before.labels) and unit.is_class and not unit.labels


def without_denied(reading: Reading, positions: list[int]) -> list[int]:
    """Drop what is named only to be told off, or to say of what: 'find melanoma, not moles', 'which nodules are malignant?'."""
    kept = [at for at in positions if not _told_off(reading, at)] or positions
    return [at for at, after in pairwise((*kept, -1)) if not _is_subject(reading, at, after)]


def _is_subject(reading: Reading, at: int, after: int) -> bool:
    """'Which of these nodules are malignant?' looks for what is malignant, and not for nodules."""
    if after <= at + 1 or any(unit.text.lower() not in _COPULAS for unit in reading.units[at + 1 : after]):
        return False
    sentence = next((s for s in reading.sentences() if at in s), range(at, at + 1))
    asks = sentence.stop < len(reading.units) and reading.units[sentence.stop].norm == "?"
    return asks or any(reading.units[k].norm.partition(" ")[0] in _WHICH for k in range(sentence.start, at))


def _told_off(reading: Reading, at: int) -> bool:
    """'not moles', 'non-melanoma'; but not 'melanoma rather than moles', which compares."""
    before = next((k for k in range(at - 1, max(at - 3, -1), -1) if "NOT" in reading.units[k].tags), None)
    return before is not None and reading.denied(at) and "VERSUS" not in reading.units[before].tags


def counted_classes(reading: Reading, sentence: range) -> tuple[int, int, int] | None:
    """Return a number of classes that is named ('seven diagnoses') and where."""
    for at in sentence:
        unit = reading.units[at]
        if unit.number is None or unit.share is not None or not 2 <= unit.number <= 999 or unit.number % 1:
            continue
        for step in range(at + 1, min(at + 5, sentence.stop)):
            nearby = reading.units[step]
            if "CLASS_NOUN" in nearby.tags:
                return int(unit.number), at, step + 1
            if nearby.is_sign or nearby.tags & {"FLOOR", "CEIL"}:
                break
    return None
