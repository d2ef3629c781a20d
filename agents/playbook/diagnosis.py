"""Why the incumbent falls short: read from its curves and errors, for the choice of the next move and as its reason."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.domain.round import Round

UNDERFIT, OVERFIT, EARLY_PEAK = "underfit", "overfit", "early_peak"
CONFUSION, WEAK_CLASS, UNUSED_BUDGET = "confusion", "weak_class", "unused_budget"

GAP = 0.4
"""Validation loss minus training loss, in parts of the classes' entropy, from which a network knows its images by heart."""
LARGE_CONFUSION = 0.2
"""Part of a class taken for one other class that is worth a word."""
UNUSED = 0.85
"""A run that took less of its budget than this left some of it."""
PEAK = 0.1
"""Fall of the primary metric from its best checkpoint to the last, in parts of the way to go, that is worth a word."""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One reason why a model is not better."""

    kind: str
    sentence: str


def fit_of(train_loss: float, validation_loss: float, entropy: float) -> float:
    """Return how a network stands between underfitting (-1) and overfitting (1); 0 where nothing is known.

    The gap between the two losses decides where the validation loss is known. Without a gap, a training loss that is still
    near that of guessing says underfit.

    Args:
        train_loss: Plain cross entropy at the end of training, in nats; nan if unknown.
        validation_loss: The same on validation; nan if unknown.
        entropy: Of the classes' frequencies: the loss of guessing.
    """
    if math.isnan(train_loss) or entropy <= 0:
        return 0.0
    from_training = max(-1.0, min(1.0, (0.5 - train_loss / entropy) * 4))
    if math.isnan(validation_loss):
        return from_training
    gap = (validation_loss - train_loss) / (GAP * entropy)
    return min(1.0, gap) if gap > 0.5 else min(0.0, from_training)


def shortfalls(
    incumbent: Round | None, *, fit: float, used: float, priorities: Sequence[str], higher_is_better: bool = True
) -> tuple[Shortfall, ...]:
    """Return why the incumbent falls short, the plainest reason first.

    Args:
        incumbent: The round whose code is being edited; None before the baseline has run.
        fit: See `fit_of`.
        used: Part of the time budget that its training took; nan if unknown.
        priorities: Classes that matter most.
        higher_is_better: Of the primary metric.
    """
    if incumbent is None:
        return ()
    found = []
    if used < UNUSED:
        found.append(Shortfall(UNUSED_BUDGET, f"training used only {used:.0%} of its time"))
    found += _fit_shortfall(incumbent, fit)
    peak = _early_peak(incumbent.curve, higher_is_better=higher_is_better)
    if peak:
        found.append(Shortfall(EARLY_PEAK, peak))
    for item in incumbent.confusions:
        if item.part >= LARGE_CONFUSION:
            kind = WEAK_CLASS if item.true in priorities else CONFUSION
            found.append(Shortfall(kind, f"{item.part:.0%} of '{item.true}' are taken for '{item.called}'"))
            break
    return tuple(found)


def _fit_shortfall(incumbent: Round, fit: float) -> list[Shortfall]:
    train, validation = incumbent.diagnostics.get("loss", math.nan), incumbent.validation_loss
    losses = f"training loss {train:.2f}, validation loss {validation:.2f}" if _numbers(train, validation) else ""
    if fit > 0.3:
        words = f"it fits its own images better than new ones ({losses})" if losses else "it knows its images by heart"
        return [Shortfall(OVERFIT, words)]
    if fit < -0.3:
        return [
            Shortfall(
                UNDERFIT, f"it has not finished learning ({losses})" if losses else "it has not finished learning"
            )
        ]
    return []


def _numbers(*values: object) -> bool:
    return all(isinstance(value, int | float) and math.isfinite(value) for value in values)


def _early_peak(curve: Sequence[float], *, higher_is_better: bool) -> str:
    """Return in words that the best checkpoint was not the last one; empty where it was, or nearly."""
    if len(curve) < 2 or not _numbers(*curve):
        return ""
    better = [value if higher_is_better else -value for value in curve]
    best = better.index(max(better))
    way = 1 - curve[best] if higher_is_better else curve[best]
    fall = better[best] - better[-1]
    if fall <= PEAK * max(1e-3, way):
        return ""
    return f"checkpoint {best + 1} of {len(curve)} was the best one, by {fall:.3f} before the last"
