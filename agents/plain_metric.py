"""Metric names in words that need no statistics."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agents import quoting

if TYPE_CHECKING:
    from tasks.domain.spec import Spec

_AT = re.compile(r"(sensitivity|specificity)_at_(sensitivity|specificity)_(\d+(?:\.\d)?)\[(.+)\]")
_AT_COVERAGE = re.compile(r"sensitivity_at_coverage_(\d+(?:\.\d)?)\[(.+)\]")
_OF_CLASS = re.compile(r"([a-z0-9_]+)\[(.+)\]")
_PLAIN = {
    "auroc": "how well the classes are told apart over all thresholds (AUROC: 0.5 is chance, 1 is perfect)",
    "accuracy": "the share of images that are named right (accuracy)",
    "balanced_accuracy": "the share of images that are named right, every class weighing the same (balanced accuracy)",
    "f1_macro": "the mean F1 of the classes",
    "brier": "how close the probabilities come to the truth (Brier score, lower is better)",
    "map50": "how well objects are found and placed (mean average precision, boxes that overlap by half)",
    "dice": "how well outlines cover those of people (Dice: 0 is apart, 1 is the same)",
    "mae": "by how much the number is off on average (mean absolute error, lower is better)",
    "quadratic_kappa": "how well grades agree, a miss by two grades weighing four times one by one (quadratic kappa)",
    "expected_cost": "the mean weight of the errors that are made (expected cost, lower is better)",
}


def plain_class(name: str, spec: Spec) -> str:
    """Return the plain words of a class."""
    return quoting.plain(next((item.description for item in spec.classes if item.name == name), name))


def plain_metric(name: str, spec: Spec) -> str:
    """Return a metric in words that need no statistics."""
    held = _AT.fullmatch(name)
    if held is not None:
        plain = plain_class(held[4], spec)
        if held[1] == "sensitivity":
            return f"the share of {plain} that is caught while {held[3]}% of the others are rightly left alone (sensitivity at {held[3]}% specificity)"
        return f"the share of the others that is rightly left alone while {held[3]}% of {plain} is caught (specificity at {held[3]}% sensitivity)"
    covered = _AT_COVERAGE.fullmatch(name)
    if covered is not None:
        return f"the share of {plain_class(covered[2], spec)} that is caught among the {covered[1]}% of images that the model decides"
    of_class = _OF_CLASS.fullmatch(name)
    if of_class is None:
        return _PLAIN.get(name, name.replace("_", " "))
    plain = plain_class(of_class[2], spec)
    return {
        "auroc": f"how well {plain} is told from the others (AUROC)",
        "sensitivity": f"the share of {plain} that is caught (sensitivity)",
        "specificity": f"the share of the others that is not called {plain} (specificity)",
        "average_precision": f"how well {plain} is ranked first (average precision)",
        "f1": f"the F1 of {plain}",
        "map50": f"how well {plain} is found and placed (average precision, boxes that overlap by half)",
        "dice": f"how well outlines of {plain} cover those of people (Dice)",
    }.get(of_class[1], f"{of_class[1].replace('_', ' ')} of {plain}")
