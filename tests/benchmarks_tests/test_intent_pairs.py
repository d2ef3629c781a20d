"""Minimal pairs: what a key says that an edit changes is understood, checked, and nothing else may change."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from benchmark import score
from changes import read_change
from rows import row_of

from agents.semantic_parser import ParsedRequest
from tasks.domain.spec import (
    BINARY,
    MULTICLASS,
    Abstention,
    Confounder,
    Constraint,
    Cost,
    Grounding,
    Guardrail,
    OperatingPoint,
    Question,
    Spec,
    SpecClass,
    Subgroup,
    Supervision,
)

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks" / "intent"
SHARED = FOLDER.parents[3] / "shared" / "clinical" / "requests.jsonl"


@pytest.mark.parametrize(
    ("text", "touches"),
    [
        ("no field changes", ""),
        ("identical parse", ""),
        ("the rest stays", ""),
        ("primary stays", ""),
        ("positive_class=bcc and all bcc metrics", "constraints positive primary"),
        ("positive_class mel -> bcc", "positive"),
        ("positive class becomes null", "positive"),
        ("task_type=binary_classification", "task"),
        ("becomes multiclass", "?"),
        ("multilabel", "task"),
        ("classes=[mel, nv]", "classes task"),
        ("primary macro_auroc", "primary"),
        ("primary_metric becomes f1[mel]", "primary"),
        ("primary sensitivity_at_specificity null", "primary"),
        ("fixed_specificity=0.90", "primary"),
        ("auroc", "primary"),
        ("sensitivity_at_specificity at 90%", "primary"),
        ("specificity 90%", "constraints primary"),
        ("operating_constraints=[sensitivity>=0.95 mel hard]", "constraints"),
        ("constraint specificity>=0.80", "constraints"),
        ("sensitivity >= 0.9", "constraints"),
        ("operating_constraints=[]", "constraints"),
        ("no operating constraints", "constraints"),
        ("single constraint", "constraints"),
        ("adds constraint specificity>=0.8", "constraints"),
        ("the specificity constraint is removed", "constraints"),
        ("constraint becomes soft", "constraints"),
        ("value becomes 0.9", "constraints primary"),
        ("no non-inferiority floor", "constraints"),
        ("no guardrails", "constraints"),
        ("confounders becomes empty", "confounders"),
        ("confounders=[ruler, ink]", "confounders"),
        ("confounder stays with metadata_column=null", "confounders"),
        ("confounder ruler removed", "confounders"),
        ("confounder ink added", "confounders"),
        ("ink becomes a confounder", "confounders"),
        ("chest_drain is an allowed cue", "confounders"),
        ("handling=mask_and_test", "confounders"),
        ("protected_subgroups=[sex, age]", "subgroups"),
        ("protected_subgroups sex criterion=equal max_gap=0.05", "subgroups"),
        ("max_gap=0.05", "subgroups"),
        ("attribute=sex", "subgroups"),
        ("no protected subgroups", "subgroups"),
        ("subgroup age removed", "subgroups"),
        ("clarification_needed=true (is drain an allowed cue?)", "level"),
        ("no clarification", "level"),
        ("clarification_level=confirm_default (undefined_floor)", "level"),
        ("level drops to confirm_default", "level"),
        ("blocking", "level"),
        ("still blocking", "level"),
        ("no blocking question", "level"),
        ("no conflict", "level"),
        ("clarification kind reduces to insufficient_sample only", "level"),
        ("insufficient_sample remains", "level"),
        ("no abstention budget question", "level"),
        ("reference_standard question stays", "level"),
        ("no protocol_violation", "level"),
        ("asks whether rulers are annotated", "level"),
        ("in_scope=true, refuse=false", "refuse"),
        ("supervision.kind=full", "supervision"),
        ("supervision.uncertain=positive", "supervision"),
        ("unit study", "unit"),
        ("no cost matrix", "costs"),
        ("cost values 10/2/1", "costs"),
        ("no side filter", "caveats"),
        ("abstention budget 10%", "abstention"),
        ("no abstention", "abstention"),
        ("binary, unit study, sensitivity_at_specificity 0.90, no clarification", "level primary task unit"),
        ("constraint specificity>=0.80; primary sensitivity_at_specificity 0.80", "constraints primary"),
        ("no cost matrix and no clarification", "costs level"),
    ],
)
def test_a_stated_change_names_the_slots_that_it_is_about(text, touches):
    change = read_change(text)
    if touches == "?":
        assert change.not_judged == (text,)
        return
    assert change.not_judged == ()
    assert change.clauses
    assert change.touches == set(touches.split())


@pytest.mark.parametrize("text", ["", "the mood brightens", "something else entirely happens", "42"])
def test_a_change_that_no_rule_knows_is_told_and_not_passed(text):
    assert read_change(text).clauses == ()


def test_what_is_not_understood_of_a_change_is_kept():
    change = read_change("primary auroc; the mood brightens")
    assert change.touches == {"primary"}
    assert change.not_judged == ("the mood brightens",)


def changes_in(*files):
    rows = [
        json.loads(line) for file in files if file.exists() for line in file.read_text(encoding="utf-8").splitlines()
    ]
    return [pair["expected_change"] for row in rows for pair in row["minimal_pairs"]]


def test_every_change_of_our_own_requests_is_understood():
    for text in changes_in(FOLDER / "requests_own.jsonl", FOLDER / "requests_variants.jsonl"):
        change = read_change(text)
        assert change.clauses, text
        assert not change.not_judged, text


@pytest.mark.skipif(not SHARED.exists(), reason="the benchmark's requests are not beside this checkout")
def test_every_change_of_the_twelve_is_understood():
    texts = changes_in(SHARED)
    assert len(texts) == 20
    assert not [text for text in texts if read_change(text).not_judged or not read_change(text).clauses]


# --- pairs, judged ----------------------------------------------------------------------------------------------------

TEXT = "Find melanoma. Catch at least 95%. Do not lean on rulers."
MANIFEST = {"images": 900, "labels": {"melanoma": "binary"}, "metadata": ["patient_id", "ruler"], "split": "given"}
KEY = {"task_type": "binary_classification", "classes": ["other", "melanoma"], "positive_class": "melanoma"}


@dataclass(frozen=True)
class TwoAnswers:
    """Answers one way to the request as it was, and another way to anything else."""

    before: ParsedRequest
    after: ParsedRequest

    def parse(self, text, profile):
        unedited = text == TEXT and any(item.name == "ruler" for item in profile.attributes)
        return self.before if unedited else self.after


def said(field, words):
    start = TEXT.index(words)
    return Grounding(field=field, source="request", words=words, start=start, end=start + len(words))


SPEC = Spec(
    task=BINARY,
    classes=(
        SpecClass(name="other", labels=("0",), description="other"),
        SpecClass(name="melanoma", labels=("1",), description="melanoma"),
    ),
    positive="melanoma",
    priorities=("melanoma",),
    primary="specificity_at_sensitivity_95[melanoma]",
    secondary=(),
    operating_point=OperatingPoint(fixed="sensitivity", at_least=0.95, positive="melanoma"),
    constraints=(Constraint(metric="sensitivity[melanoma]", bound=0.95),),
    confounders=(Confounder(name="ruler", column="ruler"),),
    grounding=(said("primary", "at least 95%"), said("constraints.sensitivity[melanoma]", "at least 95%"), said("confounders.ruler", "rulers")),
)  # fmt: skip
AUROC = replace(SPEC, primary="auroc", constraints=(), grounding=(Grounding(field="primary", source="default", words="as usual"),))  # fmt: skip


def parsed(spec=SPEC, *questions, refusal=""):
    blocked = refusal or any(question.blocking for question in questions)
    return ParsedRequest(spec=None if blocked else spec, read_back="", questions=questions, draft=spec, refusal=refusal)


def ask(level="confirm_default", kind=""):
    return Question(field="x", text="x?", level=level, kind=kind)


def problem(edit, change, after, before=None):
    row = row_of(
        {"id": "X", "request": TEXT, "data_manifest": MANIFEST, "expected": KEY, "minimal_pairs": [{"edit": edit, "expected_change": change}]}
    )  # fmt: skip
    return score([row], TwoAnswers(before or parsed(), after)).rows[0].pairs[0][1]


DROP = "delete 'Do not lean on rulers.'"
FLOOR = "delete 'Catch at least 95%.'"
REWORD = "'Catch at least 95%' -> 'Catch 95 of 100'"
LESS = "'at least 95%' -> 'at least 90%'"
SPECIFIC = replace(
    SPEC,
    constraints=(Constraint(metric="specificity[melanoma]", bound=0.8),),
    primary="sensitivity_at_specificity_80[melanoma]",
)


@pytest.mark.parametrize(
    ("edit", "change", "after"),
    [
        (REWORD, "identical parse", SPEC),
        (DROP, "confounders becomes empty", replace(SPEC, confounders=())),
        (DROP, "confounders=[hair]", replace(SPEC, confounders=(Confounder(name="hair"),))),
        (FLOOR, "operating_constraints=[]; primary auroc", AUROC),
        (LESS, "operating_constraints=[sensitivity>=0.90 melanoma hard]; primary specificity_at_sensitivity 0.90",
            replace(SPEC, constraints=(Constraint(metric="sensitivity[melanoma]", bound=0.9),), primary="specificity_at_sensitivity_90[melanoma]")),
        (LESS, "constraint value becomes 0.90",
            replace(SPEC, constraints=(Constraint(metric="sensitivity[melanoma]", bound=0.9),), primary="specificity_at_sensitivity_90[melanoma]")),
        (LESS, "constraint specificity>=0.80; primary sensitivity_at_specificity 0.80", SPECIFIC),
        (REWORD, "task_type=multiclass_classification; positive_class=null", replace(SPEC, task=MULTICLASS, positive="", priorities=(), primary="auroc")),
        (REWORD, "supervision.kind=mixed", replace(SPEC, supervision=Supervision(kind="mixed"))),
        (REWORD, "unit lesion", replace(SPEC, unit="lesion")),
        (REWORD, "protected_subgroups sex criterion=equal max_gap=0.05", replace(SPEC, subgroups=(Subgroup(attribute="sex", criterion="equal", max_gap=0.05),))),
        (REWORD, "max_gap=0.05", replace(SPEC, subgroups=(Subgroup(attribute="sex", criterion="equal", max_gap=0.05),))),
        (REWORD, "abstention budget 10%", replace(SPEC, abstention=Abstention(allowed=True, at_most=0.1))),
        (REWORD, "cost values 10/2/1", replace(SPEC, costs=(Cost(true="a", called="b", weight=5), Cost(true="a", called="c", weight=1), Cost(true="c", called="b", weight=0.5)))),
        ("remove ruler from the manifest", "confounder stays with metadata_column=null", replace(SPEC, confounders=(Confounder(name="ruler"),))),
        ("remove ruler from the manifest", "no field changes", replace(SPEC, confounders=(Confounder(name="ruler"),))),
    ],
)  # fmt: skip
def test_a_pair_is_passed_if_what_is_named_changes_and_nothing_else(edit, change, after):
    assert problem(edit, change, parsed(after)) == ""


@pytest.mark.parametrize(
    ("edit", "change", "after", "why"),
    [
        (REWORD, "identical parse", replace(SPEC, unit="lesion"), "unit"),
        (REWORD, "identical parse", replace(SPEC, primary="auroc"), "primary"),
        (REWORD, "identical parse", replace(SPEC, constraints=()), "constraints"),
        (DROP, "no field changes", replace(SPEC, confounders=()), "confounders"),
        (DROP, "confounders becomes empty", SPEC, "confounders"),
        (DROP, "confounders becomes empty", replace(SPEC, confounders=(), primary="auroc"), "primary"),
        (DROP, "confounders becomes empty", replace(SPEC, confounders=(), constraints=()), "constraints"),
        (FLOOR, "operating_constraints=[]; primary auroc", replace(AUROC, positive="other"), "positive"),
        (FLOOR, "operating_constraints=[]; primary auroc", replace(AUROC, task=MULTICLASS), "task"),
        (FLOOR, "operating_constraints=[]; primary auroc", replace(AUROC, subgroups=(Subgroup(attribute="sex"),)), "subgroups"),
        (LESS, "constraint specificity>=0.80; primary sensitivity_at_specificity 0.80", replace(SPECIFIC, constraints=SPEC.constraints), "constraints"),
        (LESS, "constraint specificity<=0.80; primary sensitivity_at_specificity 0.80", SPECIFIC, "constraints"),
        (LESS, "constraint specificity>=0.80; primary sensitivity_at_specificity 0.90", SPECIFIC, "primary"),
        (REWORD, "max_gap=0.05", SPEC, "no subgroup"),
        (REWORD, "cost values 10/2/1", replace(SPEC, costs=(Cost(true="a", called="b", weight=10),)), "weights"),
        ("remove ruler from the manifest", "confounder stays with metadata_column=null", SPEC, "column"),
        ("remove ruler from the manifest", "confounder stays with metadata_column=null", replace(SPEC, confounders=()), "confounders"),
        ("delete 'no such words'", "identical parse", SPEC, "not judged: the request has no 'no such words'"),
        (REWORD, "the mood brightens", SPEC, "not judged: the mood brightens"),
    ],
)  # fmt: skip
def test_a_pair_is_not_passed_otherwise_and_says_why(edit, change, after, why):
    assert why in problem(edit, change, parsed(after))


def test_a_positive_class_must_take_its_metrics_with_it():
    bcc = replace(
        SPEC,
        positive="other",
        primary="specificity_at_sensitivity_95[other]",
        constraints=(Constraint(metric="sensitivity[other]", bound=0.95),),
    )
    edit, change = "'melanoma' -> 'other'", "positive_class=other and all other metrics"
    assert problem(edit, change, parsed(bcc)) == ""
    assert "not for other" in problem(edit, change, parsed(replace(bcc, primary=SPEC.primary)))


@pytest.mark.parametrize(
    ("change", "questions", "passed"),
    [
        ("no clarification", (), True),
        ("no clarification", ("resolve_from_data",), True),
        ("no clarification", ("confirm_default",), False),
        ("clarification_needed=true (why?)", ("confirm_default",), True),
        ("clarification_needed=true (why?)", (), False),
        ("clarification_level=blocking", ("blocking",), True),
        ("clarification_level=blocking", ("confirm_default",), False),
        ("no blocking question", ("blocking",), False),
        ("still blocking", ("confirm_default",), False),
    ],
)
def test_the_level_is_checked_where_it_is_named(change, questions, passed):
    after = parsed(SPEC, *(ask(level) for level in questions))
    assert (problem(REWORD, change, after) == "") == passed


@pytest.mark.parametrize(
    ("change", "kinds", "passed"),
    [
        ("clarification_level=confirm_default (undefined_floor)", ["undefined_floor"], True),
        ("clarification_level=confirm_default (undefined_floor)", ["label_policy"], False),
        ("clarification kind reduces to insufficient_sample only", ["insufficient_sample"], True),
        ("clarification kind reduces to insufficient_sample only", ["insufficient_sample", "label_policy"], False),
        ("insufficient_sample remains", ["insufficient_sample", "label_policy"], True),
        ("no abstention budget question; reference_standard question stays", ["reference_standard"], True),
        (
            "no abstention budget question; reference_standard question stays",
            ["reference_standard", "abstention_budget"],
            False,
        ),
        ("no conflict", ["conflicting_constraints"], False),
    ],
)
def test_kinds_of_questions_are_checked_where_they_are_named(change, kinds, passed):
    after = parsed(SPEC, *(ask(kind=kind) for kind in kinds))
    assert (problem(REWORD, change, after) == "") == passed


def test_questions_are_part_of_what_stays_identical():
    asking = parsed(SPEC, ask(kind="label_policy"))
    assert "level" in problem(REWORD, "identical parse", asking)
    other = parsed(SPEC, ask(kind="undefined_floor"))
    assert "questions" in problem(REWORD, "identical parse", other, before=asking)


def test_nothing_understood_cannot_stay_identical():
    nothing = ParsedRequest(spec=None, read_back="", questions=(ask("blocking"),))
    assert "nothing was understood" in problem(REWORD, "identical parse", nothing, before=nothing)


def test_what_was_refused_may_become_anything_that_is_understood():
    refused = ParsedRequest(spec=None, read_back="", refusal="no")
    edit, change = "replace the request by 'Detect pneumonia'", "in_scope=true, refuse=false"
    assert problem(edit, change, parsed(), before=refused) == ""
    assert "refused" in problem(edit, change, refused, before=refused)
    nothing = ParsedRequest(spec=None, read_back="", questions=(ask("blocking"),))
    assert "nothing is understood" in problem(edit, change, nothing, before=refused)


def test_what_rested_on_removed_words_may_be_gone_but_not_replaced():
    guarded = replace(
        SPEC, guardrails=(Guardrail(metric="auroc", margin=0.0),), grounding=(*SPEC.grounding, said("guardrails.auroc", "Do not lean on rulers"))
    )  # fmt: skip
    asking, change = (ask(kind="undefined_floor"),), "clarification_level=confirm_default (undefined_floor)"
    assert problem(DROP, change, parsed(replace(SPEC, confounders=()), *asking), before=parsed(guarded)) == ""
    worse = replace(SPEC, confounders=(), guardrails=(Guardrail(metric="auroc", margin=0.1),))
    assert "constraints" in problem(DROP, change, parsed(worse, *asking), before=parsed(guarded))
    hair = replace(SPEC, confounders=(Confounder(name="hair"),))
    assert "confounders" in problem(DROP, change, parsed(hair, *asking))
    assert "confounders" in problem(FLOOR, change, parsed(replace(SPEC, confounders=()), *asking))


def test_a_number_that_the_edit_writes_may_stand_where_the_old_one_stood():
    less = replace(
        SPEC,
        constraints=(Constraint(metric="sensitivity[melanoma]", bound=0.85),),
        primary="specificity_at_sensitivity_85[melanoma]",
    )
    change = "clarification kind reduces to insufficient_sample only"
    asking = (ask(kind="insufficient_sample"),)
    assert problem("change both to 85%", change, parsed(less, *asking)) == ""
    assert "constraints" in problem("change both to 80%", change, parsed(less, *asking))
    math_off = replace(less, constraints=(Constraint(metric="sensitivity[melanoma]", bound=0.85, op="<="),))
    assert "constraints" in problem("change both to 85%", change, parsed(math_off, *asking))


def test_an_open_point_must_be_marked_as_a_default():
    spec = replace(SPEC, primary="sensitivity_at_specificity_80[melanoma]")
    marked = replace(
        spec, grounding=(*spec.grounding, Grounding(field="primary.specificity", source="default", words="ours"))
    )
    change = "primary sensitivity_at_specificity null"
    assert problem(REWORD, change, parsed(marked)) == ""
    assert "primary" in problem(REWORD, change, parsed(spec))
    assert not math.isnan(spec.operating_point.at_least)
