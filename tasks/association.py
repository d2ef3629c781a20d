"""How strongly an attribute goes with the label: what a model could learn instead of looking at the picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from tasks.domain.profile import Attribute
from tasks.targets import partition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tasks.targets import Target

FEWEST_IMAGES = 20
"""A label, and all others together, need as many for an AUC."""

_FOLDS = 5
_BINS = 20
_PRIOR_CASES = 5
_MOST_VALUES_SHOWN = 12
_FEWEST_SHOWN = 3
_TRIVIAL_SHARE = 0.95
_MOST_CATEGORIES = 10
_MOST_IMAGES = 12_000
"""More do not make an AUC plainer, only slower."""


def measure(
    name: str, values: pd.Series[float] | pd.Series[str], targets: Sequence[Target], groups: NDArray[np.int64]
) -> Attribute:
    """Return an attribute with its association with the labels; a missing value counts as a value of its own.

    Args:
        name: Name of the column.
        values: Value of each image, numbers or text, shape (n_images,).
        targets: Labels or findings.
        groups: Number of the patient or lesion of each image, shape (n_images,); none is on both sides of a
            cross-validation.
    """
    is_numeric = pd.api.types.is_numeric_dtype(values) and values.nunique() > _MOST_CATEGORIES
    categories = as_text(values)
    numbers = np.asarray(values, dtype=np.float64) if is_numeric else np.empty(0, dtype=np.float64)
    quartiles, twentieths = (_bins(numbers, 4), _bins(numbers, _BINS)) if is_numeric else (codes_of(categories),) * 2
    shown = _five_numbers(numbers) if is_numeric else _frequent(categories)
    chosen = _sample(groups)
    auc, auc_label = _best_auc(twentieths[chosen], [target.of(chosen) for target in targets], groups[chosen])
    return Attribute(
        name=name,
        kind="numeric" if is_numeric else "categorical",
        missing=int(values.isna().sum()),
        values=shown,
        value_groups=() if is_numeric else _groups_of(shown, categories, groups),
        cramers_v=_cramers_v_with(quartiles, targets),
        auc=auc,
        auc_label=auc_label,
        determined=() if is_numeric else _determined(categories, targets),
    )


def as_text(values: pd.Series[float] | pd.Series[str]) -> pd.Series[str]:
    """Return the values as text, missing as NaN."""
    if not pd.api.types.is_numeric_dtype(values):
        return values.astype("str")
    return values.map("{:g}".format, na_action="ignore").astype("str")


def cramers_v(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """Return Cramer's V of two categorical variables, corrected for bias; nan if one of them never varies.

    Args:
        one: Codes from 0, shape (n,).
        other: Codes from 0, shape (n,).

    Source:
        Bergsma, Journal of the Korean Statistical Society 2013;42:323-328, section 3.
    """
    table = np.zeros((one.max() + 1, other.max() + 1))
    np.add.at(table, (one, other), 1)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    n, (rows, columns) = table.sum(), table.shape
    if min(rows, columns) < 2 or n < 2:
        return math.nan
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / n
    phi2 = float(((table - expected) ** 2 / expected).sum() / n)
    corrected = max(0.0, phi2 - (rows - 1) * (columns - 1) / (n - 1))
    size = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)) - 1
    return math.sqrt(corrected / size) if size > 0 else math.nan


def codes_of(values: pd.Series[str]) -> NDArray[np.int64]:
    """Return a number from 0 for each value, missing being the last."""
    codes = pd.factorize(values)[0].astype(np.int64)
    return np.where(codes < 0, codes.max(initial=-1) + 1, codes)


def folds_of(groups: NDArray[np.int64], number: int = _FOLDS) -> NDArray[np.int64]:
    """Return the fold of each image, shape (n_images,), at random by group."""
    names, group = np.unique(groups, return_inverse=True)
    return np.asarray(np.random.default_rng(0).permutation(len(names))[group] % number)


def _cramers_v_with(codes: NDArray[np.int64], targets: Sequence[Target]) -> float:
    """Return Cramer's V with the label, or with that of several findings with which it is largest."""
    exclusive = partition(targets)
    if exclusive is not None:
        return cramers_v(codes[exclusive >= 0], exclusive[exclusive >= 0])
    each = [
        cramers_v(codes[known], target.truth[known].astype(np.int64))
        for target in targets
        if (known := ~np.isnan(target.truth)).any()
    ]
    defined = [value for value in each if not math.isnan(value)]
    return max(defined, default=math.nan)


