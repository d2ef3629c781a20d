"""Shares that no pattern took, read by the evidence around them: what is counted, whether that is good or bad, and how much.

A pattern knows a wording; here only three things have to be found, in any order. What the share is of: the healthy, the ill, or
a measure by name. What becomes of them: missed, called ill, caught, left alone. And words by which it is a wish: a limit, a
demand, or that it can be accepted. Where one is lacking, nothing is read, and what is left over is asked about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.playbook.intent.clauses import clause_of
from agents.playbook.intent.evidence import tags_in
from agents.playbook.intent.levels import Level
from agents.playbook.intent.named_metrics import METRIC_OF_TAG, tells_of_others
from agents.playbook.intent.ratios import ratios
from agents.playbook.intent.words import norms

if TYPE_CHECKING:
    from agents.playbook.intent.levels import Numbers
    from agents.playbook.intent.ratios import Ratio
    from agents.playbook.intent.reading import Reading

_SENSITIVITY, _SPECIFICITY = "sensitivity_floor", "specificity_floor"
_HALF = 0.5
_ACCEPTED = norms(
    "accept", "acceptable", "allow", "allowed", "live with", "live", "afford", "tolerate", "tolerable", "may", "can", "could", "fine", "ok", "okay",
    "most", "limit", "maximum", "target", "goal", "aim", "pleas", "please", "bearable", "enough", "put up with", "stand", "top", "ceiling", "cap",
    "at worst", "not more", "no more", "or so", "minimum", "least", "shall", "will do", "good enough", "worst", "permit", "permitted", "upper", "as long as",
    "bear", "as much as", "as far as", "not a single one more", "willing", "happy with", "content with", "would do", "would be ok",
)  # fmt: skip
_DESCRIBES = norms(
    "box", "label", "labelled", "annotate", "annotated", "training", "validation", "split", "test set", "prevalence", "currently", "today", "at present",
    "last year", "so far", "nowadays", "at the moment", "historically", "confidence", "interval", "published", "typically", "previously", "blurry",
    "recorded", "filled in", "filled", "overlap", "interval",
)  # fmt: skip
_GAPS = norms("difference", "gap", "differ", "apart", "point")
_DISEASED = norms(
    "diseased", "sick", "ill", "positive", "case", "affected", "real one", "real", "true", "cancer", "tumour", "sufferer", "carrier", "ill people",
)  # fmt: skip
_IN_VAIN = norms("for nothing", "needlessly", "needless", "unnecessarily", "unnecessary", "in vain", "wrongly", "by mistake", "falsely", "without need", "without reason", "pointlessly")  # fmt: skip
_ARE = frozenset({"is", "are", "were", "was", "have", "has", "carry", "carries"})
_TURN_OUT = norms("turn", "turn out", "show", "prove")
_SENT = norms(
    "send", "sent", "go off", "goes off", "get", "bother", "put through", "alarm", "come in", "be seen", "worry", "frighten", "treat", "stop",
)  # fmt: skip
_LEFT = norms("leave", "left", "alone", "through", "clear", "cleared", "correct", "correctly", "right", "pass", "stay home", "spared", "in peace")  # fmt: skip
_LOST = norms("lost", "losing", "forgotten", "unseen", "unnoticed", "gone")
_FAINT = norms("get", "see", "find out")
"""They mean finding only where those who are to be found are named: 'get to 85% or more'."""
_BORDERS = frozenset({"and", "but", "while", "whilst", "with", "plus", "then"})
_WEAK_ALARMS = norms("biopsy", "referral", "recall")
"""Also the fate of those who are ill: 'nine in ten melanomas must get a biopsy'."""


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What the words around a share say."""

    rule: str
    """Name of the field of `Numbers`, or the family of a metric that is named."""
    is_error: bool
    decided_by: int
    """Position of the unit that decides what the share is of."""


def read_open_shares(reading: Reading, numbers: Numbers, taken: set[int]) -> None:
    """Read each share that is left; those that are read are added to `taken`."""
    for ratio in ratios(reading, taken):
        if taken & set(ratio.at):
            continue
        if _tells_how_common(reading, ratio):
            known = numbers.prevalence
            numbers.prevalence = known or Level(ratio.value, ratio.at[0], ratio.at[-1] + 1)
            reading.used.update(ratio.at)
            taken.update(ratio.at)
            continue
        for segment in _segments(reading, ratio):
            if _is_told(reading, segment, ratio):
                break
            evidence = _evidence(reading, segment, ratio)
            if evidence is None:
                continue
            if _keep(reading, numbers, ratio, evidence, segment):
                taken.update(ratio.at)
            break


