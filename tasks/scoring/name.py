"""The names of metrics: the only place that reads them and knows their direction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WHOLE = frozenset({"auroc", "f1_macro", "balanced_accuracy", "accuracy", "brier", "ece"})
"""Metrics of the whole task; `auroc` can also be asked for one class."""
ONE_CLASS = frozenset({"auroc", "average_precision", "sensitivity", "specificity", "f1"})
"""Metrics of one class against the others, written NAME[class]."""
READ_FROM_CURVE = frozenset({"sensitivity_at_specificity", "specificity_at_sensitivity"})
"""Metrics read from the ROC curve, written NAME_NN[class] with NN in percent, with one decimal where it takes one: 80 or 97.5."""
LOWER_IS_BETTER = frozenset({"brier", "ece"})

_NAME = re.compile(
    r"(?P<family>[a-z0-9_]+?)(?:_at_(?P<held>[a-z]+)_(?P<percent>[0-9]{2}(?:\.[0-9])?))?(?:\[(?P<of>.+)\])?", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class MetricName:
    """A metric name, taken apart."""

    family: str
    """One of `WHOLE`, `ONE_CLASS` or `READ_FROM_CURVE`."""
    of: str = ""
    """Class that it is for; empty for the whole task."""
    percent: float = 0.0
    """What is held, in percent, for metrics read from the curve; else 0."""


def read_name(name: str, classes: Sequence[str] | None = None) -> MetricName:
    """Return a metric name taken apart.

    Args:
        name: Such as `auroc`, `f1[mel]` or `sensitivity_at_specificity_80[mel]`.
        classes: Names of the classes of the task; None leaves the class unchecked.

    Raises:
        ValueError: There is no such metric, or the task has no such class; the message says what there is.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"unknown metric {name!r}; {_known()}")
    family, of = match["family"], match["of"] or ""
    if match["held"]:
        family = f"{family}_at_{match['held']}"
    percent = float(match["percent"] or 0)
    allowed = READ_FROM_CURVE if match["held"] else ONE_CLASS if of else WHOLE
    if family not in allowed or (family in READ_FROM_CURVE and not (of and percent)):
        raise ValueError(f"unknown metric {name!r}; {_known()}")
    if of and classes is not None and of not in classes:
        raise ValueError(f"metric {name!r} is for class {of!r}, but the classes are {', '.join(classes)}")
    return MetricName(family, of, percent)


def higher_is_better(name: str) -> bool:
    """Return whether a larger value of a metric is a better one.

    Raises:
        ValueError: There is no such metric.
    """
    return read_name(name).family not in LOWER_IS_BETTER


def _known() -> str:
    names = [*sorted(WHOLE), *(f"{name}[class]" for name in sorted(ONE_CLASS))]
    names += [f"{name}_NN[class]" for name in sorted(READ_FROM_CURVE)]
    return f"known are {', '.join(names)}, with NN from 01 to 99 percent, or with one decimal such as 97.5"
