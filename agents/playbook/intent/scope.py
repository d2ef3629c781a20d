"""What Rounds must not build, whatever the data: treatment, acting without a clinician, names of patients, denied care, watched staff."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents import quoting
from agents.playbook.intent.clauses import clause_of
from agents.playbook.intent.identity import names_a_person
from agents.playbook.intent.words import norms
from agents.playbook.intent.wrongs import denies_care, falsifies, judges_staff, leaves_nobody_to_look

if TYPE_CHECKING:
    from agents.playbook.intent.reading import Reading

_CLASSIFIER = "What can be built is a model that says what an image shows; write the request for that alone to go on."
_REASONS = {
    "refuse_treatment": "choosing or ordering a treatment is a clinician's decision and is outside model development",
    "refuse_autonomy": "acting on patients or in clinical systems without a clinician is outside model development",
    "refuse_identity": "finding out who a patient is breaks the confidence that the data was shared in",
    "refuse_denial": "deciding from images who gets care, cover or work is a harmful use and outside clinical model development",
    "refuse_cover_up": "making records say what was not so is a harmful use and outside clinical model development",
    "refuse_staff": "watching or ranking members of staff is a harmful use and outside clinical model development",
    "refuse_report": "writing reports is not in this version, which sorts whole images into classes",
}
_STAYS = {
    "refuse_treatment": "the treatment decision stays with the clinician",
    "refuse_autonomy": "what is done with its answers stays with a clinician",
    "refuse_identity": "nobody is identified, and the images stay pseudonymous",
    "refuse_denial": "decisions on claims, care or work are not something we can support",
    "refuse_cover_up": "what was recorded stays as it was recorded",
    "refuse_staff": "it is judged by its own errors, and nobody else is",
    "refuse_report": "the report stays with the reader",
}
_PRIVATE = "refuse_identity"
_RELATIVES = frozenset({"with", "who", "that", "have", "at", "in", "need"})
_UNWANTED = frozenset({"need", "requir", "necessary", "want", "plan", "intend", "part", "aim", "task"})
_PEOPLE = frozenset({"doctor", "clinician", "we", "i", "physician", "surgeon", "radiologist", "dermatologist", "oncologist", "team", "they", "colleague", "consultant", "nurse", "who"})  # fmt: skip
_WERE = frozenset({"was", "were", "been", "had"})
_REMOVED = norms("removed", "deleted", "stripped", "dropped", "hidden", "erased", "absent", "missing")
_STAY = frozenset({"stay", "remain", "rest", "belong", "lie"})
_PERFECT = frozenset({"have", "be", "is", "are", "already", "previously", "later", "subsequently"})
_ALREADY = frozenset(
    {"on", "after", "under", "before", "during", "receiv", "receive", "taking", "given", "despite", "without"}
)


def refusal(reading: Reading) -> str:
    """Return why a request is refused, in plain words; empty if nothing in it is out of scope."""
    found: dict[str, str] = {}
    for rule in (rule for rule in _REASONS if rule != "refuse_cover_up"):
        for match in reading.found(rule):
            if not _is_harmless(reading, rule, match.first, match.end):
                found.setdefault(rule, reading.words(match.first, match.end))
    if not found and (staff := judges_staff(reading)) is not None:
        found["refuse_staff"] = reading.words(*staff)
    if not found and (alone := leaves_nobody_to_look(reading)) is not None:
        found["refuse_autonomy"] = reading.words(*alone)
    if not found and (denied := denies_care(reading)) is not None:
        found["refuse_denial"] = reading.words(*denied)
    if not found and (false := falsifies(reading)) is not None:
        found["refuse_cover_up"] = reading.words(*false)
    if not found and (person := names_a_person(reading)) is not None:
        found[_PRIVATE] = reading.words(*person)
    if not found:
        return ""
    main = next(iter(found))
    finding = _finding(reading)
    reading.questions.clear()
    reading.ask(
        "scope", f"We can build and evaluate {finding}; {_STAYS[main]}. Continue with that alone?", options=("yes", "no"), blocking=True,
        kind="privacy" if main == _PRIVATE else "scope",
    )  # fmt: skip
    return " ".join([*(f"{quoting.words(text)}: {_REASONS[rule]}." for rule, text in found.items()), _CLASSIFIER])


def _finding(reading: Reading) -> str:
    """Name the classifier that the data could teach."""
    names = [
        reading.data.plain(item.label)
        for item in reading.data.labels
        if not (item.denies or item.answer or item.concept == "normal")
    ]
    opaque = all(item.answer == "opaque" for item in reading.data.labels)
    if not names or opaque or len(names) > 3:
        return "a model that says what an image shows"
    return f"a classifier of {quoting.listed(quoting.plain(name) for name in names)}"


def _is_harmless(reading: Reading, rule: str, first: int, end: int) -> bool:
    """Say whether the words are turned down, are about the past or the data, or leave the act to people."""
    clause = clause_of(reading, first)
    harmless = _turned_down(reading, first, end) or _is_of_people(reading, rule, first, end)
    if rule == _PRIVATE:
        removed = any(reading.units[k].norm in _REMOVED for k in clause)
        told = any(unit.text.lower() in _WERE for unit in reading.units[max(0, first - 2) : first])
        harmless = harmless or _has_relative(reading, end - 1) or removed or told
    if rule == "refuse_treatment":
        harmless = harmless or any("BECAUSE" in reading.units[k].tags for k in clause)
    if harmless:
        reading.use(first, end)
    return harmless


def _turned_down(reading: Reading, first: int, end: int) -> bool:
    """'not for treatment decisions', 'we do not need treatment advice', 'treatment advice is not needed'."""
    units = reading.units
    own = any("NOT" in units[k].tags for k in range(first, min(first + 1, end)))
    if not own and reading.denied(first, within=6):
        return True
    after = units[end : end + 7]
    stop = next((k for k, unit in enumerate(after) if unit.is_stop or unit.norm in {",", "but"}), len(after))
    denial = next((k for k, unit in enumerate(after[:stop]) if "NOT" in unit.tags), None)
    return denial is not None and any(unit.norm in _UNWANTED for unit in after[denial + 1 :])


def _is_of_people(reading: Reading, rule: str, first: int, end: int) -> bool:
    """'so that the doctor can decide on treatment', 'patients who were prescribed antibiotics', 'after chemotherapy'."""
    if rule not in {"refuse_treatment", "refuse_autonomy"}:
        return False
    units = reading.units
    clause = clause_of(reading, first)
    before = [units[k] for k in range(max(clause.start, first - 5), first)]
    if any(unit.norm in {"without", "no", "instead"} for unit in before) or any(
        "NOT" in units[k].tags or {"not", "no", "without"} & set(units[k].norm.split()) for k in range(first, end)
    ):
        return False
    nearest = next(
        (
            unit.norm
            for unit in reversed(before)
            if unit.norm in _PEOPLE | {"it", "model", "system", "ai", "algorithm", "you", "tool", "app"}
        ),
        "",
    )
    if nearest in _PEOPLE:
        return True
    by_people = any(
        unit.norm == "by" and units[k + 1].norm in {"the", "a", "our", "my"} | _PEOPLE
        for k, unit in enumerate(units[:-1])
        if end <= k < end + 3
    )
    past = (
        bool(before)
        and (before[-1].norm in _PERFECT | _ALREADY)
        and units[first].text.lower().endswith(("ed", "en", "t", "s", "y", "n"))
    )
    stays = any(unit.norm in _STAY for unit in units[end : end + 2])
    return by_people or stays or (past and end - first == 1)


def _has_relative(reading: Reading, at: int) -> bool:
    """'Identify the patients with melanoma' asks for a diagnosis, not for a name."""
    words = reading.units[at].norm.split()
    asks_for_some = words[0] != "who" and words[-1] == "patient"
    return asks_for_some and at + 1 < len(reading.units) and reading.units[at + 1].norm.partition(" ")[0] in _RELATIVES
