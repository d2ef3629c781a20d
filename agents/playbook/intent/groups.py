"""For whom the model should work equally well, and by which attributes results are shown apart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agents import quoting
from agents.playbook.intent.alike import served_alike, speaks_of_serving
from agents.playbook.intent.evidence import is_wish
from agents.playbook.intent.naming import slug
from agents.playbook.intent.population import read_ages
from agents.playbook.intent.words import norms
from tasks.domain.spec import Subgroup

if TYPE_CHECKING:
    from agents.playbook.intent.chunks import Unit
    from agents.playbook.intent.patterns import Match
    from agents.playbook.intent.reading import Reading

_MOSTLY_MISSING, _HALF = 0.2, 0.5
_DANGEROUS = 3
_SHOWN = norms(
    "report",
    "list",
    "stratify",
    "stratifi",
    "break",
    "group",
    "split",
    "show",
    "separat",
    "divided",
    "sorted",
    "broken down",
    "given",
    "shown",
)
_GAP = 0.02
_DESCRIBED = norms("represented", "distributed", "frequent", "common", "many", "balanced", "numerous", "affected", "often", "recruited", "included")  # fmt: skip
_VAGUE = norms(
    "elderly", "older", "old", "young", "younger", "neonatal", "neonate", "newborn", "teenager", "obese", "overweight"
)


def read_groups(reading: Reading) -> tuple[Subgroup, ...]:
    """Return the subgroups of a request; a gap that was not named, or an attribute that is not there, is asked about."""
    found = read_ages(reading)
    for match in reading.found("subgroup"):
        things = [at for at in match.things if _is_attribute(reading.units[at]) and at not in reading.claimed]
        if things and not (
            _describes(reading, match)
            or _only_tells(reading, match)
            or _begins_anew(reading, match, things)
            or _did_it(reading, match)
        ):
            _take(reading, found, match, things)
    _take_alike(reading, found)
    _of_data(reading, found)
    _ask(reading, found)
    return tuple(found.values())


def _of_data(reading: Reading, found: dict[str, Subgroup]) -> None:
    """Report by breast density where the data records it and cancer is looked for: dense tissue hides cancers from readers and models.

    Source: Wanders et al., Breast Cancer Research and Treatment 162 (2017), 95-103.
    """
    column = next((name for name, concept in reading.data.attributes.items() if concept == "density"), "")
    dangerous = any(
        reading.data.lexicon.concepts[item.concept].concern == _DANGEROUS
        for item in reading.data.labels
        if item.concept
    )
    if column and dangerous and column not in found:
        found[column] = Subgroup(attribute=column, column=column)
        reading.fact(f"subgroups.{column}", f"the data has a column {column}, and dense breasts hide cancers")


def _take_alike(reading: Reading, found: dict[str, Subgroup]) -> None:
    """Add groups that no pattern took, where the words compare how people are served."""
    gap, span = _gap(reading)
    for first, end, names, criterion in served_alike(reading):
        new = [name for name in names if name not in found or found[name].criterion == "report"]
        for name in new:
            column = name if name in reading.data.attributes else ""
            found[name] = Subgroup(attribute=name, column=column, criterion=criterion, max_gap=gap)
            reading.cite(f"subgroups.{name}", first, end)
            reading.claimed.update(k for k in range(first, end) if not reading.units[k].is_class)
            if span is not None:
                reading.cite(f"subgroups.{name}.max_gap", *span)


def _is_attribute(unit: Unit) -> bool:
    return unit.kind == "attribute" or (bool(unit.attributes) and not unit.labels)


def _describes(reading: Reading, match: Match) -> bool:
    """'Men and women are equally represented' says how the data is."""
    return any(unit.norm in _DESCRIBED for unit in reading.units[match.first : match.end + 3])


def _begins_anew(reading: Reading, match: Match, things: list[int]) -> bool:
    """'... on the newborn ultrasound, and it must be just as good for boys' speaks of others than the newborn."""
    behind = [reading.units[k].norm for k in range(things[-1] + 1, match.end)]
    return things[-1] + 1 < match.end and "," in behind and bool({"it", "model"} & set(behind))


def _did_it(reading: Reading, match: Match) -> bool:
    """'Graded by the operators' says who did something; 'reported by sex' says how results are shown."""
    before = reading.units[match.first - 1] if match.first else None
    passive = (
        before is not None
        and before.text.lower().endswith(("ed", "en", "drawn", "made"))
        and "REPORT_BY" not in before.tags
    )
    return reading.units[match.first].norm == "by" and passive and before is not None and before.norm not in _SHOWN


def _only_tells(reading: Reading, match: Match) -> bool:
    """'We see children and adults alike' compares nothing that the model does, and wants nothing."""
    sentence = next(s for s in reading.sentences() if match.first in s)
    return (
        _criterion(reading, match) == "equal"
        and not is_wish(reading, sentence)
        and not speaks_of_serving(reading, sentence)
    )


def _take(reading: Reading, found: dict[str, Subgroup], match: Match, things: list[int]) -> None:
    reading.claim(match)
    criterion = _criterion(reading, match)
    gap, span = _gap(reading)
    criterion = "equal" if criterion == "report" and span is not None else criterion
    for at in things:
        unit = reading.units[at]
        concept = unit.meaning.concept if unit.meaning is not None else ""
        for name in unit.attributes or (concept or slug(unit.text),):
            before = found.get(name)
            if before is None or (before.criterion == "report" and criterion != "report"):
                column = name if unit.attributes else ""
                found[name] = Subgroup(attribute=name, column=column, criterion=criterion, max_gap=gap)
                reading.cite(f"subgroups.{name}", match.first, match.end)
                if span is not None:
                    reading.cite(f"subgroups.{name}.max_gap", *span)


def _criterion(reading: Reading, match: Match) -> str:
    """Return what is asked of the groups: `not_worse`, `equal` or only a `report`."""
    clause = [reading.units[k] for k in range(max(0, match.first - 3), min(len(reading.units), match.end + 4))]
    inside = reading.units[match.first : match.end]
    text = f" {' '.join(unit.norm for unit in inside)} "
    after = " ".join(unit.norm for unit in reading.units[match.first : match.end + 4])
    if "more often" in after and any("NOT" in unit.tags for unit in clause):
        return "not_worse"
    denied = any("NOT" in unit.tags for unit in clause) or " no " in text
    if " worse " in text or any("worse" in unit.norm.split() for unit in inside):
        return (
            "not_worse"
            if denied or any("no" in unit.norm.split() or "not" in unit.norm.split() for unit in inside)
            else "report"
        )
    apart = {"separately", "separate", "apart", "separat", "break", "stratify", "stratifi"} & {
        word for unit in clause for word in unit.norm.split()
    }
    if apart or (
        any(unit.tags & {"REPORT_BY"} for unit in inside) and not any("SAME_FOR" in unit.tags for unit in inside)
    ):
        return "report"
    return "equal" if any("SAME_FOR" in unit.tags for unit in inside) else "report"


def _gap(reading: Reading) -> tuple[float, tuple[int, int] | None]:
    """Return the largest difference that is allowed, in the metric's own unit, and where it is said."""
    for found in reading.found("max_gap"):
        if found.shares:
            unit = reading.units[found.shares[0]]
            value = unit.share if unit.share is not None else unit.number
            if value is not None and value > 0:
                reading.used.update(range(found.first, found.end))
                points = value / 100 if value >= 1 else value
                return round(points, 6), (found.first, found.end)
    return math.nan, None


