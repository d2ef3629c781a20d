"""What the initializer decides for data, device and budget, and the protocol that it freezes."""

from dataclasses import replace
from pathlib import Path

import pytest

from agents.playbook.task_initializer import PlaybookTaskInitializer
from agents.task_initializer import Resources, build_protocol, check_template
from tasks.domain.errors import RequestOutOfScope
from tasks.domain.profile import LabelCount, Profile
from tasks.domain.request import Budget, ColumnRoles, Request
from tasks.domain.spec import Abstention, Constraint, Cost, Guardrail, OperatingPoint, Spec, SpecClass
from tasks.recipe_defaults import rewrite_defaults
from tasks.scoring.name import higher_is_better, read_name
from tasks.storage import fingerprint

TEMPLATES = Path(__file__).resolve().parents[2] / "model_templates"
REQUEST = Request(text="Tell melanoma from a mole.", images=Path("images"), budget=Budget(rounds=8), seed=3)
CPU = Resources(device="cpu", cpu_count=2, memory_bytes=8 * 2**30, train_seconds=90, cached_weights=())
GPU = replace(CPU, device="cuda", cpu_count=16, gpu_memory_bytes=48 * 2**30, train_seconds=2400)


def a_spec(*names, **more):
    classes = tuple(SpecClass(name=name, labels=(name,), description=name) for name in names)
    positive = names[-1] if len(names) == 2 else ""
    return Spec(
        **{
            "task": "binary_classification",
            "classes": classes,
            "positive": positive,
            "priorities": ("mel",),
            "primary": "auroc",
            "secondary": ("sensitivity_at_specificity_80[mel]",),
            "operating_point": OperatingPoint(fixed="specificity", at_least=0.8, positive="mel"),
            **more,
        }
    )


TWO, THREE = a_spec("nv", "mel"), a_spec("nv", "bkl", "mel")


def a_profile(images, *, side=600):
    labels = tuple(
        LabelCount(label=label, images=round(images * part), groups=round(images * part))
        for label, part in (("nv", 0.6), ("mel", 0.3), ("unasked", 0.1))
    )
    return Profile(
        kind="table",
        roles=ColumnRoles(),
        n_images=images,
        n_groups=images,
        has_groups=True,
        labels=labels,
        attributes=(),
        quarantined=(),
        width_median=side + side // 3,
        height_median=side,
        exact_duplicate_sets=0,
        exact_duplicate_images=0,
        near_duplicate_pairs=0,
        conflicting_duplicate_sets=0,
        conflicting_groups=0,
        given_splits=(),
        hazards=(),
        forecasts=(),
        seconds=1.0,
    )


def plan_of(images, resources, *, side=600, spec=TWO):
    return PlaybookTaskInitializer().initialize(spec, a_profile(images, side=side), resources, request=REQUEST)


@pytest.mark.parametrize(
    ("images", "resources", "backbone", "image_size", "batch_size"),
    [
        (8_000, CPU, "resnet10t", 64, 64),
        (8_000, replace(CPU, train_seconds=20), "resnet10t", 32, 64),
        (8_000, replace(CPU, train_seconds=2400), "resnet18", 160, 64),
        (300, CPU, "resnet10t", 64, 16),
        (8_000, GPU, "resnet34", 224, 128),
        (8_000, replace(GPU, gpu_memory_bytes=4 * 2**30), "resnet34", 224, 64),
        (8_000, replace(GPU, gpu_memory_bytes=0), "resnet34", 224, 64),
        (8_000, replace(GPU, device="mps", gpu_memory_bytes=0, train_seconds=120), "resnet18", 96, 128),
    ],
)
def test_the_start_grows_with_the_budget_and_the_device(images, resources, backbone, image_size, batch_size):
    recipe = plan_of(images, resources).recipe
    assert (recipe["backbone"], recipe["image_size"], recipe["batch_size"]) == (backbone, image_size, batch_size)


def test_images_are_not_enlarged_beyond_their_own_size():
    assert plan_of(8_000, GPU, side=90).recipe["image_size"] == 96
    assert plan_of(8_000, GPU, side=20).recipe["image_size"] == 32


def test_more_cores_allow_a_larger_start():
    assert plan_of(8_000, replace(CPU, train_seconds=300, cpu_count=16)).recipe["image_size"] > 64


def test_cached_weights_are_used_and_said():
    plan = plan_of(8_000, replace(GPU, cached_weights=("resnet50", "resnet18")))
    assert plan.recipe["backbone"] == "resnet50"
    assert plan.recipe["pretrained"] is True
    assert plan.recipe["learning_rate"] < plan_of(8_000, GPU).recipe["learning_rate"]
    assert any("weights for resnet50 in the local cache" in note for note in plan.notes)


