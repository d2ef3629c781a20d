"""Numbers, p-values, metrics and classes in plain words; the only place that decides how they are printed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tasks.scoring.name import read_name

if TYPE_CHECKING:
    from tasks.domain.evaluation import Difference, Estimate
    from tasks.domain.spec import Spec

MINUS = "\N{MINUS SIGN}"
_FAMILIES = {
    "auroc": "AUC",
    "average_precision": "Average precision",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "f1": "F1",
    "f1_macro": "Mean F1",
    "balanced_accuracy": "Balanced accuracy",
    "accuracy": "Accuracy",
    "brier": "Brier score",
    "ece": "Calibration error (ECE)",
    "sensitivity_at_specificity": "Sensitivity at % specificity",
    "specificity_at_sensitivity": "Specificity at % sensitivity",
}


def class_words(name: str, spec: Spec) -> str:
    """Return the plain words for a class, or its name if the spec has no such class."""
    return next((item.description or item.name for item in spec.classes if item.name == name), name)


def metric_words(name: str, spec: Spec) -> str:
    """Return the plain words for a metric: 'Sensitivity at 80% specificity for melanoma'.

    Raises:
        ValueError: There is no such metric.
    """
    metric = read_name(name)
    words = _FAMILIES[metric.family].replace("%", f"{metric.percent:g}%")
    if metric.of:
        return f"{words} for {class_words(metric.of, spec)}"
    return f"Mean {words}" if metric.family == "auroc" and len(spec.classes) > 2 else words


def in_sentence(words: str) -> str:
    """Return words as they stand within a sentence: 'Mean AUC' -> 'mean AUC', while 'AUC' stays."""
    return words if words[:2].isupper() or words[1:2].isdigit() else words[:1].lower() + words[1:]


def number(value: float, digits: int = 3) -> str:
    """Return a value with a fixed number of digits, or 'undefined'."""
    return "undefined" if math.isnan(value) else f"{value:.{digits}f}"


def signed(value: float, digits: int = 3) -> str:
    """Return a difference with its sign, or 'undefined'; a difference that rounds to nothing carries none."""
    if math.isnan(value):
        return "undefined"
    return f"{value:+.{digits}f}".replace("-", MINUS) if round(value, digits) else f"{0:.{digits}f}"


def p_words(p: float) -> str:
    """Return a p-value as printed: three decimals, '< 0.001' below that, never 0, and on the right side of 0.05."""
    if math.isnan(p):
        return "undefined"
    if p < 0.001:
        return "< 0.001"
    if min(p, 1.0) >= 0.9995:
        return "1.000"
    return f"{p:.4f}" if round(p, 3) == 0.05 and p != 0.05 else f"{p:.3f}"


def p_equation(p: float) -> str:
    """Return 'p = 0.032', 'p < 0.001' or 'p undefined'."""
    words = p_words(p)
    return f"p {words}" if words.startswith(("<", "u")) else f"p = {words}"


def interval(estimate: Estimate | Difference, digits: int = 3, *, sign: bool = False) -> str:
    """Return '0.912 to 0.950', or 'undefined' if either end is."""
    if math.isnan(estimate.low) or math.isnan(estimate.high):
        return "undefined"
    form = signed if sign else number
    return f"{form(estimate.low, digits)} to {form(estimate.high, digits)}"


def chance_range(estimate: Estimate) -> str:
    """Return the 95% interval of a proportion in percent: the exact one where it is known, else the bootstrap's."""
    low, high = (
        (estimate.low, estimate.high) if math.isnan(estimate.exact_low) else (estimate.exact_low, estimate.exact_high)
    )
    return f"{percent(low)} to {percent(high)}"


def percent(value: float) -> str:
    """Return a share as a percentage without decimals, or with one near the ends, where it matters."""
    if math.isnan(value):
        return "undefined"
    near_an_end = 0 < value < 0.015 or 0.985 < value < 1
    return f"{100 * value:.{int(near_an_end)}f}%"


def count(number_of: int, one: str, many: str | None = None) -> str:
    """Return '1 image' or '1,503 images'."""
    return f"{number_of:,} {one if number_of == 1 else many or one + 's'}"


def why_undefined(name: str, warnings: tuple[str, ...], class_counts: dict[str, int]) -> str:
    """Return the reason why a metric is undefined, as far as it is recorded."""
    wanted = read_name(name).of
    if wanted and class_counts.get(wanted, 0) == 0:
        return f"no test case of class {wanted}"
    absent = [label for label, cases in class_counts.items() if cases == 0]
    if absent:
        return f"no test case of class {', '.join(absent)}"
    return "; ".join(warnings) or "it cannot be computed on this sample"


def seconds_words(seconds: float) -> str:
    """Return a duration as people say it: '45 s', '12 min', '3.5 h'."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
