"""The pieces of the benchmark of verdicts, against slower or simpler ways to the same figures."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import simulating
from fast_auc import compare, placements
from replaying import Candidate, replay, replay_study
from reseeding import outcome
from rules import OURS, RULES, Numbers
from scipy.stats import norm
from simulating import keeps, protocol_of, simulate
from sklearn.metrics import roc_auc_score
from streams import MIXED, NULL, RESEEDED, after, best_attainable, draw_stream

from tasks.development_set import Validation
from tasks.domain.round import Hypothesis, Judgement, Round, Verdict
from tasks.domain.spec import OperatingPoint, Spec, SpecClass
from tasks.scoring.delong import delong
from tasks.storage import StudyFolder
from tasks.uncertainty import paired_difference

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "verdicts.py"
CLASSES = ("negative", "positive")


@pytest.fixture(scope="module")
def mixed():
    return draw_stream(MIXED, studies=12, rounds=8, images=200, seed=3)


def two_models(studies=5, images=150, positives=30):
    random = np.random.default_rng(1)
    first = random.normal(size=(studies, images))
    second = 0.9 * first + 0.4 * random.normal(size=(studies, images))
    first[:, :positives] += 1.2
    second[:, :positives] += 1.4
    return first, second, (np.arange(images) < positives).astype(int)


def test_fast_aucs_are_those_of_scikit_learn() -> None:
    scores, _, labels = two_models()
    expected = [roc_auc_score(labels, row) for row in scores]
    assert placements(scores, 30).aucs == pytest.approx(expected)


def test_fast_errors_are_those_of_delong_and_close_to_the_bootstrap() -> None:
    first, second, labels = two_models()
    shown = compare(placements(first, 30), placements(second, 30))
    for study in range(len(first)):
        exact = delong(labels == 1, first[study], second[study], np.arange(len(labels)))
        assert 2 * min(shown.p[study], 1 - shown.p[study]) == pytest.approx(exact.p, rel=0.02)
        drawn = paired_difference(
            "auroc", labels, simulating._probabilities(first[study]), simulating._probabilities(second[study]),
            np.arange(len(labels)), classes=CLASSES, incumbent_thresholds={}, candidate_thresholds={}, resamples=2000, seed=0,
        )  # fmt: skip
        assert shown.difference[study] == pytest.approx(drawn.difference)
        assert shown.paired_error[study] == pytest.approx(drawn.standard_error, rel=0.1)


@pytest.mark.parametrize("kind", [RESEEDED, NULL, MIXED])
def test_models_have_the_auc_that_they_are_said_to_have(kind) -> None:
    stream = draw_stream(kind, studies=40, rounds=2, images=2000)
    truth = np.full(40, 0.85)
    noise = stream.baseline()
    for number in (0, 1, 2):
        noise = stream.candidates(noise, number) if number else noise
        found = placements(stream.scores(noise, truth), stream.positives).aucs
        assert found.mean() == pytest.approx(0.85, abs=4 * found.std() / math.sqrt(40))


def test_candidates_go_with_the_incumbent_as_much_as_was_asked() -> None:
    stream = draw_stream(NULL, studies=3, rounds=1, images=5000, correlation=(0.9, 0.9))
    incumbent = stream.baseline()
    candidate = stream.candidates(incumbent, 1)
    assert [np.corrcoef(*pair)[0, 1] for pair in zip(incumbent, candidate, strict=True)] == pytest.approx(
        [0.9] * 3, abs=0.02
    )


def test_a_mixed_stream_holds_the_shares_that_are_stated() -> None:
    effects = draw_stream(MIXED, studies=400, rounds=30, images=100).effects
    assert (effects > 0).mean() == pytest.approx(0.15, abs=0.01)
    assert (effects < 0).mean() == pytest.approx(0.25, abs=0.015)
    assert effects[effects > 0].mean() == pytest.approx(0.05, rel=0.1)
    assert not draw_stream(NULL, studies=4, rounds=30, images=100).effects.any()


def test_effects_are_parts_of_the_way_to_go() -> None:
    assert after(np.array([0.8]), np.array([0.1])) == pytest.approx(0.82)
    effects = np.array([[0.1, -0.5, 0.5, 0.0]])
    assert best_attainable(np.array([0.8]), effects) == pytest.approx(1 - 0.2 * 0.9 * 0.5)


def test_the_books_of_a_study_balance(mixed) -> None:
    found = simulate(mixed, "strict", auc=0.85, resamples=50)
    taken = np.where(found.accepted, mixed.effects, 0.0)
    assert found.true_gain == pytest.approx(0.15 - 0.15 * np.prod(1 - taken, axis=1))
    assert (found.booked_gain >= 0).all()
    summary = found.summary()
    assert summary["gap"][0] == pytest.approx(summary["booked_gain"][0] - summary["true_gain"][0])
    assert summary["false_accepts"][0] <= summary["accepts"][0]


def test_rounds_itself_is_asked_and_the_short_cut_changes_nothing(mixed) -> None:
    quick = simulate(mixed, OURS, auc=0.85, resamples=200)
    slow = simulate(mixed, OURS, auc=0.85, resamples=200, surely_not=-math.inf)
    assert (quick.accepted == slow.accepted).all()
    formula = RULES[OURS]
    agreed = [formula(Numbers(difference=d, unpaired_error=1, paired_error=1, p=0.5)) for d in (0.9, 1.1)]
    assert agreed == [False, True]


def test_an_oracle_would_keep_all_there_is_to_gain(mixed) -> None:
    best = best_attainable(np.full(12, 0.85), mixed.effects) - 0.85
    found = replace(simulate(mixed, "strict", auc=0.85, resamples=50), true_gain=best)
    assert found.summary()["share_of_best"] == (pytest.approx(1), pytest.approx(0))


def test_a_stricter_rule_accepts_less(mixed) -> None:
    accepts = [simulate(mixed, rule, auc=0.85, resamples=100).accepted.sum() for rule in ("strict", OURS, "p < 0.05")]
    assert accepts == sorted(accepts, reverse=True)
    assert accepts[0] > accepts[2] > 0


def test_rounds_keeps_a_clear_gain_and_no_clear_loss() -> None:
    labels = (np.arange(200) < 40).astype(int)
    noise = np.random.default_rng(0).normal(size=200)
    weak, strong = noise + 0.5 * labels, noise + 2.0 * labels
    aucs = [roc_auc_score(labels, item) for item in (weak, strong)]
    assert keeps(labels, (weak, strong), tuple(aucs), protocol_of(200), 1)
    assert not keeps(labels, (strong, weak), tuple(aucs[::-1]), protocol_of(200), 1)


def models(shifts, images=300):
    """Return models of one chain, whose positives are shifted by these amounts, with the images that they were scored on."""
    labels = (np.arange(images) < images // 5).astype(np.int64)
    random = np.random.default_rng(5)
    noise, found = random.normal(size=images), []
    for number, shift in enumerate(shifts):
        noise = 0.95 * noise + math.sqrt(1 - 0.95**2) * random.normal(size=images)
        scores = simulating._probabilities(noise + shift * labels)
        found.append(Candidate(number=number, scores=scores, metrics={"auroc": roc_auc_score(labels, scores[:, 1])}))
    return found, Validation([f"{i}.png" for i in range(images)], labels, np.arange(images))


def test_a_replay_books_what_its_last_kept_model_gained() -> None:
    candidates, validation = models([1.0, 1.0, 2.0, 0.5, 2.01])
    for rule in RULES:
        found = replay(rule, candidates, validation, protocol_of(300), CLASSES)
        assert 2 in found.kept, rule
        assert 3 not in found.kept, rule
        last = candidates[found.kept[-1]].metrics["auroc"]
        assert found.booked == pytest.approx(last - candidates[0].metrics["auroc"])
        assert found.supported >= 1


def test_a_replay_under_the_strict_rule_climbs_over_every_better_value() -> None:
    candidates, validation = models([1.0] * 8)
    found = replay("strict", candidates, validation, protocol_of(100), CLASSES)
    best, expected = candidates[0].metrics["auroc"], []
    for item in candidates[1:]:
        if item.metrics["auroc"] > best:
            best = item.metrics["auroc"]
            expected.append(item.number)
    assert list(found.kept) == expected


def test_a_study_folder_is_replayed_from_its_predictions_and_failed_rounds_are_passed_over(tmp_path) -> None:
    candidates, validation = models([1.0, 2.0, 2.0])
    study = StudyFolder(tmp_path / "study")
    point = OperatingPoint(fixed="youden", at_least=math.nan, positive="positive")
    spec = Spec(
        task="binary_classification", positive="positive", priorities=(), primary="auroc", secondary=(), operating_point=point,
        classes=tuple(SpecClass(name=name, labels=(name,), description=name) for name in CLASSES),
    )  # fmt: skip
    study.write(spec, "spec.json")
    study.write(replace(protocol_of(300), operating_point=point), "protocol.json")
    names = pd.DataFrame({"image": validation.images})
    study.path("data", "validation").mkdir(parents=True)
    names.to_csv(study.path("data", "validation", "images.csv"), index=False)
    labels = names.assign(label=[CLASSES[label] for label in validation.labels], group=validation.groups)
    study.write(labels, "data", "validation_labels.parquet")
    for number, item in enumerate([candidates[0], None, candidates[1], candidates[2]]):
        verdict = Verdict.FAILED if item is None else Verdict.KEPT
        record = Round(
            number=number, hypothesis=Hypothesis(title="x", technique="x"), judgement=Judgement(verdict=verdict, reason=""),
            incumbent=-1, commit="", metrics=dict(item.metrics) if item else {}, threshold=0.5,
        )  # fmt: skip
        underway = study.begin_round(number)
        if item is not None:
            table = pd.DataFrame(item.scores, columns=list(CLASSES))
            table.insert(0, "image", validation.images)
            table.to_parquet(underway / "predictions.parquet", index=False)
        study.finish_round(underway, record)
    found = replay_study(study.root)
    assert set(found) == set(RULES)
    assert all(1 not in item.kept and item.kept[0] == 2 for item in found.values())


def test_p_and_the_rules_look_at_what_their_names_say() -> None:
    shown = Numbers(difference=0.01, unpaired_error=0.02, paired_error=0.008, p=norm.sf(0.01 / 0.008))
    assert {name: bool(rule(shown)) for name, rule in RULES.items()} == {
        "strict": True,
        "better by 0.0001": True,
        "one unpaired standard error": False,
        OURS: True,
        "p < 0.05": False,
    }


def test_the_script_prints_a_table_and_one_line_of_json() -> None:
    command = [sys.executable, str(SCRIPT), "--studies", "3", "--rounds", "2", "--images", "100", "--streams", "null"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines[-1].startswith('{"studies": 3, "rounds": 2, "null 100"')
    assert any(line.startswith("  strict") for line in lines)


def test_what_a_drill_booked_is_held_against_its_test_set() -> None:
    candidates, images = models([1.0, 2.0, 0.5])
    scores = {item.number: item.scores for item in candidates}
    found = replay("strict", candidates, images, protocol_of(100), CLASSES)
    told = outcome(found, 0, scores, images)
    assert (told["accepts"], told["final_is_round"]) == (1, 1)
    assert told["difference_on_test"] == pytest.approx(told["booked_in_validation"], abs=1e-4)  # the same images here
    none = outcome(replace(found, kept=()), 0, scores, images)
    assert (none["accepts"], none["final_is_round"], none["difference_on_test"]) == (0, 0, 0.0)
