"""The semantic parser that needs no key: rules over words, a lexicon kept as data, and a question wherever they end.

The request is cut into units once; each rule takes what it explains and says where it stands. What no rule explains is asked
about, so that a wish never passes silently.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents import read_back
from agents.playbook.intent.abstention import read_abstention
from agents.playbook.intent.attribute_target import ask_about_attribute_targets
from agents.playbook.intent.choice import unlabelled
from agents.playbook.intent.chunks import chunk
from agents.playbook.intent.classes import choose_classes
from agents.playbook.intent.consequence import most_consequential
from agents.playbook.intent.data_words import read_data_words
from agents.playbook.intent.definitions import cite_codes, counted_as, meanings_of_codes
from agents.playbook.intent.errors import read_errors
from agents.playbook.intent.feasibility import ask_about_contradictions, ask_about_sample
from agents.playbook.intent.goal import read_goal
from agents.playbook.intent.groups import read_groups
from agents.playbook.intent.guards import read_exclusions, read_guards
from agents.playbook.intent.inputs import take_inputs
from agents.playbook.intent.judging import Wishes, decide_judging
from agents.playbook.intent.leaning import read_leaning
from agents.playbook.intent.leftovers import read_leftovers
from agents.playbook.intent.lexicon import load_lexicon
from agents.playbook.intent.misreading import read_misreading
from agents.playbook.intent.naming import name_classes
from agents.playbook.intent.operating import read_numbers
from agents.playbook.intent.outcomes import ask_about_outcomes, name_of_outcome
from agents.playbook.intent.priced import read_prices
from agents.playbook.intent.priorities import read_priorities
from agents.playbook.intent.protocol import keep_the_protocol
from agents.playbook.intent.reading import Reading
from agents.playbook.intent.rules import read_side_rule
from agents.playbook.intent.scale import ask_about_ungradable, choose_on_scale, read_ungradable, send_on
from agents.playbook.intent.scope import refusal
from agents.playbook.intent.sites import read_sites
from agents.playbook.intent.supervision import read_label_policy, read_supervision
from agents.playbook.intent.unit import read_unit
from agents.semantic_parser import ParsedRequest
from tasks.domain.spec import (
    BINARY,
    DETECTION,
    MULTILABEL,
    REGRESSION,
    SEGMENTATION,
    Grounding,
    Spec,
    Subgroup,
    Supervision,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.playbook.intent.goal import Goal
    from agents.playbook.intent.judging import Judging
    from agents.playbook.intent.leaning import Leaning
    from agents.playbook.intent.naming import Named
    from agents.playbook.intent.sites import Elsewhere
    from tasks.domain.profile import Profile


class PlaybookSemanticParser:
    """Reads classification requests; equal requests give equal specs."""

    def parse(self, text: str, profile: Profile, *, inputs: Sequence[str] = ()) -> ParsedRequest:
        """Return what a request asks for, given what its data holds; see `agents.semantic_parser.SemanticParser`."""
        reading = _read(text, profile)
        reason = refusal(reading)
        if reason:
            asked = tuple(reading.questions)
            return ParsedRequest(
                spec=None, read_back=read_back.of_refusal(text, reason), refusal=reason, questions=asked
            )
        take_inputs(reading, inputs)
        draft = _spec(reading)
        draft = dataclasses.replace(draft, inputs=tuple(inputs)) if draft is not None else None
        questions = most_consequential(reading.questions)
        if draft is None or any(question.blocking for question in questions):
            shown = read_back.of_questions(text, questions, profile, draft)
            return ParsedRequest(spec=None, read_back=shown, questions=questions, draft=draft)
        shown = read_back.of_spec(text, draft, profile, questions, tuple(reading.unheeded))
        return ParsedRequest(spec=draft, read_back=shown, questions=questions, draft=draft)


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
    """Let each rule take its part, the more particular ones first, and put together what is understood."""
    keep_the_protocol(reading)
    outcome = ask_about_outcomes(reading)
    counted = counted_as(reading)
    misread = read_misreading(reading)
    prices = read_prices(reading)
    numbers = read_numbers(reading)
    errors = prices or read_errors(reading)
    read_side_rule(reading)
    ungradable = read_ungradable(reading)
    policy = read_label_policy(reading)
    abstaining = read_abstention(reading)
    elsewhere = read_sites(reading)
    leaning = read_leaning(reading, elsewhere)
    groups = read_groups(reading)
    ask_about_attribute_targets(reading)
    guards = read_guards(reading)
    excluded = read_exclusions(reading)
    priorities = read_priorities(reading)
    ask_about_contradictions(reading, numbers, priorities)
    goal = read_goal(reading)
    choice = unlabelled(name_of_outcome(reading, *outcome), outcome) if outcome is not None else None
    if choice is None:
        choice = choose_on_scale(reading, excluded=excluded, sends_on=ungradable is not None)
    if choice is None:
        choice = choose_classes(reading, goal, excluded=excluded, counted=counted)
        if choice is not None and ungradable is not None:
            send_on(reading, choice)
    named = name_classes(reading, choice, priorities) if choice is not None else None
    if named is not None and ungradable is None:
        ask_about_ungradable(reading, named)
    supervision = read_supervision(reading, named, policy)
    unit = read_unit(reading, named.task if named is not None else goal.task, outcome=outcome)
    judging = None
    if named is not None:
        wishes = Wishes(named, numbers, priorities, guards, task=named.task, errors=errors, abstaining=abstaining)
        judging = decide_judging(reading, wishes)
        judging.constraints += misread
    read_leftovers(reading)
    if named is None or judging is None:
        return None
    ask_about_sample(reading, numbers, judging, named)
    return _assembled(reading, named, judging, leaning, Frame(goal, unit, supervision, groups, elsewhere))


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds the classes: the kind of answer, what it is about, and what the labels are."""

    goal: Goal
    unit: str
    supervision: Supervision
    groups: tuple[Subgroup, ...]
    elsewhere: Elsewhere | None = None