def _sample(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the images that the AUC is computed on: all, or about the largest number in whole groups."""
    if len(groups) <= _MOST_IMAGES:
        return np.arange(len(groups))
    parts = math.ceil(len(groups) / _MOST_IMAGES)
    return np.flatnonzero(folds_of(groups, parts) == 0)


def _bins(values: NDArray[np.float64], number: int) -> NDArray[np.int64]:
    """Return which of the equally filled bins a number lies in, missing being the last."""
    edges = np.unique(np.nanquantile(values, np.linspace(0, 1, number + 1)[1:-1]))
    return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="left")).astype(np.int64)


def _best_auc(codes: NDArray[np.int64], targets: Sequence[Target], groups: NDArray[np.int64]) -> tuple[float, str]:
    """Return the largest AUC of a label against the rest, and the label, of a model that knows the code alone."""
    if not len(codes) or codes.max() == codes.min():
        return math.nan, ""
    fold = folds_of(groups)
    aucs = {target.name: _auc_of(codes, target, fold) for target in targets if has_enough(target)}
    defined = {label: auc for label, auc in aucs.items() if not math.isnan(auc)}
    if not defined:
        return math.nan, ""
    best = max(defined, key=lambda label: defined[label])
    return defined[best], best


def has_enough(target: Target) -> bool:
    """Return whether there are enough images with and without a label for an AUC."""
    return min(int(target.present.sum()), int(target.absent.sum())) >= FEWEST_IMAGES


def _auc_of(codes: NDArray[np.int64], target: Target, fold: NDArray[np.int64]) -> float:
    known = ~np.isnan(target.truth)
    return _auc_alone(codes[known], target.present[known], fold[known])


def _auc_alone(codes: NDArray[np.int64], is_positive: NDArray[np.bool_], fold: NDArray[np.int64]) -> float:
    """Return the cross-validated AUC of the rate of positives among training images of the same code."""
    aucs, pairs = [], []
    for held_out in range(_FOLDS):
        test, train = fold == held_out, fold != held_out
        positives, negatives = int(is_positive[test].sum()), int((~is_positive[test]).sum())
        if not positives or not negatives:
            continue
        total = np.bincount(codes[train], minlength=codes.max() + 1)
        positive = np.bincount(codes[train], weights=is_positive[train], minlength=codes.max() + 1)
        rate = (positive + _PRIOR_CASES * is_positive[train].mean()) / (total + _PRIOR_CASES)
        ranks = rankdata(rate[codes[test]])
        right = ranks[is_positive[test]].sum() - positives * (positives + 1) / 2
        aucs.append(right / (positives * negatives))
        pairs.append(positives * negatives)
    return float(np.average(aucs, weights=pairs)) if pairs else math.nan


def _determined(values: pd.Series[str], targets: Sequence[Target]) -> tuple[tuple[str, str], ...]:
    """Return the labels, most frequent first, of which all images have one value that is far from universal among the others."""
    found = []
    for target in targets:
        own, others = values[target.present], values[target.absent]
        if len(own) < FEWEST_IMAGES or len(distinct := set(own)) != 1 or own.isna().any():
            continue
        value = str(distinct.pop())
        if len(others) and (others == value).mean() <= _TRIVIAL_SHARE:
            found.append((target.name, value))
    return tuple(found)


def _five_numbers(values: NDArray[np.float64]) -> tuple[tuple[str, int], ...]:
    return tuple((f"{value:g}", 0) for value in np.nanquantile(values, [0, 0.25, 0.5, 0.75, 1]))


def _groups_of(
    shown: tuple[tuple[str, int], ...], values: pd.Series[str], groups: NDArray[np.int64]
) -> tuple[int, ...]:
    """Return of how many patients or lesions each shown value is; the sum of the rare ones is of those with a rare value."""
    counted = pd.Series(groups, index=values.index).groupby(values).nunique()
    frequent = [value for value, _ in shown if counted.get(value, 0)]
    rare = len(set(groups[(values.notna() & ~values.isin(frequent)).to_numpy()]))
    return tuple(int(counted.get(value, rare)) for value, _ in shown)


def _frequent(values: pd.Series[str]) -> tuple[tuple[str, int], ...]:
    """Return the most frequent values; rare ones are summed up, since they may point to a person."""
    counts = values.value_counts()
    shown = counts[counts >= _FEWEST_SHOWN].head(_MOST_VALUES_SHOWN)
    rest = int(counts.sum() - shown.sum())
    return (*((str(value), int(count)) for value, count in shown.items()), *([("other", rest)] if rest else []))
