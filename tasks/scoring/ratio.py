"""Division in which undefined is nan: no warning, and never 0 by accident."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def ratio(numerator: Floats, denominator: Floats, *, undefined: float = np.nan) -> Floats:
    """Return numerator / denominator of equal shape, and `undefined` where the denominator is 0."""
    out = np.full(np.shape(denominator), undefined)
    np.divide(numerator, denominator, out=out, where=denominator > 0)
    return out
