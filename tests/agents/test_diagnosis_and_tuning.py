"""Why an incumbent falls short, in words; settings inside a move; variants that compete in pilot runs; the opening."""

import math
from dataclasses import replace

import pytest

from agents.playbook.catalogue import BY_NAME, TECHNIQUES
from agents.playbook.developer import PlaybookDeveloper
from agents.playbook.diagnosis import (
    CONFUSION,
    EARLY_PEAK,
    OVERFIT,
    UNDERFIT,
    UNUSED_BUDGET,
    WEAK_CLASS,
    fit_of,
    shortfalls,
)
from agents.playbook.tuning import tuned_rungs
from agents.playbook.variants import LEAST_ROUND_SECONDS, MOST_VARIANTS
from tasks.domain.round import Confusion, Hypothesis, Judgement, Round, Verdict

ENTROPY = math.log(2)


def incumbent(**facts):
    return Round(
        number=0,
        hypothesis=Hypothesis(title="baseline", technique="baseline"),
        judgement=Judgement(verdict=Verdict.BASELINE, reason=""),
        incumbent=-1,
        commit="0",
        score=0.9,
        **facts,
    )


def kinds(round_, fit=0.0, used=1.0, priorities=("mel",), **options):
    return [item.kind for item in shortfalls(round_, fit=fit, used=used, priorities=priorities, **options)]


def test_the_gap_between_the_losses_says_overfit_whatever_the_training_loss():
    assert fit_of(0.3 * ENTROPY, 1.0 * ENTROPY, ENTROPY) == 1.0
    assert fit_of(0.05 * ENTROPY, 0.1 * ENTROPY, ENTROPY) == 0.0, "learnt well, and it carries over"
    assert fit_of(0.9 * ENTROPY, 0.9 * ENTROPY, ENTROPY) == -1.0
    assert fit_of(0.05 * ENTROPY, math.nan, ENTROPY) == 1.0, "without a validation loss, the training loss has to do"
    assert fit_of(math.nan, 0.4, ENTROPY) == 0.0


def test_shortfalls_are_told_with_their_numbers():
    peaked = incumbent(
        curve=(0.85, 0.92, 0.88),
        validation_loss=0.52,
        diagnostics={"loss": 0.11},
        confusions=(Confusion(true="mel", called="nv", images=40, part=0.4),),
    )
    found = shortfalls(peaked, fit=0.8, used=0.5, priorities=("mel",))
    assert [item.kind for item in found] == [UNUSED_BUDGET, OVERFIT, EARLY_PEAK, WEAK_CLASS]
    sentences = " ".join(item.sentence for item in found)
    for words in (
        "50%",
        "training loss 0.11, validation loss 0.52",
        "checkpoint 2 of 3",
        "40% of 'mel' are taken for 'nv'",
    ):
        assert words in sentences


def test_nothing_is_made_up_where_nothing_is_known():
    assert kinds(None) == []
    assert kinds(incumbent(curve=(0.9, 0.91, 0.92))) == []
    assert kinds(incumbent(curve=(0.9, math.nan))) == []
    assert kinds(incumbent(), used=math.nan) == []


def test_an_early_peak_is_read_in_the_direction_of_the_metric():
    assert kinds(incumbent(curve=(0.2, 0.1, 0.3)), higher_is_better=False) == [EARLY_PEAK]
    assert kinds(incumbent(curve=(0.3, 0.2, 0.1)), higher_is_better=False) == []


def test_the_confusion_of_a_class_without_priority_is_another_remedy():
    confused = incumbent(confusions=(Confusion(true="bkl", called="mel", images=30, part=0.3),))
    assert kinds(confused) == [CONFUSION]
    assert kinds(confused, fit=-0.9) == [UNDERFIT, CONFUSION]


