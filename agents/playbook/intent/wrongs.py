"""Wishes that go against an honest record, however they are worded: choosing on the test set, hiding runs, making the past look different."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook.intent.evidence import has, is_wish, spots, tags_in, wordings

if TYPE_CHECKING:
    from agents.playbook.intent.reading import Reading

_CHOOSE = wordings(
    "best", "keep", "try", "until", "choose", "choosing", "pick", "tune", "adjust", "select", "improve", "optimise", "retrain", "whichever", "compare", "decide", "stop",
    "threshold", "peek", "look at", "go back", "again", "above", "reach", "repeat", "settle", "set the cut", "cut off", "as often as", "take out", "throw out", "leave out", "remove", "drop", "exclude", "iterate", "learn",
)  # fmt: skip
_SEALED = wordings(
    "once", "sealed", "at the end", "only at the end", "untouched", "stay closed", "do not touch", "keep apart", "closed", "locked", "final",
)  # fmt: skip
_RUNS = wordings("run", "seed", "attempt", "try", "tries", "experiment", "repeat", "repetition", "fold", "training run")  # fmt: skip
_LEAVE = wordings(
    "leave out", "leave", "drop", "omit", "hide", "skip", "forget", "bury", "delete", "remove", "discard", "throw away", "not mention", "keep quiet",
)  # fmt: skip
_BAD = wordings(
    "worst", "bad", "failed", "failing", "poor", "poorest", "weak", "weakest", "unlucky", "disappointing", "outlier", "the others", "the rest", "ugly",
    "two worst", "lowest",
)  # fmt: skip
_TOLD = wordings(
    "report", "paper", "publish", "table", "mention", "show", "reviewer", "reviewers", "write up", "slides", "board", "submission", "tell",
)  # fmt: skip
_ALTER = wordings(
    "rewrite", "alter", "change", "falsify", "doctor", "fake", "backdate", "manipulate", "overwrite", "adjust", "massage", "tamper", "forge", "make up",
    "erase", "delete", "edit", "fabricate", "tweak", "write", "invent",
)  # fmt: skip
_RECORDS = wordings(
    "score", "record", "report", "log", "result", "finding", "label", "read", "reading", "audit trail", "history", "timestamp", "number", "figure",
    "entry", "file",
)  # fmt: skip
_SEEM = wordings(
    "look as if", "looks as if", "look like", "looks like", "appear as if", "appears", "seem as if", "as though", "make it look", "pretend",
    "so that nobody notices", "cover up", "cover it up", "before the audit", "before the inspection", "before the board", "for the lawyer", "cover our",
    "hide the miss", "hide our", "hide that", "nobody finds out", "looks complete", "look complete", "last year's date", "an earlier date", "old date", "after the fact", "conceal",
)  # fmt: skip


_STAFF = wordings(
    "endoscopist", "radiologist", "radiographer", "nurse", "registrar", "resident", "trainee", "surgeon", "colleague", "staff", "doctor", "reader", "pathologist", "technician",
    "sonographer", "midwife", "dermatologist", "employee", "team member", "physician", "consultant", "optician", "gp",
)  # fmt: skip
_RANK = wordings(
    "rank", "ranking", "by name", "league table", "worst performer", "contract", "bonus", "appraisal", "performance review", "let go", "fire", "dismiss", "warn them", "who is slow",
    "underperform", "blame", "discipline", "name and shame", "overlook the most", "miss the most", "makes the most mistakes", "make the most mistakes",
)  # fmt: skip
_PICKED = wordings("whoever", "whom", "who scores", "anyone", "automatically", "at once", "straight away", "those who")
_WHOEVER = wordings("whoever", "who", "patient", "patients", "anyone", "those", "them", "people", "applicant", "member")
_UNATTENDED = wordings(
    "nobody needs to look", "nobody has to look", "nobody need look", "no one needs to look", "no one has to look", "nobody needs to check", "nobody has to check", "without anybody looking",
    "without anyone looking", "without anybody checking", "without anyone checking", "no human look", "no second look", "nobody looks at it", "nobody will look", "nobody needs to see",
    "unseen by a doctor", "without a doctor seeing", "nobody has to see",
)  # fmt: skip
_LOSES = wordings(
    "lose",
    "strike",
    "strike off",
    "taken off",
    "take off",
    "removed from",
    "struck off",
    "refuse",
    "deny",
    "reject",
    "turned down",
    "turn down",
    "cut off",
    "drop from",
    "goes to the end",
)
_CARE = wordings(
    "place",
    "list",
    "bed",
    "slot",
    "treatment",
    "care",
    "transplant",
    "insurance",
    "cover",
    "pension",
    "rehab",
    "benefit",
    "therapy",
    "operation",
    "waiting list",
    "claim",
)
_COMMANDS = wordings("rank", "work out", "find out", "tell", "show", "list", "give", "compare", "name", "score", "make")


def is_sealed(reading: Reading, sentence: range) -> bool:
    """Say whether a sentence wants the test set kept apart."""
    return has(reading, sentence, _SEALED)


def chooses_on_the_test(reading: Reading) -> tuple[int, int] | None:
    """Return the sentence that wants something chosen or improved by the test set."""
    for sentence in reading.sentences():
        spoken = [k for k in sentence if "TEST_SET" in reading.units[k].tags and not reading.denied(k, within=6)]
        if (
            spoken
            and has(reading, sentence, _CHOOSE)
            and not is_sealed(reading, sentence)
            and "NOT" not in tags_in(reading, range(sentence.start, spoken[0]))
        ):
            return sentence.start, sentence.stop
    return None


def hides_runs(reading: Reading) -> tuple[int, int] | None:
    """Return the sentence that wants runs left out of what is told: 'leave the two worst seeds out of the report'."""
    for sentence in reading.sentences():
        runs, bad = spots(reading, sentence, _RUNS), spots(reading, sentence, _BAD)
        leave = [k for k in spots(reading, sentence, _LEAVE) if not reading.denied(k, within=3)]
        if (
            runs
            and bad
            and leave
            and has(reading, sentence, _TOLD)
            and not any(reading.units[k].is_class for k in sentence)
        ):
            return sentence.start, sentence.stop
    return None


def falsifies(reading: Reading) -> tuple[int, int] | None:
    """Return the sentence that wants records to say what was not so: 'rewrite the scores so that it looks as if she had been flagged'."""
    for sentence in reading.sentences():
        altered = [k for k in spots(reading, sentence, _ALTER) if not reading.denied(k, within=4)]
        commanded = is_wish(reading, sentence) or (bool(altered) and altered[0] == sentence.start)
        if altered and commanded and has(reading, sentence, _RECORDS) and has(reading, sentence, _SEEM):
            return sentence.start, sentence.stop
    return None


def judges_staff(reading: Reading) -> tuple[int, int] | None:
    """Return the sentence that wants members of staff compared or named: 'a ranking of our endoscopists by their misses'."""
    for sentence in reading.sentences():
        ranked = [k for k in spots(reading, sentence, _RANK) if not reading.denied(k, within=4)]
        if ranked and has(reading, sentence, _STAFF) and is_wish_or_command(reading, sentence):
            return sentence.start, sentence.stop
    return None


def is_wish_or_command(reading: Reading, sentence: range) -> bool:
    """Say whether a sentence wants something, also where it only begins with a verb: 'rank our readers'."""
    return is_wish(reading, sentence) or has(
        reading, range(sentence.start, min(sentence.start + 3, sentence.stop)), _COMMANDS
    )


def leaves_nobody_to_look(reading: Reading) -> tuple[int, int] | None:
    """Return the words by which nobody looks at what the model says before something is done."""
    for sentence in reading.sentences():
        if has(reading, sentence, _UNATTENDED):
            return sentence.start, sentence.stop
    return None


def denies_care(reading: Reading) -> tuple[int, int] | None:
    """Return the sentence that takes care from those whom the model picks: 'strike them off the list', 'loses the bed'."""
    for sentence in reading.sentences():
        loses = [k for k in spots(reading, sentence, _LOSES) if not reading.denied(k, within=4)]
        picks = has(reading, sentence, _PICKED) or is_wish_or_command(reading, sentence)
        if loses and picks and has(reading, range(loses[0], sentence.stop), _CARE) and has(reading, sentence, _WHOEVER):
            return sentence.start, sentence.stop
    return None
