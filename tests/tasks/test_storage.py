from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.domain.errors import StudyInUse, StudyNotFound
from tasks.domain.evaluation import Comparison, Difference, Estimate, Evaluation
from tasks.domain.request import Budget, Request
from tasks.domain.round import Hypothesis, Judgement, Round, Verdict
from tasks.storage import StudyFolder, as_json, from_json, write_atomically


def a_round(number: int) -> Round:
    return Round(
        number=number,
        hypothesis=Hypothesis(title="nothing", technique="none", settings={"gamma": 2.0}),
        judgement=Judgement(verdict=Verdict.KEPT, reason="better"),
        incumbent=0,
        commit="abc",
        metrics={"auroc": 0.9, "f1_macro": math.nan},
    )


def test_undefined_numbers_survive_as_null_in_valid_json() -> None:
    record = a_round(1)
    text = as_json(record)
    assert json.loads(text, parse_constant=lambda _: pytest.fail("not valid JSON"))["score"] is None
    again = from_json(Round, text)
    assert math.isnan(again.score)
    assert math.isnan(again.metrics["f1_macro"])
    assert again.judgement.verdict is Verdict.KEPT


def test_a_round_recorded_before_edits_were_mended_still_loads() -> None:
    old = json.loads(as_json(a_round(1)))
    del old["mends"]
    assert from_json(Round, json.dumps(old)).mends == ()


def test_an_evaluation_reads_back_as_it_was_written() -> None:
    estimate = Estimate(value=0.9, low=0.8, high=1.0)
    comparison = Comparison(initial=estimate, final=estimate, difference=Difference(value=0, low=0, high=0, p=1))
    evaluation = Evaluation(
        primary="auroc",
        metrics={"auroc": comparison},
        n=3,
        n_groups=2,
        opened_at="now",
        class_counts={"mel": 1},
        thresholds={"initial": 0.5},
    )
    again = from_json(Evaluation, as_json(evaluation))
    assert again.metrics["auroc"].initial.high == 1.0
    assert math.isnan(again.metrics["auroc"].difference.p_holm)


def test_a_request_reads_back_with_its_missing_table(tmp_path: Path) -> None:
    request = Request(text="x", images=tmp_path, budget=Budget(rounds=2))
    assert from_json(Request, as_json(request)) == request


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    with pytest.raises(StudyNotFound, match=r"no spec\.json"):
        StudyFolder(tmp_path).spec()


def test_a_damaged_record_is_refused() -> None:
    with pytest.raises(StudyNotFound, match="no round record"):
        from_json(Round, '{"number": ')
    with pytest.raises(StudyNotFound, match="no round record"):
        from_json(Round, '{"number": 1}')


def test_a_round_under_way_is_not_a_finished_one(tmp_path: Path) -> None:
    study = StudyFolder(tmp_path)
    study.finish_round(study.begin_round(0), a_round(0))
    left_over = study.begin_round(1)
    (left_over / "junk").write_text("half")
    assert [item.number for item in study.rounds()] == [0]
    again = study.begin_round(1)
    assert list(again.iterdir()) == []
    study.finish_round(again, a_round(1))
    assert [item.number for item in study.rounds()] == [0, 1]


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_atomically(path, "old")
    with pytest.raises(TypeError):
        write_atomically(path, None)  # type: ignore[arg-type]
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["a.txt"]


def test_two_processes_cannot_work_on_one_study(tmp_path: Path) -> None:
    program = (
        "from pathlib import Path; from tasks.storage import StudyFolder; from tasks.domain.errors import StudyInUse\n"
        "try:\n  StudyFolder(Path('{}')).locked().__enter__()\nexcept StudyInUse: print('in use')"
    )
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", program.replace("{}", str(tmp_path))]
    with StudyFolder(tmp_path).locked():
        assert subprocess.run(command, capture_output=True, text=True, check=True, cwd=root).stdout == "in use\n"
    assert subprocess.run(command, capture_output=True, text=True, check=True, cwd=root).stdout == ""
    with StudyFolder(tmp_path).locked(), pytest.raises(StudyInUse), StudyFolder(tmp_path).locked():
        pass
