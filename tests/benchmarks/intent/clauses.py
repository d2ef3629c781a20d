"""What one clause of a stated change says, once its form is known: the slots that it speaks of, and checks."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import question_checks
import slot_checks
import spec_checks
from case import Check
from measure import Bound, Measure, read_bound, read_measure
from slots import number_of, task_of

EMPTY = r"(?:\[\s*\]|empty|none|null|\{\s*\}|removed|dropped|disappears?|gone|cleared)"
KIND = r"[a-z]+(?:_[a-z]+)+"


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a change, understood."""

    touches: frozenset[str]
    """Slots that it speaks of."""
    checks: tuple[Check, ...]


Rule = Callable[[re.Match[str]], Clause | None]


def split_outside_brackets(text: str, separator: str) -> list[str]:
    """Split a text, but not inside brackets."""
    parts, depth, start = [], 0, 0
    spans = {found.start(): found.end() for found in re.finditer(separator, text)}
    at = 0
    while at < len(text):
        depth += text[at] in "([{"
        depth -= text[at] in ")]}"
        if depth <= 0 and at in spans:
            parts.append(text[start:at])
            at = start = spans[at]
        else:
            at += 1
    parts.append(text[start:])
    return [part.strip(" .") for part in parts if part.strip(" .")]


def of(*touches: str) -> Callable[..., Clause]:
    return lambda *checks: Clause(frozenset(touches), tuple(checks))


def same(found: re.Match[str]) -> Clause:
    return Clause(frozenset(), (spec_checks.nothing_changed(),))


def task(found: re.Match[str]) -> Clause | None:
    task = task_of(found[1])
    known = {"binary", "multiclass", "multilabel", "ordinal", "regression", "detection", "segmentation"}
    if task and not any(word in task for word in known):
        return None
    return of("task")(slot_checks.task(task))


def positive(found: re.Match[str]) -> Clause:
    name = "" if re.fullmatch(EMPTY, found["name"], re.IGNORECASE) else found["name"].strip(" '\"")
    checks = [slot_checks.positive(name)]
    touches = {"positive"}
    if found["all"]:
        touches |= {"primary", "constraints"}
        checks.append(slot_checks.targets_follow(name))
    return Clause(frozenset(touches), tuple(checks))


def primary(found: re.Match[str]) -> Clause | None:
    text = re.sub(r"^(?:stays|remains|still|is still)\s+", "", found["metric"].strip(), flags=re.IGNORECASE)
    if re.fullmatch(EMPTY, text, re.IGNORECASE):
        return of("primary")(slot_checks.primary_open())
    measure, is_open = measure_in(text)
    return of("primary")(slot_checks.primary(measure, is_open=is_open)) if measure else None


def measure_in(text: str) -> tuple[Measure | None, bool]:
    """Return the metric of `sensitivity_at_specificity 0.90 mel`, and whether what is held is left open (`null`)."""
    text = re.sub(r"\b(?:with )?nothing fixed\b|\bfixed_\w+\s*=\s*null\b", "null", text.replace(",", " "))
    words = re.sub(r"\b(?:at|of|for|with|=|\(|\))\s", " ", text).split()
    if not words or not re.match(r"[a-z]", words[0], re.IGNORECASE):
        return None, False
    name, target, fixed, is_open = words[0], "", float("nan"), False
    for word in words[1:]:
        if re.fullmatch(r"null|none|default|open|\?", word, re.IGNORECASE):
            is_open = True
        elif re.fullmatch(r"\d+(?:\.\d+)?%?", word):
            fixed = number_of(word)
        elif re.fullmatch(r"hard|soft|kept|stays", word, re.IGNORECASE):
            continue
        elif target or re.fullmatch(r"sensitivity|specificity|kappa|precision|cost|score|f1|accuracy", word):
            name = f"{name}_{word}"
        else:
            target = word
    return read_measure(name, target, "", fixed), is_open


