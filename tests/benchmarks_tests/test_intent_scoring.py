"""The intent scorer on parses made by hand: each fault costs exactly what it should, and nothing makes it fall over."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from benchmark import score
from hypothesis import given, settings
from hypothesis import strategies as st
from rows import read_rows, row_of

from agents.semantic_parser import ParsedRequest
from tasks.domain.spec import (
    BINARY,
    DETECTION,
    MULTICLASS,
    MULTILABEL,
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
)

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "intent.py"
TEXT = "Find melanoma. Catch at least 95% of them, and do not lean on rulers."
MANIFEST = {"images": 900, "labels": {"melanoma": "binary"}, "metadata": ["patient_id", "ruler"], "split": "given"}
KEY = {
    "refuse": False,
    "task_type": "binary_classification",
    "classes": ["other", "melanoma"],
    "positive_class": "melanoma",
    "primary_metric": {"name": "specificity_at_sensitivity", "target": "melanoma", "fixed_sensitivity": 0.95},
    "operating_constraints": [{"metric": "sensitivity", "op": ">=", "value": 0.95, "target": "melanoma"}],
    "protected_subgroups": [],
    "confounders": [{"name": "ruler", "metadata_column": "ruler"}],
    "clarification_level": "none",
    "clarification_kind": [],
}
PERFECT = {
    "n": 1, "critical": 1.0, "grounded": 1.0, "invented": 0, "clarification": 1.0, "false_silence": 0, "over_asking": 0, "minimal_pairs": 0.0,
}  # fmt: skip


@dataclass(frozen=True)
class ScriptedParser:
    """Answers as it is told; a text that it does not know is a bug of the test."""

    answers: dict[str, ParsedRequest]

    def parse(self, text, profile):
        return self.answers[text]


class BrokenParser:
    """Falls over on every text."""

    def parse(self, text, profile):
        raise RecursionError("too deep")


def said(field, words, text=TEXT):
    start = text.index(words)
    return Grounding(field=field, source="request", words=words, start=start, end=start + len(words))


def found(field, words="the column melanoma"):
    return Grounding(field=field, source="profile", words=words)


def ours(field, words="nothing was said of it"):
    return Grounding(field=field, source="default", words=words)


def classes(*names):
    return tuple(SpecClass(name=name, labels=(name,), description=name) for name in names)


NO_POINT = OperatingPoint(fixed="youden", at_least=math.nan, positive="")
SPEC = Spec(
    task=BINARY,
    classes=(
        SpecClass(name="no_melanoma", labels=("0",), description="no melanoma"),
        SpecClass(name="melanoma", labels=("1",), description="melanoma"),
    ),
    positive="melanoma",
    priorities=(),
    primary="specificity_at_sensitivity_95[melanoma]",
    secondary=(),
    operating_point=OperatingPoint(fixed="sensitivity", at_least=0.95, positive="melanoma"),
    constraints=(Constraint(metric="sensitivity[melanoma]", bound=0.95),),
    confounders=(Confounder(name="ruler", column="ruler"),),
    grounding=(
        found("task"), found("unit"), found("classes"), said("positive", "melanoma"), said("primary", "at least 95%"),
        said("operating_point", "at least 95%"), said("constraints.sensitivity[melanoma]", "at least 95%"), said("confounders.ruler", "rulers"),
    ),
)  # fmt: skip


def parsed(spec=SPEC, questions=(), *, blocked=False, refusal="", read_back="nothing was said of it"):
    return ParsedRequest(
        spec=None if blocked else spec, read_back=read_back, questions=questions, refusal=refusal, draft=spec
    )


def row(text=TEXT, pairs=(), **key):
    return row_of(
        {"id": "X", "request": text, "data_manifest": MANIFEST, "expected": KEY | key, "minimal_pairs": list(pairs)}
    )


def result(answer, the_row=None):
    the_row = the_row or row()
    return score([the_row], ScriptedParser({the_row.request: answer})).as_json()


def verdicts(answer, the_row=None):
    the_row = the_row or row()
    scored = score([the_row], ScriptedParser({the_row.request: answer})).rows[0]
    assert not scored.problem
    return {verdict.slot: verdict for verdict in scored.verdicts}


def wrong(answer, the_row=None):
    return [slot for slot, verdict in verdicts(answer, the_row).items() if not verdict.right]


def ask(level="confirm_default", kind="", field="x"):
    return Question(field=field, text=f"{field}?", level=level, kind=kind)


def test_a_perfect_parse_scores_full_marks():
    assert result(parsed()) == PERFECT


def test_a_limit_in_the_wrong_direction_fails_the_request_and_is_grave():
    spec = replace(SPEC, constraints=(Constraint(metric="sensitivity[melanoma]", bound=0.95, op="<="),))
    assert result(parsed(spec)) == PERFECT | {"critical": 0.0}
    assert verdicts(parsed(spec))["constraints"].fatal


def test_a_wrong_value_of_a_limit_is_wrong_but_not_grave():
    spec = replace(SPEC, constraints=(Constraint(metric="sensitivity[melanoma]", bound=0.9),))
    assert result(parsed(spec))["critical"] == 0.0
    assert not verdicts(parsed(spec))["constraints"].fatal


def test_a_wrong_positive_class_fails_the_request_and_is_grave():
    spec = replace(SPEC, positive="no_melanoma")
    assert result(parsed(spec))["critical"] == 0.0
    assert verdicts(parsed(spec))["positive"].fatal


def test_an_invented_confounder_is_counted_and_is_not_grounded():
    spec = replace(SPEC, confounders=(*SPEC.confounders, Confounder(name="hair")))
    assert result(parsed(spec)) == PERFECT | {"critical": 0.0, "invented": 1, "grounded": round(9 / 10, 4)}


def test_a_confounder_that_the_request_names_is_wrong_but_not_invented():
    text = TEXT + " Nor on hair."
    spec = replace(
        SPEC,
        confounders=(*SPEC.confounders, Confounder(name="hair")),
        grounding=(*SPEC.grounding, said("confounders.hair", "hair", text)),
    )
    assert result(parsed(spec), row(text)) == PERFECT | {"critical": 0.0}


@pytest.mark.parametrize(
    ("spec", "invented"),
    [
        (replace(SPEC, constraints=(*SPEC.constraints, Constraint(metric="specificity[melanoma]", bound=0.8))), 1),
        (replace(SPEC, subgroups=(Subgroup(attribute="age"),)), 1),
        (replace(SPEC, guardrails=(Guardrail(metric="auroc", margin=0.02),)), 1),
        (replace(SPEC, costs=(Cost(true="melanoma", called="no_melanoma", weight=10),)), 1),
        (replace(SPEC, abstention=Abstention(allowed=True)), 1),
        (replace(SPEC, abstention=Abstention(allowed=True, at_most=0.1)), 2),
        (replace(SPEC, primary="auroc", operating_point=OperatingPoint(fixed="specificity", at_least=0.9, positive="melanoma"),
            grounding=tuple(item for item in SPEC.grounding if item.field != "operating_point")), 1),
    ],
)  # fmt: skip
def test_each_kind_of_value_can_be_invented(spec, invented):
    assert result(parsed(spec))["invented"] == invented


def test_words_without_a_number_support_no_number():
    spec = replace(
        SPEC,
        constraints=(*SPEC.constraints, Constraint(metric="specificity[melanoma]", bound=0.8)),
        grounding=(*SPEC.grounding, said("constraints.specificity[melanoma]", "rulers")),
    )
    assert result(parsed(spec))["invented"] == 1


def test_what_must_stop_and_does_not_is_a_false_silence():
    assert result(parsed(), row(clarification_level="blocking")) == PERFECT | {"clarification": 0.0, "false_silence": 1}
    assert result(parsed(), row(refuse=True, clarification_level="blocking"))["false_silence"] == 1


def test_a_question_that_does_not_block_is_still_a_false_silence():
    answer = parsed(questions=(ask(),))
    assert result(answer, row(clarification_level="blocking"))["false_silence"] == 1


def test_a_blocking_question_and_a_refusal_both_stop():
    blocking = parsed(questions=(ask("blocking"),), blocked=True)
    assert result(blocking, row(clarification_level="blocking")) == PERFECT
    refused = ParsedRequest(spec=None, read_back="no", refusal="out of scope")
    assert result(refused, row(refuse=True, task_type="none", clarification_level="blocking")) == PERFECT | {
        "grounded": 0.0
    }


def test_a_refusal_of_what_is_in_scope_is_wrong():
    refused = ParsedRequest(spec=None, read_back="no", refusal="out of scope")
    assert {"refuse", "task", "positive", "primary", "constraints"} <= set(wrong(refused))


@pytest.mark.parametrize(
    ("level", "questions", "too_many"),
    [
        ("none", (ask(), ask(field="y")), 2),
        ("none", (ask("resolve_from_data"),), 0),
        ("resolve_from_data", (ask(), ask("resolve_from_data")), 1),
        ("confirm_default", (ask(),) * 3, 0),
        ("confirm_default", (ask(),) * 5, 2),
        ("blocking", (ask("blocking"),) * 4, 1),
    ],
)
def test_questions_are_too_many_where_none_is_needed_or_beyond_three(level, questions, too_many):
    assert result(parsed(questions=questions), row(clarification_level=level))["over_asking"] == too_many


def test_the_level_must_be_the_expected_one_exactly():
    for expected in ("none", "resolve_from_data", "confirm_default", "blocking"):
        for got in ("resolve_from_data", "confirm_default", "blocking"):
            answer = parsed(questions=(ask(got),), blocked=got == "blocking")
            assert result(answer, row(clarification_level=expected))["clarification"] == float(expected == got)


def test_kinds_of_questions_that_are_missed_are_listed():
    the_row = row(clarification_level="confirm_default", clarification_kind=["missing_threshold", "label_policy"])
    scored = score([the_row], ScriptedParser({TEXT: parsed(questions=(ask(kind="label_policy"),))})).rows[0]
    assert scored.kinds_missed == ("missing_threshold",)


# --- grounding --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ground",
    [
        Grounding(field="positive", source="request", words="melanoma", start=0, end=8),
        Grounding(field="positive", source="request", words="melanoma"),
        Grounding(field="positive", source="request", words="", start=3, end=3),
        Grounding(field="positive", source="profile", words="obviously"),
        Grounding(field="positive", source="default", words="this reason is told nowhere"),
        Grounding(field="positive", source="guess", words="melanoma", start=5, end=13),
    ],
)
def test_a_ground_that_does_not_hold_grounds_nothing(ground):
    spec = replace(SPEC, grounding=(*(item for item in SPEC.grounding if item.field != "positive"), ground))
    assert result(parsed(spec)) == PERFECT | {"grounded": round(8 / 9, 4)}


@pytest.mark.parametrize("ground", [found("positive"), ours("positive"), said("positive", "Find melanoma")])
def test_words_facts_and_told_defaults_ground(ground):
    spec = replace(SPEC, grounding=(*(item for item in SPEC.grounding if item.field != "positive"), ground))
    assert result(parsed(spec))["grounded"] == 1.0


def test_a_default_may_be_told_in_a_question_or_wait_while_one_blocks():
    spec = replace(SPEC, grounding=(*(item for item in SPEC.grounding if item.field != "positive"), ours("positive")))
    assert result(parsed(spec, read_back=""))["grounded"] < 1.0
    assert result(parsed(spec, (ask(field="positive"),), read_back=""))["grounded"] == 1.0
    assert result(parsed(spec, (ask("blocking"),), blocked=True, read_back=""))["grounded"] == 1.0


def test_a_parse_that_fills_nothing_has_no_share_that_is_grounded():
    assert result(ParsedRequest(spec=None, read_back="?", questions=(ask("blocking"),)))["grounded"] == 0.0


# --- slots ------------------------------------------------------------------------------------------------------------


def several(primary="auroc", priorities=("mel",), **more):
    return Spec(
        task=MULTICLASS, classes=classes("mel", "nv", "bcc"), positive="", priorities=priorities, primary=primary, secondary=(), operating_point=NO_POINT, **more
    )  # fmt: skip


SEVERAL = {
    "task_type": "multiclass_classification", "classes": ["mel", "nv", "bcc"], "operating_constraints": [], "confounders": [], "positive_class": "melanoma",
    "primary_metric": {"name": "macro_auroc", "target": None},
}  # fmt: skip


def test_the_class_put_first_is_the_positive_one_of_several():
    assert wrong(parsed(several()), row(**SEVERAL)) == []
    assert wrong(parsed(several(priorities=("nv", "mel"))), row(**SEVERAL)) == ["positive"]
    assert wrong(parsed(several(priorities=())), row(**SEVERAL)) == ["positive"]


def test_a_positive_class_that_the_key_leaves_open_must_not_be_chosen():
    key = SEVERAL | {"positive_class": None}
    assert wrong(parsed(several()), row(**key)) == ["positive"]
    assert wrong(parsed(several(priorities=())), row(**key)) == []
    assert wrong(parsed(several(), (ask("blocking", kind="objective"),), blocked=True), row(**key)) == []


def test_an_open_task_and_metric_must_be_asked_about_or_left_empty():
    key = {
        "task_type": None,
        "positive_class": None,
        "primary_metric": None,
        "operating_constraints": [],
        "confounders": [],
    }
    empty = ParsedRequest(spec=None, read_back="?", questions=(ask("blocking"),))
    assert wrong(empty, row(**key)) == []
    assert set(wrong(parsed(several()), row(**key))) == {"task", "positive", "primary"}
    assert wrong(parsed(several(), (ask("blocking", kind="task_type"),), blocked=True), row(**key)) == []
    assert set(wrong(parsed(several(), (ask(kind="task_type"),)), row(**key))) == {"task", "positive", "primary"}


def test_a_group_of_classes_is_matched_as_a_set():
    key = SEVERAL | {"positive_class": "malignant(mel,bcc)"}
    assert wrong(parsed(several(priorities=("bcc", "mel"))), row(**key)) == []
    assert wrong(parsed(several(priorities=("mel",))), row(**key)) == ["positive"]
    assert wrong(parsed(several(priorities=("mel", "bcc", "nv"))), row(**key)) == ["positive"]


def test_a_group_may_be_the_positive_class_of_two():
    malignant = SpecClass(name="dangerous", labels=("mel", "bcc"), description="what is dangerous")
    spec = Spec(
        task=BINARY, classes=(*classes("nv"), malignant), positive="dangerous", priorities=(), primary="auroc", secondary=(), operating_point=NO_POINT
    )  # fmt: skip
    key = SEVERAL | {
        "task_type": "binary",
        "classes": ["nv", "malignant"],
        "primary_metric": {"name": "auroc", "target": None},
    }
    assert wrong(parsed(spec), row(**key | {"positive_class": "malignant(mel,bcc)"})) == []
    assert wrong(parsed(spec), row(**key | {"positive_class": "malignant(mel,nv)"})) == ["positive", "primary"]


@pytest.mark.parametrize("positive", ["melanoma", "Melanoma", "melanomas", "mel", "MEL"])
def test_class_names_are_compared_by_their_meaning(positive):
    assert wrong(parsed(), row(positive_class=positive)) == []


@pytest.mark.parametrize("positive", ["no_melanoma", "nevus", "non-melanoma", ""])
def test_other_class_names_are_wrong(positive):
    assert "positive" in wrong(parsed(), row(positive_class=positive))


def test_a_default_that_the_key_leaves_open_must_be_called_a_default():
    key = SEVERAL | {
        "primary_metric": {"name": "sensitivity_at_specificity", "target": "mel", "fixed_specificity": None}
    }
    primary = "sensitivity_at_specificity_80[mel]"
    assert wrong(parsed(several(primary, grounding=(ours("primary.specificity"),))), row(**key)) == []
    assert wrong(parsed(several(primary, grounding=(said("primary", "at least 95%"),))), row(**key)) == ["primary"]


@pytest.mark.parametrize(
    ("primary", "name"),
    [
        ("auroc", "auroc"), ("auroc[melanoma]", "auroc"), ("auroc", "roc_auc"), ("average_precision[melanoma]", "auprc"), ("f1[melanoma]", "f1"),
        ("sensitivity_at_coverage_90[melanoma]", "sensitivity_at_coverage_0.9"), ("specificity[no_melanoma]", "recall"),
    ],
)  # fmt: skip
def test_metrics_of_two_classes_are_compared_as_those_of_the_positive_one(primary, name):
    key = {"primary_metric": {"name": name, "target": "melanoma"}}
    assert wrong(parsed(replace(SPEC, primary=primary)), row(**key)) == []


@pytest.mark.parametrize("primary", ["f1[melanoma]", "auroc[no_melanoma]", "sensitivity_at_specificity_95[melanoma]", "specificity_at_sensitivity_90[melanoma]"])  # fmt: skip
def test_another_metric_class_or_point_is_wrong(primary):
    assert wrong(parsed(replace(SPEC, primary=primary))) == ["primary"]


def test_the_metric_of_one_class_is_not_the_mean_over_classes():
    assert wrong(parsed(several("auroc[mel]")), row(**SEVERAL)) == ["primary"]
    assert wrong(parsed(several("auroc")), row(**SEVERAL | {"primary_metric": {"name": "auroc", "target": "mel"}})) == [
        "primary"
    ]


def test_an_error_rate_at_most_is_a_rate_of_right_answers_at_least():
    bound = {"metric": "false_negative_rate", "op": "<=", "value": 0.05, "target": "melanoma"}
    assert wrong(parsed(), row(operating_constraints=[bound])) == []
    assert wrong(parsed(), row(operating_constraints=[bound | {"op": ">="}])) == ["constraints"]


def test_a_guardrail_is_a_limit_on_the_change_against_the_initial_model():
    spec = Spec(
        task=MULTILABEL, classes=classes("effusion", "oedema"), positive="", priorities=("effusion",), primary="auroc[effusion]", secondary=(),
        operating_point=NO_POINT, guardrails=(Guardrail(metric="auroc[oedema]", margin=0.02),),
    )  # fmt: skip
    bound = {"metric": "auroc_change_vs_initial", "op": ">=", "value": -0.02, "target": "oedema"}
    key = {
        "task_type": "multilabel_classification", "classes": ["effusion", "oedema"], "positive_class": "effusion", "confounders": [],
        "primary_metric": {"name": "auroc", "target": "effusion"}, "operating_constraints": [bound],
    }  # fmt: skip
    assert wrong(parsed(spec), row(**key)) == []
    assert wrong(parsed(spec), row(**key | {"operating_constraints": [bound | {"value": 0.0}]})) == ["constraints"]
    assert wrong(parsed(spec), row(**key | {"operating_constraints": []})) == ["constraints"]


def test_a_gap_between_groups_may_be_a_constraint_of_the_key_and_a_subgroup_of_ours():
    spec = replace(SPEC, subgroups=(Subgroup(attribute="sex", criterion="equal", metric="auroc", max_gap=0.05),))
    group = {"attribute": "sex"}
    gap = {"metric": "auroc_gap", "op": "<=", "value": 0.05, "target": "melanoma", "scope": "sex"}
    constraints = KEY["operating_constraints"]
    assert wrong(parsed(spec), row(protected_subgroups=[group], operating_constraints=[*constraints, gap])) == []
    assert wrong(parsed(spec), row(protected_subgroups=[group])) == []
    other = gap | {"value": 0.1}
    assert wrong(parsed(spec), row(protected_subgroups=[group], operating_constraints=[*constraints, other])) == [
        "constraints"
    ]


def test_a_limit_within_a_subgroup_is_not_the_overall_limit():
    bound = KEY["operating_constraints"][0] | {"scope": "skin_type V-VI"}
    assert wrong(parsed(), row(operating_constraints=[bound])) == ["constraints"]


@pytest.mark.parametrize(
    ("name", "column", "right"),
    [
        ("ruler", "ruler", True), ("rulers", None, True), ("ruler_marks", None, True), ("something", "ruler", True), ("ink", None, False), ("ruler", "ink", False),
    ],
)  # fmt: skip
def test_confounders_are_compared_by_column_else_by_a_telling_word(name, column, right):
    assert (wrong(parsed(), row(confounders=[{"name": name, "metadata_column": column}])) == []) == right


def test_sets_must_be_equal():
    ruler, ink = {"name": "ruler"}, {"name": "ink"}
    assert wrong(parsed(), row(confounders=[ruler, ink])) == ["confounders"]
    assert wrong(parsed(), row(confounders=[])) == ["confounders"]
    assert wrong(parsed(), row(protected_subgroups=[{"attribute": "sex"}])) == ["subgroups"]


ORDER = "mel->nv > bcc->nv >= nv->mel > mel<->bcc"


@pytest.mark.parametrize(("weight", "right"), [(10, True), (5, False), (4, False)])
def test_the_order_of_errors_is_part_of_the_metric(weight, right):
    costs = (("mel", "nv", weight), ("bcc", "nv", 5), ("nv", "mel", 2), ("mel", "bcc", 1), ("bcc", "mel", 1))
    spec = several("expected_cost", costs=tuple(Cost(true=a, called=b, weight=w) for a, b, w in costs))
    key = SEVERAL | {"primary_metric": {"name": "expected_cost", "target": None, "cost_order": ORDER}}
    assert (wrong(parsed(spec), row(**key)) == []) == right
    assert wrong(parsed(several("expected_cost")), row(**key)) == ["primary"]


def test_the_only_kind_of_box_is_what_a_metric_without_a_class_is_for():
    spec = Spec(
        task=DETECTION,
        classes=classes("polyp"),
        positive="",
        priorities=(),
        primary="map50",
        secondary=(),
        operating_point=NO_POINT,
    )
    key = {
        "task_type": "object_detection", "classes": ["polyp"], "positive_class": "polyp", "operating_constraints": [], "confounders": [],
        "primary_metric": {"name": "mAP@0.5", "target": "polyp"},
    }  # fmt: skip
    assert wrong(parsed(spec), row(**key)) == []
    assert wrong(parsed(replace(spec, primary="map50_95")), row(**key)) == ["primary"]


# --- rows that are not as they should be ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "[]",
        "null",
        "3",
        '{"id": "A"}',
        '{"id": "A", "request": "x"}',
        '{"id": "A", "expected": {}}',
        '{"request": 3, "expected": []}',
    ],
)
def test_a_row_that_cannot_be_judged_fails_and_says_why(line):
    summary = score(read_rows(line), ScriptedParser({}))
    assert summary.rows[0].problem
    assert summary.as_json() == PERFECT | {"critical": 0.0, "grounded": 0.0, "clarification": 0.0}


def test_a_parser_that_falls_over_fails_the_row_and_no_other():
    blocking = row(clarification_level="blocking", pairs=[{"edit": "delete 'x'", "expected_change": "identical parse"}])
    summary = score([blocking, row()], BrokenParser())
    assert [item.problem for item in summary.rows] == ["RecursionError: too deep"] * 2
    assert summary.as_json() == PERFECT | {
        "n": 2,
        "critical": 0.0,
        "grounded": 0.0,
        "clarification": 0.0,
        "false_silence": 1,
    }


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
    | st.sampled_from(["melanoma", "sensitivity", ">=", "none", "blocking", "auroc[x]", "a(b,c)", "x->y > y->x", "binary_classification"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["name", "target", "metric", "op", "value", "attribute", "fixed_specificity", "cost_order", "scope"]), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(key=st.dictionaries(st.sampled_from([*KEY, "supervision"]), anything, max_size=8), pairs=anything)
def test_no_key_makes_the_scorer_fall_over(key, pairs):
    the_row = row_of({"id": "X", "request": TEXT, "data_manifest": MANIFEST, "expected": key, "minimal_pairs": pairs})
    summary = score([the_row], ScriptedParser({TEXT: parsed()}))
    assert not summary.rows[0].problem
    assert set(json.loads(json.dumps(summary.as_json()))) == set(PERFECT)


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_ends_with_one_line_of_json(tmp_path):
    file = tmp_path / "requests.jsonl"
    lines = [{"id": "A", "request": TEXT, "data_manifest": MANIFEST, "expected": KEY, "minimal_pairs": []}, {"id": "B"}]
    file.write_text("\n".join(json.dumps(line) for line in lines) + "\n", encoding="utf-8")
    run = subprocess.run([sys.executable, SCRIPT, file], capture_output=True, text=True, check=True, timeout=60)
    assert list(json.loads(run.stdout.splitlines()[-1])) == list(PERFECT)
    assert json.loads(run.stdout.splitlines()[-1])["n"] == 2
    assert "it has no request" in run.stdout
    only = subprocess.run(
        [sys.executable, SCRIPT, file, "--only", "A", "--verbose"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(only.stdout.splitlines()[-1])["n"] == 1
    assert "read-back:" in only.stdout


def test_the_command_needs_no_torch():
    code = f"import sys, runpy; sys.argv = ['intent.py', '--help']\ntry: runpy.run_path({str(SCRIPT)!r}, run_name='__main__')\nexcept SystemExit: pass\nprint('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.splitlines()[-1] == "False"