def _ask(reading: Reading, found: dict[str, Subgroup]) -> None:
    missing = {item.name: item.missing / max(1, reading.profile.n_images) for item in reading.profile.attributes}
    for name, group in found.items():
        plain = quoting.code(name)
        if not group.column:
            reading.ask(
                "subgroups", f"The data has no column for {plain}, so results cannot be shown apart for it. Can such a column be added, or shall we go on "
                "without?", options=("go on without; the report says so", "add a column"), default="go on without; the report says so",
                kind="missing_attribute",
            )  # fmt: skip
            reading.caveat(f"Nothing is shown of {name}: the data does not record it.")
        elif missing.get(name, 0.0) > (_MOSTLY_MISSING if group.criterion != "report" else _HALF):
            reading.ask(
                "subgroups", f"{plain} is recorded for {1 - missing[name]:.0%} of the images only. Shall the rule be checked on those, with no claim for the "
                "rest, or can it be completed?", options=("check the recorded part", "complete it first"), default="check the recorded part",
                kind="missing_attribute",
            )  # fmt: skip
            reading.caveat(f"{name} is missing for {missing[name]:.0%} of the images; nothing is claimed for those.")
        elif group.criterion == "report" and _is_vague(reading, name):
            reading.ask(
                "subgroups", f"Where does the group begin that you want apart by {plain}? Until it is said, results are shown by quarters of {plain}.",
                default=f"quarters of {plain}", kind="rule_detail",
            )  # fmt: skip
        elif group.criterion == "equal" and math.isnan(group.max_gap):
            reading.ask(
                "subgroups", f"How large may the difference between the groups of {plain} be at most, for example 0.03? Until then it is reported with its "
                f"interval, and no round may widen it by more than {_GAP:g}.",
                options=("0.02", "0.03", "0.05"), default="reported; no number is held", kind="missing_max_gap",
            )  # fmt: skip


def _is_vague(reading: Reading, name: str) -> bool:
    """'The elderly' names a group by a number that it does not say; 'patients of 80 and older' says it."""
    words = {word for unit in reading.units if name in unit.attributes for word in unit.norm.split()}
    numbered = any(unit.number is not None and (unit.number > 1) and unit.share is None for unit in reading.units)
    return bool(words & _VAGUE) and not numbered
