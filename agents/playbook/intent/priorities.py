"""What matters most: classes that must not be missed, and whether misses or false alarms weigh more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agents import quoting
from agents.playbook.intent.absolutes import alarms_never, misses_none
from agents.playbook.intent.evidence import spots, tags_in, wordings

if TYPE_CHECKING:
    from agents.playbook.intent.chunks import Unit
    from agents.playbook.intent.patterns import Match
    from agents.playbook.intent.reading import Reading


_BESIDE = 4
_NEEDLESS = wordings(
    "for nothing",
    "needless",
    "needlessly",
    "unnecessary",
    "unnecessarily",
    "in vain",
    "without need",
    "healthy",
    "harmless",
)
_LATE = wordings("late", "later", "too late", "next visit", "next time", "overlook", "unseen", "undiscovered")
_ALARMS = wordings(
    "false alarm", "false positive", "false alert", "needless biopsy", "unnecessary biopsy", "needless referral", "unnecessary referral",
    "needless operation", "unnecessary operation", "false call", "overcall", "overdiagnosis",
)  # fmt: skip
_HARM = wordings(
    "avoid most", "want to avoid", "worst", "costly", "expensive", "frightened", "frighten", "cannot have", "hate", "dread", "main problem", "harm", "hurt", "scare",
    "lose trust", "switch it off", "stop listening", "ruin", "disaster", "main worry", "big problem", "must not happen", "least of all", "a lawsuit", "fear", "afraid", "like least", "want least", "not forgive", "never forgive", "forgive", "nightmare", "awake", "tragedy", "fatal", "die", "lose the", "terrible", "unbearable",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Weight:
    """Words that give weight to something."""

    labels: tuple[str, ...]
    """Labels of one class that matters; empty where the words name none ('missing one is the worst')."""
    first: int
    end: int
    is_miss: bool = False
    """The words speak of misses, and not only of what matters."""


@dataclass(slots=True)
class Priorities:
    """What matters most in a request."""

    classes: list[Weight] = field(default_factory=list)
    """Most important first."""
    unnamed_miss: Weight | None = None
    """Misses are what matters, of a finding that these words do not name."""
    specific: Weight | None = None
    """False alarms are what matters."""
    equal: Weight | None = None
    every: Weight | None = None
    """Nothing may be missed at all."""
    no_false_alarm: Weight | None = None
    """No false alarm may be raised at all."""


def read_priorities(reading: Reading) -> Priorities:
    """Return the weights of a request."""
    found = Priorities()
    for rule in ("priority_miss", "priority_most"):
        for match in reading.found(rule):
            things = [at for at in match.things if reading.units[at].is_class and at not in reading.claimed]
            if not things or _is_turned_down(reading, match, rule) or set(match.things) & reading.claimed:
                continue
            reading.claim(match)
            _add(reading, found, match, things, is_miss=rule == "priority_miss")
    for match in reading.found("priority_equal"):
        found.equal = found.equal or Weight((), match.first, match.end)
        reading.claim(match)
    for match in reading.found("prefer_specific"):
        overlaps = any(w.first < match.end and match.first < w.end for w in found.classes)
        if found.specific is None and not overlaps and not _is_turned_down(reading, match, "prefer_specific"):
            found.specific = Weight((), match.first, match.end)
            reading.use(match.first, match.end)
    for match in reading.found("priority_miss_unnamed"):
        if (
            found.unnamed_miss is None
            and not (set(range(match.first, match.end)) <= reading.used)
            and not _is_turned_down(reading, match, "miss")
        ):
            found.unnamed_miss = Weight((), match.first, match.end, is_miss=True)
            reading.use(match.first, match.end)
    _by_harm(reading, found)
    _absolutes(reading, found)
    return found


def _add(reading: Reading, found: Priorities, match: Match, things: list[int], *, is_miss: bool) -> None:
    for at in things:
        labels = labels_meant(reading, reading.units[at])
        if not labels and any(item.answer for item in reading.data.labels):
            found.unnamed_miss = found.unnamed_miss or Weight((), match.first, match.end, is_miss=is_miss)
        elif not labels:
            reading.ask(
                "priorities", f"The data has no label for {quoting.words(reading.units[at].text)}, which you say matters most. Which label do you mean?",
                options=tuple(item.label for item in reading.data.labels), blocking=True,
            )  # fmt: skip
        else:
            _put(found, Weight(labels, match.first, match.end, is_miss=is_miss))


def _put(found: Priorities, weight: Weight) -> None:
    """Add a weight, once a class; words that speak of misses say more than those that only call it important."""
    known = next((k for k, item in enumerate(found.classes) if item.labels == weight.labels), None)
    if known is None:
        found.classes.append(weight)
    elif weight.is_miss and not found.classes[known].is_miss:
        found.classes[known] = weight


def labels_meant(reading: Reading, unit: Unit) -> tuple[str, ...]:
    """Return the labels of a finding, or of all members of an umbrella."""
    if unit.labels or unit.kind != "umbrella" or unit.meaning is None:
        return unit.labels
    members = reading.data.lexicon.concepts[unit.meaning.concept].members
    return tuple(label for member in members for label in reading.data.labels_of(member))


def _is_turned_down(reading: Reading, match: Match, rule: str) -> bool:
    """'It is not melanoma that matters most', 'not the worst', 'melanoma is not urgent'."""
    tags = reading.units[match.first].tags
    if tags & {"CATCH", "PERFECT"} and any(
        unit.norm == "than" for unit in reading.units[max(0, match.first - 2) : match.first]
    ):
        return True  # 'rather spare biopsies than catch every melanoma'
    begins_denied = "NOT" in tags or "MISS" in tags
    after = reading.units[match.end : match.end + 2]
    if rule == "priority_most" and len(after) == 2 and after[0].norm in {"is", "are", "do"} and "NOT" in after[1].tags:
        return True
    if rule == "priority_most" or not begins_denied:
        return reading.denied(match.first, within=2 if rule == "priority_most" else 3)
    return False


def _absolutes(reading: Reading, found: Priorities) -> None:
    for at in reading.tagged("PERFECT"):
        if any(unit.norm == "than" for unit in reading.units[max(0, at - 2) : at]):
            continue
        found.every = found.every or Weight((), at, at + 1)
        reading.use(at, at + 1)
    for at, unit in enumerate(reading.units[:-1]):
        if "CATCH" in unit.tags and "EVERY" in reading.units[at + 1].tags and reading.units[at + 1].norm != "as many":
            found.every = found.every or Weight((), at, at + 2)
    for match in reading.found("no_miss"):
        found.every = found.every or Weight((), match.first, match.end)
    for at in reading.tagged("NO_FALSE"):
        found.no_false_alarm = found.no_false_alarm or Weight((), at, at + 1)
        reading.use(at, at + 1)
    _absolutes_together(reading, found)


def _by_harm(reading: Reading, found: Priorities) -> None:
    """Take an error and a word for its harm in one sentence, where no pattern said which error weighs more."""
    if found.unnamed_miss is not None or found.specific is not None or any(item.is_miss for item in found.classes):
        return
    if _by_comparison(reading, found):
        return
    for sentence in reading.sentences():
        tags = tags_in(reading, sentence)
        compared = any(reading.units[k].norm == "than" or reading.units[k].share is not None for k in sentence)
        if (
            compared
            or tags & {"TOLERATE", "BECAUSE"}
            or not any(not reading.denied(k, within=3) for k in spots(reading, sentence, _HARM))
            or set(sentence) & reading.silenced
        ):
            continue
        alarms, misses = spots(reading, sentence, _ALARMS), [k for k in sentence if "MISS" in reading.units[k].tags]
        if misses and not (alarms and alarms[0] < misses[0]) and not any(reading.denied(k) for k in misses):
            _put_miss(reading, found, sentence, misses[0])
            reading.use(sentence.start, sentence.stop)
            return
        if alarms and not (misses and misses[0] < alarms[0]):
            found.specific = Weight((), alarms[0], alarms[0] + 1)
            reading.use(sentence.start, sentence.stop)
            return


def _by_comparison(reading: Reading, found: Priorities) -> bool:
    """'A tooth pulled for nothing is far worse than a crack that we see late': which of two errors is called the worse."""
    for sentence in reading.sentences():
        worse = next(
            (
                k
                for k in sentence
                if "WORSE" in reading.units[k].tags and k + 1 in sentence and reading.units[k + 1].norm == "than"
            ),
            None,
        )
        if worse is None or reading.units[worse - 1].norm in {"not", "no", "never"}:
            continue
        before, after = range(sentence.start, worse), range(worse, sentence.stop)
        needless = [bool(spots(reading, part, _NEEDLESS)) for part in (before, after)]
        late = [bool(spots(reading, part, _LATE)) or "MISS" in tags_in(reading, part) for part in (before, after)]
        if needless[0] and not needless[1] and not late[0]:
            found.specific = Weight((), sentence.start, worse + 1)
        elif late[0] and not needless[0] and (needless[1] or spots(reading, after, _ALARMS)):
            found.unnamed_miss = Weight((), sentence.start, worse + 1, is_miss=True)
        else:
            continue
        reading.use(sentence.start, sentence.stop)
        return True
    return False


def _alone(reading: Reading, found: Priorities, misses: tuple[int, int] | None, alarms: tuple[int, int] | None) -> None:
    """Of two errors, one that may not happen at all is what matters, where nothing else was said to."""
    weighed = (
        found.unnamed_miss
        or found.specific
        or any(item.is_miss for item in found.classes)
        or found.every
        or found.no_false_alarm
    )
    if weighed:
        return
    if misses is not None:
        found.unnamed_miss = Weight((), *misses, is_miss=True)
    elif alarms is not None:
        found.specific = Weight((), *alarms)
    for place in (misses, alarms):
        if place is not None:
            reading.use(*place)


def _put_miss(reading: Reading, found: Priorities, sentence: range, at: int) -> None:
    """Put weight on the finding that stands beside a miss; where none does, on what is looked for."""
    beside = [k for k in sentence if abs(k - at) <= _BESIDE and reading.units[k].labels and k not in reading.claimed]
    if beside:
        _put(found, Weight(reading.units[beside[0]].labels, min(at, beside[0]), max(at, beside[0]) + 1, is_miss=True))
    else:
        found.unnamed_miss = Weight((), at, at + 1, is_miss=True)


def _absolutes_together(reading: Reading, found: Priorities) -> None:
    """Set what no pattern took where both are wanted: one alone is a priority, the two contradict each other."""
    misses, alarms = misses_none(reading), alarms_never(reading)
    every = found.every or (Weight((), *misses) if misses is not None else None)
    never = found.no_false_alarm or (Weight((), *alarms) if alarms is not None else None)
    if every is None or never is None:
        _alone(reading, found, misses, alarms)
        return
    if found.every is not None and found.no_false_alarm is not None:
        return
    found.every, found.no_false_alarm = every, never
    for weight in (every, never):
        reading.use(weight.first, weight.end)