def _assembled(reading: Reading, named: Named, judging: Judging, leaning: Leaning, frame: Frame) -> Spec:
    if frame.goal.first >= 0:
        reading.cite("task", frame.goal.first, frame.goal.end)
    else:
        reading.fact("task", _why_this_task(reading, named))
    held_out = frame.elsewhere.column if frame.elsewhere is not None else ""
    if held_out and frame.elsewhere is not None:
        reading.cite("held_out", *frame.elsewhere.span)
    served = {group.column for group in frame.groups if group.criterion != "report"}
    reading.default("secondary", "the usual metrics of such a task, and those of the classes that matter most")
    return Spec(
        task=named.task,
        classes=named.classes,
        positive=named.positive,
        priorities=judging.priorities,
        primary=judging.primary,
        secondary=_secondary(judging, named),
        operating_point=judging.operating_point,
        constraints=tuple(judging.constraints),
        guardrails=tuple(judging.guardrails),
        confounders=tuple(cue for cue in leaning.cues.values() if cue.column not in served or not cue.column),
        subgroups=frame.groups,
        unit=frame.unit,
        costs=judging.costs,
        abstention=judging.abstention,
        supervision=frame.supervision,
        held_out=held_out,
        caveats=tuple(reading.caveats),
        grounding=_distinct(reading.grounding),
    )


def _why_this_task(reading: Reading, named: Named) -> str:
    if named.task in {DETECTION, SEGMENTATION}:
        return f"all labels of the data are {' and '.join(sorted(reading.data.places)) or 'of whole images'}"
    if reading.data.findings:
        return f"the images are labelled with findings that can occur together: {', '.join(reading.data.findings)}"
    return f"{len(reading.data.labels)} labels that exclude each other, on whole images"


def _secondary(judging: Judging, named: Named) -> tuple[str, ...]:
    positive, several = named.positive, [item.name for item in named.classes]
    families: tuple[str, ...]
    if named.task == BINARY:
        names = [
            "auroc",
            f"sensitivity_at_specificity_80[{positive}]",
            f"average_precision[{positive}]",
            f"sensitivity[{positive}]",
            f"specificity[{positive}]",
            "f1_macro",
            "balanced_accuracy",
            "brier",
        ]
    elif named.task in {DETECTION, SEGMENTATION}:
        families = ("map50", "recall_iou50", "precision_iou50", "f1_iou50", "false_positives_per_image")
        names = [
            f"{family}[{name}]" for name in several for family in (families if named.task == DETECTION else ("dice",))
        ]
    elif named.task == REGRESSION:
        names = ["mae", "rmse"]
    else:
        names = ["auroc", "f1_macro", "balanced_accuracy", "accuracy"]
        names = ["auroc", *(f"auroc[{name}]" for name in several)] if named.task == MULTILABEL else names
        families = ("auroc", "sensitivity", "specificity", "sensitivity_at_specificity_80")
        names += [f"{family}[{name}]" for name in judging.priorities for family in families]
    names += [item.metric for item in judging.constraints] + [item.metric for item in judging.guardrails]
    return tuple(name for name in dict.fromkeys(names) if name != judging.primary)


def _distinct(grounding: list[Grounding]) -> tuple[Grounding, ...]:
    return tuple(dict.fromkeys(grounding))