def _tells_how_common(reading: Reading, ratio: Ratio) -> bool:
    """'Three lesions in a hundred turn out to be melanoma' and 'only two in a hundred fields are positive' wish for nothing."""
    clause = clause_of(reading, ratio.at[0])
    tags = tags_in(reading, clause)
    bounded = any(
        reading.units[k].tags & {"FLOOR", "CEIL", "DEMAND"} and reading.units[k].norm != "only" for k in clause
    )
    seen = any("CATCH" in reading.units[k].tags and reading.units[k].norm != "see" for k in clause)
    if (
        bounded
        or seen
        or tags
        & {
            "MISS",
            "REFER",
            "FALSE_ALARM",
            "SENS",
            "SPEC",
            "WISH",
            "HEALTHY",
            "SPARE",
            *METRIC_OF_TAG,
        }
    ):
        return False
    behind = range(ratio.at[-1] + 1, clause.stop)
    verb = next(
        (k for k in behind if reading.units[k].text.lower() in _ARE or reading.units[k].norm in _TURN_OUT), None
    )
    if verb is None:
        return False
    rest = range(verb + 1, clause.stop)
    return any(reading.units[k].is_class or reading.units[k].norm in _DISEASED | {"one", "it"} for k in rest)


def _segments(reading: Reading, ratio: Ratio) -> list[range]:
    """Return the words to look for evidence in: the clause, then the sentence; where a limit stands alone, that before it."""
    first, end = ratio.at[0], ratio.at[-1] + 1
    clause = range(min(clause_of(reading, first).start, first), max(clause_of(reading, end - 1).stop, end))
    sentences = list(reading.sentences())
    place = next(k for k, sentence in enumerate(sentences) if first in sentence)
    found = [_between_numbers(reading, part, ratio) for part in (clause, sentences[place])]
    if place and _is_wish(reading, found[0]):
        found.append(range(sentences[place - 1].start, found[0].stop))
    return found


def _between_numbers(reading: Reading, part: range, ratio: Ratio) -> range:
    """Cut a part of the text at the border to what other numbers say."""
    first, stop = part.start, part.stop
    for at in part:
        unit = reading.units[at]
        if unit.share is None or at in ratio.at:
            continue
        if at < ratio.at[0]:
            border = next((k for k in range(ratio.at[0] - 1, at, -1) if reading.units[k].norm in _BORDERS), at)
            first = max(first, border + 1)
        elif at > ratio.at[-1]:
            border = next((k for k in range(ratio.at[-1] + 1, at) if reading.units[k].norm in _BORDERS), at)
            stop = min(stop, border)
    return range(first, stop)


def _tags(reading: Reading, segment: range) -> dict[str, list[int]]:
    tags: dict[str, list[int]] = {}
    for at in segment:
        for tag in reading.units[at].tags:
            tags.setdefault(tag, []).append(at)
    return tags


def _is_told(reading: Reading, segment: range, ratio: Ratio) -> bool:
    """Say whether the words describe: data, a prevalence, what others reached, a gap between groups, answers left open."""
    units = [reading.units[k] for k in segment]
    words = {unit.norm for unit in units}
    tags = _tags(reading, segment)
    reasons = [k for k in tags.get("BECAUSE", []) if k < ratio.at[0]]
    return bool(
        words & _DESCRIBES
        or words & _GAPS
        or reasons
        or tags.keys() & {"ABSTAIN", "SAME_FOR", "RATERS"}
        or tells_of_others(reading, segment)
    )


def _is_wish(reading: Reading, segment: range) -> bool:
    units = [reading.units[k] for k in segment]
    bounds = any(unit.tags & {"FLOOR", "CEIL", "DEMAND"} and unit.norm != "only" for unit in units)
    said = " ".join(unit.norm for unit in units)
    wished = any(unit.tags & {"WISH", "TOLERATE"} for unit in units)
    first = next((unit for unit in units if not unit.is_sign), None)
    commanded = first is not None and bool(first.tags & {"CATCH", "MISS", "REFER", "SPARE"})
    return bounds or wished or commanded or any(f" {words} " in f" {said} " for words in _ACCEPTED)


def _evidence(reading: Reading, segment: range, ratio: Ratio) -> _Evidence | None:
    tags = _tags(reading, segment)
    if not _is_wish(reading, segment):
        return None
    sides = {tag for tag in ("SENS", "SPEC") if any(not _is_recalled(reading, k, segment) for k in tags.get(tag, []))}
    metrics = sorted(tag for tag in METRIC_OF_TAG if tag in tags)
    if len(metrics) == 1 and not sides:
        return _Evidence(METRIC_OF_TAG[metrics[0]], is_error=False, decided_by=_nearest(tags[metrics[0]], ratio))
    if metrics or len(sides) > 1:
        return None
    if sides:
        rule = _SENSITIVITY if "SENS" in sides else _SPECIFICITY
        return _Evidence(rule, is_error=False, decided_by=_nearest(tags[next(iter(sides))], ratio))
    return _of_people(reading, segment, ratio, tags)


def _is_recalled(reading: Reading, at: int, segment: range) -> bool:
    """'Recalled' and 'a needless recall' are what becomes of people, 'recall' alone is a measure."""
    unit = reading.units[at]
    vain = any(reading.units[k].norm in _IN_VAIN for k in segment)
    return "REFER" in unit.tags and (unit.text.lower() != "recall" or vain or bool(_healthy(reading, segment)))


