"""The search of the playbook's developer against a make-believe world where techniques have hidden gains."""

import math
import random
import statistics
from dataclasses import replace
from pathlib import Path

import pytest

from agents.developer import code_sha256
from agents.playbook.catalogue import BY_NAME
from agents.playbook.developer import PlaybookDeveloper
from tasks.domain.round import Hypothesis, Verdict

TEMPLATE = Path(__file__).resolve().parents[2] / "model_templates" / "classification"
SOURCE = {path.name: path.read_text() for path in sorted(TEMPLATE.iterdir()) if path.suffix in {".py", ".toml"}}


class World:
    """Hidden gains, as parts of the way to go; the playbook's own beliefs about them are right only on average."""

    def __init__(self, seed):
        chance = random.Random(seed)
        self.first = {
            name: chance.gauss(0.7 * technique.gains["ranking"].mean, 1.3 * technique.gains["ranking"].spread)
            for name, technique in BY_NAME.items()
        }
        self.next = {name: gain * chance.uniform(-0.5, 0.6) for name, gain in self.first.items()}
        self.noise = chance

    def true_score(self, history, proposal=None):
        taken = [item.hypothesis for item in history if item.kept] + ([proposal.hypothesis] if proposal else [])
        way, times = 0.10, {}
        for hypothesis in taken:
            for name in hypothesis.technique.split("+"):
                if name in self.first:
                    way *= 1 - (self.first[name] if not times.get(name) else self.next[name] / times[name])
                    times[name] = times.get(name, 0) + 1
        return 1 - way


def play(developer, seed, rounds, new_briefing, after):
    """Return the true score after some rounds of a developer in a world."""
    world, briefing = World(seed), new_briefing(rounds)
    for _ in range(rounds):
        proposal = developer.propose(briefing)
        if proposal is None:
            break
        gain = world.true_score(briefing.history, proposal) - world.true_score(briefing.history)
        error = 0.006
        seen = gain + world.noise.gauss(0, error)
        verdict = Verdict.KEPT if seen > error else Verdict.REJECTED
        true = world.true_score(briefing.history, proposal) if verdict is Verdict.KEPT else None
        briefing = after(briefing, proposal, verdict, seen, error, score=true)
    return world.true_score(briefing.history)


def test_the_first_round_is_a_schedule_with_the_facts_that_speak_for_it(new_briefing):
    proposal = PlaybookDeveloper().propose(new_briefing())
    hypothesis = proposal.hypothesis
    assert techniques_of_name(hypothesis) >= {"cosine_schedule"}
    assert "6 epochs" in hypothesis.rationale
    assert "90 s" in hypothesis.rationale
    assert "0.60 to 0.25" in hypothesis.rationale
    assert "Believed gain: +0.0" in hypothesis.expected_effect
    assert "SGDR" in hypothesis.source
    assert set(proposal.files) <= {"recipe.py", "train.py", "data.py", "predict.py"}


def techniques_of_name(hypothesis):
    return set(hypothesis.technique.split("+"))


def test_the_same_briefing_gives_the_same_proposal(new_briefing):
    assert PlaybookDeveloper().propose(new_briefing()) == PlaybookDeveloper().propose(new_briefing())


@pytest.mark.parametrize(("masked", "are_used"), [(0, False), (500, False), (2_000, True), (7_818, True)])
def test_masks_are_used_where_a_good_part_of_the_images_have_one(masked, are_used, new_briefing):
    briefing = new_briefing()
    developer = PlaybookDeveloper()
    briefing = replace(briefing, profile=replace(briefing.profile, masked_images=masked))
    assert developer.read(briefing).masks is are_used
    assert ("mask_head" not in developer.refusals(briefing)) is are_used


def test_finer_labels_are_used_where_a_class_is_made_of_several(new_briefing):
    briefing, developer = new_briefing(), PlaybookDeveloper()
    assert "fine_labels" in developer.refusals(briefing)
    ordinary = replace(briefing.spec.classes[0], labels=("nv", "bkl", "never seen"))
    spec = replace(briefing.spec, classes=(ordinary, briefing.spec.classes[1]))
    labels = (*briefing.profile.labels, replace(briefing.profile.labels[0], label="bkl"))
    briefing = replace(briefing, spec=spec, profile=replace(briefing.profile, labels=labels))
    assert developer.read(briefing).fine_labels == 3
    assert "fine_labels" not in developer.refusals(briefing)