def bounds_are(found: re.Match[str]) -> Clause | None:
    text = found["bounds"].strip()
    if re.fullmatch(EMPTY, text, re.IGNORECASE):
        return of("constraints")(slot_checks.no_bounds())
    parts = split_outside_brackets(text.strip("[]"), r"\s*,\s*|\s+and\s+")
    bounds = [bound_in(part) for part in parts]
    if not bounds or any(bound is None for bound in bounds):
        return None
    return of("constraints")(slot_checks.bounds([bound for bound in bounds if bound is not None]))


def bound_in(text: str) -> Bound | None:
    found = re.fullmatch(
        r"(?P<metric>[\w@.\[\] -]+?)\s*(?P<op>>=|<=|>|<|\u2265|\u2264|=)\s*(?P<value>-?\d+(?:\.\d+)?\s*%?)(?:\s+(?P<rest>.+))?",
        text.strip(),
    )
    if not found:
        return None
    words = [
        word
        for word in (found["rest"] or "").split()
        if word not in {"hard", "soft", "overall", "for", "of", "(hard)", "(soft)"}
    ]
    name, *of = found["metric"].split()
    target = " ".join(of + words)
    op = ">=" if found["op"] == "=" else found["op"]
    return read_bound(read_measure(name, target), op, number_of(found["value"]))


def bound_added(found: re.Match[str]) -> Clause | None:
    bound = bound_in(found["bound"] or found["bound2"])
    return of("constraints")(slot_checks.bound_there(bound)) if bound else None


def bound_removed(found: re.Match[str]) -> Clause:
    return of("constraints")(slot_checks.metric_unbound(read_measure(found[1])))


def bound_count(found: re.Match[str]) -> Clause:
    number = {"single": 1, "one": 1, "only one": 1, "a single": 1, "two": 2, "both": 2, "three": 3}[found[1].lower()]
    return of("constraints")(slot_checks.bound_count(number))


def names_in(text: str) -> list[str]:
    return [
        part.strip(" '\"") for part in re.split(r"\s*,\s*|\s+and\s+|\s*\+\s*", text.strip("[] ")) if part.strip(" '\"")
    ]


def set_is(slot: str) -> Rule:
    def rule(found: re.Match[str]) -> Clause | None:
        text = found["names"].strip()
        names = [] if re.fullmatch(EMPTY, text, re.IGNORECASE) else names_in(text)
        if any(not re.fullmatch(r"[\w -]+", name) for name in names):
            return None
        return of(slot)(slot_checks.names_are(slot, names))

    return rule


def member(slot: str, *, there: bool) -> Rule:
    """Return a rule for a clause by which a set holds the name in its group `name` (or `name2`), or does not."""

    def rule(found: re.Match[str]) -> Clause:
        name = found["name"] or found.groupdict().get("name2", "")
        return of(slot)(slot_checks.name_there(slot, name.strip(), there=there))

    return rule


def set_empty(slot: str) -> Rule:
    return lambda _: of(slot)(slot_checks.names_are(slot, []))


def stays(slot: str) -> Rule:
    def rule(found: re.Match[str]) -> Clause:
        checks = [slot_checks.names_stay(slot)]
        if column := found.groupdict().get("column"):
            checks.append(slot_checks.column_is(slot, "" if column.lower() in {"null", "none", "empty"} else column))
        return of(slot)(*checks)

    return rule


def column_is(found: re.Match[str]) -> Clause:
    column = found["column"] or found["column2"]
    column = "" if column.lower() in {"null", "none", "empty"} else column
    return of("confounders")(slot_checks.names_stay("confounders"), slot_checks.column_is("confounders", column))


def subgroup_details(found: re.Match[str]) -> Clause | None:
    details = dict(re.findall(r"(criterion|max_gap|metric|groups)\s*=\s*(\[[^\]]*\]|\S+)", found["details"]))
    if not details:
        return None
    checks = [slot_checks.name_there("subgroups", found["name"], there=True)]
    checks += [
        slot_checks.subgroup_detail(found["name"], key, value.strip("[],; "))
        for key, value in details.items()
        if key != "groups"
    ]
    return of("subgroups")(*checks)