@pytest.mark.parametrize(
    ("cached", "reason"),
    [
        ((), "there are no pretrained weights in the local cache"),
        (("resnet50",), "the cached weights (resnet50) are of no network that fits the budget"),
        (("vit_giant",), "the cached weights (vit_giant) are of no network that fits the budget"),
    ],
)
def test_a_start_from_scratch_says_why(cached, reason):
    plan = plan_of(8_000, replace(CPU, cached_weights=cached))
    assert plan.recipe["pretrained"] is False
    assert any(f"from scratch, because {reason}" in note for note in plan.notes)


def test_the_notes_count_only_images_that_the_request_asks_for():
    assert any("about 5,040 training images" in note for note in plan_of(8_000, CPU).notes)


@pytest.mark.parametrize(("seconds", "words"), [(90, "about 8 times"), (20, "about 5 times"), (7, "less than once")])
def test_the_notes_say_how_often_an_image_is_seen(seconds, words):
    assert any(words in note for note in plan_of(8_000, replace(CPU, train_seconds=seconds)).notes)


def test_the_recipe_fits_the_template():
    plan = plan_of(8_000, CPU)
    source = (TEMPLATES / plan.template / "recipe.py").read_text()
    assert 'backbone: str = "resnet10t"' in rewrite_defaults(source, plan.recipe)


def test_a_task_without_a_template_is_out_of_scope():
    with pytest.raises(RequestOutOfScope, match="no template for object detection"):
        plan_of(100, CPU, spec=replace(TWO, task="object_detection"))


def test_all_that_cannot_be_built_is_named_at_once():
    wishes = replace(
        TWO,
        task="multilabel_classification",
        costs=(Cost(true="mel", called="nv", weight=10),),
        abstention=Abstention(allowed=True),
    )
    with pytest.raises(RequestOutOfScope) as caught:
        check_template(wishes)
    assert all(words in str(caught.value) for words in ("multilabel classification", "weighed", "not sure"))


def test_a_goal_is_no_constraint_of_the_rounds():
    goal = Constraint(metric="auroc", bound=0.95, hard=False)
    protocol = build_protocol(replace(TWO, constraints=(goal,)), request=REQUEST, train_seconds=90)
    assert protocol.constraints == ()
    assert "auroc" in protocol.metrics


def test_the_protocol_is_fixed_from_spec_and_request():
    protocol = plan_of(8_000, CPU).protocol
    assert protocol.spec_sha256 == fingerprint(TWO)
    assert (protocol.primary, protocol.higher_is_better) == ("auroc", True)
    assert protocol.metrics[:2] == ("auroc", "sensitivity_at_specificity_80[mel]")
    assert len(set(protocol.metrics)) == len(protocol.metrics)
    assert {"sensitivity[mel]", "specificity[mel]", "average_precision[mel]", "brier"} <= set(protocol.metrics)
    assert "auroc[mel]" not in protocol.metrics  # the same as auroc
    assert (protocol.max_rounds, protocol.train_seconds, protocol.seed) == (8, 90, 3)
    assert (protocol.resamples_validation, protocol.resamples_test, protocol.max_checkpoints) == (2_000, 10_000, 1)
    assert protocol.verdict_rule == "one_standard_error"
    assert protocol.guardrails == ()


@pytest.mark.parametrize("spec", [TWO, THREE, replace(THREE, positive="", priorities=())])
def test_every_metric_of_a_protocol_can_be_computed(spec):
    protocol = build_protocol(spec, request=REQUEST, train_seconds=90)
    for name in (*protocol.metrics, *(item.metric for item in protocol.guardrails)):
        read_name(name, spec.class_names)
    assert protocol.higher_is_better == higher_is_better(protocol.primary)


@pytest.mark.parametrize(("primary", "better_is_higher"), [("brier", False), ("ece", False), ("auroc[mel]", True)])
def test_the_direction_of_the_primary_metric_is_known(primary, better_is_higher):
    spec = replace(THREE, primary=primary)
    protocol = build_protocol(spec, request=REQUEST, train_seconds=90)
    assert protocol.higher_is_better == better_is_higher == higher_is_better(primary)


@pytest.mark.parametrize(
    ("changes", "guardrails"),
    [
        ({}, (Guardrail(metric="auroc[mel]", margin=0.02),)),
        ({"primary": "auroc[mel]"}, ()),
        ({"constraints": (Constraint(metric="sensitivity[mel]", bound=0.9),)}, ()),
        ({"guardrails": (Guardrail(metric="f1[mel]", margin=0.1),)}, (Guardrail(metric="f1[mel]", margin=0.1),)),
        ({"priorities": ()}, ()),
    ],
)
def test_a_class_that_matters_is_guarded_unless_the_spec_does_so(changes, guardrails):
    protocol = build_protocol(replace(THREE, **changes), request=REQUEST, train_seconds=90)
    assert protocol.guardrails == guardrails
    assert {item.metric for item in guardrails} <= set(protocol.metrics)