def test_no_code_is_proposed_twice_and_the_list_ends(new_briefing, after):
    for verdict_of in (lambda _: Verdict.REJECTED, lambda number: (Verdict.KEPT, Verdict.REJECTED)[number % 2]):
        briefing, chance, seen = new_briefing(200), random.Random(1), {code_sha256(SOURCE)}
        for number in range(200):
            proposal = PlaybookDeveloper().propose(briefing)
            if proposal is None:
                break
            code = code_sha256({**briefing.source, **proposal.files})
            assert code not in seen, proposal.hypothesis.title
            seen.add(code)
            verdict = verdict_of(number)
            difference = abs(chance.gauss(0.008, 0.002)) if verdict is Verdict.KEPT else -abs(chance.gauss(0, 0.008))
            briefing = after(briefing, proposal, verdict, difference)
        assert 8 <= number < 199, "it found enough to try, and said when there was no more"


def test_no_code_is_proposed_twice_even_where_the_tried_code_is_not_told(new_briefing, after):
    briefing, titles = new_briefing(), set()
    for _ in range(12):
        proposal = PlaybookDeveloper().propose(briefing)
        assert (proposal.hypothesis.title, len(briefing.history)) not in titles
        titles.add(proposal.hypothesis.title)
        briefing = replace(after(briefing, proposal, Verdict.REJECTED, 0.001), tried=frozenset())
    assert len(titles) == 12


def only(*names):
    return PlaybookDeveloper([BY_NAME[name] for name in names])


def test_what_helped_is_repeated_in_a_stronger_form(new_briefing, after):
    developer, briefing = only("colour_jitter"), new_briefing()
    proposal = developer.propose(briefing)
    assert proposal.hypothesis.settings == {"colour_jitter": 0.15}
    stronger = developer.propose(after(briefing, proposal, Verdict.KEPT, 0.012))
    assert stronger.hypothesis.settings == {"colour_jitter": 0.3}
    assert "Round 1 kept" in stronger.hypothesis.rationale
    assert "+0.0120 ± 0.0060" in stronger.hypothesis.rationale


def test_what_hurt_is_dropped(new_briefing, after):
    developer, briefing = only("colour_jitter"), new_briefing()
    proposal = developer.propose(briefing)
    assert developer.propose(after(briefing, proposal, Verdict.REJECTED, -0.008)) is None


def test_what_failed_to_run_is_dropped(new_briefing, after):
    developer, briefing = only("weight_averaging"), new_briefing()
    proposal = developer.propose(briefing)
    assert developer.propose(after(briefing, proposal, Verdict.FAILED, math.nan, math.nan, score=math.nan)) is None


def test_a_near_miss_comes_back_bolder_and_together_with_another_near_miss(new_briefing, after):
    developer, briefing = only("weight_averaging", "colour_jitter"), new_briefing()
    for _ in range(2):
        proposal = developer.propose(briefing)
        briefing = after(briefing, proposal, Verdict.REJECTED, 0.004)
    later = []
    while (proposal := developer.propose(briefing)) is not None and len(later) < 6:
        later.append(techniques_of_name(proposal.hypothesis))
        assert "came close" in proposal.hypothesis.rationale
        briefing = after(briefing, proposal, Verdict.REJECTED, 0.004)
    assert {"weight_averaging", "colour_jitter"} in later


def test_the_other_direction_is_tried_where_one_hurt(new_briefing, after):
    developer, briefing = only("higher_learning_rate", "lower_learning_rate"), new_briefing()
    first = developer.propose(briefing)
    second = developer.propose(after(briefing, first, Verdict.REJECTED, -0.01))
    assert {first.hypothesis.technique, second.hypothesis.technique} == {"higher_learning_rate", "lower_learning_rate"}
    assert "went the other way" in second.hypothesis.rationale
    further = developer.propose(after(briefing, first, Verdict.KEPT, 0.01))
    assert further.hypothesis.technique == first.hypothesis.technique