@pytest.mark.parametrize("technique", [item for item in TECHNIQUES if item.ranges], ids=lambda item: item.name)
def test_tuned_settings_stay_in_range_are_new_and_have_a_title(technique):
    (name, span), *_ = technique.ranges.items()
    seen = [({key: (item.low + item.high) / 2 for key, item in technique.ranges.items()}, 0.05)]
    rungs = tuned_rungs(technique, seen, count=3)
    assert 1 <= len(rungs) <= 3
    assert len({tuple(rung.settings.values()) for rung in rungs}) == len(rungs)
    for rung in rungs:
        assert span.low * 0.99 <= rung.settings[name] <= span.high * 1.01
        assert any(character.isdigit() for character in rung.title)
        assert rung.settings != seen[0][0]


def test_tuning_goes_where_the_gain_was():
    focal = BY_NAME["focal_loss"]
    seen = [({"focal_gamma": gamma}, -((gamma - 1.5) ** 2)) for gamma in (0.6, 1.0, 1.4, 1.6, 2.0, 2.6, 3.2, 3.9)] * 2
    suggested = [rung.settings["focal_gamma"] for rung in tuned_rungs(focal, seen, count=6)]
    assert sum(0.8 < gamma < 2.4 for gamma in suggested) >= 4, suggested
    assert suggested == [rung.settings["focal_gamma"] for rung in tuned_rungs(focal, seen, count=6)]


def test_long_rounds_let_strengths_compete_in_pilot_runs_and_short_ones_do_not(new_briefing, after):
    short = new_briefing()
    assert PlaybookDeveloper().propose(short).variants == ()
    long = replace(short, train_seconds=LEAST_ROUND_SECONDS, history=(replace(short.history[0], train_seconds=590.0),))
    developer, seen = PlaybookDeveloper(), []
    for _ in range(12):
        proposal = developer.propose(long)
        if proposal.variants:
            seen.append(proposal)
        long = after(long, proposal, Verdict.REJECTED, -0.001)
    assert seen, "some step of those has a strength to choose"
    for proposal in seen:
        assert 2 <= len(proposal.variants) <= MOST_VARIANTS
        assert proposal.variants[0].title == proposal.hypothesis.title
        texts = [tuple(sorted(variant.files.items())) for variant in proposal.variants]
        assert len(set(texts)) == len(texts)


def test_the_first_round_takes_all_that_is_all_but_certain_at_once(new_briefing, after):
    briefing = new_briefing()
    proposal = PlaybookDeveloper().propose(briefing)
    opening = set(proposal.hypothesis.technique.split("+"))
    assert {"cosine_schedule", "flips_and_turns", "test_time_views"} <= opening
    assert "committee" not in opening, "the plain baseline would be a weak member"
    rejected = after(briefing, proposal, Verdict.REJECTED, -0.02)
    second = set(PlaybookDeveloper().propose(rejected).hypothesis.technique.split("+"))
    assert len(second) <= 3, "what was turned down as a whole is tried apart"


def test_the_shortfall_stands_in_the_hypothesis(new_briefing):
    briefing = new_briefing()
    peaked = replace(briefing.history[0], curve=(0.85, 0.92, 0.88), diagnostics={"loss": 0.4, "epoch": 6.0})
    proposal = PlaybookDeveloper().propose(replace(briefing, history=(peaked,)))
    assert proposal.hypothesis.rationale.startswith("Where the incumbent falls short: it has not finished learning;")
    assert "checkpoint 2 of 3 was the best one, by 0.040 before the last" in proposal.hypothesis.rationale


def test_what_further_training_brings_is_not_credited_to_what_is_tried_beside_it(new_briefing, after):
    def one_more_run(briefing):
        found = PlaybookDeveloper().candidates(briefing)
        return next(item.gain for item in found if [step.technique for step in item.steps] == ["incumbent_weights"])

    briefing = new_briefing()
    opening = PlaybookDeveloper().propose(briefing)
    assert "incumbent_weights" in opening.hypothesis.technique
    briefing = after(briefing, opening, Verdict.KEPT, 0.02)
    before = one_more_run(briefing)
    for _ in range(3):
        proposal = PlaybookDeveloper().propose(briefing)
        assert "incumbent_weights" not in proposal.hypothesis.technique, "every round trains further as it is"
        briefing = after(briefing, proposal, Verdict.KEPT, 0.012)
    assert one_more_run(briefing) > before, "whatever is tried beside it, every round gains: it is the training"
