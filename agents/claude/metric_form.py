"""Metric names as a form: which families there are, what each needs, and the name that Rounds gives it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

from agents.claude.spec_form import Family, MetricForm
from tasks.domain.spec import DETECTION, REGRESSION, SEGMENTATION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WHOLE = frozenset(
    {
        "auroc",
        "f1_macro",
        "balanced_accuracy",
        "accuracy",
        "brier",
        "ece",
        "expected_cost",
        "quadratic_kappa",
        "mae",
        "rmse",
    }
    | {"abstention_rate", "gross_error_rate", "mcc", "dice", "map50"}
)
"""Of the whole task."""
ONE_CLASS = frozenset(
    {
        "auroc",
        "average_precision",
        "sensitivity",
        "specificity",
        "f1",
        "flag_rate",
        "dice",
        "map50",
        "recall_iou50",
        "precision_iou50",
    }
    | {"f1_iou50", "false_positives_per_image", "ppv", "npv", "mcc"}
)
"""Of one class against the others."""
HELD = {
    "sensitivity_at_specificity": "percent of specificity",
    "specificity_at_sensitivity": "percent of sensitivity",
    "sensitivity_at_coverage": "percent of images that the model decides",
    "recall_at_fp_per_image": "false positives per image",
}
"""Of one class while something is held, and what."""
UNBOUNDED = frozenset({"mae", "rmse", "expected_cost", "false_positives_per_image"})
"""Those that can be more than 1."""
OF_TASK = {
    DETECTION: frozenset(
        {"map50", "recall_iou50", "precision_iou50", "f1_iou50", "recall_at_fp_per_image", "false_positives_per_image"}
    ),
    SEGMENTATION: frozenset({"dice"}),
    REGRESSION: frozenset({"mae", "rmse"}),
}
"""What can be primary where it is not one of the metrics of classes."""

_NAME = re.compile(
    rf"(?P<family>{'|'.join(sorted(get_args(Family), key=len, reverse=True))})(?:_(?P<held>[0-9.]+))?(?:\[(?P<of>.+)\])?",
    re.DOTALL,
)


def name_of(form: MetricForm) -> str:
    """Return the name of a metric, such as `auroc`, `f1[mel]` or `sensitivity_at_specificity_80[mel]`."""
    held = ""
    if form.held is not None:
        whole = form.held == int(form.held)
        percent = f"{int(form.held):02d}" if whole else f"{form.held:04.1f}"
        held = f"_{form.held:g}" if form.family == "recall_at_fp_per_image" else f"_{percent}"
    return f"{form.family}{held}[{form.of}]" if form.of else f"{form.family}{held}"


def form_of(name: str) -> MetricForm:
    """Return the form of a metric's name.

    Raises:
        ValueError: There is no form for it.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"there is no form for the metric {name!r}")
    held = float(match["held"]) if match["held"] else None
    return MetricForm.model_validate({"family": match["family"], "of": match["of"] or "", "held": held})


def problems_of(form: MetricForm, classes: Sequence[str], where: str) -> Iterator[str]:
    """Yield what is wrong with a metric."""
    if form.of and form.of not in classes:
        yield f"{where}: {form.family} is of {form.of!r}, which is no class; classes are {', '.join(classes) or 'none'}"
    if form.family in HELD:
        if not form.of or form.held is None:
            yield f"{where}: {form.family} needs a class in `of`, and in `held` the {HELD[form.family]}"
        elif not 0 < form.held < 100:
            yield f"{where}: `held` of {form.family} is the {HELD[form.family]}, such as 80; it cannot be {form.held:g}"
        return
    if form.held is not None:
        yield f"{where}: {form.family} holds nothing, so `held` is null"
    if form.of and form.family not in ONE_CLASS:
        yield f"{where}: {form.family} is of the whole task, so `of` is empty"
    if not form.of and form.family not in WHOLE:
        yield f"{where}: {form.family} is of one class, so `of` names it"
