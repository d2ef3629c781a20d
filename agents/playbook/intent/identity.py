"""A wish to find out who a patient is, however it is built: a verb of finding out, persons or their names, and pictures that hide them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.intent.clauses import clause_of
from agents.playbook.intent.evidence import has, is_wish, spots, tags_in, wordings
from agents.playbook.intent.words import norms

if TYPE_CHECKING:
    from agents.playbook.intent.reading import Reading

_FIND_OUT = wordings(
    "work out", "find out", "figure out", "reveal", "tell us", "tell me", "restore", "undo", "reverse", "link", "match", "trace", "connect", "recover",
    "uncover", "unmask", "attribute", "assign", "identify", "recognise", "reconnect", "relink", "join", "compare", "look up", "guess", "discover",
    "determine", "establish", "re-establish", "crack", "know", "get back", "put back", "put", "map", "unblind", "decode", "resolve", "re-identify", "name",
    "pair", "see", "say", "give us", "give me", "break", "infer", "reconstruct", "bring back", "add", "attach", "learn",
)  # fmt: skip
_IDENTITY = wordings(
    "identity", "real name", "true name", "names and dates of birth", "name and address", "full name", "who they are", "who is who", "patient's name",
    "their name", "the name back", "the names back",
)  # fmt: skip
_NAMES = wordings(
    "name", "address", "date of birth", "birth date", "phone number", "mrn", "medical record number", "hospital number", "insurance number",
)  # fmt: skip
_OURS = wordings(
    "our patient", "our former patient", "former patient", "our own patient", "the patients again", "mr", "mrs"
)
_PERSON = wordings(
    "person", "individual", "patient", "woman", "man", "volunteer", "donor", "participant", "subject", "owner", "people"
)
_WHO, _WHOSE, _WHICH = wordings("who", "whom"), wordings("whose"), wordings("which", "what")
_IS = frozenset({"is", "are", "was", "were"})
_SHOWN = norms(
    "in", "on", "behind", "shown", "who", "this", "that", "it", "by", "from", "so", "and", "these", "meant", "pictured"
)
_BEHIND = wordings("behind")
_IS_WHICH = wordings("belong to", "belong", "is which", "is who", "are who", "is it", "is this", "are these", "is that")
_HIDDEN = wordings(
    "anonymous", "anonymised", "pseudonymised", "pseudonym", "de-identified", "deidentified", "coded", "unnamed", "nameless", "redacted", "defaced",
    "anonymisation", "pseudonymisation", "de-identification", "without names",
)  # fmt: skip
_TAKEN_OFF = wordings("off", "removed", "stripped", "deleted", "blanked", "lost")


def names_a_person(reading: Reading) -> tuple[int, int] | None:
    """Return the words of a sentence that wants to know who somebody is; None if there is none.

    Two things have to meet in it: a verb of finding out, and words for the identity of persons. 'Who' and 'which patient' say so
    only where the sentence names no finding of the data: 'work out which patients have a tumour' asks for a diagnosis.
    """
    hidden = has(reading, range(len(reading.units)), _HIDDEN) or _names_are_gone(reading)
    for sentence in reading.sentences():
        found = [k for k in spots(reading, sentence, _FIND_OUT) if not reading.denied(k, within=6)]
        commanded = bool(found) and found[0] == sentence.start
        if not found or not (commanded or is_wish(reading, sentence)):
            continue
        sure = spots(reading, sentence, _IDENTITY) + (spots(reading, sentence, _NAMES) if hidden else [])
        open_ones = [
            k
            for k in _asks_who(reading, sentence, hidden=hidden)
            if not _names_a_finding(reading, clause_of(reading, k))
        ]
        if (sure and not _is_gone(reading, sentence)) or open_ones:
            decided = (sure or open_ones)[0]
            clause = clause_of(reading, decided)
            return min(min(found, key=lambda k: abs(k - decided)), clause.start), clause.stop
    return None


def _names_a_finding(reading: Reading, clause: range) -> bool:
    return any(reading.units[k].is_class or reading.units[k].labels for k in clause)


def _names_are_gone(reading: Reading) -> bool:
    """Say whether the request tells that the names were taken off."""
    return any(_is_gone(reading, sentence) for sentence in reading.sentences())


def _is_gone(reading: Reading, sentence: range) -> bool:
    return (
        has(reading, sentence, _NAMES)
        and has(reading, sentence, _TAKEN_OFF)
        and "NOT" not in tags_in(reading, sentence)
    )


def _asks_who(reading: Reading, sentence: range, *, hidden: bool) -> list[int]:
    """Return the units that ask for a person: 'who it is', 'whose', 'which of our patients is which', 'the person behind'."""
    who = [k for k in spots(reading, sentence, _WHO) if _is_who_it_is(reading, sentence, k)]
    whose = spots(reading, sentence, _WHOSE)
    person = spots(reading, sentence, _PERSON)
    which = [k for k in spots(reading, sentence, _WHICH) if any(k < at <= k + 5 for at in person)]
    which = [k for k in which if has(reading, range(k, sentence.stop), _IS_WHICH)]
    behind = [k for k in spots(reading, sentence, _BEHIND) if any(abs(k - at) <= 3 for at in person)]
    ours = spots(reading, sentence, _OURS) if hidden else []
    return sorted({*(who if hidden or not person else []), *whose, *which, *behind, *ours})


def _is_who_it_is(reading: Reading, sentence: range, at: int) -> bool:
    """'Who they are', 'who is on this scan'; not 'who is at risk' and 'who will be dead'."""
    are = next((k for k in range(at + 1, min(at + 6, sentence.stop)) if reading.units[k].text.lower() in _IS), None)
    if are is None:
        return False
    after = [reading.units[k] for k in range(are + 1, min(are + 2, sentence.stop))]
    return not after or after[0].is_sign or after[0].norm in _SHOWN
