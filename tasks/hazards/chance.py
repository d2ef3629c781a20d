"""Whether what looks like a difference may be chance: patients or lesions are counted, and all that was tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency, mannwhitneyu

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.hazards.evidence import Evidence

UNLIKELY = 0.01


def first_of_each(evidence: Evidence, among: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """Return the first image of each patient or lesion, for those of one are not independent; shape (n_images,).

    Args:
        evidence: What is known of the images.
        among: The images of which it is the first, shape (n_images,); None means all.
    """
    numbers = np.arange(len(evidence.groups)) if among is None else np.flatnonzero(among)
    first = np.zeros(len(evidence.groups), dtype=bool)
    first[numbers[np.unique(evidence.groups[numbers], return_index=True)[1]]] = True
    return first


def table_may_be_chance(table: pd.DataFrame, *, tries: int) -> bool:
    """Return whether a table of patients or lesions may look so although rows and columns have nothing to do with each other.

    Args:
        table: Counts.
        tries: Number of tables of which this is one (Bonferroni).
    """
    kept = table.loc[table.sum(axis=1) > 0, table.sum(axis=0) > 0]
    return min(kept.shape) < 2 or bool(chi2_contingency(kept.to_numpy()).pvalue * max(1, tries) > UNLIKELY)


def difference_may_be_chance(
    is_it: NDArray[np.bool_], is_here: NDArray[np.bool_], is_there: NDArray[np.bool_], evidence: Evidence, *, tries: int
) -> bool:
    """Return whether something may be as frequent here as there; masks over all images.

    Of a patient or lesion the first image here, or there, is counted.
    """
    looked_at = first_of_each(evidence, is_here | is_there)
    return table_may_be_chance(pd.crosstab(is_it[looked_at], is_here[looked_at]), tries=tries)


def is_surely_lower(ones: NDArray[np.float64], others: NDArray[np.float64], *, tries: int = 1) -> bool:
    """Return whether the ones lie lower than the others, and not by chance (Mann-Whitney); of each patient or lesion one."""
    if not len(ones) or not len(others):
        return False
    return bool(mannwhitneyu(ones, others, alternative="less").pvalue * max(1, tries) <= UNLIKELY)
