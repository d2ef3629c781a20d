"""The semantic parser that needs no key: rules over words, a lexicon kept as data, and a question wherever they end.

The request is cut into units once; each rule takes what it explains and says where it stands. What no rule explains is asked
about, so that a wish never passes silently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.playbook import read_back
from agents.playbook.intent.abstention import read_abstention
from agents.playbook.intent.chunks import chunk
from agents.playbook.intent.classes import choose_classes
from agents.playbook.intent.costs import read_errors
from agents.playbook.intent.data_words import read_data_words
from agents.playbook.intent.definitions import cite_codes, counted_as, meanings_of_codes
from agents.playbook.intent.feasibility import ask_about_contradictions, ask_about_sample
from agents.playbook.intent.guards import read_exclusions, read_guards
from agents.playbook.intent.judging import Wishes, decide_judging
from agents.playbook.intent.leaning import read_leaning
from agents.playbook.intent.leftovers import ask_about_leftovers, ask_about_mentions
from agents.playbook.intent.lexicon import load_lexicon
from agents.playbook.intent.naming import name_classes
from agents.playbook.intent.operating import read_numbers
from agents.playbook.intent.priorities import read_priorities
from agents.playbook.intent.reading import Reading
from agents.playbook.intent.scope import keep_the_protocol, refusal
from agents.semantic_parser import ParsedRequest
from tasks.domain.spec import Confounder, Grounding, Spec, Subgroup

if TYPE_CHECKING:
    from agents.playbook.intent.judging import Judging
    from agents.playbook.intent.leaning import Leaning
    from agents.playbook.intent.naming import Named
    from tasks.domain.profile import Profile
    from tasks.domain.spec import Question


class PlaybookSemanticParser:
    """Reads classification requests; equal requests give equal specs."""

    def parse(self, text: str, profile: Profile) -> ParsedRequest:
        """Return what a request asks for, given what its data holds; see `agents.semantic_parser.SemanticParser`."""
        reading = _read(text, profile)
        reason = refusal(reading)
        if reason:
            return ParsedRequest(spec=None, read_back=read_back.of_refusal(text, reason), refusal=reason)
        spec = _spec(reading)
        questions = _ordered(reading.questions)
        if spec is None or any(question.blocking for question in questions):
            return ParsedRequest(
                spec=None, read_back=read_back.of_questions(text, questions, profile), questions=questions
            )
        return ParsedRequest(
            spec=spec, read_back=read_back.of_spec(text, spec, profile, questions), questions=questions
        )


def _ordered(questions: list[Question]) -> tuple[Question, ...]:
    """Put blocking questions first, and drop what one of them makes pointless."""
    blocked = {question.field for question in questions if question.blocking} & {"operating_point", "classes"}
    kept = [question for question in questions if question.blocking or question.field not in blocked]
    return tuple(sorted(kept, key=lambda question: not question.blocking))


def _read(text: str, profile: Profile) -> Reading:
    """Cut the text into units, twice where the text itself says what the codes of the data mean."""
    lexicon = load_lexicon()
    data = read_data_words(profile, lexicon)
    reading = Reading(text, chunk(text, data), data, profile)
    meanings = meanings_of_codes(reading)
    if meanings:
        data = read_data_words(profile, lexicon, meanings=meanings)
        reading = Reading(text, chunk(text, data), data, profile)
        cite_codes(reading, meanings)
    return reading


def _spec(reading: Reading) -> Spec | None:
    """Let each rule take its part, the more particular ones first, and put the spec together."""
    keep_the_protocol(reading)
    counted = counted_as(reading)
    errors = read_errors(reading)
    numbers = read_numbers(reading)
    abstaining = read_abstention(reading)
    leaning = read_leaning(reading)
    guards = read_guards(reading)
    excluded = read_exclusions(reading)
    priorities = read_priorities(reading)
    ask_about_contradictions(reading, numbers, priorities)
    choice = choose_classes(reading, excluded=excluded, counted=counted)
    judging, named = None, None
    if choice is not None:
        named = name_classes(reading, choice, priorities)
        judging = decide_judging(reading, Wishes(named, numbers, priorities, guards, errors=errors, abstaining=abstaining))
    ask_about_leftovers(reading)
    if named is None or judging is None:
        return None
    ask_about_mentions(reading)
    ask_about_sample(reading, numbers, judging, named)
    return _assembled(reading, named, judging, leaning)


def _assembled(reading: Reading, named: Named, judging: Judging, leaning: Leaning) -> Spec:
    reading.default("task", "one answer an image is what this version builds")
    reading.default("secondary", "the usual metrics of such a task, and those of the classes that matter most")
    for name, span in leaning.confounders.items():
        reading.cite(f"confounders.{name}", *span)
    for name, span in leaning.subgroups.items():
        reading.cite(f"subgroups.{name}", *span)
    return Spec(
        task=named.task,
        classes=named.classes,
        positive=named.positive,
        priorities=judging.priorities,
        primary=judging.primary,
        secondary=_secondary(judging, named.positive),
        operating_point=judging.operating_point,
        constraints=tuple(judging.constraints),
        guardrails=tuple(judging.guardrails),
        costs=judging.costs,
        abstention=judging.abstention,
        confounders=tuple(Confounder(name=name, column=name) for name in leaning.confounders),
        subgroups=tuple(Subgroup(attribute=name, column=name) for name in leaning.subgroups),
        caveats=tuple(reading.caveats),
        grounding=_distinct(reading.grounding),
    )


def _secondary(judging: Judging, positive: str) -> tuple[str, ...]:
    if positive:
        named = [
            "auroc",
            f"sensitivity_at_specificity_80[{positive}]",
            f"average_precision[{positive}]",
            f"sensitivity[{positive}]",
            f"specificity[{positive}]",
        ]
        names = [*named, "f1_macro", "balanced_accuracy", "brier"]
    else:
        names = ["auroc", "f1_macro", "balanced_accuracy", "accuracy"]
        families = ("auroc", "sensitivity", "specificity", "sensitivity_at_specificity_80")
        names += [f"{family}[{name}]" for name in judging.priorities for family in families]
    names += [item.metric for item in judging.constraints] + [item.metric for item in judging.guardrails]
    return tuple(name for name in dict.fromkeys(names) if name != judging.primary)


def _distinct(grounding: list[Grounding]) -> tuple[Grounding, ...]:
    return tuple(dict.fromkeys(grounding))
