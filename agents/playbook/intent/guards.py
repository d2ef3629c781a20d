"""What must not get worse, and which labels are left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agents import quoting
from agents.playbook.intent.evidence import tags_of

if TYPE_CHECKING:
    from agents.playbook.intent.patterns import Match
    from agents.playbook.intent.reading import Reading


_LOOK_BACK = 15
_OWN_MODEL = frozenset({"first", "initial", "before", "baselin", "start", "now", "current", "original"})


@dataclass(slots=True)
class Guards:
    """Classes that must not get worse."""

    labels: dict[tuple[str, ...], tuple[int, int]] = field(default_factory=dict)
    """Labels of one class -> where it says so."""
    others: tuple[int, int] | None = None
    """Where it says so of all classes but those that matter most."""


def read_exclusions(reading: Reading) -> tuple[str, ...]:
    """Return the labels that a request leaves out ('all except vascular lesions')."""
    excluded: list[str] = []
    for match in reading.found("exclude"):
        if any(at in reading.claimed for at in match.things) or _is_kept(reading, match):
            continue
        labels = [label for at in match.things for label in reading.units[at].labels]
        if not labels:
            _ask_about_subset(reading, match)
            continue
        reading.claim(match)
        reading.cite("classes.left_out", match.first, match.end)
        excluded += labels
    return tuple(dict.fromkeys(excluded))


def read_guards(reading: Reading) -> Guards:
    """Return what a request protects from getting worse."""
    guards = Guards()
    _ask_about_reference(reading)
    _read_undefined(reading, guards)
    for match in reading.found("others_guard"):
        tags = tags_of(reading, range(match.first, match.end))
        if set(range(match.first, match.end)) & reading.used or _compares_people(reading, match):
            continue
        things = [at for at in match.things if reading.units[at].is_class and at not in reading.claimed]
        if things and any("OTHERS" in reading.units[k].tags for k in range(things[-1] + 1, match.end)):
            continue  # 'melanoma counts, the rest must not get worse' guards the rest
        if "OTHERS" in tags and not match.things:
            guards.others = guards.others or (match.first, match.end)
            reading.claim(match)
            reading.claimed.update(k for k in range(match.first, match.end) if "REST" in reading.units[k].tags)
        elif things:
            reading.claim(match)
            for at in things:
                if reading.units[at].labels:
                    guards.labels.setdefault(reading.units[at].labels, (match.first, match.end))
    return guards


def _read_undefined(reading: Reading, guards: Guards) -> None:
    """'The other two should be decent' sets a floor without a number; until it is named, none of them may get worse."""
    for match in reading.found("decent"):
        things = [at for at in match.things if reading.units[at].is_class and reading.units[at].labels]
        tags = tags_of(reading, range(match.first, match.end))
        if (
            set(range(match.first, match.end)) & reading.used
            or not (things or "OTHERS" in tags)
            or reading.denied(match.first)
        ):
            continue
        reading.claim(match)
        reading.claimed.update(k for k in range(match.first, match.end) if "REST" in reading.units[k].tags)
        if things:
            guards.labels.update((reading.units[at].labels, (match.first, match.end)) for at in things)
        else:
            guards.others = guards.others or (match.first, match.end)
        reading.ask(
            "guardrails", f"{quoting.words(reading.words(match.first, match.end))}: from which number on is it good enough, for example an AUROC of 0.80?",
            options=("not worse than the first model", "an AUROC of 0.80", "an AUROC of 0.85"), default="not worse than the first model",
            kind="undefined_floor",
        )  # fmt: skip


def _ask_about_reference(reading: Reading) -> None:
    """'Not worse than dermatologists' needs readings of people, which the data does not hold."""
    for match in reading.found("reference_worse"):
        words = {unit.norm for unit in reading.units[match.first : match.end + 3]}
        if words & _OWN_MODEL or _compares_people(reading, match):
            continue
        reading.use(match.first, min(match.end + 2, len(reading.units)))
        reading.ask(
            "constraints", f"{quoting.words(reading.words(match.first, min(match.end + 2, len(reading.units))))}: the model is compared with its own first "
            "version only, as the data holds no readings of anything else. Go on without that comparison?", options=("yes", "no"), default="yes", kind="undefined_floor",
        )  # fmt: skip


def _compares_people(reading: Reading, match: Match) -> bool:
    """'No worse than on pale skin' compares groups of patients, and not the model with somebody."""
    after = range(match.first, min(match.end + 3, len(reading.units)))
    return any(k in reading.claimed or reading.units[k].kind == "attribute" for k in after)


def _is_kept(reading: Reading, match: Match) -> bool:
    """'Do not leave out the keratoses' keeps them."""
    return "EXCEPT" in reading.units[match.first].tags and reading.denied(match.first)


def _ask_about_subset(reading: Reading, match: Match) -> None:
    """'Leave out the children' would choose images by an attribute, which a spec cannot say."""
    if "IGNORE" in reading.units[match.first].tags or set(range(match.first, match.end)) <= reading.used:
        return
    if match.things:
        group = next((at for at in match.things if _is_group(reading, at)), None)
    else:  # 'I don't trust the neonatal ones, so leave those out'
        before = range(max(0, match.first - _LOOK_BACK), match.first)
        group = next((at for at in reversed(before) if _is_group(reading, at)), None)
        group = None if reading.denied(match.first) else group
    if group is None:
        return
    reading.claim(match)
    reading.claimed.add(group)
    said = reading.units[group].text
    column = next(iter(reading.units[group].attributes), "")
    where = f" in {quoting.code(column)}" if column else ""
    reading.ask(
        "classes", f"This version leaves no images out by a column. Which images exactly are {quoting.words(said)}{where}, and will you take them out of the table, "
        "or shall we go on with all?", options=("go on with all", "I take them out"), default="go on with all", kind="rule_detail",
    )  # fmt: skip
    reading.caveat(f"The request wants {said} left out; they are in the data as it was given.", match.first, match.end)


def _is_group(reading: Reading, at: int) -> bool:
    unit = reading.units[at]
    return (bool(unit.attributes) or unit.kind == "attribute") and not unit.is_class
