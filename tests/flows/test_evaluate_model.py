from __future__ import annotations

import json
from dataclasses import replace

import pytest

from flows.evaluate_model import evaluate
from flows.improve_model import run_rounds
from tasks.domain.errors import HoldoutAlreadyOpened, HoldoutChanged, StudyNotFound
from tasks.ledger import verify
from tasks.storage import as_json


class KilledError(BaseException):
    """Stands for a kill: nothing of ours may catch it."""


class DyingSandbox:
    """Dies in the middle of its first job."""

    name, isolates = "dying", True

    def run(self, job, on_line=None):
        raise KilledError


def events(gate) -> list[str]:
    return [item.event for item in verify(gate.study.path("ledger.jsonl"), anchors=gate.anchors).entries]


def test_initial_and_final_are_scored_together_and_once(workshop, edit, gate) -> None:
    run_rounds(workshop([edit("less noise", 2.0)]))
    evaluation = evaluate(gate)
    item = evaluation.metrics["auroc"]
    assert item.initial.low <= item.initial.value <= item.initial.high
    assert item.difference.value == pytest.approx(item.final.value - item.initial.value)
    assert item.final.value > item.initial.value
    assert 0 < item.difference.p <= 1
    assert evaluation.n == sum(evaluation.class_counts.values()) == 40
    assert events(gate).count("holdout_opened") == 1
    written = gate.study.path("evaluation.json").read_text()
    assert as_json(evaluate(gate)) == written
    assert events(gate).count("holdout_opened") == 1
    json.loads(written, parse_constant=lambda _: pytest.fail("not valid JSON"))


def test_without_an_improvement_initial_and_final_are_the_same_model(workshop, gate) -> None:
    run_rounds(workshop([]))
    item = evaluate(gate).metrics["auroc"]
    assert (item.initial.value, item.initial.low, item.initial.high) == (
        item.final.value,
        item.final.low,
        item.final.high,
    )
    assert (item.difference.value, item.difference.p) == (0.0, 1.0)


def test_a_test_before_any_round_is_refused(gate) -> None:
    with pytest.raises(StudyNotFound, match="no finished round"):
        evaluate(gate)
    assert "holdout_opened" not in events(gate)


def test_an_opening_that_was_cut_short_is_finished_with_the_same_models(workshop, edit, gate) -> None:
    run_rounds(workshop([edit("less noise", 2.0)]))
    whole = as_json(evaluate(gate))
    gate.study.path("evaluation.json").unlink()
    with pytest.raises(HoldoutAlreadyOpened):  # closed: the result existed, so losing it needs a person
        evaluate(gate)
    assert events(gate)[-1] == "holdout_opening_refused"
    assert json.loads(whole)["n"] == 40


def test_another_model_cannot_have_a_second_look(workshop, edit, gate) -> None:
    run_rounds(workshop([]))
    gate.study.path("ended.txt").unlink()
    with pytest.raises(KilledError):
        evaluate(replace(gate, sandbox=DyingSandbox()))
    assert events(gate)[-1] == "holdout_opened"
    run_rounds(workshop([edit("less noise", 2.0)]))
    with pytest.raises(HoldoutAlreadyOpened):
        evaluate(gate)
    assert not gate.study.has("evaluation.json")


def test_a_kill_in_the_evaluation_is_finished_on_resume(workshop, gate) -> None:
    run_rounds(workshop([]))
    with pytest.raises(KilledError):
        evaluate(replace(gate, sandbox=DyingSandbox()))
    assert evaluate(gate).n == 40
    assert events(gate).count("holdout_opened") == 1


def test_a_label_changed_after_the_sealing_is_found(workshop, gate) -> None:
    run_rounds(workshop([]))
    labels = gate.study.path("holdout", "labels.parquet")
    labels.chmod(0o600)
    labels.write_bytes(labels.read_bytes()[:-1] + b"x")
    with pytest.raises(HoldoutChanged, match="labels"):
        evaluate(gate)
