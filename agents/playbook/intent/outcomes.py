"""What becomes of a patient: it can be learned only where the data has a label for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agents import quoting
from agents.playbook.intent.clauses import clause_of
from agents.playbook.intent.evidence import has, is_wish, spots, wordings
from agents.playbook.intent.words import norms, phrase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.playbook.intent.reading import Reading

_TAG = "PROGNOSIS"
_AHEAD = norms("next", "within", "coming", "following", "in")
_TIMES = norms("year", "month", "week", "day")
_FORETELL = norms("predict", "risk", "forecast", "foretell", "develop", "will", "likelihood", "chance", "risk of")
_MODEL = norms("it", "this", "model", "tool", "network", "algorithm", "system", "classifier", "accuracy", "performance")
_LIVES = wordings(
    "die", "died", "dies", "dying", "dead", "death", "mortality", "survive", "survival", "alive", "live to", "lives for", "live for", "live another", "still live", "pass away", "passed away", "lethal",
    "pull through", "be gone", "lose their life", "fatal", "still be with us", "life expectancy",
)  # fmt: skip
_LATER = wordings(
    "from now",
    "years later",
    "year later",
    "months later",
    "in a year",
    "in two years",
    "in five years",
    "within a year",
    "a year on",
    "years on",
)
_ALIVE = wordings("alive", "live", "survive")
_PERIODS = wordings("year", "years", "month", "months", "week", "weeks", "days", "30 days", "90 days", "follow up")
_FUTURE = wordings(
    "will", "later", "from now", "risk of", "predict", "foretell", "prognosis", "likely to", "chance of", "within", "after the", "by next", "forecast",
    "how long",
)  # fmt: skip
_THEN = wordings("because", "since", "last year", "registry")
_PAST = frozenset({"was", "were", "had"})
_ONE = frozenset({"a", "another", "next", "one", "first", "1", "following", "coming"})
_COUNTS = _ONE | {"two", "three", "four", "five", "six", "ten", "twelve", "thirty", "ninety"}
_MONTHS_OF_A_YEAR = frozenset({"twelve", "12"})
_WHO = norms("who", "whether", "which", "if", "will")
_ASKED = norms("predict", "tell", "say", "foretell")


def ask_about_outcomes(reading: Reading) -> tuple[int, int] | None:
    """Ask for the labels of a later event that the data does not hold; return where the request names it."""
    if _foretold(reading):
        return None
    events = [k for k in _events(reading) if not _is_turned_down(reading, k) and not _is_aside(reading, k)]
    at = next((k for k in events if has(reading, clause_of(reading, k), _PERIODS)), events[0] if events else None)
    if at is None:
        return None
    first, end = _phrase(reading, at)
    reading.use(first, end)
    reading.claimed.update(k for k in range(first, end) if reading.units[k].is_class)
    labels = [quoting.code(label) for label in reading.data.shown()]
    holds = f"its labels are {quoting.listed(labels[:20])}" if labels else "it holds no labels at all"
    reading.ask(
        "classes", f"The data has no label for {quoting.words(reading.words(first, end))}: {holds}. A model cannot learn what nobody recorded. "
        "Can you add a column with this outcome for each patient, or should the model only tell what an image shows?",
        options=("I add the outcome", "only what an image shows"), blocking=True, kind="label_missing",
    )  # fmt: skip
    return first, end


def _is_turned_down(reading: Reading, at: int) -> bool:
    """'Not a model of survival' wants none; 'who will not be alive' is the event itself."""
    return reading.denied(at, within=5) and not has(reading, range(at, at + 1), _ALIVE)


def _events(reading: Reading) -> list[int]:
    """Return the units that speak of a later event, or of a death that no label tells of."""
    ahead = (k for k in range(len(reading.units)) if _is_horizon(reading, k))
    deaths = (k for k, unit in enumerate(reading.units) if unit.meaning is not None and unit.meaning.concept == "death")
    return sorted({*reading.tagged(_TAG), *deaths, *ahead, *_deaths_to_come(reading)})


def _deaths_to_come(reading: Reading) -> Iterator[int]:
    """Yield where a sentence speaks of living or dying, and of the time to come: 'who will not be alive twelve months later'."""
    for sentence in reading.sentences():
        spoken = spots(reading, sentence, _LIVES)
        future = has(reading, sentence, _FUTURE)
        timed = future or (has(reading, sentence, _PERIODS) and is_wish(reading, sentence))
        told = has(reading, sentence, _THEN) or any(reading.units[k].text.lower() in _PAST for k in sentence)
        if spoken and timed and not told:
            yield spoken[0]
        elif not spoken and _is_foretold(reading, sentence):
            yield next(k for k in sentence if reading.units[k].norm == "will")


def _is_foretold(reading: Reading, sentence: range) -> bool:
    """'Which of these feet will have been amputated two years from now?' asks for what no label of the data tells."""
    asks = sentence.stop < len(reading.units) and reading.units[sentence.stop].norm == "?"
    will = any(reading.units[k].norm == "will" for k in sentence)
    labelled = any(reading.units[k].labels for k in sentence)
    return asks and will and not labelled and has(reading, sentence, _LATER)


def _is_horizon(reading: Reading, at: int) -> bool:
    """'Predict a heart attack in the next five years' is about what is to come; 'taken within two years' is not."""
    units = reading.units
    if (
        units[at].norm not in _AHEAD
        or at + 2 >= len(units)
        or units[at + 1].number is None
        or units[at + 2].norm not in _TIMES
    ):
        return False
    sentence = next((s for s in reading.sentences() if at in s), range(at, at + 1))
    return any(units[k].norm in _FORETELL for k in sentence)


def name_of_outcome(reading: Reading, first: int, end: int) -> str:
    """Return a short name for a later event: 'death within one year'."""
    text = reading.words(first, end).lower()
    if not re.search(
        r"\b(die[ds]?|dying|dead|death|mortality|surviv\w*|alive|live[sd]?|living|pass|passed|lethal|fatal)\b", text
    ):
        return " ".join(text.split())
    time = re.search(r"(\w+)[ -](year|month|week|day)s?\b", text)
    if time is None:
        time = re.search(r"(\w+)[ -](year|month|week|day)s?\b", _sentence_of(reading, first).lower())
    if time is None or (time[1] not in _COUNTS and not time[1].isdigit()):
        return "death"
    if time[2] == "month" and time[1] in _MONTHS_OF_A_YEAR:
        return "death within one year"
    return f"death within {'one' if time[1] in _ONE else time[1]} {time[2]}"


def _sentence_of(reading: Reading, at: int) -> str:
    sentence = next((s for s in reading.sentences() if at in s), range(at, at + 1))
    return reading.words(sentence.start, sentence.stop)


def _phrase(reading: Reading, at: int) -> tuple[int, int]:
    """Return the outcome with the time that stands before or behind it ('within one year')."""
    units = reading.units
    if units[at].norm == "will":
        return at, next(s for s in reading.sentences() if at in s).stop
    if _is_horizon(reading, at):
        first = next((k for k in range(at - 1, max(-1, at - 9), -1) if units[k].is_class), at)
        return first, at + 3
    end = at + 1
    if (
        end + 2 < len(units)
        and units[end].norm in _AHEAD
        and units[end + 1].norm in {"a", "one"}
        and units[end + 2].norm in _TIMES
    ):
        return at, end + 3
    if (
        end + 1 < len(units)
        and units[end].norm in {"within", "in", "after", "at"}
        and units[end + 1].number is not None
    ):
        end += 2
        end += end < len(units) and units[end].norm in {"year", "month", "day", "week"}
    first = at
    if at >= 2 and units[at - 1].norm in {"year", "month", "day", "week"} and units[at - 2].number is not None:
        first = at - 2
    if end + 1 < len(units) and units[end].norm in {"a", "one"} and units[end + 1].norm in {"year", "month", "week"}:
        end += 2
    return first, end


def _is_aside(reading: Reading, at: int) -> bool:
    """'The disks survived two crashes' and 'because survival is poor' foretell nothing."""
    if any("BECAUSE" in reading.units[k].tags for k in clause_of(reading, at)):
        return True
    if at and reading.units[at - 1].norm in _MODEL:
        return True  # 'show that it survives another stain'
    told = reading.units[at].text.lower().endswith("ed")
    sentence = next((s for s in reading.sentences() if at in s), range(at, at + 1))
    return told and not any(
        reading.units[k].norm in _WHO or reading.units[k].norm in _ASKED for k in range(sentence.start, at)
    )


def _foretold(reading: Reading) -> bool:
    """Say whether a label or finding of the data is about what became of the patient."""
    words = {word for at in reading.tagged(_TAG) for word in reading.units[at].norm.split() if len(word) > 4}
    named = any(item.concept == "death" or words & set(item.words) for item in reading.data.labels)
    recorded = any("death" in (concept, *phrase(name)) for name, concept in reading.data.attributes.items())
    return named or recorded or bool(words & {word for word in reading.data.column_words if len(word) > 4})
