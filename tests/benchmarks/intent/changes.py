"""What a key says that an edit changes, as checks on the parse of the edited request.

A change is read clause by clause: `constraint specificity>=0.80; primary sensitivity_at_specificity 0.80` is two. Each clause that
is understood gives checks and names the slots that it speaks of; the others must stay as they were (`staying`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import clauses as say
import question_checks
import slot_checks
import spec_checks
from clauses import EMPTY, KIND, Clause, Rule

_VERB = r"\s*(?:=|:|->|\u2192|becomes?|is now|is|are|changes? to|switches to|drops to|rises to|falls to|reduces to|turns into)?\s*"
_LEVEL = r"none|resolve_from_data|confirm_default|confirm|blocking"
_METRIC = r"(?:macro|micro|worst|mean|balanced|average|expected|quadratic|sens|spec|recall|precision|f1|auroc|auc|au|ap\b|map|mae|dice|iou|accuracy|flag|npv|ppv)[\w@.]*"
_NO = r"(?:no(?: more| longer any| longer an?| longer)?|without(?: an?)?)\s+"


@dataclass(frozen=True, slots=True)
class Change:
    """A stated change, understood as far as it goes."""

    clauses: tuple[Clause, ...]
    not_judged: tuple[str, ...]
    """Clauses that no rule knows."""

    @property
    def identical(self) -> bool:
        """Return whether the change says that there is none."""
        return any(clause.checks and not clause.touches for clause in self.clauses)

    @property
    def touches(self) -> frozenset[str]:
        """Return the slots that the change speaks of."""
        return frozenset().union(*(clause.touches for clause in self.clauses))


def read_change(text: str) -> Change:
    """Return what a change says; clauses that are not understood are listed, never dropped."""
    clauses: list[Clause] = []
    unknown: list[str] = []
    for part in say.split_outside_brackets(text, r"\s*;\s*|\.\s+(?=[a-z])|\n"):
        found = _clause(part)
        if found is not None:
            clauses.append(found)
            continue
        pieces = say.split_outside_brackets(part, r"\s*,\s*(?:and\s+)?|\s+and\s+")
        read = [(piece, _clause(piece)) for piece in pieces]
        clauses += [clause for _, clause in read if clause is not None]
        unknown += [piece for piece, clause in read if clause is None]
    return Change(tuple(clauses), tuple(unknown))


def _clause(text: str) -> Clause | None:
    plain = re.sub(r"\s+", " ", text.strip())
    plain = re.sub(r"^([\w. ]+?)\s*:?\s+\S+\s*(?:->|\u2192)\s*(\S.*)$", r"\1 -> \2", plain)
    for pattern, rule in _RULES:
        found = re.fullmatch(pattern, plain, re.IGNORECASE)
        clause = rule(found) if found else None
        if clause is not None:
            return clause
    return None


_RULES: tuple[tuple[str, Rule], ...] = (
    (
        (
            r"(?:no (?:fields?|field|other|critical|slots?)?\s*(?:fields? |slots? )?(?:changes?|differences?|effect)|(?:an? )?(?:identical|same|unchanged)(?: parse| spec| result)?|"
        r"nothing (?:changes|else)|unchanged|no change(?:s)?|no effect|parse (?:is )?(?:identical|unchanged)|all fields (?:identical|unchanged|the same))"
        ),
        say.same,
    ),
    (r"(?:everything else|other fields|all else|the rest|rest)\s+.*", lambda _: Clause(frozenset(), ())),
    (r"(?:task(?:_type)?|positive(?:[_ ]class)?|primary(?:[_ ]metric)?|(?:operating[_ ])?constraints?|unit(?:_of_analysis)?|supervision|refuse|in_scope) (?:stays?|remains?|is kept|kept|unchanged|is unchanged|as before|the same)(?: the same| as (?:it|they) (?:is|are|was|were))?", lambda _: Clause(frozenset(), ())),
    (rf"task(?:_type)?{_VERB}([\w -]+)", say.task),
    (r"((?:binary|multi-?class|multi-?label|ordinal|regression|object[_ ]detection|detection|segmentation)(?:[_ ]classification)?)(?: task)?", say.task),
    (rf"positive(?:[_ ]class)?{_VERB}(?P<name>[^,]+?)(?P<all>\s+and all (?:[\w -]+ )?metrics(?: follow)?)?", say.positive),
    (rf"{_NO}positive(?: class)?(?P<name>)(?P<all>)", lambda _: say.of("positive")(slot_checks.positive(""))),
    (r"(?P<all>all (?P<name>[\w-]+) metrics)", lambda found: say.of("primary", "constraints")(slot_checks.targets_follow(found["name"]))),
    (rf"primary(?:[_ ]metric)?(?:\.name)?{_VERB}(?P<metric>[^=].*)", say.primary),
    (rf"(?:primary(?:_metric)?\.)?(?:fixed_(?:specificity|sensitivity|fpr)|fixed point|held point|coverage){_VERB}(?P<value>\d+(?:\.\d+)?%?)", say.fixed),
    (rf"(?P<family>sensitivity|specificity|coverage|precision|recall|f1|auroc|npv|ppv){_VERB}(?P<value>\d+(?:\.\d+)?\s*%?)", say.number_for),
    (rf"(?:(?P<every>both|all|each) )?(?:constraints?'? )?(?:values?|thresholds?|floors?|numbers?){_VERB}(?P<value>\d+(?:\.\d+)?\s*%?)", say.bound_values),
    (rf"(?P<every>both|all) (?:constraints?){_VERB}(?P<value>\d+(?:\.\d+)?\s*%?)", say.bound_values),
    (r"(?:constraints? (?:becomes? |is |are |now )?)?(?:hard\s*=\s*(?P<hard>true|false)|(?P<word>hard|soft))", say.bounds_hard),
    (r"classes\s*(?:=|become|are)\s*\[(?P<names>.*)\]", say.classes_are),
    (r"(?P<number>two|three|four|five|six|seven|eight|\d+) classes", say.class_count),
    (r"(?:protected[_ ]?subgroups?[. ])?(?P<key>max_gap|criterion)\s*(?:=|becomes)\s*(?P<value>\S+)", say.subgroup_is),
    (r"(?:protected[_ ]?subgroups?[. ])?(?:protected )?attribute\s*(?:=|becomes|->)\s*(?P<names>\w+)", say.set_is("subgroups")),
    (r"(?:confounders?[. ])?handling\s*(?:=|becomes|->)\s*(?P<value>\w+)", say.handling),
    (rf"(?P<metric>{_METRIC}(?: (?:at )?\d+(?:\.\d+)?%?| null)?)", say.primary),
    (rf"(?P<bounds>{_METRIC}\s*(?:>=|<=|\u2265|\u2264)\s*\d[^,]*)", say.bounds_are),
    (rf"(?:operating[_ ])?constraints?(?:\s+(?:on|list|set))?{_VERB}(?P<bounds>.+)", say.bounds_are),
    (rf"{_NO}(?:operating[_ ])?constraints?(?: at all)?(?P<bounds>)", lambda _: say.of("constraints")(slot_checks.no_bounds())),
    (r"(single|one|only one|a single|two|both|three) (?:operating[_ ])?constraints?(?: remains?| stays?| left)?", say.bound_count),
    (r"(?:adds?|additional|new|extra|plus|one more) (?:operating[_ ])?constraint:? (?P<bound>.+)|(?:operating[_ ])?constraints? (?:adds?|gains?):? (?P<bound2>.+)", say.bound_added),
    (r"(?:the )?(\w+) constraint (?:is )?(?:removed|dropped|disappears|gone)", say.bound_removed),
    (rf"{_NO}(\w+) constraint", say.bound_removed),
    (rf"{_NO}(?:non-?inferiority|not[- ]worse|guardrail)(?: (?:floors?|margins?|constraints?|limits?))?s?", lambda _: say.of("constraints")(slot_checks.no_guardrails())),
    (rf"{_NO}(?:floors?|guardrails?|limits?)", lambda _: say.of("constraints")(slot_checks.no_guardrails())),
    (rf"{_NO}confounders?", say.set_empty("confounders")),
    (rf"confounders?{_VERB}(?P<names>{EMPTY}|\[.*\])", say.set_is("confounders")),
    (r"confounders?(?: list)? (?:stays?|remains?|kept|unchanged)(?: with)?(?: metadata_column\s*=\s*(?P<column>\w+))?", say.stays("confounders")),
    (r"confounders?(?:\s+[\w]+)?[ .]*(?:with )?metadata_column\s*=\s*(?P<column>\w+)|metadata_column\s*(?:=|becomes)\s*(?P<column2>\w+)", say.column_is),
    (r"confounders? (?:(?:loses?|without) (?P<name>[\w-]+)|(?P<name2>[\w-]+) (?:is )?(?:removed|dropped|gone|disappears))", say.member("confounders", there=False)),
    (r"(?:adds? |new |additional )?confounders? (?:adds? |gains? |plus )?(?P<name>[\w -]+?)(?: is)?(?: added| appears)?", say.member("confounders", there=True)),
    (r"(?P<name>[\w -]+?) (?:becomes|is|is now|is added as|added as|added to|joins|stays|remains)(?: an?| the)? confounders?", say.member("confounders", there=True)),
    (r"(?P<name>[\w-]+) (?:is )?(?:removed from (?:the )?confounders|no longer a confounder|not a confounder|is not a confounder)", say.member("confounders", there=False)),
    (r"(?P<name>[\w -]+?) is an? allowed (?:cue|feature|input)", say.member("confounders", there=False)),
    (rf"{_NO}(?:protected[_ ])?subgroups?", say.set_empty("subgroups")),
    (rf"(?:protected[_ ])?subgroups?{_VERB}(?P<names>{EMPTY}|\[[^=]*\])", say.set_is("subgroups")),
    (r"(?:protected[_ ])?subgroups? (?:stays?|remains?|kept|unchanged)(?: with)?(?:(?:out an?| no)? (?:metadata[_ ])?column(?:\s*=\s*(?P<column>\w+))?)?", say.stays("subgroups")),
    (r"(?:protected[_ ])?subgroups?\s+(?P<name>\w+)\s+(?P<details>(?:criterion|max_gap|metric|groups)\s*=.+)", say.subgroup_details),
    (rf"(?:protected[_ ])?subgroups?{_VERB}(?P<names>[\w, ]+)", say.set_is("subgroups")),
    (r"(?:protected[_ ])?subgroups? (?P<name>[\w-]+) (?:is )?(?:removed|dropped|gone|disappears)", say.member("subgroups", there=False)),
    (r"(?:protected[_ ])?subgroups? (?:adds? |gains? )?(?P<name>[\w-]+)(?: is)? (?:added|appears|stays|remains)|(?:adds?|new) (?:protected[_ ])?subgroups? (?P<name2>[\w-]+)", say.member("subgroups", there=True)),
    (r"(?P<name>[\w -]+?) (?:becomes|is added as|added as|is) an? (?:protected )?subgroup", say.member("subgroups", there=True)),
    (rf"{_NO}blocking(?: questions?)?|not blocking(?: any ?more)?|no longer blocking", lambda _: say.of("level")(question_checks.level_is_not("blocking"))),
    (rf"(?:still|remains|stays)(?: at)? ({_LEVEL})()", say.level),
    (rf"(?:clarification(?:[_ ]level)?|level) (?:stays|remains)(?: at)? ({_LEVEL})()", say.level),
    (r"(?:clarification(?:[_ ]level)?|level) (?:stays|remains|unchanged|is unchanged|the same)", lambda _: say.of("level")(question_checks.level_stays())),
    (r"(?:one )?(?:asks?|clarification|question) (?:about|on|for|whether|which) .+()|clarification needed()", lambda _: say.of("level")(question_checks.asked(wanted=True))),
    (rf"{_NO}(?P<word>conflict\w*|infeasib\w*|contradiction)(?: warnings?| questions?)?", lambda found: say.of("level")(question_checks.kind_like(found["word"]))),
    (r"clarification[_ ]needed\s*(?:=|becomes|:|->)\s*(true|false|yes|no)\s*(\(.*\))?", say.needed),
    (rf"{_NO}(?:clarification|questions?)(?: needed| required| at all| any ?more| asked)?", say.not_needed),
    (r"clarification (?:not|no longer) needed", say.not_needed),
    (rf"(?:clarification(?:[_ ]level)?|level){_VERB}({_LEVEL})\s*(\(.*\))?", say.level),
    (rf"({_LEVEL})\s*(\(.*\))?", say.level),
    (r"clarification(?:[_ ]kinds?)?(?:\s+is)? (?:reduces?|shrinks|narrows|drops)(?: to)? (?P<kinds>.+?)(?: only)?", say.kinds_are),
    (rf"clarification[_ ]kinds?{_VERB}(?P<kinds>\[?[a-z_, ]+\]?)(?: only)?", say.kinds_are),
    (rf"(?:only )?(?P<kind>{KIND})(?: question)? (?:stays|remains|is kept|still asked|kept|added|appears|is asked)", say.kind(there=True)),
    (r"(?P<kind>[a-z_ -]+?) question (?:stays|remains|is kept|still asked|kept|added|appears|is asked)", say.kind(there=True)),
    (r"(?:adds?|gains?|new|plus) (?P<kind>[a-z_]+)(?: question)?", say.kind(there=True)),
    (rf"{_NO}(?P<kind>[a-z_ -]+?) questions?", say.kind(there=False)),
    (r"(?P<kind>[a-z_]+)(?: question)? (?:disappears|gone|is gone|removed|dropped|no longer asked|falls away)", say.kind(there=False)),
    (r"(in_scope|refuse)\s*(?:=|becomes|:)\s*(true|false)", say.scope),
    (r"(?:is )?(?P<not>not |no longer )?refused|(?:no|without) (?P<no>refusal)", lambda found: say.of("refuse")(question_checks.refused(not (found["not"] or found["no"])))),
    (r"supervision(?:\.(?P<field>\w+)|\s+(?P<field2>kind|uncertain|aggregation))?\s*(?:=|becomes|:|->|is)\s*(?P<value>[^,]+)", lambda found: say.of("supervision")(spec_checks.supervision(found["field"] or found["field2"] or "kind", found["value"].strip(" '\"")))),
    (r"(?P<field>uncertain|aggregation|box_fraction)(?P<field2>)\s*(?:=|becomes|->)\s*(?P<value>[\w.]+)", lambda found: say.of("supervision")(spec_checks.supervision(found["field"], found["value"]))),
    (r"unit(?:_of_analysis| of analysis)?\s*(?:=|becomes|:|->|is)?\s*(\w+)", say.unit),
    (rf"{_NO}(?:cost matrix|costs?|cost values|cost order(?:ing)?)", lambda _: say.of("costs")(spec_checks.no_costs())),
    (r"costs?(?: values| matrix)?\s*(?:=|are|become|:)?\s*(\d[\d./, ]*)", say.costs_are),
    (rf"{_NO}(?P<kind>{KIND})", say.kind(there=False)),
    (rf"{_NO}(?P<what>[\w-]+(?: [\w-]+)?) (?:filter|rule|split|restriction|exclusion)", lambda found: say.of("caveats")(spec_checks.no_rule(found["what"]))),
    (rf"{_NO}abstention|abstention\s*(?:=|becomes)?\s*(?:not allowed|false|none)", lambda _: say.of("abstention")(spec_checks.no_abstention())),
    (r"abstention(?:[_ ]?(?:rate|budget|at_most|share))?\s*(?:<=|=|becomes|is|at most|of)?\s*(?P<value>\d+(?:\.\d+)?\s*%?)", say.abstention),
)  # fmt: skip