def _of_people(reading: Reading, segment: range, ratio: Ratio, tags: dict[str, list[int]]) -> _Evidence | None:
    """Weigh the words for who is counted and what becomes of them."""
    units = reading.units
    alarms = [k for k in tags.get("FALSE_ALARM", []) if units[k].norm not in _WEAK_ALARMS]
    healthy = _healthy(reading, segment)
    spoken = {word: k for k in segment for word in (units[k].norm, *units[k].norm.split())}
    missed = [*tags.get("MISS", []), *tags.get("FALSE_NEG_RATE", []), *(spoken[word] for word in spoken.keys() & _LOST)]
    called = [*tags.get("REFER", []), *tags.get("CALLED_ILL", []), *(spoken[word] for word in spoken.keys() & _SENT)]
    vain = [spoken[word] for word in spoken.keys() & _IN_VAIN]
    if alarms and missed:
        alarms, missed = (alarms, []) if _distance(alarms, ratio) < _distance(missed, ratio) else ([], missed)
    if alarms:
        return _Evidence(_SPECIFICITY, is_error=True, decided_by=_nearest(alarms, ratio))
    if missed and not (healthy and called):
        return _Evidence(_SENSITIVITY, is_error=True, decided_by=_nearest(missed, ratio))
    if healthy or (vain and called):
        right = [*tags.get("SPARE", []), *(spoken[word] for word in spoken.keys() & _LEFT)]
        error = bool(vain or called) and not right if right or vain or called else ratio.value <= _HALF
        return _Evidence(_SPECIFICITY, is_error=error, decided_by=_nearest(healthy or vain, ratio))
    ill = [k for k in segment if (units[k].is_class and units[k].concern not in {0, 1}) or units[k].norm in _DISEASED]
    caught = [k for k in tags.get("CATCH", []) if ill or units[k].norm not in _FAINT] or (called if ill else [])
    return _Evidence(_SENSITIVITY, is_error=False, decided_by=_nearest(caught, ratio)) if caught else None


def _healthy(reading: Reading, segment: range) -> list[int]:
    """Return the units that speak of those without the finding: 'healthy', 'normals', 'who do not have it', 'without AF'."""
    units, found = reading.units, []
    for at in segment:
        unit, after = units[at], units[at + 1 : min(at + 4, segment.stop)]
        without = unit.norm in {"without", "free of", "non"} and any(
            item.is_class or "REFERABLE" in item.tags for item in after[:2]
        )
        have_not = "NOT" in unit.tags and any(item.norm in {"have", "got", "wrong"} for item in after)
        if "HEALTHY" in unit.tags or unit.concern in {0, 1} or without or have_not:
            found.append(at)
    return found


def _keep(reading: Reading, numbers: Numbers, ratio: Ratio, evidence: _Evidence, segment: range) -> bool:
    """Set what the share says, unless it bounds from the side that would be no wish, or contradicts what is set."""
    tags = _tags(reading, segment)
    ceiling = any(reading.units[k].norm != "only" for k in tags.get("CEIL", []))
    floor, denied = "FLOOR" in tags, "NOT" in tags
    if evidence.is_error and (ratio.value > _HALF or (floor and not (denied or ceiling))):
        return False
    if not evidence.is_error and ceiling and not (floor or denied):
        return False
    # Only of a metric by name can less than half be the least that is wanted.
    if not evidence.is_error and ratio.value < _HALF and not reading.units[evidence.decided_by].tags & {"SENS", "SPEC", *METRIC_OF_TAG}:  # fmt: skip
        return False
    first = min(evidence.decided_by, ratio.at[0])
    end = max(evidence.decided_by, ratio.at[-1]) + 1
    named = [k for k in range(first, end) if reading.units[k].is_class and reading.units[k].concern not in {0, 1}]
    labels = tuple(dict.fromkeys(label for k in named for label in reading.units[k].labels))
    value = round(1 - ratio.value, 6) if evidence.is_error else ratio.value
    of_side = evidence.rule in {_SENSITIVITY, _SPECIFICITY}
    level = Level(value, first, end, labels if evidence.rule != _SPECIFICITY else ())
    if of_side:
        known = getattr(numbers, evidence.rule)
        if known is not None and abs(known.value - value) > 1e-9:
            return False
        setattr(numbers, evidence.rule, known or level)
    elif evidence.rule in {"brier", "mae"} or any(family == evidence.rule for family, _ in numbers.metric_floors):
        return False
    else:
        numbers.metric_floors.append((evidence.rule, level))
    reading.used.update(k for k in segment if not reading.units[k].is_class and reading.units[k].share is None)
    reading.used.update(ratio.at)
    if of_side:
        reading.claimed.update(k for k in range(first, end) if reading.units[k].is_class)
    return True


def _distance(places: list[int], ratio: Ratio) -> int:
    return min(min(abs(place - at) for at in ratio.at) for place in places)


def _nearest(places: list[int], ratio: Ratio) -> int:
    return min(places, key=lambda place: min(abs(place - at) for at in ratio.at))
