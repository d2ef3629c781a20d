"""Profiles and briefings in a few words, for tests of what requests mean and of what is tried next."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agents.developer import Briefing, code_sha256
from agents.playbook.semantic_parser import PlaybookSemanticParser
from tasks.domain.profile import Attribute, Forecast, LabelCount, Profile
from tasks.domain.request import ColumnRoles
from tasks.domain.round import Hypothesis, Judgement, Round, Verdict
from tasks.domain.spec import Grounding, OperatingPoint, Protocol, Spec, SpecClass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agents.semantic_parser import ParsedRequest
    from tasks.domain.round import Proposal


TEMPLATE = Path(__file__).resolve().parents[2] / "model_templates" / "classification"
SOURCE = {path.name: path.read_text() for path in sorted(TEMPLATE.iterdir()) if path.suffix in {".py", ".toml"}}
LOCKED = ("contract.py", "template.toml")
POINT = OperatingPoint(fixed="youden", at_least=math.nan, positive="mel")
FACTS = {"epochs": 6.0, "train_loss_first": 0.6, "train_loss_last": 0.25, "images_per_second": 400.0}


def labelled(column: str, labels: dict[str, int], attributes: tuple[str, ...] = ()) -> Profile:
    """Return the profile of a table with one label column and these other columns."""
    total = sum(labels.values())
    return Profile(
        kind="table", roles=ColumnRoles(image="image", label=column, group="patient_id"), n_images=total, n_groups=total // 2, has_groups=True,
        labels=tuple(LabelCount(label=label, images=images, groups=images // 2) for label, images in labels.items()),
        attributes=tuple(Attribute(name=name, kind="categorical", missing=0, values=(), cramers_v=0.1, auc=0.6, auc_label="") for name in attributes),
        quarantined=(), width_median=64, height_median=64, exact_duplicate_sets=0, exact_duplicate_images=0, near_duplicate_pairs=0,
        conflicting_duplicate_sets=0, conflicting_groups=0, given_splits=(), hazards=(), seconds=1.0,
        forecasts=tuple(
            Forecast(label=label, test_images=images // 7, test_groups=images // 7, auc_half_width=0.03, detectable_difference=0.02)
            for label, images in labels.items()
        ),
    )  # fmt: skip


@pytest.fixture
def understood() -> Callable[..., ParsedRequest]:
    """Return how a request is understood for data with one finding, 9,000 images without it and 1,000 with it."""

    def parse(text: str, finding: str = "tumour", attributes: tuple[str, ...] = ()) -> ParsedRequest:
        return PlaybookSemanticParser().parse(text, labelled(finding, {"0": 9000, "1": 1000}, attributes))

    return parse


@pytest.fixture(name="new_briefing")
def _new_briefing() -> Callable[..., Briefing]:
    """Return what makes the briefing of a study of melanoma from moles before round 1."""
    return new_briefing


@pytest.fixture(name="after")
def _after() -> Callable[..., Briefing]:
    """Return what makes the briefing of the round after a proposal got a verdict."""
    return after


def new_briefing(rounds: int = 8, score: float = 0.90, facts: Mapping[str, float] = FACTS) -> Briefing:
    """Return the briefing of a study of melanoma from moles before round 1."""
    spec = Spec(
        task="binary_classification",
        classes=(
            SpecClass(name="nv", labels=("nv",), description="ordinary mole"),
            SpecClass(name="mel", labels=("mel",), description="melanoma"),
        ),
        positive="mel",
        priorities=("mel",),
        primary="auroc",
        secondary=(),
        operating_point=POINT,
        grounding=(Grounding(field="classes", source="request", words="melanoma from an ordinary mole"),),
    )
    profile = Profile(
        kind="table", roles=ColumnRoles(), n_images=7818, n_groups=6000, has_groups=True,
        labels=(
            LabelCount(label="nv", images=6705, groups=5403),
            LabelCount(label="mel", images=1113, groups=614),
        ),
        attributes=(), quarantined=(), width_median=200, height_median=150, exact_duplicate_sets=0,
        exact_duplicate_images=0, near_duplicate_pairs=0, conflicting_duplicate_sets=0, conflicting_groups=0,
        given_splits=(), hazards=(), forecasts=(), seconds=1.0,
    )  # fmt: skip
    protocol = Protocol(
        spec_sha256="", primary="auroc", higher_is_better=True, metrics=("auroc",), constraints=(), guardrails=(),
        operating_point=POINT, verdict_rule="one_standard_error", max_rounds=rounds, train_seconds=90.0,
        max_checkpoints=3, resamples_validation=200, resamples_test=200, seed=0,
    )  # fmt: skip
    baseline = Round(
        number=0, hypothesis=Hypothesis(title="baseline", technique="baseline"), incumbent=-1, commit="0",
        judgement=Judgement(verdict=Verdict.BASELINE, reason="the start"), score=score, train_seconds=89.0,
        predict_seconds=3.0, diagnostics=dict(facts),
    )  # fmt: skip
    return Briefing(
        source=SOURCE, locked=LOCKED, spec=spec, profile=profile, protocol=protocol, history=(baseline,),
        rounds_left=rounds, train_seconds=90.0, device="cpu",
    )  # fmt: skip


def after(
    briefing: Briefing,
    proposal: Proposal,
    verdict: Verdict,
    difference: float,
    error: float = 0.006,
    *,
    score: float | None = None,
) -> Briefing:
    """Return the briefing of the round after a proposal got this verdict."""
    incumbent = briefing.incumbent
    kept = verdict is Verdict.KEPT
    done = Round(
        number=len(briefing.history), hypothesis=proposal.hypothesis, incumbent=incumbent.number, commit="1",
        judgement=Judgement(verdict=verdict, reason="", difference=difference, standard_error=error),
        score=incumbent.score + difference if score is None else score, train_seconds=89.0, predict_seconds=3.0,
        diagnostics=dict(incumbent.diagnostics),
    )  # fmt: skip
    candidate = {**briefing.source, **proposal.files}
    return replace(
        briefing,
        source=candidate if kept else briefing.source,
        history=(*briefing.history, done),
        rounds_left=briefing.rounds_left - 1,
        tried=briefing.tried | {code_sha256(candidate)},
    )
