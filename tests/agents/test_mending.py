"""The playbook's remedies, on the code of the real template."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from agents.developer import Briefing, code_sha256
from agents.playbook.catalogue import BY_NAME
from agents.playbook.developer import PlaybookDeveloper
from agents.playbook.draft import Draft
from agents.playbook.record import attempts_of
from agents.playbook.seams import recipe_value, set_field
from tasks.domain.failure import Failure, FailureKind, Frame
from tasks.domain.profile import Profile
from tasks.domain.request import ColumnRoles
from tasks.domain.round import Hypothesis, Judgement, Proposal, Round, Verdict
from tasks.domain.spec import OperatingPoint, Protocol, Spec, SpecClass

TEMPLATE = Path(__file__).resolve().parents[2] / "model_templates" / "classification"
SOURCE = {path.name: path.read_text() for path in sorted(TEMPLATE.iterdir()) if path.suffix in {".py", ".toml"}}
LOCKED = ("contract.py", "template.toml")
POINT = OperatingPoint(fixed="youden", at_least=math.nan, positive="mel")
SETTINGS = {
    "focal_loss": {"focal_gamma": 2.0},
    "cosine_schedule": {"warm_up": 0.1},
    "larger_images": {"image_size": 128},
    "larger_backbone": {"backbone": "resnet18"},
    "larger_batches": {"batch_size": 128},
    "higher_learning_rate": {"learning_rate": 2e-3},
    "bfloat16": {"bits": 16},
    "fused_optimizer": {},
    "dropout": {"dropout": 0.2},
}


def briefing_on(source=SOURCE, **changes):
    spec = Spec(
        task="binary_classification", positive="mel", priorities=("mel",), primary="auroc", secondary=(),
        classes=tuple(SpecClass(name=name, labels=(name,), description=name) for name in ("nv", "mel")),
        operating_point=POINT,
    )  # fmt: skip
    profile = Profile(
        kind="table", roles=ColumnRoles(), n_images=7818, n_groups=6000, has_groups=True, labels=(), attributes=(),
        quarantined=(), width_median=200, height_median=150, exact_duplicate_sets=0, exact_duplicate_images=0,
        near_duplicate_pairs=0, conflicting_duplicate_sets=0, conflicting_groups=0, given_splits=(), hazards=(),
        forecasts=(), seconds=1.0,
    )  # fmt: skip
    protocol = Protocol(
        spec_sha256="", primary="auroc", higher_is_better=True, metrics=("auroc",), constraints=(), guardrails=(),
        operating_point=POINT, verdict_rule="one_standard_error", max_rounds=8, train_seconds=90.0,
        max_checkpoints=3, resamples_validation=200, resamples_test=200, seed=0,
    )  # fmt: skip
    told = Briefing(
        source=source, locked=LOCKED, spec=spec, profile=profile, protocol=protocol, history=(), rounds_left=8,
        train_seconds=90.0, device="cpu",
    )  # fmt: skip
    return replace(told, **changes)


def recipe(**values):
    draft = Draft(SOURCE, locked=LOCKED)
    for name, value in values.items():
        set_field(draft, name, value)
    return {**SOURCE, **draft.changed()}


def edit(*names, source=SOURCE):
    draft = Draft(source, locked=LOCKED)
    for name in names:
        BY_NAME[name].apply(draft, SETTINGS[name])
    settings = {f"{name}.{key}": value for name in names for key, value in SETTINGS[name].items()}
    return Proposal(
        hypothesis=Hypothesis(
            title=" and ".join(names),
            technique="+".join(names),
            settings=SETTINGS[names[0]] if len(names) == 1 else settings,
            rationale="Because.",
        ),
        files=draft.changed(),
    )


def failed(kind, *frames, **facts):
    return Failure(kind=kind, diagnosis="it failed", frames=frames, facts=facts, seconds_left=60.0)


def mend(proposal, failure, briefing=None):
    return PlaybookDeveloper().mend(briefing or briefing_on(), proposal, failure)


def value_in(proposal, field, source=SOURCE):
    return recipe_value({**source, **proposal.files}, field)


MEMORY, NOT_FINITE = FailureKind.OUT_OF_MEMORY, FailureKind.NON_FINITE_LOSS


def test_memory_that_ran_out_halves_the_batch_keeps_the_rate_and_then_takes_smaller_images():
    source = recipe(image_size=224)
    first = mend(edit("larger_backbone", source=source), failed(MEMORY), briefing_on(source))
    assert value_in(first, "batch_size") == 32
    assert value_in(first, "learning_rate") == recipe_value(SOURCE, "learning_rate")
    assert value_in(first, "backbone") == "resnet18"
    assert first.mended == "batches of 32 images instead of 64"
    second = mend(first, failed(MEMORY), briefing_on(source))
    assert (value_in(second, "batch_size"), value_in(second, "image_size")) == (32, 168)
    assert second.hypothesis.settings == {"backbone": "resnet18", "mended.batch_size": 32, "mended.image_size": 168}
    assert second.hypothesis.technique == "larger_backbone"


def test_the_record_says_what_failed_and_what_differs():
    hypothesis = mend(edit("larger_backbone"), failed(MEMORY)).hypothesis
    assert hypothesis.title == "larger_backbone, mended: batches of 32 images instead of 64"
    assert hypothesis.rationale == (
        "Because. A first try failed (out of memory); this one differs by batches of 32 images instead of 64."
    )


def test_a_batch_that_the_run_had_halved_by_itself_is_not_tried_again():
    assert value_in(mend(edit("larger_backbone"), failed(MEMORY, batch_size=32.0)), "batch_size") == 16
    smaller = mend(edit("larger_backbone"), failed(MEMORY, batch_size=1.0))
    assert (value_in(smaller, "batch_size"), value_in(smaller, "image_size")) == (64, 48)


def test_larger_images_go_half_way_back_and_never_all_the_way():
    first = mend(edit("larger_images"), failed(MEMORY, batch_size=1.0))
    assert value_in(first, "image_size") == 96
    assert first.hypothesis.settings["image_size"] == 96
    at, tries = first, 1
    while (later := mend(at, failed(MEMORY, batch_size=1.0))) is not None:
        assert 64 < value_in(later, "image_size") < value_in(at, "image_size")
        at, tries = later, tries + 1
    assert tries < 5


def test_larger_batches_alone_have_no_remedy_but_smaller_images():
    mended = mend(edit("larger_batches"), failed(MEMORY))
    assert (value_in(mended, "batch_size"), value_in(mended, "image_size")) == (128, 48)


def test_a_loss_that_is_no_number_gets_a_third_of_the_rate_and_cut_gradients():
    mended = mend(edit("focal_loss"), failed(NOT_FINITE))
    assert value_in(mended, "learning_rate") == pytest.approx(3.3e-4)
    assert "clip_grad_norm_(model.parameters(), max_norm=1.0)" in mended.files["train.py"]
    assert mended.hypothesis.settings["mended.max_norm"] == 1.0
    again = mend(mended, failed(NOT_FINITE))
    assert value_in(again, "learning_rate") == pytest.approx(1.1e-4)
    assert again.files["train.py"].count("clip_grad_norm_") == 1


def test_a_rate_that_the_edit_raised_stays_above_the_incumbent_s():
    mended = mend(edit("higher_learning_rate"), failed(NOT_FINITE))
    assert value_in(mended, "learning_rate") == pytest.approx(1.4e-3)
    assert mended.hypothesis.settings["learning_rate"] == value_in(mended, "learning_rate")


def test_bfloat16_on_a_cpu_is_taken_back_from_the_edit_or_from_the_incumbent():
    mended = mend(edit("bfloat16", "fused_optimizer"), failed(NOT_FINITE))
    assert mended.hypothesis.technique == "fused_optimizer"
    assert "bfloat16" not in mended.files["train.py"]
    assert mend(edit("bfloat16"), failed(NOT_FINITE)) is None
    source = {**SOURCE, **edit("bfloat16").files}
    mended = mend(edit("focal_loss", source=source), failed(NOT_FINITE), briefing_on(source))
    assert "bfloat16" not in mended.files["train.py"]
    assert value_in(mended, "learning_rate", source) == 1e-3


def test_time_that_ran_out_takes_smaller_images():
    assert value_in(mend(edit("larger_backbone"), failed(FailureKind.NO_CHECKPOINT_IN_TIME)), "image_size") == 48


def test_images_that_were_slow_to_decode_are_decoded_now_and_the_same_code_runs_again_once():
    slow = failed(FailureKind.SLOW_DATA, decode_seconds=50.0, decoded_images=7000.0)
    proposal = edit("larger_images")
    again = mend(proposal, slow)
    assert again.files == proposal.files
    assert value_in(mend(again, slow), "image_size") == 96
    assert value_in(mend(proposal, failed(FailureKind.SLOW_DATA, images_per_second=30.0)), "image_size") == 96


def line_of(files, file, words):
    return Frame(file, next(number for number, line in enumerate(files[file].splitlines(), 1) if words in line))


def test_the_step_that_wrote_the_broken_line_is_left_out_of_its_bundle():
    proposal = edit("cosine_schedule", "focal_loss", "dropout")
    code = {**SOURCE, **proposal.files}
    frames = (line_of(code, "train.py", "loss = step("), line_of(code, "loss.py", "focal_gamma"))
    mended = mend(proposal, failed(FailureKind.CODE_ERROR, *frames))
    assert mended.hypothesis.technique == "cosine_schedule+dropout"
    assert mended.files == edit("cosine_schedule", "dropout").files
    assert mended.hypothesis.settings == {
        "cosine_schedule.warm_up": 0.1,
        "dropout.dropout": 0.2,
        "mended.dropped": "focal_loss",
    }
    code = {**SOURCE, **mended.files}
    last = mend(mended, failed(FailureKind.CODE_ERROR, line_of(code, "model.py", "dropout")))
    assert last.hypothesis.technique == "cosine_schedule"
    assert last.hypothesis.settings == {"warm_up": 0.1, "mended.dropped": "focal_loss+dropout"}


def test_nobody_is_blamed_for_a_line_of_the_template_or_without_a_traceback():
    proposal = edit("cosine_schedule", "focal_loss")
    code = {**SOURCE, **proposal.files}
    assert mend(proposal, failed(FailureKind.CODE_ERROR, line_of(code, "train.py", "loss.backward()"))) is None
    assert mend(proposal, failed(FailureKind.CODE_ERROR)) is None
    alone = edit("focal_loss")
    frame = line_of({**SOURCE, **alone.files}, "loss.py", "focal_gamma")
    assert mend(alone, failed(FailureKind.CODE_ERROR, frame)) is None


def test_what_has_no_remedy_and_code_of_strangers_is_left_to_fail():
    for kind in (FailureKind.EDIT_REFUSED, FailureKind.PREDICTIONS_REFUSED, FailureKind.LOG_FLOOD, FailureKind.UNKNOWN):
        assert mend(edit("focal_loss"), failed(kind)) is None
    stranger = Proposal(hypothesis=Hypothesis(title="mine", technique="my_own"), files={"recipe.py": "x = 1\n"})
    assert mend(stranger, failed(MEMORY)) is None


def test_a_mend_never_leads_to_code_that_ran_before():
    ran = {**SOURCE, **mend(edit("larger_backbone"), failed(MEMORY)).files}
    mended = mend(edit("larger_backbone"), failed(MEMORY), briefing_on(tried=frozenset({code_sha256(ran)})))
    assert (value_in(mended, "batch_size"), value_in(mended, "image_size")) == (64, 48)


def test_a_step_that_broke_in_a_bundle_counts_as_failed_and_the_others_as_what_came_of_them():
    proposal = edit("cosine_schedule", "focal_loss")
    code = {**SOURCE, **proposal.files}
    mended = mend(proposal, failed(FailureKind.CODE_ERROR, line_of(code, "loss.py", "focal_gamma")))
    kept = Round(
        number=1, hypothesis=mended.hypothesis, incumbent=0, commit="1", score=0.91,
        judgement=Judgement(verdict=Verdict.KEPT, reason="", difference=0.01, standard_error=0.005),
    )  # fmt: skip
    attempts = attempts_of((kept,), BY_NAME, higher_is_better=True)
    told = {step.technique: (step.settings, item.kept, item.failed) for item in attempts for step in item.steps}
    assert told == {
        "cosine_schedule": ((("warm_up", 0.1),), True, False),
        "focal_loss": ((), False, True),
    }


def test_the_strength_of_a_step_is_read_without_what_was_mended():
    mended = mend(edit("larger_backbone"), failed(MEMORY))
    tried = Round(
        number=1, hypothesis=mended.hypothesis, incumbent=0, commit="1",
        judgement=Judgement(verdict=Verdict.REJECTED, reason="", difference=-0.01, standard_error=0.005),
    )  # fmt: skip
    (attempt,) = attempts_of((tried,), BY_NAME, higher_is_better=True)
    assert attempt.steps[0].settings == (("backbone", "resnet18"),)
