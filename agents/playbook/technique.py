"""A published technique as data: when it suits, how strong it can be, what it should bring, and how it edits code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agents.playbook.draft import Draft
    from agents.playbook.reading import Reading

    Settings = Mapping[str, float | str]


@dataclass(frozen=True, slots=True)
class Rung:
    """One strength of a technique."""

    title: str
    """A few plain words: 'focal loss, gamma 2'."""
    settings: Settings = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gain:
    """What is believed of a technique before it is tried here: a normal distribution.

    Both in parts of the way that the metric still has to go (0.1: from 0.90 to 0.91 of an AUC), which carries over from
    one study to another better than points.
    """

    mean: float
    spread: float


@dataclass(frozen=True, slots=True)
class Range:
    """Where a setting may lie; the search within it is Optuna's."""

    low: float
    high: float
    log: bool = False
    """True where factors count rather than differences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Technique:
    """One entry of the playbook; the texts are read by a research engineer."""

    name: str
    """Stable over rounds: 'focal_loss'."""
    theme: str
    """What it works on: `preparation`, `augmentation`, `schedule`, `regularisation`, `imbalance`, `capacity` or `ensembling`."""
    source: str
    """Publication."""
    expected: str
    """The effect to look for, one sentence."""
    gains: Mapping[str, Gain]
    """Prior by kind of metric: `ranking` (AUC), `decision` (F1, balanced accuracy) or `calibration` (Brier, ECE)."""
    ladder: Callable[[Reading], tuple[Rung, ...]]
    """Strengths from gentle to strong, for this study."""
    unsuited: Callable[[Reading], str]
    """Why it must not be tried now; empty if it may."""
    why: Callable[[Reading], str]
    """The facts that speak for it now, one or two sentences."""
    apply: Callable[[Draft, Settings], None]
    """The edit; raises `SeamMissing` where the code has no place for it."""
    underfit: float = 1.0
    """The prior gain is multiplied by this where the network underfits, ..."""
    overfit: float = 1.0
    """... and by this where it overfits; in between in proportion."""
    again: float = 0.3
    """Part of the prior gain that is believed to be left for a further rung, once the first is in use."""
    changes_loss: bool = False
    """True if training losses before and after cannot be compared."""
    companions: frozenset[str] = frozenset()
    """Techniques that belong with it, so that they may share a round (each names the other)."""
    rests_on: str = ""
    """A technique without which this one brings little: then the prior gain is a third."""
    overlaps: str = ""
    """A technique that brings most of the same: once it is kept, the prior gain is a third."""
    opposite: str = ""
    """A technique that is likely to help where this one hurts."""
    remedies: frozenset[str] = frozenset()
    """Shortfalls (see `agents.playbook.diagnosis`) that it is a remedy for: then the prior gain is half as large again."""
    ranges: Mapping[str, Range] = field(default_factory=dict)
    """Settings that may be tuned once a rung of the ladder has shown promise."""
    worded: str = ""
    """Title of tuned settings, as a format string: 'focal loss, gamma {focal_gamma:g}'; needed where there are ranges."""
