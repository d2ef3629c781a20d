"""A finished study as a record, realistic enough to look at; its test set is simulated with a fixed seed."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from tasks.domain.evaluation import Comparison, Difference, Estimate, Evaluation
from tasks.domain.manifest import Quarantined
from tasks.domain.profile import Attribute, Forecast, Hazard, LabelCount, Profile
from tasks.domain.request import Budget, ColumnRoles, Request
from tasks.domain.round import Hypothesis, Judgement, Round, Verdict
from tasks.domain.spec import Confounder, Constraint, Guardrail, OperatingPoint, Protocol, Spec, SpecClass, Subgroup
from tasks.report.record import EnvironmentFacts, LedgerFacts, SplitCount, StudyRecord
from tasks.scoring.curves import figures

TEXT = "Tell melanoma from an ordinary mole on dermoscopy. Missing a melanoma is the worst that can happen."
THRESHOLDS = {"initial": 0.42, "final": 0.36}
TRIED = [
    # title, technique, verdict, supported, score, difference, standard error, reason
    ("unedited baseline", "baseline", Verdict.BASELINE, False, 0.861, np.nan, np.nan, "The starting point"),
    (
        "class-balanced sampling",
        "balanced_sampling",
        Verdict.KEPT,
        True,
        0.884,
        0.023,
        0.0062,
        "AUC rose by more than one standard error; supported after 8 rounds",
    ),
    (
        "focal loss, gamma 2",
        "focal_loss",
        Verdict.REJECTED,
        False,
        0.886,
        0.002,
        0.0048,
        "Within one standard error: a tie is no improvement",
    ),
    (
        "64 to 96 pixels",
        "larger_images",
        Verdict.KEPT,
        False,
        0.896,
        0.012,
        0.0064,
        "AUC rose by more than one standard error; provisional after 8 rounds",
    ),
    (
        "another backbone: mobilenetv3",
        "backbone",
        Verdict.FAILED,
        False,
        np.nan,
        np.nan,
        np.nan,
        "It ran out of memory",
    ),
    (
        "flips, turns and colour",
        "augmentation",
        Verdict.KEPT,
        True,
        0.918,
        0.022,
        0.0057,
        "AUC rose by more than one standard error; supported after 8 rounds",
    ),
    (
        "mixup, alpha 0.4",
        "mixup",
        Verdict.REJECTED,
        False,
        0.702,
        -0.216,
        0.0150,
        "Worse by more than one standard error",
    ),
    (
        "average of weights (EMA)",
        "ema",
        Verdict.REJECTED,
        False,
        0.921,
        0.003,
        0.0036,
        "Within one standard error: a tie is no improvement",
    ),
    (
        "test-time flips",
        "test_time_augmentation",
        Verdict.KEPT,
        False,
        0.926,
        0.008,
        0.0041,
        "AUC rose by more than one standard error; provisional after 8 rounds",
    ),
]


def rounds():
    made, incumbent = [], -1
    for number, (title, technique, verdict, supported, score, difference, error, reason) in enumerate(TRIED):
        hypothesis = Hypothesis(
            title=title,
            technique=technique,
            rationale="Melanoma is 6% of the training images, so a plain loss learns little from it.",
            source="Lin et al., ICCV 2017",
        )
        judgement = Judgement(
            verdict=verdict, reason=reason, supported=supported, difference=difference, standard_error=error
        )
        made.append(
            Round(
                number=number,
                hypothesis=hypothesis,
                judgement=judgement,
                incumbent=incumbent,
                commit="c" * 40,
                score=score,
                threshold=0.36,
                looks=3,
                train_seconds=88.0,
            )
        )
        incumbent = number if made[-1].kept else incumbent
    return tuple(made)


def comparison(initial, final, *, width, p, p_holm=np.nan, warnings=()):
    values = [
        Estimate(value=value, low=max(0.0, value - width), high=min(1.0, value + width)) for value in (initial, final)
    ]
    gain = final - initial
    difference = Difference(value=gain, low=gain - width, high=gain + width, p=p, p_holm=p_holm)
    return Comparison(initial=values[0], final=values[1], difference=difference, warnings=warnings)


def evaluation():
    rng = np.random.default_rng(7)
    labels = (np.arange(1160) < 160).astype(int)
    scores = {}
    for which, separation in (("initial", 1.55), ("final", 2.1)):
        latent = rng.normal(size=1160) + separation * labels - 1.6
        positive = 1 / (1 + np.exp(-1.3 * latent))
        scores[which] = np.column_stack([1 - positive, positive])
    at = {which: scores[which][:, 1] >= THRESHOLDS[which] for which in scores}
    auc, ap, found, cleared = (
        [float(measure(which)) for which in ("initial", "final")]
        for measure in (
            lambda which: roc_auc_score(labels, scores[which][:, 1]),
            lambda which: average_precision_score(labels, scores[which][:, 1]),
            lambda which: at[which][labels == 1].mean(),
            lambda which: (~at[which][labels == 0]).mean(),
        )
    )
    metrics = {
        "auroc": comparison(*auc, width=0.024, p=0.0002),
        "sensitivity[mel]": comparison(
            *found, width=0.055, p=0.004, p_holm=0.012, warnings=("interval wider than 0.05",)
        ),
        "specificity[mel]": comparison(*cleared, width=0.021, p=0.031, p_holm=0.062),
        "sensitivity_at_specificity_80[mel]": comparison(0.806, 0.894, width=0.05, p=0.002, p_holm=0.008),
        "average_precision[mel]": comparison(*ap, width=0.07, p=0.0002, p_holm=0.001),
        "balanced_accuracy": comparison(0.781, 0.861, width=0.03, p=0.0002, p_holm=0.001),
        "brier": comparison(0.112, 0.084, width=0.01, p=0.0002, p_holm=0.001),
    }
    return Evaluation(
        primary="auroc",
        metrics=metrics,
        n=1160,
        n_groups=874,
        opened_at="2026-11-20T14:03:11+00:00",
        class_counts={"nv": 1000, "mel": 160},
        thresholds=THRESHOLDS,
        figures={
            which: figures(labels, values, ("nv", "mel"), {"mel": THRESHOLDS[which]})
            for which, values in scores.items()
        },
    )


def profile(roles):
    return Profile(
        kind="table",
        roles=roles,
        n_images=10013,
        n_groups=7468,
        has_groups=True,
        labels=(
            LabelCount(label="nv", images=6705, groups=5403),
            LabelCount(label="mel", images=1113, groups=614),
            LabelCount(label="bkl", images=1099, groups=727),
        ),
        attributes=(
            Attribute(
                name="dx_type",
                kind="categorical",
                missing=0,
                values=(("histo", 5340),),
                cramers_v=0.33,
                auc=0.76,
                auc_label="mel",
                determined=(("mel", "histo"),),
            ),
            Attribute(
                name="sex",
                kind="categorical",
                missing=57,
                values=(("male", 5406), ("female", 4552)),
                cramers_v=0.08,
                auc=0.55,
                auc_label="mel",
            ),
        ),
        quarantined=(
            Quarantined(file="broken.jpg", row=17, reason="truncated"),
            Quarantined(file="none.jpg", row=18, reason="missing"),
        ),
        width_median=600,
        height_median=450,
        exact_duplicate_sets=0,
        exact_duplicate_images=0,
        near_duplicate_pairs=41,
        conflicting_duplicate_sets=0,
        conflicting_groups=0,
        given_splits=(),
        hazards=(
            Hazard(
                kind="shortcut",
                severity="warn",
                summary="All 1,113 images of mel have dx_type 'histo', while other labels have other values too: a model could learn who was biopsied (AUC of dx_type alone 0.76).",
            ),
            Hazard(
                kind="near_duplicates",
                severity="report",
                summary="41 pairs of images look almost the same; each pair stays in one part.",
            ),
        ),
        forecasts=(
            Forecast(label="mel", test_images=167, test_groups=92, auc_half_width=0.031, detectable_difference=0.024),
        ),
        seconds=71.0,
    )


@pytest.fixture(scope="session")
def study_record():
    roles = ColumnRoles(image="image_id", label="dx", group="lesion_id")
    point = OperatingPoint(fixed="sensitivity", at_least=0.85, positive="mel")
    constraints, guardrails = (
        (Constraint(metric="specificity[mel]", bound=0.8),),
        (Guardrail(metric="sensitivity[mel]", margin=0.05),),
    )
    spec = Spec(
        task="binary_classification",
        classes=(
            SpecClass(name="nv", labels=("nv",), description="ordinary mole"),
            SpecClass(name="mel", labels=("mel",), description="melanoma"),
        ),
        positive="mel",
        priorities=("mel",),
        primary="auroc",
        secondary=("sensitivity[mel]", "specificity[mel]"),
        operating_point=point,
        constraints=constraints,
        guardrails=guardrails,
        confounders=(Confounder(name="ruler", column="ruler"),),
        subgroups=(Subgroup(attribute="sex", column="sex"),),
    )
    tested = evaluation()
    return StudyRecord(
        study_id="melanoma-or-mole-20261120",
        request=Request(
            text=TEXT,
            images=Path("images"),
            table=Path("table.csv"),
            roles=roles,
            budget=Budget(rounds=8, minutes_per_round=1.5),
        ),
        read_back="## What I understood\n\nThe model tells **melanoma** from an *ordinary mole*.\n\n- Positive class: `mel`, because you wrote “melanoma”.\n- The other five labels of the table take no part.\n- At least 85% of melanomas are to be found; the threshold is chosen in validation.\n",
        profile=profile(roles),
        spec=spec,
        protocol=Protocol(
            spec_sha256="5" * 64,
            primary="auroc",
            higher_is_better=True,
            metrics=tuple(tested.metrics),
            constraints=constraints,
            guardrails=guardrails,
            operating_point=point,
            verdict_rule="one_standard_error",
            max_rounds=8,
            train_seconds=90.0,
            max_checkpoints=3,
            resamples_validation=2000,
            resamples_test=10000,
            seed=0,
        ),
        rounds=rounds(),
        evaluation=tested,
        ledger=LedgerFacts(
            seal_sha256="a" * 64,
            entries=4,
            anchored=True,
            sealed_at="2026-11-20T13:40:00+00:00",
            opened_at=tested.opened_at,
            head_sha256="b" * 64,
        ),
        environment=EnvironmentFacts(
            sandbox="docker", isolates=True, device="cpu", versions={"python": "3.11.9", "torch": "2.15.0"}
        ),
        ended_because="All 8 rounds were used.",
        splits={
            "train": SplitCount(images=5498, groups=4210),
            "validation": SplitCount(images=1160, groups=903),
            "test": SplitCount(images=1160, groups=874),
        },
        hashes={"final checkpoint": "f" * 64, "final code": "c" * 40},
    )