def needed(found: re.Match[str]) -> Clause:
    return of("level")(question_checks.asked(wanted=found[1].lower() in {"true", "yes"}), *kind_in(found[2]))


def not_needed(_: re.Match[str]) -> Clause:
    return of("level")(question_checks.asked(wanted=False))


def level(found: re.Match[str]) -> Clause:
    level = {"confirm": "confirm_default"}.get(found[1].lower(), found[1].lower())
    return of("level")(question_checks.level(level), *kind_in(found[2]))


def kind_in(aside: str | None) -> list[Check]:
    """Return a check for each kind of question that an aside names, as `(undefined_floor)`; prose in brackets names none."""
    words = re.split(r"\s*,\s*", (aside or "").strip("() "))
    if not words or not all(re.fullmatch(KIND, word) for word in words):
        return []
    return [question_checks.kind_there(word, there=True) for word in words]


def kinds_are(found: re.Match[str]) -> Clause | None:
    kinds = names_in(found["kinds"])
    return (
        of("level")(question_checks.kinds_are(kinds)) if all(re.fullmatch(r"[a-z_]+", kind) for kind in kinds) else None
    )


def kind(*, there: bool) -> Rule:
    def rule(found: re.Match[str]) -> Clause:
        return of("level")(
            question_checks.kind_there(re.sub(r"[\s-]+", "_", found["kind"].strip().lower()), there=there)
        )

    return rule


def scope(found: re.Match[str]) -> Clause:
    refused = (found[1].lower() == "refuse") == (found[2].lower() == "true")
    return of("refuse")(question_checks.refused(refused))


def refused(found: re.Match[str]) -> Clause:
    return of("refuse")(question_checks.refused(not found["not"]))


def supervision(found: re.Match[str]) -> Clause:
    return of("supervision")(spec_checks.supervision(found["field"] or "kind", found["value"].strip(" '\"")))


def unit(found: re.Match[str]) -> Clause:
    return of("unit")(spec_checks.unit(found[1]))


def fixed(found: re.Match[str]) -> Clause:
    return of("primary")(slot_checks.held_at(number_of(found["value"])))


def costs_are(found: re.Match[str]) -> Clause:
    return of("costs")(spec_checks.weights([float(number) for number in re.findall(r"\d+(?:\.\d+)?", found[1])]))


def abstention(found: re.Match[str]) -> Clause:
    return of("abstention")(spec_checks.abstention_at_most(number_of(found["value"])))


def number_for(found: re.Match[str]) -> Clause:
    """Read a clause by which some metric is limited, or held, at a value."""
    family = read_measure(found["family"]).family
    return of("constraints", "primary")(slot_checks.number_for(family, _share(found["value"])))


def _share(text: str) -> float:
    number = number_of(text)
    return number / 100 if number > 1 else number


def bound_values(found: re.Match[str]) -> Clause:
    """Read a clause that gives limits a value."""
    every = bool(found["every"])
    return of("constraints", "primary")(slot_checks.bound_values(_share(found["value"]), every=every))


def bounds_hard(found: re.Match[str]) -> Clause:
    """Read a clause by which limits are hard, or goals."""
    return of("constraints")(slot_checks.bounds_hard(hard=(found["hard"] or found["word"]).lower() in {"true", "hard"}))


def classes_are(found: re.Match[str]) -> Clause:
    """Read a clause that lists the classes."""
    return of("task", "classes")(slot_checks.classes_are(names_in(found["names"])))


def class_count(found: re.Match[str]) -> Clause:
    """Read a clause that counts the classes."""
    words = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8}
    text = found["number"].lower()
    return of("task", "classes")(slot_checks.class_count(words.get(text) or int(text)))


def subgroup_is(found: re.Match[str]) -> Clause:
    """Read a clause that gives a detail of a subgroup without naming it."""
    return of("subgroups")(slot_checks.subgroup_is(found["key"], found["value"]))


def handling(found: re.Match[str]) -> Clause:
    """Read a clause that says how a confounder is handled."""
    return of("confounders")(slot_checks.handling(found["value"]))
