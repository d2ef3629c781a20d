"""What a key says that an edit changes, as checks on the parse of the edited request.

A change is read clause by clause: `constraint specificity>=0.80; primary sensitivity_at_specificity 0.80` is two. Each clause that
is understood gives checks and names the slots that it speaks of; the others must stay as they were (`staying`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import expectations as expect
from expectations import Check
from measure import Bound, Measure, read_bound, read_measure
from slots import number_of, task_of

_VERB = r"\s*(?:=|:|->|\u2192|becomes?|is now|is|are|changes? to|switches to|drops to|rises to|falls to|reduces to|turns into)?\s*"
_LEVEL = r"none|resolve_from_data|confirm_default|confirm|blocking"
_EMPTY = r"(?:\[\s*\]|empty|none|null|\{\s*\}|removed|dropped|disappears?|gone|cleared)"
_KIND = r"[a-z]+(?:_[a-z]+)+"
_METRIC = r"(?:macro|micro|worst|mean|balanced|average|expected|quadratic|sens|spec|recall|precision|f1|auroc|auc|au|ap\b|map|mae|dice|iou|accuracy|flag|npv|ppv)[\w@.]*"


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a change, understood."""

    touches: frozenset[str]
    """Slots that it speaks of."""
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A stated change, understood as far as it goes."""

    clauses: tuple[Clause, ...]
    not_judged: tuple[str, ...]
    """Clauses that no rule knows."""

    @property
    def identical(self) -> bool:
        """Return whether the change says that there is none."""
        return not self.not_judged and not self.touches

    @property
    def touches(self) -> frozenset[str]:
        """Return the slots that the change speaks of."""
        return frozenset().union(*(clause.touches for clause in self.clauses))


Rule = Callable[[re.Match[str]], Clause | None]


def read_change(text: str) -> Change:
    """Return what a change says; clauses that are not understood are listed, never dropped."""
    clauses: list[Clause] = []
    unknown: list[str] = []
    for part in _split(text, r"\s*;\s*|\.\s+(?=[a-z])|\n"):
        found = _clause(part)
        if found is not None:
            clauses.append(found)
            continue
        pieces = _split(part, r"\s*,\s*(?:and\s+)?|\s+and\s+")
        read = [(piece, _clause(piece)) for piece in pieces]
        clauses += [clause for _, clause in read if clause is not None]
        unknown += [piece for piece, clause in read if clause is None]
    return Change(tuple(clauses), tuple(unknown))


def _split(text: str, separator: str) -> list[str]:
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


def _clause(text: str) -> Clause | None:
    plain = re.sub(r"\s+", " ", text.strip())
    for pattern, rule in _RULES:
        found = re.fullmatch(pattern, plain, re.IGNORECASE)
        clause = rule(found) if found else None
        if clause is not None:
            return clause
    return None


def _of(*touches: str) -> Callable[..., Clause]:
    return lambda *checks: Clause(frozenset(touches), tuple(checks))


def _same(found: re.Match[str]) -> Clause:
    return Clause(frozenset(), (expect.nothing_changed(),))


def _task(found: re.Match[str]) -> Clause | None:
    task = task_of(found[1])
    known = {"binary", "multiclass", "multilabel", "ordinal", "regression", "detection", "segmentation"}
    if task and not any(word in task for word in known):
        return None
    return _of("task")(expect.task(task))


def _positive(found: re.Match[str]) -> Clause:
    name = "" if re.fullmatch(_EMPTY, found["name"], re.IGNORECASE) else found["name"].strip(" '\"")
    checks = [expect.positive(name)]
    touches = {"positive"}
    if found["all"]:
        touches |= {"primary", "constraints"}
        checks.append(expect.targets_follow(name))
    return Clause(frozenset(touches), tuple(checks))


def _primary(found: re.Match[str]) -> Clause | None:
    text = found["metric"].strip()
    if re.fullmatch(_EMPTY, text, re.IGNORECASE):
        return _of("primary")(expect.primary_open())
    measure, is_open = _measure(text)
    return _of("primary")(expect.primary(measure, is_open=is_open)) if measure else None


def _measure(text: str) -> tuple[Measure | None, bool]:
    """Return the metric of `sensitivity_at_specificity 0.90 mel`, and whether what is held is left open (`null`)."""
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


def _bounds_are(found: re.Match[str]) -> Clause | None:
    text = found["bounds"].strip()
    if re.fullmatch(_EMPTY, text, re.IGNORECASE):
        return _of("constraints")(expect.no_bounds())
    parts = _split(text.strip("[]"), r"\s*,\s*|\s+and\s+")
    bounds = [_bound(part) for part in parts]
    if not bounds or any(bound is None for bound in bounds):
        return None
    return _of("constraints")(expect.bounds([bound for bound in bounds if bound is not None]))


def _bound(text: str) -> Bound | None:
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


def _bound_added(found: re.Match[str]) -> Clause | None:
    bound = _bound(found["bound"] or found["bound2"])
    return _of("constraints")(expect.bound_there(bound)) if bound else None


def _bound_removed(found: re.Match[str]) -> Clause:
    return _of("constraints")(expect.metric_unbound(read_measure(found[1])))


def _bound_count(found: re.Match[str]) -> Clause:
    number = {"single": 1, "one": 1, "only one": 1, "a single": 1, "two": 2, "both": 2, "three": 3}[found[1].lower()]
    return _of("constraints")(expect.bound_count(number))


def _names(text: str) -> list[str]:
    return [
        part.strip(" '\"") for part in re.split(r"\s*,\s*|\s+and\s+|\s*\+\s*", text.strip("[] ")) if part.strip(" '\"")
    ]


def _set_is(slot: str) -> Rule:
    def rule(found: re.Match[str]) -> Clause | None:
        text = found["names"].strip()
        names = [] if re.fullmatch(_EMPTY, text, re.IGNORECASE) else _names(text)
        if any(not re.fullmatch(r"[\w -]+", name) for name in names):
            return None
        return _of(slot)(expect.names_are(slot, names))

    return rule


def _member(slot: str, *, there: bool) -> Rule:
    return lambda found: _of(slot)(expect.name_there(slot, found["name"], there=there))


def _set_empty(slot: str) -> Rule:
    return lambda _: _of(slot)(expect.names_are(slot, []))


def _stays(slot: str) -> Rule:
    def rule(found: re.Match[str]) -> Clause:
        checks = [expect.names_stay(slot)]
        if column := found.groupdict().get("column"):
            checks.append(expect.column_is(slot, "" if column.lower() in {"null", "none", "empty"} else column))
        return _of(slot)(*checks)

    return rule


def _column_is(found: re.Match[str]) -> Clause:
    column = found["column"] or found["column2"]
    column = "" if column.lower() in {"null", "none", "empty"} else column
    return _of("confounders")(expect.names_stay("confounders"), expect.column_is("confounders", column))


def _subgroup_details(found: re.Match[str]) -> Clause | None:
    details = dict(re.findall(r"(criterion|max_gap|metric|groups)\s*=\s*(\[[^\]]*\]|\S+)", found["details"]))
    if not details:
        return None
    checks = [expect.name_there("subgroups", found["name"], there=True)]
    checks += [
        expect.subgroup_detail(found["name"], key, value.strip("[],; "))
        for key, value in details.items()
        if key != "groups"
    ]
    return _of("subgroups")(*checks)


def _needed(found: re.Match[str]) -> Clause:
    return _of("level")(expect.asked(wanted=found[1].lower() in {"true", "yes"}), *_kind_in(found[2]))


def _not_needed(_: re.Match[str]) -> Clause:
    return _of("level")(expect.asked(wanted=False))


def _level(found: re.Match[str]) -> Clause:
    level = {"confirm": "confirm_default"}.get(found[1].lower(), found[1].lower())
    return _of("level")(expect.level(level), *_kind_in(found[2]))


def _kind_in(aside: str | None) -> list[Check]:
    """Return a check for each kind of question that an aside names, as `(undefined_floor)`; prose in brackets names none."""
    words = re.split(r"\s*,\s*", (aside or "").strip("() "))
    if not words or not all(re.fullmatch(_KIND, word) for word in words):
        return []
    return [expect.kind_there(word, there=True) for word in words]


def _kinds_are(found: re.Match[str]) -> Clause | None:
    kinds = _names(found["kinds"])
    return _of("level")(expect.kinds_are(kinds)) if all(re.fullmatch(r"[a-z_]+", kind) for kind in kinds) else None


def _kind(*, there: bool) -> Rule:
    def rule(found: re.Match[str]) -> Clause:
        return _of("level")(expect.kind_there(re.sub(r"[\s-]+", "_", found["kind"].strip().lower()), there=there))

    return rule


def _scope(found: re.Match[str]) -> Clause:
    refused = (found[1].lower() == "refuse") == (found[2].lower() == "true")
    return _of("refuse")(expect.refused(refused))


def _refused(found: re.Match[str]) -> Clause:
    return _of("refuse")(expect.refused(not found["not"]))


def _supervision(found: re.Match[str]) -> Clause:
    return _of("supervision")(expect.supervision(found["field"] or "kind", found["value"].strip(" '\"")))


def _unit(found: re.Match[str]) -> Clause:
    return _of("unit")(expect.unit(found[1]))


def _fixed(found: re.Match[str]) -> Clause:
    return _of("primary")(expect.held_at(number_of(found["value"])))


def _costs_are(found: re.Match[str]) -> Clause:
    return _of("costs")(expect.weights([float(number) for number in re.findall(r"\d+(?:\.\d+)?", found[1])]))


def _abstention(found: re.Match[str]) -> Clause:
    return _of("abstention")(expect.abstention_at_most(number_of(found["value"])))


_NO = r"(?:no(?: more| longer any| longer an?| longer)?|without(?: an?)?)\s+"
_RULES: tuple[tuple[str, Rule], ...] = (
    (
        (
            r"(?:no (?:fields?|field|other|critical|slots?)?\s*(?:fields? |slots? )?(?:changes?|differences?|effect)|(?:an? )?(?:identical|same|unchanged)(?: parse| spec| result)?|"
        r"nothing (?:changes|else)|unchanged|no change(?:s)?|no effect|parse (?:is )?(?:identical|unchanged)|all fields (?:identical|unchanged|the same))"
        ),
        _same,
    ),
    (r"(?:everything else|other fields|all else|the rest|rest)\s+.*", lambda _: Clause(frozenset(), ())),
    (rf"task(?:_type)?{_VERB}([\w -]+)", _task),
    (r"((?:binary|multi-?class|multi-?label|ordinal|regression|object[_ ]detection|detection|segmentation)(?:[_ ]classification)?)(?: task)?", _task),
    (rf"positive(?:[_ ]class)?{_VERB}(?P<name>[^,]+?)(?P<all>\s+and all (?:[\w -]+ )?metrics(?: follow)?)?", _positive),
    (rf"{_NO}positive(?: class)?(?P<name>)(?P<all>)", lambda _: _of("positive")(expect.positive(""))),
    (r"(?P<all>all (?P<name>[\w-]+) metrics)", lambda found: _of("primary", "constraints")(expect.targets_follow(found["name"]))),
    (rf"primary(?:[_ ]metric)?(?:\.name)?{_VERB}(?P<metric>[^=].*)", _primary),
    (rf"(?:primary(?:_metric)?\.)?(?:fixed_(?:specificity|sensitivity|fpr)|fixed point|held point|coverage){_VERB}(?P<value>\d+(?:\.\d+)?%?)", _fixed),
    (rf"(?P<metric>{_METRIC}(?: (?:at )?\d+(?:\.\d+)?%?| null)?)", _primary),
    (rf"(?P<bounds>{_METRIC}\s*(?:>=|<=|\u2265|\u2264)\s*\d[^,]*)", _bounds_are),
    (rf"(?:operating[_ ])?constraints?(?:\s+(?:on|list|set))?{_VERB}(?P<bounds>.+)", _bounds_are),
    (rf"{_NO}(?:operating[_ ])?constraints?(?: at all)?(?P<bounds>)", lambda _: _of("constraints")(expect.no_bounds())),
    (r"(single|one|only one|a single|two|both|three) (?:operating[_ ])?constraints?(?: remains?| stays?| left)?", _bound_count),
    (r"(?:adds?|additional|new|extra|plus|one more) (?:operating[_ ])?constraint:? (?P<bound>.+)|(?:operating[_ ])?constraints? (?:adds?|gains?):? (?P<bound2>.+)", _bound_added),
    (r"(?:the )?(\w+) constraint (?:is )?(?:removed|dropped|disappears|gone)", _bound_removed),
    (rf"{_NO}(\w+) constraint", _bound_removed),
    (rf"{_NO}(?:non-?inferiority|not[- ]worse|guardrail)(?: (?:floors?|margins?|constraints?|limits?))?s?", lambda _: _of("constraints")(expect.no_guardrails())),
    (rf"{_NO}(?:floors?|guardrails?|limits?)", lambda _: _of("constraints")(expect.no_guardrails())),
    (rf"{_NO}confounders?", _set_empty("confounders")),
    (rf"confounders?{_VERB}(?P<names>{_EMPTY}|\[.*\])", _set_is("confounders")),
    (r"confounders?(?: list)? (?:stays?|remains?|kept|unchanged)(?: with)?(?: metadata_column\s*=\s*(?P<column>\w+))?", _stays("confounders")),
    (r"confounders?(?:\s+[\w]+)?[ .]*(?:with )?metadata_column\s*=\s*(?P<column>\w+)|metadata_column\s*(?:=|becomes)\s*(?P<column2>\w+)", _column_is),
    (r"(?:adds? |new |additional )?confounders? (?:adds? |gains? |plus )?(?P<name>[\w -]+?)(?: is)?(?: added| appears)?", _member("confounders", there=True)),
    (r"(?P<name>[\w -]+?) (?:becomes|is|is now|is added as|added as|added to|joins)(?: an?| the)? confounders?", _member("confounders", there=True)),
    (r"(?P<name>[\w-]+) (?:is )?(?:removed from (?:the )?confounders|no longer a confounder|not a confounder|is not a confounder)", _member("confounders", there=False)),
    (r"(?P<name>[\w -]+?) is an? allowed (?:cue|feature|input)", _member("confounders", there=False)),
    (rf"{_NO}(?:protected[_ ])?subgroups?", _set_empty("subgroups")),
    (rf"(?:protected[_ ])?subgroups?{_VERB}(?P<names>{_EMPTY}|\[[^=]*\])", _set_is("subgroups")),
    (r"(?:protected[_ ])?subgroups? (?:stays?|remains?|kept|unchanged)(?: with)?(?: (?:metadata_)?column\s*=\s*(?P<column>\w+))?", _stays("subgroups")),
    (r"(?:protected[_ ])?subgroups?\s+(?P<name>\w+)\s+(?P<details>(?:criterion|max_gap|metric|groups)\s*=.+)", _subgroup_details),
    (rf"(?:protected[_ ])?subgroups?{_VERB}(?P<names>[\w, ]+)", _set_is("subgroups")),
    (r"(?P<name>[\w -]+?) (?:becomes|is added as|added as|is) an? (?:protected )?subgroup", _member("subgroups", there=True)),
    (r"clarification[_ ]needed\s*(?:=|becomes|:|->)\s*(true|false|yes|no)\s*(\(.*\))?", _needed),
    (rf"{_NO}(?:clarification|questions?)(?: needed| required| at all| any ?more| asked)?", _not_needed),
    (r"clarification (?:not|no longer) needed", _not_needed),
    (rf"(?:clarification(?:[_ ]level)?|level){_VERB}({_LEVEL})\s*(\(.*\))?", _level),
    (rf"({_LEVEL})\s*(\(.*\))?", _level),
    (r"clarification(?:[_ ]kinds?)?(?:\s+is)? (?:reduces?|shrinks|narrows|drops)(?: to)? (?P<kinds>.+?)(?: only)?", _kinds_are),
    (rf"clarification[_ ]kinds?{_VERB}(?P<kinds>\[?[a-z_, ]+\]?)(?: only)?", _kinds_are),
    (rf"(?:only )?(?P<kind>{_KIND})(?: question)? (?:stays|remains|is kept|still asked|kept|added|appears|is asked)", _kind(there=True)),
    (r"(?P<kind>[a-z_ -]+?) question (?:stays|remains|is kept|still asked|kept|added|appears|is asked)", _kind(there=True)),
    (r"(?:adds?|gains?|new|plus) (?P<kind>[a-z_]+)(?: question)?", _kind(there=True)),
    (rf"{_NO}(?P<kind>[a-z_ -]+?) questions?", _kind(there=False)),
    (r"(?P<kind>[a-z_]+)(?: question)? (?:disappears|gone|is gone|removed|dropped|no longer asked|falls away)", _kind(there=False)),
    (r"(in_scope|refuse)\s*(?:=|becomes|:)\s*(true|false)", _scope),
    (r"(?:is )?(?P<not>not |no longer )?refused|(?:no|without) (?P<no>refusal)", lambda found: _of("refuse")(expect.refused(not (found["not"] or found["no"])))),
    (r"supervision(?:\.(?P<field>\w+)|\s+(?P<field2>kind|uncertain|aggregation))?\s*(?:=|becomes|:|->|is)\s*(?P<value>[^,]+)", lambda found: _of("supervision")(expect.supervision(found["field"] or found["field2"] or "kind", found["value"].strip(" '\"")))),
    (r"unit(?:_of_analysis| of analysis)?\s*(?:=|becomes|:|->|is)?\s*(\w+)", _unit),
    (rf"{_NO}(?:cost matrix|costs?|cost values|cost order(?:ing)?)", lambda _: _of("costs")(expect.no_costs())),
    (r"costs?(?: values| matrix)?\s*(?:=|are|become|:)?\s*(\d[\d./, ]*)", _costs_are),
    (rf"{_NO}(?P<kind>{_KIND})", _kind(there=False)),
    (rf"{_NO}(?P<what>[\w-]+(?: [\w-]+)?) (?:filter|rule|split|restriction|exclusion)", lambda found: _of("caveats")(expect.no_rule(found["what"]))),
    (rf"{_NO}abstention|abstention\s*(?:=|becomes)?\s*(?:not allowed|false|none)", lambda _: _of("abstention")(expect.no_abstention())),
    (r"abstention(?:[_ ]?(?:rate|budget|at_most|share))?\s*(?:<=|=|becomes|is|at most|of)?\s*(?P<value>\d+(?:\.\d+)?\s*%?)", _abstention),
)  # fmt: skip
