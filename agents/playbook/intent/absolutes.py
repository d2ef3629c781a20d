"""'Nothing may be missed' and 'no false alarm, ever': wishes without any remainder, however they are built.

Each is an error, or its opposite, together with a word that leaves none over: 'not one bleeding escapes', 'caught every time',
'false alarms: none', 'silent where there is no blood, always'. What only ranks errors ('do not miss melanoma') is a priority.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.intent.clauses import clauses
from agents.playbook.intent.evidence import has, spots, tags_in, wordings
from agents.playbook.intent.words import norms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.playbook.intent.reading import Reading

_NONE = wordings(
    "single", "not one", "none", "zero", "ever", "at all", "nothing", "any", "no exceptions", "under no circumstances", "no matter what", "not even one",
    "never", "whatever happens", "without exception", "a sole", "even one", "0", "nil", "not a", "no",
)  # fmt: skip
_SINGLE = wordings(
    "single", "not one", "none", "zero", "ever", "nothing", "no exceptions", "without exception", "even one", "any", "at all", "absolutely", "0", "nil",
    "never", "under no circumstances",
)  # fmt: skip
_UTMOST = wordings(
    "maximum", "maximal", "perfect", "highest", "absolute", "complete", "total", "full", "as high as possible", "as high as it gets", "as high as it will go", "as high as you can get", "as high as you can make it", "as high as it goes", "as high as can be", "as high as you can", "as sensitive as possible", "utmost",
    "as sensitive as it can", "as sensitive as you can", "100 %", "top", "best possible", "highest possible", "hundred per cent", "hundred percent",
)  # fmt: skip
_LOST = wordings(
    "lost", "escape", "unseen", "unnoticed", "get away", "get past", "get by", "slip", "overlook", "miss", "forgotten", "skip", "go by", "pass by",
    "left behind", "leave behind",
)  # fmt: skip
_ALARM = wordings(
    "false alarm", "false alert", "false positive", "wrong alert", "wrong alarm", "false call", "false mark", "cry wolf", "false one", "needless alarm",
    "false hit", "false warning", "wrong warning", "unnecessary alarm", "spurious alarm", "alarm for nothing", "alert for nothing", "false beep",
    "falsely", "false box", "wrong call", "phantom",
)  # fmt: skip
_SOUNDS = wordings(
    "go off", "goes off", "going off", "alert", "alarm", "beep", "ring", "fire", "flag", "call", "mark", "light up", "bother", "disturb", "interrupt",
    "warn", "shout", "speak up", "sound", "say",
)  # fmt: skip
_SILENT = wordings("silent", "quiet", "still", "mute", "shut up", "keep silent", "stay dark")
_WELL = wordings(
    "nothing there", "there is none", "is none there", "where none is", "nothing is there", "nothing to see", "no blood", "nothing", "for nothing", "normal", "healthy", "clean", "without reason", "empty",
    "no reason", "not there", "nothing wrong", "no disease", "harmless",
)  # fmt: skip
_RIGHT = wordings(
    "must be right", "has to be right", "be always right", "be real", "must be true", "be correct every time", "always be right", "never be wrong",
    "never wrong", "never be mistaken", "without ever being wrong", "ever being wrong", "ever be wrong",
)  # fmt: skip
_PROCEDURES = norms("biopsy", "referral", "recall")
"""They are called needless alarms too, and are what images are of."""


def misses_none(reading: Reading) -> tuple[int, int] | None:
    """Return the words by which nothing at all may be missed."""
    return next((place for place in _places(reading) if _is_no_miss(reading, range(*place))), None)


def alarms_never(reading: Reading) -> tuple[int, int] | None:
    """Return the words by which no false alarm at all may be raised."""
    return next((place for place in _places(reading) if _is_no_alarm(reading, range(*place))), None)


def _places(reading: Reading) -> Iterator[tuple[int, int]]:
    """Yield clauses, then whole sentences: 'False alarms: none' is two clauses. Where a number bounds the error nothing is absolute."""
    for part in [*clauses(reading), *reading.sentences()]:
        shares = any(reading.units[k].share not in {None, 1.0} for k in part)
        if not shares and not any(k in reading.silenced for k in part):
            yield part.start, part.stop


_ACCEPTED = wordings(
    "cope with", "live with", "fine", "do not mind", "can bear", "handle", "accept", "acceptable", "do not matter", "no problem", "all right", "tolerate",
)  # fmt: skip


def _is_no_miss(reading: Reading, part: range) -> bool:
    tags, units = tags_in(reading, part), reading.units
    if any(units[k].norm == "than" for k in part) or (tags & {"TOLERATE"} or has(reading, part, _ACCEPTED)):
        return False
    denied = "NOT" in tags or has(reading, part, wordings("none", "nothing", "zero"))
    lost = spots(reading, part, _LOST) or [k for k in part if units[k].tags & {"MISS"}]
    few = has(reading, part, wordings("as few", "few", "fewer", "rarely", "seldom", "more than"))
    if lost and denied and not few and has(reading, part, _SINGLE) and not tags & {"FALSE_ALARM"}:
        return True
    no_finding = any("NOT" in units[k].tags and any(unit.is_class for unit in units[k + 1 : k + 3]) for k in part)
    if lost and no_finding and not few and tags & {"CANNOT", "DEMAND"}:
        return True  # 'no polyp may be lost'
    caught = [k for k in part if "CATCH" in units[k].tags] or spots(reading, part, _SOUNDS)
    if (
        caught
        and tags & {"DEMAND", "CANNOT", "WISH"}
        and has(
            reading,
            part,
            wordings(
                "every time",
                "every one",
                "each one",
                "each and every",
                "without exception",
                "every single",
                "every last",
            ),
        )
    ):
        return True
    sensitive = [k for k in part if "SENS" in units[k].tags]
    return bool(sensitive) and has(reading, part, _UTMOST) and not tags & {"SPEC"}


def _is_no_alarm(reading: Reading, part: range) -> bool:
    tags, units = tags_in(reading, part), reading.units
    if (
        any(units[k].norm == "than" for k in part)
        or (tags & {"TOLERATE"} or has(reading, part, _ACCEPTED))
        or has(reading, part, wordings("as few", "few", "fewer", "too many"))
    ):
        return False
    named = any("FALSE_ALARM" in units[k].tags and units[k].norm not in _PROCEDURES for k in part)
    alarm = named or bool(spots(reading, part, _ALARM))
    never = has(reading, part, _NONE) or "NOT" in tags
    none = has(reading, part, _SINGLE) or has(reading, part, wordings("never", "must not", "may not", "not a", "no"))
    if alarm and never and none:
        return True
    without = any("NOT" in units[k].tags and any(unit.labels for unit in units[k + 1 : k + 3]) for k in part)
    healthy = without or has(reading, part, _WELL) or any(units[k].concern == 0 for k in part)
    if healthy and has(reading, part, _SOUNDS) and "NOT" in tags and (tags & {"DEMAND", "WISH", "CANNOT"}):
        return True
    if (
        (healthy or tags & {"REST", "OTHERS"})
        and has(reading, part, _SILENT)
        and has(reading, part, wordings("must", "has to", "always", "should"))
    ):
        return True
    specific = [k for k in part if "SPEC" in units[k].tags]
    utmost = bool(specific) and has(reading, part, _UTMOST) and not tags & {"SENS"}
    return utmost or (has(reading, part, _RIGHT) and (has(reading, part, _SOUNDS) or "CATCH" in tags))