def test_a_network_that_knows_its_images_by_heart_is_regularised_first(new_briefing):
    names = ("random_erasing", "higher_learning_rate", "mixup")
    facts = new_briefing().history[0].diagnostics
    over = {**facts, "epochs": 40.0, "train_loss_last": 0.02}
    proposal = only(*names).propose(new_briefing(facts=over))
    assert proposal.hypothesis.technique in {"random_erasing", "mixup"}
    assert "by heart" in proposal.hypothesis.rationale
    under = {**facts, "train_loss_last": 0.38}
    assert only(*names).propose(new_briefing(facts=under)).hypothesis.technique == "higher_learning_rate"


def test_balancing_comes_first_where_the_metric_counts_classes_alike(new_briefing):
    briefing = new_briefing()
    protocol = replace(briefing.protocol, primary="f1_macro")
    names = ("logit_adjustment", "random_zoom", "weight_decay")
    assert only(*names).propose(replace(briefing, protocol=protocol)).hypothesis.technique == "logit_adjustment"
    assert only(*names).propose(briefing).hypothesis.technique != "logit_adjustment"


def test_a_locked_or_rewritten_file_is_never_touched(new_briefing, after):
    briefing = replace(new_briefing(), locked=(*new_briefing().locked, "train.py"))
    for candidate in range(10):
        proposal = PlaybookDeveloper().propose(briefing)
        assert "train.py" not in proposal.files, candidate
        briefing = after(briefing, proposal, Verdict.REJECTED, -0.003)


def test_a_codebase_without_known_seams_gives_no_proposal(new_briefing):
    assert PlaybookDeveloper().propose(replace(new_briefing(), source={"train.py": "print(1)\n"})) is None


def test_rounds_of_another_developer_are_counted_but_not_misread(new_briefing, after):
    briefing, proposal = new_briefing(), PlaybookDeveloper().propose(new_briefing())
    foreign = replace(proposal, hypothesis=Hypothesis(title="a new head", technique="attention_pooling"))
    later = after(briefing, foreign, Verdict.KEPT, 0.01)
    assert PlaybookDeveloper().propose(later) is not None


class RandomOrder(PlaybookDeveloper):
    """Tries single techniques in a random order, with the same edits and the same rules of what is open."""

    def __init__(self, seed):
        super().__init__()
        self.seed = seed

    def candidates(self, briefing):
        single = [replace(item, worth=1.0) for item in super().candidates(briefing) if len(item.steps) == 1]
        random.Random(1000 * self.seed + len(briefing.history)).shuffle(single)
        return tuple(single)


def test_eight_rounds_end_higher_than_random_order_in_make_believe_worlds(new_briefing, after):
    seeds = range(12)
    ours = [play(PlaybookDeveloper(), seed, 8, new_briefing, after) for seed in seeds]
    chance = [play(RandomOrder(seed), seed, 8, new_briefing, after) for seed in seeds]
    assert statistics.mean(ours) > statistics.mean(chance) + 0.003
    assert sum(one > other for one, other in zip(ours, chance, strict=True)) >= 7


@pytest.mark.slow
def test_many_worlds_and_longer_studies_agree(new_briefing, after):
    for rounds, least in ((8, 0.003), (20, 0.0)):
        ours = [play(PlaybookDeveloper(), seed, rounds, new_briefing, after) for seed in range(100, 160)]
        chance = [play(RandomOrder(seed), seed, rounds, new_briefing, after) for seed in range(100, 160)]
        assert statistics.mean(ours) > statistics.mean(chance) + least


def test_what_was_better_and_still_turned_down_is_tried_again_as_a_whole_with_one_difference(
    new_briefing, after
) -> None:
    briefing = new_briefing()
    first = PlaybookDeveloper().propose(briefing)
    names = set(first.hypothesis.technique.split("+"))
    assert len(names) > 3
    second = PlaybookDeveloper().propose(after(briefing, first, Verdict.REJECTED, 0.008))
    again = set(second.hypothesis.technique.split("+"))
    assert names <= again
    assert len(again - names) <= 1
    assert {**briefing.source, **second.files} != {**briefing.source, **first.files}


def test_what_was_worse_is_not_tried_again_as_a_whole(new_briefing, after) -> None:
    briefing = new_briefing()
    first = PlaybookDeveloper().propose(briefing)
    second = PlaybookDeveloper().propose(after(briefing, first, Verdict.REJECTED, -0.008))
    assert not set(first.hypothesis.technique.split("+")) <= set(second.hypothesis.technique.split("+"))
